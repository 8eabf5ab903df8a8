"""Cycles of the steps of a layer, for one Design or for many."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..cost.cycles import Count

__all__ = ["LayerCost", "least_cost", "where"]


@dataclass(frozen=True)
class LayerCost:
    """``cycles`` and number of ``steps``, and ``words`` of the program besides their descriptors.

    ``cost`` is the cycles by which the compiler compares: it takes parameters to be different from
    tile to tile, wherever there are several tiles.
    """

    cost: Count
    cycles: Count
    steps: Count
    words: Count


def least_cost(choices: Sequence[LayerCost]) -> LayerCost:
    """Return for each Design the first one of the least cost."""
    best, *others = choices
    for other in others:
        best = where(other.cost < best.cost, other, best)
    return best


def where(chosen: Count, one: LayerCost, other: LayerCost) -> LayerCost:
    """Return for each Design one of two."""
    return LayerCost(*(np.where(chosen, getattr(one, field.name), getattr(other, field.name))
                       for field in dataclasses.fields(LayerCost)))
