"""Cycles of a layer on an engine that multiplies bit by bit, were its dot products always busy."""

from collections.abc import Callable

from ..network.graph import Network, Weighted

__all__ = ["bit_serial", "network_cycles"]

Cost = Callable[[Network, Weighted, int, int], int]
"""Cycles of a layer of a network, were its weights and its inputs of so many bits."""


def bit_serial(rows: int, columns: int, lanes: int) -> Cost:
    """Return the cost on ``rows`` times ``columns`` dot products of ``lanes`` bits.

    A row has an output pixel, a column an output channel; the taps of a sum are ``lanes`` at a
    time. Each pair of a bit of the weights and a bit of the inputs is a pass over all of that, and
    nothing else takes time: loading weights and writing outputs hide behind it.
    """
    def cost(network: Network, layer: Weighted, weights: int, inputs: int) -> int:
        *_, height, width, channels = (1, *network.tensors[layer.output].shape)
        taps = layer.weights.size // channels
        tiles = -(-height * width // rows) * -(-channels // columns) * -(-taps // lanes)
        return tiles * weights * inputs

    return cost


def network_cycles(network: Network, cost: Cost) -> int:
    """Return the cycles of all layers with weights, of the bits that they have."""
    return sum(cost(network, layer, layer.weight_precision.bits,
                    network.tensors[layer.inputs[0]].precision.bits)
               for layer in network.layers if isinstance(layer, Weighted))
