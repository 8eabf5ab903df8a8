"""ONNX operators between DequantizeLinear and QuantizeLinear: products, and the two."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..file import ELEMENTS, Node
from ..float_ops import FloatStep, single
from ..host_functions import Dequantise, HostSoftmax, Quantise, QuantisedSoftmax
from ..pending import Linear
from ..reader import Handler, OnnxReader
from ..values import Hosted, Integers, Pending, Real, Scaled, Value
from ..windows import image_size, window

__all__ = ["FLOAT", "convolution", "floats", "matrices", "rows_by_matrix"]


def dequantize(reader: OnnxReader, node: Node) -> Value:
    """DequantizeLinear."""
    value = reader.value(node, 0)
    if node.integer("block_size", 0):
        raise node.error("has a scale for each block; we run one, or one for each channel")
    if isinstance(value, np.ndarray):
        scale, zero = reader.constant(node, 1), reader.constant(node, 2)
        return reader.scaled_constant(node, value, scale, zero, node.integer("axis", 1))
    if isinstance(value, Hosted) and not value.tail.is_real and value.tail.quantised:
        unsigned = value.tail.quantised.kind == np.uint8
        zero_point, offset = reader.zero_of(node, 2, np.dtype("u1" if unsigned else "i1"))
        if bool(offset) != unsigned:
            raise node.error("has a zero point of another type than the integers that it reads")
        return replace(value, tail=replace(
            value.tail, read=Dequantise(reader.scale_of(node, 1), zero_point)))
    return reader.dequantise(node, 0, 1, 2)


def quantize(reader: OnnxReader, node: Node) -> Value:
    """QuantizeLinear; of a constant too."""
    value = reader.value(node, 0)
    if node.integer("block_size", 0):
        raise node.error("has a scale for each block; we run one, or one for each channel")
    if isinstance(value, np.ndarray):
        return constant_steps(reader, node, value)
    scale = reader.scale_of(node, 1)
    kind = {0: None, 2: None, 3: np.dtype("i1")}
    if node.integer("output_dtype", 0) not in kind:
        raise node.error("makes other than int8 or uint8")
    zero, offset = reader.zero_of(node, 2, kind[node.integer("output_dtype", 0)])
    if isinstance(value, Hosted) and value.tail.is_real:
        return quantise_last(reader, node, value,
                             Quantise(scale, zero, np.uint8 if offset else np.int8))
    return reader.quantise(node, value, scale, zero, offset)


def quantise_last(reader: OnnxReader, node: Node, value: Hosted, by: Quantise) -> Hosted:
    """Quantise what the host computes."""
    match value.source, value.tail.operations:
        case Real() as real, (Dequantise(), HostSoftmax() as softmax) if (
                real.x.offset == by.offset and is_fused(reader, node)):
            table = QuantisedSoftmax(softmax.first, softmax.end, real.scale, by)
            return replace(value, tail=replace(value.tail, operations=(table,), quantised=by))
    return replace(value, tail=value.tail.then(by))


def is_fused(reader: OnnxReader, node: Node) -> bool:
    """Return whether ONNX Runtime makes a single node of a Softmax and the quantisers around it.

    On x86 it does so where integers are uint8, or int8 that it makes uint8: those that a quantiser
    writes for one dequantiser, and that for one reader.
    """
    graph = reader.graph

    def uses(edge: str) -> list[Node | None]:
        """Return what reads an edge; for an output, None."""
        return [*graph.readers.get(edge, ()), *(None for name in graph.outputs if name == edge)]

    def alone(by: Node | None) -> bool:
        if by is None or by.operator != "QuantizeLinear":
            return False
        (found, *more) = uses(by.outputs[0]) or [None]
        return found is not None and not more and found.operator == "DequantizeLinear" \
            and len(uses(found.outputs[0])) == 1

    if len(uses(node.inputs[0])) > 1:
        return False
    if reader.zero_of(node, 2)[1]:
        return True
    writers = {edge: each for each in graph.nodes for edge in each.outputs}
    integers = writers[writers[node.inputs[0]].inputs[0]].inputs[0]
    return alone(writers.get(integers)) and alone(node)


def constant_steps(reader: OnnxReader, node: Node, value: np.ndarray) -> np.ndarray:
    """Quantise a constant, half to even."""
    scale, zero = reader.constant(node, 1), reader.constant(node, 2)
    kind = np.dtype(np.uint8) if zero is None else zero.dtype
    if value.dtype.kind != "f" or not np.all(np.isfinite(value)) \
            or kind not in (np.int8, np.uint8, np.int32):
        raise node.error("quantises a constant to other than int8, uint8 or int32, "
                         "or one that is not finite")
    grid = reader.scaled_constant(node, np.zeros(value.shape, np.int8), scale, zero,
                                  node.integer("axis", 1))
    limits = np.iinfo(kind)
    # In float32, as the file's own arithmetic.
    with np.errstate(over="ignore"):
        steps = np.rint(value.astype(np.float32) / grid.scale.astype(np.float32))
    return np.clip(steps.astype(np.float64) + grid.zero, limits.min, limits.max).astype(kind)


def floats(reader: OnnxReader, node: Node, index: int) -> NDArray[np.float64] | None:
    """Return a constant as real numbers, None where it is left out."""
    value = reader.optional_value(node, index)
    if isinstance(value, Scaled):
        return value.real
    array = reader.constant(node, index)
    return None if array is None else array.astype(np.float64)


def weights(reader: OnnxReader, node: Node, index: int) -> Scaled:
    """Return weights, which must be integers with a scale."""
    value = reader.value(node, index)
    if isinstance(value, Scaled):
        return value
    if isinstance(value, np.ndarray):
        raise node.error(f"has weights of {value.dtype}, not dequantised integers; {reader.remedy}")
    raise node.error(f"multiplies by {node.inputs[index]!r}, which the network computes; "
                     "we run it with constant weights")


def by_output(node: Node, scaled: Scaled, axis: int) -> NDArray[np.float64]:
    """Return the scale of each output channel, along an axis of the weights."""
    count = scaled.values.shape[axis]
    if scaled.scale.size not in (1, scaled.scale.shape[axis]):
        raise node.error("has a scale for each input of its weights; "
                         "we run one for each output channel")
    return np.broadcast_to(scaled.scale.reshape(-1), (count,)).astype(np.float64)


def conv(reader: OnnxReader, node: Node) -> Value:
    """Conv of a dequantised image with dequantised weights."""
    return convolution(reader, node, reader.real(node, 0), weights(reader, node, 1),
                       floats(reader, node, 2))


def convolution(reader: OnnxReader, node: Node, real: Real, scaled: Scaled,
                bias: NDArray[Any] | None = None, *, in_sums: bool = False) -> Pending:
    """Return a convolution; the weights as the file has them, output channels first.

    The bias is of real numbers, or ``in_sums`` of products of integers.
    """
    x, integers = reader.builder.integers_of(node, real), scaled.values - scaled.zero
    if integers.ndim != len(x.shape) or integers.ndim not in (3, 4) or 0 in integers.shape:
        raise node.error(f"has weights of {list(integers.shape)} for an input of "
                         f"{list(x.shape)}; we run images of 4 axes, and rows of 3")
    scale = by_output(node, scaled, 0) * real.scale
    outputs, depth = integers.shape[:2]
    channels, groups = x.shape[1], node.integer("group", 1)
    if groups < 1 or depth * groups != channels or outputs % groups:
        raise node.error(f"has {groups} groups and weights of {list(integers.shape)} "
                         f"for {channels} channels")
    bias = np.zeros(outputs) if bias is None else bias.reshape(-1)
    if bias.size != outputs:
        raise node.error(f"has {bias.size} biases for {outputs} channels")
    bias = bias * scale if in_sums else bias
    over = window(node, x.shape, integers.shape[2:])
    out = over.output(*image_size(node, x.shape))
    shape = (1, outputs, *out) if len(x.shape) == 4 else (1, outputs, out[1])
    integers = integers.reshape(outputs, depth, *over.kernel)
    depthwise = groups == channels and groups > 1
    if depthwise:
        ours = integers[:, 0].transpose(1, 2, 0)
    else:
        ours = blocks(node, integers, groups).transpose(0, 2, 3, 1)
    return Pending(Linear(reader.builder, node, x, ours, scale, bias, shape, over, depthwise,
                          own_bias(bias)), shape)


def own_bias(bias: NDArray[np.float64]) -> tuple[FloatStep, ...]:
    """Return the step that adds a product's own bias."""
    return (FloatStep("Add", (single(bias),)),) if np.any(bias) else ()


