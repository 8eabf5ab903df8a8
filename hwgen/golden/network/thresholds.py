"""From a sum to a value of few bits, by comparing it with thresholds."""

import numpy as np
from numpy.typing import NDArray

from ...network.thresholds import Thresholds
from .arithmetic import Integers

__all__ = ["threshold"]


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
