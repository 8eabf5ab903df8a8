"""How many bits a value has, and which integers they stand for."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["INT8", "SUMS", "Precision"]

KINDS = ("signed", "unsigned", "bipolar")


@dataclass(frozen=True)
class Precision:
    """The integers of a tensor or of weights.

    Parameters
    ----------
    bits : int
        1 to 8, or 32 for sums that are handed out as they are.
    kind : str
        ``signed`` is two's complement. ``unsigned`` begins at 0, and has at most 7 bits: arrays are
        int8, so uint8 is signed, with 128 subtracted from values and zero point. ``bipolar`` is one
        bit that stands for -1 or 1.
    """

    bits: int
    kind: str = "signed"

    def __post_init__(self) -> None:
        """Check the fields."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        most = {"signed": 8, "unsigned": 7, "bipolar": 1}[self.kind]
        if not 1 <= self.bits <= most and (self.bits, self.kind) != (32, "signed"):
            raise ValueError(f"bits of a {self.kind} value must be from 1 to {most}, "
                             f"not {self.bits}")

    @property
    def low(self) -> int:
        """The least value."""
        return {"signed": -1 << self.bits - 1, "unsigned": 0, "bipolar": -1}[self.kind]

    @property
    def high(self) -> int:
        """The greatest value."""
        return {"signed": (1 << self.bits - 1) - 1, "unsigned": (1 << self.bits) - 1,
                "bipolar": 1}[self.kind]

    @property
    def dtype(self) -> type[np.int8] | type[np.int32]:
        """Type of arrays of such values."""
        return np.int8 if self.bits <= 8 else np.int32

    def __str__(self) -> str:
        """Return how texts name it."""
        return f"{self.bits}-bit {self.kind}"

    @classmethod
    def over(cls, low: int, high: int) -> Self:
        """Return the fewest bits that hold all integers of a range."""
        if 0 <= low and high < 128:
            return cls(max(high.bit_length(), 1), "unsigned")
        bits = max(max(high, -1 - low).bit_length() + 1, 1)
        return cls(bits if bits <= 8 else 32)

    @classmethod
    def of(cls, values: NDArray[np.int8]) -> Self:
        """Return the fewest bits that hold some values."""
        low, high = int(values.min(initial=127)), int(values.max(initial=-128))
        if low == -1 and high == 1 and np.all(values):
            return cls(1, "bipolar")
        return cls.over(low, high) if values.size else cls(1)


INT8 = Precision(8)

SUMS = Precision(32)
"""Sums that nothing requantises."""
