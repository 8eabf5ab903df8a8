"""Layers that end in thresholds, and outputs that are sums: what float32 makes of them, exactly.

Sums of integers are exact. All that follows them in the file is a function of one float32 for each
channel, which is evaluated here operation by operation, as ONNX Runtime does. It rises or falls, so
bisecting finds the integer at which each level begins, all roundings included.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..precision import INT8, SUMS
from ..requantisation import Ending
from ..thresholds import find_thresholds
from .builder import requantisation
from .file import Node
from .float_ops import Floats, FloatStep, apply_steps, single
from .levels import Levels
from .pending import Average, Linear
from .values import Activation, Integers, Pending, Target

__all__ = ["Finish", "as_levels", "as_sums"]


@dataclass(frozen=True, eq=False)
class Finish:
    """From sums of integers to the real numbers of the file, in float32; channels last."""

    scale: Floats
    steps: tuple[FloatStep, ...]
    low: float
    high: float
    integers: bool = False
    """Whether the file has the sums as they are."""

    def __call__(self, sums: NDArray[np.signedinteger]) -> NDArray[Any]:
        """Return what the sums stand for."""
        if self.integers:
            return sums.astype(np.int32)
        # A product in double is rounded once, as the float32 sum of exact products would be.
        with np.errstate(all="ignore"):
            real = (sums * self.scale.astype(np.float64)).astype(np.float32)
            real = apply_steps(real, self.steps)
            return np.clip(real, np.float32(self.low), np.float32(self.high))


def as_levels(node: Node, value: Pending, levels: Levels) -> Activation:
    """Return what is quantised to a few levels: a layer with thresholds."""
    linear = linear_of(node, value)
    finish = finish_of(linear, value)
    channels = channels_of(linear)
    least, greatest = sum_ranges(linear)
    try:
        ending = find_thresholds(lambda sums: levels.index(finish(sums)), levels.count,
                                 least, greatest, levels.low - levels.offset, levels.step)
    except UserError as error:
        raise node.error(f"quantises {channels} channels, and {error}") from error
    target = Target(node.outputs[0], float(levels.scale), levels.zero - levels.offset,
                    levels.offset, precision=levels.precision)
    return place_layer(linear, value, target, ending)


def as_sums(node: Node, value: Pending) -> tuple[Activation, Finish]:
    """Return an output that nothing quantises, as sums, and what makes real numbers of them."""
    linear = linear_of(node, value)
    least, greatest = sum_ranges(linear)
    if np.any(least <= -1 << 31) or np.any(greatest >= (1 << 31) - 1):
        raise node.error("has sums that do not fit 32 bits")
    target, ending = Target(node.outputs[0], 1.0, 0, 0, precision=SUMS), None
    if np.all(least >= -128) and np.all(greatest <= 127):
        # Times 1: sums of a byte are one, which needs no way of their own out of an accelerator.
        target = replace(target, precision=INT8)
        ending = requantisation(node, 1.0, target)
    return place_layer(linear, value, target, ending), finish_of(linear, value)


def linear_of(node: Node, value: Pending) -> Linear:
    """Return sums of products, which a mean over whole windows is too."""
    core = value.core
    if isinstance(core, Linear):
        return core
    if isinstance(core, Average) and not any(core.window.before + core.window.after):
        x = core.builder.integers_of(core.node, core.real)
        channels = x.shape[1]
        count = int(np.prod(core.window.kernel))
        ones = np.ones((*core.window.kernel, channels), np.int64)
        return Linear(core.builder, core.node, x, ones, np.full(channels, core.real.scale),
                      np.zeros(channels), core.shape, core.window, depthwise=True,
                      steps=(FloatStep("Div", (np.float32(count),)),))
    raise node.error("quantises to levels what is no product with weights nor a mean of whole "
                     "windows; we run a Quant after Conv, Gemm, MatMul and AveragePool")


def channels_of(linear: Linear) -> int:
    """Return the number of output channels."""
    return linear.weights.shape[-1 if linear.depthwise else 0]


def finish_of(linear: Linear, value: Pending) -> Finish:
    """Return what follows the sums, up to where they are quantised or put out."""
    scale = np.broadcast_to(linear.scale_of_sums, (channels_of(linear),))
    return Finish(single(scale), linear.steps, value.low, value.high, value.integers)


def sum_ranges(linear: Linear) -> tuple[Integers, Integers]:
    """Return the least and the greatest sum that each output channel can have."""
    tensor = linear.x.tensor
    # Taps outside the image add nothing, so 0 is always among what a tap can add.
    low = min(tensor.precision.low - tensor.zero_point, 0)
    high = max(tensor.precision.high - tensor.zero_point, 0)
    over: Sequence[int] = (0, 1) if linear.depthwise else range(1, linear.weights.ndim)
    up = np.maximum(linear.weights, 0).sum(axis=tuple(over))
    down = np.minimum(linear.weights, 0).sum(axis=tuple(over))
    return up * low + down * high, up * high + down * low


def place_layer(linear: Linear, value: Pending, target: Target, ending: Ending) -> Activation:
    """Make the layer, its weights as the file has them, and what moves its elements."""
    linear = linear.with_int8_parts()
    return value.move(linear.place(target, np.zeros(channels_of(linear), np.int32), ending))
