"""Softmax and the logistic function in 32-bit fixed point, as TensorFlow Lite Micro computes them.

A value in Qn is an integer of 32 bits that stands for ``value * 2**(n - 31)``: n bits before the
binary point. Arrays are int64, so that products fit.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .arithmetic import Integers

__all__ = ["logistic", "softmax"]

Bytes = NDArray[np.int8]

LARGEST = (1 << 31) - 1
"""The largest value; in Q0 it stands for 1."""

# exp(-2**e) in Q0, for each bit of what is left below a quarter.
EXPONENTIALS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308),
                (2, 39332535), (3, 720401), (4, 242))


def multiply(a: Integers, b: Integers | int) -> Integers:
    """Return the product, rounded half up to 32 bits: of Qm and Qn in Q(m + n)."""
    return (a * b + (1 << 30)) >> 31


def halve(a: Integers, bits: Integers | int) -> Integers:
    """Divide by ``2**bits`` and round half away from zero; ``bits`` is at least 1."""
    half = np.int64(1) << (np.asarray(bits, np.int64) - 1)
    return (a + half - (a < 0)) >> bits


def double(a: Integers, bits: int) -> Integers:
    """Multiply by ``2**bits`` and saturate."""
    return np.clip(a << bits, -LARGEST - 1, LARGEST)


def exponential(a: Integers, whole: int) -> Integers:
    """Return exp(a) in Q0 of an ``a`` of at most 0 in Q(whole)."""
    fraction = 31 - whole
    quarter = 1 << (fraction - 2)
    within = (a & (quarter - 1)) - quarter
    # Four terms of the series around -1/8, for the part between -1/4 and 0.
    x = double(within, whole) + (1 << 28)
    squared = multiply(x, x)
    cubed, fourth = multiply(squared, x), multiply(squared, squared)
    third = 715827883
    series = halve(multiply(halve(fourth, 2) + cubed, third) + squared, 1)
    eighth = 1895147668
    result = eighth + multiply(x + series, eighth)
    left = within - a
    for exponent, factor in EXPONENTIALS:
        if exponent < whole:
            result = np.where(left >> (fraction + exponent) & 1, multiply(result, factor), result)
    return np.where(a == 0, LARGEST, result)


def inverse(a: Integers) -> Integers:
    """Return 1 / (1 + a) in Q0 of an ``a`` from 0 to 1 in Q0: three steps of Newton's method."""
    total = a + LARGEST
    denominator = (total + np.sign(total)) // 2
    x = 1515870810 + multiply(denominator, -1010580540)  # in Q2: 48/17 - 32/17 of it
    for _ in range(3):
        error = (1 << 29) - multiply(denominator, x)
        x = x + double(multiply(x, error), 2)
    return double(x, 1)


def left_shift(scale: float) -> tuple[int, int]:
    """Return multiplier and shift of a scale of at least 1."""
    fraction, shift = math.frexp(scale)
    return math.floor(fraction * 2.0**31 + 0.5), shift


def radius(whole: int, shift: int) -> int:
    """Return the largest difference that, scaled, still fits Q(whole)."""
    return (((1 << whole) - 1) << (31 - whole)) >> shift


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
    whole = 4
    multiplier, shift = left_shift(scale * (1 << 31 - whole))
    difference = np.arange(-128, 128, dtype=np.int64) - zero_point
    limit = radius(whole, shift)
    inside = np.clip(difference, 1 - limit, limit - 1) if limit else np.zeros_like(difference)
    scaled = multiply(inside << shift, multiplier)
    above = inverse(exponential(-np.abs(scaled), whole))
    result = np.where(scaled > 0, above, LARGEST - above)
    result = np.where(scaled == 0, 1 << 30, result)
    values = np.clip(halve(result, 31 - 8) - 128, -128, 127)
    values = np.where(difference >= limit, 127, values)
    values = np.where(difference <= -limit, -128, values)
    return values.astype(np.int8)[x.astype(np.int64) + 128]
