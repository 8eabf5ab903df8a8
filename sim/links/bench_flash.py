"""The reader of a flash memory: golden bytes, whoever makes it wait, after each reset."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from hwgen.golden.links.flash import READ, FlashMemory

from .. import PERIOD_NS
from ..cycles import pass_cycles
from ..units import unit_under_test

UNIT = unit_under_test("flash")
FLASH_ADDRESS, FLASH_BYTES = UNIT.address, UNIT.count
BYTE = 17
"""Cycles of a byte that nobody makes wait."""
QUIET = 60
"""Cycles in which no more bytes come."""
MOST = 300
"""Bytes of a range that come with pauses, and of a longer one that are looked at."""


async def read(dut, memory, patience, *, until=None, skip=0):
    """Reset, and return the bytes that come, in so many cycles or in all.

    With ``skip`` so many bytes in the middle are let pass at once: instead of them, and of the one
    behind them, come None.
    """
    dut.rst.value = 1
    for _ in range(2):
        await FallingEdge(dut.clk)
        memory.pins(int(dut.select_n.value), int(dut.clock.value), int(dut.command.value))
    dut.rst.value = 0
    taken, before, quiet, cycle = [], (1, 0), QUIET, 0
    latest = 2 * 32 + BYTE * FLASH_BYTES + 10 if patience == 1.0 else \
        200 + round(30 * FLASH_BYTES / patience)
    while quiet and cycle != until:
        await FallingEdge(dut.clk)
        cycle += 1
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
            if skip and len(taken) == MOST // 2:
                await pass_cycles(dut, BYTE * skip, FallingEdge)
                memory.skip(skip)
                cycle += BYTE * skip
                taken += [None] * skip
        quiet -= len(taken) == FLASH_BYTES
        assert len(taken) == FLASH_BYTES or cycle < latest, f"{len(taken)} after {cycle} cycles"
    if skip and len(taken) > MOST // 2 + skip:
        taken[MOST // 2 + skip] = None  # some bits of it passed, too
    return taken


@cocotb.test(timeout_time=500 + 12 * FLASH_BYTES, timeout_unit="us")
async def test_bytes(dut):
    """All of them and no more; a reset in the middle begins again."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.answer.value = 0
    skip = max(0, FLASH_BYTES - MOST)
    for patience in (1.0, 0.5, 0.1):
        memory = FlashMemory(random.randbytes(max(FLASH_ADDRESS + FLASH_BYTES - 1, 1)))
        whole = [memory.contents[(FLASH_ADDRESS + at) % len(memory.contents)]
                 for at in range(FLASH_BYTES)]
        least = 2 * 32 + BYTE * min(FLASH_BYTES, MOST)
        for until in (*range(1, 70), random.randrange(70, least)):
            part = await read(dut, memory, patience, until=until)
            assert part == whole[:len(part)]
        if not skip or patience == 1.0:
            found = await read(dut, memory, patience, skip=skip)
            assert len(found) == FLASH_BYTES and found.count(None) == (skip and skip + 1)
            assert all(byte in (None, at) for byte, at in zip(found, whole, strict=True))
            assert dut.busy.value == 0 and dut.select_n.value == 1
        assert set(memory.commands) == {READ << 24 | FLASH_ADDRESS}
