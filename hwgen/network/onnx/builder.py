"""Layers of a Network from what an ONNX graph computes, each with exact integers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...errors import UserError
from .. import graph
from ..precision import Precision
from ..scales import multiplier_and_shift
from .file import ELEMENTS, Node
from .narrow import narrow_tensors
from .values import Activation, Real, Target, channels_last

__all__ = ["NetworkBuilder", "grid", "is_step", "requantisation", "step"]

ONES = graph.Window((1, 1))


def grid(node: Node, scale: float) -> float:
    """Return a scale, checked."""
    if not (math.isfinite(scale) and scale > 0):
        raise node.error(f"has a scale of {scale}; a scale must be a positive finite number")
    return scale


def step(real: float, scale: float, zero: int) -> int:
    """Return the int8 nearest to a real number; half to even, as ONNX quantises."""
    if math.isinf(real):
        return -128 if real < 0 else 127
    # In float32, as ONNX divides. Beyond 1000 steps every zero point leaves it outside of int8.
    with np.errstate(all="ignore"):
        ratio = float(np.float32(real) / np.float32(scale))
    steps = round(min(max(ratio, -1000.0), 1000.0))
    return min(max(zero + steps, -128), 127)


def is_step(real: float, scale: float) -> bool:
    """Return whether a real number is a multiple of a scale, as far as float32 tells."""
    ratio = real / scale
    return math.isfinite(ratio) and abs(ratio - round(ratio)) < 1e-3


@dataclass(eq=False)
class NetworkBuilder:
    """The Network so far."""

    name: str
    tensors: dict[str, graph.Tensor] = field(default_factory=dict)
    layers: list[graph.Layer] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)

    def unique(self, name: str) -> str:
        """Return a name for a tensor that no other tensor has."""
        found = name
        while found in self.tensors:
            self.times[name] = self.times.get(name, 1) + 1
            found = f"{name}/{self.times[name]}"
        return found

    def tensor(self, node: Node, wanted: graph.Tensor) -> graph.Tensor:
        """Return a new tensor of the Network: the one that is wanted, under a name of its own."""
        if math.prod(wanted.shape) > ELEMENTS or min(wanted.shape) < 1:
            raise node.error(f"has an output of shape {list(wanted.shape)}, "
                             f"which must have from 1 to {ELEMENTS} elements")
        grid(node, wanted.scale)
        tensor = replace(wanted, name=self.unique(wanted.name))
        self.tensors[tensor.name] = tensor
        return tensor

    def layer(self, kind: type[graph.Layer], node: Node, inputs: Sequence[graph.Tensor],
              output: graph.Tensor, **fields: Any) -> graph.Tensor:
        """Append a layer, and return the :meth:`tensor` that it writes."""
        made = self.tensor(node, output)
        self.layers.append(kind(name=made.name, inputs=tuple(t.name for t in inputs),
                                output=made.name, **fields))
        return made

    def reshape(self, node: Node, tensor: graph.Tensor, shape: Sequence[int]) -> graph.Tensor:
        """Return the same bytes under another shape."""
        if tensor.shape == tuple(shape):
            return tensor
        return self.layer(graph.Reshape, node, [tensor], replace(
            tensor, name=f"{tensor.name}/reshaped", shape=tuple(shape)))

    def with_grid(self, node: Node, x: Activation, scale: float, zero: int) -> Activation:
        """Return the same bytes, which from here on stand for other numbers; it costs nothing."""
        tensor = x.tensor
        if (tensor.scale, tensor.zero_point) == (scale, zero):
            return x
        return replace(x, tensor=self.layer(graph.Reshape, node, [tensor], replace(
            tensor, name=f"{tensor.name}/read", scale=scale, zero_point=zero)))

    def image(self, node: Node, x: Activation) -> graph.Tensor:
        """Return a tensor of shape (1, height, width, channels)."""
        if len(x.shape) not in (3, 4):
            raise node.error(f"reads a tensor of {len(x.shape)} axes; the nearest that we run "
                             "reads images of 4 axes, or rows of 3")
        if x.shape[0] != 1:
            raise node.error(f"reads a batch of {x.shape[0]}; export the network for a batch of 1")
        if not x.is_image:
            raise node.error("reads a tensor whose elements a Reshape or a Transpose has moved; "
                             "we run those that leave them where they are")
        return self.reshape(node, x.tensor, x.image)

    def any_image(self, node: Node, x: Activation) -> graph.Tensor:
        """Return a tensor of 4 axes with the bytes of any tensor."""
        if x.is_image:
            return self.image(node, x)
        last = x.tensor.shape[-1]
        return self.reshape(node, x.tensor, (1, 1, x.tensor.size // last, last))

    def clamp(self, node: Node, x: Activation, name: str, low: int, high: int) -> Activation:
        """Return x with its values between low and high."""
        if low <= -128 and high >= 127:
            return x
        if low > high:
            raise node.error("clamps to an empty range")
        source = self.any_image(node, x)
        return replace(x, tensor=self.layer(graph.MaxPool, node, [source], replace(
            source, name=name), window=ONES, low=low, high=high))

    def integers_of(self, node: Node, real: Real, *, rounded: bool = False) -> Activation:
        """Return the integers of a dequantised tensor, clamped where it is.

        The limits must be steps of it, unless it is ``rounded`` to those next.
        """
        low, high = (step(limit, real.scale, real.x.tensor.zero_point)
                     for limit in (real.low, real.high))
        for limit, at in ((real.low, low), (real.high, high)):
            if -128 < at < 127 and not rounded and not is_step(limit, real.scale):
                raise node.error(f"reads numbers that a Clip limits to {limit:g}, which is no "
                                 f"multiple of their scale, {real.scale:.6g}; put a QuantizeLinear "
                                 "and a DequantizeLinear of that scale after the Clip")
        return self.clamp(node, real.x, f"{real.x.tensor.name}/clamped", low, high)

    def requantise(self, node: Node, real: Real, target: Target) -> Activation:
        """Return the tensor on another grid: a depthwise layer of single ones."""
        x = real.x
        source = self.any_image(node, x)
        channels = source.shape[-1]
        result = self.layer(
            graph.Depthwise, node, [source], target.tensor(source.shape),
            weights=np.ones((1, 1, channels), np.int8), bias=np.zeros(channels, np.int32),
            window=ONES, requantisation=requantisation(node, real.scale, target))
        return Activation(result, x.shape, x.order, target.offset)

    def on_grid(self, node: Node, real: Real, target: Target) -> Activation:
        """Return a dequantised tensor on the grid of a target, and clamped as that is."""
        x = real.x
        low, high = (step(limit, target.scale, target.zero) for limit in (real.low, real.high))
        low, high = max(low, target.low), min(high, target.high)
        if real.scale == target.scale and x.tensor.zero_point == target.zero:
            return self.clamp(node, x, f"{x.tensor.name}/clamped", low, high)
        own = replace(target, name=f"{target.name}/{x.tensor.name}", low=low, high=high)
        return self.requantise(node, Real(x, real.scale), own)

    def maximum(self, node: Node, x: Activation, name: str, window: graph.Window) -> Activation:
        """Return the greatest values under a window."""
        source = self.image(node, x)
        height, width = window.output(*source.shape[1:3])
        shape = (1, height, width, source.shape[3])
        result = self.layer(graph.MaxPool, node, [source], replace(source, name=name, shape=shape),
                            window=window)
        return image_of(result, len(x.shape), x.offset)

    def pad(self, node: Node, x: Activation, name: str, before: tuple[int, int],
            after: tuple[int, int], value: int) -> Activation:
        """Return an image with ``value`` around it."""
        source = self.image(node, x)
        height, width = (size + sum(around) for size, *around in
                         zip(source.shape[1:3], before, after, strict=True))
        precision = source.precision
        if not precision.low <= value <= precision.high or precision.kind == "bipolar":
            # Padding is nearly always 0, which bipolar values have none of.
            precision = Precision.over(min(precision.low, value), max(precision.high, value))
        padded = replace(source, name=name, shape=(1, height, width, source.shape[3]),
                         precision=precision)
        result = self.layer(graph.Pad, node, [source], padded, before=before, after=after,
                            value=value)
        return image_of(result, len(x.shape), x.offset)

    def network(self, inputs: Sequence[str], outputs: Sequence[str],
                rounding: str) -> graph.Network:
        """Return the Network, without the clamps that the layer before can do."""
        layers = fold_clamps(self.layers, set(outputs))
        used = {*inputs, *outputs, *(layer.output for layer in layers)}
        tensors = {name: tensor for name, tensor in self.tensors.items() if name in used}
        tensors = narrow_tensors(layers, tensors)
        return graph.Network(self.name, tensors, tuple(layers), tuple(inputs), tuple(outputs),
                             rounding)


def fold_clamps(layers: Sequence[graph.Layer], outputs: set[str]) -> list[graph.Layer]:
    """Return the layers with each clamp in the layer before it, where nothing else reads that."""
    readers: dict[str, int] = {}
    for layer in layers:
        for name in layer.inputs:
            readers[name] = readers.get(name, 0) + 1
    result: list[graph.Layer] = []
    by_output: dict[str, int] = {}
    for layer in layers:
        source = layer.inputs[0]
        if isinstance(layer, graph.MaxPool) and layer.window == ONES and source in by_output \
                and readers[source] == 1 and source not in outputs:
            index = by_output[source]
            tighter = with_clamp(result[index], layer)
            if tighter is not None:
                result[index] = tighter
                by_output[layer.output] = index
                continue
        by_output[layer.output] = len(result)
        result.append(layer)
    return result


def with_clamp(layer: graph.Layer, by: graph.MaxPool) -> graph.Layer | None:
    """Return a layer that clamps as ``by`` does after it; None where it cannot."""
    if isinstance(layer, graph.MaxPool | graph.AveragePool):
        low, high = max(layer.low, by.low), min(layer.high, by.high)
        if low <= high:
            return replace(layer, low=low, high=high, output=by.output)
    if isinstance(layer, graph.Weighted | graph.Add | graph.Mean | graph.Times):
        old = layer.requantisation
        if not isinstance(old, graph.Requantisation):
            return None
        low, high = max(old.low, by.low), min(old.high, by.high)
        if low <= high:
            return replace(layer, requantisation=replace(old, low=low, high=high),
                           output=by.output)
    return None


def image_of(tensor: graph.Tensor, axes: int, offset: int) -> Activation:
    """Return an image as the file sees it, with 3 or 4 axes and channels first."""
    _, height, width, channels = tensor.shape
    shape = (1, channels, width) if axes == 3 and height == 1 else (1, channels, height, width)
    return Activation(tensor, shape, channels_last(shape), offset)


def requantisation(node: Node, scale: ArrayLike, target: Target) -> graph.Requantisation:
    """Return how sums of a scale, or of one for each channel, become the target."""
    ratios = np.asarray(scale, np.float64) / grid(node, target.scale)
    try:
        multiplier, shift = multiplier_and_shift(ratios)
    except UserError as error:
        raise node.error(f"cannot be made integers: {error}") from error
    return graph.Requantisation(multiplier, shift, target.zero, target.low, target.high)
