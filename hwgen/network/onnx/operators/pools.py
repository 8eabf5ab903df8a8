"""ONNX operators between DequantizeLinear and QuantizeLinear: limits and pools."""

import math
from dataclasses import replace

from ...graph import Window
from ..file import Node
from ..host_functions import limit
from ..pending import Average
from ..reader import Handler, OnnxReader
from ..values import Activation, Hosted, Pending, Real, Value
from ..windows import image_size, window
from .moves import move_value, positive_axes, reshape_value, shape_of

__all__ = ["POOLS", "average_of"]

GLOBAL = {"GlobalAveragePool", "GlobalMaxPool", "QLinearGlobalAveragePool", "ReduceMean"}
"""Operators whose window is as large as the image."""


def relu(reader: OnnxReader, node: Node) -> Value:
    """Relu."""
    return clamp_value(reader, node, 0.0, math.inf)


def clip(reader: OnnxReader, node: Node) -> Value:
    """Clip."""
    return clamp_value(reader, node, reader.scalar(node, 1, "min", -math.inf),
                       reader.scalar(node, 2, "max", math.inf))


def clamp_value(reader: OnnxReader, node: Node, low: float, high: float) -> Value:
    """Return a value between low and high."""
    if math.isnan(low) or math.isnan(high) or low > high:
        raise node.error(f"clips from {low} to {high}")
    value = reader.value(node, 0)
    if isinstance(value, Real | Pending):
        return replace(value, low=min(max(value.low, low), high),
                       high=max(min(value.high, high), low))
    if isinstance(value, Activation):
        limits = [int(min(max(limit - value.offset, -128), 127)) for limit in (low, high)]
        if reader.narrow(node, value, limits[0], limits[1]):
            return reader.integers(node, 0)
        x = reader.builder.clamp(node, value, node.outputs[0], limits[0], limits[1])
        reader.trace(node, x)
        return x
    if isinstance(value, Hosted) and value.tail.is_real:
        return replace(value, tail=value.tail.then(limit(low, high)))
    raise reader.unready_error(node, 0)


def pool_window(node: Node, shape: tuple[int, ...]) -> tuple[Window, tuple[int, ...]]:
    """Return the window of a pool, which may be as large as the image, and the shape it gives."""
    size = image_size(node, shape)
    over = Window(size, size) if node.operator in GLOBAL else window(node, shape, pool=True)
    out = over.output(*size)
    return over, (*shape[:2], *out) if len(shape) == 4 else (*shape[:2], out[1])


def max_pool(reader: OnnxReader, node: Node) -> Value:
    """MaxPool and GlobalMaxPool."""
    value = reader.value(node, 0)
    over, result = pool_window(node, shape_of(value))
    if not isinstance(value, Pending | Real | Activation):
        raise reader.unready_error(node, 0)
    return move_value(value, result,
                      lambda x: reader.builder.maximum(node, x, node.outputs[0], over))


def average_of(reader: OnnxReader, node: Node, real: Real) -> Pending:
    """Return means under a window."""
    over, result = pool_window(node, real.shape)
    everywhere = bool(node.integer("count_include_pad", 0))
    return Pending(Average(reader.builder, node, real, over, result, everywhere), result)


def average_pool(reader: OnnxReader, node: Node) -> Value:
    """AveragePool and GlobalAveragePool."""
    return average_of(reader, node, reader.real(node, 0))


def reduce_mean(reader: OnnxReader, node: Node) -> Value:
    """ReduceMean over height and width."""
    real = reader.real(node, 0)
    shape = real.shape
    axes = sorted(positive_axes(node, reader.numbers(node, 1, "axes") or [], len(shape)))
    if len(shape) not in (3, 4) or axes != list(range(2, len(shape))):
        raise node.error(f"takes the mean over the axes {axes} of {list(shape)}; "
                         "we run it over height and width")
    mean = average_of(reader, node, real)
    return mean if node.integer("keepdims", 1) else reshape_value(node, mean, shape[:2])


POOLS: dict[str, Handler] = {
    "AveragePool": average_pool, "Clip": clip, "GlobalAveragePool": average_pool,
    "GlobalMaxPool": max_pool, "MaxPool": max_pool, "ReduceMean": reduce_mean,
    "Relu": relu,
}
