"""The clock for which times are computed, and its source: one rule for every command.

It is that of ``--clock``, where that is given; else the one that a build of this very Design has
met on its board, as its record says; else what placements of its kind let expect; else the crystal
of the board. Every command that prints a time names the source. docs/metrics.md has the rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..arch.boards import BOARDS, TWO_CLOCKS, Board, board, presets
from ..arch.design import Design
from ..arch.external import External
from ..area.clock import median_clock
from ..errors import UserError
from .record import Record
from .records import board_records

__all__ = ["KNOWN", "BoardClock", "board_named", "check_suits", "chip_clock", "clock_of",
           "clock_of_build", "expected_clock", "host_clock_of"]

KNOWN = ("given", "built", "recorded")
"""Sources that tell the clock of a piece of hardware; the others are expectations."""

SHORT = 0.1
"""Milliseconds of which two decimals would not be enough."""


@dataclass(frozen=True)
class BoardClock:
    """A clock, and why it is that one.

    Members
    -------
    mhz : float or None
        None where no clock is known.
    source : str
        ``given`` by an option, ``built`` as the record of ``--build`` says, ``recorded`` with
        hwgen, ``expected`` from placements, the ``crystal`` of the board, or ``unknown``.
    why : str
        The same in words, behind a time.
    low, high : float or None
        Bounds of an expected one.
    """

    mhz: float | None
    source: str
    why: str
    low: float | None = None
    high: float | None = None

    def milliseconds(self, cycles: int) -> float | None:
        """Return the time that so many cycles take; None where no clock is known."""
        return None if self.mhz is None else cycles / self.mhz / 1000

    def time(self, cycles: int) -> str:
        """Return the time in words, with its clock and where that comes from."""
        if self.mhz is None:
            return f"no time is known: {self.why}"
        text = f"{time_text(cycles / self.mhz / 1000)} ms at {self.mhz:g} MHz, {self.why}"
        if self.low is None or self.high is None:
            return text
        most, least = (cycles / mhz / 1000 for mhz in (self.low, self.high))
        return f"{text}: {time_text(least)} to {time_text(most)} ms"

    def facts(self, cycles: int) -> dict[str, Any]:
        """Return the time and its clock as plain data."""
        bounds = None if self.low is None else [self.low, self.high]
        return {"clock_mhz": self.mhz, "clock_source": self.source, "clock_says": self.why,
                "clock_bounds_mhz": bounds, "milliseconds": self.milliseconds(cycles)}


def time_text(milliseconds: float) -> str:
    """Return a time as a reader wants it."""
    return f"{milliseconds:,.2f}" if milliseconds >= SHORT else f"{milliseconds:.3g}"


def clock_of(design: Design, at: str | None, given: float | None = None,
             record: Record | None = None) -> BoardClock:
    """Return the clock of a Design.

    Parameters
    ----------
    design : Design
    at : str or None
        Its board; None where it is told by its chip alone.
    given : float or None
        What ``--clock`` says.
    record : Record or None
        Of the build that is asked for.
    """
    known = clock_of_build(record) if record else recorded_clock(design, at)
    if design.chip:
        return known or chip_clock(design.chip, given)
    if given is None:
        return known or expected_clock(design, at)
    other = f" ({known.mhz:g} MHz is the clock {known.why})" if known and known.mhz != given else ""
    return BoardClock(given, "given", f"as --clock says{other}")


def chip_clock(chip: External, given: float | None) -> BoardClock:
    """Return the clock of a Design whose program streams: by its cycles the chip is refreshed."""
    if given not in (None, chip.clock_mhz):
        raise UserError(f"--clock must be {chip.clock_mhz:g}, as external says, not {given:g}")
    return BoardClock(chip.clock_mhz, "expected", "the clock of its memory chip")


def clock_of_build(record: Record) -> BoardClock:
    """Return the clock of a build."""
    return BoardClock(record.clock_mhz, "built", f"which its build for {record.board} has met")


def recorded_clock(design: Design, at: str | None) -> BoardClock | None:
    """Return the clock that a recorded build of this very Design has met; None without one."""
    found = [record for name in boards_of(design, at) for record in board_records(name)
             if record.design == design]
    if len({record.board for record in found}) != 1:
        return None
    return BoardClock(found[0].clock_mhz, "recorded",
                      f"which its recorded build for {found[0].board} has met")


def expected_clock(design: Design, at: str | None) -> BoardClock:
    """Return the clock that may be expected where nothing was built."""
    names = boards_of(design, at)
    grades = {BOARDS[name].speed_grade for name in names}
    if len(grades) == 1 and (clock := median_clock(design, *grades)):
        return BoardClock(clock.mhz, "expected", f"as {clock.placements} placements of its kind on "
                          f"{design.device} let expect", round(clock.low, 1), round(clock.high, 1))
    if len(grades) == 1 and (crystal := crystal_of(names)):
        return BoardClock(crystal, "crystal", f"the crystal of {' and '.join(names)}, as "
                          "nothing of its kind has been placed there")
    why = (f"several boards have the {design.device}, {' and '.join(names)}; --board names one, or "
           "--clock says it") if names else "the Design is for no board; --clock says its clock"
    return BoardClock(None, "unknown", why)


def host_clock_of(design: Design, at: str | None, given: float | None = None) -> BoardClock:
    """Return the clock of a Design's serial port, which on some chips is not the accelerator's.

    The parameters are those of :func:`clock_of`.
    """
    if design.family not in TWO_CLOCKS:
        return clock_of(design, at, given)
    names = boards_of(design, at)
    if given is None and (crystal := crystal_of(names)):
        return BoardClock(crystal, "crystal", f"the crystal of {' and '.join(names)}")
    if given is None:
        return BoardClock(None, "unknown", "it is that of `host_clk`, which no board tells")
    return BoardClock(given, "given", "as --clock says of `host_clk`")


def crystal_of(names: Sequence[str]) -> float | None:
    """Return the crystal's clock if all boards have the same."""
    crystals = {BOARDS[name].clock_mhz for name in names}
    return crystals.pop() if len(crystals) == 1 else None


def boards_of(design: Design, at: str | None) -> list[str]:
    """Return the boards that a Design may be for."""
    if at is not None:
        return [at]
    return [name for name, found in BOARDS.items() if found.device == design.device]


def board_named(name: str | None, source: str | None, design: Design) -> str | None:
    """Return the board of a Design; None where nothing but its chip may tell.

    Parameters
    ----------
    name : str or None
        What ``--board`` says, if anything.
    source : str or None
        What ``--design`` says: a preset is of a board.
    design : Design
        What came of it.
    """
    if name is not None:
        check_suits(design, board(name))
        return name
    preset = source.partition(":")[0] if source in presets() and source else None
    return preset if preset and BOARDS[preset].device == design.device else None


def check_suits(design: Design, found: Board) -> None:
    """Refuse a Design for another chip than the board's."""
    if (design.family not in ("generic", found.family)
            or design.device not in (None, found.device)):
        raise UserError(f"device must be {found.device!r} of family {found.family!r}, as "
                        f"{found.title} has it, not {design.device!r} of family {design.family!r}")
