"""What benches of units that take a piece of each vector every cycle share."""

import random

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.rtl.dot.pieces import Piece

from .. import PERIOD_NS
from ..cycles import hold, turns

__all__ = ["PieceBench", "lengths", "rng"]


def rng():
    """Return random numbers that the bench's seed decides."""
    return np.random.default_rng(random.getrandbits(32))


def lengths(unit, *wanted):
    """Return how many pieces vectors have: as many as wanted, where a unit takes so many."""
    return [min(pieces, unit.depth) for pieces in wanted]


class PieceBench:
    """Plays vectors, and compares every sum, its cycle, and that it stays.

    Parameters
    ----------
    dut
        The unit.
    unit
        Its component, for its latency.
    """

    def __init__(self, dut, unit):
        self.dut = dut
        self.unit = unit

    @classmethod
    async def set_up(cls, dut, unit):
        """Return a bench whose clock runs, behind a reset."""
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        dut.tag.value = 0
        bench = cls(dut, unit)
        await bench.reset()
        return bench

    async def reset(self):
        """Hold reset for one cycle."""
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def drive(self, ports):
        """Set ports, given as values by name."""
        for name, value in ports.items():
            getattr(self.dut, name).value = value

    async def check(self, work, *, gap=0.0, times=1):
        """Play vectors one after the other, each its pieces and its sum; return the cycles.

        Each piece comes so many ``times``, so that the sum is as many times as large.
        """
        dut, unit = self.dut, self.unit
        cycle, due, found, shown = 0, {}, {}, []

        async def tick():
            nonlocal cycle
            await RisingEdge(dut.clk)
            if dut.o_valid.value:
                found[cycle] = dut.o.value.to_signed()
            if found:
                shown.append(dut.o.value.to_signed() == list(found.values())[-1])
            cycle += 1

        for pieces, expected in work:
            for index, piece in enumerate(pieces):
                while gap and random.random() < gap:
                    dut.tag.value = random.getrandbits(2) & ~1  # nothing without `valid`
                    await tick()
                self.drive(piece)
                for _, last, cycles in turns(times):
                    dut.tag.value = Piece.const({
                        "valid": 1, "last": last and index == len(pieces) - 1}).as_bits()
                    passed = await hold(dut, tick, cycles, unit.latency + 2)
                    cycle += passed  # not at once: ticks count cycles, too
            dut.tag.value = 0
            due[cycle - 1 + unit.latency] = times * int(expected)
        for _ in range(unit.latency + 2):
            await tick()
        assert found == due
        assert all(shown)
        return cycle

    async def check_interval(self, work):
        """Vectors follow one another without a lost cycle, one for each of their pieces."""
        cycles = sum(len(pieces) for pieces, _ in work)
        assert await self.check(work) == cycles + self.unit.latency + 2

    async def check_reset(self, work):
        """A reset of one cycle leaves nothing behind of a sum that had begun."""
        self.drive(work[0][0][0])
        for last in (0, 0, 1):
            self.dut.tag.value = Piece.const({"valid": 1, "last": last}).as_bits()
            await RisingEdge(self.dut.clk)
        self.dut.tag.value = 0
        await RisingEdge(self.dut.clk)
        await self.reset()
        await self.check(work)
