"""The serial port: bytes through a wire, at clocks that differ, with noise on it."""

import random

import pytest
from amaranth.sim import Simulator

from hwgen.arch.frames import WIRE_BITS
from hwgen.golden.links import uart as golden
from hwgen.golden.links.uart import levels
from hwgen.rtl.links.uart import LEAST_DIVISOR, Receiver, Transmitter, Uart

from ...cases import some


def received(divisor, wire, *, ready=lambda cycle: True):
    """Return the bytes that a receiver makes of the levels of a wire, cycle by cycle."""
    dut = Receiver(divisor)
    bytes_ = []

    async def bench(ctx):
        for cycle, level in enumerate(wire):
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


def wire(data, bit, pauses=()):
    """Return the levels of a wire with these bytes, which is idle before and after them."""
    return [1] * 3 + levels(bytes(data), bit, pauses) + [1] * (3 * round(bit))


@pytest.mark.parametrize("divisor", [LEAST_DIVISOR, 5, 12, 25, 60])
def test_received(divisor):
    """All bytes, one after the other and with pauses."""
    draw = random.Random(divisor)
    data = [0, 255, *(draw.randrange(256) for _ in range(30))]
    assert received(divisor, wire(data, divisor)) == data
    pauses = [draw.randrange(3 * divisor) for _ in data]
    assert received(divisor, wire(data, divisor, pauses)) == data


@pytest.mark.parametrize("divisor", some([LEAST_DIVISOR, 5, 6, 12, 25, 60], 2))
@pytest.mark.parametrize("end", [0, 1])
def test_other_clock(divisor, end):
    """A sender may be off as far as the model says, and no further."""
    data = [0, 255, 0x55, 0xaa, 1, 0x80, *range(20)]
    limit = golden.limits(divisor)[end]
    within, beyond = (limit * (1 + off) for off in ((1e-4, -0.01), (-1e-4, 0.01))[end])
    assert received(divisor, wire(data, within)) == data
    assert received(divisor, wire(data, beyond)) != data


def test_limits():
    """A twenty-fifth, or a fortieth where a bit takes 4 cycles; more to the slower side."""
    ends = {divisor: [end / divisor for end in golden.limits(divisor)]
            for divisor in range(LEAST_DIVISOR, 200)}
    assert ends.pop(4)[0] == pytest.approx(39 / 40)
    assert max(low for low, _ in ends.values()) == ends[6][0] == pytest.approx(29 / 30)
    assert all(low <= 0.96 for divisor, (low, _) in ends.items() if divisor not in (6, 8))
    assert min(high for _, high in ends.values()) > 1.04


def test_what_is_no_byte_is_dropped():
    divisor = 12
    glitch = [0] * 4 + [1] * 30                           # shorter than half a bit
    no_stop = [0] * (WIRE_BITS * divisor) + [1] * 30           # a break
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
    for _ in range(15):
        divisor = draw.choice([4, 7, 12])
        noise = [draw.randrange(2) for _ in range(draw.randrange(300))]
        all_of_it = noise + [1] * (WIRE_BITS * divisor + 4) + wire([0x3c], divisor)
        assert received(divisor, all_of_it) == golden.received_bytes(all_of_it, divisor)
        assert received(divisor, all_of_it)[-1] == 0x3c


@pytest.mark.parametrize("divisor", [LEAST_DIVISOR, 12, 25])
def test_transmitted(divisor):
    """What is put on the wire is what a receiver takes from it; a byte every ten bits."""
    dut = Transmitter(divisor)
    draw = random.Random(divisor)
    data = [0, 255, *(draw.randrange(256) for _ in range(20))]
    seen, taken = [], []

    async def bench(ctx):
        waiting = list(data)
        for cycle in range((len(data) + 4) * WIRE_BITS * divisor):
            ctx.set(dut.i.valid, bool(waiting))
            ctx.set(dut.i.payload, waiting[0] if waiting else 0)
            if waiting and ctx.get(dut.i.ready):
                taken.append(cycle)
                waiting.pop(0)
            seen.append(ctx.get(dut.tx))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert received(divisor, seen) == golden.received_bytes(seen, divisor) == data
    assert {b - a for a, b in zip(taken, taken[1:], strict=False)} == {WIRE_BITS * divisor + 1}


@pytest.mark.parametrize("divisor", [LEAST_DIVISOR, 5, 12])
def test_divisor_of_its_own_cells(divisor):
    """A port of which a bit may take longer does what one for this divisor does, in its cycles."""
    draw = random.Random(divisor)
    data = [draw.randrange(256) for _ in range(20)]
    levels_at_pin = wire(data, divisor) + [draw.randrange(2) for _ in range(400)]
    seen = []
    for dut in (Uart(divisor), Uart(divisor, most=300)):
        rows = []

        async def bench(ctx, dut=dut, rows=rows):
            ctx.set(dut.o.ready, 1)
            for level in levels_at_pin:
                ctx.set(dut.rx, level)
                ctx.set(dut.i.valid, 1)
                ctx.set(dut.i.payload, ctx.get(dut.o.payload))
                rows.append((ctx.get(dut.o.valid), ctx.get(dut.o.payload), ctx.get(dut.tx)))
                await ctx.tick()

        simulator = Simulator(dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()
        seen.append(rows)
    assert seen[0] == seen[1]
    assert [byte for valid, byte, _ in seen[1] if valid][:len(data)] == data


def test_most_wrong():
    with pytest.raises(ValueError, match="Divisor must be at most 12, not 13"):
        Uart(13, most=12)


@pytest.mark.parametrize("divisor", [3, 0, -1, 4.0, "8"])
def test_divisor_wrong(divisor):
    with pytest.raises(ValueError, match="Divisor must be an integer of at least 4"):
        Receiver(divisor)
