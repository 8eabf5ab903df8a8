"""What ONNX operators compute, waiting for the scale of their output to become layers."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import graph
from ..requantisation import Ending
from .bias_steps import OFF, are_whole, closest, finest
from .builder import NetworkBuilder, grid, requantisation
from .file import ELEMENTS, Node
from .float_ops import FloatStep
from .values import Activation, Integers, Real, Target, channels_last

__all__ = ["Average", "Deferred", "Joined", "Linear"]


@dataclass(frozen=True, eq=False)
class Deferred:
    """What an operator computes, and where its layers go."""

    builder: NetworkBuilder
    node: Node


@dataclass(frozen=True, eq=False)
class Linear(Deferred):
    """Sums of products with constants: ``scale * sum (x - zero) * weights + bias``.

    ``scale`` and ``bias`` have one value for each output channel. Of a convolution (``window``) the
    weights are (output channels, kernel height, kernel width, input channels), of a depthwise one
    (kernel height, kernel width, output channels); else (output channels, columns), the columns in
    the file's order.
    """

    x: Activation
    weights: Integers
    scale: NDArray[np.float64]
    bias: NDArray[np.float64]
    shape: tuple[int, ...]
    window: graph.Window | None = None
    depthwise: bool = False
    steps: tuple[FloatStep, ...] = ()
    """What the file does to the sums, for those who need every rounding."""
    base: NDArray[np.float64] | None = None
    """The scale before the steps, where there are any."""

    @property
    def scale_of_sums(self) -> NDArray[np.float64]:
        """The scale of the sums themselves."""
        return self.scale if self.base is None else self.base

    def affine(self, gain: ArrayLike, bias: ArrayLike, steps: tuple[FloatStep, ...]) -> "Linear":
        """Return ``gain * this + bias``, which is what the steps compute."""
        gain, bias = np.asarray(gain, np.float64), np.asarray(bias, np.float64)
        return replace(self, scale=self.scale * gain, bias=self.bias * gain + bias,
                       steps=(*self.steps, *steps), base=self.scale_of_sums)

    def emit(self, target: Target) -> Activation:
        """Make the layer."""
        weights, scale, bias = self._fine_weights(target, *self._integers(target))
        fitting = replace(self, weights=weights, scale=scale, bias=bias * scale).with_int8_parts()
        by = requantisation(self.node, scale, target)
        if np.any(np.abs(bias) >= 2.0**31):
            raise self.node.error("has a bias that does not fit 32 bits at the scale of its "
                                  "products; give the weights of that channel a larger scale")
        return fitting.place(target, bias.astype(np.int32), by)

    def _fine_weights(self, target: Target, weights: Integers, scale: NDArray[np.float64],
                      bias: NDArray[np.float64]) -> tuple[Integers, NDArray[np.float64],
                                                          NDArray[np.float64]]:
        """Return weights and scale that have room for the bias, and whole numbers for that."""
        channels = -1 if self.depthwise else 0
        flat = np.moveaxis(weights, channels, 0).reshape(len(scale), -1)
        bias = np.where(flat.any(axis=1), bias, np.rint(bias))
        if are_whole(bias):
            return weights, scale, np.rint(bias)
        if self.depthwise and flat.shape[1] == 1:
            tensor, gain = self.x.tensor, flat[:, 0] * scale
            x = np.arange(tensor.precision.low, tensor.precision.high + 1) - tensor.zero_point
            some = np.flatnonzero(gain)
            chosen, bias[some] = finest(x, gain[some] / target.scale,
                                        (bias * scale)[some] / target.scale,
                                        (target.low - target.zero, target.high - target.zero))
            weights[..., some], scale[some] = np.sign(flat[some, 0]) * chosen, \
                np.abs(gain[some]) / chosen
            return weights, scale, bias
        times = closest(np.abs(flat).max(axis=1), scale / target.scale, bias)
        scale, bias = scale / times, bias * times
        if np.any(np.abs(bias - np.rint(bias)) * scale > 4 * OFF * target.scale):
            raise self.node.error("has a bias between two of its sums, which are too far apart for "
                                  "its output; give that a larger scale, or make the bias a "
                                  "multiple of the scales of input and weights")
        shape = [1] * weights.ndim
        shape[channels] = -1
        return weights * times.reshape(shape), scale, np.rint(bias)

    def with_int8_parts(self) -> "Linear":
        """Return the same with weights that can be split into parts of 8 bits."""
        if self.depthwise and len(split(self.weights)) > 1:
            weights = dense_kernel(self.node, self.weights, self.x.shape[1])
            return replace(self, weights=weights, depthwise=False)
        return self

    def place(self, target: Target, bias: NDArray[np.int32], ending: Ending) -> Activation:
        """Append the layer."""
        parts = np.stack(split(self.weights)).astype(np.int8)
        fields = {"bias": bias, "requantisation": ending}
        if self.window is None:
            return self._fully_connected(target, parts, fields)
        builder, node = self.builder, self.node
        source = self._repeat_channels(builder.image(node, self.x), len(parts))
        height, width = self.window.output(*source.shape[1:3])
        kind: type[graph.Layer] = graph.Depthwise if self.depthwise else graph.Convolution
        joined = parts[0] if self.depthwise else np.concatenate(parts, axis=-1)
        result = builder.layer(kind, node, [source], target.tensor((1, height, width, len(bias))),
                               weights=joined, window=self.window, **fields)
        # A row with a value for each channel is an image of one point.
        order = channels_last(self.shape) if len(self.shape) > 2 else np.arange(result.size)
        return Activation(result, self.shape, order, target.offset)

    def _integers(self, target: Target) -> tuple[Integers, NDArray[np.float64],
                                                 NDArray[np.float64]]:
        """Return weights, scale, and bias in steps of it, with every scale above 0."""
        weights, scale = self.weights, self.scale
        if not (np.all(np.isfinite(scale)) and np.all(np.isfinite(self.bias))):
            raise self.node.error("has a scale, a gain or a bias that is not finite")
        by_channel = (1, 1, -1) if self.depthwise else (-1, *(1,) * (weights.ndim - 1))
        weights = weights * np.sign(scale).astype(np.int64).reshape(by_channel)
        # A channel with a gain of 0 is its bias.
        scale = np.where(scale == 0, grid(self.node, target.scale), np.abs(scale))
        return weights, scale, self.bias / scale

    def _repeat_channels(self, source: graph.Tensor, times: int) -> graph.Tensor:
        """Return a tensor with its channels several times over, for weights of several parts."""
        if times == 1:
            return source
        *outer, channels = source.shape
        repeated = replace(source, name=f"{source.name}/repeated",
                           shape=(*outer, channels * times))
        return self.builder.layer(graph.Concatenate, self.node, [source] * times, repeated,
                                  axis=len(outer))

    def _fully_connected(self, target: Target, parts: NDArray[np.int8],
                         fields: dict[str, Any]) -> Activation:
        builder, node, columns = self.builder, self.node, self.weights.shape[1]
        by_row = self.x.order.reshape(-1, columns)
        rows = len(by_row)
        if not np.array_equal(by_row - by_row[:1], np.broadcast_to(
                np.arange(rows)[:, None] * columns, by_row.shape)):
            raise node.error("reads a tensor whose rows a Reshape or a Transpose has torn apart; "
                             "we run a Flatten of a single image before it")
        shape = (1, rows, columns) if rows > 1 else (1, columns)
        source = self._repeat_channels(builder.reshape(node, self.x.tensor, shape), len(parts))
        weights = np.concatenate([part[:, by_row[0]] for part in parts], axis=-1)
        result = builder.layer(
            graph.FullyConnected, node, [source], target.tensor((*shape[:-1], len(weights))),
            weights=weights, **fields)
        return Activation(result, self.shape, np.arange(math.prod(self.shape), dtype=np.int64),
                          target.offset)


def split(weights: Integers) -> list[Integers]:
    """Return arrays that fit int8 and whose sum is exactly the weights."""
    parts: list[Integers] = []
    while not parts or np.any(weights):
        parts.append(np.clip(weights, -128, 127))
        weights = weights - parts[-1]
    return parts


def dense_kernel(node: Node, weights: Integers, channels: int) -> Integers:
    """Return a depthwise kernel as that of a convolution, which is zero between channels."""
    height, width, outputs = weights.shape
    if weights.size * channels > ELEMENTS:
        raise node.error("has depthwise weights that, less their zero point, do not fit 8 bits, "
                         "and is too large to run as a convolution")
    result = np.zeros((outputs, height, width, channels), np.int64)
    output = np.arange(outputs)
    result[output, :, :, output // (outputs // channels)] = weights.transpose(2, 0, 1)
    return result


@dataclass(frozen=True, eq=False)
class Average(Deferred):
    """The mean over a window; ``everywhere`` where taps outside the image count as zeros."""

    real: Real
    window: graph.Window
    shape: tuple[int, ...]
    everywhere: bool = False

    def emit(self, target: Target) -> Activation:
        """Make a layer, the cheapest that is exact: which one depends on the scales."""
        builder, node, window = self.builder, self.node, self.window
        source = builder.image(node, builder.integers_of(node, self.real))
        size = window.output(*source.shape[1:3])
        output = target.tensor((1, *size, source.shape[3]))
        count = math.prod(window.kernel)
        inside = not any(window.before + window.after)
        same = self.real.scale == target.scale and source.zero_point == target.zero
        if same and (inside or not self.everywhere) and window.dilation == (1, 1):
            result = builder.layer(graph.AveragePool, node, [source], output, window=window,
                                   low=target.low, high=target.high)
        elif inside and window.kernel == source.shape[1:3]:
            result = builder.layer(
                graph.Mean, node, [source], output,
                requantisation=requantisation(node, self.real.scale / count, target))
        elif inside or self.everywhere:
            # A depthwise layer of ones has the one rounding that a division of the sum has.
            if count * source.shape[3] > ELEMENTS:
                raise node.error("has too large a window")
            result = builder.layer(
                graph.Depthwise, node, [source], output,
                weights=np.ones((*window.kernel, source.shape[3]), np.int8),
                bias=np.zeros(source.shape[3], np.int32), window=window,
                requantisation=requantisation(node, self.real.scale / count, target))
        else:
            return self._emit_in_two(source, target)
        return Activation(result, self.shape, channels_last(self.shape), target.offset)

    def _emit_in_two(self, source: graph.Tensor, target: Target) -> Activation:
        """Make a mean whose number of taps varies, then another grid: a rounding more."""
        if self.real.scale > target.scale:
            raise self.node.error("averages fewer taps at the edges and writes a finer scale than "
                                  "it reads; give its output the scale of its input")
        if self.window.dilation != (1, 1):
            raise self.node.error("has dilation and padding; we run an AveragePool with one")
        same = Target(f"{target.name}/mean", self.real.scale, source.zero_point,
                      self.real.x.offset)
        mean = replace(self, real=Real(self.real.x, self.real.scale)).emit(same)
        return self.builder.requantise(self.node, Real(mean, self.real.scale), target)


@dataclass(frozen=True, eq=False)
class Joined(Deferred):
    """Tensors one after the other along an axis of the file."""

    parts: tuple[Real, ...]
    axis: int
    shape: tuple[int, ...]

    def emit(self, target: Target) -> Activation:
        """Make the layer, and one for each part that has another scale."""
        builder, node = self.builder, self.node
        tensors = []
        orders = [part.x.order for part in self.parts]
        images = all(part.x.is_image for part in self.parts)
        plain = all(np.array_equal(order, np.arange(order.size)) for order in orders)
        vectors = len(self.shape) == 2 and self.shape[0] == 1
        if not (images or plain or vectors) or self.shape[0] != 1:
            raise node.error("joins tensors whose elements are in different orders; "
                             "we join images of a batch of 1 along one axis")
        for part in self.parts:
            x = builder.on_grid(node, part, target)
            shape = x.image if images else x.shape
            tensors.append(builder.reshape(node, x.tensor, shape))
        axis = self.axis
        if images:
            axis = (0, 3, 2)[axis] if len(self.shape) == 3 else (0, 3, 1, 2)[axis]
        shape = tuple(sum(t.shape[axis] for t in tensors) if a == axis else size
                      for a, size in enumerate(tensors[0].shape))
        result = builder.layer(graph.Concatenate, node, tensors, target.tensor(shape), axis=axis)
        if images:
            order = channels_last(self.shape)
        elif vectors:
            starts = np.cumsum([0, *(part.shape[1] for part in self.parts[:-1])])
            order = np.concatenate([o + s for o, s in zip(orders, starts, strict=True)])
        else:
            order = np.arange(math.prod(self.shape), dtype=np.int64)
        return Activation(result, self.shape, order, target.offset)
