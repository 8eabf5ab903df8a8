"""How many cycles a step of the accelerator takes, in closed form.

docs/accelerator.md has what a step does. The weights of a pass are read while the one before
works, so that a pass takes as long as the longer of the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..design import Design
from ..steps import PARAMETER_WORDS, Mode, Step

__all__ = ["Array", "slots"]

SHORTEST_PASS = 4


@dataclass(frozen=True)
class Array:
    """What of a Design and its hardware decides how long a step takes.

    Parameters
    ----------
    rows : int
        Words of weights that a pass reads.
    interval : int
        Cycles that the lanes take for a vector.
    overhead : int
        Cycles of a step before its first word of weights.
    drain : int
        Cycles of a step after its last vector.
    """

    rows: int
    interval: int
    overhead: int = 30
    drain: int = 55

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the array of a Design."""
        return cls(rows=design.rows, interval=-(-design.columns // design.lanes))

    def cycles(self, step: Step) -> int:
        """Return the cycles of a step."""
        weights = self.rows if step.mode in (Mode.MATRIX, Mode.DEPTHWISE) else 0
        return self.overhead + self.drain + weights + PARAMETER_WORDS + self.passes(
            step.tiles, step.passes, step.vectors, weights,
            PARAMETER_WORDS if step.parameters_per_tile else 0)

    def passes(self, tiles: int, passes: int, vectors: int, weights: int, parameters: int) -> int:
        """Return the cycles of all passes of a step.

        ``weights`` and ``parameters`` are the words of a pass and of a column tile.
        """
        inner = max(vectors, weights, SHORTEST_PASS)
        last = vectors * self.interval
        return (tiles * (passes - 1) * inner
                + (tiles - 1) * max(last, weights + parameters, SHORTEST_PASS)
                + max(last, SHORTEST_PASS))


def slots(steps: Iterable[Step], array: Array) -> int:
    """Return the cycles of steps that run one after the other."""
    return sum(array.cycles(step) for step in steps)
