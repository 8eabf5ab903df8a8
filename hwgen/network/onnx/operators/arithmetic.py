"""ONNX operators with one constant for each channel, and those of two tensors."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...graph import Window
from ..file import ELEMENTS, Node
from ..float_ops import OPERATIONS, FloatStep, gain_and_bias, single
from ..looked import gate
from ..pairs import Greatest, PairProduct, Sum
from ..pending import Linear
from ..reader import Handler, OnnxReader
from ..values import Activation, Outside, Pending, Real, Scaled, Value
from .moves import shape_of
from .products import floats

__all__ = ["ARITHMETIC", "affine", "channel_values"]

FINE = 64
"""Weight of a layer that only scales: so its bias, in steps of its sums, is that much finer."""

OF_TWO = {"Add": Sum, "Mul": PairProduct}
"""What is made of two tensors."""
STEPS = 16
"""Operations on an input before it is quantised."""


def affine(reader: OnnxReader, node: Node, value: Value, gain: ArrayLike, bias: ArrayLike,
           *steps: FloatStep) -> Pending:
    """Return ``gain * value + bias``, with one of each for a channel or one for all.

    ``steps`` are the operations that the file writes for that.
    """
    if isinstance(value, Pending) and isinstance(value.core, Linear) and not value.after \
            and (value.low, value.high) == (-math.inf, math.inf):
        return replace(value, core=value.core.affine(gain, bias, steps))
    if not isinstance(value, Real):
        raise reader.unready_error(node, node.inputs.index(next(
            n for n in node.inputs if reader.values.get(n) is value)))
    x = reader.builder.integers_of(node, value)
    shape = x.shape
    # A row is an image of one point.
    image = shape if len(shape) in (3, 4) else (1, shape[-1], 1, 1) if shape else (1, 1, 1, 1)
    if math.prod(image) != math.prod(shape):
        raise node.error(f"scales a tensor of {list(shape)}; we run it on images or a single row")
    channels = image[1]
    # Thresholds need no bias, and so no finer sums.
    weight = 1 if reader.low_bit else FINE
    core = Linear(reader.builder, node, replace(x, shape=image),
                  np.full((1, 1, channels), weight, np.int64),
                  np.full(channels, value.scale / weight), np.zeros(channels), shape,
                  Window((1, 1)), depthwise=True).affine(gain, bias, steps)
    return Pending(core, shape)


def channel_values(node: Node, constant: NDArray[np.float64], value: Value) -> NDArray[np.float64]:
    """Return a constant with one value for each channel, or one for all."""
    shape = shape_of(value)
    if constant.size == 1:
        return constant.reshape(-1)
    axis = len(shape) - 1
    if isinstance(value, Pending) and isinstance(value.core, Linear):
        axis = 1 if value.core.window is not None and len(shape) > 1 else axis
    elif len(shape) in (3, 4):
        axis = 1
    if constant.ndim > len(shape) or constant.size != shape[axis] or \
            (1,) * (len(shape) - constant.ndim) + constant.shape != tuple(
                size if a == axis else 1 for a, size in enumerate(shape)):
        raise node.error(f"works with a constant of {list(constant.shape)} on {list(shape)}; "
                         "we run one value for each channel, or one for all")
    return constant.reshape(-1)


def arithmetic(reader: OnnxReader, node: Node) -> Value:
    """Add, Sub, Mul or Div; at most Add and Mul of two tensors, else with a constant."""
    sides = [reader.value(node, index) for index in (0, 1)]
    fixed = [isinstance(side, np.ndarray | Scaled) for side in sides]
    if any(isinstance(side, Activation) for side in sides):
        raise node.error("works on integers; the nearest that we run: QLinearAdd, "
                         "or Add of what a DequantizeLinear gives")
    if all(fixed):
        return constant_result(node, sides)
    if not any(fixed):
        if node.operator == "Mul" and (gated := gate(sides)):
            return gated
        if node.operator not in OF_TWO:
            raise node.error("works on two tensors; the nearest that we run: Add and Mul, "
                             "or this with a constant")
        terms = (reader.real(node, 0), reader.real(node, 1))
        return Pending(OF_TWO[node.operator](reader.builder, node, terms),
                       max((term.x.shape for term in terms), key=math.prod))
    at = fixed.index(True)
    value = sides[1 - at]
    numbers = floats(reader, node, at)
    if numbers is None:
        raise node.error("lacks an input")
    operator = "From" if node.operator == "Sub" and at == 0 else node.operator
    if operator == "Div" and (at == 0 or np.any(numbers == 0)):
        raise node.error("divides by what the network computes, or by 0; "
                         "we divide by a constant")
    if isinstance(value, Outside):
        return before(node, value, operator, numbers)
    constant = channel_values(node, numbers, value)
    return affine(reader, node, value, *gain_and_bias(operator, constant),
                  FloatStep(operator, (single(constant),)))


def before(node: Node, value: Outside, operator: str, numbers: NDArray[np.float64]) -> Outside:
    """Return an input with one operation more that the host does before it quantises."""
    if not np.all(np.isfinite(numbers)) or len(value.steps) >= STEPS:
        raise node.error("has a constant that is not finite, or is one step too many before the "
                         "input is quantised")
    try:
        full = np.broadcast_to(numbers, value.shape).reshape(-1)
    except ValueError:
        raise node.error(f"works with a constant of {list(numbers.shape)} on "
                         f"{list(value.shape)}") from None
    constant = single(numbers).reshape(-1)
    if numbers.size > 1:
        constant = np.empty(full.size, np.float32)
        constant[value.source] = single(full)
    return replace(value, steps=(*value.steps, FloatStep(operator, (constant,))))


def constant_result(node: Node, sides: list[Value]) -> np.ndarray:
    """Return what an operator makes of two constants, in float32."""
    arrays = [side for side in sides if isinstance(side, np.ndarray) and side.dtype == np.float32]
    if len(arrays) < 2 or math.prod(np.broadcast_shapes(*(
            array.shape for array in arrays if array.size != 1))) > ELEMENTS:
        raise node.error("works on constants only; fold them: onnxsim, or onnxruntime's optimiser")
    with np.errstate(all="ignore"):
        return np.asarray(OPERATIONS[node.operator](*arrays), np.float32)


def power(reader: OnnxReader, node: Node) -> Value:
    """Pow of constants."""
    sides = [reader.value(node, index) for index in (0, 1)]
    if any(not isinstance(side, np.ndarray) for side in sides):
        raise node.error("is computed by the network; the nearest that we run: Pow of constants")
    return constant_result(node, sides)


def batch_normalization(reader: OnnxReader, node: Node) -> Value:
    """BatchNormalization: a gain and a bias for each channel."""
    value = reader.value(node, 0)
    shape = shape_of(value)
    parameters = [floats(reader, node, index) for index in range(1, 5)]
    if any(p is None or len(shape) < 2 or p.shape != (shape[1],) for p in parameters):
        raise node.error("does not have four values for each channel")
    step = normalising(node, [single(p) for p in parameters if p is not None])
    gain, bias, mean, variance = (p for p in parameters if p is not None)
    with np.errstate(all="ignore"):
        gain = gain / np.sqrt(variance + node.number("epsilon", 1e-5))
        bias = bias - mean * gain
    if not (np.all(np.isfinite(gain)) and np.all(np.isfinite(bias))):
        raise node.error("has a gain or a bias that is not finite")
    return affine(reader, node, value, gain, bias, step)


def normalising(node: Node, parameters: list[NDArray[np.float32]]) -> FloatStep:
    """Return batch normalisation as ONNX Runtime does it: a product and a sum of float32."""
    scale, bias, mean, variance = parameters
    with np.errstate(all="ignore"):
        deviation = np.sqrt(variance + single(node.number("epsilon", 1e-5)))
        gain = scale * (np.float32(1) / deviation)
        return FloatStep("Affine", (gain, bias - mean * gain))


def greatest(reader: OnnxReader, node: Node) -> Pending:
    """Max of two tensors."""
    if len(node.inputs) != 2:
        raise node.error(f"takes the greatest of {len(node.inputs)} tensors; we run two at a time")
    sides = [reader.value(node, index) for index in (0, 1)]
    if any(isinstance(side, np.ndarray | Scaled) for side in sides):
        raise node.error("works on a constant; the nearest that we run: Clip or Relu, or this on "
                         "two tensors")
    if any(isinstance(side, Activation) for side in sides):
        raise node.error("works on integers; we run it on what a DequantizeLinear gives")
    terms = (reader.real(node, 0), reader.real(node, 1))
    return Pending(Greatest(reader.builder, node, terms), terms[0].shape)


ARITHMETIC: dict[str, Handler] = {
    "Add": arithmetic, "BatchNormalization": batch_normalization, "Div": arithmetic,
    "Max": greatest, "Mul": arithmetic, "Pow": power, "Sub": arithmetic,
}
