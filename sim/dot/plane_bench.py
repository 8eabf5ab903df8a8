"""What benches of units that take operands plane by plane share."""

import random

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.rtl.dot.serial_sum import Tag

from .. import PERIOD_NS
from ..cycles import hold, turns

__all__ = ["PlaneBench", "rng", "sample", "word"]


def rng():
    """Return random numbers that the bench's seed decides."""
    return np.random.default_rng(random.getrandbits(32))


def word(bits):
    """Return a plane as a number, lane 0 lowest."""
    return int.from_bytes(np.packbits(bits.astype(np.uint8), bitorder="little").tobytes(),
                          "little")


class PlaneBench:
    """Plays products, and compares every sum and its cycle.

    Parameters
    ----------
    dut
        The unit.
    unit
        Its component, for its latency and its tail.
    pairs : function of a product
        Gives its pairs of planes, in order.
    drive : function of product, pieces, piece and pair
        Puts a piece of the operands to the unit's inputs.
    expected : function of a product
        Gives its golden sum.
    """

    def __init__(self, dut, unit, pairs, drive, expected):
        self.dut = dut
        self.unit = unit
        self.pairs = pairs
        self.drive = drive
        self.expected = expected

    async def start(self):
        """Start the clock, and reset."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        self.dut.tag.value = 0
        await self.reset()

    async def reset(self):
        """Hold reset for one cycle."""
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def check(self, work, *, gap=0.0, pieces=1, times=1):
        """Play products one after the other; return how many cycles that took.

        Each piece comes so many ``times``, so that the sum is as many times as large.
        """
        dut, unit = self.dut, self.unit
        cycle, sums, shifts, found = 0, {}, {}, {}

        async def tick():
            nonlocal cycle
            await RisingEdge(dut.clk)
            if dut.o_valid.value:
                found[cycle] = dut.o.value.to_signed()
            cycle += 1

        for product in work:
            count = 0
            for pair in self.pairs(product):
                count += pair.shift
                for piece in range(pieces):
                    while gap and random.random() < gap:
                        dut.tag.value = random.getrandbits(5) & ~1  # nothing without `valid`
                        await tick()
                    self.drive(product, pieces, piece, pair)
                    for first, last, cycles in turns(times):
                        dut.tag.value = Tag.const({
                            "valid": 1, "first": pair.first and first and piece == 0,
                            "shift": pair.shift and first and piece == 0,
                            "negative": pair.negative,
                            "last": pair.last and last and piece == pieces - 1}).as_bits()
                        passed = await hold(dut, tick, cycles, unit.latency + 2)
                        cycle += passed  # not at once: ticks count cycles, too
            dut.tag.value = 0
            due = cycle - 1 + unit.latency
            sums[due], shifts[due] = times * int(self.expected(product)), count
        for _ in range(unit.latency + 2):
            await tick()
        assert list(found) == list(sums)
        assert {due: value >> (unit.tail - shifts[due]) for due, value in found.items()} == sums
        return cycle

    async def check_interval(self, work):
        """Products follow one another without a lost cycle, one for each of their planes."""
        cycles = sum(len(list(self.pairs(product))) for product in work)
        assert await self.check(work) == cycles + self.unit.latency + 2

    async def check_reset(self, work):
        """A reset of one cycle leaves no sum behind that would come out later."""
        pairs = list(self.pairs(work[0]))
        self.dut.tag.value = Tag.const({"valid": 1, "last": 1}).as_bits()
        for cycle in range(self.unit.latency + 1):
            self.drive(work[0], 1, 0, pairs[cycle % len(pairs)])
            await RisingEdge(self.dut.clk)
        self.dut.tag.value = 0
        await self.reset()
        for cycle in range(self.unit.latency + 2):  # what comes then has no tag
            self.drive(work[0], 1, 0, pairs[cycle % len(pairs)])
            await RisingEdge(self.dut.clk)
            assert self.dut.o.value.to_unsigned() == 0 and not self.dut.o_valid.value
        await self.check(work)


def sample(work):
    """Return every fourth product, with signs at random."""
    work = list(work)
    return [work[index + random.randrange(4)] for index in range(0, len(work), 4)]
