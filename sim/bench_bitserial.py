"""Bit-serial array: golden sums, at the cycles that were promised, for all pairs of formats."""

import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.design import Design
from hwgen.formats import Format, Kind

from . import PERIOD_NS
from .bit_tiles import BitWorkload, formats
from .regression import bit_serial
from .tiles import Played

WORK = BitWorkload(bit_serial(Design.load(Path(os.environ["DESIGN"]))))
ACTIVATIONS = formats((Kind.UNSIGNED, Kind.SIGNED))
WEIGHTS = formats(tuple(Kind))


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


async def play(dut, tiles, *, gap=0.0, outputs=None, ahead=0):
    """Offer the tiles on both streams, pausing at random, until all sums have come.

    So many words of weights come ``ahead`` of any activation.
    """
    offers = WORK.offers(tiles, gap)
    ports = {name: (getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready"),
                    getattr(dut, f"{name}__payload")) for name in offers}
    played = Played(offers["activations"].taken, offers["weights"].taken, [], [])
    outputs = len(WORK.intervals(tiles)) if outputs is None else outputs
    budget, cycle = WORK.budget(tiles), 0
    while len(played.sums) < outputs:
        for name, (valid, _, payload) in ports.items():
            waits = name == "activations" and len(played.weights) < ahead
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
    await check(dut, [WORK.tile(random.choice(ACTIVATIONS), random.choice(WEIGHTS),
                                random.randint(1, 12)) for _ in range(24)], gap=gap)


@cocotb.test()
@cocotb.parametrize(kind=list(Kind))
async def test_extremes(dut, kind):
    """All pairs of formats, each with all pairs of ends of their ranges."""
    await start(dut)
    tiles = [tile for a in ACTIVATIONS for w in formats((kind,)) for tile in WORK.extremes(a, w)]
    random.shuffle(tiles)
    await check(dut, tiles)


@cocotb.test()
async def test_interval(dut):
    """Each pair of 1 to 8 bits takes its product in cycles, and between tiles none is lost."""
    await start(dut)
    count, length = 3, 8 * WORK.dut.groups
    for a_bits in range(1, 9):
        for w_bits in range(1, 9):
            a, w = Format(a_bits), Format(w_bits)
            tiles = [WORK.tile(a, w, length) for _ in range(count)]
            played = await check(dut, tiles, ahead=w.words(WORK.dut.rows))
            taken = played.cycles[-1] - played.activations[0] + 1
            assert taken == count * length * a_bits * w_bits + WORK.dut.latency + 1


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    await start(dut)
    for outputs in (1, 5, 9):
        tiles = [WORK.tile(Format(3), random.choice(WEIGHTS), 6) for _ in range(3)]
        await play(dut, tiles, gap=0.1, outputs=outputs)
        await reset(dut)
        await check(dut, [WORK.tile(Format(2), Format(4), 3) for _ in range(2)])
        await reset(dut)
