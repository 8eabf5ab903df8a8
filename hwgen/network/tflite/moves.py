"""RESHAPE, SQUEEZE and EXPAND_DIMS of a .tflite file: the same bytes under another shape."""

import math

from ...errors import UserError
from ..graph import Layer, Reshape
from .file import MOST_AXES
from .operator import Site

__all__ = ["expand", "reshape", "squeeze"]


def reshape(site: Site) -> list[Layer]:
    """RESHAPE: the output's shape is what counts, and all else that gives one must agree."""
    site.inputs_between(1, 2)
    given = {}
    if "NewShape" in site.operator.vectors:
        given["its options"] = site.operator.vectors["NewShape"]
    if len(site.operator.inputs) == 2:
        wanted = site.constant(1, {"INT32": "<i4"}, "new shape")
        if wanted.ndim != 1 or wanted.size > MOST_AXES:
            raise UserError(f"its new shape is a tensor of shape {wanted.shape}: it must have one "
                            f"axis, of at most {MOST_AXES} numbers")
        given["its second input"] = tuple(wanted.tolist())
    for what, shape in given.items():
        if whole_shape(shape, site.x().size) != site.result.shape:
            raise UserError(f"{what} give{'s' * (what != 'its options')} the new shape "
                            f"{shape[:8]}, for {site.x().size} elements and an output of shape "
                            f"{site.result.shape}: they must agree, with one -1 at most")
    return same_bytes(site)


def whole_shape(shape: tuple[int, ...], size: int) -> tuple[int, ...] | None:
    """Return a shape with its -1, if it has one, replaced; None where there are several."""
    rest = math.prod(axis for axis in shape if axis != -1)
    if shape.count(-1) > 1 or -1 in shape and (rest < 1 or size % rest):
        return None
    return tuple(size // rest if axis == -1 else axis for axis in shape)


def squeeze(site: Site) -> list[Layer]:
    """SQUEEZE of some axes of 1, or of all."""
    site.inputs_between(1, 1)
    site.x()
    shape = site.input(0).shape
    given = site.operator.vectors.get("SqueezeDims", ())
    if any(not -len(shape) <= axis < len(shape) or shape[axis] != 1 for axis in given):
        raise UserError(f"its axes {given[:8]} must be axes of 1 of the shape {shape}")
    axes = {axis % len(shape) for axis in given} or {a for a, size in enumerate(shape) if size == 1}
    site.gives(*(size for axis, size in enumerate(shape) if axis not in axes))
    return same_bytes(site)


def expand(site: Site) -> list[Layer]:
    """EXPAND_DIMS by one axis."""
    site.inputs_between(2, 2)
    site.x()
    shape, given = site.input(0).shape, site.constant(1, {"INT32": "<i4"}, "axis")
    if given.size != 1 or given.ndim > 1 or not -len(shape) - 1 <= given.ravel()[0] <= len(shape):
        raise UserError(f"its axis is {given.ravel()[:4].tolist()}: it must be one from "
                        f"{-len(shape) - 1} to {len(shape)}")
    axis = int(given.ravel()[0]) % (len(shape) + 1)
    site.gives(*shape[:axis], 1, *shape[axis:])
    return same_bytes(site)


def same_bytes(site: Site) -> list[Layer]:
    """Return the layer of an operator that changes the shape alone."""
    x, y = site.x(), site.y
    site.keeps_scale(x)
    if x.size != y.size:
        raise UserError(f"its input has shape {site.input(0).shape} and its output "
                        f"{site.result.shape}: they must have as many elements")
    return [Reshape(name=site.name, inputs=(x.name,), output=y.name)]
