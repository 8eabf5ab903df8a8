"""The serial port: bytes through a wire, at clocks that differ, with noise on it."""

import random

import pytest
from amaranth.sim import Simulator

from hwgen.rtl.uart import BITS, LEAST_DIVISOR, Receiver, Transmitter


def received(divisor, levels, *, ready=lambda cycle: True):
    """Return the bytes that a receiver makes of the levels of a wire, cycle by cycle."""
    dut = Receiver(divisor)
    bytes_ = []

    async def bench(ctx):
        for cycle, level in enumerate(levels):
            ctx.set(dut.rx, level)
            ctx.set(dut.o.ready, ready(cycle))
            if ctx.get(dut.o.valid) and ctx.get(dut.o.ready):
                bytes_.append(ctx.get(dut.o.payload))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return bytes_


def wire(data, divisor, *, idle=lambda: 0):
    """Return the levels of a wire with these bytes, sampled every cycle; bits of any length."""
    edges = [(3.0, 1)]  # length in cycles, level
    for byte in data:
        edges += [(divisor, 0), *((divisor, byte >> bit & 1) for bit in range(8)), (divisor, 1),
                  (idle(), 1)]
    edges.append((3 * divisor, 1))
    levels, time, end = [], 0.0, 0.0
    for length, level in edges:
        end += length
        while time < end:
            levels.append(level)
            time += 1
    return levels


@pytest.mark.parametrize("divisor", [LEAST_DIVISOR, 5, 12, 25, 217])
def test_received(divisor):
    """All bytes, one after the other and with pauses."""
    draw = random.Random(divisor)
    data = [0, 255, *(draw.randrange(256) for _ in range(30))]
    assert received(divisor, wire(data, divisor)) == data
    pauses = wire(data, divisor, idle=lambda: draw.randrange(3 * divisor))
    assert received(divisor, pauses) == data


@pytest.mark.parametrize("divisor", [12, 25, 217])
@pytest.mark.parametrize("faster", [0.96, 0.98, 1.02, 1.04])
def test_other_clock(divisor, faster):
    """A sender may be off by four hundredths."""
    data = [0, 255, 0x55, 0xaa, 1, 0x80, *range(20)]
    assert received(divisor, wire(data, divisor * faster)) == data


def test_what_is_no_byte_is_dropped():
    divisor = 12
    glitch = [0] * 4 + [1] * 30                           # shorter than half a bit
    no_stop = [0] * (BITS * divisor) + [1] * 30           # a break
    good = wire([0x42], divisor)
    assert received(divisor, good + glitch + good + no_stop + good) == [0x42] * 3


def test_not_taken_in_time():
    """A byte stays until the next one has come, and that one replaces it."""
    divisor = 8
    data = [1, 2, 3]
    late = len(wire(data, divisor)) - 10
    assert received(divisor, wire(data, divisor), ready=lambda cycle: cycle > late) == [3]


def test_after_noise():
    """Whatever was on the wire: when it was idle for a byte, the next one is received."""
    draw = random.Random(3)
    for _ in range(40):
        divisor = draw.choice([4, 7, 12])
        noise = [draw.random() < 0.5 for _ in range(draw.randrange(300))]
        levels = noise + [1] * (BITS * divisor + 4) + wire([0x3c], divisor)
        assert received(divisor, levels)[-1] == 0x3c


@pytest.mark.parametrize("divisor", [LEAST_DIVISOR, 12, 25])
def test_transmitted(divisor):
    """What is put on the wire is what a receiver takes from it; a byte every ten bits."""
    dut = Transmitter(divisor)
    draw = random.Random(divisor)
    data = [0, 255, *(draw.randrange(256) for _ in range(20))]
    levels, taken = [], []

    async def bench(ctx):
        waiting = list(data)
        for cycle in range((len(data) + 4) * BITS * divisor):
            ctx.set(dut.i.valid, bool(waiting))
            ctx.set(dut.i.payload, waiting[0] if waiting else 0)
            if waiting and ctx.get(dut.i.ready):
                taken.append(cycle)
                waiting.pop(0)
            levels.append(ctx.get(dut.tx))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert received(divisor, levels) == data
    assert {b - a for a, b in zip(taken, taken[1:], strict=False)} == {BITS * divisor + 1}


@pytest.mark.parametrize("divisor", [3, 0, -1, 4.0, "8"])
def test_divisor_wrong(divisor):
    with pytest.raises(ValueError, match="Divisor must be an integer of at least 4"):
        Receiver(divisor)
