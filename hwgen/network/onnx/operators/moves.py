"""ONNX operators that move elements, or only rename them, and those that work on constants."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ..builder import is_step, step
from ..file import ELEMENTS, Node
from ..pending import Joined
from ..reader import Handler, OnnxReader
from ..values import Activation, Hosted, Outside, Pending, Real, Scaled, Target, Value, reorder

__all__ = ["MOVES", "reshape_value"]


def reshape_value(node: Node, value: Value, shape: tuple[int, ...]) -> Value:
    """Return the same elements under another shape."""
    old = shape_of(value)
    if math.prod(old) != math.prod(shape):
        raise node.error(f"makes {list(shape)} of {list(old)}, which has another size")
    match value:
        case Pending() | Real() | Activation():
            return move_value(value, shape, lambda x: replace(x, shape=shape))
        case Outside():
            return replace(value, shape=shape)
        case Hosted():
            return value.with_move(shape, lambda x: x.reshape(shape))
        case Scaled():
            if value.scale.size != 1 or value.zero.size != 1:
                raise node.error("reshapes a constant with a scale for each channel; "
                                 "reshape it before it is quantised")
            ones = (1,) * len(shape)
            return Scaled(value.values.reshape(shape), value.scale.reshape(ones),
                          value.zero.reshape(ones))
    return value.reshape(shape)


def shape_of(value: Value) -> tuple[int, ...]:
    """Return the file's shape of any value."""
    return value.values.shape if isinstance(value, Scaled) else value.shape


def reshape(reader: OnnxReader, node: Node) -> Value:
    """Reshape."""
    value = reader.value(node, 0)
    target = reader.numbers(node, 1, "shape")
    if target is None:
        raise node.error("has no shape")
    old = shape_of(value)
    if node.integer("allowzero", 0) and 0 in target:
        raise node.error("makes an empty tensor")
    if any(size == 0 and axis >= len(old) for axis, size in enumerate(target)):
        raise node.error(f"copies an axis that {list(old)} does not have")
    shape = [old[axis] if size == 0 else size for axis, size in enumerate(target)]
    known = math.prod(size for size in shape if size != -1)
    if shape.count(-1) > 1 or min(shape, default=1) < -1 or known == 0:
        raise node.error(f"has an impossible shape, {target}")
    return reshape_value(node, value, tuple(math.prod(old) // known if size == -1 else size
                                            for size in shape))


def flatten(reader: OnnxReader, node: Node) -> Value:
    """Flatten to two axes."""
    value = reader.value(node, 0)
    shape = shape_of(value)
    axis = node.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise node.error(f"has an axis of {axis} for {list(shape)}")
    axis += len(shape) if axis < 0 else 0
    return reshape_value(node, value, (math.prod(shape[:axis]), math.prod(shape[axis:])))


def positive_axes(node: Node, axes: Sequence[int], count: int) -> list[int]:
    """Return axes counted from the front."""
    result = [axis + count if axis < 0 else axis for axis in axes]
    if any(not 0 <= axis < count for axis in result) or len(set(result)) != len(result):
        raise node.error(f"has the axes {list(axes)} for a tensor of {count} axes")
    return result


def squeeze(reader: OnnxReader, node: Node) -> Value:
    """Leave out axes of size 1."""
    value = reader.value(node, 0)
    shape = shape_of(value)
    given = reader.numbers(node, 1, "axes")
    axes = [axis for axis, size in enumerate(shape) if size == 1] if given is None \
        else positive_axes(node, given, len(shape))
    if any(shape[axis] != 1 for axis in axes):
        raise node.error(f"leaves out the axes {axes} of {list(shape)}, which are not 1")
    return reshape_value(node, value, tuple(s for axis, s in enumerate(shape) if axis not in axes))


def unsqueeze(reader: OnnxReader, node: Node) -> Value:
    """Put in axes of size 1."""
    value = reader.value(node, 0)
    shape = list(shape_of(value))
    given = reader.numbers(node, 1, "axes")
    if given is None or len(shape) + len(given) > 32:
        raise node.error("has no axes, or too many")
    for axis in sorted(positive_axes(node, given, len(shape) + len(given))):
        shape.insert(axis, 1)
    return reshape_value(node, value, tuple(shape))


