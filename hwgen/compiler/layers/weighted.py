"""Convolutions, depthwise ones and fully connected layers: their integers for the stored channels.

The zero point of the input is not subtracted from each byte but, with the weights, from the bias.
"""

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cost.cycles import Count
from ...network.graph import Convolution, Depthwise, FullyConnected, Network, Weighted, Window
from ..distinct import as_int64, distinct_weights, select_places, sums_by_output
from ..lowering import Lowering
from ..prepare.constants import VARIES, Folding
from ..prepare.lanes import Lanes, lanes_of, sum_requantisation
from ..prepare.ranges import format_of
from ..sizes import Sizes
from ..view import View
from .depthwise import DepthwiseLayer
from .matrix import MatrixLayer
from .sparse import SparseLayer

__all__ = ["SumsLayer"]

Integers = NDArray[np.int64]


def folded_bias(network: Network, folding: Folding,
                layer: Convolution | FullyConnected, weights: NDArray[np.int8]) -> Integers:
    """Return the bias with what constant channels add that are not stored."""
    name = layer.inputs[0]
    constants, stored = folding.constants[name], folding.stored[name]
    absent = ~stored & (constants != VARIES)
    bias = layer.bias.astype(np.int64)
    if not absent.any():
        return bias
    values = np.where(absent, constants - network.tensors[name].zero_point, 0)
    return bias + weights.sum(axis=(1, 2), dtype=np.int64) @ values


def lanes_for(layer: Convolution | Depthwise | FullyConnected, weights: Integers, bias: Integers,
              kept: NDArray[np.bool_]) -> Lanes:
    """Return the lanes of the channels kept; weights have the channel first."""
    magnitudes = np.broadcast_to(np.abs(distinct_weights(weights)), weights.shape)
    largest = np.abs(bias) + 255 * sums_by_output(magnitudes)
    by = sum_requantisation(layer)
    multiplier, shift = (np.broadcast_to(np.asarray(values, np.int64), len(kept))[kept]
                         for values in (by.multiplier, by.shift))
    return lanes_of(replace(by, multiplier=multiplier, shift=shift), len(weights), largest)


class SumsLayer:
    """A layer that multiplies by weights: as a product, and if it is depthwise, on lines.

    Parameters
    ----------
    network, folding, layer
        What it computes, and of which channels.
    source, target : View
    """

    def __init__(self, network: Network, folding: Folding, layer: Weighted, source: View,
                 target: View) -> None:
        """Find the integers of the channels that are stored."""
        name = layer.inputs[0]
        zero_point = network.tensors[name].zero_point
        inputs, outputs = folding.stored[name], folding.stored[layer.output]
        window = Window((1, 1)) if isinstance(layer, FullyConnected) else layer.window
        if isinstance(layer, Depthwise):
            kernel = as_int64(select_places(layer.weights, outputs, 2)).transpose(2, 0, 1)
            bias = layer.bias.astype(np.int64)[outputs]
        else:
            whole = layer.weights
            if isinstance(layer, FullyConnected):
                whole = whole[:, None, None, :]
            bias = folded_bias(network, folding, layer, whole)[outputs]
            kernel = as_int64(select_places(select_places(whole, outputs, 0), inputs, 3))
        lanes = lanes_for(layer, kernel, bias, outputs)
        if lanes.left.any():
            kernel = kernel << lanes.left.reshape(-1, *[1] * (kernel.ndim - 1))
            bias = bias << lanes.left
        self.name = layer.name
        self._direct = (source, target, kernel, bias, window, lanes, zero_point)
        bias = bias - zero_point * sums_by_output(kernel)
        planes = format_of(network, name)
        self.by_channel: tuple[Any, ...] | None = None
        reads = None
        if isinstance(layer, Depthwise):
            multiple = len(outputs) // len(inputs)
            if multiple == 1:
                self.by_channel = (source, target, kernel.transpose(1, 2, 0), bias, window, lanes,
                                   zero_point, planes)
            reads = (np.cumsum(inputs) - 1)[np.flatnonzero(outputs) // multiple]
            kernel = kernel[..., None]
        self.product = MatrixLayer(source, target, kernel, bias, window, lanes, zero_point, planes,
                                   reads)

    @cached_property
    def sparse(self) -> SparseLayer | None:
        """The same on the sparse engine; None of a depthwise layer."""
        return SparseLayer(*self._direct) if self.product.reads is None else None

    def streaming_ways(self, sizes: Sizes) -> list[tuple[DepthwiseLayer, Count]]:
        """Return the ways to stream it by channels, and for which Designs each is possible."""
        if self.by_channel is None or not np.any(sizes.lines):
            return []
        return DepthwiseLayer.orientations(sizes, *self.by_channel)

    def emit(self, lowering: Lowering) -> None:
        """Emit the steps of the quickest way, or those for the sparse engine if that shall do."""
        if self.name in lowering.sparse:
            assert self.sparse
            self.sparse.emit(lowering, lowering.sparse[self.name])
            return
        possible = [layer for layer, suits in self.streaming_ways(lowering.sizes) if suits]
        best = self.product.best(lowering.sizes)
        quickest = min(possible, key=lambda layer: int(layer.cost), default=None)
        if quickest and quickest.cost <= best.cost:
            quickest.emit(lowering)
            lowering.taken = quickest.layer_cost(True)
        else:
            self.product.emit(lowering, best)
            lowering.taken = self.product.layer_cost(lowering.sizes)

