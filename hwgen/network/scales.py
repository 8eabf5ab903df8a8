"""From scales, which are floating point, to the integers that hardware computes with.

They are TensorFlow Lite Micro's, bit for bit: where it computes in float32, so does this.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UserError

__all__ = ["ACTIVATIONS", "activation_range", "mean_multiplier", "multiplier_and_shift"]

LARGEST_SHIFT = 30

ACTIVATIONS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
"""Least and greatest value of each activation that a layer may end with."""


def multiplier_and_shift(ratio: ArrayLike) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return q and s so that ``q * 2**(s - 31)`` is nearest to each ratio, q having 31 bits.

    A ratio too small for a shift of -31 becomes 0; one too large for a shift of 30 is an error.
    """
    fraction, shift = np.frexp(np.atleast_1d(np.asarray(ratio, np.float64)))
    if not np.all(np.isfinite(fraction) & (fraction >= 0)):
        raise UserError("a ratio of scales must be a finite positive number")
    multiplier = np.floor(fraction * 2.0**31 + 0.5).astype(np.int64)
    carry = multiplier >> 31
    multiplier, shift = multiplier >> carry, shift + carry
    small = shift < -31
    multiplier[small], shift[small] = 0, 0
    if np.any(shift > LARGEST_SHIFT):
        raise UserError(f"a ratio of scales must be below 2**{LARGEST_SHIFT}, "
                        f"not {np.max(ratio):.4g}")
    return multiplier.astype(np.int32), shift.astype(np.int32)


def mean_multiplier(ratio: float, count: int) -> tuple[int, int]:
    """Return multiplier and shift of a mean over ``count`` values.

    The multiplier of the ratio is shifted up while that keeps it from growing, and divided then, so
    it may be as small as 2**29.
    """
    multipliers, shifts = multiplier_and_shift([ratio])
    multiplier, shift = int(multipliers[0]), int(shifts[0])
    up = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << up) // count, shift - up


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Return the least and the greatest int8 that an activation lets through."""
    limits = []
    for real, default in zip(ACTIVATIONS[activation], (-128, 127), strict=True):
        if real is None:
            limits.append(default)
            continue
        # A float32, as the scale is. Beyond 1000 every limit is the default.
        with np.errstate(over="ignore"):
            steps = min(max(float(np.float32(real) / np.float32(scale)), -1000), 1000)
        steps = int(np.copysign(np.floor(abs(steps) + 0.5), steps))
        limits.append(min(max(zero_point + steps, -128), 127))
    return limits[0], limits[1]