def blocks(node: Node, integers: Integers, groups: int) -> Integers:
    """Return the weights of a convolution in groups as those of one without: 0 between them."""
    if groups == 1:
        return integers
    outputs, depth, height, width = integers.shape
    if integers.size * groups > ELEMENTS:
        raise node.error(f"has {groups} groups; as a convolution without groups it is too large. "
                         "We run as many groups as there are channels, or one")
    result = np.zeros((outputs, depth * groups, height, width), np.int64)
    each = outputs // groups
    for group in range(groups):
        rows = slice(group * each, (group + 1) * each)
        result[rows, group * depth:(group + 1) * depth] = integers[rows]
    return result


def gemm(reader: OnnxReader, node: Node) -> Value:
    """Gemm of a dequantised row with dequantised weights."""
    real, scaled = reader.real(node, 0), weights(reader, node, 1)
    bias = floats(reader, node, 2)
    if bias is not None:
        bias = bias * node.number("beta", 1.0)
    return matrices(reader, node, real, scaled, bias)


def matrices(reader: OnnxReader, node: Node, real: Real, scaled: Scaled,
             bias: NDArray[Any] | None, *, in_sums: bool = False) -> Pending:
    """Return the product of two matrices, and a bias as of :func:`convolution`."""
    if scaled.values.ndim != 2 or len(real.shape) != 2:
        raise node.error("multiplies other than two matrices")
    axis = 0 if node.integer("transB", 0) else 1
    integers = scaled.values - scaled.zero
    scale = by_output(node, scaled, axis) * real.scale * node.number("alpha", 1.0)
    return matrix(reader, node, real, integers if axis == 0 else integers.T, scale, bias,
                  in_sums=in_sums)


