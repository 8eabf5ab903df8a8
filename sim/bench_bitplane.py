"""Dot products by bit planes: golden sums, at the cycles promised, whatever the pauses."""

import os
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.design import Design
from hwgen.golden import bitplane as golden
from hwgen.rtl.bitplane import Tag

from . import PERIOD_NS
from .planes import exhaustive, products
from .regression import bit_plane

DUT = bit_plane(Design.load(Path(os.environ["DESIGN"])))
MODEL = golden.BitPlane(DUT.gate)


def word(bits):
    """Return a plane as a number, lane 0 lowest."""
    return int.from_bytes(np.packbits(bits.astype(np.uint8), bitorder="little").tobytes(),
                          "little")


async def start(dut):
    """Start the clock, and reset for one cycle."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.tag.value = 0
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0


async def check(dut, work, *, gap=0.0, pieces=1):
    """Play products one after the other, and compare every sum and its cycle."""
    cycle, expected, found = 0, {}, {}

    async def tick():
        nonlocal cycle
        await RisingEdge(dut.clk)
        if dut.o_valid.value:
            found[cycle] = dut.o.value.to_signed()
        cycle += 1

    shifts = {}
    for product in work:
        of_a = golden.planes(product.a.reshape(pieces, -1), product.a_bits)
        of_b = golden.planes(product.b.reshape(pieces, -1), product.b_bits)
        for pair in golden.order(**product.formats):
            for piece in range(pieces):
                while gap and random.random() < gap:
                    dut.tag.value = random.getrandbits(5) & ~1  # means nothing without `valid`
                    await tick()
                dut.a.value = word(of_a[pair.a][piece])
                dut.b.value = word(of_b[pair.b][piece])
                dut.tag.value = Tag.const({
                    "valid": 1, "first": pair.first and piece == 0,
                    "shift": pair.shift and piece == 0, "negative": pair.negative,
                    "last": pair.last and piece == pieces - 1}).as_bits()
                await tick()
        dut.tag.value = 0
        expected[cycle - 1 + DUT.latency] = int(MODEL.dot(product.a, product.b, **product.formats))
        shifts[cycle - 1 + DUT.latency] = product.a_bits + product.b_bits - 2
    for _ in range(DUT.latency + 2):
        await tick()
    assert list(found) == list(expected)
    assert {at: value >> (DUT.tail - shifts[at]) for at, value in found.items()} == expected
    return cycle


def rng():
    return np.random.default_rng(random.getrandbits(32))


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.4])
async def test_random(dut, gap):
    await start(dut)
    for pieces in (1, 3):
        work = list(products(rng(), pieces * DUT.lanes, kinds=["random"]))
        await check(dut, random.sample(work, 40), gap=gap, pieces=pieces)


@cocotb.test()
@cocotb.parametrize(kind=["low", "high", "mixed", "random"])
async def test_all_precisions(dut, kind):
    """All pairs of precisions, 1 to 16, signed and unsigned: all-minimum, all-maximum data too."""
    await start(dut)
    work = list(products(rng(), DUT.lanes, kinds=[kind]))
    if kind in ("mixed", "random"):  # with signs at random
        work = [work[index + random.randrange(4)] for index in range(0, len(work), 4)]
    await check(dut, work)


@cocotb.test()
@cocotb.parametrize(kind=["low", "high"])
async def test_longest(dut, kind):
    """The sum does not overflow in the longest vectors there may be."""
    await start(dut)
    work = products(rng(), DUT.depth * DUT.lanes, precisions=[16], kinds=[kind])
    await check(dut, list(work)[-2:], pieces=DUT.depth)


@cocotb.test()
async def test_exhaustive(dut):
    """All numbers of up to 4 by 4 bits."""
    await start(dut)
    await check(dut, exhaustive(rng(), DUT.lanes))


@cocotb.test()
async def test_interval(dut):
    """Products follow one another without a lost cycle."""
    await start(dut)
    work = [next(products(rng(), DUT.lanes, precisions=[bits])) for bits in (1, 5, 1, 1, 3)]
    cycles = sum(product.a_bits * product.b_bits for product in work)
    assert await check(dut, work) == cycles + DUT.latency + 2


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle leaves no sum behind that would come out later."""
    await start(dut)
    dut.tag.value = Tag.const({"valid": 1, "last": 1}).as_bits()
    for _ in range(DUT.latency + 1):
        await RisingEdge(dut.clk)
    dut.tag.value = 0
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    await check(dut, [next(products(rng(), DUT.lanes, precisions=[4]))])
