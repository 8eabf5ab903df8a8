"""What the unit for powers of two of ``rtl/dot/power.py`` computes, in NumPy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["dot", "encode", "weights_of"]

Integers = NDArray[np.int64]


def weights_of(exponent_bits: int) -> Integers:
    """Return all weights that there are, the lowest first."""
    powers = 1 << np.arange((1 << exponent_bits) - 1)
    return np.concatenate([-powers[::-1], [0], powers])


def encode(weights: ArrayLike, exponent_bits: int) -> Integers:
    """Return weights as the unit takes them: bit 0 is ``negative``, the others the exponent."""
    weights = np.asarray(weights, np.int64)
    wrong = weights[~np.isin(weights, weights_of(exponent_bits))]
    if wrong.size:
        raise ValueError(f"weights must be 0 or plus or minus a power of two of at most "
                         f"{1 << (1 << exponent_bits) - 2}, not {wrong.flat[0]}")
    exponents = np.log2(np.maximum(np.abs(weights), 1)).astype(np.int64)  # exact for such powers
    zero = (1 << exponent_bits) - 1
    return (weights < 0) | np.where(weights == 0, zero, exponents) << 1


def dot(numbers: ArrayLike, codes: ArrayLike, exponent_bits: int) -> Integers:
    """Return dot products along the last axis: numbers are shifted, then added or subtracted."""
    numbers, codes = np.asarray(numbers, np.int64), np.asarray(codes, np.int64)
    exponents = codes >> 1
    shifted = np.where(exponents == (1 << exponent_bits) - 1, 0, numbers << exponents)
    return np.where(codes & 1, -shifted, shifted).sum(axis=-1)
