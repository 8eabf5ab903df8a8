"""How integers are written in bit planes, and which types of them an array may multiply.

Compiler, golden, cost and rtl share it.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UserError

__all__ = ["GROUP", "MOST_BITS", "Format", "Integer", "NumberKind"]

Integers = NDArray[np.int64]

MOST_BITS = 8
GROUP = 8
"""Rows of a column whose bits of one plane are a byte of the program memory."""


class NumberKind(IntEnum):
    """What the bits of a number stand for."""

    UNSIGNED = 0
    SIGNED = 1
    """The top plane counts negative."""
    BIPOLAR = 2
    """One bit, for -1 or 1."""


@dataclass(frozen=True)
class Format:
    """How many bits numbers have, and what they stand for.

    Parameters
    ----------
    bits : int
        1 to 8.
    kind : NumberKind
        BIPOLAR numbers have one bit. It is kept as one plane and multiplied as two, because
        -1 or 1 is twice the bit less one: the lower plane is all ones, and counts negative.
    """

    bits: int
    kind: NumberKind = NumberKind.SIGNED

    def __post_init__(self) -> None:
        """Check the fields."""
        most = 1 if self.kind == NumberKind.BIPOLAR else MOST_BITS
        if not 1 <= self.bits <= most:
            raise UserError(f"bits of a {self.kind.name.lower()} number must be from 1 to {most}, "
                            f"not {self.bits}")

    @property
    def planes(self) -> int:
        """Planes that are multiplied."""
        return 2 if self.kind == NumberKind.BIPOLAR else self.bits

    @property
    def low(self) -> int:
        """The least value."""
        return {NumberKind.UNSIGNED: 0, NumberKind.SIGNED: -1 << self.bits - 1,
                NumberKind.BIPOLAR: -1}[self.kind]

    @property
    def high(self) -> int:
        """The greatest value."""
        return {NumberKind.UNSIGNED: (1 << self.bits) - 1,
                NumberKind.SIGNED: (1 << self.bits - 1) - 1, NumberKind.BIPOLAR: 1}[self.kind]

    @property
    def code(self) -> int:
        """What hardware knows of it: five bits."""
        return self.bits - 1 | self.kind << 3

    @classmethod
    def from_code(cls, code: int) -> Self:
        """Read what :attr:`code` gives."""
        if code >> 3 not in tuple(NumberKind):
            raise UserError(f"a format of numbers must have a kind from 0 to 2, not {code >> 3}")
        return cls((code & 7) + 1, NumberKind(code >> 3))

    @classmethod
    def over(cls, low: int, high: int) -> Self:
        """Return the fewest bits that hold all integers of a range."""
        if low >= 0:
            return cls(max(high.bit_length(), 1), NumberKind.UNSIGNED)
        return cls(max(high, -1 - low).bit_length() + 1)

    @classmethod
    def of(cls, values: NDArray[np.signedinteger]) -> Self:
        """Return the fewest bits that hold some numbers."""
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        if values.size and low == -1 and high == 1 and np.all(values):
            return cls(1, NumberKind.BIPOLAR)
        return cls.over(low, high)

    def negative(self, plane: int) -> bool:
        """Return whether a plane counts negative."""
        if self.kind == NumberKind.BIPOLAR:
            return plane == 0
        return self.kind == NumberKind.SIGNED and plane == self.bits - 1

    def value(self, bits: ArrayLike) -> Integers:
        """Return the numbers of bits, of which there may be more above."""
        kept = np.asarray(bits, np.int64) & (1 << self.bits) - 1
        if self.kind == NumberKind.BIPOLAR:
            return 2 * kept - 1
        negative = kept >> self.bits - 1 if self.kind == NumberKind.SIGNED else 0
        return kept - (negative << self.bits)

    def words(self, rows: int) -> int:
        """Return how many words of the program memory the weights of a tile take."""
        return -(-rows // GROUP) * self.bits

    def to_words(self, weights: ArrayLike) -> NDArray[np.uint8]:
        """Return the words of weights, (..., rows, columns): (..., words, columns).

        Plane by plane, the lowest first; of each the rows in groups of eight, a byte for each
        column, the first row lowest.
        """
        weights = np.asarray(weights, np.int64)
        *outer, rows, columns = weights.shape
        bits = (weights + 1) // 2 if self.kind == NumberKind.BIPOLAR else weights
        if np.any(self.value(bits) != weights):
            raise ValueError(f"there are weights that {self.bits} bits do not hold")
        planes = np.stack([bits >> plane & 1 for plane in range(self.bits)], axis=-3)
        none = [(0, 0)] * (planes.ndim - 2)
        planes = np.pad(planes, [*none, (0, -rows % GROUP), (0, 0)])
        grouped = planes.reshape(*outer, -1, GROUP, columns)
        return (grouped << np.arange(GROUP)[:, None]).sum(axis=-2).astype(np.uint8)

    def from_words(self, words: NDArray[np.uint8], rows: int) -> Integers:
        """Return the weights of words: what :meth:`to_words` was given."""
        *outer, _, columns = words.shape
        grouped = words.astype(np.int64).reshape(*outer, self.bits, -1, 1, columns)
        bits = grouped >> np.arange(GROUP)[:, None] & 1
        planes = bits.reshape(*outer, self.bits, -1, columns)[..., :rows, :]
        return self.value((planes << np.arange(self.bits)[:, None, None]).sum(axis=-3))


@dataclass(frozen=True)
class Integer:
    """A type of integers: ``int8`` is signed and 8 bits wide, ``uint4`` unsigned and 4."""

    width: int
    signed: bool

    @classmethod
    def parse(cls, text: object, field: str) -> Self:
        """Read ``int2`` to ``int16`` or ``uint2`` to ``uint16``."""
        match = re.fullmatch(r"(u?)int([1-9]\d?)", text) if isinstance(text, str) else None
        if not match or not 2 <= int(match[2]) <= 16:
            raise UserError(f"{field} must be int2 to int16 or uint2 to uint16, not {text!r}")
        return cls(int(match[2]), not match[1])

    @property
    def low(self) -> int:
        """The least value."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The greatest value."""
        return (1 << (self.width - self.signed)) - 1
