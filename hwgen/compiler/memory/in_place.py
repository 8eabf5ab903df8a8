"""A memory plan for little memory: outputs lie over inputs, and layers are cut into more steps.

Where a layer is the last one to read its input, its output may be written over it, as far behind
what is still to be read as the largest step needs: the smaller the steps, the nearer. Each has a
few cycles of its own, so layers are cut no more than they must be. A layer can begin at either end
of its image, so that one moves down in memory and the next one up again.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ...arch.design import Design
from ..lowering import PlacedStep
from ..sizes import Cut
from .addresses import Life, apart, arrange
from .lifetimes import BufferLayout
from .overlap import ALIGNMENT, Overlap, overlap

__all__ = ["TightPlan"]

PARTS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64)
"""Into how many steps a layer may be cut."""
TRIES = 64
"""How often layers are cut some more, before as little memory is aimed at as can be."""
ORDERS = 16
"""Orders in which buffers are placed each time."""
GRAIN = 128
"""The last try aims at a little more each time, by so small a part of it."""

Pair = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Variant:
    """One way to cut a layer, and the memory that is needed while it runs, at least.

    ``overlaps`` has for each pair of input and output how they may overlap, from either end.
    """

    parts: int
    needed: int
    overlaps: dict[Pair, tuple[Overlap, ...]]


class TightPlan:
    """Cuts and addresses of one network.

    Parameters
    ----------
    layout : BufferLayout
    lives : list of Life
    design : Design
    lower
        Returns the steps of a layer, by its number, cut in some way.
    """

    def __init__(self, layout: BufferLayout, lives: list[Life], design: Design,
                 lower: Callable[[int, Cut], list[PlacedStep]]) -> None:
        """Find the outputs that may lie over an input."""
        self.layout, self.lives, self.design, self.lower = layout, lives, design, lower
        self.sizes = {life.name: life.size for life in lives}
        self.pairs: dict[int, list[Pair]] = {}
        for a in lives:
            for b in lives:
                if a.begin < a.end == b.begin:
                    self.pairs.setdefault(b.begin, []).append((a.name, b.name))
        self.variant = cache(self.cut)

    def plan(self, memory: int) -> tuple[dict[int, Cut], dict[str, int], int]:
        """Return how layers are cut, the address of every buffer, and the bytes that it takes.

        If these are more than ``memory``, no fewer are known to do.
        """
        level = memory
        for _ in range(TRIES):
            chosen = self.choose(level)
            if any(variant.needed > memory for variant in chosen.values()):
                break
            addresses, needed = self.arrange(chosen, memory)
            if needed <= memory:
                return self.cuts(chosen, addresses), addresses, needed
            # Addresses leave gaps: the layer that needs the most shall need less.
            level = max((variant.needed for index, variant in chosen.items()
                         if self.best(index, variant.needed - 1).needed < variant.needed),
                        default=0) - 1
            if level < 0:
                break
        return self.least()

    def least(self) -> tuple[dict[int, Cut], dict[str, int], int]:
        """Return the plan that takes the least memory."""
        chosen = self.choose(0)
        aim = max((chosen[index].needed if index in chosen else self.together(index)
                   for index in range(len(self.layout.layers))), default=0)
        while True:
            addresses, needed = self.arrange(chosen, aim)
            if needed <= aim:
                return self.cuts(chosen, addresses), addresses, needed
            aim = min(aim + max(aim // GRAIN, ALIGNMENT), needed)

    def choose(self, level: int) -> dict[int, Variant]:
        """Return the fewest cuts that need no more than ``level``, or what needs the least."""
        return {index: self.best(index, level) for index in self.pairs}

    def best(self, index: int, level: int) -> Variant:
        """Return the way to cut one layer.

        The smaller its steps, the less memory it needs, mostly; what works in place is best left
        whole.
        """
        target = self.layout.views[self.layout.layers[index].output]
        parts = [count for count in PARTS if count <= target.height * target.width]
        tried = [self.variant(index, parts[0])]

        def fits(count: int) -> bool:
            tried.append(self.variant(index, count))
            return tried[-1].needed <= level

        if tried[0].needed > level:
            bisect_left(parts, True, key=fits)
        return min(tried, key=lambda variant: (max(variant.needed, level), variant.parts))

    def cut(self, index: int, parts: int) -> Variant:
        """Return what comes of cutting a layer into so many parts."""
        pairs = self.pairs[index]
        layer = self.layout.layers[index]
        target = self.layout.views[layer.output]
        orders = [self.lower(index, Cut(parts))]
        if len(orders[0]) > 1 and len(pairs) == 1:
            orders.append(self.lower(index, Cut(parts, backwards=True)))
        overlaps = {}
        needed = together = self.together(index)
        for a, b in pairs:
            sources = [self.layout.views[name] for name in layer.inputs]
            same = all(view.pitch == target.pitch for view in sources if view.buffer == a)
            pitch = target.pitch if same else 0
            found = tuple(overlap(placed, a, b, self.sizes, self.design.columns, pitch)
                          for placed in orders)
            overlaps[a, b] = found
            for distance in (edge for each in found for edge in each.nearest):
                extent = max(self.sizes[a], distance + self.sizes[b]) - min(distance, 0)
                needed = min(needed, together - self.sizes[a] - self.sizes[b] + extent)
        return Variant(parts, needed, overlaps)

    def together(self, index: int) -> int:
        """Return the bytes of all buffers that live in a layer."""
        return sum(life.size for life in self.lives if life.begin <= index <= life.end)

    def arrange(self, chosen: dict[int, Variant], memory: int) -> tuple[dict[str, int], int]:
        """Return addresses, and the bytes that they need: no more than ``memory``, if it can."""
        overlaps = {pair: found for variant in chosen.values()
                    for pair, found in variant.overlaps.items()}
        return arrange(self.lives, overlaps, memory, ORDERS)

    def cuts(self, chosen: dict[int, Variant], addresses: dict[str, int]) -> dict[int, Cut]:
        """Return the cut of every layer, from the end that the addresses ask for."""
        lives = {life.name: life for life in self.lives}
        cuts = {}
        for index, variant in chosen.items():
            forwards = all(
                apart(lives[a], addresses[a], lives[b], addresses[b], {(a, b): found[:1]})
                for (a, b), found in variant.overlaps.items())
            cuts[index] = Cut(variant.parts, not forwards)
        return cuts
