"""The reader of a flash memory: golden bytes, whoever makes it wait, after each reset."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from hwgen.golden.links.flash import READ, FlashMemory

from .. import PERIOD_NS
from ..units import unit_under_test

UNIT = unit_under_test("flash")
FLASH_ADDRESS, FLASH_BYTES = UNIT.address, UNIT.count


async def read(dut, memory, cycles, patience):
    """Reset, and return the bytes that come in so many cycles."""
    dut.rst.value = 1
    for _ in range(2):
        await FallingEdge(dut.clk)
        memory.pins(int(dut.select_n.value), int(dut.clock.value), int(dut.command.value))
    dut.rst.value = 0
    taken = []
    before = 1, 0
    for _ in range(cycles):
        await FallingEdge(dut.clk)
        pins = int(dut.select_n.value), int(dut.clock.value)
        assert pins[0] == before[0] or pins[1] == before[1], "both change at once"
        before = pins
        assert len(taken) == FLASH_BYTES or dut.busy.value == 1
        dut.answer.value = memory.pins(int(dut.select_n.value), int(dut.clock.value),
                                       int(dut.command.value))
        ready = random.random() < patience
        dut.o__ready.value = ready
        if ready and dut.o__valid.value == 1:
            taken.append(int(dut.o__payload.value))
    return taken


@cocotb.test(timeout_time=500 + 12 * FLASH_BYTES, timeout_unit="us")
async def test_bytes(dut):
    """All of them and no more; a reset in the middle begins again."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.answer.value = 0
    least = 2 * 32 + 17 * FLASH_BYTES + 10
    for patience in (1.0, 0.5, 0.1):
        memory = FlashMemory(random.randbytes(FLASH_ADDRESS + FLASH_BYTES - 1))
        whole = bytes(memory.contents[(FLASH_ADDRESS + at) % len(memory.contents)]
                      for at in range(FLASH_BYTES))
        for until in (*range(1, 70), random.randrange(70, least)):
            part = await read(dut, memory, until, patience)
            assert bytes(part) == whole[:len(part)]
        cycles = least if patience == 1.0 else least + round(30 * FLASH_BYTES / patience)
        assert bytes(await read(dut, memory, cycles, patience)) == whole
        assert dut.busy.value == 0 and dut.select_n.value == 1
        assert set(memory.commands) == {READ << 24 | FLASH_ADDRESS}
