"""ONNX operators that are quantised themselves: QLinearConv and its like."""

import math
from dataclasses import replace

import numpy as np

from ..file import Node
from ..pairs import PairProduct, Sum
from ..pending import Joined
from ..reader import Handler, OnnxReader
from ..values import Pending, Real, Scaled, Value
from .arithmetic import affine, channel_values
from .moves import joined_shape
from .pools import average_of
from .products import convolution, matrices, rows_by_matrix

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
    """Return the bias, a list of sums of the products."""
    array = reader.constant(node, index)
    if array is not None and array.dtype != np.int32:
        raise node.error(f"has a bias of {array.dtype}; it must be int32")
    return None if array is None else array.reshape(-1)


def conv(reader: OnnxReader, node: Node) -> Value:
    """QLinearConv."""
    real, scaled = reader.dequantise(node, 0), weights(reader, node, 3, 0)
    result = convolution(reader, node, real, scaled, integer_bias(reader, node, 8), in_sums=True)
    return on_output_grid(reader, node, result, 6)


def matmul(reader: OnnxReader, node: Node) -> Value:
    """QLinearMatMul."""
    real, scaled = reader.dequantise(node, 0), weights(reader, node, 3, -1)
    return on_output_grid(reader, node, rows_by_matrix(reader, node, real, scaled), 6)


def gemm(reader: OnnxReader, node: Node) -> Value:
    """QGemm."""
    axis = 0 if node.integer("transB", 0) else 1
    real, scaled = reader.dequantise(node, 0), weights(reader, node, 3, axis)
    given, zero = reader.constant(node, 4), reader.constant(node, 5)
    if given is not None and zero is not None and given.shape != zero.shape:
        raise node.error("has scales and zero points of its weights that are not of one shape, "
                         f"{list(given.shape)} and {list(zero.shape)}")
    result = matrices(reader, node, real, scaled, integer_bias(reader, node, 6), in_sums=True)
    if reader.optional_value(node, 8) is None:
        return result  # ONNX Runtime gives real numbers where there is no zero point
    return on_output_grid(reader, node, result, 7)


def add(reader: OnnxReader, node: Node) -> Value:
    """QLinearAdd, of two tensors, or of a tensor and a value for each channel."""
    fixed = [isinstance(reader.value(node, index), np.ndarray) for index in (0, 3)]
    if all(fixed):
        raise node.error("adds constants only")
    if not any(fixed):
        terms = (reader.dequantise(node, 0), reader.dequantise(node, 3))
        total = Pending(Sum(reader.builder, node, terms), terms[0].shape)
        return on_output_grid(reader, node, total, 6)
    at, other = (0, 3) if fixed[0] else (3, 0)
    array = reader.constant(node, at)
    if array is None:
        raise node.error("lacks an input")
    scaled = reader.scaled_constant(node, array, reader.constant(node, at + 1),
                                    reader.constant(node, at + 2), 0)
    real = reader.dequantise(node, other)
    bias = channel_values(node, scaled.real, real)
    return on_output_grid(reader, node, affine(reader, node, real, 1.0, bias), 6)


def multiply(reader: OnnxReader, node: Node) -> Value:
    """QLinearMul, of two tensors."""
    if any(isinstance(reader.value(node, index), np.ndarray) for index in (0, 3)):
        raise node.error("multiplies by a constant; the nearest that we run: QLinearConv with a "
                         "kernel of 1, or this of two tensors")
    terms = (reader.dequantise(node, 0), reader.dequantise(node, 3))
    product = Pending(PairProduct(reader.builder, node, terms),
                      max((term.x.shape for term in terms), key=math.prod))
    return on_output_grid(reader, node, product, 6)


def average_pool(reader: OnnxReader, node: Node) -> Value:
    """QLinearAveragePool and QLinearGlobalAveragePool."""
    if node.integer("channels_last", 0):
        raise node.error("has channels_last; the nearest that we run has its channels first")
    mean = average_of(reader, node, reader.dequantise(node, 0))
    return on_output_grid(reader, node, mean, 3)


def concat(reader: OnnxReader, node: Node) -> Value:
    """QLinearConcat: scale and zero point of the output, then three inputs for each tensor."""
    if len(node.inputs) < 5 or len(node.inputs) % 3 != 2:
        raise node.error(f"has {len(node.inputs)} inputs, not 2 and 3 for each tensor")
    parts: tuple[Real, ...] = tuple(reader.dequantise(node, index)
                                    for index in range(2, len(node.inputs), 3))
    axis = node.integer("axis", 0)
    axis += len(parts[0].shape) if axis < 0 else 0
    shape = joined_shape(node, [part.shape for part in parts], axis)
    return on_output_grid(reader, node,
                          Pending(Joined(reader.builder, node, parts, axis, shape), shape), 0)


def integers_of(reader: OnnxReader, node: Node, axis: int) -> tuple[Real, Scaled]:
    """Return a tensor and weights whose steps are 1."""
    x = reader.integers(node, 0)
    x = reader.on_grid(node, x, x.tensor.scale, 2)
    array, zero = reader.constant(node, 1), reader.constant(node, 3)
    if array is None or array.dtype not in (np.int8, np.uint8):
        raise node.error("has no int8 or uint8 weights")
    return Real(x, 1.0), reader.scaled_constant(node, array, np.ones((), np.float32), zero, axis)


def conv_integer(reader: OnnxReader, node: Node) -> Value:
    """ConvInteger: sums of 32 bits."""
    return replace(convolution(reader, node, *integers_of(reader, node, 0)), integers=True)


def matmul_integer(reader: OnnxReader, node: Node) -> Value:
    """MatMulInteger: sums of 32 bits."""
    return replace(rows_by_matrix(reader, node, *integers_of(reader, node, -1)), integers=True)


QUANTISED: dict[str, Handler] = {
    "ConvInteger": conv_integer, "MatMulInteger": matmul_integer, "QLinearConv": conv,
    "QLinearMatMul": matmul,
}

MICROSOFT: dict[str, Handler] = {
    "QGemm": gemm, "QLinearAdd": add, "QLinearAveragePool": average_pool, "QLinearConcat": concat,
    "QLinearGlobalAveragePool": average_pool, "QLinearMul": multiply,
}
