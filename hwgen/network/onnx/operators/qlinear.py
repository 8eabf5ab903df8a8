"""ONNX operators that are quantised themselves: QLinearConv and its like."""

from dataclasses import replace

import numpy as np

from ..file import Node
from ..pending import Joined, Sum
from ..reader import Handler, OnnxReader
from ..values import Pending, Real, Scaled, Value
from ..windows import window
from .arithmetic import affine, channel_values
from .moves import joined_shape
from .pools import average_of, global_window
from .products import by_output, convolution, matrix

__all__ = ["MICROSOFT", "QUANTISED"]


def weights(reader: OnnxReader, node: Node, index: int, axis: int) -> Scaled:
    """Return weights from three inputs: integers, scale, zero point."""
    array = reader.constant(node, index)
    if array is None or array.dtype not in (np.int8, np.uint8):
        raise node.error("has no int8 or uint8 weights")
    return reader.scaled_constant(node, array, reader.constant(node, index + 1),
                                  reader.constant(node, index + 2), axis)


def on_output_grid(reader: OnnxReader, node: Node, value: Value, index: int) -> Value:
    """Return a value on the grid of two inputs: scale and zero point."""
    zero, offset = reader.zero_of(node, index + 1)
    return reader.quantise(node, value, reader.scale_of(node, index), zero, offset)


def integer_bias(reader: OnnxReader, node: Node, index: int) -> np.ndarray | None:
    """Return the bias in steps of the products."""
    array = reader.constant(node, index)
    if array is not None and array.dtype != np.int32:
        raise node.error(f"has a bias of {array.dtype}; it must be int32")
    return array


def conv(reader: OnnxReader, node: Node) -> Value:
    """QLinearConv."""
    real, scaled = reader.dequantise(node, 0, 1, 2), weights(reader, node, 3, 0)
    if scaled.values.ndim < 3:
        raise node.error(f"has weights of {list(scaled.values.shape)}")
    scale = by_output(node, scaled, 0) * real.scale
    steps = integer_bias(reader, node, 8)
    if steps is not None and steps.size != scale.size:
        raise node.error(f"has {steps.size} biases for {scale.size} channels")
    bias = None if steps is None else steps.reshape(-1) * scale
    result = convolution(reader, node, real, scaled.values - scaled.zero, scale, bias)
    return on_output_grid(reader, node, result, 6)


def matmul(reader: OnnxReader, node: Node) -> Value:
    """QLinearMatMul."""
    real, scaled = reader.dequantise(node, 0, 1, 2), weights(reader, node, 3, -1)
    if scaled.values.ndim < 2 or any(size != 1 for size in scaled.values.shape[:-2]):
        raise node.error(f"multiplies by {list(scaled.values.shape)}; we run one matrix of weights")
    integers = (scaled.values - scaled.zero).reshape(scaled.values.shape[-2:])
    scale = by_output(node, scaled, scaled.values.ndim - 1) * real.scale
    return on_output_grid(reader, node, matrix(reader, node, real, integers.T, scale, None), 6)


def gemm(reader: OnnxReader, node: Node) -> Value:
    """QGemm."""
    axis = 0 if node.integer("transB", 0) else 1
    real, scaled = reader.dequantise(node, 0, 1, 2), weights(reader, node, 3, axis)
    if scaled.values.ndim != 2 or len(real.shape) != 2:
        raise node.error("multiplies other than two matrices")
    given, zero = reader.constant(node, 4), reader.constant(node, 5)
    if given is not None and zero is not None and given.shape != zero.shape:
        raise node.error("has scales and zero points of its weights that are not of one shape, "
                         f"{list(given.shape)} and {list(zero.shape)}")
    integers = scaled.values - scaled.zero
    scale = by_output(node, scaled, axis) * real.scale * node.number("alpha", 1.0)
    steps = integer_bias(reader, node, 6)
    if steps is not None and steps.size not in (1, scale.size):
        raise node.error(f"adds {list(steps.shape)} to {scale.size} columns; "
                         "we add one value to each column")
    bias = None if steps is None else steps.reshape(-1) * scale
    result = matrix(reader, node, real, integers if axis == 0 else integers.T, scale, bias)
    if reader.optional_value(node, 8) is None:
        return result  # ONNX Runtime gives real numbers where there is no zero point
    return on_output_grid(reader, node, result, 7)


