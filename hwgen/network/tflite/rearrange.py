"""Operators that move elements: each is a function of an array, which may hold their numbers.

Of a tensor that is computed it is applied to the places of the elements, of a constant to its
values.
"""

import math
from collections.abc import Callable

import numpy as np
import tflite
from numpy.typing import NDArray

from ...errors import UserError
from ..graph import Concatenate, Layer, Move, Reshape, Tensor
from .operator import Chain, Site

__all__ = ["CONSTANTS", "FOLDED", "MOVED", "SEVERAL", "fold", "join", "move", "move_to", "pack"]

Values = NDArray[np.signedinteger]

INTEGERS = {"INT32": "<i4", "INT64": "<i8"}
CONSTANTS = INTEGERS | {"INT8": "<i1"}


def integers(site: Site, position: int, what: str) -> list[int]:
    """Return a constant input of integers as a list."""
    found: list[int] = site.constant(position, INTEGERS, what).ravel().tolist()
    return found


def take_strided(site: Site, x: Values) -> Values:
    """STRIDED_SLICE."""
    for name in ("EllipsisMask", "NewAxisMask", "Offset"):
        if site.option(name):
            raise UserError(f"it has an {name}: hwgen runs those without")
    bounds = [integers(site, 1 + which, what)
              for which, what in enumerate(("begin", "end", "strides"))]
    found: list[int | slice] = []
    for axis, (begin, end, stride) in enumerate(zip(*bounds, strict=True)):
        masks = [bool(site.option(name) >> axis & 1)
                 for name in ("BeginMask", "EndMask", "ShrinkAxisMask")]
        if masks[2]:
            found.append(0 if masks[0] else begin)
        else:
            found.append(slice(None if masks[0] else begin, None if masks[1] else end, stride))
    return x[tuple(found)]


def take_slice(site: Site, x: Values) -> Values:
    """SLICE."""
    bounds = zip(integers(site, 1, "begin"), integers(site, 2, "size"), x.shape, strict=True)
    found = []
    for begin, size, length in bounds:
        end = length if size == -1 else begin + size
        if not 0 <= begin <= end <= length:
            raise ValueError
        found.append(slice(begin, end))
    return x[tuple(found)]


def split(site: Site, x: Values) -> Values:
    """SPLIT and SPLIT_V, of which the site has one output."""
    by_sizes = site.operator.code == "SPLIT_V"
    [axis] = integers(site, 2 if by_sizes else 0, "axis")
    count = len(site.operator.outputs)
    if site.option("NumSplits") != count:
        raise UserError(f"it has {count} outputs, and {site.option('NumSplits')} in its options")
    if not by_sizes:
        return np.split(x, count, axis)[site.place]
    sizes = integers(site, 1, "sizes")
    if len(sizes) != count or sizes.count(-1) > 1:
        raise ValueError
    rest = x.shape[axis] - sum(size for size in sizes if size != -1)
    sizes = [rest if size == -1 else size for size in sizes]
    if min(sizes) < 1 or sum(sizes) != x.shape[axis]:
        raise ValueError
    return np.split(x, np.cumsum(sizes)[:-1].tolist(), axis)[site.place]


def unpack(site: Site, x: Values) -> Values:
    """UNPACK, of which the site has one output."""
    axis, count = site.option("Axis"), len(site.operator.outputs)
    if site.option("Num") != count or x.shape[axis] != count:
        raise ValueError
    return np.take(x, site.place, axis)


def transpose(site: Site, x: Values) -> Values:
    """TRANSPOSE."""
    return x.transpose(integers(site, 1, "permutation"))


def gather(site: Site, x: Values) -> Values:
    """GATHER of places that are constant."""
    if site.option("BatchDims"):
        raise UserError("it has axes of batches: hwgen gathers without")
    places = site.constant(1, INTEGERS, "indices")
    if places.min(initial=0) < 0:
        raise ValueError
    axis = site.option("Axis") % x.ndim
    site.has_shape(*x.shape[:axis], *places.shape, *x.shape[axis + 1:])
    return np.take(x, places, axis)


def space_to_depth(site: Site, x: Values) -> Values:
    """SPACE_TO_DEPTH."""
    size, (_, height, width, channels) = site.option("BlockSize"), x.shape
    blocks = x.reshape(height // size, size, width // size, size, channels)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(1, height // size, width // size, -1)


def depth_to_space(site: Site, x: Values) -> Values:
    """DEPTH_TO_SPACE."""
    size, (_, height, width, _) = site.option("BlockSize"), x.shape
    blocks = x.reshape(height, width, size, size, -1).transpose(0, 2, 1, 3, 4)
    return blocks.reshape(1, height * size, width * size, -1)


def resize(site: Site, x: Values) -> Values:
    """RESIZE_NEAREST_NEIGHBOR, with the reference's arithmetic in float32."""
    _, height, width, channels = x.shape
    sizes = integers(site, 1, "size")
    site.has_shape(1, *sizes, channels)
    corners, centers = site.option("AlignCorners"), site.option("HalfPixelCenters")
    places = []
    for length, wanted in zip((height, width), sizes, strict=True):
        ends = bool(corners and wanted > 1)
        step = np.float32(length - ends) / np.float32(wanted - ends)
        exact = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 if centers else 0)) * step
        near = np.floor(exact + np.float32(0.5)) if corners else np.floor(exact)
        places.append(np.clip(near.astype(np.int64), 0, length - 1))
    return x[:, places[0]][:, :, places[1]]


