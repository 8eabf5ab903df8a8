"""PLLs: the clocks that they make of a crystal's, and the cells that do it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["PLLS", "ClockGenerator", "ClockSetting", "settings"]


@dataclass(frozen=True, kw_only=True)
class ClockSetting:
    """A clock that a board can have, and how.

    Parameters
    ----------
    mhz : Fraction
        Its frequency, exactly.
    cell : str
        The PLL that makes it; empty for the crystal's own clock.
    parameters : Mapping
        What the cell is set to.
    """

    mhz: Fraction
    cell: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def exact(megahertz: float) -> Fraction:
    """Return a frequency as it is written: 66.6 is 333/5, and not what is nearest in binary."""
    return Fraction(str(megahertz))


def ehxplll(crystal: Fraction) -> Iterator[ClockSetting]:
    """Yield what an EHXPLLL of an ECP5 makes.

    CLKOP goes back to be compared, and CLKOS is the clock: two divisors of one oscillator, which
    is finer than one. The oscillator runs at 400 to 800 MHz, and compares phases at 3.125 to 400.
    """
    for reference in range(1, 9):
        phase = crystal / reference
        if not Fraction(25, 8) <= phase <= 400:
            continue
        for times in range(ceil(400 / phase), floor(800 / phase) + 1):
            compared = next((divisor for divisor in range(1, 129)
                             if times % divisor == 0 and times // divisor <= 80
                             and phase * (times // divisor) <= 400), None)
            if compared is None:
                continue
            for output in range(2, 33):
                yield ClockSetting(mhz=phase * times / output, cell="EHXPLLL", parameters={
                    "CLKI_DIV": reference, "CLKFB_DIV": times // compared, "FEEDBK_PATH": "CLKOP",
                    "CLKOP_ENABLE": "ENABLED", "CLKOP_DIV": compared,
                    "CLKOP_CPHASE": compared - 1, "CLKOP_FPHASE": 0,
                    "CLKOS_ENABLE": "ENABLED", "CLKOS_DIV": output,
                    "CLKOS_CPHASE": output - 1, "CLKOS_FPHASE": 0})


def sb_pll40(cell: str, crystal: Fraction) -> Iterator[ClockSetting]:
    """Yield what a PLL of an iCE40 makes: its oscillator, divided by a power of two.

    The oscillator runs at 533 to 1066 MHz, and compares phases at 10 to 133 MHz.
    """
    for reference in range(16):
        phase = crystal / (reference + 1)
        if not 10 <= phase <= 133:
            continue
        bounds = (17, 26, 44, 66, 101)
        loop_filter = 1 + sum(phase >= bound for bound in bounds)
        for feedback in range(128):
            oscillator = phase * (feedback + 1)
            for shift in range(1, 7):
                mhz = oscillator / (1 << shift)
                if 533 <= oscillator <= 1066 and 16 <= mhz <= 275:
                    yield ClockSetting(mhz=mhz, cell=cell, parameters={
                        "FEEDBACK_PATH": "SIMPLE", "DIVR": Const(reference, 4),
                        "DIVF": Const(feedback, 7), "DIVQ": Const(shift, 3),
                        "FILTER_RANGE": Const(loop_filter, 3)})


def rpll(crystal: Fraction) -> Iterator[ClockSetting]:
    """Yield what an rPLL of a GW1NR-9C of grade C6/I5 makes.

    Its oscillator runs at 400 to 1200 MHz, and compares phases at 3 to 400 MHz.
    """
    for reference in range(64):
        phase = crystal / (reference + 1)
        if not 3 <= phase <= 400:
            continue
        for feedback in range(64):
            mhz = phase * (feedback + 1)
            for output in (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128):
                if 400 <= mhz * output <= 1200 and mhz <= 600:
                    yield ClockSetting(mhz=mhz, cell="rPLL", parameters={
                        "FCLKIN": f"{float(crystal):g}", "DEVICE": "GW1NR-9C",
                        "IDIV_SEL": reference, "FBDIV_SEL": feedback, "ODIV_SEL": output,
                        "DYN_IDIV_SEL": "false", "DYN_FBDIV_SEL": "false",
                        "DYN_ODIV_SEL": "false", "CLKFB_SEL": "internal"})


PLLS: Mapping[str, Callable[[Fraction], Iterator[ClockSetting]]] = {
    "EHXPLLL": ehxplll,
    # The crystal is at the PLL's own pad, where there is no way to it but through the PLL.
    "SB_PLL40_PAD": lambda crystal: sb_pll40("SB_PLL40_PAD", crystal),
    "SB_PLL40_CORE": lambda crystal: sb_pll40("SB_PLL40_CORE", crystal),
    "rPLL": rpll,
}
"""The cells by their names, and the clocks that each makes of a crystal's."""


def settings(cell: str, crystal_mhz: float) -> list[ClockSetting]:
    """Return the clocks that a board can have, each once, the slowest first.

    Of several settings for a clock the first has the least divisor of the crystal, so that phases
    are compared most often. Without a ``cell`` there is the crystal's clock alone.
    """
    crystal = exact(crystal_mhz)
    found = {crystal: ClockSetting(mhz=crystal)}
    for setting in PLLS[cell](crystal) if cell else ():
        found.setdefault(setting.mhz, setting)
    return [found[mhz] for mhz in sorted(found)]


class ClockGenerator(wiring.Component):
    """The accelerator's clock, from a crystal's.

    Parameters
    ----------
    setting : ClockSetting

    Members
    -------
    crystal : In(1)
        From the pin.
    clock : Out(1)
    locked : Out(1)
        The clock is what it shall be. Not in any clock domain.
    """

    crystal: Value
    clock: Value
    locked: Value

    def __init__(self, setting: ClockSetting) -> None:
        self.setting = setting
        super().__init__({"crystal": In(1), "clock": Out(1), "locked": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parameters = {f"p_{name}": value for name, value in self.setting.parameters.items()}
        match self.setting.cell:
            case "EHXPLLL":
                # The currents and resistors of its loop are those that Lattice's tool gives.
                analog = {"a_ICP_CURRENT": "12", "a_LPF_RESISTOR": "8",
                          "a_MFG_ENABLE_FILTEROPAMP": "1", "a_MFG_GMCREF_SEL": "2"}
                compared = Signal()
                m.submodules.pll = Instance(
                    "EHXPLLL", **parameters, **analog, i_CLKI=self.crystal, i_CLKFB=compared,
                    i_RST=Const(0), i_STDBY=Const(0), o_CLKOP=compared, o_CLKOS=self.clock,
                    o_LOCK=self.locked)
            case "SB_PLL40_PAD" | "SB_PLL40_CORE" as cell:
                source = {"SB_PLL40_PAD": "i_PACKAGEPIN", "SB_PLL40_CORE": "i_REFERENCECLK"}[cell]
                m.submodules.pll = Instance(
                    cell, **parameters, **{source: self.crystal}, i_RESETB=Const(1),
                    i_BYPASS=Const(0), o_PLLOUTGLOBAL=self.clock, o_LOCK=self.locked)
            case "rPLL":
                m.submodules.pll = Instance(
                    "rPLL", **parameters, i_CLKIN=self.crystal, i_CLKFB=Const(0),
                    i_RESET=Const(0), i_RESET_P=Const(0), o_CLKOUT=self.clock,
                    o_LOCK=self.locked)
            case _:
                m.d.comb += [self.clock.eq(self.crystal), self.locked.eq(1)]
        return m
