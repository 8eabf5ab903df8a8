# amaranth: UnusedElaboratable=no
"""The controller of a memory chip: golden model, Verilog, and a chip that knows its times."""

import random
from dataclasses import asdict

import numpy as np
import pytest

from hwgen.arch.sdram import ALL_BANKS, CHIPS, MODE, cycles_of, geometry_of
from hwgen.arch.sdram import SdramCommand as Command
from hwgen.golden.external.sdram import Sdram as Golden
from hwgen.rtl.external.sdram import Sdram

from ...cases import quick
from ...formal import prove
from ...mutation import mutant
from .spec_sdram import SdramSpec

pages = pytest.importorskip("sim.external.pages")
regression = pytest.importorskip("sim.regression")
Operation = pages.Operation

SMALL = {"width": 8, "words": 16, "row_bits": 3, "column_bits": 5, "activate": 2, "precharge": 3,
         "refresh": 4, "recovery": 2, "mode": 2, "refresh_every": 50, "power_up": 10}


def test_model():
    """Worked out by hand: PRECHARGE is on the pins in cycle 10, eight REFRESHes follow, and MODE.

    That is in cycle 45, and given a cycle before: requests are taken from 46 on. The last REFRESH
    was given in cycle 40, and the next one is due at 90.
    """
    golden = Golden(**SMALL)
    words = np.arange(16)
    assert golden.request(0b101_1_10, words, at=3)[:2] == (46, 48)
    # 2 from ACTIVATE to WRITE, 16 words, 2 from the last one to PRECHARGE, 3 behind that.
    assert golden.request(0b101_1_10)[:2] == (68, 68 + 2 + 3 + 2)
    # At 68 + 2 + 16 + 3; then the refresh takes 4, and the next one is due at 140.
    read = golden.request(0b101_1_10, at=90)
    assert read[:2] == (94, 101) and read.words.tolist() == words.tolist()
    assert not golden.idle(123) and golden.idle(124)  # the word may have come 12 cycles later
    assert golden.restart(at=130) == 130 and golden.due == 180
    assert golden.free_from(131) == 134 and golden.free_from(180) == 184
    row = 0b101
    page = [(0, Command.ACTIVATE, 2, row), (2, Command.WRITE, 2, 16), (10, Command.WRITE, 2, 24),
            (19, Command.PRECHARGE, 2, ALL_BANKS)]
    reads = [(0, Command.ACTIVATE, 2, row), (2, Command.READ, 2, 16), (10, Command.READ, 2, 24),
             (18, Command.PRECHARGE, 2, ALL_BANKS)]
    assert [tuple(given) for given in golden.commands(182)] == [
        (10, Command.PRECHARGE, 0, ALL_BANKS),
        *((13 + 4 * number, Command.REFRESH, 0, 0) for number in range(8)),
        (45, Command.MODE, 0, MODE),
        *((47 + cycle, *rest) for cycle, *rest in page),
        *((69 + cycle, *rest) for cycle, *rest in reads), (91, Command.REFRESH, 0, 0),
        *((95 + cycle, *rest) for cycle, *rest in reads),
        (131, Command.REFRESH, 0, 0), (181, Command.REFRESH, 0, 0)]


COCOTB = {
    "small": SMALL,
    "as it is": {},
    "32 bits": {**geometry_of("GW2AR-18"), **asdict(cycles_of("GW2AR-18", 60))},
    "two pages a row": {**geometry_of("AS4C32M16"), **asdict(cycles_of("AS4C32M16", 100))},
    # Three refreshes are due behind each page.
    "hot and slow": {**geometry_of("IS42S16160"), **asdict(cycles_of("IS42S16160", 50, hot=True))},
    "one burst": SMALL | {"words": 8, "column_bits": 3, "recovery": 5, "refresh_every": 6},
}


@pytest.mark.parametrize("name", quick(COCOTB, "small"))
def test_verilog_matches_model(name, tmp_path):
    regression.simulate_unit("sdram", tmp_path, **COCOTB[name]).check()


