"""Serial times parallel numbers: golden sums, at the cycles promised, whatever the pauses."""

import random

import cocotb

from hwgen.golden.dot import serial as golden
from hwgen.golden.dot.bitplane import order

from ..systolic.tiles import pack
from ..units import unit_under_test
from .piece_bench import lengths
from .plane_bench import PlaneBench, rng, word
from .planes import exhaustive, products

UNIT = unit_under_test("serial")
SIGNED = UNIT.shape.signed
BITS = UNIT.shape.width


def work_of(length, kind, precisions=range(1, 17)):
    """Return products with parallel numbers that the unit takes, or narrower ones."""
    return [product for product in products(rng(), length, precisions, [kind])
            if product.b_signed == SIGNED and product.b_bits in (1, BITS // 2, BITS)
            and product.a_bits <= UNIT.precision]


async def start(dut):
    """Return the unit's bench, with its clock running."""
    def drive(product, pieces, piece, pair):
        dut.a.value = word(product.a.reshape(pieces, -1)[piece] >> pair.a & 1)
        dut.b.value = pack(product.b.reshape(pieces, -1)[piece], BITS)

    bench = PlaneBench(
        dut, UNIT, lambda product: order(product.a_bits, 1, a_signed=product.a_signed,
                                         b_signed=False), drive,
        lambda product: golden.dot(product.a, product.b, product.a_bits,
                                   signed=product.a_signed))
    await bench.start()
    return bench


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_random(dut, gap):
    bench = await start(dut)
    for pieces in lengths(UNIT, 1, 3):
        work = work_of(pieces * UNIT.lanes, "random")
        await bench.check(random.sample(work, min(40, len(work))), gap=gap, pieces=pieces)


@cocotb.test()
@cocotb.parametrize(kind=["low", "high", "mixed", "random"])
async def test_all_precisions(dut, kind):
    """All precisions of the serial operand, signed and unsigned, and all kinds of data."""
    await (await start(dut)).check(work_of(UNIT.lanes, kind))


@cocotb.test()
@cocotb.parametrize(kind=["low", "high"])
async def test_longest(dut, kind):
    """The sum does not overflow in the longest vectors there may be."""
    work = work_of(UNIT.lanes, kind, {BITS, UNIT.precision})
    await (await start(dut)).check(work, times=UNIT.depth)


@cocotb.test()
async def test_exhaustive(dut):
    """All numbers of up to 4 by 4 bits."""
    most = min(4, UNIT.precision), min(4, BITS)
    work = [product for product in exhaustive(rng(), UNIT.lanes, most)
            if product.b_signed == SIGNED]
    await (await start(dut)).check(work)


@cocotb.test()
async def test_interval(dut):
    await (await start(dut)).check_interval(random.choices(work_of(UNIT.lanes, "random"), k=8))


@cocotb.test()
async def test_reset(dut):
    await (await start(dut)).check_reset(random.sample(work_of(UNIT.lanes, "random"), 1))
