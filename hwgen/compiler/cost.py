"""Cycles of the steps of a layer, for one Design or for many."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ..cost.cycles import Count, StepCycles

__all__ = ["LayerCost", "least_cost", "where"]


@dataclass(frozen=True)
class LayerCost:
    """Cycles and number of ``steps``, and ``words`` of the program besides their descriptors.

    ``cost`` is the cycles by which the compiler compares: it takes parameters to be different from
    tile to tile, wherever there are several tiles. ``head``, ``body`` and ``tail`` are those of
    :attr:`cycles`.
    """

    cost: Count
    head: Count
    body: Count
    tail: Count
    steps: Count
    words: Count

    @classmethod
    def of(cls, cost: Count, cycles: StepCycles, steps: Count, words: Count) -> Self:
        """Return the cost of steps that take such cycles."""
        return cls(cost, cycles.head, cycles.body, cycles.tail, steps, words)

    @property
    def cycles(self) -> StepCycles:
        """What the steps take."""
        return StepCycles(self.head, self.body, self.tail)


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
