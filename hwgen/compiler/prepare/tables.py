"""Functions of one byte: which layers' bytes go through a table on their way to the memory."""

from dataclasses import replace

from ...arch.design import Design
from ...errors import UserError
from ...network import graph
from ...network.lookups import looked_up
from .bytewise import with_functions

__all__ = ["with_tables"]

WRITES_ONCE = (graph.Weighted | graph.Add | graph.AveragePool | graph.Lookup | graph.Maximum
               | graph.MaxPool | graph.Mean | graph.Requantise | graph.SquaredDifference
               | graph.Times)
"""Layers that write each byte of their output once, out of the lanes."""


def with_tables(network: graph.Network, design: Design) -> graph.Network:
    """Return the network as the lanes of a Design look up functions of one byte.

    They compute a LOGISTIC at the end, too, and what several layers make of one byte. A function of
    what nobody else reads is part of the layer before.
    """
    tables = [layer for layer in network.layers if isinstance(layer, graph.Lookup)]
    if not design.tables:
        if tables:
            raise UserError(f"layer {tables[0].name!r}: {tables[0].title} needs a Design with "
                            "tables = 1 or more, the part that looks up functions of one byte")
        return network
    network = with_functions(replace(network, layers=tuple(
        looked_up(layer, network.tensors[layer.inputs[0]])
        if isinstance(layer, graph.Logistic) else layer for layer in network.layers)))
    readers = [*network.outputs, *(name for layer in network.layers for name in layer.inputs)]
    layers: dict[str, graph.Layer] = {}
    for layer in network.layers:
        before = layers.get(layer.inputs[0])
        if isinstance(layer, graph.Lookup) and before and readers.count(before.output) == 1 \
                and may_look_up(network, before, layer):
            del layers[before.output]
            assert layer.table
            layer = replace(before, output=layer.output,
                            table=layer.table.after(before.table) if before.table else layer.table)
        layers[layer.output] = layer
    return replace(network, layers=tuple(layers.values()))


def may_look_up(network: graph.Network, layer: graph.Layer, lookup: graph.Lookup) -> bool:
    """Return whether the bytes of a layer can go through the table of the one behind."""
    precisions = {network.tensors[each.output].precision for each in (layer, lookup)}
    return isinstance(layer, WRITES_ONCE) and not layer.host and len(precisions) == 1