def any_operations(rng, chip, count, *, restarts=0):
    """Return operations that write so many pages of a chip and read each back, with few pauses."""
    left, written, found = rng.sample(range(CHIPS[chip].pages), count), [], []
    while left or written:
        pause = rng.choice([0] * 20 + [rng.randrange(3000)])
        if left and (not written or rng.random() < 0.5):
            written.append(left.pop())
            found.append(Operation("write", written[-1], pause))
        else:
            read = written.pop(rng.randrange(len(written)))
            found.append(Operation("read", read, pause))
        if rng.random() * count < restarts:
            found.append(Operation("restart", 0, rng.randrange(3000)))
    return found


def golden_cycles(golden, operations):
    """Return the cycles in which operations are taken, and those of their first words."""
    found, cycle = [], 0
    for kind, page, pause in operations:
        if kind == "restart":
            found.append((golden.restart(at=cycle + pause), 0))
        else:
            found.append(golden.request(page, np.zeros(0) if kind == "write" else None,
                                        at=cycle + pause)[:2])
        cycle = found[-1][0] + 1
    return found


def check_pages(chip, clock_mhz, count, *, hot=False, delay=0, **options):
    """Play operations on a chip; words, times and cycles are as they should be."""
    rng = random.Random(f"{chip} {clock_mhz} {hot}")
    operations = any_operations(rng, chip, count, restarts=20)
    played = pages.play(chip, clock_mhz, operations, hot=hot, delay=delay, capture=delay,
                        **options)
    assert played.fault == "" and played.wrong == 0
    golden = Golden(**geometry_of(chip), **asdict(cycles_of(chip, clock_mhz, hot=hot)),
                    capture=delay)
    assert played.cycles == golden_cycles(golden, operations)
    return played, golden


def test_pages():
    """Each command is as the golden model has it, too, and at the times that the chip wants."""
    played, golden = check_pages("IS42S16160", 110, 60, trace=True)
    told = [*golden.commands(played.commands[-1].cycle + 1)]
    assert [given[:2] for given in told] == [given[:2] for given in played.commands]


@pytest.mark.slow
@pytest.mark.parametrize("clock_mhz", [100, 110, 133])
@pytest.mark.parametrize("chip", ["IS42S16160", "MT48LC16M16", "AS4C32M16"])
def test_10_000_pages(chip, clock_mhz):
    check_pages(chip, clock_mhz, 10_000, optimise=2)


@pytest.mark.slow
@pytest.mark.parametrize("hot", [False, True])
@pytest.mark.parametrize("clock_mhz", [6, 25, 66.6, 130])
@pytest.mark.parametrize("chip", CHIPS)
def test_pages_of_all_chips(chip, clock_mhz, hot):
    """At any clock, and where refreshes are due twice as often; words may come later."""
    check_pages(chip, clock_mhz, 500, hot=hot, delay=int(clock_mhz) % 8)


@pytest.mark.parametrize("capture", [1, 3])
def test_wrong_capture(capture):
    """Words that are taken a cycle too soon or too late are not those of the page."""
    operations = [Operation("write", 5), Operation("read", 5)]
    assert pages.play("IS42S16160", 110, operations, delay=2, capture=2).wrong == 0
    assert pages.play("IS42S16160", 110, operations, delay=2, capture=capture).wrong >= 511


TOO_SMALL = {"activate": "tRCD", "precharge": "tRP", "refresh": "tRFC", "recovery": "tWR",
             "mode": "tMRD", "power_up": "power_up", "refresh_every": "interval"}
"""By the times of a controller, the rule of the chip that is broken if they are wrong by one."""


def check_too_small(chip, clock_mhz, name):
    """Times that are a cycle too small are noticed, and refreshes that come too seldom."""
    cycles, facts = asdict(cycles_of(chip, clock_mhz)), CHIPS[chip]
    seldom = int(facts.refresh_ms * 1000 * clock_mhz) // facts.refreshes + 1
    # A refresh that is late by less than a cycle each time is late by a page after many.
    operations = [Operation("write", 5), Operation("read", 6),
                  Operation("read", 5, 2_500_000 * (name == "refresh_every"))]
    right = pages.play(chip, clock_mhz, operations)
    wrong = pages.play(chip, clock_mhz, operations, wrong={
        name: seldom if name == "refresh_every" else cycles[name] - 1})
    assert (right.fault, wrong.fault) == ("", TOO_SMALL[name])


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name == "recovery" else [pytest.mark.slow])
    for name in TOO_SMALL])
