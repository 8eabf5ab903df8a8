"""Functions in 32-bit fixed point, as TensorFlow Lite Micro computes them.

A value in Qn is an integer of 32 bits that stands for ``value * 2**(n - 31)``: n bits before the
binary point. Arrays are int64, so that products fit.
"""

import math

import numpy as np

from .rounding import Integers

__all__ = ["LARGEST", "double", "exponential", "halve", "hyperbolic_tangent", "inverse",
           "left_shift", "logistic", "multiply", "powers", "radius", "shares"]

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


def reciprocal(a: Integers) -> Integers:
    """Return 1 / (1 + a) in Q1 of an ``a`` from 0 to 1 in Q0: three steps of Newton's method."""
    total = a + LARGEST
    denominator = (total + np.sign(total)) // 2
    x = 1515870810 + multiply(denominator, -1010580540)  # in Q2: 48/17 - 32/17 of it
    for _ in range(3):
        error = (1 << 29) - multiply(denominator, x)
        x = x + double(multiply(x, error), 2)
    return x


def inverse(a: Integers) -> Integers:
    """Return the same in Q0."""
    return double(reciprocal(a), 1)


def left_shift(scale: float) -> tuple[int, int]:
    """Return multiplier and shift of a scale of at least 1."""
    fraction, shift = math.frexp(scale)
    return math.floor(fraction * 2.0**31 + 0.5), shift


def radius(whole: int, shift: int) -> int:
    """Return the largest difference that, scaled, still fits Q(whole)."""
    return (((1 << whole) - 1) << (31 - whole)) >> shift


def powers(scale: float) -> Integers:
    """Return e to the power of -d times a scale, for each distance d of two bytes, in Q0.

    Beyond the limit of the differences that count it is 0.
    """
    whole = 5
    multiplier, shift = left_shift(min(scale * (1 << 31 - whole), LARGEST))
    difference = -np.arange(256)
    counts = difference >= -radius(whole, shift)
    scaled = multiply(np.where(counts, difference, 0) << shift, multiplier)
    return np.where(counts, exponential(scaled, whole), 0)


def shares(values: Integers) -> Integers:
    """Return the share of each in the sum over the last axis, in 256ths, less 128.

    Each is a power in Q0, the greatest one 1.
    """
    whole = 12
    total = halve(values, whole).sum(axis=-1, keepdims=True)
    # frexp of less than 2**53 is exact, and so counts the bits of the sum.
    bits = np.frexp(total.astype(np.float64))[1].astype(np.int64)
    found = multiply(inverse((total << (32 - bits)) - (1 << 31)), values)
    return np.minimum(halve(found, whole - (32 - bits) + 31 - 8) - 128, 127)


def inside(x: Integers, scale: float, whole: int) -> tuple[Integers, int]:
    """Return values less their zero point, of a scale below 4, in Q(whole), and their limit.

    Those beyond the limit are near it.
    """
    multiplier, shift = left_shift(scale * (1 << 31 - whole))
    limit = radius(whole, shift)
    within = np.clip(x, 1 - limit, limit - 1) if limit else np.zeros_like(x)
    return multiply(within << shift, multiplier), limit


def logistic(x: Integers, scale: float) -> Integers:
    """Return the logistic function of values less their zero point, in 256ths, less 128."""
    whole = 4
    scaled, limit = inside(x, scale, whole)
    above = inverse(exponential(-np.abs(scaled), whole))
    result = np.where(scaled > 0, above, LARGEST - above)
    result = np.where(scaled == 0, 1 << 30, result)
    values = np.clip(halve(result, 31 - 8) - 128, -128, 127)
    values = np.where(x >= limit, 127, values)
    return np.where(x <= -limit, -128, values)


def hyperbolic_tangent(x: Integers, scale: float) -> Integers:
    """Return the hyperbolic tangent of values less their zero point, in 128ths."""
    whole = 4
    scaled, limit = inside(x, scale, whole)
    # (1 - e) / (1 + e), of e to the power of -2 x.
    above = double(reciprocal(exponential(-np.abs(scaled), whole + 1)) - (1 << 29), 2)
    result = np.where(scaled < 0, -above, above)
    result = np.where(scaled == 0, 0, result)
    values = np.clip(halve(result, 31 - 7), -128, 127)
    values = np.where(x >= limit, 127, values)
    return np.where(x <= -limit, -128, values)
