"""ONNX operators that are functions of one number: between two quantisers each becomes a table."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ... import graph
from ...lookups import BYTES, table_of
from ..file import Node
from ..float_ops import single
from ..host_functions import Array, Dequantise, limit, logistic
from ..pending import Deferred
from ..reader import Handler, OnnxReader
from ..values import Activation, Pending, Real, Target, Value
from .last import LAST, LAST_QUANTISED
from .qlinear import on_output_grid

__all__ = ["CURVES", "CURVES_QUANTISED"]

Curve = Callable[[Array], Array]
"""A function of float32, elementwise."""

PASSING = {"QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Transpose", "Squeeze",
           "Unsqueeze", "Identity"}
"""Operators that the host does to what it computes."""


@dataclass(frozen=True, eq=False)
class Looked(Deferred):
    """A function of a dequantised tensor."""

    real: Real
    curve: Curve

    def emit(self, target: Target) -> Activation:
        """Make the layer: what the runtime makes of every integer."""
        real, x = self.real, self.real.x
        values = Dequantise(real.scale, x.tensor.zero_point)(BYTES)
        with np.errstate(all="ignore"):
            steps = np.rint(self.curve(limit(real.low, real.high)(values))
                            / np.float32(target.scale)) + target.zero
        found = np.clip(steps, target.low, target.high).astype(np.int64)
        result = self.builder.layer(graph.Lookup, self.node, [x.tensor],
                                    target.tensor(x.tensor.shape),
                                    table=table_of(self.node.operator, found))
        return replace(x, tensor=result, offset=target.offset)


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
        case "Elu":
            alpha = single(node.number("alpha", 1.0))
            return lambda x: np.where(
                x >= 0, x, alpha * (single(np.exp(x.astype(np.float64))) - np.float32(1)))
        case _:
            return logistic


def curve(reader: OnnxReader, node: Node) -> Value:
    """Tanh, HardSwish, LeakyRelu and Elu, of a dequantised tensor."""
    return look_up(reader, node, reader.real(node, 0), curve_of(node))


def quantised_curve(reader: OnnxReader, node: Node) -> Value:
    """QLinearLeakyRelu."""
    found = look_up(reader, node, reader.dequantise(node, 0), curve_of(node))
    return on_output_grid(reader, node, found, 3)


def is_last(reader: OnnxReader, edge: str) -> bool:
    """Return whether nothing comes behind an edge but what the host does."""
    return all(node.operator in PASSING and is_last(reader, node.outputs[0])
               for node in reader.graph.readers.get(edge, []))


def sigmoid(reader: OnnxReader, node: Node) -> Value:
    """Sigmoid: of the host where it comes last, or where what it reads is not quantised."""
    if is_last(reader, node.outputs[0]) or not isinstance(reader.value(node, 0), Real):
        return LAST["Sigmoid"](reader, node)
    return curve(reader, node)


def quantised_sigmoid(reader: OnnxReader, node: Node) -> Value:
    """QLinearSigmoid, likewise."""
    if is_last(reader, node.outputs[0]):
        return LAST_QUANTISED["QLinearSigmoid"](reader, node)
    return quantised_curve(reader, node)


CURVES: dict[str, Handler] = {"Elu": curve, "HardSwish": curve, "LeakyRelu": curve,
                              "Sigmoid": sigmoid, "Tanh": curve}
CURVES_QUANTISED: dict[str, Handler] = {"QLinearLeakyRelu": quantised_curve,
                                        "QLinearSigmoid": quantised_sigmoid}
