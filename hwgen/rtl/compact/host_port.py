"""How a host reaches the memories and registers of a compact accelerator."""

from typing import Any

from amaranth import *

from ...arch.registers import GO, OWNER_SHIFT, STOP, TURN, Register
from ..accelerator.host_port import CONTROL, HostPort
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import at_least, later

__all__ = ["CompactHostPort"]


class CompactHostPort(HostPort):
    """A request stays on the bus until it is answered, in its second cycle.

    By then a memory has given what is asked for.
    """

    near = True

    def connect(self) -> None:
        m, activations, program = self.m, self.activations, self.program
        bus = self._bus()
        space, offset = bus.address[24:], bus.address[:24]
        answered = Signal()
        m.d.sync += answered.eq(~answered & (bus.read | bus.write))
        write = Signal(3)  # registers, activations, program
        m.d.comb += [
            bus.ack.eq(answered),
            write.eq(Mux(answered & bus.write & ~bus.error,
                         Cat(space == index for index in range(3)), 0)),
        ]
        running = later(m, self.sequencer.busy, 1, "running", reset=True)
        self._connect_activations(bus, running, offset, write[1])
        word, part = self._part_of_word(offset)
        m.d.comb += [
            program.write_data.eq(self._replicate(bus.w_data)),
            program.write_mask.eq(Mux(write[2], 1 << part, 0)),
        ]
        with m.If(~running):
            m.d.comb += program.address.eq(word)
        register = self._register(write[0], bus.w_data, offset)
        spaces = [(offset < 32, register),
                  (~at_least(offset, activations.size), activations.read_data[:32]),
                  # Padding between words, too: it is 0.
                  (~at_least(word, program.depth),
                   self._pad_word(program.read_data).word_select(part, 32))]
        if self.steps:
            spaces.append((offset < 4 * self.steps, self._cycles(offset)))
        self._give_answer(bus, space, spaces)

    def _connect_activations(self, bus: Any, running: Value, offset: Value, write: Value) -> None:
        """Read and write four of the bytes of a window, or what a step does.

        Nothing moves yet when a step begins.
        """
        activations = self.activations
        read_address, write_address, written, mask = self.accelerator.memory_accesses()
        self.m.d.comb += [
            activations.read_address.eq(Mux(running, read_address, offset)),
            activations.write_address.eq(Mux(running, write_address, offset)),
            activations.write_data.eq(Mux(running, written, bus.w_data)),
            activations.write_mask.eq(Mux(running, mask, Mux(write, bus.mask, 0))),
        ]

    def _register(self, write: Value, given: Value, offset: Value) -> Value:
        """Return the register at an offset, and write it."""
        m, sequencer = self.m, self.sequencer
        control = Mux(write & (offset[2:5] == CONTROL), given, 0)
        settings = self._add_settings()
        m.d.comb += sequencer.start.eq((control & GO).any())
        m.d.sync += sequencer.stop.eq((control & STOP).any())
        self._interrupt(control)
        if self.turns:
            m.d.comb += [self.turns.turn.eq((control & TURN).any()),
                         self.turns.number.eq(given[OWNER_SHIFT:])]

        def writes(which: Register) -> Value:
            return write & ~sequencer.busy & (offset[2:5] == which // 4)

        self._write_settings(settings, writes, given)
        return self._register_at(offset, settings)

    def _cycles(self, offset: Value) -> Value:
        """Return the cycles that a step took."""
        m, sequencer = self.m, self.sequencer
        counters: Any = place(m, None, "counters", Ram, 32, self.steps, quick=True)
        m.d.comb += [
            counters.read_address.eq(offset[2:]),
            counters.write_address.eq(sequencer.step),
            counters.write_data.eq(sequencer.step_cycles + 1),
            counters.write.eq(sequencer.counted & (sequencer.step < self.steps)),
        ]
        read: Value = counters.read_data
        return read

    def _give_answer(self, bus: Any, space: Value, spaces: list[tuple[Value, Value]]) -> None:
        """Answer with a value of the space that is asked, where that has such an offset."""
        m = self.m
        m.d.comb += bus.error.eq(1)
        with m.Switch(space):
            for index, (known, value) in enumerate(spaces):
                # Activations are written by the byte, counters not at all.
                fixed = (~bus.mask.all(), Const(0), ~bus.mask.all(), Const(1))[index]
                with m.Case(index):
                    m.d.comb += [bus.r_data.eq(value),
                                 bus.error.eq(~known | (self.sequencer.busy & (space != 0))
                                              | (bus.write & fixed))]
