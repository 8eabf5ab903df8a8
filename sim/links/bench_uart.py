"""The serial port: golden bytes of whatever is on the wire, golden levels of whatever is sent."""

import random
from collections import deque
from itertools import groupby, pairwise

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hwgen.arch.frames import WIRE_BITS
from hwgen.golden.links import uart as golden

from .. import PERIOD_NS
from ..cycles import LONG, pass_cycles
from ..units import unit_under_test

DIVISOR = unit_under_test("uart").divisor
COUNT = min(34, max(2, 2000 // DIVISOR))
"""Bytes of a test: fewer, where their bits are long."""
TIMEOUT = {"timeout_time": 500 + COUNT * DIVISOR, "timeout_unit": "us"}


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
    next one comes. Many cycles in which nothing happens pass at once.
    """
    wire = [*wire, *[1] * (WIRE_BITS * DIVISOR)]
    # Two registers, and that of the output.
    comes = {cycle + 2: byte for cycle, byte in golden.arrivals(wire, DIVISOR)}
    events = deque(sorted({*comes, len(wire), *(
        cycle for cycle, (before, level) in enumerate(pairwise(wire), 1) if before != level)}))
    held, dut.o__ready.value = None, 1
    for _ in range(2):
        await FallingEdge(dut.clk)
    cycle = last = 0
    while cycle < len(wire):
        await FallingEdge(dut.clk)
        offered = dut.o__payload.value.to_unsigned() if dut.o__valid.value else None
        assert offered == held, f"cycle {cycle}"
        dut.rx.value = wire[cycle]
        ready = random.random() >= stall
        dut.o__ready.value = ready
        held = comes.get(cycle, None if ready else held)
        cycle += 1
        while events[0] < cycle:
            last = events.popleft()
        if events[0] - cycle > LONG and cycle - last > 2:
            await pass_cycles(dut, events[0] - cycle, FallingEdge)
            held, cycle = None if ready else held, events[0]
    return list(comes.values())


def any_bytes():
    """Return bytes, among them those that look most regular on a wire."""
    return random.sample([0, 255, 0x55, 0xaa, *random.randbytes(30)], COUNT)


def frames(bit):
    """Return bytes, and the levels of a wire that brings them, with pauses and without."""
    data = any_bytes()
    pauses = [random.choice([0, random.uniform(0, 3 * DIVISOR + 4)]) for _ in data]
    return data, golden.levels(bytes(data), bit, pauses)


@cocotb.test(**TIMEOUT)
async def test_bytes_come(dut):
    """From senders as fast and as slow as may be, with pauses and without."""
    await start(dut)
    shortest, longest = golden.limits(DIVISOR)
    for bit in (1.0001 * shortest, DIVISOR, 0.9999 * longest):
        data, wire = frames(bit)
        assert await receive(dut, wire) == data


@cocotb.test(**TIMEOUT)
async def test_bytes_wait(dut):
    """What is not taken stays as it is, until the next byte has come."""
    await start(dut)
    for stall in (0.5, 0.99, 0.999, 1.0):
        data, wire = frames(DIVISOR)
        assert await receive(dut, wire, stall) == data


@cocotb.test(**TIMEOUT)
async def test_noise_comes(dut):
    """Levels that last for any time: the bytes that the golden receiver finds."""
    await start(dut)
    wire = []
    while len(wire) < 20_000 or len(golden.received_bytes(wire, DIVISOR)) < COUNT * 2 // 3:
        for _ in range(COUNT):
            wire += [random.randrange(2)] * random.choice([1, 3, DIVISOR, 3 * DIVISOR])
    await receive(dut, wire)


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(pause=[0.0, 0.1, 0.97])
async def test_bytes_go(dut, pause):
    """One behind the other, and with pauses: the golden levels, in every cycle."""
    await start(dut)
    waiting, levels, offer = any_bytes(), deque(), False
    end = (len(waiting) + 3) * (WIRE_BITS * DIVISOR + 50)
    cycle = 0
    while cycle < end:
        await FallingEdge(dut.clk)
        cycle += 1
        ready = not levels
        assert dut.i__ready.value == ready, f"cycle {cycle}"
        assert dut.tx.value == (1 if ready else levels.popleft()), f"cycle {cycle}"
        offer = bool(waiting) and (offer or random.random() >= pause)
        dut.i__valid.value = offer
        dut.i__payload.value = waiting[0] if offer else random.randrange(256)
        if offer and ready:
            levels.extend(golden.levels(bytes([waiting.pop(0)]), DIVISOR))
            offer = False
        same = len(list(next(groupby(levels), (0, ()))[1])) if DIVISOR > LONG else 0
        if same > LONG:  # the last two are looked at
            await pass_cycles(dut, same - 2, FallingEdge)
            cycle += same - 2
            for _ in range(same - 2):
                levels.popleft()
    assert not waiting
