"""Which channels of a tensor are constant, and which have to be stored.

A channel whose weights are all 0 has one value everywhere, known at compile time: the layers that
read it add its contribution to their bias, and neither its weights nor its bytes are stored. Nor
are those of a channel that no layer reads. But a tap outside the image counts as the zero point: a
constant that differs from it is stored if a padded window reads it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...golden.network.arithmetic import requantise, wrap
from ...golden.network.network import compute
from ...network import graph
from ..distinct import distinct_weights, select_places
from ..view import image_of
from .lanes import sum_requantisation

__all__ = ["VARIES", "Folding", "fold", "reaches_padding"]

VARIES = 999
"""In the place of a channel's constant: it has none."""

Constants = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Folding:
    """For every tensor, and each channel: its constant or VARIES, and whether it is stored."""

    constants: dict[str, Constants]
    stored: dict[str, Mask]


def reaches_padding(window: graph.Window, height: int, width: int) -> bool:
    """Return whether the window has a tap outside the image anywhere."""
    sizes = window.output(height, width)
    for axis, size in enumerate((height, width)):
        last = ((sizes[axis] - 1) * window.stride[axis] - window.before[axis]
                + (window.kernel[axis] - 1) * window.dilation[axis])
        if window.before[axis] > 0 or last >= size:
            return True
    return False