def transpose(reader: OnnxReader, node: Node) -> Value:
    """Permute the axes; what runs moves nothing, so what reads it must take the order as it is."""
    value = reader.value(node, 0)
    shape = shape_of(value)
    given = node.integers("perm")
    axes = tuple(range(len(shape)))[::-1] if given is None else tuple(given)
    if sorted(axes) != list(range(len(shape))):
        raise node.error(f"has a perm of {list(axes)} for a tensor of {len(shape)} axes")
    new = tuple(shape[axis] for axis in axes)

    def move(x: Activation) -> Activation:
        return Activation(x.tensor, new, reorder(x.order, shape, axes), x.offset)

    match value:
        case Pending() | Real() | Activation():
            return move_value(value, new, move)
        case Outside():
            source = value.source.reshape(shape).transpose(axes).reshape(-1)
            return Outside(value.name, new, source, value.steps)
        case Hosted():
            return value.with_move(new, lambda x: x.transpose(axes))
        case Scaled():
            return Scaled(value.values.transpose(axes), value.scale.transpose(axes),
                          value.zero.transpose(axes))
    return value.transpose(axes)


def identity(reader: OnnxReader, node: Node) -> Value:
    """Hand on."""
    return reader.value(node, 0)


def cast(reader: OnnxReader, node: Node) -> Value:
    """Hand on what already is what it is cast to, or a sum of 32 bits as a real number."""
    value = reader.value(node, 0)
    kind = {1: np.float32, 6: np.int32, 7: np.int64, 10: np.float16, 11: np.float64}.get(
        node.integer("to", 0))
    if isinstance(value, np.ndarray) and kind is not None:
        with np.errstate(all="ignore"):
            return value.astype(kind)
    if isinstance(value, Pending) and kind in (np.float32, np.float64):
        return replace(value, integers=False)
    if isinstance(value, Real | Outside | Hosted) and kind == np.float32:
        return value
    raise node.error("casts to a type that we do not run; "
                     "we run QuantizeLinear and DequantizeLinear")


def shape(reader: OnnxReader, node: Node) -> Value:
    """Return a shape, which is a constant."""
    return np.array(shape_of(reader.value(node, 0)), np.int64)


