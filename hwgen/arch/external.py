"""External memory of an accelerator: its chip, its clock, and how a program streams from it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from ..errors import UserError
from .sdram import CHIPS, PAGE_BYTES, Cycles, MemoryChip, cycles_of, geometry_of
from .steps import PARAMETER_WORDS, descriptor_words

__all__ = ["CAPTURE", "LAG", "LARGEST_RING", "LEAST_RING", "External", "words_ahead"]

LEAST_RING, LARGEST_RING = 4 * PAGE_BYTES, 1 << 20
"""Bytes of the ring."""
CAPTURE = 2
"""Cycles that words of the chip take longer: a register at the pins, on the way out and back."""
LAG = 3
"""Cycles until a word that is read counts as read, where it is asked whether there are more."""


@dataclass(frozen=True)
class External:
    """A memory chip, and the clock that it shares with an accelerator.

    Parameters
    ----------
    chip : str
        One of :data:`hwgen.arch.sdram.CHIPS`.
    clock_mhz : float
    """

    chip: str
    clock_mhz: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what the field of a Design says, such as ``IS42S16160@110``."""
        name, _, clock = text.partition("@")
        try:
            mhz = float(clock)
        except ValueError:
            raise UserError("external must be a memory chip and its clock in MHz, such as "
                            f"IS42S16160@110, not {text!r}") from None
        cycles_of(name, mhz)  # or an error that says what is wrong
        return cls(name, mhz)

    @cached_property
    def facts(self) -> MemoryChip:
        """What the data sheet says."""
        return CHIPS[self.chip]

    @cached_property
    def cycles(self) -> Cycles:
        """The chip's times."""
        return cycles_of(self.chip, self.clock_mhz)

    @cached_property
    def geometry(self) -> dict[str, int]:
        """The sizes of its controller."""
        return geometry_of(self.chip)

    def ratio(self, columns: int) -> int:
        """Return how many of its words are a word of the program memory."""
        return 8 * columns // self.facts.width


def words_ahead(rows: int, columns: int) -> int:
    """Return how many words must be in the ring before any are read.

    They are those of a descriptor, and of the pass behind it.
    """
    return descriptor_words(columns) + rows + PARAMETER_WORDS + LAG
