"""Vectors times matrices that come with them: golden sums, at the cycles that were promised."""

import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.golden.dot import wide as golden
from hwgen.rtl.dot.pieces import Piece

from .. import PERIOD_NS
from ..systolic.tiles import pack
from ..units import unit_under_test
from .piece_bench import rng

UNIT = unit_under_test("wide")
ROWS, COLUMNS = UNIT.rows, UNIT.columns
ENDS = np.array([-128, -127, -1, 0, 1, 127])


class WideBench:
    """Plays vectors, and compares all sums of each, and when they come."""

    def __init__(self, dut):
        self.dut = dut
        self.cycle, self.due, self.found = 0, {}, {}

    @classmethod
    async def set_up(cls, dut):
        """Return a bench whose clock runs, behind a reset."""
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        bench = cls(dut)
        await bench.reset()
        return bench

    async def reset(self):
        """Hold reset for one cycle, with nothing coming."""
        self.dut.tag.value = 0
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def tick(self):
        """Pass a cycle, and keep the sums that are there in it."""
        await RisingEdge(self.dut.clk)
        if self.dut.o_valid.value:
            word = self.dut.o.value.to_unsigned()
            parts = [word >> 32 * column & 0xFFFFFFFF for column in range(COLUMNS)]
            self.found[self.cycle] = [part - (part >> 31 << 32) for part in parts]
        self.cycle += 1

    async def offer(self, vector, weights, *, last):
        """Give a piece."""
        self.dut.a.value = pack(vector, 8)
        self.dut.weights.value = pack(np.ravel(weights), 8)
        self.dut.tag.value = Piece.const({"valid": 1, "last": last}).as_bits()
        await self.tick()

    async def play(self, work, *, gap=0.0):
        """Give vectors, each its (pieces, rows) numbers and (pieces, rows, columns) weights."""
        for a, w in work:
            for index, (vector, weights) in enumerate(zip(a, w, strict=True)):
                while gap and random.random() < gap:
                    self.dut.a.value = random.getrandbits(8 * ROWS)
                    self.dut.tag.value = random.getrandbits(2) & ~1  # nothing without `valid`
                    await self.tick()
                await self.offer(vector, weights, last=index == len(a) - 1)
            self.due[self.cycle - 1 + UNIT.latency] = golden.dot(a, w).tolist()

    async def check(self, work, *, gap=0.0):
        """Play vectors, and compare."""
        await self.play(work, gap=gap)
        await self.compare()

    async def compare(self):
        """Wait for what is under way, and compare."""
        self.dut.tag.value = 0
        for _ in range(UNIT.latency + 2):
            await self.tick()
        assert self.found == self.due
        self.due, self.found = {}, {}


def vector(draw, pieces, ends=False):
    """Return a vector and its weights, any or at the ends of their ranges."""
    shape = pieces, ROWS, COLUMNS
    if ends:
        return draw.choice(ENDS, shape[:2]), draw.choice(ENDS, shape)
    return draw.integers(-128, 128, shape[:2]), draw.integers(-128, 128, shape)


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_random(dut, gap):
    bench, draw = await WideBench.set_up(dut), rng()
    await bench.check([vector(draw, int(draw.choice([1, 1, 2, 3, 9])), ends) for _ in range(30)
                       for ends in (False, True)], gap=gap)


@cocotb.test()
async def test_extremes(dut):
    """All pairs of ends of the ranges, in all places at once."""
    bench = await WideBench.set_up(dut)
    await bench.check([(np.full((1, ROWS), a), np.full((1, ROWS, COLUMNS), w))
                       for a in ENDS for w in ENDS])


@cocotb.test()
async def test_places(dut):
    """Each weight alone: it is multiplied by the number of its row, and goes to its column."""
    bench, draw = await WideBench.set_up(dut), rng()
    work = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            a, w = draw.integers(1, 128, (1, ROWS)), np.zeros((1, ROWS, COLUMNS), int)
            w[0, row, column] = draw.choice([-128, -3, 1, 127])
            work.append((a, w))
    await bench.check(work)


@cocotb.test()
async def test_pairs(dut):
    """All numbers times all weights, each in the left one and the right one of two columns."""
    bench, cells = await WideBench.set_up(dut), ROWS * COLUMNS
    for first in (-128, -127):
        weights = (np.arange(-(-256 // cells) * cells) + first + 128) % 256 - 128
        for number in range(-128, 128):
            await bench.play([(np.full((1, ROWS), number), each[None])
                              for each in weights.reshape(-1, ROWS, COLUMNS)])
    await bench.compare()


@cocotb.test()
async def test_wraps(dut):
    """Sums of more than 31 bits."""
    bench = await WideBench.set_up(dut)
    a, w = np.full(ROWS, -128), np.full((ROWS, COLUMNS), -128)
    count = (1 << 31) // (ROWS << 14) + 3
    for index in range(count):
        if index in (0, count - 1):
            await bench.offer(a, w, last=index > 0)
        else:
            await bench.tick()
    total = count * (ROWS << 14)
    bench.due[bench.cycle - 1 + UNIT.latency] = [total - (1 << 32)] * COLUMNS
    await bench.compare()


@cocotb.test()
async def test_interval(dut):
    """Vectors of one piece: sums in every cycle."""
    bench, draw = await WideBench.set_up(dut), rng()
    await bench.play([vector(draw, 1) for _ in range(40)])
    assert bench.cycle == 40 * UNIT.interval
    await bench.compare()


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    bench, draw = await WideBench.set_up(dut), rng()
    for pause in range(UNIT.latency + 2):
        await bench.play([vector(draw, 2), vector(draw, 3)])
        await bench.offer(*(each[0] for each in vector(draw, 1)), last=False)
        bench.dut.tag.value = 0
        for _ in range(pause):
            await bench.tick()
        await bench.reset()
        bench.due, bench.found = {}, {}
        await bench.check([vector(draw, 1), vector(draw, 2)])
