# amaranth: UnusedElaboratable=no
"""The stream of pages into a ring: its golden model, and runs of steps that it predicts exactly."""

import random
from dataclasses import asdict

import numpy as np
import pytest

from hwgen.arch.sdram import Cycles, cycles_of, geometry_of
from hwgen.golden.external.page_stream import PageStream as Golden
from hwgen.golden.external.page_stream import RingStep as Step
from hwgen.golden.external.sdram import Sdram
from hwgen.rtl.external.page_stream import PageStream

from ...cases import quick
from ...formal import prove
from ...mutation import mutant
from .spec_page_stream import PageStreamSpec

streams = pytest.importorskip("sim.external.streams")
pages = pytest.importorskip("sim.external.pages")
regression = pytest.importorskip("sim.regression")

SMALL = {"width": 8, "words": 16, "row_bits": 3, "column_bits": 4}
CYCLES = Cycles(activate=2, precharge=3, refresh=4, recovery=2, mode=2, refresh_every=50,
                power_up=10)


def golden(ring=8):
    """Return a stream of four words a page; its memory is idle from cycle 46 on."""
    return Golden(Sdram(**SMALL, **asdict(CYCLES)), ratio=4, ring=ring)


def test_model():
    """Worked out by hand: two pages fit, and the third one waits for the first four words.

    The run starts in cycle 46 with a refresh, which takes 4; the next one is due at 96. A page
    takes 21 cycles, and its first word comes after 7; a word of the ring has four, and two cycles
    go by until it is there.
    """
    steps = [Step(1, 10, 0), Step(3, 20, 4), Step(4, 1, 0), Step(2, 5, 6)]
    run = golden().run(3, 3, steps)
    # Pages at 50 and 71; at 92 the memory is free, and there is room behind the second step.
    first = 50 + 7 + 4 + 1
    assert run.started == 46 and run.begins[:2] == [first, first + 12]
    assert run.begins[1] == 74 and 74 + 20 - 1 == 93  # the room is seen a cycle later
    assert run.pages == [50, 71, 94]
    assert run.begins[2] == 71 + 7 + 16 + 1 == 95
    # The third page's second word; the refresh that is due at 96 waits for the page.
    assert run.begins[3] == 94 + 7 + 8 + 1 == 110
    assert run.ends == 114
    assert run.stalls == (62 - 47) + (74 - 72) + (95 - 94) + (110 - 96)


@pytest.mark.parametrize("steps, pages, message", [
    ([Step(6, 1, 0)], 2, "^a step waits for ever for word 5: of 2 pages, and 4 words of the ring$"),
    ([Step(5, 1, 5)], 1, "^a step waits for ever for word 4: of 1 pages, and 8 words of the ring$"),
])
def test_waits_for_ever(steps, pages, message):
    ring = 4 if "and 4" in message else 8
    with pytest.raises(ValueError, match=message):
        golden(ring).run(0, pages, steps)


def check_runs(seed, count, *, ring, ratio, geometry, cycles, model, filled=48):
    """Play random runs; steps begin and end when the golden model says, with the words of pages."""
    rng = random.Random(f"{seed} {ring} {ratio}")
    page = geometry["words"] // ratio
    asked = [streams.any_run(rng, ring, page, filled) for _ in range(count)]
    counted, fault = streams.play_runs(asked, filled=filled, ratio=ratio, ring=ring,
                                       geometry=geometry, cycles=cycles, model=model)
    memory = Sdram(**geometry, **asdict(cycles))
    for number in range(filled):
        last = memory.request(number, np.zeros(0))
    stream, cycle, stalls = Golden(memory, ratio=ratio, ring=ring), last.first + memory.words, 0
    for run, found in zip(asked, counted, strict=True):
        told = stream.run(*run[1:], at=cycle + run.pause)
        assert found == (told.started, told.begins, told.ends, 0)
        cycle, stalls = told.ends + 2, stalls + told.stalls
    assert fault == "" and stalls > 0


MODEL = {"WIDTH": 16, "ROW_BITS": 4, "COLUMN_BITS": 6, "ADDRESS_BITS": 11, "KHZ": 100_000,
         "REFRESHES": 64, "T_RCD": 30_000, "T_RP": 30_000, "T_RFC": 80_000, "T_WR": 30_000,
         "T_MRD": 20_000, "T_RAS_MAX": 1_000_000_000, "T_REF": 64 * 1_500_000, "T_LATE": 720_000}
