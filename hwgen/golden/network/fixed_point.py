"""Softmax and the logistic function in fixed point, as TensorFlow Lite Micro computes them."""

import numpy as np
from numpy.typing import NDArray

from ...network import fixed_point
from ...network.fixed_point import (
    LARGEST,
    exponential,
    halve,
    inverse,
    left_shift,
    multiply,
    radius,
)

__all__ = ["logistic", "softmax"]

Bytes = NDArray[np.int8]


def softmax(x: Bytes, scale: float, beta: float = 1.0) -> Bytes:
    """Return the softmax over the last axis; ``scale`` is the input's."""
    whole, whole_of_sum = 5, 12
    multiplier, shift = left_shift(min(beta * scale * (1 << 31 - whole), LARGEST))
    difference = x.astype(np.int64) - x.max(axis=-1, keepdims=True)
    counts = difference >= -radius(whole, shift)
    scaled = multiply(np.where(counts, difference, 0) << shift, multiplier)
    powers = exponential(scaled, whole)
    total = np.where(counts, halve(powers, whole_of_sum), 0).sum(axis=-1, keepdims=True)
    # frexp of less than 2**53 is exact, and so counts the bits of the sum.
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    reciprocal = inverse((total << (32 - bits)) - (1 << 31))
    exponent = whole_of_sum - (32 - bits) + 31 - 8
    result = halve(multiply(reciprocal, powers), exponent) - 128
    return np.where(counts, np.clip(result, -128, 127), -128).astype(np.int8)


def logistic(x: Bytes, scale: float, zero_point: int) -> Bytes:
    """Return the logistic function of each element; ``scale`` and ``zero_point`` are the input's.

    It has no more than 256 values, so they are computed once and looked up.
    """
    values = fixed_point.logistic(np.arange(-128, 128) - zero_point, scale)
    return values.astype(np.int8)[x.astype(np.int64) + 128]
