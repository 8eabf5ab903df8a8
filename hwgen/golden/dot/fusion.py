"""What the array of 2-bit multipliers of ``rtl/dot/fusion.py`` computes, in NumPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["DIGITS", "PRECISIONS", "SIDE", "Fusion", "FusionMode"]

Integers = NDArray[np.int64]

DIGITS = {2: 1, 4: 2, 8: 4}
"""Digits of 2 bits that a number of so many bits has."""
PRECISIONS = tuple(DIGITS)
SIDE = 4
"""Bricks of a group, along each of its sides."""


@dataclass(frozen=True)
class FusionMode:
    """How the numbers of both operands are written.

    Parameters
    ----------
    a_bits, b_bits : int
        Each one of :data:`PRECISIONS`.
    a_signed, b_signed : bool
    """

    a_bits: int
    b_bits: int
    a_signed: bool
    b_signed: bool

    @property
    def products(self) -> int:
        """Products of a group in each cycle."""
        return SIDE * SIDE // (DIGITS[self.a_bits] * DIGITS[self.b_bits])


def byte(index: int, bits: int) -> int:
    """Return the byte for a row or column of a group, where numbers of the other side have bits.

    Numbers of four digits take a whole side, and byte 0 goes everywhere. With two digits byte 1
    goes to the upper half, with one byte 2 goes to place 1: so no place has more than three bytes
    to choose from, and two of these it shares with another place.
    """
    return {2: (0, 2, 1, 3)[index], 4: index // 2, 8: 0}[bits]


@dataclass(frozen=True)
class Fusion:
    """Golden twin of :class:`hwgen.rtl.dot.fusion.Fusion`.

    Parameters
    ----------
    groups : int
        Of sixteen bricks each.
    """

    groups: int

    def length(self, mode: FusionMode) -> int:
        """Return the numbers of a piece."""
        return self.groups * mode.products

    def partners(self, mode: FusionMode) -> Integers:
        """Return which number of ``a`` meets each number of ``b``, both in their order in a piece.

        ``a`` is taken as it comes. Where both operands have fewer than 8 bits ``b`` has another
        order, which costs nothing where ``b`` are weights, laid out once: ``b = x[partners]``.
        """
        order = np.empty(self.length(mode), np.int64)
        in_a, in_b = SIDE // DIGITS[mode.a_bits], SIDE // DIGITS[mode.b_bits]  # numbers of a byte
        for row in range(0, SIDE, DIGITS[mode.a_bits]):
            for column in range(0, SIDE, DIGITS[mode.b_bits]):
                for group in range(self.groups):
                    of_a, of_b = byte(column, mode.b_bits), byte(row, mode.a_bits)
                    a = (of_a * self.groups + group) * in_a + row // DIGITS[mode.a_bits]
                    b = (of_b * self.groups + group) * in_b + column // DIGITS[mode.b_bits]
                    order[b] = a
        return order

    def word(self, values: ArrayLike, bits: int) -> int:
        """Return the word that brings a piece: numbers side by side, the first one lowest."""
        word = 0
        for value in reversed(np.asarray(values, np.int64).tolist()):
            word = word << bits | value & ((1 << bits) - 1)
        return word

    def bricks(self, words: int, mode: FusionMode, *, of_a: bool) -> Integers:
        """Return the digit that each brick takes of a word: (rows, columns, groups)."""
        bits, other, signed = ((mode.a_bits, mode.b_bits, mode.a_signed) if of_a
                               else (mode.b_bits, mode.a_bits, mode.b_signed))
        taken = np.empty((SIDE, SIDE, self.groups), np.int64)
        for along in range(SIDE):
            for across in range(SIDE):
                for group in range(self.groups):
                    at = 8 * (byte(across, other) * self.groups + group) + 2 * along
                    digit = words >> at & 3
                    top = (along + 1) % DIGITS[bits] == 0
                    value = digit - 4 if signed and top and digit > 1 else digit
                    taken[(along, across) if of_a else (across, along)][group] = value
        return taken

    def piece(self, a: int, b: int, mode: FusionMode) -> int:
        """Return the dot product of two pieces, given as words."""
        products = self.bricks(a, mode, of_a=True) * self.bricks(b, mode, of_a=False)
        place = np.arange(SIDE)
        weights = (1 << 2 * (place % DIGITS[mode.a_bits])[:, None]
                   << 2 * (place % DIGITS[mode.b_bits]))
        return int((products.sum(axis=-1) * weights).sum())

    def dot(self, a: ArrayLike, b: ArrayLike, mode: FusionMode) -> int:
        """Return the dot product of two vectors of whole pieces, both in the same order."""
        length = self.length(mode)
        total = 0
        for x, y in zip(np.asarray(a).reshape(-1, length), np.asarray(b).reshape(-1, length),
                        strict=True):
            total += self.piece(self.word(x, mode.a_bits),
                                self.word(y[self.partners(mode)], mode.b_bits), mode)
        return total