class Fold:
    """Finds the constants forwards, then what is read backwards, until nothing changes."""

    def __init__(self, network: graph.Network) -> None:
        self.network = network
        self.constants = {name: np.full(self.channels(name), VARIES, np.int64)
                          for name in (*network.inputs, *network.initial_state)}
        for layer in network.layers:
            self.constants[layer.output] = self.forward(layer)
        self.stored = {name: np.zeros(self.channels(name), bool) for name in self.constants}

    def channels(self, name: str) -> int:
        return image_of(self.network.tensors[name])[2]

    def foldable(self, layer: graph.Layer) -> Mask:
        """Return which channels of a convolution's input add a constant to its sums."""
        name = layer.inputs[0]
        constants = self.constants[name]
        known = constants != VARIES
        if isinstance(layer, (graph.Convolution, graph.Depthwise)):
            height, width, _ = image_of(self.network.tensors[name])
            if reaches_padding(layer.window, height, width):
                known &= constants == self.network.tensors[name].zero_point
        return known

    def forward(self, layer: graph.Layer) -> Constants:
        """Return the constants of a layer's output."""
        known = [self.constants[name] for name in layer.inputs]
        channels = self.channels(layer.output)
        nothing = np.full(channels, VARIES, np.int64)
        if layer.host:
            return nothing
        match layer:
            case _ if isinstance(layer, graph.Weighted) and self.all_vary(layer):
                return nothing
            case graph.Convolution() | graph.FullyConnected():
                weights = layer.weights.reshape(channels, -1, layer.weights.shape[-1])
                return self.of_sums(layer, weights.astype(np.int64).sum(axis=1),
                                    np.any(weights != 0, axis=1))
            case graph.Depthwise():
                multiple = layer.weights.shape[2] // len(known[0])
                taps = np.zeros((channels, len(known[0])), np.int64)
                live = np.zeros(taps.shape, bool)
                index = np.arange(channels)
                taps[index, index // multiple] = layer.weights.astype(np.int64).sum(axis=(0, 1))
                live[index, index // multiple] = np.any(layer.weights != 0, axis=(0, 1))
                return self.of_sums(layer, taps, live)
            case graph.Reshape():
                return np.tile(known[0], channels // len(known[0])) \
                    if channels % len(known[0]) == 0 else nothing
            case graph.Concatenate():
                if layer.axis % len(self.network.tensors[layer.output].shape) == \
                        len(self.network.tensors[layer.output].shape) - 1:
                    return np.concatenate(known)
                same = np.all([k == known[0] for k in known], axis=0)
                return np.where(same, known[0], VARIES)
            case graph.Pad():
                return np.where(known[0] == layer.value, known[0], VARIES)
            case graph.Elementwise() | graph.AveragePool() | graph.MaxPool() | graph.Mean():
                return self.by_golden(layer, known)
        return nothing

    def all_vary(self, layer: graph.Convolution | graph.Depthwise | graph.FullyConnected) -> bool:
        """Return whether each channel of the sums has a weight, and that of an input that varies.

        So it is with almost all layers, and there is no need to add up their weights.
        """
        if np.any(self.constants[layer.inputs[0]] != VARIES):
            return False
        few = distinct_weights(layer.weights) != 0
        axes = tuple(range(2)) if isinstance(layer, graph.Depthwise) else tuple(range(1, few.ndim))
        return bool(np.all(np.any(few, axis=axes)))

    def of_sums(self, layer: graph.Weighted, taps: Constants, live: Mask) -> Constants:
        """Return the constants of sums: ``taps`` and ``live`` are (outputs, inputs).

        The former is the sum of a channel's weights, the latter whether any of them is not 0.
        """
        foldable = self.foldable(layer)
        constant = ~np.any(live & ~foldable, axis=1)
        zero_point = self.network.tensors[layer.inputs[0]].zero_point
        values = np.where(foldable, self.constants[layer.inputs[0]] - zero_point, 0)
        sums = wrap(layer.bias.astype(np.int64) + taps @ values)
        results = requantise(sums, sum_requantisation(layer), self.network.rounding)
        if layer.table:
            results = layer.table.apply(results)
        return np.where(constant, results.astype(np.int64), VARIES)

    def by_golden(self, layer: graph.Layer, known: list[Constants]) -> Constants:
        """Return what the layer makes of images of constants."""
        images = []
        for name, constants in zip(layer.inputs, known, strict=True):
            image = np.where(constants == VARIES, 0, constants).astype(np.int8)
            images.append(np.broadcast_to(image, (1, *self.network.tensors[name].shape[1:])))
        result = compute(self.network, layer, images).reshape(-1, len(known[0]))[0].astype(np.int64)
        return np.where(np.any([k == VARIES for k in known], axis=0), VARIES, result)

    def backward(self) -> Folding:
        """Return what is stored, the least that every reader can do with."""
        network = self.network
        whole = {*network.inputs, *network.outputs, *network.initial_state}
        whole |= {state.next for state in network.states}
        whole |= {name for layer in network.layers if layer.host for name in layer.inputs}
        for name in whole:
            self.stored[name][:] = True
        before = -1
        while before != (before := sum(int(mask.sum()) for mask in self.stored.values())):
            for layer in reversed(network.layers):
                if not layer.host and self.stored[layer.output].any():
                    self.need(layer)
        return Folding(self.constants, self.stored)

    def need(self, layer: graph.Layer) -> None:
        """Store what a layer reads for what is stored of its output."""
        stored, name = self.stored, layer.inputs[0]
        match layer:
            case graph.Convolution() | graph.FullyConnected():
                weights = select_places(layer.weights, stored[layer.output], 0)
                some = distinct_weights(weights) != 0
                stored[name] |= (np.any(some, axis=tuple(range(some.ndim - 1)))
                                 & ~self.foldable(layer))
                # A step has to read something, even where only constants come out.
                stored[name][0] |= not stored[name].any()
            case graph.Depthwise():
                multiple = len(stored[layer.output]) // len(stored[name])
                stored[name] |= stored[layer.output].reshape(-1, multiple).any(axis=1)
                if multiple == 1:
                    stored[layer.output] |= stored[name]
            case graph.Reshape():
                self.tie_reshape(layer)
            case graph.Move() | graph.Softmax() | graph.Matmul() | graph.Lstm():
                for each in layer.inputs:
                    stored[each][:] = stored[layer.output][:] = True
            case graph.Concatenate():
                self.tie_concatenation(layer)
            case _:
                union = np.any([stored[n] for n in (*layer.inputs, layer.output)], axis=0)
                for n in (*layer.inputs, layer.output):
                    stored[n] |= union

    def tie_reshape(self, layer: graph.Reshape) -> None:
        inner, outer = self.stored[layer.inputs[0]], self.stored[layer.output]
        if len(outer) % len(inner):
            inner[:] = outer[:] = True
            return
        inner |= outer.reshape(-1, len(inner)).any(axis=0)
        outer |= np.tile(inner, len(outer) // len(inner))

    def tie_concatenation(self, layer: graph.Concatenate) -> None:
        axes = len(self.network.tensors[layer.output].shape)
        output = self.stored[layer.output]
        first = 0
        for name in layer.inputs:
            last = layer.axis % axes == axes - 1
            part = output[first:first + len(self.stored[name])] if last else output
            self.stored[name] |= part
            # There has to be something to concatenate, even where nobody reads it.
            self.stored[name][0] |= not self.stored[name].any()
            part |= self.stored[name]
            first += len(self.stored[name])


def fold(network: graph.Network) -> Folding:
    """Return the constants and what is stored."""
    return Fold(network).backward()
