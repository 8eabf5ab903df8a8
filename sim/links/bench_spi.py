"""SPI: golden bytes and bits, at the fastest clock and slower ones, at any phase, with aborts."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from hwgen.golden.links.spi import exchange
from hwgen.rtl.links.spi import LEAST_RATIO

from .. import PERIOD_NS


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


async def offer_late(dut, replies, most):
    """Have each reply only some cycles after the one before was taken."""
    for reply in replies:
        await ClockCycles(dut.clk, random.randrange(1, most))
        await offer(dut, [reply])


async def listen_late(dut, come, most):
    """Take each byte some cycles after it came."""
    while True:
        dut.o__ready.value = 0
        await RisingEdge(dut.clk)
        if dut.o__valid.value == 1:
            await ClockCycles(dut.clk, random.randrange(1, most))
            dut.o__ready.value = 1
            await RisingEdge(dut.clk)
            come.append(int(dut.o__payload.value))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_late(dut):
    """Replies that come at any time, each of which is sent once; bytes that wait to be taken."""
    await start(dut)
    come, going, bits = [], [], []
    half_ps = round(LEAST_RATIO * PERIOD_NS * 500)
    replies = bytes(random.randrange(1, 256) for _ in range(40))
    cocotb.start_soon(listen_late(dut, come, int(8 * LEAST_RATIO) - 4))
    offering = cocotb.start_soon(offer_late(dut, replies, int(24 * LEAST_RATIO)))
    last = False
    while not last:
        last = offering.done()
        bits += (selected := [random.randrange(2) for _ in range(80)])
        going += await select(dut, selected, half_ps)
    await ClockCycles(dut.clk, int(8 * LEAST_RATIO))
    asked, answered = (bytes(int("".join(map(str, found[at:at + 8])), 2)
                             for at in range(0, len(found), 8)) for found in (bits, going))
    assert bytes(come) == asked
    assert answered.replace(b"\0", b"") == replies


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_reset(dut):
    """A reset of one cycle lets the wire go, and forgets what had come."""
    await start(dut)
    dut.spi_cs_n.value = 0
    dut.spi_sck.value = dut.spi_mosi.value = 1
    await ClockCycles(dut.clk, 5)
    assert dut.spi_miso_oe.value == 1
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)
    assert dut.spi_miso_oe.value == 0
    dut.spi_cs_n.value = 1
    dut.spi_sck.value = 0
    await ClockCycles(dut.clk, 5)
    come = []
    cocotb.start_soon(listen(dut, come))
    await select(dut, [1, 0] * 4, round(LEAST_RATIO * PERIOD_NS * 500))
    assert come == [0b10101010]
