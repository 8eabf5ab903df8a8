"""Moves of what is moved already: one move, which may be a view of the first input."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...network.graph import Layer, Move, Network, Reshape
from ..layers.moves import blocks

__all__ = ["join_moves"]


def join_moves(network: Network) -> Network:
    """Return the network with one move for two, where that is no more copies than the second.

    A new shape of what is moved is a move, too, where nothing else reads that.
    """
    read = [*network.outputs, *(name for layer in network.layers for name in layer.inputs)]
    moves: dict[str, Move] = {}
    layers: list[Layer] = []
    for layer in network.layers:
        before = moves.get(layer.inputs[0])
        if before is not None and isinstance(layer, Move):
            places = before.places[layer.places]
            if copies(places) <= copies(layer.places):
                layer = replace(layer, inputs=before.inputs, places=places)
        elif before is not None and isinstance(layer, Reshape) and \
                read.count(before.output) == 1:
            layer = Move(name=layer.name, inputs=before.inputs, output=layer.output,
                         places=before.places)
        if isinstance(layer, Move):
            moves[layer.output] = layer
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def copies(places: NDArray[np.int32]) -> float:
    """Return how many blocks are copied to move elements from such places."""
    try:
        return len([*blocks(places.astype(np.int64))])
    except UserError:  # more than can be
        return float("inf")