"""A chip with pages of 64 words, at 100 MHz: many of them, and refreshes, in few cycles."""
MANY = {"geometry": {"width": 16, "words": 64, "row_bits": 4, "column_bits": 6}, "model": MODEL,
        "cycles": Cycles(activate=3, precharge=3, refresh=8, recovery=3, mode=2,
                         refresh_every=150, power_up=40)}


def test_runs():
    """At any phase of the refresh timer."""
    check_runs(1, 40, ring=64, ratio=4, **MANY)


@pytest.mark.slow
@pytest.mark.parametrize("ring, ratio", [(32, 4), (256, 4), (16, 8), (128, 1), (64, 16)])
def test_many_runs(ring, ratio):
    check_runs(2, 200, ring=ring, ratio=ratio, **MANY)


@pytest.mark.slow
@pytest.mark.parametrize("chip, clock_mhz, ratio, ring", [
    ("IS42S16160", 110, 8, 4096), ("IS42S16160", 133, 8, 256), ("AS4C32M16", 100, 4, 1024),
    ("GW2AR-18", 60, 4, 512), ("GW2AR-18", 110, 1, 1024), ("IS42S16160", 50, 8, 512)])
def test_runs_of_chips(chip, clock_mhz, ratio, ring):
    """Pages of 1 KiB, in the times of chips."""
    cycles = cycles_of(chip, clock_mhz)
    check_runs(3, 50, ring=ring, ratio=ratio, geometry=geometry_of(chip), cycles=cycles,
               model=pages.model_of(chip, clock_mhz, cycles, 0, False))


COCOTB = {
    "small": {"words": 64, "ratio": 4, "ring": 64, "page_bits": 6},
    "as it is": {},
    "32 bits": {"width": 32, "words": 256, "ratio": 4, "ring": 512},
    "a word a page": {"words": 16, "ratio": 16, "ring": 16, "page_bits": 3},
}


@pytest.mark.parametrize("name", quick(COCOTB, "small"))
def test_verilog_matches_model(name, tmp_path):
    regression.simulate_unit("page_stream", tmp_path, **COCOTB[name]).check()


TINY = {"width": 1, "ratio": 2, "words": 4, "ring": 4, "page_bits": 2}
SPECS = {"tiny": TINY, "whole words": TINY | {"ratio": 1, "ring": 16, "words": 8},
         "wide": TINY | {"ratio": 4, "words": 8, "width": 2, "ring": 8}}


@pytest.mark.formal
@pytest.mark.parametrize("name", SPECS)
def test_contract(name, tmp_path):
    """Whatever comes, for ever."""
    prove(PageStreamSpec(PageStream(**SPECS[name])), tmp_path, depth=6, always=True)


@pytest.mark.formal
@pytest.mark.parametrize("right, wrong", [
    ("Mux(taken, self.page, 0)", "Mux(taken, self.page - 1, 0)"),
    ("lacks - write.enable", "lacks - self.i_valid"),
    ("(left != 0) & ~room[-1]", "(left != 0)"),
    ("lacks.eq(self.brings - 1)", "lacks.eq(self.brings)"),
    ("self.i_valid & part.all()", "part.all()"),
])
def test_contract_can_fail(right, wrong, tmp_path):
    """The proof of a stream with a defect does not go through."""
    with pytest.raises(AssertionError, match="proof did fail"):
        prove(PageStreamSpec(mutant(PageStream, right, wrong)(**TINY)), tmp_path, depth=6,
              always=True)


@pytest.mark.parametrize("options, kind, message", [
    ({"width": 0}, TypeError, "^width must be a positive integer, not 0$"),
    ({"ratio": 3}, ValueError, "^ratio must be a power of two, not 3$"),
    ({"ratio": 32}, ValueError, "^words must be at least the 32 of a word of the ring, not 16$"),
    ({"ring": 4}, ValueError, "^ring must be at least two pages, 8 words, not 4$"),
])
def test_wrong(options, kind, message):
    with pytest.raises(kind, match=message):
        PageStream(**{"width": 8, "ratio": 4, "words": 16, "ring": 8, "page_bits": 3} | options)
