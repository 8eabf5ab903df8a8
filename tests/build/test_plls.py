# amaranth: UnusedElaboratable=no
"""What PLLs are set to, against their data sheets; tests/build/test_build.py asks nextpnr too."""

from fractions import Fraction

import pytest
from amaranth import *

from hwgen.rtl.primitives.plls import settings

CRYSTALS = [12, 25, 48, 66.6]


def plain(setting):
    """Return the parameters as plain data."""
    return {name: value.value if isinstance(value, Const) else value
            for name, value in setting.parameters.items()}


def pll_settings(cell, crystal):
    """Return the settings of a PLL but for the crystal's own clock."""
    return [(float(each.mhz), plain(each)) for each in settings(cell, crystal) if each.cell]


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_ecp5(crystal):
    """Lattice's TN1263: one of two outputs is fed back, the other is the clock."""
    for mhz, each in pll_settings("EHXPLLL", crystal):
        compared = crystal * each["CLKFB_DIV"] / each["CLKI_DIV"]
        assert 3.125 <= crystal / each["CLKI_DIV"] <= 400 and compared <= 400.0001
        assert 399.999 <= compared * each["CLKOP_DIV"] <= 800.0001
        assert mhz == pytest.approx(compared * each["CLKOP_DIV"] / each["CLKOS_DIV"])
        assert each["CLKFB_DIV"] <= 80 and 3.125 <= mhz <= 400
        assert all(1 <= each[name] <= 128 for name in ("CLKI_DIV", "CLKOP_DIV", "CLKOS_DIV"))


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_ice40(crystal):
    """Lattice's TN1251, with simple feedback."""
    filters = {1: (10, 17), 2: (17, 26), 3: (26, 44), 4: (44, 66), 5: (66, 101), 6: (101, 133.1)}
    for mhz, each in pll_settings("SB_PLL40_CORE", crystal):
        phase = crystal / (each["DIVR"] + 1)
        low, high = filters[each["FILTER_RANGE"]]
        assert low <= phase < high
        assert 533 <= phase * (each["DIVF"] + 1) <= 1066 and 16 <= mhz <= 275
        assert mhz == pytest.approx(phase * (each["DIVF"] + 1) / 2 ** each["DIVQ"])
        assert each["DIVF"] < 128 and each["DIVR"] < 16 and 1 <= each["DIVQ"] <= 6


@pytest.mark.parametrize("crystal", CRYSTALS)
def test_gowin(crystal):
    """Gowin's DS117, for the GW1NR-9C of grade C6/I5."""
    for mhz, each in pll_settings("rPLL", crystal):
        phase = crystal / (each["IDIV_SEL"] + 1)
        assert 3 <= phase <= 400 and 400 <= mhz * each["ODIV_SEL"] <= 1200 and mhz <= 600
        assert mhz == pytest.approx(phase * (each["FBDIV_SEL"] + 1))
        assert each["FBDIV_SEL"] < 64 and each["IDIV_SEL"] < 64


@pytest.mark.parametrize("cell, crystal, lost", [
    ("EHXPLLL", 25, 0.01), ("EHXPLLL", 48, 0.01), ("SB_PLL40_PAD", 12, 0.03), ("rPLL", 27, 0.06)])
def test_fine(cell, crystal, lost):
    """Little is lost of what a design reaches: there is a clock not far below."""
    clocks = [each.mhz for each in settings(cell, crystal) if 30 <= each.mhz <= 120]
    assert clocks == sorted(set(clocks)) and clocks[0] < 31 and clocks[-1] > 116
    assert all(high <= low * (1 + lost) for low, high in zip(clocks, clocks[1:], strict=False))


def test_no_pll():
    only, = settings("", 66.6)
    assert only.mhz == Fraction(333, 5) and not only.cell and not only.parameters
