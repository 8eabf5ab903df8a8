"""A step of mode SPARSE: the sums that it leaves in the accumulators, and its cycles, in NumPy.

Its passes are output pixels: each is an input of the sparse engine, whose vectors come through the
accelerator's memory as those of any step do, and wait in a FIFO.
"""

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import SLOTS, WAITING, Step, descriptor_words
from .decoder import Compressed
from .engine import Sparse, SparseRun
from .lane import Memories

__all__ = ["SHORTEST_PASS", "Waiting", "sparse_cycles", "sparse_step"]

SHORTEST_PASS = 7
"""Cycles that a pass takes at least, on a fast accelerator: its sums turn around in so many."""
READING = 18
"""Cycles of a step before its first vector is asked for, besides those of its descriptor."""
FETCHING = 13
"""From asking for a vector until the engine can take it, besides those that rotate a window."""
WRITING = 14
"""From the last sums out of the engine until the step has ended."""


class Waiting:
    """When the vectors of a step can be taken, in cycles from the first one on.

    A vector is asked for in every cycle; but the passes are :data:`SHORTEST_PASS` cycles apart, and
    no more vectors are asked for than find room where they wait. Whether there is room is known two
    cycles after one is asked for, and a cycle after one is taken.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.taken: list[int] = []
        self.begun = -SHORTEST_PASS

    def offer(self, first: bool) -> int:
        """Return when the next vector can be taken; ``first`` is one that begins a pass."""
        count, most = len(self.asked), WAITING - 1
        last = self.asked[-1] if count else -1
        cycle = last + 1
        if first:
            self.begun = cycle = max(cycle, self.begun + SHORTEST_PASS)
        # The one before may be too new to be counted.
        if cycle == last + 1 and count > most and self.taken[count - most - 1] >= cycle:
            cycle += 1
        if cycle > last + 1 and count >= most:
            cycle = max(cycle, self.taken[count - most] + 1)
        self.asked.append(cycle)
        return cycle

    def take(self, cycle: int) -> None:
        """Note when a vector was taken."""
        self.taken.append(cycle)


def sparse_step(step: Step, weights: Compressed | Memories, vectors: NDArray[np.integer],
                depth: int) -> SparseRun:
    """Return what the engine makes of the vectors of all passes, (passes, vectors, rows).

    ``weights`` are those of all layers.
    """
    passes, count, width = vectors.shape
    matrix = weights.part(step.column, count * width, step.slots * len(weights.lanes))
    return Sparse(depth=depth, slots=SLOTS).run(matrix, vectors, step.pad, source=Waiting())


def sparse_cycles(run: SparseRun, columns: int, turns: int) -> int:
    """Return the cycles of a step.

    ``columns`` are those of the array, and ``turns`` what rotates a window of its memory.
    """
    return (descriptor_words(columns) + READING + FETCHING + turns + int(run.outputs[-1])
            + WRITING)
