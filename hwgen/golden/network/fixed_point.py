"""Softmax and the logistic function in fixed point, as TensorFlow Lite Micro computes them."""

import numpy as np
from numpy.typing import NDArray

from ...network import fixed_point

__all__ = ["logistic", "softmax"]

Bytes = NDArray[np.int8]


def softmax(x: Bytes, scale: float, beta: float = 1.0) -> Bytes:
    """Return the softmax over the last axis; ``scale`` is the input's."""
    distance = x.max(axis=-1, keepdims=True).astype(np.int64) - x
    return fixed_point.shares(fixed_point.powers(beta * scale)[distance]).astype(np.int8)


def logistic(x: Bytes, scale: float, zero_point: int) -> Bytes:
    """Return the logistic function of each element; ``scale`` and ``zero_point`` are the input's.

    It has no more than 256 values, so they are computed once and looked up.
    """
    values = fixed_point.logistic(np.arange(-128, 128) - zero_point, scale)
    return values.astype(np.int8)[x.astype(np.int64) + 128]
