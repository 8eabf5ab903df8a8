"""Lanes of the Design in ``$DESIGN``: golden bytes and sums, at the cycles that were promised."""

import random
from dataclasses import replace

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.golden.accelerator.post import Post as Golden
from hwgen.rtl.accelerator.post import Lane
from hwgen.rtl.accelerator.post import Post as Dut
from hwgen.rtl.step import Descriptor, Tag

from .. import PERIOD_NS
from ..systolic.tiles import pack
from ..units import unit_under_test
from .requantisation import Tile, carries
from .requantisation import tiles as random_tiles

UNIT = unit_under_test("post")
COLUMNS, LANES = UNIT.columns, UNIT.lanes
INTERVAL = -(-COLUMNS // LANES)
GOLDEN = Golden(UNIT.rounding)
EARLY = 3
"""Cycles that the early tag is ahead of the tag."""
QUIET = 2 * INTERVAL + 40
"""Cycles after which nothing can be under way any more."""
PATIENCE = 500 + 100 * COLUMNS
"""Cycles in which the parameters of a tile have come, and those before are done with."""


class Step:
    """What goes in, cycle by cycle, and what has to come out, by the cycle.

    Parameters
    ----------
    tiles : list of Tile
    gap : float
        How often nothing comes in a cycle.
    to_sums : bool
        Whether sums come out, and not bytes.
    passes : int
        Of a column tile; only the values of the last one come out.
    shared : bool
        Whether all tiles have the parameters of the first one, which come once.
    """

    def __init__(self, tiles, *, gap=0.0, to_sums=False, passes=1, shared=False):
        self.rng = np.random.default_rng(random.getrandbits(32))
        self.tiles = [replace(tile, by=tiles[0].by) for tile in tiles] if shared else tiles
        self.parameters = 1 if shared else len(tiles)
        self.gap = gap
        self.to_sums = to_sums
        self.passes = passes
        self.zero_point = int(self.rng.integers(-128, 128))
        self.low, self.high = sorted(self.rng.integers(-128, 128, 2).tolist()) \
            if self.rng.random() < 0.5 else (-128, 127)
        self.wide = [GOLDEN.wide(tile.sums, tile.by) for tile in self.tiles]

    @property
    def descriptor(self):
        """The descriptor, as far as the lanes read it."""
        return Descriptor.const({"to_sums": self.to_sums, "zero_point": self.zero_point,
                                 "low": self.low, "high": self.high}).as_bits()

    def vectors(self):
        """Yield the tile, the tag and the sums of each value, and None in a pause."""
        for index, tile in enumerate(self.tiles):
            for number in range(self.passes):
                last = number == self.passes - 1
                for place, vector in enumerate(tile.sums):
                    while self.rng.random() < self.gap:
                        yield None
                    end = place == len(tile.sums) - 1
                    tag = Tag.const({
                        "value": 1, "start": place == 0, "first": number == 0, "last": last,
                        "tile": number == 0 and place == 0, "row_end": end or place % 3 == 2,
                        "tile_end": last and end, "final": index == len(self.tiles) - 1})
                    yield index, tag, vector if last else self.rng.integers(-1 << 31, 1 << 31,
                                                                            COLUMNS)

    def outputs(self, cycle, tag, index, place):
        """Yield when what comes of a vector that came in the given cycle."""
        wide = self.wide[index][place]
        if self.to_sums:
            yield cycle + INTERVAL + Lane.wide_latency, (tag.tile_end and tag.final, wide.tolist())
            return
        narrow = GOLDEN.narrow(wide, self.zero_point, self.low, self.high)
        for group in range(INTERVAL):
            yield cycle + 1 + group + Lane.latency, (
                group, tag.as_bits(), narrow[group * LANES:(group + 1) * LANES].tolist())


class Bench:
    """The lanes, and what comes out of them: by the cycle."""

    def __init__(self, dut):
        self.dut = dut
        self.cycle = 0
        self.came, self.swaps = {}, 0
        self.ready = {}  # by the cycle in which the sums are due
        self.loading = None

    async def start(self):
        """Start the clock, and reset."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        await self.reset()

    async def reset(self):
        """Hold reset for one cycle, with nothing coming."""
        if self.loading is not None:
            self.loading.cancel()
        self.loading = None
        self.ready.clear()
        self.idle()
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def idle(self):
        """Let no value and no parameters come."""
        self.dut.tag.value = 0
        self.dut.tag_early.value = 0
        self.dut.word_valid.value = 0

    async def tick(self):
        """Let a cycle pass, and note what comes out in it."""
        dut = self.dut
        await RisingEdge(dut.clk)
        if dut.o_valid.value:
            word = dut.o.value.to_unsigned()
            self.came[self.cycle] = (int(dut.o_group.value), int(dut.o_tag.value),
                                     unpack_integers(word, LANES, 8))
        if dut.ready.value:
            self.ready[self.cycle + Dut.ahead] = bool(dut.ready_last.value)
        if self.cycle in self.ready:
            word = dut.ready_sums.value.to_unsigned()
            self.came[self.cycle] = self.ready.pop(self.cycle), unpack_integers(word, COLUMNS, 32)
        self.swaps += int(dut.swapped.value)
        self.cycle += 1

    async def load(self, tile, gap):
        """Write the parameters of a tile, once those before are in use."""
        for word in tile.by.to_words():
            while random.random() < gap:
                await RisingEdge(self.dut.clk)
            self.dut.word.value = pack(word, 8)
            self.dut.word_valid.value = 1
            await RisingEdge(self.dut.clk)
            self.dut.word_valid.value = 0

    async def play(self, step, until=None):
        """Let the values of a step come, and return what shall come of them, by the cycle."""
        dut, expected, busy = self.dut, {}, 0
        dut.descriptor.value = step.descriptor
        for _ in range(3):  # registers spread it
            await self.tick()
        loaded, places = 0, [0] * len(step.tiles)
        self.swaps, self.loading = 0, None
        coming = [None] * EARLY  # the values of the next cycles
        for value in [*step.vectors(), *[None] * QUIET]:
            if until is not None and len(expected) >= until:
                break
            latest = self.cycle + PATIENCE
            while True:
                assert self.cycle < latest, "parameters are not taken"
                # A value comes when its parameters have, and not before the lanes are free.
                wanted = value is not None and min(value[0], step.parameters - 1)
                ready = value is None or (self.cycle + EARLY >= busy and (
                    not value[1].tile or (loaded > wanted and self.loading.done())))
                if loaded < step.parameters and loaded == self.swaps:
                    self.loading = cocotb.start_soon(self.load(step.tiles[loaded], step.gap))
                    loaded += 1
                tag = value[1].as_bits() if value is not None and ready else 0
                dut.tag_early.value = tag
                now = coming.pop(0)
                dut.tag.value = 0 if now is None else now[1].as_bits()
                if now is not None:
                    dut.sums.value = pack(now[2], 32)
                    if now[1].last:
                        index = now[0]
                        expected |= step.outputs(self.cycle, now[1], index, places[index])
                        places[index] += 1
                coming.append(value if ready else None)
                if ready and value is not None and value[1].last:
                    busy = self.cycle + EARLY + INTERVAL
                await self.tick()
                if ready:
                    break
        self.idle()
        return expected

    async def check(self, step):
        """Play a step, and compare what comes out with what shall."""
        self.came.clear()
        expected = await self.play(step)
        assert self.swaps == step.parameters
        found = dict(self.came)
        if not step.to_sums:  # the lanes of columns that there are not may give anything
            found = {cycle: (group, tag, values[:COLUMNS - group * LANES])
                     for cycle, (group, tag, values) in found.items()}
        assert found == expected


def unpack_integers(word, count, width):
    """Take signed integers apart, the lowest first."""
    half = 1 << (width - 1)
    return [((word >> i * width) + half) % (2 * half) - half for i in range(count)]


def workload(count, longest):
    """Return random tiles."""
    return random_tiles(np.random.default_rng(random.getrandbits(32)), COLUMNS, count, longest)


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4], to_sums=[False, True], passes=[1, 3])
async def test_random(dut, gap, to_sums, passes):
    bench = Bench(dut)
    await bench.start()
    for _ in range(2):
        await bench.check(Step(workload(4, 10), gap=gap, to_sums=to_sums, passes=passes))


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_shared(dut, gap):
    """Tiles without parameters of their own keep those in use."""
    bench = Bench(dut)
    await bench.start()
    await bench.check(Step(workload(4, 10), gap=gap, shared=True))
    await bench.check(Step(workload(2, 10), gap=gap))


@cocotb.test()
async def test_many(dut):
    """Enough sums that every shift meets every kind of sum."""
    bench = Bench(dut)
    await bench.start()
    for _ in range(6):
        await bench.check(Step(workload(1, 120)))


@cocotb.test()
async def test_carries(dut):
    """Products in which each of the low bits decides what is rounded to."""
    bench = Bench(dut)
    await bench.start()
    rng = np.random.default_rng(random.getrandbits(32))
    await bench.check(Step([carries(rng, COLUMNS, 150) for _ in range(4)], to_sums=True))


@cocotb.test()
async def test_interval(dut):
    """A vector can follow every ``interval`` cycles, and bytes come in every cycle then."""
    bench = Bench(dut)
    await bench.start()
    tile, = workload(1, 1)
    step = Step([Tile(tile.by, np.repeat(tile.sums, 50, axis=0))])
    await bench.check(step)
    first = min(bench.came)
    assert sorted(bench.came) == list(range(first, first + 50 * INTERVAL))


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    bench = Bench(dut)
    await bench.start()
    for until in (1, 5, 20):
        await bench.play(Step(workload(3, 9), passes=2), until=until)
        await bench.reset()
        await bench.check(Step(workload(3, 5)))
