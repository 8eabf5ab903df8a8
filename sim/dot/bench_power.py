"""Numbers times powers of two with a sign: golden sums, at the cycles promised."""


import cocotb

from ..units import unit_under_test
from .piece_bench import PieceBench, lengths, rng
from .pieces import power_work

UNIT = unit_under_test("power")
WORK = power_work(UNIT.lanes, UNIT.shape.width, UNIT.shape.signed, UNIT.exponent_bits)


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_random(dut, gap):
    bench, random = await PieceBench.set_up(dut, UNIT), rng()
    for pieces in lengths(UNIT, 1, 3):
        await bench.check([WORK.vector(random, "random", pieces=pieces) for _ in range(100)],
                          gap=gap)


@cocotb.test()
async def test_extremes(dut):
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check(WORK.extremes(rng()))


@cocotb.test()
async def test_longest(dut):
    """The sum does not overflow in the longest vectors there may be."""
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check(WORK.extremes(rng()), times=UNIT.depth)


@cocotb.test()
async def test_exhaustive(dut):
    """All numbers times all weights, in every lane."""
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check(WORK.exhaustive())


@cocotb.test()
async def test_interval(dut):
    random = rng()
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check_interval([
        WORK.vector(random, "random", pieces=pieces) for pieces in lengths(UNIT, 1, 1, 4, 1, 2)])


@cocotb.test()
async def test_reset(dut):
    bench = await PieceBench.set_up(dut, UNIT)
    await bench.check_reset([WORK.vector(rng(), "high", [1])])
