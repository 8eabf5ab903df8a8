"""Cycles of the steps of a layer, for one Design or for many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..cost.cycles import Count, StepCycles
from .following import Reads, Writes

__all__ = ["LayerCost", "combine", "least_cost", "where"]


@dataclass(frozen=True)
class LayerCost:
    """Cycles and number of ``steps``, and ``words`` of the program besides their descriptors.

    ``cost`` is the cycles by which the compiler compares: it takes parameters to be different from
    tile to tile, wherever there are several tiles. ``reads`` and ``writes`` are those of steps of
    weights.
    """

    cost: Count
    cycles: StepCycles
    steps: Count
    words: Count
    reads: Reads = field(default=Reads())
    writes: Writes = field(default=Writes())


def combine(function: Callable[..., Count], *costs: Any) -> Any:
    """Return what a function makes of each number that all the costs have, in a cost like them."""
    kind = type(costs[0])
    if kind not in (LayerCost, StepCycles, Reads, Writes):
        return function(*costs)
    parts = zip(*(vars(cost).values() for cost in costs), strict=True)
    return kind(*(combine(function, *each) for each in parts))


def least_cost(choices: Sequence[LayerCost]) -> LayerCost:
    """Return for each Design the first one of the least cost."""
    best, *others = choices
    for other in others:
        best = where(other.cost < best.cost, other, best)
    return best


def where(chosen: Count, one: LayerCost, other: LayerCost) -> LayerCost:
    """Return for each Design one of two."""
    found: LayerCost = combine(lambda *values: np.where(chosen, *values), one, other)
    return found
