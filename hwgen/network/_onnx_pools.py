"""ONNX operators between DequantizeLinear and QuantizeLinear: limits, pools, and the last."""

import math
from dataclasses import dataclass, replace

import numpy as np

from ._onnx_build import Builder
from ._onnx_cores import Average
from ._onnx_file import Node
from ._onnx_moves import moved, normal, on_any, shape_of
from ._onnx_reader import Handler, Reader
from ._onnx_values import Activation, Pending, Real, Target, Value
from ._onnx_windows import spatial, window
from .graph import Logistic, Softmax, Window

__all__ = ["Host", "POOLS", "average_of", "global_window", "softmax_axis"]

# Scales that the fixed point of Softmax and Sigmoid takes.
SMALLEST, LARGEST = 2.0**-26, 16.0


def relu(reader: Reader, node: Node) -> Value:
    """Relu."""
    return limited(reader, node, 0.0, math.inf)


def clip(reader: Reader, node: Node) -> Value:
    """Clip."""
    return limited(reader, node, reader.scalar(node, 1, "min", -math.inf),
                   reader.scalar(node, 2, "max", math.inf))


def limited(reader: Reader, node: Node, low: float, high: float) -> Value:
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
        x = reader.builder.clamped(node, value, node.outputs[0], limits[0], limits[1])
        reader.trace(node, x)
        return x
    raise reader.unready(node, 0)


def max_pool(reader: Reader, node: Node) -> Value:
    """MaxPool."""
    shape = shape_of(reader.value(node, 0))
    return greatest(reader, node, shape, window(node, shape, pool=True))


def global_max_pool(reader: Reader, node: Node) -> Value:
    """GlobalMaxPool."""
    shape = shape_of(reader.value(node, 0))
    return greatest(reader, node, shape, global_window(node, shape))


def greatest(reader: Reader, node: Node, shape: tuple[int, ...], over: Window) -> Value:
    """Return the greatest values under a window."""
    out = over.output(*spatial(node, shape))
    result = (*shape[:2], *out) if len(shape) == 4 else (*shape[:2], out[1])
    return on_any(reader, node, result,
                  lambda x: reader.builder.maximum(node, x, node.outputs[0], over))


def global_window(node: Node, shape: tuple[int, ...]) -> Window:
    """Return a window as large as the image."""
    size = spatial(node, shape)
    return Window(size, size)


def average_of(reader: Reader, node: Node, real: Real, over: Window) -> Pending:
    """Return means under a window."""
    shape = real.shape
    out = over.output(*spatial(node, shape))
    result = (*shape[:2], *out) if len(shape) == 4 else (*shape[:2], out[1])
    everywhere = bool(node.integer("count_include_pad", 0))
    return Pending(Average(reader.builder, node, real, over, result, everywhere), result)


def average_pool(reader: Reader, node: Node) -> Value:
    """AveragePool."""
    real = reader.real(node, 0)
    return average_of(reader, node, real, window(node, real.shape, pool=True))


def global_average_pool(reader: Reader, node: Node) -> Value:
    """GlobalAveragePool."""
    real = reader.real(node, 0)
    return average_of(reader, node, real, global_window(node, real.shape))


def reduce_mean(reader: Reader, node: Node) -> Value:
    """ReduceMean over height and width."""
    real = reader.real(node, 0)
    shape = real.shape
    axes = sorted(normal(node, reader.numbers(node, 1, "axes") or [], len(shape)))
    if len(shape) not in (3, 4) or axes != list(range(2, len(shape))):
        raise node.error(f"takes the mean over the axes {axes} of {list(shape)}; "
                         "we run it over height and width")
    mean = average_of(reader, node, real, global_window(node, shape))
    return mean if node.integer("keepdims", 1) else moved(node, mean, shape[:2])


@dataclass(frozen=True, eq=False)
class Host:
    """A Softmax or a Sigmoid, whose output is on one grid: from 0 to 255/256."""

    standard = (1 / 256, -128, 0)

    builder: Builder
    node: Node
    real: Real

    def emit(self, target: Target) -> Activation:
        """Make the layer."""
        builder, node = self.builder, self.node
        if (target.zero, target.low, target.high) != (-128, -128, 127) \
                or not math.isclose(target.scale, 1 / 256, rel_tol=1e-6):
            raise node.error(f"writes a scale of {target.scale:.6g}; the nearest that we run "
                             "writes 1/256, from 0 upwards")
        if not SMALLEST <= self.real.scale < LARGEST:
            raise node.error(f"reads a scale of {self.real.scale:.4g}; the nearest that we run "
                             f"reads one from {SMALLEST:.4g} to {LARGEST:g}")
        x = builder.settled(node, self.real)
        result = builder.tensor(node, target.name, x.tensor.shape, target.scale, target.zero)
        if "Softmax" in node.operator:
            builder.layer(Softmax, node, [x.tensor], result)
        else:
            builder.layer(Logistic, node, [x.tensor], result)
        return Activation(result, x.shape, x.order, target.offset)


def softmax_axis(reader: Reader, node: Node, real: Real, opset: int) -> Real:
    """Return the input of a Softmax, with the axis it is taken over last in memory."""
    shape, x = real.shape, real.x
    axis = node.integer("axis", -1 if opset >= 13 else 1)
    axis += len(shape) if axis < 0 else 0
    over = math.prod(shape[axis:]) if opset < 13 else shape[axis] if 0 <= axis < len(shape) else 0
    rows = over == x.order.size
    if rows:
        # One softmax over all there is: in whatever order.
        tensor = reader.builder.shaped(node, x.tensor, (1, over))
    elif x.is_image and axis == 1 and over == shape[1]:
        tensor = reader.builder.image(node, x)
    elif np.array_equal(x.order, np.arange(x.order.size)) and over == shape[-1]:
        tensor = reader.builder.shaped(node, x.tensor, shape if shape[0] == 1 else (1, *shape))
    else:
        raise node.error(f"is taken over axis {axis} of {list(shape)}; we run it over the channels")
    return replace(real, x=replace(x, tensor=tensor))


def host(reader: Reader, node: Node) -> Value:
    """Softmax or Sigmoid."""
    real = reader.real(node, 0)
    if node.operator == "Softmax":
        real = softmax_axis(reader, node, real, reader.graph.opset)
    return Pending(Host(reader.builder, node, real), real.shape)


POOLS: dict[str, Handler] = {
    "AveragePool": average_pool, "Clip": clip, "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool, "MaxPool": max_pool, "ReduceMean": reduce_mean,
    "Relu": relu, "Sigmoid": host, "Softmax": host,
}
