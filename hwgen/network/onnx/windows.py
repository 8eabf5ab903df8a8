"""The kernels, strides and paddings of ONNX nodes."""

import math
from collections.abc import Sequence

from ..graph import Window
from .file import ELEMENTS, Node

__all__ = ["image_size", "window"]

LARGEST = 1 << 15
"""Largest kernel, stride, dilation or padding: above the size of any image that we read."""


def image_size(node: Node, shape: Sequence[int]) -> tuple[int, int]:
    """Return height and width of an image of the file, which may lack the height."""
    if len(shape) == 4:
        return shape[2], shape[3]
    if len(shape) == 3:
        return 1, shape[2]
    raise node.error(f"reads a tensor of {len(shape)} axes; we run it on images of 4 axes, "
                     "or rows of 3")


def window(node: Node, shape: Sequence[int], kernel: Sequence[int] | None = None, *,
           pool: bool = False) -> Window:
    """Return how a node passes over an image of the file; ``kernel`` is that of its weights."""
    height, width = image_size(node, shape)
    axes = len(shape) - 2
    given = node.integers("kernel_shape")
    if kernel is None:
        if given is None:
            raise node.error("has no kernel_shape")
        kernel = given
    elif given is not None and list(given) != list(kernel):
        raise node.error(f"has a kernel_shape of {given} and weights of {list(kernel)}")
    kernel = pair(node, kernel, axes, "kernel_shape")
    stride = pair(node, node.integers("strides") or [1] * axes, axes, "strides")
    dilation = pair(node, node.integers("dilations") or [1] * axes, axes, "dilations")
    before, after = [0, 0], [0, 0]
    auto = node.text("auto_pad", "NOTSET") or "NOTSET"
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        for axis, size in enumerate((height, width)):
            total = max((math.ceil(size / stride[axis]) - 1) * stride[axis] + reach[axis] - size, 0)
            before[axis] = total // 2 if auto == "SAME_UPPER" else total - total // 2
            after[axis] = total - before[axis]
    elif auto == "NOTSET":
        pads = node.integers("pads") or [0] * (2 * axes)
        if len(pads) != 2 * axes:
            raise node.error(f"has {len(pads)} pads, not {2 * axes}")
        before = list(pair(node, pads[:axes], axes, "pads", least=0, fill=0))
        after = list(pair(node, pads[axes:], axes, "pads", least=0, fill=0))
    elif auto != "VALID":
        raise node.error(f"has an auto_pad of {auto!r}")
    if pool and any(b >= r or a >= r for b, a, r in zip(before, after, reach, strict=True)):
        raise node.error("pads by as much as its kernel, so that a window sees nothing")
    if node.integer("ceil_mode", 0):
        for axis, size in enumerate((height, width)):
            room = size + before[axis] + after[axis] - reach[axis]
            extra = -room % stride[axis] if room >= 0 else 0
            # A window that begins beyond the image and its padding before is left out.
            if extra and (math.ceil(room / stride[axis])) * stride[axis] < size + before[axis]:
                if node.integer("count_include_pad", 0):
                    raise node.error("has ceil_mode and count_include_pad; we run one of them")
                after[axis] += extra
    result = Window(kernel, stride, dilation, (before[0], before[1]), (after[0], after[1]))
    out = result.output(height, width)
    if min(out) < 1 or any(room < 0 for room in (
            height + before[0] + after[0] - reach[0], width + before[1] + after[1] - reach[1])):
        raise node.error(f"has a kernel larger than its image of {height} x {width}")
    if math.prod(out) > ELEMENTS:
        raise node.error(f"has an output of {out[0]} x {out[1]}")
    return result


def pair(node: Node, values: Sequence[int], axes: int, name: str, least: int = 1,
         fill: int = 1) -> tuple[int, int]:
    """Return a value for the height and one for the width."""
    if len(values) != axes:
        raise node.error(f"has {len(values)} {name}, not {axes}")
    for value in values:
        if not least <= value <= LARGEST:
            raise node.error(f"has {value} among its {name}; from {least} to {LARGEST} is possible")
    return (fill, values[0]) if axes == 1 else (values[0], values[1])
