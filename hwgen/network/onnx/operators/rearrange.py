"""ONNX operators that take some elements of a tensor, or each several times: layers that move."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ... import graph
from ..file import ELEMENTS, Node
from ..reader import Handler, OnnxReader
from ..values import Activation, Pending, Real, Value, channels_last
from .moves import move_value, positive_axes, shape_of

__all__ = ["REARRANGED", "rearrange"]

Places = NDArray[np.int64]


def rearrange(reader: OnnxReader, node: Node, take: Callable[[Places], Places]) -> Value:
    """Return what ``take`` makes of a tensor, which it is shown as the places of the elements."""
    value = reader.value(node, 0)
    shape = shape_of(value)
    if isinstance(value, np.ndarray) and value.size <= ELEMENTS:
        return take(value)
    if not isinstance(value, Pending | Real | Activation):
        raise node.error("moves elements of what is no tensor of the network; put a QuantizeLinear "
                         "and a DequantizeLinear before it")
    places = take(np.arange(math.prod(shape), dtype=np.int64).reshape(shape))
    if not 0 < places.size <= ELEMENTS:
        raise node.error(f"makes a tensor of {list(places.shape)}, which must have from 1 to "
                         f"{ELEMENTS} elements")
    new, image = places.shape, places.ndim in (3, 4) and places.shape[0] == 1
    order = channels_last(new) if image else np.arange(places.size)

    def move(x: Activation) -> Activation:
        ours = np.empty_like(x.order)
        ours[x.order] = np.arange(x.order.size)
        made = Activation(x.tensor, new, order, x.offset)
        result = reader.builder.layer(
            graph.Move, node, [x.tensor], replace(
                x.tensor, name=node.outputs[0], shape=made.image if image else (1, places.size)),
            places=ours[places.reshape(-1)[order]].astype(np.int32))
        return replace(made, tensor=result)

    return move_value(value, new, move)


def cut(reader: OnnxReader, node: Node) -> Value:
    """Slice."""
    shape = shape_of(reader.value(node, 0))
    starts, ends = reader.numbers(node, 1, "starts"), reader.numbers(node, 2, "ends")
    if starts is None or ends is None:
        raise node.error("has no starts, or no ends")
    axes = positive_axes(node, reader.numbers(node, 3, "axes") or range(len(starts)), len(shape))
    steps = reader.numbers(node, 4, "steps") or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise node.error("has starts, ends, axes and steps that do not fit each other")
    index = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        # Below the first element an end counts from the last one in Python, but not in ONNX.
        last = None if step < 0 and end < -shape[axis] else end
        index[axis] = slice(start, last, step)
    return rearrange(reader, node, lambda places: places[tuple(index)])


def depth_to_space(reader: OnnxReader, node: Node) -> Value:
    """DepthToSpace and SpaceToDepth."""
    size, shape = node.integer("blocksize", 0), shape_of(reader.value(node, 0))
    inverse = node.operator == "SpaceToDepth"
    if size < 1 or len(shape) != 4 or (
            shape[2] % size or shape[3] % size if inverse else shape[1] % (size * size)):
        raise node.error(f"has blocks of {size} for {list(shape)}")
    batch, channels, height, width = shape
    columns = node.text("mode", "DCR") == "CRD"

    def take(places: Places) -> Places:
        if inverse:
            blocks = places.reshape(batch, channels, height // size, size, width // size, size)
            return blocks.transpose(0, 3, 5, 1, 2, 4).reshape(batch, -1, height // size,
                                                             width // size)
        depth = (-1, size, size) if columns else (size, size, -1)
        blocks = places.reshape(batch, *depth, height, width)
        order = (0, 1, 4, 2, 5, 3) if columns else (0, 3, 4, 1, 5, 2)
        return blocks.transpose(order).reshape(batch, -1, height * size, width * size)

    return rearrange(reader, node, take)


def resize(reader: OnnxReader, node: Node) -> Value:
    """Resize to the nearest, by whole numbers."""
    shape = shape_of(reader.value(node, 0))
    way = (node.text("coordinate_transformation_mode", "half_pixel"),
           node.text("nearest_mode", "round_prefer_floor"))
    centred = way[0] in ("half_pixel", "pytorch_half_pixel") and way[1].startswith("round")
    if node.text("mode", "nearest") != "nearest" or not (
            centred or way == ("asymmetric", "floor")) or node.integers("axes"):
        raise node.error("resizes other than each element to several equal ones; we run the mode "
                         "nearest, asymmetric with floor or half_pixel with round_prefer_floor")
    scales, sizes = reader.optional_value(node, 2), reader.optional_value(node, 3)
    if isinstance(sizes, np.ndarray) and sizes.size == len(shape):
        factors = sizes.reshape(-1) / np.array(shape)
    elif isinstance(scales, np.ndarray) and scales.size == len(shape):
        factors = scales.reshape(-1).astype(np.float64)
    else:
        raise node.error("has neither constant scales nor constant sizes for each axis")
    if not np.all(np.isfinite(factors)) or np.any(factors != np.rint(factors)) or \
            np.any(factors < 1) or np.prod(factors) * math.prod(shape) > ELEMENTS:
        raise node.error(f"resizes by {factors.tolist()}; we run whole numbers of 1 and more")

    def take(places: Places) -> Places:
        for axis, factor in enumerate(factors.astype(int).tolist()):
            places = places.repeat(factor, axis)
        return places

    return rearrange(reader, node, take)


REARRANGED: dict[str, Handler] = {
    "DepthToSpace": depth_to_space, "Resize": resize, "Slice": cut, "SpaceToDepth": depth_to_space}