def gather(reader: OnnxReader, node: Node) -> Value:
    """Pick from a constant."""
    data, indices = reader.constant(node, 0), reader.constant(node, 1)
    if data is None or indices is None or indices.dtype.kind not in "iu" or data.ndim < 1 \
            or indices.size > 64 or node.integer("axis", 0) not in (0, -data.ndim):
        raise node.error("picks other than from the first axis of a constant")
    if indices.size and (indices.min() < -len(data) or indices.max() >= len(data)):
        raise node.error("picks beyond the end of its constant")
    if indices.size * (data.size // max(len(data), 1)) > data.size + 64:
        raise node.error("makes a constant larger than it picks from")
    return data[indices]


def concat(reader: OnnxReader, node: Node) -> Value:
    """Join along an axis."""
    if not node.inputs:
        raise node.error("joins nothing")
    values = [reader.value(node, index) for index in range(len(node.inputs))]
    axis = node.integer("axis", 0)
    shapes = [shape_of(value) for value in values]
    axis += len(shapes[0]) if axis < 0 else 0
    result = joined_shape(node, shapes, axis)
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    if len(arrays) == len(values):
        if math.prod(result) > ELEMENTS:
            raise node.error(f"makes a constant of {list(result)}")
        return np.concatenate(arrays, axis=axis)
    if any(isinstance(value, Activation) for value in values):
        parts = [reader.integers(node, index) for index in range(len(values))]
        first = parts[0]
        if any(x.offset != first.offset for x in parts):
            raise node.error("joins int8 and uint8; both must be of one type")
        # Joined as integers, whatever they stood for: what reads them has a grid of its own.
        scale, zero = first.tensor.scale, first.tensor.zero_point
        same = tuple(Real(reader.builder.with_grid(node, x, scale, zero), scale) for x in parts)
        core = Joined(reader.builder, node, same, axis, result)
        return core.emit(Target(node.outputs[0], scale, zero, first.offset))
    reals = tuple(reader.real(node, index) for index in range(len(values)))
    return Pending(Joined(reader.builder, node, reals, axis, result), result)


def joined_shape(node: Node, shapes: Sequence[tuple[int, ...]], axis: int) -> tuple[int, ...]:
    """Return the shape of tensors joined along an axis."""
    first = shapes[0]
    if not 0 <= axis < len(first):
        raise node.error(f"joins along axis {axis} of {list(first)}")
    rest = [(len(s), s[:axis], s[axis + 1:]) for s in shapes]
    if any(other != rest[0] for other in rest):
        raise node.error(f"joins tensors that do not fit: {[list(s) for s in shapes]}")
    return (*first[:axis], sum(s[axis] for s in shapes), *first[axis + 1:])


def pad(reader: OnnxReader, node: Node) -> Value:
    """Surround an image."""
    value = reader.value(node, 0)
    if not isinstance(value, Real | Activation):
        raise reader.unready_error(node, 0)
    mode = node.text("mode", "constant")
    if mode != "constant":
        raise node.error(f"pads by {mode!r}; the nearest that we run pads with a constant")
    shape = value.shape
    pads = reader.numbers(node, 1, "pads")
    axes = reader.numbers(node, 3, "axes") or list(range(len(shape)))
    axes = positive_axes(node, axes, len(shape))
    if pads is None or len(pads) != 2 * len(axes):
        raise node.error("has pads that do not fit its axes")
    around = {axis: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    if any(not 0 <= size <= 1 << 15 for size in pads):
        raise node.error("pads by less than nothing, or by too much")
    if any(around.get(axis, (0, 0)) != (0, 0) for axis in (0, 1)):
        raise node.error("pads the batch or the channels; we pad height and width")
    inner = [around.get(axis, (0, 0)) for axis in range(2, len(shape))]
    inner = [(0, 0)] * (2 - len(inner)) + inner
    before, after = (inner[0][0], inner[1][0]), (inner[0][1], inner[1][1])
    real = reader.scalar(node, 2, "value", 0.0)
    if math.isnan(real):
        raise node.error("pads with what is no number")
    if isinstance(value, Real):
        x = reader.builder.integers_of(node, value)
        filled = step(real, value.scale, x.tensor.zero_point)
        if not all(rounds(reader, node, value, real, each)
                   for each in reader.graph.readers.get(node.outputs[0], (node,))):
            raise node.error(f"pads with {real:g}, which is no step of its input, whose scale is "
                             f"{value.scale:.6g}; pad with 0, or put a QuantizeLinear and a "
                             "DequantizeLinear of that scale after it")
    else:
        x = value
        filled = step(real, 1.0, -x.offset)
    x = reader.builder.pad(node, x, node.outputs[0], before, after, filled)
    return Real(x, value.scale) if isinstance(value, Real) else x


def rounds(reader: OnnxReader, node: Node, x: Real, real: float, by: Node) -> bool:
    """Return whether what reads a padded tensor sees no more of its padding than our steps are."""
    steps = x.x.tensor.zero_point + real / x.scale
    if is_step(real, x.scale) and -128.1 < steps < 127.1:
        return True
    if by.operator == "MaxPool":
        return steps <= -128  # below all there is, so that no window takes it
    scale = reader.graph.constants.get(by.inputs[1]) if len(by.inputs) > 1 else None
    return by.operator == "QuantizeLinear" and scale is not None and scale.size == 1 \
        and float(scale.reshape(-1)[0]) == x.scale


def move_value(value: Pending | Real | Activation, shape: tuple[int, ...],
               make: Callable[[Activation], Activation]) -> Value:
    """Apply what does not care whether its tensor is quantised: an order-preserving step."""
    if isinstance(value, Pending):
        return value.then(shape, make)
    # Limits are the same before it and after it.
    return replace(value, x=make(value.x)) if isinstance(value, Real) else make(value)


MOVES: dict[str, Handler] = {
    "Cast": cast, "Concat": concat, "Dropout": identity, "Flatten": flatten, "Gather": gather,
    "Identity": identity, "Pad": pad, "Reshape": reshape, "Shape": shape, "Squeeze": squeeze,
    "Transpose": transpose, "Unsqueeze": unsqueeze,
}
