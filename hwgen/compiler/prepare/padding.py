"""Layers that others compute: padding and sums over channels, which convolutions do as well."""

import dataclasses

import numpy as np

from ...network.graph import Convolution, Depthwise, Layer, Mean, Network, Pad, Window
from ..view import image_of

__all__ = ["simplify"]


def simplify(network: Network) -> Network:
    """Return the network without padding that only convolutions read, and means over channels.

    Padding with the zero point adds nothing to a sum, as does a tap outside the image. A mean over
    channels is a convolution by ones.
    """
    replaced: dict[str, Pad] = {}
    for layer in network.layers:
        readers = [other for other in network.layers if layer.output in other.inputs]
        if (isinstance(layer, Pad) and layer.output not in network.outputs
                and layer.value == network.tensors[layer.output].zero_point
                == network.tensors[layer.inputs[0]].zero_point
                and all(isinstance(reader, (Convolution, Depthwise)) for reader in readers)):
            replaced[layer.output] = layer
    layers: list[Layer] = []
    for layer in network.layers:
        if layer.output in replaced:
            continue
        if isinstance(layer, (Convolution, Depthwise)) and layer.inputs[0] in replaced:
            pad = replaced[layer.inputs[0]]
            before, after = layer.window.before, layer.window.after
            window = dataclasses.replace(
                layer.window, before=(before[0] + pad.before[0], before[1] + pad.before[1]),
                after=(after[0] + pad.after[0], after[1] + pad.after[1]))
            layer = dataclasses.replace(layer, inputs=pad.inputs, window=window)
        if isinstance(layer, Mean) and 3 in layer.axes:
            layer = product_of(layer, image_of(network.tensors[layer.inputs[0]]))
        layers.append(layer)
    # Padding of padding is left alone: the inner one is read by the outer one.
    return dataclasses.replace(network, layers=tuple(layers))


def product_of(layer: Mean, image: tuple[int, int, int]) -> Convolution:
    """Return the convolution that adds up all channels, of pixels that it adds up, too."""
    kernel = tuple(image[axis - 1] if axis in layer.axes else 1 for axis in (1, 2))
    return Convolution(name=layer.name, inputs=layer.inputs, output=layer.output,
                       weights=np.ones((1, *kernel, image[2]), np.int8),
                       bias=np.zeros(1, np.int32), window=Window((kernel[0], kernel[1])),
                       requantisation=layer.requantisation)
