"""The host port of an accelerator with a fast clock."""

from functools import reduce
from operator import or_
from typing import Any

from amaranth import *

from ...arch.registers import GO, OWNER_SHIFT, STOP, TURN, Register, Space
from .. import primitives
from ..primitives.pipeline import later
from .host_port import PART, HostPort

__all__ = ["FastHostPort"]


class FastHostPort(HostPort):
    """A request is taken into registers, is served, and answered: there is no hurry."""

    near = False

    latency = 2
    """Cycles from a request that writes to its answer."""
    interval = 3
    """Cycles between requests that write memory, at best."""

    offset: Signal
    written: Signal
    mask: Signal
    writes: Signal
    serving: Signal
    wait: Signal
    """Cycles until"""
    answered: Signal
    answer: Signal
    error: Signal
    locked: Signal
    """Steps were running as the request was taken. None begin before it is answered."""
    there: dict[Space, Signal]
    """It goes to an offset of that space."""

    @property
    def read_latency(self) -> int:
        """Cycles from a request that reads to its answer."""
        return self.reading + 8

    def elaborate(self, platform: object) -> Module:
        m = Module()
        begins, writing = Signal(3), Signal(3)  # registers, activations, program
        self._take_request(m, writing[0])
        m.d.comb += begins.eq(Mux(self.answered & self.writes & ~self.error, Cat(
            self.there[space] for space in (Space.REGISTERS, Space.ACTIVATIONS, Space.PROGRAM)), 0))
        m.d.sync += writing.eq(begins)
        self._load_parts(m)
        running = later(m, self.run.busy, 1, "running", reset=True)
        self._connect_activations(m, running, begins[1])
        word, part = self._part_of_word(m, self.offset)
        row, given = later(m, word, 1, "row"), later(m, self.written, 1, "given")
        of_program = self._connect_program(m, running, row, part, given, writing[2])
        of_activations = later(m, self.activations.read_data[:32], 1, "of_activations")
        counters = primitives.add_ram(m, None, "counters", self.family, 32, self.steps)
        m.d.comb += counters.read_address.eq(self.offset[2:])
        m.d.sync += self._count(counters)
        settings = self._write_registers(m, writing[0], given)
        register, counter = Signal(32, reset_less=True), later(m, counters.read_data, 1, "counter")
        m.d.sync += register.eq(self._register_at(later(m, self.offset, 1, "of_register"),
                                                  settings))
        self._give_answer(m, {
            Space.REGISTERS: register, Space.ACTIVATIONS: of_activations,
            Space.PROGRAM: of_program, Space.COUNTERS: counter,
            **dict.fromkeys(self.spaces, 0),  # what was written cannot be read, but for
            **({Space.EXTERNAL: self.external} if Space.EXTERNAL in self.spaces else {}),
        })
        return m

    @property
    def ends(self) -> dict[Space, int]:
        """How many offsets each space has."""
        return {Space.REGISTERS: self.register_bytes, Space.ACTIVATIONS: self.size,
                Space.PROGRAM: self.words << self.stride,  # padding too, which is 0
                Space.COUNTERS: 4 * self.steps, **dict.fromkeys(self.spaces, 1 << 24)}

    def _take_request(self, m: Module, register_written: Value) -> None:
        """Keep what is asked for, and answer after as many cycles as the slowest memory takes.

        After a register was written the next request waits, until a run that begins with it is
        seen to run.
        """
        bus = self.bus
        self.offset = Signal(24, name="offset", reset_less=True)
        self.written, self.mask = (
            Signal(32, reset_less=True), Signal(4, name="mask", reset_less=True))
        self.serving, self.writes = Signal(name="serving"), Signal(name="writes")
        self.answered = Signal(name="answered")
        self.locked = Signal(name="locked", reset_less=True)
        self.there = {space: Signal(name=f"there_{space.name.lower()}", reset_less=True)
                      for space in self.ends}
        longest = self.read_latency - 1
        self.wait, settling = Signal(range(longest + 1), name="wait"), Signal(2)
        m.d.sync += settling.eq(Cat(register_written, settling))
        begins = ~self.serving & ~register_written & (settling == 0) & (bus.read | bus.write)
        with m.If(~self.serving):
            m.d.sync += [
                self.offset.eq(bus.address[:24]),
                *(there.eq((bus.address[24:] == space) & (bus.address[:24] < self.ends[space]))
                  for space, there in self.there.items()),
                self.written.eq(bus.w_data), self.mask.eq(bus.mask), self.writes.eq(bus.write),
                self.locked.eq(self.run.busy),
                self.serving.eq(begins), self.wait.eq(Mux(bus.read, longest, self.latency - 1))]
        with m.Else():
            m.d.sync += [self.wait.eq(self.wait - 1), self.answered.eq(self.wait == 1)]
            with m.If(self.answered):
                m.d.sync += [self.serving.eq(0), self.answered.eq(0)]
        self.answer, self.error = (
            Signal(32, reset_less=True), Signal(name="error", reset_less=True))
        m.d.comb += [bus.ack.eq(self.answered), bus.r_data.eq(self.answer),
                     bus.error.eq(self.error)]

    def _load_parts(self, m: Module) -> None:
        """Let parts keep what is written into their spaces."""
        if self.spaces:
            m.d.comb += [self.load.offset.eq(self.offset), self.load.data.eq(self.written)]
            m.d.sync += self.load.write.eq(Mux(
                self.answered & self.writes & ~self.error,
                Cat(self.there[space] for space in self.spaces), 0))

    def _connect_activations(self, m: Module, running: Value, begins: Value) -> None:
        """Read and write four of the bytes of a window, or what a step does.

        The host writes in the cycle behind ``begins``. Nothing moves yet when a step begins.
        """
        steps = self.accesses
        places, given, masks = (primitives.local_register(m, self.family, begins, f"writes_{name}")
                                for name in ("address", "data", "mask"))
        for port, value in (
                ("read_address", Mux(running, steps.read_address, self.offset)),
                ("write_address", Mux(places, self.offset, steps.write_address)),
                ("write_data", Cat(Mux(given, self.written, steps.write_data[:32]),
                                   steps.write_data[32:])),
                ("write_mask", steps.write_mask | Mux(masks, self.mask, 0))):
            m.d.comb += getattr(self.activations, port).eq(later(m, value, 1, port))

    def _connect_program(self, m: Module, running: Value, row: Value, part: Value, given: Value,
                         write: Value) -> Value:
        """Write a part of a word, and return the one that is read."""
        program = self.program
        m.d.comb += [program.address.eq(Mux(running, self.accesses.program_address, row)),
                     program.write_data.eq(self._replicate(given))]
        m.d.sync += program.write_mask.eq(Mux(write, 1 << part, 0))
        word = later(m, program.read_data, 1, "program_word")
        of_program: Value = later(m, self._pad_word(word).word_select(part, PART), 1, "of_program")
        return of_program

    def _write_registers(self, m: Module, write: Value, given: Value) -> dict[Register, Value]:
        """Begin what is asked for, and return the registers that are kept."""
        which = Signal(len(Register))
        idle = Mux(later(m, self.locked, 1, "was_locked"), 0, which)
        control = Mux(which[Register.CONTROL // 4], given, 0)
        if self.protected:  # whose register beyond these is not written
            write = write & (self.offset[5:24] == 0)
        m.d.sync += [which.eq(Mux(write, 1 << self.offset[2:5], 0)),
                     self.run.start.eq(idle[Register.CONTROL // 4] & (given & GO).any()),
                     self.run.stop.eq((control & STOP).any())]
        self._interrupt(m, control)
        if turns := self._add_turns(m):
            m.d.sync += [  # both, as the next word of the frame is on its way
                turns.turn.eq((control & TURN).any()),
                turns.number.eq(given[OWNER_SHIFT:]),
            ]
        return self._add_settings(m, idle, given)

    def _give_answer(self, m: Module, values: dict[Space, Any]) -> None:
        """Answer with the value of the space that is asked."""
        there = self.there
        # Activations are written by the byte, counters not at all; registers while steps run, too.
        fixed = self.writes & ((~self.mask.all() & ~there[Space.ACTIVATIONS])
                               | there[Space.COUNTERS])
        unlocked = Mux(self.locked, there[Space.REGISTERS], Cat(there.values()).any())
        m.d.sync += [
            self.error.eq(~unlocked | fixed),
            self.answer.eq(reduce(or_, (Mux(there[space], value, 0)
                                        for space, value in values.items()))),
        ]
