"""QONNX's operators: Quant, BipolarQuant and MultiThreshold, of constants, inputs and sums."""

import math
from dataclasses import replace

import numpy as np

from ..exact import as_levels
from ..file import ELEMENTS, Node
from ..float_ops import single
from ..levels import DOMAINS, ROUNDINGS, Levels, Staircase, Uniform
from ..reader import Handler, OnnxReader
from ..values import Outside, Pending, Real, Scaled, Value
from .arithmetic import affine
from .moves import shape_of

__all__ = ["LOW_BIT"]

WIDEST = 32
"""Bits of a constant, such as a bias; tensors have at most 8."""


def quant(reader: OnnxReader, node: Node) -> Value:
    """Quant: a scale, a zero point and a number of bits."""
    bits = reader.scalar(node, 3, "bits", 0)
    most = WIDEST if isinstance(reader.value(node, 0), np.ndarray) else 8
    if not 1 <= bits <= most or bits != int(bits):
        raise node.error(f"quantises to {bits:g} bits; we run 1 to {most}, whole ones")
    signed, narrow = node.integer("signed", 1), node.integer("narrow", 0)
    if bits == 1 and signed:
        # What the reference does, whose exporters mean that by it.
        return quantise_uniform(reader, node, *numbers(reader, node, 2), -1, 1, 2)
    low, high = 0, (1 << int(bits)) - 1
    if signed:
        low, high = -1 << int(bits) - 1, (1 << int(bits) - 1) - 1
    if narrow:
        low, high = (low + 1, high) if signed else (low, high - 1)
    return quantise_uniform(reader, node, *numbers(reader, node, 2), low, high)


def bipolar_quant(reader: OnnxReader, node: Node) -> Value:
    """BipolarQuant: the sign, and a scale."""
    return quantise_uniform(reader, node, *numbers(reader, node, None), -1, 1, 2)