def mirror_pad(site: Site, x: Values) -> Values:
    """MIRROR_PAD."""
    symmetric = site.option("Mode") == tflite.MirrorPadMode.SYMMETRIC
    amounts = site.constant(1, INTEGERS, "paddings").reshape(x.ndim, 2)
    most = np.array(x.shape) - (not symmetric)
    if np.any(amounts < 0) or np.any(amounts > most[:, None]):
        raise ValueError
    return np.pad(x, amounts, mode="symmetric" if symmetric else "reflect")


MOVED: dict[str, tuple[Callable[[Site, Values], Values], int, int]] = {
    "STRIDED_SLICE": (take_strided, 0, 4), "SLICE": (take_slice, 0, 3), "SPLIT": (split, 1, 2),
    "SPLIT_V": (split, 0, 3), "UNPACK": (unpack, 0, 1), "TRANSPOSE": (transpose, 0, 2),
    "GATHER": (gather, 0, 2), "SPACE_TO_DEPTH": (space_to_depth, 0, 1),
    "DEPTH_TO_SPACE": (depth_to_space, 0, 1), "RESIZE_NEAREST_NEIGHBOR": (resize, 0, 2),
    "MIRROR_PAD": (mirror_pad, 0, 2)}
"""What each does, which of its inputs it moves, and how many it has."""


def apply(site: Site, x: Values) -> Values:
    """Return what an operator makes of an array."""
    function, _, count = MOVED[site.operator.code]
    site.inputs_between(count, count)
    try:
        return function(site, x)
    except UserError:
        raise
    except (IndexError, ValueError, ZeroDivisionError):
        raise UserError(f"its options and constants do not suit an input of shape {x.shape}"
                        ) from None


def move(site: Site) -> list[Layer]:
    """Any of them, of a tensor that is computed."""
    position = MOVED[site.operator.code][1]
    x = site.x(position)
    site.keeps_scale(x)
    places = apply(site, np.arange(x.size, dtype=np.int32).reshape(site.input(position).shape))
    output = site.gives(*places.shape)
    return [move_to(site.name, x, output, places.reshape(-1))]


def move_to(name: str, x: Tensor, output: str, places: NDArray[np.int32]) -> Layer:
    """Return the layer that takes elements from these places, or no more than another shape."""
    if np.array_equal(places, np.arange(x.size)):
        return Reshape(name=name, inputs=(x.name,), output=output)
    return Move(name=name, inputs=(x.name,), output=output, places=places)


def pack(site: Site) -> list[Layer]:
    """PACK."""
    x = [site.x(position) for position in range(len(site.stored))]
    shapes, axis = {site.input(position).shape for position in range(len(x))}, site.option("Axis")
    shape = [*shapes.pop()]
    if shapes or site.option("ValuesCount") != len(x) or not -1 - len(shape) <= axis <= len(shape):
        raise UserError(f"it packs {site.option('ValuesCount')} tensors along axis {axis}: its "
                        f"inputs must be so many, of one shape with such an axis, not {len(x)}")
    place = axis % (len(shape) + 1)
    site.keeps_scale(*x)
    site.gives(*shape[:place], len(x), *shape[place:])
    return join(site, x, place)


def join(site: Site, x: list[Tensor], axis: int) -> list[Layer]:
    """Return the layers that put tensors side by side along an axis of the output in the file."""
    shape = site.result.shape
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1:])
    chain = Chain(site, (1, before, shape[axis], after))
    parts = tuple(chain.take(each, (1, before, each.size // (before * after), after))
                  for each in x)
    chain.add(Concatenate, parts, chain.output, axis=2)
    return chain.finish()


def fold(site: Site) -> Values:
    """Return the output of an operator whose inputs are constants."""
    code = site.operator.code
    if code == "SHAPE":
        if not site.input(0).fixed:
            raise UserError("its input has axes of open size: hwgen runs tensors of fixed shape")
        return np.array(site.input(0).shape)
    values = [site.constant(position, CONSTANTS, "input") for position in range(len(site.stored))]
    if code in MOVED:
        return apply(site, values[MOVED[code][1]])
    if code == "PACK":
        return np.stack(values, site.option("Axis"))
    if code == "CONCATENATION":
        return np.concatenate(values, site.option("Axis"))
    return values[0].reshape(site.result.shape)


FOLDED = {"SHAPE", "PACK", "CONCATENATION", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", *MOVED}
"""Operators that are computed as the file is read, where their inputs are constants."""

SEVERAL = {"SPLIT", "SPLIT_V", "UNPACK"}
"""Operators of several outputs."""
