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


@dataclass(frozen=True)
class Ways:
    """How long the ways through an accelerator are, in cycles.

    Parameters
    ----------
    reading : int
        Of a step before its first word of weights, besides those of its descriptor.
    fetching : int
        From a vector's turn to its bytes, besides those that rotate a window.
    storing : int
        From a vector's bytes to those of its result, besides array and rotation.
    summing : int
        The same, for results that go back to the accumulators.
    passing : int
        From a vector's bytes to values, where they do not pass the array.
    swapping : int
        From a value out of the array until the next parameters may be read.
    """

    reading: int
    fetching: int
    storing: int
    summing: int
    passing: int
    swapping: int


FAST = Ways(reading=9, fetching=11, storing=27, summing=19, passing=0, swapping=3)
SMALL = Ways(reading=3, fetching=1, storing=18, summing=16, passing=1, swapping=4)
MEETING = 10
"""Cycles that requantised sums of a compact accelerator take; where vectors, C cycles apart, would
meet them on their way, they wait for one more."""
BROADCAST = 4
"""Cycles that a compact accelerator's array takes, whatever its size."""


@dataclass(frozen=True)
class Array:
    """What of a Design decides how long a step takes.

    Parameters
    ----------
    rows, columns : Count
        Of the array.
    interval : Count
        Cycles that the lanes take for a vector.
    compact : bool
    """

    rows: Count
    columns: Count
    interval: Count
    compact: bool = False

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the array of a Design."""
        return cls(design.rows, design.columns, -(-design.columns // design.lanes),
                   design.compact)

    @property
    def turns(self) -> Count:
        """Cycles that rotate a window of the memory."""
        if self.compact:
            return 0
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
        ways = SMALL if self.compact else FAST
        array = BROADCAST if self.compact else self.rows + self.columns + 2
        bytes_come = ways.fetching + turns + (array if through else ways.passing)
        begin = descriptor_words(self.columns) + ways.reading + weights + PARAMETER_WORDS
        waiting = self.compact & (MEETING % self.columns == 0)
        end = bytes_come + (ways.summing + waiting if to_sums else ways.storing + turns)

        shortest = np.maximum(weights, SHORTEST_PASS)
        others = (passes - 1) * np.maximum(vectors, shortest)
        work = vectors * self.interval
        last = np.maximum(work, shortest)
        if np.any(parameters_per_tile):
            # The next parameters wait until those of this column tile are in use.
            ahead = primes * np.where(passes == 1, self.interval, 1)
            spare = bytes_come + ways.swapping + (work if self.compact else ahead - others)
            waits = np.maximum(last, np.maximum(weights, spare) + PARAMETER_WORDS)
            last = np.where(parameters_per_tile, waits, last)
        return begin + tiles * others + (tiles - 1) * last + work + end


def slots(steps: Iterable[Step], array: Array) -> int:
    """Return the cycles of steps that run one after the other."""
    return sum(array.cycles(step) for step in steps)
