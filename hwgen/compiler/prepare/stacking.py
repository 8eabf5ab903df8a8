"""Inputs whose rows are stored together, for a first layer whose rows of the kernel are short.

An array that has more rows than a row of the kernel has bytes would be busy in part. Where the host
stores for each row of the output all the rows of the input that it reads, next to one another, the
window is one run of bytes, and the kernel has one row.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...network.graph import Convolution, Network, Window
from ..program import Stack

__all__ = ["stack_inputs", "stack_values", "stackable"]

Arrays = Mapping[str, NDArray[np.int8]]


def stackable(network: Network) -> dict[str, Stack]:
    """Return how inputs may be stored that nothing but one convolution of several rows reads."""
    found = {}
    for layer in network.layers:
        name = layer.inputs[0]
        readers = [other for other in network.layers if name in other.inputs]
        if (network.host_inputs and name in network.inputs and name not in network.outputs
                and len(readers) == 1 and isinstance(layer, Convolution) and not layer.host
                and layer.window.kernel[0] > 1):
            window = layer.window
            found[name] = Stack(window.kernel[0], -window.before[0], window.stride[0],
                                window.dilation[0])
    return found


def stack_inputs(network: Network, stacks: Mapping[str, Stack]) -> Network:
    """Return the network that computes the same of inputs that are stored so."""
    tensors, layers = dict(network.tensors), []
    for layer in network.layers:
        if layer.inputs[0] in stacks:
            assert isinstance(layer, Convolution)
            tensor, window = tensors[layer.inputs[0]], layer.window
            _, height, width, channels = tensor.shape
            down, across = window.kernel
            tensors[tensor.name] = replace(tensor, shape=(
                1, window.output(height, width)[0], width, down * channels))
            layer = replace(
                layer, window=Window(*((1, pair[1]) for pair in (
                    window.kernel, window.stride, window.dilation)),
                    *((0, pair[1]) for pair in (window.before, window.after))),
                weights=np.moveaxis(layer.weights, 1, 2).reshape(
                    len(layer.weights), 1, across, down * channels))
        layers.append(layer)
    return replace(network, tensors=tensors, layers=tuple(layers))


def stack_values(network: Network, stacks: Mapping[str, Stack], x: Arrays) -> Arrays:
    """Return what :func:`stack_inputs` takes where the network takes ``x``."""
    stacked = stack_inputs(network, stacks)
    return dict(x) | {name: stack.apply(
        x[name].reshape(network.tensors[name].shape[1:]), stacked.tensors[name].shape[1],
        network.tensors[name].zero_point)[None] for name, stack in stacks.items()}
