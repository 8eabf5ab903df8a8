"""The accelerator for chips with a few thousand LUTs, and a clock of tens of MHz."""

from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.utils import ceil_log2

from ...arch.registers import GO, OWNER_SHIFT, STOP, TURN, Register
from ..accelerator.accelerator import Accelerator, Parts
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import at_least, later
from .accumulators import CompactAccumulators
from .bitserial import CompactBitSerial
from .broadcast import Broadcast
from .fetch import CompactFetch
from .memories import CompactByteMemory, CompactWordMemory
from .post import CompactPost
from .sequencer import CompactSequencer
from .store import CompactStore

__all__ = ["CompactAccelerator"]


class CompactAccelerator(Accelerator):
    """Equal to :class:`Accelerator` but in its cycles: small rather than fast.

    Made of parts of its own, without the registers that only a fast clock needs.
    """

    parts = Parts(Broadcast, CompactBitSerial, CompactWordMemory, CompactByteMemory, CompactFetch,
                  CompactAccumulators, CompactPost, CompactStore, CompactSequencer)
    far = 0

    def _beside(self, m: Module, value: Value, name: str) -> Value:
        return value

    def _byte(self, m: Module, c: int) -> Value:
        # The longest way of all begins here, in a memory: a register cuts it.
        byte: Value = later(m, self.fetch.vector.word_select(c, 8), 1, f"byte_{c}")
        return byte

    def _direct_tag(self) -> Value:
        return Value.cast(self.fetch.o.tag)  # a cycle later, as the byte is

    def _connect_host(self, m: Module) -> None:
        """Let the host read and write memories and registers, while nothing runs.

        A request stays on the bus until it is answered, in its second cycle: by then a memory has
        given what is asked for.
        """
        bus = self._bus(m, near=True)
        sequencer, activations, program = self.sequencer, self.activations, self.program
        space, offset = bus.address[24:], bus.address[:24]
        answered = Signal()
        m.d.sync += answered.eq(~answered & (bus.read | bus.write))
        write = Signal(3)  # registers, activations, program
        m.d.comb += [
            bus.ack.eq(answered),
            write.eq(Mux(answered & bus.write & ~bus.error,
                         Cat(space == index for index in range(3)), 0)),
        ]

        # Activations: four of the bytes of a window. Nothing moves yet when a step begins.
        running = later(m, sequencer.busy, 1, "running", reset=True)
        read_address, write_address, written, mask = self._moved()
        m.d.comb += [
            activations.read_address.eq(Mux(running, read_address, offset)),
            activations.write_address.eq(Mux(running, write_address, offset)),
            activations.write_data.eq(Mux(running, written, bus.w_data)),
            activations.write_mask.eq(Mux(running, mask, Mux(write[1], bus.mask, 0))),
        ]

        # Program: a word begins at a multiple of a power of two.
        stride = max(ceil_log2(self.columns), 2)
        parts = len(program.write_mask)
        part = Signal(range(max(1 << (stride - 2), 2)))
        m.d.comb += [
            part.eq(offset[2:stride]),
            program.write_data.eq(bus.w_data.replicate(parts)[:program.width]),
            program.write_mask.eq(Mux(write[2], 1 << part, 0)),
        ]
        with m.If(~running):
            m.d.comb += program.address.eq(offset[stride:])
        parted = Cat(program.read_data, Const(0, 32 * parts - program.width))

        register = self._register(m, write[0], bus.w_data, offset)
        spaces = [(offset < 32, register),
                  (~at_least(offset, activations.size), activations.read_data[:32]),
                  # Padding between words, too: it is 0.
                  (~at_least(offset[stride:], program.depth), parted.word_select(part, 32))]
        if self.steps:
            counters: Any = place(m, None, "counters", Ram, 32, self.steps, quick=True)
            m.d.comb += [
                counters.read_address.eq(offset[2:]),
                counters.write_address.eq(sequencer.step),
                counters.write_data.eq(sequencer.step_cycles + 1),
                counters.write.eq(sequencer.counted & (sequencer.step < self.steps)),
            ]
            spaces.append((offset < 4 * self.steps, counters.read_data))
        m.d.comb += bus.error.eq(1)
        with m.Switch(space):
            for index, (known, value) in enumerate(spaces):
                # Activations are written by the byte, counters not at all.
                fixed = (~bus.mask.all(), Const(0), ~bus.mask.all(), Const(1))[index]
                with m.Case(index):
                    m.d.comb += [bus.r_data.eq(value),
                                 bus.error.eq(~known | (sequencer.busy & (space != 0))
                                              | (bus.write & fixed))]

    def _moved(self) -> tuple[Value, Value, Value, Value]:
        """Return where steps read activations and where they write four: what, and which of them.

        The lane gives one byte at a time, which is written to one place of four.
        """
        store = self.store
        return (self.fetch.address, store.address, store.data[:8].replicate(4),
                Mux(store.mask[0], 1 << store.address[:2], 0))

    def _register(self, m: Module, write: Value, given: Value, offset: Value) -> Value:
        """Return the register at an offset, and write it."""
        sequencer = self.sequencer
        first, number, limit = Signal(16), Signal(16), Signal(32, init=(1 << 32) - 1)
        control = Mux(write & (offset[2:5] == Register.CONTROL // 4), given, 0)
        m.d.comb += [sequencer.first.eq(first), sequencer.count.eq(number),
                     sequencer.limit.eq(limit), sequencer.start.eq((control & GO).any())]
        m.d.sync += sequencer.stop.eq((control & STOP).any())
        self._interrupt(m, control)
        if self.turns:
            m.d.comb += [self.turns.turn.eq((control & TURN).any()),
                         self.turns.number.eq(given[OWNER_SHIFT:])]
        for at, register in ((Register.FIRST, first), (Register.COUNT, number),
                             (Register.WATCHDOG, limit)):
            with m.If(write & ~sequencer.busy & (offset[2:5] == at // 4)):
                m.d.sync += register.eq(given)
        registers = self._registers(first, number, limit)
        values = data.ArrayLayout(32, len(registers))(Cat(
            Cat(value, Const(0, 32 - len(value))) for value in registers))
        chosen: Value = values[offset[2:5]]
        return chosen
