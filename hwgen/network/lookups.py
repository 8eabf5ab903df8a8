"""Tables of the functions of one byte that TensorFlow Lite Micro computes, bit for bit.

Scales are float32, as a file has them, and each product of scales is rounded where the reference
rounds it. Values are those of -128 to 127.
"""

import numpy as np

from ..errors import UserError
from . import fixed_point
from .fixed_point import double, halve, multiply
from .graph import Logistic, Lookup
from .rounding import Integers, scale
from .scales import multiplier_and_shift
from .table import Table
from .tensor import Tensor

__all__ = ["BYTES", "absolute", "elu", "hard_swish", "hyperbolic_tangent", "leaky_relu", "logistic",
           "looked_up", "parametric_relu", "reciprocal_root", "table_of"]

BYTES = np.arange(-128, 128)
SHORT = 1 << 15
ROOT = 20
"""Bits of a reciprocal root behind the point."""


def table_of(function: str, values: Integers) -> Table:
    """Return the table of integers that are clamped to a byte."""
    return Table(function, np.clip(values, -128, 127).astype(np.int8))


def logistic(x: Tensor) -> Table:
    """LOGISTIC."""
    return table_of("LOGISTIC", fixed_point.logistic(BYTES - x.zero_point, x.scale))


def looked_up(layer: Logistic, x: Tensor) -> Lookup:
    """Return the layer as a table of its values."""
    return Lookup(name=layer.name, inputs=layer.inputs, output=layer.output, table=logistic(x))


def hyperbolic_tangent(x: Tensor) -> Table:
    """TANH."""
    return table_of("TANH", fixed_point.hyperbolic_tangent(BYTES - x.zero_point, x.scale))


def rescale(values: Integers, ratio: float) -> Integers:
    """Return integers times a ratio of scales."""
    return scale(values, *multiplier_and_shift([ratio]))


def leaky_relu(x: Tensor, y: Tensor, alpha: float) -> Table:
    """LEAKY_RELU."""
    size, values = np.float32(x.scale), BYTES - x.zero_point
    with np.errstate(all="ignore"):
        below, above = (float(factor / np.float32(y.scale)) for factor in
                        (size * np.float32(alpha), size))
    if below < 0:
        raise UserError(f"its slope {alpha:.4g} must not be negative")
    return table_of("LEAKY_RELU", y.zero_point + np.where(
        values >= 0, rescale(values, above), rescale(values, below)))


def parametric_relu(x: Tensor, y: Tensor, slope: int, slope_scale: float) -> Table:
    """PRELU with one slope, an integer and its scale."""
    values = BYTES - x.zero_point
    return table_of("PRELU", y.zero_point + np.where(
        values >= 0, rescale(values, x.scale / y.scale),
        rescale(values * slope, x.scale * slope_scale / y.scale)))


def absolute(x: Tensor, y: Tensor) -> Table:
    """ABS."""
    values = np.abs(BYTES - x.zero_point)
    if x.scale != y.scale:
        values = rescale(values, float(np.float32(x.scale) / np.float32(y.scale)))
    return table_of("ABS", y.zero_point + values)


def elu(x: Tensor, y: Tensor) -> Table:
    """ELU, in float32."""
    real = np.float32(x.scale) * (BYTES - x.zero_point).astype(np.float32)
    with np.errstate(all="ignore"):
        below = np.exp(real.astype(np.float64)).astype(np.float32) - np.float32(1)
        steps = np.where(real < 0, below, real) * (np.float32(1) / np.float32(y.scale))
    if not np.all(np.abs(steps) < 1 << 30):
        raise UserError(f"its input's scale {x.scale:.4g} is too large for its output's "
                        f"{y.scale:.4g}")
    whole = np.trunc(steps + np.copysign(np.float32(0.5), steps)).astype(np.int64)
    return table_of("ELU", whole + y.zero_point)


def reciprocal_root(x: Tensor, y: Tensor) -> Table:
    """RSQRT; what the reference refuses, numbers below 0, are as 0 is."""
    ratio = 1 / float(np.sqrt(np.float32(x.scale)) * np.float32(y.scale))
    [multiplier], [shift] = multiplier_and_shift([ratio])
    values = BYTES - x.zero_point
    found = [127 if value <= 0 else y.zero_point + int(scale(
        scale(np.array([1]), *root_multiplier(value)), multiplier, shift - ROOT)[0])
        for value in values.tolist()]
    return table_of("RSQRT", np.array(found))


def root_multiplier(value: int) -> tuple[int, int]:
    """Return multiplier and shift of the reciprocal root of an integer, with :data:`ROOT` bits.

    Five steps of Newton's method on a number in Q3, from 1 on.
    """
    if value == 1:
        return fixed_point.LARGEST, ROOT
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    half, x = halve(np.array([value << 2 * pairs >> 1]), 1), np.array([1 << 28])
    for _ in range(5):
        cubed = double(multiply(multiply(x, x), x), 6)
        x = double(multiply(x, (1 << 28) + (1 << 27)) - multiply(half, cubed), 3)
    return int(multiply(x, 1518500250)[0]), ROOT - (11 - pairs)


def short(values: Integers) -> Integers:
    """Saturate to 16 bits."""
    return np.clip(values, -SHORT, SHORT - 1)


def multiplier_of(ratio: float) -> tuple[int, int]:
    """Return a multiplier of 15 bits and a shift."""
    [multiplier], [shift] = multiplier_and_shift([ratio])
    return min((int(multiplier) + SHORT) >> 16, SHORT - 1), int(shift)


def high_half(product: Integers) -> Integers:
    """Return a product of two 16-bit numbers as 16 bits, half up."""
    return np.sign(product) * ((np.abs(product) + (1 << 14) - (product < 0)) >> 15)


def halve_short(values: Integers, bits: int) -> Integers:
    """Divide 16 bits by ``2**bits``, half away from zero; the reference's mask has 16 bits, too."""
    if bits < 16:
        return halve(values, bits) if bits else values
    return (values >> bits) + (values >= 0)


def hard_swish(x: Tensor, y: Tensor) -> Table:
    """HARD_SWISH, in 16 bits: a product of x and of what is between 0 and 1."""
    fine = np.float32(x.scale) * np.float32(1 / 128)
    third = np.float32(3) / np.float32(SHORT)
    by_output, output_shift = multiplier_of(float(fine) / float(np.float32(y.scale)))
    by_third, shift = multiplier_of(float(fine) / float(third))
    if output_shift > 0:
        raise UserError(f"its input's scale {x.scale:.4g} must be at most 128 times its output's "
                        f"{y.scale:.4g}")
    high = (BYTES - x.zero_point) * 128
    high = (high + SHORT) % (2 * SHORT) - SHORT
    before = high_half(high * by_output)
    between = high
    if shift > 0:
        between = short(between << (shift - 1))
    between = high_half(between * by_third)
    if shift > 0:
        between = short(between << 1)
    if shift < 0:
        between = halve_short(between, -shift)
    between = (between + SHORT) >> 1
    product = between * before
    product = np.sign(product) * (np.abs(product) >> 15)
    return table_of("HARD_SWISH", halve_short(product, -output_shift) + y.zero_point)
