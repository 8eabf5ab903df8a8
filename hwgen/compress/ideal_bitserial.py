"""Cycles of layers on an engine that multiplies bit by bit, were its dot products always busy."""

from collections.abc import Callable

from ..network.graph import Network, Weighted

__all__ = ["bit_serial"]

Cost = Callable[[Network], dict[str, int]]
"""Cycles of the layers of a network, by the tensors that they write."""


def bit_serial(rows: int, columns: int, lanes: int) -> Cost:
    """Return the cost on ``rows`` times ``columns`` dot products of ``lanes`` bits.

    A row has an output pixel, a column an output channel; the taps of a sum are ``lanes`` at a
    time. Each pair of a bit of the weights and a bit of the inputs is a pass over all of that, and
    nothing else takes time: loading weights and writing outputs hide behind it, and layers without
    weights run beside it.
    """
    def cycles(network: Network, layer: Weighted) -> int:
        *_, height, width, channels = (1, *network.tensors[layer.output].shape)
        taps = layer.weights.size // channels
        tiles = -(-height * width // rows) * -(-channels // columns) * -(-taps // lanes)
        return (tiles * layer.weight_precision.bits
                * network.tensors[layer.inputs[0]].precision.bits)

    def cost(network: Network) -> dict[str, int]:
        return {layer.output: cycles(network, layer) for layer in network.layers
                if isinstance(layer, Weighted)}

    return cost
