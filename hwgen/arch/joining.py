"""How a step with ``joined`` scales one of the two bytes that it adds, and where that stands."""

from dataclasses import dataclass
from typing import Self

from .steps import Step

__all__ = ["HALF", "LARGEST_SHIFT", "UNIT", "Scaling"]

HALF = 1 << 30, 0
"""Multiplier and shift that make ``x << 20`` ``x << 19``: those of the other byte."""
UNIT = 19
"""So far is that shifted."""
LARGEST_SHIFT = 15


@dataclass(frozen=True)
class Scaling:
    """``(x - zero_point) << 20``, requantised by a multiplier and a shift to the right.

    Members
    -------
    multiplier, shift : int
        31 bits, and four.
    zero_point : int
    of_kept : bool
        Whether x is the byte that was kept; else it is the one that is read.
    """

    multiplier: int
    shift: int
    zero_point: int
    of_kept: bool

    @property
    def fields(self) -> dict[str, int]:
        """The fields of a step."""
        return {"taps_y_step_bytes": self.multiplier | self.of_kept << 31,
                "taps_y_step": self.zero_point & 0xff | self.shift << 8}

    @classmethod
    def of(cls, step: Step) -> Self:
        """Read those of a step."""
        low = step.taps_y_step & 0xff
        return cls(step.taps_y_step_bytes & (1 << 31) - 1, step.taps_y_step >> 8 & LARGEST_SHIFT,
                   low - (low >> 7 << 8), bool(step.taps_y_step_bytes >> 31))
