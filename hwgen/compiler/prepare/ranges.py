"""Which values the bytes of a tensor can have, so that they need no more planes than that.

What is known is what the hardware does: requantisation clamps, and the other layers pass on values
of their inputs, or means of them.
"""

from ...arch.formats import Format
from ...network.graph import Network, Pad, Softmax

__all__ = ["format_of", "range_of"]


def range_of(network: Network, name: str) -> tuple[int, int]:
    """Return the least and the greatest value of a tensor."""
    layer = next((layer for layer in network.layers if layer.output == name), None)
    if layer and layer.table:  # of any byte
        return int(layer.table.values.min()), int(layer.table.values.max())
    if layer is None or isinstance(layer, Softmax):
        precision = network.tensors[name].precision
        return precision.low, precision.high
    by = getattr(layer, "requantisation", None)
    if by is not None:
        return min(by.low, by.high), max(by.low, by.high)
    ends = [end for source in layer.inputs for end in range_of(network, source)]
    if isinstance(layer, Pad):
        ends.append(layer.value)
    return min(ends), max(ends)


def format_of(network: Network, name: str) -> Format:
    """Return the fewest bits for the bytes of a tensor, and for the zero point outside of it."""
    low, high = range_of(network, name)
    zero_point = network.tensors[name].zero_point
    return Format.over(min(low, zero_point), max(high, zero_point))
