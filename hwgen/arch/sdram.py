"""Memory chips (SDR SDRAM), and what their times are in cycles of a clock.

>>> cycles_of("IS42S16160", 110)
Cycles(activate=3, precharge=3, refresh=8, recovery=3, mode=2, refresh_every=859, power_up=22000)
"""

import enum
import tomllib
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

from ..errors import UserError, closest

__all__ = ["ALL_BANKS", "BURST", "CAPTURES", "CAS_LATENCY", "CHIPS", "MODE", "PAGE_BYTES",
           "POWER_UP_REFRESHES", "SETTLE", "MemoryChip", "SdramCommand", "Cycles", "cycles_of",
           "geometry_of"]

PAGE_BYTES = 1024
"""What is read or written at once."""
CAS_LATENCY = 3
"""Cycles from a READ to its first word. All chips have it up to their highest clock, and in pages
the cycle that 2 would save is lost once, not for each word."""
BURST = 8
"""Words of a READ or WRITE."""
MODE = CAS_LATENCY << 4 | 0b011
"""Of a chip: bursts of eight words, one after the other."""
ALL_BANKS = 1 << 10
"""The bit of the address by which PRECHARGE closes all banks."""
POWER_UP_REFRESHES = 8
CAPTURES = 8
"""Of so many cycles one is chosen, in which words from a chip are taken."""
SETTLE = CAS_LATENCY + CAPTURES + 1
"""Cycles behind the last word that is read, whichever is chosen, in which it may still come."""


class SdramCommand(enum.IntEnum):
    """``we_n``, ``cas_n`` and ``ras_n``, from the highest bit to the lowest."""

    MODE = 0b000
    REFRESH = 0b100
    PRECHARGE = 0b010
    ACTIVATE = 0b110
    WRITE = 0b001
    READ = 0b101
    NONE = 0b111


@dataclass(frozen=True, kw_only=True)
class MemoryChip:
    """What a data sheet says of a chip: ``sdram.toml`` has the chips, and says what is what."""

    about: str
    source: str
    width: int
    row_bits: int
    column_bits: int
    clock_mhz: float
    tRCD: float
    tRP: float
    tRAS: float
    tRAS_max: float
    tRC: float
    tRFC: float
    tRRD: float
    tWR: float
    refresh_ms: float
    refreshes: int
    power_up_us: float
    tMRD: float = 0
    tRRD_cycles: int = 0
    tWR_cycles: int = 0
    tMRD_cycles: int = 0

    @property
    def pages(self) -> int:
        """Pages that it holds."""
        return (4 << self.row_bits + self.column_bits) * self.width // 8 // PAGE_BYTES


@dataclass(frozen=True, kw_only=True)
class Cycles:
    """The times that a controller keeps to, in cycles.

    Parameters
    ----------
    activate : int
        From ACTIVATE to the first READ or WRITE (tRCD).
    precharge : int
        From PRECHARGE to what comes next (tRP).
    refresh : int
        From REFRESH to what comes next (tRFC).
    recovery : int
        From the last word of a WRITE to PRECHARGE (tWR).
    mode : int
        From LOAD MODE REGISTER to what comes next (tMRD).
    refresh_every : int
        From one REFRESH to the next, on average, so that no row waits too long.
    power_up : int
        From the first clock to the first command.
    """

    activate: int
    precharge: int
    refresh: int
    recovery: int
    mode: int
    refresh_every: int
    power_up: int

    def page(self, words: int, *, write: bool = False) -> int:
        """Return the cycles from the ACTIVATE of a page of so many words to what comes next."""
        return self.activate + words + (self.recovery - 1 if write else 0) + self.precharge


CHIPS = {name: MemoryChip(**values) for name, values in
         tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8")).items()}


def cycles_of(name: str, clock_mhz: float, *, hot: bool = False) -> Cycles:
    """Return the cycles of a chip at a clock; ``hot``: refreshed twice as often, above 85 degrees.

    A :class:`UserError` says if there is no such chip, or it does not run at that clock.
    """
    if name not in CHIPS:
        raise UserError(f"there is no memory chip {name!r}{closest(name, CHIPS)}; there are "
                        f"{', '.join(CHIPS)}")
    chip, mhz = CHIPS[name], Fraction(str(clock_mhz))
    words = PAGE_BYTES * 8 // chip.width

    def cycles(time: float, least: int = 1) -> int:
        return max(ceil(Fraction(str(time)) * mhz / 1000), least)

    # Two each, so that the words of a page have left the bus before others are on it.
    activate = cycles(chip.tRCD, 2)
    found = {"activate": activate, "precharge": cycles(chip.tRP, 2),
             "refresh": cycles(chip.tRFC),
             "recovery": cycles(chip.tWR, max(chip.tWR_cycles, 1)),
             "mode": cycles(chip.tMRD, max(chip.tMRD_cycles, 1)),
             "power_up": cycles(chip.power_up_us * 1000)}
    # A REFRESH waits for the page before it, and so does the row that it refreshes.
    late = Cycles(**found, refresh_every=0).page(words, write=True)
    window = Fraction(str(chip.refresh_ms)) * mhz * 1000 / (2 if hot else 1)
    slowest = (words + activate) / Fraction(str(chip.tRAS_max)) * 1000
    if not slowest <= mhz <= Fraction(str(chip.clock_mhz)):
        raise UserError(f"the clock of {name} must be {ceil(slowest)} to {chip.clock_mhz:g} MHz, "
                        f"not {clock_mhz:g}")
    return Cycles(**found, refresh_every=floor((window - late) / chip.refreshes))


def geometry_of(name: str) -> dict[str, int]:
    """Return the parameters of a controller that do not depend on the clock."""
    facts = asdict(CHIPS[name])
    return {**{each: facts[each] for each in ("width", "row_bits", "column_bits")},
            "words": PAGE_BYTES * 8 // facts["width"]}
