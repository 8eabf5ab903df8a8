"""How many cycles a step of the accelerator takes: exactly, in closed form.

docs/accelerator.md has what a step does. The weights of a pass are read while the one before
works, so that a pass takes as long as the longer of the two. The constants are the registers on
the way; tests/test_accelerator.py holds them against the counters of the hardware.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..design import Design
from ..steps import PARAMETER_WORDS, Mode, Step, descriptor_words

__all__ = ["Array", "slots"]

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
    rows, columns : int
        Of the array.
    interval : int
        Cycles that the lanes take for a vector.
    compact : bool
    """

    rows: int
    columns: int
    interval: int
    compact: bool = False

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the array of a Design."""
        return cls(design.rows, design.columns, -(-design.columns // design.lanes),
                   design.compact)

    @property
    def turns(self) -> int:
        """Cycles that rotate a window of the memory."""
        if self.compact:
            return 0
        return ((max(self.rows, self.columns) - 1).bit_length() + 1) // 2

    def cycles(self, step: Step) -> int:
        """Return the cycles of a step."""
        through = step.mode in (Mode.MATRIX, Mode.DEPTHWISE)
        weights = self.rows if through else 0
        turns = self.turns
        ways = SMALL if self.compact else FAST
        array = BROADCAST if self.compact else self.rows + self.columns + 2
        bytes_come = ways.fetching + turns + (array if through else ways.passing)
        begin = descriptor_words(self.columns) + ways.reading + weights + PARAMETER_WORDS
        waiting = int(self.compact and MEETING % self.columns == 0)
        end = bytes_come + (ways.summing + waiting if step.to_sums else ways.storing + turns)

        inner = max(step.vectors, weights, SHORTEST_PASS)
        others = (step.passes - 1) * inner
        work = step.vectors * self.interval
        last = max(work, weights, SHORTEST_PASS)
        if step.parameters_per_tile:
            # The next parameters wait until those of this column tile are in use.
            ahead = 0 if step.mode != Mode.DEPTHWISE else (
                step.prime_y * step.x + step.prime_x) * (
                    self.interval if step.passes == 1 else 1)
            spare = bytes_come + ways.swapping + (work if self.compact else ahead - others)
            last = max(last, max(weights, spare) + PARAMETER_WORDS)
        return begin + step.tiles * others + (step.tiles - 1) * last + work + end


def slots(steps: Iterable[Step], array: Array) -> int:
    """Return the cycles of steps that run one after the other."""
    return sum(array.cycles(step) for step in steps)
