"""Bytes that the lanes keep for a later step, and what that makes of them."""

import numpy as np
from numpy.typing import NDArray

from ...arch.joining import UNIT, Scaling
from ...arch.steps import Step
from ..network.arithmetic import Integers, scale

__all__ = ["Keeping"]


class Keeping:
    """Golden twin of :class:`hwgen.rtl.accelerator.keeping.Keeping`, with its tables.

    Steps with ``kept`` that follow one another keep their bytes one after the other; those with
    ``joined`` take them likewise. Any other step whose values go to the lanes makes the next one
    begin anew.

    Parameters
    ----------
    vectors, columns : int
    """

    def __init__(self, vectors: int, columns: int) -> None:
        self.bytes = np.zeros((vectors, columns), np.int8)
        self.restart()

    def restart(self) -> None:
        """Begin anew, as behind a reset."""
        self.written = self.read = 0

    def follow(self, step: Step) -> None:
        """Notice that a step begins."""
        if not step.kept:
            self.written = 0
        if not step.joined:
            self.read = 0

    def keep(self, values: NDArray[np.int8]) -> None:
        """Keep the vectors of a column tile."""
        places = (self.written + np.arange(len(values))) % len(self.bytes)
        self.bytes[places] = values
        self.written += len(values)

    def join(self, step: Step, totals: Integers) -> Integers:
        """Return the sums of kept bytes with those that the totals of a column tile are."""
        places = (self.read + np.arange(len(totals))) % len(self.bytes)
        self.read += len(totals)
        read, by = totals.astype(np.int8), Scaling.of(step)
        scaled, other = self.bytes[places], read
        if not by.of_kept:
            scaled, other = other, scaled
        moved = scaled.astype(np.int64) - by.zero_point
        return scale(moved << 20, by.multiplier, -by.shift) + (other.astype(np.int64) << UNIT)
