"""What the lanes of ``rtl/accelerator/post.py`` make of sums, in NumPy."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..network.arithmetic import Integers, divide, divide_once, wrap

__all__ = ["Parameters", "Post"]


HALF = 16
"""Bits of each half of a sum,"""
MULTIPLIER = 31
"""of a multiplier, and how far its product is shifted at least."""
SIGN = 36
"""Bit of a multiplier's sign, behind that and the shift."""


@dataclass(frozen=True)
class Parameters:
    """What the lanes know of the columns of a tile, a number for each of them.

    Parameters
    ----------
    bias : array
        32 bits, signed.
    multiplier : array
        31 bits, and a sign where lanes multiply two numbers that are computed.
    shift : array
        0 to 31.
    """

    bias: Integers
    multiplier: Integers
    shift: Integers

    @classmethod
    def from_words(cls, words: NDArray[np.int8], *, signed: bool = False) -> Self:
        """Read nine words: byte b of each column's 72 bits is in word b.

        Multipliers may be ``signed``.
        """
        byte = words.astype(np.int64) & 0xff
        bias = wrap(sum(byte[b] << (8 * b) for b in range(4)))
        high = sum(byte[4 + b] << (8 * b) for b in range(5))
        multiplier = high & (1 << MULTIPLIER) - 1
        if signed:
            multiplier -= (high >> SIGN & 1) << MULTIPLIER
        return cls(bias, multiplier, high >> MULTIPLIER & 31)

    def to_words(self) -> NDArray[np.int8]:
        """Return the nine words."""
        high = (self.multiplier & (1 << MULTIPLIER) - 1 | self.shift << MULTIPLIER
                | (self.multiplier < 0) << SIGN)
        return np.array([self.bias >> (8 * b) & 0xff for b in range(4)]
                        + [high >> (8 * b) & 0xff for b in range(5)]).astype(np.int8)


@dataclass(frozen=True)
class Post:
    """Golden twin of :class:`hwgen.rtl.accelerator.post.Post`.

    Parameters
    ----------
    rounding : str
        ``tflm`` rounds twice, ``single`` once, and ``even`` once, halves to even.
    """

    rounding: str

    def wide(self, sums: Integers, by: Parameters) -> Integers:
        """Return sums of 32 bits after requantisation; their last axis counts columns."""
        return wrap(self.round(wrap(sums + by.bias) * by.multiplier, by.shift))

    def product(self, sums: Integers, by: Parameters, *, square: bool) -> Integers:
        """Return the product of the halves of each sum, or the ``square`` of the lower one.

        The bias is added to the sum before its upper half is taken.
        """
        low = (sums + (1 << HALF - 1)) % (1 << HALF) - (1 << HALF - 1)
        both = (sums & (1 << HALF) - 1) * ((1 << HALF) + 1) if square else sums
        high = wrap(both + by.bias) >> HALF
        return wrap(self.round((high << HALF) * (low << HALF), by.shift))

    def round(self, products: Integers, shift: Integers) -> Integers:
        """Return products divided by ``2**(31 + shift)``."""
        if self.rounding != "tflm":
            return divide_once(products, MULTIPLIER + shift, self.rounding)
        high = (products + (1 << (MULTIPLIER - 1))) >> MULTIPLIER
        return divide(high, np.int64(1) << shift)

    def narrow(self, wide: Integers, zero_point: ArrayLike, low: int, high: int,
               ) -> NDArray[np.int8]:
        """Return the bytes that are written; what is below ``low`` is ``low`` in any case."""
        moved = wide + np.asarray(zero_point, np.int64)
        return np.where(moved < low, low, np.minimum(moved, high)).astype(np.int8)
