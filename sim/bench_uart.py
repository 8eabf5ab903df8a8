"""The serial port: golden bytes of whatever is on the wire, golden levels of whatever is sent."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hwgen.frames import WIRE_BITS
from hwgen.golden import uart as golden

from . import PERIOD_NS
from . import UART_CYCLES as DIVISOR


async def start(dut):
    """Start the clock, reset, and let nothing be on the wires."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.rx.value = 1
    dut.o__ready.value = 1
    dut.i__valid.value = 0
    dut.rst.value = 1
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0


async def receive(dut, wire):
    """Return the bytes that come of a wire's levels."""
    found = []
    for level in [*wire, *[1] * (WIRE_BITS * DIVISOR)]:
        await FallingEdge(dut.clk)
        dut.rx.value = level
        if dut.o__valid.value == 1:
            found.append(int(dut.o__payload.value))
    return found


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_bytes_come(dut):
    """From senders a little faster and slower, with pauses and without."""
    await start(dut)
    for bit in (0.96 * DIVISOR, DIVISOR, 1.04 * DIVISOR):
        data = bytes([0, 255]) + random.randbytes(30)
        pauses = [random.choice([0, random.uniform(0, 40)]) for _ in data]
        assert await receive(dut, golden.levels(data, bit, pauses)) == list(data)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_noise_comes(dut):
    """Levels that last for any time: the bytes that the golden receiver finds."""
    await start(dut)
    wire = []
    while len(wire) < 20_000:
        wire += [random.randrange(2)] * random.choice([1, 3, DIVISOR, 3 * DIVISOR])
    idle = [1] * (WIRE_BITS * DIVISOR)
    found = await receive(dut, wire)
    assert found == golden.received(wire + idle, DIVISOR) and len(found) > 20


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_bytes_go(dut):
    """One behind the other, and with pauses; nothing else is on the wire."""
    await start(dut)
    data = bytes([0, 255]) + random.randbytes(40)
    waiting, wire = list(data), []
    while len(wire) < (len(data) + 20) * (WIRE_BITS + 2) * DIVISOR:
        await FallingEdge(dut.clk)
        wire.append(int(dut.tx.value))
        offer = bool(waiting) and random.random() < 0.9
        dut.i__valid.value = offer
        dut.i__payload.value = waiting[0] if offer else 0
        await RisingEdge(dut.clk)
        if offer and dut.i__ready.value == 1:
            waiting.pop(0)
    assert not waiting and golden.received(wire, DIVISOR) == list(data)
    edges = [at for at in range(1, len(wire)) if wire[at] != wire[at - 1]]
    assert all(after - before >= DIVISOR for before, after in zip(edges, edges[1:], strict=False))
