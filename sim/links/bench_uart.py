"""The serial port: golden bytes of whatever is on the wire, golden levels of whatever is sent."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hwgen.arch.frames import WIRE_BITS
from hwgen.golden.links import uart as golden

from .. import PERIOD_NS
from ..units import unit_under_test

DIVISOR = unit_under_test("uart").divisor


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


async def receive(dut, wire, stall=0.0):
    """Let levels come; hold what is offered to the golden bytes, in every cycle.

    With probability ``stall`` a cycle takes nothing. A byte stays until it is taken, or lost as the
    next one comes.
    """
    wire = [*wire, *[1] * (WIRE_BITS * DIVISOR)]
    # Two registers, and that of the output.
    comes = {cycle + 2: byte for cycle, byte in golden.arrivals(wire, DIVISOR)}
    held, dut.o__ready.value = None, 1
    for _ in range(2):
        await FallingEdge(dut.clk)
    for cycle, level in enumerate(wire):
        await FallingEdge(dut.clk)
        offered = dut.o__payload.value.to_unsigned() if dut.o__valid.value else None
        assert offered == held, f"cycle {cycle}"
        dut.rx.value = level
        ready = random.random() >= stall
        dut.o__ready.value = ready
        held = comes.get(cycle, None if ready else held)
    return list(comes.values())


def frames(bit):
    """Return bytes, and the levels of a wire that brings them, with pauses and without."""
    data = bytes([0, 255, 0x55, 0xaa]) + random.randbytes(30)
    pauses = [random.choice([0, random.uniform(0, 40)]) for _ in data]
    return list(data), golden.levels(data, bit, pauses)


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_bytes_come(dut):
    """From senders a little faster and slower, with pauses and without."""
    await start(dut)
    for bit in (0.96 * DIVISOR, DIVISOR, 1.04 * DIVISOR):
        data, wire = frames(bit)
        assert await receive(dut, wire) == data


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_bytes_wait(dut):
    """What is not taken stays as it is, until the next byte has come."""
    await start(dut)
    for stall in (0.5, 0.99, 0.999, 1.0):
        data, wire = frames(DIVISOR)
        assert await receive(dut, wire, stall) == data


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_noise_comes(dut):
    """Levels that last for any time: the bytes that the golden receiver finds."""
    await start(dut)
    wire = []
    while len(wire) < 20_000:
        wire += [random.randrange(2)] * random.choice([1, 3, DIVISOR, 3 * DIVISOR])
    assert len(await receive(dut, wire)) > 20


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(pause=[0.0, 0.1, 0.97])
async def test_bytes_go(dut, pause):
    """One behind the other, and with pauses: the golden levels, in every cycle."""
    await start(dut)
    data = bytes([0, 255, 0x55, 0xaa]) + random.randbytes(30)
    waiting, levels, offer = list(data), [], False
    for cycle in range((len(data) + 3) * (WIRE_BITS + 5) * DIVISOR):
        await FallingEdge(dut.clk)
        ready = not levels
        assert dut.i__ready.value == ready, f"cycle {cycle}"
        assert dut.tx.value == (1 if ready else levels.pop(0)), f"cycle {cycle}"
        offer = bool(waiting) and (offer or random.random() >= pause)
        dut.i__valid.value = offer
        dut.i__payload.value = waiting[0] if offer else random.randrange(256)
        if offer and ready:
            levels = golden.levels(bytes([waiting.pop(0)]), DIVISOR)
            offer = False
    assert not waiting
