"""What the bit-serial array of ``rtl/bitserial/array.py`` computes, in NumPy, plane by plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arch.formats import Format, NumberKind
from ..dot.bitplane import Integers, planes

__all__ = ["BitSerial", "PlanePair", "latency", "order"]


@dataclass(frozen=True)
class PlanePair:
    """A plane of the activations and one of the weights, in the order in which they meet.

    Parameters
    ----------
    a, w : int
        Numbers of the planes.
    doubles : bool
        They weigh half of what the pair before did: the sum so far counts twice from here on.
    negative : bool
        Just one of both counts negative.
    """

    a: int
    w: int
    doubles: bool
    negative: bool


def order(a: Format, w: Format) -> Iterator[PlanePair]:
    """Yield all pairs of planes by falling weight, the higher plane of activations first."""
    for weight in reversed(range(a.planes + w.planes - 1)):
        first = min(a.planes - 1, weight)
        for plane in range(first, max(0, weight - w.planes + 1) - 1, -1):
            doubles = plane == first and weight < a.planes + w.planes - 2
            yield PlanePair(plane, weight - plane, doubles,
                            a.negative(plane) != w.negative(weight - plane))


def latency(rows: Any) -> Any:
    """Return the cycles from a vector to its sums, besides one for each pair of planes.

    It takes numbers, and arrays of them.
    """
    _, bits = np.frexp(-(-rows // 4) - 1)
    return 4 + bits


@dataclass(frozen=True)
class BitSerial:
    """Golden twin of :class:`hwgen.rtl.bitserial.array.BitSerial`.

    Parameters
    ----------
    rows, columns, lines : int
        As in hardware.
    """

    rows: int
    columns: int
    lines: int = 0

    def weight_planes(self, words: NDArray[np.uint8], w: Format) -> Integers:
        """Return the planes that words of weights become, (planes, rows, columns)."""
        weights = w.from_words(words, self.rows)
        if w.kind == NumberKind.BIPOLAR:
            return np.stack([np.ones_like(weights), (weights + 1) // 2])
        return planes(weights, w.bits)

    def matrix(self, vectors: ArrayLike, words: NDArray[np.uint8], a: Format,
               w: Format) -> Integers:
        """Return the sums of one tile, (vectors, columns).

        Of (vectors, rows) activations, of which the lowest bits count, and the words of weights.
        """
        of_a, of_w = planes(vectors, a.bits), self.weight_planes(words, w)
        total = np.zeros((len(of_a[0]), self.columns), np.int64)
        for pair in order(a, w):
            count = of_a[pair.a] @ of_w[pair.w]
            total = (total << pair.doubles) + (-count if pair.negative else count)
        return total

    def windows(self, stream: ArrayLike, words: NDArray[np.uint8], a: Format,
                w: Format) -> Integers:
        """Return the sum of the window that each pixel completes, (pixels, columns).

        Of a stream (pixels, lines, columns), before which there was nothing but 0.
        """
        numbers, weights = a.value(stream), w.from_words(words, self.rows)
        total = np.zeros((len(numbers), self.columns), np.int64)
        for line in range(self.lines):
            for tap in range(min(self.lines, len(numbers))):
                total[tap:] += numbers[:len(numbers) - tap, line] * weights[line * self.lines + tap]
        return total

    @staticmethod
    def interval(a: Format, w: Format) -> int:
        """Return the cycles that a vector takes."""
        return a.planes * w.planes
