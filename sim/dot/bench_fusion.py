"""Products of 2, 4 and 8 bits by 2-bit multipliers: golden sums, at the cycles promised."""

from itertools import product

import cocotb

from ..units import unit_under_test
from .piece_bench import PieceBench, lengths, rng
from .pieces import FusionWork, modes
from .planes import KINDS

UNIT = unit_under_test("fusion")
WORK = FusionWork(UNIT.groups)


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_random(dut, gap):
    """All modes, each other than the one before; vectors of one piece and of three."""
    bench, random = await PieceBench.set_up(dut, UNIT), rng()
    for pieces in lengths(UNIT, 1, 3):
        await bench.check([WORK.vector(random, mode, ("random", "random"), pieces)
                           for mode in random.permutation(modes())], gap=gap)


@cocotb.test()
async def test_extremes(dut):
    """All modes: all-minimum, all-maximum, mixed and random data on each side."""
    random = rng()
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check([WORK.vector(random, mode, kinds) for mode in modes()
                       for kinds in product(KINDS, repeat=2)])


@cocotb.test()
async def test_longest(dut):
    """The sum does not overflow in the longest vectors there may be."""
    random = rng()
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check([WORK.vector(random, mode, (kind, kind))
                       for mode in modes() for kind in ("low", "high")], times=UNIT.depth)


@cocotb.test()
async def test_exhaustive(dut):
    """All numbers of up to 4 by 4 bits, in every place."""
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check(WORK.exhaustive())


@cocotb.test()
async def test_interval(dut):
    random = rng()
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check_interval([WORK.vector(random, mode, ("random", "random"))
                                for mode in modes()])


@cocotb.test()
async def test_reset(dut):
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check_reset([WORK.vector(rng(), modes()[0], ("high", "high"))])