def matmul(reader: OnnxReader, node: Node) -> Value:
    """MatMul of dequantised rows with dequantised weights."""
    return rows_by_matrix(reader, node, reader.real(node, 0), weights(reader, node, 1))


def rows_by_matrix(reader: OnnxReader, node: Node, real: Real, scaled: Scaled) -> Pending:
    """Return the products of rows with a matrix of weights, which may have axes of 1 before."""
    shape = scaled.values.shape
    if len(shape) < 2 or any(size != 1 for size in shape[:-2]):
        raise node.error(f"multiplies by {list(shape)}; we run one matrix of weights")
    integers = (scaled.values - scaled.zero).reshape(shape[-2:])
    scale = by_output(node, scaled, len(shape) - 1) * real.scale
    return matrix(reader, node, real, integers.T, scale)


def matrix(reader: OnnxReader, node: Node, real: Real, integers: Integers,
           scale: NDArray[np.float64], bias: NDArray[Any] | None = None, *,
           in_sums: bool = False) -> Pending:
    """Return a product with weights of (outputs, columns)."""
    if node.integer("transA", 0):
        raise node.error("transposes its input (transA); we run it with transA = 0")
    x = reader.builder.integers_of(node, real)
    outputs, columns = integers.shape
    if len(x.shape) < 2 or x.shape[-1] != columns or not integers.size:
        raise node.error(f"multiplies {list(x.shape)} by weights for {columns} columns")
    bias = np.zeros(1) if bias is None else bias.reshape(-1) if bias.ndim < 2 or \
        bias.shape[0] == 1 else bias
    if bias.ndim != 1 or bias.size not in (1, outputs):
        raise node.error(f"adds {list(bias.shape)} to {outputs} columns; "
                         "we add one value to each column")
    bias = bias * scale if in_sums else bias
    shape = (*x.shape[:-1], outputs)
    return Pending(Linear(reader.builder, node, x, integers, scale,
                          np.broadcast_to(bias, (outputs,)).astype(np.float64), shape,
                          steps=own_bias(bias)), shape)


FLOAT: dict[str, Handler] = {
    "Conv": conv, "DequantizeLinear": dequantize, "Gemm": gemm, "MatMul": matmul,
    "QuantizeLinear": quantize,
}