def add(reader: OnnxReader, node: Node) -> Value:
    """QLinearAdd, of two tensors, or of a tensor and a value for each channel."""
    fixed = [isinstance(reader.value(node, index), np.ndarray) for index in (0, 3)]
    if all(fixed):
        raise node.error("adds constants only")
    if not any(fixed):
        terms = (reader.dequantise(node, 0, 1, 2), reader.dequantise(node, 3, 4, 5))
        total = Pending(Sum(reader.builder, node, terms), terms[0].shape)
        return on_output_grid(reader, node, total, 6)
    at, other = (0, 3) if fixed[0] else (3, 0)
    array = reader.constant(node, at)
    if array is None:
        raise node.error("lacks an input")
    scaled = reader.scaled_constant(node, array, reader.constant(node, at + 1),
                                    reader.constant(node, at + 2), 0)
    real = reader.dequantise(node, other, other + 1, other + 2)
    bias = channel_values(reader, node, scaled.real, real)
    return on_output_grid(reader, node, affine(reader, node, real, 1.0, bias), 6)


def refuse_channels_last(node: Node) -> None:
    """Refuse the order of axes that the file alone uses."""
    if node.integer("channels_last", 0):
        raise node.error("has channels_last; the nearest that we run has its channels first")


def average_pool(reader: OnnxReader, node: Node) -> Value:
    """QLinearAveragePool."""
    refuse_channels_last(node)
    real = reader.dequantise(node, 0, 1, 2)
    over = window(node, real.shape, pool=True)
    return on_output_grid(reader, node, average_of(reader, node, real, over), 3)


def global_average_pool(reader: OnnxReader, node: Node) -> Value:
    """QLinearGlobalAveragePool."""
    refuse_channels_last(node)
    real = reader.dequantise(node, 0, 1, 2)
    mean = average_of(reader, node, real, global_window(node, real.shape))
    return on_output_grid(reader, node, mean, 3)


def concat(reader: OnnxReader, node: Node) -> Value:
    """QLinearConcat: scale and zero point of the output, then three inputs for each tensor."""
    if len(node.inputs) < 5 or len(node.inputs) % 3 != 2:
        raise node.error(f"has {len(node.inputs)} inputs, not 2 and 3 for each tensor")
    parts: tuple[Real, ...] = tuple(reader.dequantise(node, index, index + 1, index + 2)
                                    for index in range(2, len(node.inputs), 3))
    axis = node.integer("axis", 0)
    axis += len(parts[0].shape) if axis < 0 else 0
    shape = joined_shape(node, [part.shape for part in parts], axis)
    return on_output_grid(reader, node,
                          Pending(Joined(reader.builder, node, parts, axis, shape), shape), 0)


def integers_of(reader: OnnxReader, node: Node, axis: int) -> tuple[Real, np.ndarray]:
    """Return a tensor whose steps are 1, and weights less their zero point."""
    x = reader.integers(node, 0)
    x = reader.on_grid(node, x, x.tensor.scale, 2)
    array, zero = reader.constant(node, 1), reader.constant(node, 3)
    if array is None or array.dtype not in (np.int8, np.uint8):
        raise node.error("has no int8 or uint8 weights")
    scaled = reader.scaled_constant(node, array, np.ones((), np.float32), zero, axis)
    return Real(x, 1.0), scaled.values - scaled.zero


def conv_integer(reader: OnnxReader, node: Node) -> Value:
    """ConvInteger: sums of 32 bits."""
    real, integers = integers_of(reader, node, 0)
    if integers.ndim < 3:
        raise node.error(f"has weights of {list(integers.shape)}")
    return replace(convolution(reader, node, real, integers, np.ones(len(integers)), None),
                   integers=True)


def matmul_integer(reader: OnnxReader, node: Node) -> Value:
    """MatMulInteger: sums of 32 bits."""
    real, integers = integers_of(reader, node, -1)
    if integers.ndim != 2:
        raise node.error(f"multiplies by {list(integers.shape)}; we run one matrix of weights")
    return replace(matrix(reader, node, real, integers.T, np.ones(integers.shape[1]), None),
                   integers=True)


QUANTISED: dict[str, Handler] = {
    "ConvInteger": conv_integer, "MatMulInteger": matmul_integer, "QLinearConv": conv,
    "QLinearMatMul": matmul,
}

MICROSOFT: dict[str, Handler] = {
    "QGemm": gemm, "QLinearAdd": add, "QLinearAveragePool": average_pool, "QLinearConcat": concat,
    "QLinearGlobalAveragePool": global_average_pool,
}