def numbers(reader: OnnxReader, node: Node, zero: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and zero point, checked: floating-point constants of any shape."""
    found = []
    for index, name in ((1, "scale"), (zero, "zero point")):
        array = np.zeros((), np.float32) if index is None else reader.constant(node, index)
        # Some exporters write zero points as integers, which is what they are.
        kinds = "fiu" if name == "zero point" else "f"
        if array is None or array.dtype.kind not in kinds or not array.size or \
                not np.all(np.isfinite(array)):
            raise node.error(f"needs a {name} of finite floating-point numbers")
        found.append(single(array))
    if np.any(found[0] <= 0):
        raise node.error("has a scale that is not above 0")
    if np.any(found[1] != np.rint(found[1])) or np.any(np.abs(found[1]) > 1 << 16):
        raise node.error("has a zero point that is no integer, or too large")
    return found[0], found[1]


def quantise_uniform(reader: OnnxReader, node: Node, scale: np.ndarray, zero: np.ndarray, low: int,
                     high: int, step: int = 1) -> Value:
    """Return a value at equal distances."""
    rounding = node.text("rounding_mode", "ROUND").upper()
    if rounding not in ROUNDINGS:
        raise node.error(f"rounds by {rounding!r}; we run {', '.join(ROUNDINGS)}")
    value = reader.value(node, 0)
    if isinstance(value, np.ndarray):
        return constant(node, value, scale, zero, Uniform(
            scale=scale, zero=0, low=low, high=high, step=step, rounding=rounding))
    if scale.size != 1 or zero.size != 1:
        raise node.error("has a scale for each channel of a tensor; we run one for all, and one "
                         "for each channel of weights")
    shift = int(zero.reshape(-1)[0])
    if not low <= shift <= high and step == 1:
        raise node.error(f"has a zero point of {shift}, which is not among its {low} to {high}")
    if step == 2 and shift:
        raise node.error("has a zero point for a single bit; we run -1 and 1")
    return quantise_levels(reader, node, value, Uniform(
        scale=scale.reshape(()), zero=shift, low=low, high=high, step=step, rounding=rounding))


def constant(node: Node, value: np.ndarray, scale: np.ndarray, zero: np.ndarray,
             levels: Uniform) -> Scaled:
    """Return a constant as integers."""
    if value.dtype.kind != "f" or not np.all(np.isfinite(value)):
        raise node.error("quantises a constant that is not of finite floating-point numbers")
    try:
        full = np.broadcast_shapes(value.shape, scale.shape, zero.shape)
    except ValueError:
        full = ()
    if full != value.shape:
        raise node.error(f"has a scale of {list(scale.shape)} for a constant of "
                         f"{list(value.shape)}")
    x = single(value)
    if levels.step == 1:
        # Added before it is clamped, and so in the numbers here rather than in the levels.
        with np.errstate(all="ignore"):
            x = (x / scale + zero).astype(np.float32)
        levels = replace(levels, scale=np.ones((), np.float32))
    ones = (1,) * value.ndim
    shaped = [array.reshape(ones[array.ndim:] + array.shape) for array in (scale, zero)]
    return Scaled(levels.low + levels.step * levels.index(x), shaped[0].astype(np.float64),
                  shaped[1].astype(np.int64))


def multi_threshold(reader: OnnxReader, node: Node) -> Value:
    """MultiThreshold: how many thresholds a number reaches, on a grid."""
    thresholds = reader.constant(node, 1)
    if thresholds is None or thresholds.dtype.kind != "f" or thresholds.ndim != 2 or \
            not thresholds.size or not np.all(np.isfinite(thresholds)):
        raise node.error("needs thresholds that are finite, a row for each channel")
    count = thresholds.shape[1]
    if count > 255:
        raise node.error(f"has {count} thresholds for each channel; we run up to 255, for 8 bits")
    value = reader.value(node, 0)
    shape = shape_of(value)
    channels_last = node.text("data_layout", "NCHW") != "NCHW"
    axis = 1 if len(shape) in (2, 4) and not (channels_last and len(shape) == 4) else -1
    if len(shape) < 2 or len(thresholds) not in (1, shape[axis]):
        raise node.error(f"has thresholds of {list(thresholds.shape)} for a tensor of "
                         f"{list(shape)}")
    if len(thresholds) > 1 and (isinstance(value, Outside) or axis == -1 and len(shape) != 2):
        raise node.error("has thresholds for each channel of what is no image with channels first")
    scale, bias = node.number("out_scale", 1.0), node.number("out_bias", 0.0)
    if not (math.isfinite(scale) and scale > 0 and math.isfinite(bias)):
        raise node.error("has an out_scale that is not above 0, or is not finite")
    if count == 1 and bias == -scale / 2:
        low, high, step, scale = -1, 1, 2, scale / 2
    else:
        low, step = round(bias / scale) if abs(bias / scale) <= 256 else 256, 1
        high = low + count
        if low * scale != bias or low < -128 or high > 255 or low < 0 and high > 127:
            raise node.error(f"begins at {bias:g} in steps of {scale:g}; we run integers that 8 "
                             "bits hold, times a scale")
    return quantise_levels(reader, node, value, Staircase(
        scale=single(scale), zero=0, low=low, high=high, step=step,
        thresholds=single(thresholds)))


def quantise_levels(reader: OnnxReader, node: Node, value: Value, levels: Levels) -> Real:
    """Return a value of a few levels: an input, what a layer computes, or another such value."""
    scale = float(levels.scale)
    if isinstance(value, Outside):
        return Real(reader.entry(node, value, scale, levels.zero - levels.offset, levels.offset,
                                 levels), scale)
    if isinstance(value, Real):
        if math.prod(value.shape) > ELEMENTS:
            raise node.error("works on too large a tensor")
        value = replace(affine(reader, node, replace(value, low=-math.inf, high=math.inf), 1.0,
                               0.0), low=value.low, high=value.high)
    if not isinstance(value, Pending):
        raise reader.unready_error(node, 0)
    x = as_levels(node, value, levels)
    reader.trace(node, x)
    return Real(x, scale)


HANDLERS: dict[str, Handler] = {"BipolarQuant": bipolar_quant, "IntQuant": quant,
                                "MultiThreshold": multi_threshold, "Quant": quant}

LOW_BIT: dict[tuple[str, str], Handler] = {
    (domain, name): handler for domain in DOMAINS for name, handler in HANDLERS.items()}
