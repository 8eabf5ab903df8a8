"""SPI: golden bytes and bits, at the fastest clock and slower ones, at any phase, with aborts."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from hwgen.golden.spi import exchange
from hwgen.rtl.spi import LEAST_RATIO

from . import PERIOD_NS


async def start(dut):
    """Start the clock, and reset, with nobody selected."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.spi_cs_n.value = 1
    dut.spi_sck.value = dut.spi_mosi.value = 0
    dut.o__ready.value = 1
    dut.i__valid.value = 0
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0


async def offer(dut, replies):
    """Have the next reply at hand, always."""
    for reply in replies:
        dut.i__payload.value = reply
        dut.i__valid.value = 1
        await RisingEdge(dut.clk)
        while not dut.i__ready.value:
            await RisingEdge(dut.clk)
    dut.i__valid.value = 0


async def listen(dut, come):
    """Take what comes."""
    while True:
        await RisingEdge(dut.clk)
        if dut.o__valid.value == 1:
            come.append(int(dut.o__payload.value))


async def select(dut, bits, half_ps):
    """Be a master of mode 0: sample when the clock rises, and change after it has fallen."""
    going = []
    dut.spi_cs_n.value = 0
    await Timer(half_ps, unit="ps")
    for bit in bits:
        dut.spi_mosi.value = bit
        await Timer(half_ps, unit="ps")
        assert dut.spi_miso_oe.value == 1
        going.append(int(dut.spi_miso.value))
        dut.spi_sck.value = 1
        await Timer(half_ps, unit="ps")
        dut.spi_sck.value = 0
    await Timer(half_ps, unit="ps")
    dut.spi_cs_n.value = 1
    await Timer(2 * half_ps, unit="ps")
    assert dut.spi_miso_oe.value == 0
    return going


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(ratio=[LEAST_RATIO, LEAST_RATIO + 0.37, 23.1])
async def test_bytes(dut, ratio):
    """Whole bytes and parts of them, with replies and when these are at an end."""
    await start(dut)
    come, going = [], []
    half_ps = round(ratio * PERIOD_NS * 500)
    replies = random.randbytes(25)
    cocotb.start_soon(listen(dut, come))
    cocotb.start_soon(offer(dut, replies))
    counts = [80] * 4 + [random.choice([8, 16, 80, random.randrange(30)]) for _ in range(12)]
    random.shuffle(counts)
    bits = [[random.randrange(2) for _ in range(count)] for count in counts]
    for selected in bits:
        await Timer(random.randrange(1, 3 * PERIOD_NS * 1000), unit="ps")
        going += await select(dut, selected, half_ps)
    expected = exchange(bits, replies)
    assert (come, going) == expected[:2] and not expected[2] and len(come) > 30
