"""How many cycles a step of the accelerator takes: exactly, in closed form.

docs/accelerator.md has what a step does. The weights of a pass are read while the one before
works, so that a pass takes as long as the longer of the two. The constants are the registers on
the way; tests/test_accelerator.py holds them against the counters of the hardware.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..design import Design
from ..golden.bitserial import latency as bit_serial_latency
from ..steps import PARAMETER_WORDS, Mode, Step, descriptor_words

__all__ = ["Array", "slots"]

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
    rows, columns : int
        Of the array.
    interval : int
        Cycles that the lanes take for a vector.
    serial : bool
        It is bit-serial: what a pass takes hangs on the formats of its step.
    """

    rows: int
    columns: int
    interval: int
    serial: bool = False

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the array of a Design."""
        return cls(design.rows, design.columns, -(-design.columns // design.lanes),
                   design.engine == "bitserial")

    @property
    def turns(self) -> int:
        """Cycles that rotate a window of the memory."""
        return ((max(self.rows, self.columns) - 1).bit_length() + 1) // 2

    def weight_words(self, step: Step) -> int:
        """Return the words of weights that a pass reads."""
        if step.mode not in (Mode.MATRIX, Mode.DEPTHWISE):
            return 0
        return step.formats[1].words(self.rows) if self.serial else self.rows

    def vector_cycles(self, step: Step) -> int:
        """Return the cycles from a vector to the next one, if no lane waits for it."""
        if not self.serial:
            return 1
        a, w = step.formats
        return a.planes * w.planes

    def latency(self, step: Step) -> int:
        """Return the cycles from a vector into the array to its sums."""
        if step.mode not in (Mode.MATRIX, Mode.DEPTHWISE):
            return 0
        if self.serial:
            return self.vector_cycles(step) + bit_serial_latency(self.rows)
        return self.rows + self.columns + 2

    def cycles(self, step: Step) -> int:
        """Return the cycles of a step."""
        weights = self.weight_words(step)
        of_vector = self.vector_cycles(step)
        interval = max(of_vector, self.interval)  # of vectors whose sums go to the lanes
        turns = self.turns
        bytes_come = FETCHING + turns + self.latency(step)
        begin = descriptor_words(self.columns) + READING + weights + PARAMETER_WORDS
        end = bytes_come + (SUMMING if step.to_sums else STORING + turns)

        primes = step.vectors - step.values if self.serial else 0  # a cycle each
        slow = step.vectors - primes
        inner = max(slow * of_vector + primes, weights, SHORTEST_PASS)
        others = (step.passes - 1) * inner
        work = (slow - 1) * interval + primes + self.interval
        last = max(slow * interval + primes, weights, SHORTEST_PASS)
        if step.parameters_per_tile:
            # The next parameters wait until those of this column tile are in use.
            ahead = 0 if step.mode != Mode.DEPTHWISE else (
                step.prime_y * step.x + step.prime_x) * (
                    self.interval if step.passes == 1 and not self.serial else 1)
            spare = bytes_come + SWAPPING + ahead - others
            last = max(last, max(weights, spare) + PARAMETER_WORDS)
        return begin + step.tiles * others + (step.tiles - 1) * last + work + end


def slots(steps: Iterable[Step], array: Array) -> int:
    """Return the cycles of steps that run one after the other."""
    return sum(array.cycles(step) for step in steps)
