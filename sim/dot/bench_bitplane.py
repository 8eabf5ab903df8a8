"""Dot products by bit planes: golden sums, at the cycles promised, whatever the pauses."""

import random

import cocotb

from hwgen.golden.dot import bitplane as golden

from ..units import unit_under_test
from .piece_bench import lengths
from .plane_bench import PlaneBench, rng, sample, word
from .planes import exhaustive, products

UNIT = unit_under_test("bitplane")
MODEL = golden.BitPlane(UNIT.gate)
PRECISIONS = range(1, UNIT.precision + 1)
UNIT_OF_SUMS = 2 if UNIT.gate == "xnor" else 1
"""With xnor half of each sum comes out: all of them are even."""


async def start(dut):
    """Return the unit's bench, with its clock running."""
    def drive(product, pieces, piece, pair):
        for port, values, plane in ((dut.a, product.a, pair.a), (dut.b, product.b, pair.b)):
            port.value = word(values.reshape(pieces, -1)[piece] >> plane & 1)

    def expected(product):
        return MODEL.dot(product.a, product.b, **product.formats) // UNIT_OF_SUMS

    bench = PlaneBench(dut, UNIT, lambda product: golden.order(**product.formats), drive, expected)
    await bench.start()
    return bench


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_random(dut, gap):
    bench = await start(dut)
    for pieces in lengths(UNIT, 1, 3):
        work = list(products(rng(), pieces * UNIT.lanes, PRECISIONS, ["random"]))
        await bench.check(random.sample(work, min(40, len(work))), gap=gap, pieces=pieces)


@cocotb.test()
@cocotb.parametrize(kind=["low", "high"])
async def test_extremes(dut, kind):
    """All pairs of precisions, 1 to 16, signed and unsigned: all-minimum, all-maximum data."""
    await (await start(dut)).check(products(rng(), UNIT.lanes, PRECISIONS, [kind]))


@cocotb.test()
@cocotb.parametrize(kind=["mixed", "random"])
async def test_all_precisions(dut, kind):
    await (await start(dut)).check(sample(products(rng(), UNIT.lanes, PRECISIONS, [kind])))


@cocotb.test()
@cocotb.parametrize(kind=["low", "high"])
async def test_longest(dut, kind):
    """The sum does not overflow in the longest vectors there may be."""
    work = list(products(rng(), UNIT.lanes, precisions=[UNIT.precision], kinds=[kind]))
    await (await start(dut)).check(work, times=UNIT.depth)


@cocotb.test()
async def test_exhaustive(dut):
    """All numbers of up to 4 by 4 bits."""
    await (await start(dut)).check(exhaustive(rng(), UNIT.lanes, (min(4, UNIT.precision),) * 2))


@cocotb.test()
async def test_interval(dut):
    work = [next(products(rng(), UNIT.lanes, precisions=[min(bits, UNIT.precision)]))
            for bits in (1, 5, 1, 1, 3)]
    await (await start(dut)).check_interval(work)


@cocotb.test()
async def test_reset(dut):
    precisions = [min(4, UNIT.precision)]
    await (await start(dut)).check_reset([next(products(rng(), UNIT.lanes, precisions))])
