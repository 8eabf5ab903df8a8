"""Systolic array of the Design in ``$DESIGN``: golden sums, at the cycles that were promised."""

import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.design import Design

from . import PERIOD_NS
from .tiles import Played, Workload

DESIGN = Design.load(Path(os.environ["DESIGN"]))
WORK = Workload(DESIGN)
ROWS = DESIGN.rows
STATIONARY = WORK.stationary


async def start(dut):
    """Start the clock, idle the streams, and reset."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.activations__valid.value = 0
    dut.weights__valid.value = 0
    await reset(dut)


async def reset(dut):
    """Hold reset for one cycle."""
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0


async def play(dut, tiles, *, gap=0.0, outputs=None, head_start=False):
    """Offer the tiles on both streams, pausing at random, until all sums have come.

    With ``head_start`` the first tile's weights come before any activation.
    """
    offers = WORK.offers(tiles, gap)
    ports = {name: (getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready"),
                    getattr(dut, f"{name}__payload")) for name in offers}
    played = Played(offers["activations"].taken, offers["weights"].taken, [], [])
    outputs = len(WORK.expected(tiles)) if outputs is None else outputs
    budget, cycle = WORK.budget(tiles), 0
    while len(played.sums) < outputs:
        for name, (valid, _, payload) in ports.items():
            waits = head_start and name == "activations" and len(played.weights) < ROWS
            word = None if waits else offers[name].offer()
            valid.value = word is not None
            if word is not None:
                payload.value = word
        await RisingEdge(dut.clk)
        for name, (_, ready, _) in ports.items():
            if offers[name].offered and ready.value:
                offers[name].take(cycle)
        if dut.o__valid.value:
            played.sums.append(WORK.sums(dut.o__payload.value.to_unsigned()))
            played.cycles.append(cycle)
        cycle += 1
        assert cycle < budget, f"{len(played.sums)} of {outputs} sums after {cycle} cycles"
    for valid, _, _ in ports.values():
        valid.value = 0
    return played


async def check(dut, tiles, **options):
    """Play the tiles and check what comes out."""
    played = await play(dut, tiles, **options)
    WORK.check(played, tiles)
    return played


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.2, 0.7])
async def test_random(dut, gap):
    await start(dut)
    tiles = [WORK.matrix_tile(random.randint(1, 2 * ROWS + 4)) for _ in range(8)]
    await check(dut, tiles, gap=gap)


@cocotb.test()
@cocotb.parametrize(activations=["low", "high"], weights=["low", "high"])
async def test_extremes(dut, activations, weights):
    """All-minimum and all-maximum data; sums of ``depth`` products do not overflow."""
    await start(dut)
    length = 2 * ROWS if STATIONARY else min(DESIGN.terms, 1200)
    tiles = [WORK.matrix_tile(length, activations, weights) for _ in range(2)]
    await check(dut, tiles)


@cocotb.test()
@cocotb.parametrize(beyond=[0, 1, 5])
async def test_interval(dut, beyond):
    """Tiles of at least ``rows`` vectors or steps follow one another without a lost cycle."""
    await start(dut)
    count, length = 5, ROWS + beyond
    tiles = [WORK.matrix_tile(length) for _ in range(count)]
    played = await check(dut, tiles, head_start=STATIONARY)
    taken = played.cycles[-1] - played.activations[0] + 1
    tail = 0 if STATIONARY else ROWS - 1  # the rows of the last tile drain behind its first
    assert taken == count * length + WORK.dut.latency + tail


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    await start(dut)
    tiles = [WORK.matrix_tile(2 * ROWS + 3) for _ in range(3)]
    every = len(WORK.expected(tiles))
    for outputs in sorted({1, every // 3, every // 2}):
        await play(dut, tiles, gap=0.1, outputs=outputs)
        await reset(dut)
        again = [WORK.matrix_tile(ROWS + 1) for _ in range(2)]
        await check(dut, again)
        await reset(dut)


@cocotb.test(skip=not DESIGN.lines)
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_depthwise(dut, gap):
    """Depthwise tiles, between matrix tiles, whose activations are the first pixels they find."""
    await start(dut)
    tiles = [WORK.matrix_tile(2), WORK.depthwise_tile(2 * ROWS + 5), WORK.matrix_tile(ROWS),
             WORK.depthwise_tile(ROWS), WORK.depthwise_tile(3), WORK.matrix_tile(2)]
    await check(dut, tiles, gap=gap)


@cocotb.test(skip=not DESIGN.lines)
@cocotb.parametrize(activations=["low", "high"], weights=["low", "high"])
async def test_depthwise_extremes(dut, activations, weights):
    await start(dut)
    tiles = [WORK.matrix_tile(1, activations), WORK.depthwise_tile(2 * ROWS, activations, weights)]
    await check(dut, tiles)