def test_time_too_small(name):
    check_too_small("IS42S16160", 110, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", TOO_SMALL)
@pytest.mark.parametrize("chip, clock_mhz", [
    ("IS42S16160", 133), ("MT48LC16M16", 110), ("MT48LC16M16", 133), ("AS4C32M16", 100),
    ("AS4C32M16", 133), ("W9825G6", 133), ("GW2AR-18", 110)])
def test_time_too_small_of_others(chip, clock_mhz, name):
    check_too_small(chip, clock_mhz, name)


TINY = {"width": 1, "words": 8, "row_bits": 1, "column_bits": 4, "activate": 2, "precharge": 2,
        "refresh": 3, "recovery": 2, "mode": 2, "refresh_every": 9, "power_up": 2}
SPECS = {
    "tiny": TINY,
    "least": TINY | {"refresh": 1, "refresh_every": 3, "power_up": 1, "mode": 1, "recovery": 1},
    "seldom": TINY | {"recovery": 1, "mode": 5, "refresh_every": 60},
    "longer": TINY | {"words": 16, "activate": 3, "precharge": 4, "recovery": 4, "refresh": 5,
                      "refresh_every": 30, "power_up": 7, "mode": 3, "width": 2, "row_bits": 2},
}


@pytest.mark.formal
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name == "tiny" else [pytest.mark.slow]) for name in SPECS])
def test_contract(name, tmp_path):
    """Whatever is requested, for ever."""
    prove(SdramSpec(**SPECS[name]), tmp_path, depth=6, always=True)


DEFECTS = [
    ("act(SdramCommand.ACTIVATE, self.activate,", "act(SdramCommand.ACTIVATE, 1,"),
    ("self.request.ready.eq(waits & ~due & ~self.restart)",
     "self.request.ready.eq(waits & ~due)"),
    ("due.eq(tick | owed.any())", "due.eq(tick)"),
    ("self.recovery - 2, -1", "self.recovery - 3, -1"),
    ("with m.If(word.all())", "with m.If(word[1:].all())"),
    ("self.address.eq(Cat(word, high))", "self.address.eq(word)"),
    ("restarts.eq(self.restart & self.idle)", "restarts.eq(self.restart & waits)"),
    ("left.eq(cycles - 2)", "left.eq(cycles - 1)"),
]


@pytest.mark.formal
@pytest.mark.parametrize("right, wrong", [
    pytest.param(*defect, marks=[pytest.mark.slow] * (number > 0))
    for number, defect in enumerate(DEFECTS)])
def test_contract_can_fail(right, wrong, tmp_path):
    """The proof of a controller with a defect does not go through."""
    with pytest.raises(AssertionError, match="proof did fail"):
        prove(SdramSpec(mutant(Sdram, right, wrong), **TINY), tmp_path, depth=6, always=True)


@pytest.mark.parametrize("options, kind, message", [
    ({"refresh": 0}, TypeError, "^refresh must be a positive integer, not 0$"),
    ({"width": 16.0}, TypeError, "^width must be a positive integer, not 16.0$"),
    ({"words": 24}, ValueError, "^words must be a power of two, 8 to the 32 of a row, not 24$"),
    ({"words": 64}, ValueError, "^words must be a power of two, 8 to the 32 of a row, not 64$"),
    ({"words": 4}, ValueError, "^words must be a power of two, 8 to the 32 of a row, not 4$"),
    ({"row_bits": 14}, ValueError, "^row_bits must be at most 13, .*, not 14 and 5$"),
    ({"column_bits": 11}, ValueError, "^row_bits must be at most 13, .*, not 3 and 11$"),
    ({"activate": 1}, ValueError, "^activate and precharge must be at least 2, .*, not 1 and 3$"),
    ({"refresh_every": 5}, ValueError, "^refresh_every must be at least 6, two more than refresh"),
])
def test_wrong(options, kind, message):
    with pytest.raises(kind, match=message):
        Sdram(**SMALL | options)
