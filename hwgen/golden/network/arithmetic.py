"""From a sum of 32 bits to an int8: the two roundings and the clamp, or thresholds."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...network.graph import Requantisation
from ...network.thresholds import Thresholds

__all__ = ["Integers", "divide", "divide_once", "requantise", "scale", "threshold", "wrap"]

Integers = NDArray[np.int64]


def wrap(values: NDArray[np.signedinteger]) -> Integers:
    """Keep the lowest 32 bits, as an accumulator of that width does."""
    return values.astype(np.int32).astype(np.int64)


def divide(values: Integers, by: ArrayLike) -> Integers:
    """Divide by a positive integer and round to the nearest, half away from zero."""
    by = np.asarray(by, np.int64)
    return np.sign(values) * ((np.abs(values) + by // 2) // by)


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


def requantise(sums: Integers, by: Requantisation, rounding: str = "tflm") -> NDArray[np.int8]:
    """Return the int8 of sums of 32 bits."""
    values = scale(sums, by.multiplier, by.shift, rounding) + by.zero_point
    return np.clip(values, by.low, by.high).astype(np.int8)


def threshold(sums: Integers, by: Thresholds) -> NDArray[np.int8]:
    """Return the values of sums of 32 bits; their last axis counts channels.

    A falling channel counts the thresholds that a rising one does not.
    """
    flat = sums.reshape(-1, sums.shape[-1])
    reached = np.empty(flat.shape, np.int64)
    for channel, values in enumerate(by.values):
        reached[:, channel] = np.searchsorted(values, flat[:, channel], side="right")
    counted = np.where(by.falling, by.values.shape[1] - reached, reached)
    return (by.low + by.step * counted).astype(np.int8).reshape(sums.shape)
