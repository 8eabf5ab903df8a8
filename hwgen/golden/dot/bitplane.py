"""What the fully serial unit of ``rtl/dot/bitplane.py`` computes, in NumPy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BitPlane", "Integers", "TaggedPair", "order", "planes"]

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TaggedPair:
    """A pair of planes: which, and what the tag says of it.

    Parameters
    ----------
    a, b : int
        Numbers of the planes; plane n has weight ``2**n``.
    first : bool
        Of the product: the sum begins anew.
    shift : bool
        Twice the weight of the pair before.
    negative : bool
        Just one of both planes is the top one of signed values.
    last : bool
        Of the product.
    """

    a: int
    b: int
    first: bool
    shift: bool
    negative: bool
    last: bool


def planes(values: ArrayLike, bits: int) -> Integers:
    """Return the planes of values, the lowest first: (bits, ...) of zeros and ones."""
    values = np.asarray(values, np.int64)
    return np.stack([values >> bit & 1 for bit in range(bits)])


def order(a_bits: int, b_bits: int, *, a_signed: bool, b_signed: bool) -> Iterator[TaggedPair]:
    """Yield all pairs of planes in the order in which the unit takes them, by rising weight."""
    before = 0
    for weight in range(a_bits + b_bits - 1):
        for a in range(max(0, weight - b_bits + 1), min(a_bits, weight + 1)):
            b = weight - a
            negative = (a_signed and a == a_bits - 1) != (b_signed and b == b_bits - 1)
            yield TaggedPair(a, b, weight == 0, weight > before, negative,
                             weight == a_bits + b_bits - 2)
            before = weight


@dataclass(frozen=True)
class BitPlane:
    """Golden twin of :class:`hwgen.rtl.dot.bitplane.BitPlane`.

    Parameters
    ----------
    gate : str
        ``and`` multiplies bits, ``xnor`` takes them for +1 and -1.
    """

    gate: str = "and"

    def count(self, a: Integers, b: Integers) -> Integers:
        """Return the sum of the products of two planes, along the last axis."""
        if self.gate == "xnor":
            return ((2 * a - 1) * (2 * b - 1)).sum(axis=-1)
        return (a * b).sum(axis=-1)

    def dot(self, a: ArrayLike, b: ArrayLike, a_bits: int, b_bits: int, *, a_signed: bool,
            b_signed: bool) -> Integers:
        """Return dot products along the last axis, by planes, as the unit does.

        After the last pair the unit's head and tail hold the sum in units of 1.
        """
        of_a, of_b = planes(a, a_bits), planes(b, b_bits)
        total, weight = np.zeros((), np.int64), 0
        for pair in order(a_bits, b_bits, a_signed=a_signed, b_signed=b_signed):
            weight += pair.shift
            count = self.count(of_a[pair.a], of_b[pair.b])
            total = total + ((-count if pair.negative else count) << weight)
        return total
