# amaranth: UnusedElaboratable=no
"""Softmax of rows: the shares of bytes alone, and whole networks on the Verilog of all engines."""

import numpy as np
import pytest
from amaranth import *

from hwgen.arch.steps import LONGEST_ROW
from hwgen.cost import softmax as cost
from hwgen.network.fixed_point import LARGEST, powers, shares
from hwgen.rtl.accelerator.shares import Shares, Turn

from ...bench import simulate
from ...cases import quick, some
from ...compiler.test_softmax import EXTREMES, chain, of_rows, single
from ...compiler_bench import design
from .both_ways import hold
from .every_part import COMPACT, FAST


def any_powers(kind):
    """Return powers of e, or any numbers in their places."""
    rng = np.random.default_rng(3)
    made = {"curve": powers(0.05), "flat": np.full(256, LARGEST), "steep": powers(9.0),
            "any": rng.integers(0, LARGEST + 1, 256)}[kind]
    return np.concatenate([[LARGEST], made[1:]])


def any_rows(rng):
    """Return rows of bytes, many of them short, one as long as there may be."""
    lengths = [1, 2, *rng.integers(1, 60, 5), 57, 300, LONGEST_ROW]
    return [rng.integers(low, 128, int(count)) for count in lengths
            for low in [int(rng.integers(-128, 128))]]


@pytest.mark.parametrize("hard", some([False, True], 1))
@pytest.mark.parametrize("kind", quick(["curve", "flat", "steep", "any"], "curve", "any"))
def test_rows(kind, hard):
    """Row behind row, each as soon as may be: the greatest byte of the next one in the gap."""
    dut, table = Shares(hard=hard), any_powers(kind)
    rows, found = any_rows(np.random.default_rng(5)), []

    async def read(ctx, row, turn):
        for index, byte in enumerate(row):
            ctx.set(dut.event, {"turn": turn, "first": index == 0, "last": index == len(row) - 1})
            ctx.set(dut.byte, int(byte))
            await ctx.tick()
        ctx.set(dut.event.turn, Turn.NONE)

    async def feed(ctx):
        for index, power in enumerate(table.tolist()):
            ctx.set(dut.index, index)
            ctx.set(dut.power, power if index else 0)
            ctx.set(dut.write, 1)
            await ctx.tick()
        ctx.set(dut.write, 0)
        await read(ctx, rows[0], Turn.GREATEST)
        for row, following in zip(rows, [*rows[1:], []], strict=True):
            await read(ctx, row, Turn.SUM)
            await read(ctx, following, Turn.GREATEST)
            for _ in range(dut.gap - len(following)):
                await ctx.tick()
            await read(ctx, row, Turn.SHARE)
        await ctx.tick().repeat(dut.latency)

    async def take(ctx):
        while len(found) < sum(map(len, rows)):
            if ctx.get(dut.valid):
                found.append(ctx.get(dut.share))
                assert ctx.get(dut.last) == (len(found) in ends)
            await ctx.tick()

    ends = np.cumsum([len(row) for row in rows]).tolist()
    simulate(dut, feed, take, budget=60_000)
    expected = np.concatenate([shares(table[row.max() - row]) for row in rows])
    np.testing.assert_array_equal(np.array(found, np.uint8).view(np.int8), expected)


def test_gap():
    """The cost model knows of the gap."""
    assert Shares.gap == cost.GAP


def test_reciprocals():
    """No product of Newton's method leaves its bits, at the ends of the sums and between."""
    rng = np.random.default_rng(1)
    sums = np.concatenate([(1 << 30) + np.arange(-2000, 2000), (1 << 31) - np.arange(1, 2000),
                           rng.integers(1 << 30, 1 << 31, 1 << 20)])
    normal = np.where(sums < 1 << 30, sums << 1, sums)

    def rounded(x, y):
        assert np.abs(x).max() < 1 << 31 and y.min() >= 0 and y.max() < 1 << 31
        return (x * y + (1 << 30)) >> 31

    y = 1515870810 + rounded(np.full_like(normal, -1010580540), normal)
    for _ in range(3):
        y = y + (rounded((1 << 29) - rounded(normal, y), y) << 2)
    assert y.min() >= 0 and y.max() < 1 << 31


DESIGNS = {
    "every part": FAST,
    "every part, compact": COMPACT,
    "systolic": design(4, 4, 1, lanes=4),
    "odd": design(5, 7, 1, lanes=3, tables=2, kept_vectors=200),
    "wide": design(4, 6, lanes=3, wide_rows=16, program_memory=96 << 14),
    "sparse": design(4, 4, lanes=2, engine="sparse", sparse_entries=64, sparse_columns=32,
                     sparse_depth=2),
    "unpack": design(16, 16, lanes=5, decompress=True),
    "bitserial": design(5, 7, 2, lanes=3, engine="bitserial"),
    "compact": design(4, 5, 1, lanes=1, compact=True),
    "compact bitserial": design(8, 4, lanes=1, compact=True, engine="bitserial"),
}


def check(name, found):
    """Hold values and cycles of networks on a Design."""
    hold(DESIGNS[name].replace(softmax=True), found)


@pytest.mark.parametrize("seeds", some([range(3), range(3, 6)], 1))
@pytest.mark.parametrize("name", quick(DESIGNS, "every part"))
def test_on_hardware(name, seeds):
    """Rows of one byte and of thousands, at extreme scales, alone and between other layers."""
    check(name, [*(of_rows(*each) for each in EXTREMES), *map(single, seeds),
                 *map(chain, seeds)])


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_much_on_hardware(name):
    check(name, [*(of_rows(*each) for each in EXTREMES), *map(single, range(10, 60)),
                 *map(chain, range(10, 40))])
