# amaranth: UnusedElaboratable=no
"""The reader of a flash memory: any range, whoever makes it wait."""

import random

import pytest
from amaranth.sim import Simulator

from hwgen.golden.links.flash import READ, FlashMemory
from hwgen.rtl.links import flash
from hwgen.rtl.links.flash import Flash


@pytest.mark.parametrize("address, count", [
    (0, 1), (1, 2), (0x100000, 3), (0x5A5A5A, 37), (0xFFFFFC, 4)])
@pytest.mark.parametrize("patience", [1.0, 0.4])
def test_bytes(address, count, patience):
    """Those of the range, in order, none lost while nobody takes them; then silence."""
    draw = random.Random(count)
    memory = FlashMemory(draw.randbytes(61))
    dut = Flash(address, count)
    taken, selected = [], []

    async def bench(ctx):
        for _ in range(2 * (32 + 8 * count) + 60 * count):
            ctx.set(dut.answer, memory.pins(ctx.get(dut.select_n), ctx.get(dut.clock),
                                            ctx.get(dut.command)))
            ready = draw.random() < patience
            ctx.set(dut.o.ready, ready)
            selected.append(not ctx.get(dut.select_n))
            if ready and ctx.get(dut.o.valid):
                assert ctx.get(dut.busy)
                taken.append(ctx.get(dut.o.payload))
            await ctx.tick()
        assert not ctx.get(dut.busy) and not ctx.get(dut.o.valid) and ctx.get(dut.select_n)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    expected = [memory.contents[(address + at) % 61] for at in range(count)]
    assert taken == expected and memory.commands == [READ << 24 | address]
    first = selected.index(True)
    assert first == 1 and True not in selected[selected.index(False, first):]


def test_both_know_the_command():
    assert flash.READ == READ


@pytest.mark.parametrize("address, count", [(0, 0), (-1, 4), (0xFFFFFF, 2)])
def test_wrong(address, count):
    with pytest.raises(ValueError, match="are not within 24 bits of address"):
        Flash(address, count)
