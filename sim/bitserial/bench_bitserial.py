"""Bit-serial array: golden sums, at the cycles that were promised, for all pairs of formats."""

import random

import cocotb

from hwgen.arch.formats import Format, NumberKind

from ..systolic.tile_bench import TileBench
from ..units import unit_under_test
from .bit_tiles import BitWorkload, WindowWorkload, formats

UNIT = unit_under_test("bitserial")
WORK = BitWorkload(UNIT)
ACTIVATIONS = formats((NumberKind.UNSIGNED, NumberKind.SIGNED))
WEIGHTS = formats(tuple(NumberKind))


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.2, 0.7])
async def test_random(dut, gap):
    bench = await TileBench.set_up(dut, WORK)
    await bench.check([WORK.tile(random.choice(ACTIVATIONS), random.choice(WEIGHTS),
                                random.randint(1, 12)) for _ in range(24)], gap=gap)


@cocotb.test()
@cocotb.parametrize(kind=list(NumberKind))
async def test_extremes(dut, kind):
    """All pairs of formats, each with all pairs of ends of their ranges."""
    bench = await TileBench.set_up(dut, WORK)
    tiles = [tile for a in ACTIVATIONS for w in formats((kind,)) for tile in WORK.extremes(a, w)]
    random.shuffle(tiles)
    await bench.check(tiles)


@cocotb.test()
async def test_interval(dut):
    """Each pair of 1 to 8 bits takes its product in cycles, and between tiles none is lost."""
    bench = await TileBench.set_up(dut, WORK)
    count, length = 3, 8 * WORK.dut.groups
    for a_bits in range(1, 9):
        for w_bits in range(1, 9):
            a, w = Format(a_bits), Format(w_bits)
            tiles = [WORK.tile(a, w, length) for _ in range(count)]
            played = await bench.check(tiles, ahead=w.words(WORK.dut.rows))
            taken = played.cycles[-1] - played.activations[0] + 1
            assert taken == count * length * a_bits * w_bits + WORK.dut.latency + 1


@cocotb.test(skip=not UNIT.lines)
@cocotb.parametrize(gap=[0.0, 0.3])
async def test_windows(dut, gap):
    """Each column's own pixels, of any formats; some only prime the windows of others."""
    work = WindowWorkload(UNIT)
    bench = await TileBench.set_up(dut, work)
    await bench.check(work.tiles(12), gap=gap)


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    bench = await TileBench.set_up(dut, WORK)
    for outputs in (1, 5, 9):
        tiles = [WORK.tile(Format(3), random.choice(WEIGHTS), 6) for _ in range(3)]
        await bench.play(tiles, gap=0.1, outputs=outputs)
        await bench.reset()
        await bench.check([WORK.tile(Format(2), Format(4), 3) for _ in range(2)])
        await bench.reset()
