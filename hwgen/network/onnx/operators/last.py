"""ONNX operators that come last and that the host computes: Softmax and Sigmoid."""

import math
from dataclasses import replace

import numpy as np

from .. import host_functions as host
from ..file import Node
from ..reader import Handler, OnnxReader
from ..values import Hosted, Pending, Real, Value
from .moves import shape_of

__all__ = ["LAST", "LAST_QUANTISED"]


def softmax_axes(node: Node, shape: tuple[int, ...], opset: int) -> tuple[int, int]:
    """Return the first axis that a Softmax is taken over, and the one after the last."""
    axis = node.integer("axis", -1 if opset >= 13 else 1)
    if not -len(shape) <= axis < len(shape) + (opset < 13):
        raise node.error(f"is taken over axis {axis} of {list(shape)}")
    axis += len(shape) if axis < 0 else 0
    return axis, len(shape) if opset < 13 else axis + 1


def host_output(reader: OnnxReader, node: Node, index: int, operation: host.Operation) -> Hosted:
    """Return what the host does to an input of a node, be it dequantised or sums."""
    value = reader.value(node, index)
    if isinstance(value, Hosted):
        if not value.tail.is_real:
            raise reader.unready_error(node, index)
        return replace(value, tail=value.tail.then(operation))
    if isinstance(value, Real):
        begin: tuple[host.Operation, ...] = (
            host.Dequantise(value.scale, value.x.tensor.zero_point + value.x.offset),)
        if (value.low, value.high) != (-math.inf, math.inf):
            begin = (*begin, host.limit(value.low, value.high))
        return Hosted(value, value.shape, host.Tail(value.shape, (*begin, operation)))
    if isinstance(value, Pending) and not value.integers:
        return Hosted(value, value.shape, host.Tail(value.shape, (operation,)))
    raise reader.unready_error(node, index)


def softmax(reader: OnnxReader, node: Node) -> Value:
    """Softmax."""
    axes = softmax_axes(node, shape_of(reader.value(node, 0)), reader.graph.opset)
    return host_output(reader, node, 0, host.HostSoftmax(*axes))


def sigmoid(reader: OnnxReader, node: Node) -> Value:
    """Sigmoid."""
    return host_output(reader, node, 0, host.logistic)


def grid_of(reader: OnnxReader, node: Node, index: int) -> host.Quantise:
    """Return the grid of two inputs, scale and zero point, for what the host computes."""
    zero, offset = reader.zero_of(node, index + 1)
    return host.Quantise(reader.scale_of(node, index), zero, np.uint8 if offset else np.int8)


def quantised_softmax(reader: OnnxReader, node: Node) -> Value:
    """QLinearSoftmax."""
    real, by = reader.dequantise(node, 0), grid_of(reader, node, 3)
    opset = node.integer("opset", 13)
    # ONNX Runtime takes the scale alone, and rounds by a table of its own.
    table = host.QuantisedSoftmax(*softmax_axes(node, real.shape, opset), real.scale, by)
    return Hosted(real, real.shape, host.Tail(real.shape, (table,), quantised=by))


def quantised_sigmoid(reader: OnnxReader, node: Node) -> Value:
    """QLinearSigmoid."""
    real, by = reader.dequantise(node, 0), grid_of(reader, node, 3)
    begin = host.Dequantise(real.scale, real.x.tensor.zero_point + real.x.offset)
    return Hosted(real, real.shape, host.Tail(real.shape, (begin, host.logistic, by), quantised=by))


LAST: dict[str, Handler] = {"Sigmoid": sigmoid, "Softmax": softmax}
LAST_QUANTISED: dict[str, Handler] = {"QLinearSigmoid": quantised_sigmoid,
                                      "QLinearSoftmax": quantised_softmax}
