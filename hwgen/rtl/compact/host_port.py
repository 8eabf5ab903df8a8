"""How a host reaches the memories and registers of a compact accelerator."""

from typing import Any

from amaranth import *

from ...arch.registers import GO, OWNER_SHIFT, STOP, TURN, Register, Space
from ..accelerator.host_port import PART, HostPort
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import at_least, later

__all__ = ["CompactHostPort"]


class CompactHostPort(HostPort):
    """A request stays on the bus until it is answered, in its second cycle.

    By then a memory has given what is asked for.
    """

    near = True
    latency = read_latency = 1
    interval = 2

    def __init__(self, *, reading: int = 1, **options: Any) -> None:
        if reading != 1:
            raise ValueError(f"reading must be 1, not {reading}")
        super().__init__(reading=reading, **options)

    @property
    def stored(self) -> int:
        return 4

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, activations, program = self.bus, self.activations, self.program
        space, offset = bus.address[24:], bus.address[:24]
        answered = Signal()
        m.d.sync += answered.eq(~answered & (bus.read | bus.write))
        own = (Space.ACTIVATIONS, Space.PROGRAM)
        write = Signal(len(own) + len(self.spaces))
        m.d.comb += [
            bus.ack.eq(answered),
            write.eq(Mux(answered & bus.write & ~bus.error,
                         Cat(space == index for index in (*own, *self.spaces)), 0)),
        ]
        # A run begins here, so this has no time to wait for what memories would answer.
        registers = offset < 4 * len(Register)
        register_written = (answered & bus.write & (space == Space.REGISTERS) & registers
                            & bus.mask.all())
        if self.spaces:
            m.d.comb += [self.load.offset.eq(offset), self.load.data.eq(bus.w_data),
                         self.load.write.eq(write[len(own):])]
        # The memories are the steps' in this cycle, or were so when the request came.
        running = later(m, self.run.busy, 1, "running", reset=True)
        locked = running | later(m, running, 1, "was_running", reset=True)
        self._connect_activations(m, running, offset, write[0])
        word, part = self._part_of_word(m, offset)
        m.d.comb += [
            program.address.eq(Mux(running, self.accesses.program_address, word)),
            program.write_data.eq(self._replicate(bus.w_data)),
            program.write_mask.eq(Mux(write[1], 1 << part, 0)),
        ]
        of_program = self._pad_word(program.read_data).word_select(part, PART)
        spaces: dict[Space, tuple[Any, Any]] = {
            Space.REGISTERS: (self._register(m, register_written, offset), registers),
            Space.ACTIVATIONS: (activations.read_data[:32], ~at_least(offset, self.size)),
            Space.PROGRAM: (of_program, ~at_least(word, self.words)),  # padding too: 0
            **dict.fromkeys(self.spaces, (0, 1)),  # what was written cannot be read
        }
        if self.steps:
            spaces[Space.COUNTERS] = self._cycles(m, offset), offset < 4 * self.steps
        self._give_answer(m, locked, space, spaces)
        return m

    def _connect_activations(self, m: Module, running: Value, offset: Value, write: Value) -> None:
        """Read and write four of the bytes of a window, or what a step does.

        Nothing moves yet when a step begins.
        """
        activations, steps, bus = self.activations, self.accesses, self.bus
        m.d.comb += [
            activations.read_address.eq(Mux(running, steps.read_address, offset)),
            activations.write_address.eq(Mux(running, steps.write_address, offset)),
            activations.write_data.eq(Mux(running, steps.write_data, bus.w_data)),
            activations.write_mask.eq(Mux(running, steps.write_mask, Mux(write, bus.mask, 0))),
        ]

    def _register(self, m: Module, write: Value, offset: Value) -> Value:
        """Return the register at an offset, and write it."""
        run, given = self.run, self.bus.w_data
        which = Signal(len(Register))
        m.d.comb += which.eq(Mux(write, 1 << offset[2:5], 0))
        idle = Mux(run.busy, 0, which)
        control = Mux(which[Register.CONTROL // 4], given, 0)
        m.d.comb += run.start.eq((control & GO).any())  # nothing while steps run
        m.d.sync += run.stop.eq((control & STOP).any())
        self._interrupt(m, control)
        if turns := self._add_turns(m):
            m.d.comb += [turns.turn.eq((control & TURN).any()),
                         turns.number.eq(given[OWNER_SHIFT:])]
        return self._register_at(offset, self._add_settings(m, idle, given))

    def _cycles(self, m: Module, offset: Value) -> Value:
        """Return the cycles that a step took."""
        counters: Any = place(m, None, "counters", Ram, 32, self.steps, quick=True)
        m.d.comb += [counters.read_address.eq(offset[2:]), *self._count(counters)]
        read: Value = counters.read_data
        return read

    def _give_answer(self, m: Module, locked: Value, space: Value,
                     spaces: dict[Space, tuple[Any, Any]]) -> None:
        """Answer with a value of the space that is asked, where that has such an offset."""
        bus = self.bus
        m.d.comb += bus.error.eq(1)
        with m.Switch(space):
            for which, (value, exists) in spaces.items():
                # Activations are written by the byte, counters not at all.
                fixed = {Space.ACTIVATIONS: Const(0), Space.COUNTERS: Const(1)}.get(
                    which, ~bus.mask.all())
                with m.Case(which):
                    m.d.comb += [bus.r_data.eq(value),
                                 bus.error.eq(~exists | (locked & (space != Space.REGISTERS))
                                              | (bus.write & fixed))]
