"""Moves of what is moved already: one move, which may be a view of the first input."""

from dataclasses import replace

from ...network.graph import Layer, Move, Network, Reshape

__all__ = ["join_moves"]


def join_moves(network: Network) -> Network:
    """Return the network in which no move, and no new shape, is of what another move gives."""
    moves: dict[str, Move] = {}
    layers: list[Layer] = []
    for layer in network.layers:
        before = moves.get(layer.inputs[0])
        if before is not None and isinstance(layer, Move):
            layer = replace(layer, inputs=before.inputs, places=before.places[layer.places])
        elif before is not None and isinstance(layer, Reshape):
            layer = Move(name=layer.name, inputs=before.inputs, output=layer.output,
                         places=before.places)
        if isinstance(layer, Move):
            moves[layer.output] = layer
        layers.append(layer)
    return replace(network, layers=tuple(layers))
