"""What the unit for weights of -1, 0 and +1 of ``rtl/dot/ternary.py`` computes, in NumPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["dot", "encode"]

Integers = NDArray[np.int64]


def encode(weights: ArrayLike) -> Integers:
    """Return weights as the unit takes them: bit 0 is ``negative``, bit 1 is ``skip``."""
    weights = np.asarray(weights, np.int64)
    wrong = weights[np.abs(weights) > 1]
    if wrong.size:
        raise ValueError(f"weights must be -1, 0 or 1, not {wrong.flat[0]}")
    return (weights < 0) | (weights == 0) << 1


def dot(numbers: ArrayLike, codes: ArrayLike) -> Integers:
    """Return dot products along the last axis: numbers are added, subtracted and skipped."""
    numbers, codes = np.asarray(numbers, np.int64), np.asarray(codes, np.int64)
    kept = np.where(codes & 2, 0, numbers)
    return (kept - 2 * np.where(codes & 1, kept, 0)).sum(axis=-1)
