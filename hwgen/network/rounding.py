"""How a sum of 32 bits is multiplied by a multiplier of 31 bits and a shift, and rounded."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["COPY", "Integers", "divide_once", "scale", "wrap"]

Integers = NDArray[np.int64]

COPY = (1 << 31) - 1
"""The multiplier, with shift 0, that leaves sums of less than 31 bits as they are."""


def wrap(values: NDArray[np.signedinteger]) -> Integers:
    """Keep the lowest 32 bits, as an accumulator of that width does."""
    return values.astype(np.int32).astype(np.int64)


def divide_once(values: Integers, shift: ArrayLike, rounding: str) -> Integers:
    """Return ``values * 2**-shift``, with ``single`` half up, with ``even`` half to even."""
    by = np.asarray(shift, np.int64)
    half = np.int64(1) << (by - 1)
    if rounding == "even":
        half = half - 1 + (values >> by & 1)
    return (values + half) >> by


def scale(sums: Integers, multiplier: ArrayLike, shift: ArrayLike,
          rounding: str = "tflm") -> Integers:
    """Return sums of 32 bits times ``multiplier * 2**(shift - 31)``.

    ``multiplier`` and ``shift`` have one value for each channel, the last axis, or one for all.
    With ``tflm`` the product is first rounded to 32 bits, half up, and shifted right then, half
    away from zero. With ``single`` it is rounded once, half up, with ``even`` once, half to even.
    """
    multiplier = np.asarray(multiplier, np.int64)
    shift = np.asarray(shift, np.int64)
    if rounding != "tflm":
        return divide_once(sums * multiplier, 31 - shift, rounding)
    if np.any(shift > 0):
        sums = wrap(sums << np.maximum(shift, 0))
    right = np.maximum(-shift, 0)
    high = (sums * multiplier + (1 << 30)) >> 31
    # What makes a shift round half up; one less of it below zero makes it round half away.
    half = (np.int64(1) << right) >> 1
    below = (high >> 63) & -np.sign(right)
    return (high + half + below) >> right
