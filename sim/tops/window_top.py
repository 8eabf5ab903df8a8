"""What a system sees of a whole accelerator in its addresses, by whatever bus."""

import os
import random
from pathlib import Path

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from hwgen.arch.address_map import BusWindow
from hwgen.arch.design import Design
from hwgen.arch.registers import ACKNOWLEDGE, GO, Register, Space
from hwgen.golden.accelerator.host_port import HostPort
from hwgen.golden.links.host import BusAccess
from hwgen.golden.links.system_bus import serve

from .. import PERIOD_NS
from ..links.system import accesses

__all__ = ["check_random", "check_run", "idle", "start", "window"]

DESCRIPTOR = 1
"""The error of a program that has no valid step."""


def window():
    """Return the window of the Design that ``$DESIGN`` names."""
    return BusWindow.of(Design.load(Path(os.environ["DESIGN"])))


def idle(**options):
    """Return registers and memories of an accelerator that does not run: golden."""
    design = Design.load(Path(os.environ["DESIGN"]))
    return HostPort(
        size=design.activation_memory, words=design.program_words, columns=design.columns,
        steps=design.steps, fingerprint=design.fingerprint,
        spaces=[Space.SPARSE] if "sparse" in design.parts else [], **options)


async def start(dut):
    """Start the clock, and reset."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)


async def check_random(play, count, *, usable=lambda access: True, before=lambda bus: bus):
    """Words and errors all over the window, as the golden model has them.

    ``usable`` says which accesses the master can ask for, and ``before`` gives what of the bus is
    between it and the accelerator.
    """
    expected, place = before(idle(exposed=True)), window()
    sizes = dict(zip(Space, place.sizes, strict=False))
    asked = [access for access in accesses(count, shift=place.shift, sizes=sizes)
             if usable(access) and not (access.write and access.address == Register.CONTROL)]
    # Every word once, so that what is read back later is not what was there at first.
    asked = [BusAccess(True, place.base(space) + offset, 15, random.getrandbits(32))
             for space in (Space.ACTIVATIONS, Space.PROGRAM)
             for offset in range(0, sizes[space], 4)] + asked
    words = await play(asked)
    for access, word in zip(asked, words, strict=True):
        golden = serve(expected, place.shift, access)
        assert (word is None) == (golden is None), access
        assert access.write or word == golden, (access, word, golden)
    assert sum(word is None for word in words) > count / 20


async def check_run(dut, play):
    """A run that ends in an error: busy at once, memories out of reach, then the interrupt."""
    place = window()

    def write(register, value):
        return BusAccess(True, register, 15, value)

    status = BusAccess(False, Register.STATUS, 15)
    memories = [BusAccess(False, place.base(space), 15) for space in (Space.ACTIVATIONS,
                                                                      Space.PROGRAM)]
    for acknowledge in (True, False):
        assert dut.irq.value == 0
        step = random.randrange(1, 3)
        _, _, _, busy, *refused, ignored = await play([
            write(Register.FIRST, step), write(Register.COUNT, 1), write(Register.CONTROL, GO),
            status, *memories, write(Register.COUNT, 7)])
        assert busy & 3 == 1 and refused == [None, None] and ignored is not None
        await ClockCycles(dut.clk, 600)
        assert dut.irq.value == 1
        ended, count, *given = await play([status, BusAccess(False, Register.COUNT, 15), *memories])
        assert (ended, count) == (2 | DESCRIPTOR << 8 | step << 16, 1) and None not in given
        if acknowledge:
            await play([write(Register.CONTROL, ACKNOWLEDGE)])
            await ClockCycles(dut.clk, 5)
            assert dut.irq.value == 0 and await play([status]) == [ended & ~2]
        else:  # or the next run takes it back
            after, = (await play([write(Register.CONTROL, GO), status]))[1:]
            assert after & 3 == 1 and dut.irq.value == 0
