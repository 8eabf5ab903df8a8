"""ONNX operators that are functions of one number: between two quantisers each becomes a table."""

import math

import numpy as np

from ..file import Node
from ..float_graph import is_last
from ..float_ops import single
from ..host_functions import Array, logistic
from ..looked import Curve, Looked
from ..reader import Handler, OnnxReader
from ..values import Pending, Real, Value
from .last import LAST, LAST_QUANTISED
from .qlinear import on_output_grid

__all__ = ["CURVES", "CURVES_QUANTISED"]


def look_up(reader: OnnxReader, node: Node, real: Real, curve: Curve) -> Pending:
    """Return a function of a tensor, which waits for the scale of its output."""
    return Pending(Looked(reader.builder, node, real, curve), real.shape)


def curve_of(node: Node) -> Curve:
    """Return the function that a node computes, in float32."""
    match node.operator.removeprefix("QLinear"):
        case "Tanh":
            return lambda x: single(np.tanh(x.astype(np.float64)))
        case "HardSwish":
            return lambda x: x * np.clip(x * np.float32(1 / 6) + np.float32(0.5), 0, 1)
        case "LeakyRelu":
            alpha = single(node.number("alpha", 0.01))
            return lambda x: np.where(x >= 0, x, alpha * x)
        case "Gelu":
            inner = tanh_part if node.text("approximate", "none") == "tanh" else erf_part
            return lambda x: np.float32(0.5) * x * (inner(x) + np.float32(1))
        case "Elu":
            alpha = single(node.number("alpha", 1.0))
            return lambda x: np.where(
                x >= 0, x, alpha * (single(np.exp(x.astype(np.float64))) - np.float32(1)))
        case _:
            return logistic


def erf_part(x: Array) -> Array:
    """Return the error function in a Gelu."""
    return single([math.erf(value) for value in (x * np.float32(math.sqrt(0.5))).tolist()])


def tanh_part(x: Array) -> Array:
    """Return what is near it, as approximate="tanh" has it."""
    root = math.sqrt(2 / math.pi)
    inner = x * (np.float32(0.044715 * root) * x * x + np.float32(root))
    return single(np.tanh(inner.astype(np.float64)))


def curve(reader: OnnxReader, node: Node) -> Value:
    """Tanh, HardSwish, Gelu, LeakyRelu and Elu, of a dequantised tensor."""
    return look_up(reader, node, reader.real(node, 0), curve_of(node))


def parametric_relu(reader: OnnxReader, node: Node) -> Value:
    """PRelu with one slope."""
    real, slopes = reader.real(node, 0), reader.constant(node, 1)
    if slopes is None or slopes.size != 1 or slopes.dtype.kind != "f":
        raise node.error("has no constant slope, or one for each channel; we run it with one slope "
                         "for all")
    slope = single(slopes.reshape(()))
    return look_up(reader, node, real, lambda x: np.where(x >= 0, x, slope * x))


def quantised_curve(reader: OnnxReader, node: Node) -> Value:
    """QLinearLeakyRelu."""
    found = look_up(reader, node, reader.dequantise(node, 0), curve_of(node))
    return on_output_grid(reader, node, found, 3)


def sigmoid(reader: OnnxReader, node: Node) -> Value:
    """Sigmoid: of the host where it comes last, or where what it reads is not quantised."""
    if is_last(reader.graph, node.outputs[0]) or not isinstance(reader.value(node, 0), Real):
        return LAST["Sigmoid"](reader, node)
    return curve(reader, node)


def quantised_sigmoid(reader: OnnxReader, node: Node) -> Value:
    """QLinearSigmoid, likewise."""
    if is_last(reader.graph, node.outputs[0]):
        return LAST_QUANTISED["QLinearSigmoid"](reader, node)
    return quantised_curve(reader, node)


CURVES: dict[str, Handler] = {"Elu": curve, "Gelu": curve, "HardSwish": curve, "LeakyRelu": curve,
                              "PRelu": parametric_relu, "Sigmoid": sigmoid, "Tanh": curve}
CURVES_QUANTISED: dict[str, Handler] = {"QLinearLeakyRelu": quantised_curve,
                                        "QLinearSigmoid": quantised_sigmoid}
