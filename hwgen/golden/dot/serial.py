"""What the serial-parallel unit of ``rtl/dot/serial.py`` computes, in NumPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bitplane import order, planes

__all__ = ["dot"]


def dot(serial: ArrayLike, parallel: ArrayLike, bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Return dot products along the last axis, plane by plane of the serial operand.

    Parameters
    ----------
    serial, parallel : array
        Vectors.
    bits : int
        Of a serial number.
    signed : bool
        Whether serial numbers are signed: then the top plane counts negative.
    """
    of_serial = planes(serial, bits)
    total = np.zeros((), np.int64)
    for weight, pair in enumerate(order(bits, 1, a_signed=signed, b_signed=False)):
        number = (of_serial[pair.a] * np.asarray(parallel, np.int64)).sum(axis=-1)
        total = total + ((-number if pair.negative else number) << weight)
    return total
