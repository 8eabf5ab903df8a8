"""Play items to a component, and note in which cycles it takes them and gives their results."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.lib import wiring

import hwgen.rtl

from ..bench import simulate

__all__ = ["Case", "Played", "components", "play"]


def components():
    """Return all components of the hardware."""
    modules = [importlib.import_module(module.name)
               for module in pkgutil.walk_packages(hwgen.rtl.__path__, "hwgen.rtl.")]
    return {kind for module in modules for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, wiring.Component)
            and kind.__module__ == module.__name__}


ALONE = 2
"""Items that come long after the one before, and long before the next one."""
QUIET = 60
"""Cycles that are longer than any latency."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A component, and how to play items to it.

    Parameters
    ----------
    dut : Component
    drive : function of ctx and an item's number, or None
        Offers the item, or nothing, in this cycle.
    gives : function of ctx
        Whether a result is there in this cycle.
    takes : function of ctx
        Whether what is offered is taken in this cycle.
    before : coroutine function of ctx
        What comes ahead of the items.
    spacing : int
        Cycles from an item to the next one, where nothing else says that it must wait.
    results : int
        Results of an item, one a cycle.
    every : int
        Intervals from an item's results to those of the next one.
    beyond : int
        Cycles that come to the latency for these items, as its docstring says.
    """

    dut: Any
    drive: Callable[..., None]
    gives: Callable[..., Any]
    takes: Callable[..., Any] = lambda ctx: True
    before: Callable[..., Any] | None = None
    spacing: int = 1
    results: int = 1
    every: int = 1
    beyond: int = 0


@dataclass(frozen=True)
class Played:
    """The cycles in which items were taken, and in which their first results were there."""

    taken: list[int]
    given: list[int]

    @property
    def latencies(self):
        """Cycles from items to their first results, all different ones."""
        return {given - taken for taken, given in zip(self.taken, self.given, strict=True)}

    @property
    def intervals(self):
        """Cycles between first results, of items that did not come alone; all different ones."""
        dense = self.given[ALONE:]
        return {later - given for given, later in zip(dense, dense[1:], strict=False)}


def play(case, dense=6):
    """Play a few items alone, and then so many as densely as may be.

    Results that are more, or fewer, than there should be, or with gaps, fail here.
    """
    count = ALONE + dense
    taken, given = [], []

    async def testbench(ctx):
        if case.before:
            await case.before(ctx)
        cycle, quiet, following = 0, 0, 4
        while quiet < QUIET:
            due = len(taken) < count and cycle >= following
            case.drive(ctx, len(taken) if due else None)
            if due and case.takes(ctx):
                taken.append(cycle)
                following = cycle + (case.spacing if len(taken) > ALONE else QUIET)
            results = bool(case.gives(ctx))
            given.extend([cycle] * results)
            quiet = 0 if results or len(taken) < count else quiet + 1
            await ctx.tick()
            cycle += 1

    simulate(case.dut, testbench, budget=20_000)
    first = given[::case.results]
    assert given == [cycle + more for cycle in first for more in range(case.results)], case.dut
    assert len(first) == len(taken) == count, (case.dut, taken, given)
    return Played(taken, first)
