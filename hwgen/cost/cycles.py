"""How many cycles a step of the accelerator takes: exactly, in closed form.

docs/accelerator.md has what a step does. The weights of a pass are read while the one before
works, so that a pass takes as long as the longer of the two. The constants are the registers on
the way; tests/test_accelerator.py holds them against the counters of the hardware.

The formula takes numbers, for one step of one Design, and arrays of numbers, for many: the compiler
and `hwgen tune` use the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..design import Design
from ..steps import PARAMETER_WORDS, Mode, Step, descriptor_words

__all__ = ["Array", "Count", "slots"]

Count = Any
"""An integer, or an array of integers: one for each of many Designs."""

SHORTEST_PASS = 5

READING = 9
"""Cycles of a step before its first word of weights, besides those of its descriptor."""
FETCHING = 11
"""Cycles from a vector's turn to its bytes, besides those that rotate a window."""
STORING = 27
"""Cycles from a vector's bytes to those of its result, besides array and rotation."""
SUMMING = 19
"""The same, for results that go back to the accumulators."""
SWAPPING = 3
"""Cycles from a value out of the array until the next parameters may be read."""


@dataclass(frozen=True)
class Array:
    """What of a Design decides how long a step takes.

    Parameters
    ----------
    rows, columns : Count
        Of the array.
    interval : Count
        Cycles that the lanes take for a vector.
    """

    rows: Count
    columns: Count
    interval: Count

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the array of a Design."""
        return cls(design.rows, design.columns, -(-design.columns // design.lanes))

    @property
    def turns(self) -> Count:
        """Cycles that rotate a window of the memory."""
        _, bits = np.frexp(np.maximum(self.rows, self.columns) - 1)
        return (bits + 1) // 2

    def cycles(self, step: Step) -> int:
        """Return the cycles of a step."""
        return int(self.taken(step.mode, tiles=step.tiles, passes=step.passes,
                              vectors=step.vectors, to_sums=step.to_sums,
                              parameters_per_tile=step.parameters_per_tile,
                              primes=step.prime_y * step.x + step.prime_x))

    def taken(self, mode: Mode, *, tiles: Count, passes: Count, vectors: Count,
              to_sums: bool = False, parameters_per_tile: Count = False,
              primes: Count = 0) -> Count:
        """Return the cycles of a step, told by what of it counts.

        ``primes`` is how many vectors a depthwise step takes before its first value.
        """
        through = mode in (Mode.MATRIX, Mode.DEPTHWISE)
        weights = self.rows if through else 0
        turns = self.turns
        bytes_come = FETCHING + turns + (self.rows + self.columns + 2 if through else 0)
        begin = descriptor_words(self.columns) + READING + weights + PARAMETER_WORDS
        end = bytes_come + (SUMMING if to_sums else STORING + turns)

        shortest = np.maximum(weights, SHORTEST_PASS)
        others = (passes - 1) * np.maximum(vectors, shortest)
        work = vectors * self.interval
        last = np.maximum(work, shortest)
        if np.any(parameters_per_tile):
            # The next parameters wait until those of this column tile are in use.
            ahead = primes * np.where(passes == 1, self.interval, 1)
            spare = bytes_come + SWAPPING + ahead - others
            waits = np.maximum(last, np.maximum(weights, spare) + PARAMETER_WORDS)
            last = np.where(parameters_per_tile, waits, last)
        return begin + tiles * others + (tiles - 1) * last + work + end


def slots(steps: Iterable[Step], array: Array) -> int:
    """Return the cycles of steps that run one after the other."""
    return sum(array.cycles(step) for step in steps)
