"""From a sum of 32 bits to an int8: the two roundings and the clamp, or thresholds."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...network.graph import Requantisation
from ...network.rounding import Integers, divide_once, scale, wrap
from ...network.thresholds import Thresholds

__all__ = ["Integers", "divide", "divide_once", "requantise", "scale", "threshold", "wrap"]

def divide(values: Integers, by: ArrayLike) -> Integers:
    """Divide by a positive integer and round to the nearest, half away from zero."""
    by = np.asarray(by, np.int64)
    return np.sign(values) * ((np.abs(values) + by // 2) // by)


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
