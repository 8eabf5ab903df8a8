"""A function of one byte, as the 256 values that it has."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..arch.steps import TABLE_BYTES

__all__ = ["Table"]


@dataclass(frozen=True, eq=False)
class Table:
    """What becomes of each int8.

    Parameters
    ----------
    function : str
        Name of the operator.
    values : array
        256 int8: those of -128 to 127.
    """

    function: str
    values: NDArray[np.int8]

    def apply(self, x: NDArray[np.signedinteger]) -> NDArray[np.int8]:
        """Return what becomes of some int8, whatever integers they are stored as."""
        found: NDArray[np.int8] = self.values[x.astype(np.int16) + TABLE_BYTES // 2]
        return found

    def after(self, first: Self) -> Self:
        """Return the table of both, one after the other."""
        return type(self)(f"{first.function}, {self.function}", self.apply(first.values))

    def to_bytes(self) -> bytes:
        """Return it as lanes read it: that of a byte at the byte without its sign."""
        return np.roll(self.values, TABLE_BYTES // 2).tobytes()
