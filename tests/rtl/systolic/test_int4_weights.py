# amaranth: UnusedElaboratable=no
"""Weights of 4 bits in an array, two in each cell, among tiles with weights of 8 bits."""

import numpy as np
import pytest
from amaranth import *

from hwgen.rtl.systolic.systolic import Kind, OutputStationary, WeightStationary

from ...bench import simulate


def tile(rng, rows, columns, vectors, *, pairs, ends):
    """Return activations and bytes of weights, and the sums: those of low weights first."""
    a = rng.choice([-128, 127], (vectors, rows)) if ends else rng.integers(-128, 128,
                                                                           (vectors, rows))
    if not pairs:
        w = rng.choice([-128, 127], (rows, columns)) if ends else rng.integers(
            -128, 128, (rows, columns))
        return a, w & 255, a @ w, None
    low, high = rng.choice([-8, 7], (2, rows, columns)) if ends else rng.integers(
        -8, 8, (2, rows, columns))
    return a, (low & 15) | (high & 15) << 4, a @ low, a @ high


def run(dut, tiles, rng, gap):
    """Put tiles through an array; return their sums and the cycles from vectors to sums."""
    found, times, sent, clock = [], [], [], [0]

    async def count(ctx):
        while True:
            await ctx.tick()
            clock[0] += 1

    async def weights(ctx):
        for pairs, (_, words, *_) in tiles:
            for row in words[::-1]:
                while rng.random() < gap:
                    await ctx.tick()
                ctx.set(dut.weights.payload, [int(each) - 256 * (each > 127) for each in row])
                ctx.set(dut.pairs, pairs)
                ctx.set(dut.weights.valid, 1)
                await ctx.tick().until(dut.weights.ready)
                ctx.set(dut.weights.valid, 0)
                ctx.set(dut.pairs, int(rng.integers(2)))

    async def activations(ctx):
        for pairs, (vectors, *_) in tiles:
            for index, vector in enumerate(vectors):
                while rng.random() < gap:
                    await ctx.tick()
                ctx.set(dut.activations.p.vector, vector.tolist())
                ctx.set(dut.activations.p.last, index == len(vectors) - 1)
                ctx.set(dut.activations.p.pairs, pairs)
                if dut.lines:
                    ctx.set(dut.activations.p.kind, Kind.MATRIX)
                ctx.set(dut.activations.valid, 1)
                await ctx.tick().until(dut.activations.ready)
                sent.append(clock[0])
                ctx.set(dut.activations.valid, 0)
                ctx.set(dut.activations.p.pairs, int(rng.integers(2)))

    async def outputs(ctx):
        while len(found) < sum(len(each[0]) for _, each in tiles):
            _, _, valid, payload, high = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.o.high)
            if valid:
                found.append(([*payload], [*high]))
                times.append(clock[0])

    simulate(dut, weights, activations, outputs, budget=20000, background=(count,))
    return found, [(after - before) for before, after in zip(sent, times, strict=True)]


@pytest.mark.parametrize("rows, columns, lines", [
    (1, 1, 0), (4, 3, 2),
    *(pytest.param(*size, marks=pytest.mark.slow) for size in ((2, 3, 0), (5, 2, 0), (16, 2, 0)))])
def test_mixed_tiles(rows, columns, lines):
    rng = np.random.default_rng([rows, columns])
    dut = WeightStationary(rows, columns, signed(8), signed(8), depth=rows, lines=lines,
                           int4_weights=True)
    tiles = [(pairs, tile(rng, rows, columns, int(rng.integers(1, 9)), pairs=pairs, ends=ends))
             for pairs, ends in [(1, True), (0, True), (1, False), (1, False), (0, False),
                                 (0, False), (1, True), (0, True)]]
    for gap in (0.0, 0.5):
        found, times = run(dut, tiles, rng, gap)
        assert len(set(times)) == 1
        wanted = [(low, None if high is None else high[index])
                  for _, (_, _, lows, high) in tiles for index, low in enumerate(lows)]
        for (low, high), (wanted_low, wanted_high) in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(low, wanted_low)
            if wanted_high is not None:
                np.testing.assert_array_equal(high, wanted_high)


def test_latency_is_the_same():
    plain, pairs = (WeightStationary(5, 4, signed(8), signed(8), depth=5, int4_weights=each)
                    for each in (False, True))
    assert plain.latency == pairs.latency


@pytest.mark.parametrize("make", [
    lambda: WeightStationary(2, 2, signed(8), signed(8), depth=2, packed_rows=1,
                             int4_weights=True),
    lambda: WeightStationary(2, 2, signed(8), signed(4), depth=2, int4_weights=True),
    lambda: WeightStationary(2, 2, signed(8), signed(8), depth=2, int4_weights=True,
                             family="ice40"),
    lambda: OutputStationary(2, 2, signed(8), signed(8), depth=2, int4_weights=True),
])
def test_wrong(make):
    with pytest.raises(ValueError, match="Weights of 4 bits are for weights that stay"):
        make()
