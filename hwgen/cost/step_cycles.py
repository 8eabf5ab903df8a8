"""The cycles of a step, in the parts that may overlap with those of others."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .ways import FAST

__all__ = ["Count", "StepCycles"]

Count = Any
"""An integer, or an array of integers: one for each of many Designs."""


@dataclass(frozen=True)
class StepCycles:
    """What the cycles of a step are made of, or those of several, one behind the other.

    Parameters
    ----------
    head : Count
        Until the first vector, from when the descriptor may be read.
    body : Count
        From there until it ends, or the last one of them.
    tail : Count
        What of those it has left when the next step's descriptor may be read.
    drain : Count
        What it has left when the next step's first vector may be issued, if that may overlap with
        it, and there are no
    spare : Count
        when the parameters of the next step may have been read.
    """

    head: Count
    body: Count
    tail: Count = 0
    drain: Count = 0
    spare: Count = 0

    @property
    def written(self) -> Count:
        """What of ``drain`` is left when a vector may read the last values of the step."""
        return self.drain - FAST.settled

    @property
    def alone(self) -> Count:
        """Cycles of the first step of a run."""
        return self.head + self.body

    def after(self, before: Self, overlaps: Count = False) -> Count:
        """Return the cycles of the step behind another one, from where that ends.

        ``overlaps`` says whether its vectors may be issued before that.
        """
        least = np.where(overlaps, -np.minimum(before.drain, before.spare), 0)
        return np.maximum(self.head - before.tail, least) + self.body
