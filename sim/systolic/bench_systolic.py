"""Systolic array of the Design in ``$DESIGN``: golden sums, at the cycles that were promised."""

import os
import random
from pathlib import Path

import cocotb

from hwgen.arch.design import Design

from .tile_bench import TileBench
from .tiles import Workload

DESIGN = Design.load(Path(os.environ["DESIGN"]))
WORK = Workload(DESIGN)
ROWS = DESIGN.rows
STATIONARY = WORK.stationary


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.2, 0.7])
async def test_random(dut, gap):
    bench = await TileBench.set_up(dut, WORK)
    tiles = [WORK.matrix_tile(random.randint(1, 2 * ROWS + 4)) for _ in range(8)]
    await bench.check(tiles, gap=gap)


@cocotb.test()
@cocotb.parametrize(activations=["low", "high"], weights=["low", "high"])
async def test_extremes(dut, activations, weights):
    """All-minimum and all-maximum data; sums of ``depth`` products do not overflow."""
    bench = await TileBench.set_up(dut, WORK)
    length = 2 * ROWS if STATIONARY else min(DESIGN.terms, 1200)
    tiles = [WORK.matrix_tile(length, activations, weights) for _ in range(2)]
    await bench.check(tiles)


@cocotb.test()
@cocotb.parametrize(beyond=[0, 1, 5])
async def test_interval(dut, beyond):
    """Tiles of at least ``rows`` vectors or steps follow one another without a lost cycle."""
    bench = await TileBench.set_up(dut, WORK)
    count, length = 5, ROWS + beyond
    tiles = [WORK.matrix_tile(length) for _ in range(count)]
    played = await bench.check(tiles, ahead=ROWS if STATIONARY else 0)
    taken = played.cycles[-1] - played.activations[0] + 1
    tail = 0 if STATIONARY else ROWS - 1  # the rows of the last tile drain behind its first
    assert taken == count * length + WORK.dut.latency + tail


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    bench = await TileBench.set_up(dut, WORK)
    tiles = [WORK.matrix_tile(2 * ROWS + 3) for _ in range(3)]
    every = len(WORK.expected_sums(tiles))
    for outputs in sorted({1, every // 3, every // 2}):
        await bench.play(tiles, gap=0.1, outputs=outputs)
        await bench.reset()
        again = [WORK.matrix_tile(ROWS + 1) for _ in range(2)]
        await bench.check(again)
        await bench.reset()


@cocotb.test(skip=not DESIGN.lines)
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_depthwise(dut, gap):
    """Depthwise tiles, between matrix tiles, whose activations are the first pixels they find."""
    bench = await TileBench.set_up(dut, WORK)
    tiles = [WORK.matrix_tile(2), WORK.depthwise_tile(2 * ROWS + 5), WORK.matrix_tile(ROWS),
             WORK.depthwise_tile(ROWS), WORK.depthwise_tile(3), WORK.matrix_tile(2)]
    await bench.check(tiles, gap=gap)


@cocotb.test(skip=not DESIGN.lines)
@cocotb.parametrize(activations=["low", "high"], weights=["low", "high"])
async def test_depthwise_extremes(dut, activations, weights):
    bench = await TileBench.set_up(dut, WORK)
    tiles = [WORK.matrix_tile(1, activations), WORK.depthwise_tile(2 * ROWS, activations, weights)]
    await bench.check(tiles)
