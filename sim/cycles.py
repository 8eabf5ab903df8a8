"""Let many cycles pass at once: a bench that looks at each of them is as slow as Python."""

from cocotb.triggers import RisingEdge, Timer

from . import PERIOD_NS

__all__ = ["LONG", "hold", "pass_cycles", "turns"]

LONG = 200
"""Cycles that a bench does not look at one by one, where nothing changes and nothing can come."""


async def pass_cycles(dut, count, edge=RisingEdge):
    """Return at the edge of the clock that is ``count`` edges of its kind behind this one."""
    if count > 1:
        await Timer(count * PERIOD_NS - PERIOD_NS // 2, unit="ns")
    if count > 0:
        await edge(dut.clk)


async def hold(dut, tick, cycles, watched):
    """Let cycles pass, by ``tick`` or, behind the first ``watched`` of very many, at once.

    Return how many passed at once.
    """
    ticks = cycles if cycles < LONG else watched
    for _ in range(ticks):
        await tick()
    await pass_cycles(dut, cycles - ticks)
    return cycles - ticks


def turns(times):
    """Yield, of a piece that comes so many times: whether the first, the last, and how many."""
    if times == 1:
        yield True, True, 1
        return
    yield True, False, 1
    yield False, False, times - 2
    yield False, True, 1
