"""Which layers leave their output in the lanes, for the ADD behind them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ...arch.design import Design
from ...arch.joining import HALF, LARGEST_SHIFT, Scaling
from ...network.graph import Add, Layer, Network, Requantisation, Weighted
from ..sizes import ceil_div
from ..view import image_of
from .constants import Folding

__all__ = ["kept_tensors", "scaling_of"]


def kept_tensors(network: Network, folding: Folding, layers: Sequence[Layer],
                 design: Design) -> dict[str, Add]:
    """Return the tensors that are never stored, and which ADD reads each: the next layer.

    ``layers`` are those of the accelerator.
    """
    return {layer.output: following for layer, following in pairwise(layers)
            if isinstance(following, Add) and len(following.inputs) == 2
            and isinstance(layer, Weighted)
            and isinstance(layer.requantisation, Requantisation) and not layer.table
            and scaling_of(network, following, layer.output) is not None
            and is_read_once(network, layer.output)
            and vectors(network, folding, layer.output, design.columns) <= design.kept_vectors}


def is_read_once(network: Network, name: str) -> bool:
    """Return whether one layer reads a tensor, once, and nobody else."""
    return name not in network.outputs and \
        [*(read for layer in network.layers for read in layer.inputs)].count(name) == 1


def vectors(network: Network, folding: Folding, name: str, columns: int) -> int:
    """Return the vectors that a tensor takes at most, however a layer groups its pixels."""
    height, width, _ = image_of(network.tensors[name])
    return height * width * ceil_div(int(folding.stored[name].sum()), columns)


def scaling_of(network: Network, layer: Add, kept: str) -> Scaling | None:
    """Return how a step with ``joined`` scales one of its bytes; None where it cannot do an ADD.

    The other byte's multiplier must be a half, as that of the larger scale is.
    """
    half = [tuple(scaling) == HALF for scaling in layer.scalings]
    if not any(half) or np.any(layer.constant) or np.any(layer.requantisation.shift > 0):
        return None
    own = half.index(True) ^ 1
    (multiplier, shift), name = layer.scalings[own], layer.inputs[own]
    if not -LARGEST_SHIFT <= shift <= 0:
        return None
    return Scaling(multiplier, -shift, network.tensors[name].zero_point, name == kept)
