"""Layers that need not run: padding that the convolutions after it do as well."""

import dataclasses

from ...network.graph import Convolution, Depthwise, Layer, Network, Pad

__all__ = ["simplify"]


def simplify(network: Network) -> Network:
    """Return the network without padding that only convolutions read.

    Padding with the zero point adds nothing to a sum, as does a tap outside the image.
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
        layers.append(layer)
    # Padding of padding is left alone: the inner one is read by the outer one.
    return dataclasses.replace(network, layers=tuple(layers))
