"""Memory chips, and the cycles of their times."""

from dataclasses import asdict
from fractions import Fraction

import pytest

from hwgen.arch.sdram import CHIPS, PAGE_BYTES, Cycles, cycles_of, geometry_of
from hwgen.errors import UserError
from hwgen.rtl.external.sdram import Sdram

TIMES = {"activate": "tRCD", "precharge": "tRP", "refresh": "tRFC", "recovery": "tWR",
         "mode": "tMRD"}


@pytest.mark.parametrize("name, clock_mhz, expected", [
    # 20 ns are 2.2 cycles of 110 MHz, and so are 3; 70 are 7.7, 14 are 1.54; 7.8125 us are 859.4.
    ("IS42S16160", 110, (3, 3, 8, 3, 2, 859, 22000)),
    ("IS42S16160", 100, (2, 2, 7, 2, 2, 781, 20000)),
    ("MT48LC16M16", 133, (3, 3, 9, 2, 2, 1038, 26600)),
    ("AS4C32M16", 110, (3, 3, 7, 2, 2, 859, 22000)),
    ("W9825G6", 166, (3, 3, 10, 3, 2, 1296, 33200)),
    ("GW2AR-18", 66.6, (2, 2, 5, 2, 2, 1040, 13320)),
])
def test_cycles(name, clock_mhz, expected):
    """Worked out by hand."""
    assert tuple(asdict(cycles_of(name, clock_mhz)).values()) == expected


def test_hot():
    """Twice as many refreshes, and nothing else."""
    cool, hot = (asdict(cycles_of("IS42S16160", 110, hot=hot)) for hot in (False, True))
    assert cool.pop("refresh_every") == 859 and hot.pop("refresh_every") == 429
    assert cool == hot


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("clock_mhz", [6, 25, 27, 66.6, 100, 110, 133, 133.333])
@pytest.mark.parametrize("hot", [False, True])
def test_no_time_is_too_short(name, clock_mhz, hot):
    """And no count of cycles is one too many, but for those that must be two."""
    chip, cycles = CHIPS[name], asdict(cycles_of(name, clock_mhz, hot=hot))
    period = 1000 / Fraction(str(clock_mhz))
    for each, time in TIMES.items():
        two = each in ("activate", "precharge")
        least = max(getattr(chip, f"{time}_cycles", 0), 1 + two)
        assert cycles[each] * period >= Fraction(str(getattr(chip, time)))
        assert cycles[each] >= least
        assert cycles[each] == least or (cycles[each] - 1) * period < getattr(chip, time)
    # A row's refresh, with a page ahead of it, is within the time of all rows.
    page = Cycles(**cycles).page(geometry_of(name)["words"], write=True)
    rows = (chip.refreshes * cycles["refresh_every"] + page) * period
    assert rows <= Fraction(str(chip.refresh_ms)) * 1_000_000 / (2 if hot else 1)
    Sdram(**geometry_of(name), **cycles)


@pytest.mark.parametrize("name", CHIPS)
def test_chip(name):
    """Pages are 1 KiB, none of a row is left over, and the sources of the times are named."""
    chip, geometry = CHIPS[name], geometry_of(name)
    assert geometry["words"] * chip.width == 8 * PAGE_BYTES
    assert chip.pages == 1 << Sdram(**geometry, **asdict(cycles_of(name, 100))).page_bits
    assert len(chip.source) > 50 and chip.about


def test_sizes():
    """In bytes, as the names of the chips say them."""
    assert {name: chip.pages * PAGE_BYTES >> 20 for name, chip in CHIPS.items()} == {
        "IS42S16160": 32, "MT48LC16M16": 32, "AS4C32M16": 64, "W9825G6": 32, "GW2AR-18": 8}


@pytest.mark.parametrize("name, clock_mhz, message", [
    ("IS42S16160", 144, "^the clock of IS42S16160 must be 6 to 143 MHz, not 144$"),
    ("IS42S16160", 5, "^the clock of IS42S16160 must be 6 to 143 MHz, not 5$"),
    ("IS42S16161", 100, "^there is no memory chip 'IS42S16161'; did you mean 'IS42S16160'"),
])
def test_wrong(name, clock_mhz, message):
    with pytest.raises(UserError, match=message):
        cycles_of(name, clock_mhz)
