"""How a host reaches the memories and registers of an accelerator."""

from collections.abc import Callable
from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.utils import ceil_log2

from ...arch.registers import (
    ACKNOWLEDGE,
    EPOCH_SHIFT,
    GO,
    IDENTITY,
    OWNER_SHIFT,
    STOP,
    TURN,
    Register,
    Space,
)
from .. import primitives
from ..links.host import Host
from ..primitives.pipeline import later
from .part import Part

__all__ = ["FastHostPort", "HostPort"]

CONTROL = Register.CONTROL // 4


class HostPort:
    """Statements by which a host reads and writes memories and registers, while nothing runs.

    While something does, it can be watched and stopped.

    Parameters
    ----------
    accelerator : Accelerator
        Whose memories and sequencer are connected.
    """

    near = False
    """See :class:`hwgen.rtl.links.host.Host`."""

    def __init__(self, m: Module, accelerator: Any) -> None:
        self.m = m
        self.accelerator = accelerator
        self.sequencer = accelerator.sequencer
        self.activations, self.program = accelerator.activations, accelerator.program
        self.turns, self.steps = accelerator.turns, accelerator.steps
        self.idle = ~self.sequencer.busy

    def connect(self) -> None:
        """Add the statements."""
        raise NotImplementedError

    def _bus(self) -> Any:
        """Return the bus by which registers and memories are reached."""
        m, accelerator, turns = self.m, self.accelerator, self.turns
        if turns is None:
            m.d.comb += accelerator.busy.eq(self.sequencer.busy)
            return accelerator.bus
        m.submodules.host = host = Host(near=self.near, family=accelerator.family)
        m.submodules.turns = turns
        m.d.comb += [turns.start.eq(self.sequencer.start), turns.busy.eq(self.sequencer.busy),
                     host.epoch.eq(turns.epoch)]
        wiring.connect(m, wiring.flipped(accelerator.rx), host.rx)
        wiring.connect(m, host.tx, wiring.flipped(accelerator.tx))
        return host.bus

    def _part_of_word(self, offset: Value) -> tuple[Value, Value]:
        """Return which word of the program memory is at an offset, and which 32 bits of it.

        A word begins at a multiple of a power of two.
        """
        stride = max(ceil_log2(self.accelerator.columns), 2)
        part = Signal(range(max(1 << (stride - 2), 2)))
        self.m.d.comb += part.eq(offset[2:stride])
        return offset[stride:], part

    def _pad_word(self, word: Value) -> Value:
        """Return a word of the program memory, and zeros up to a multiple of 32 bits."""
        return Cat(word, Const(0, 32 * len(self.program.write_mask) - self.program.width))

    def _replicate(self, given: Value) -> Value:
        """Return 32 bits in all places of a word of the program memory."""
        return given.replicate(len(self.program.write_mask))[:self.program.width]

    def _interrupt(self, control: Value) -> None:
        """Raise the interrupt where a run ends; ``control`` is what is written to that register."""
        m, accelerator = self.m, self.accelerator
        if not accelerator.exposed:
            return
        before = Signal()
        m.d.sync += before.eq(self.sequencer.busy)
        with m.If((control & (GO | ACKNOWLEDGE)).any()):
            m.d.sync += accelerator.irq.eq(0)
        with m.If(before & ~self.sequencer.busy):
            m.d.sync += accelerator.irq.eq(1)

    def _add_settings(self) -> dict[Register, Signal]:
        """Add the registers that a host writes before a run."""
        sequencer = self.sequencer
        first, number, limit = Signal(16), Signal(16), Signal(32, init=(1 << 32) - 1)
        self.m.d.comb += [sequencer.first.eq(first), sequencer.count.eq(number),
                          sequencer.limit.eq(limit)]
        return {Register.FIRST: first, Register.COUNT: number, Register.WATCHDOG: limit}

    def _write_settings(self, settings: dict[Register, Signal],
                        writes: Callable[[Register], Value], given: Value) -> None:
        for which, register in settings.items():
            with self.m.If(writes(which)):
                self.m.d.sync += register.eq(given)

    def _register_at(self, offset: Value, settings: dict[Register, Signal]) -> Value:
        """Return what the host reads at an offset."""
        sequencer = self.sequencer
        control: Value
        if self.turns:
            control = Cat(Const(0, OWNER_SHIFT), self.turns.owner)
            status = Cat(Const(0, EPOCH_SHIFT - 1), self.turns.epoch)
        else:
            control, status = Const(0, 32), Cat(self.accelerator.irq, Const(0, 6))
        values = settings | {
            Register.IDENTITY: Const(IDENTITY, 32),
            Register.CONTROL: control,
            Register.STATUS: Cat(sequencer.busy, status, sequencer.error, sequencer.step),
            Register.CYCLES: sequencer.cycles,
            Register.FINGERPRINT: Const(self.accelerator.fingerprint, 32),
        }
        registers = data.ArrayLayout(32, len(Register))(Cat(
            Cat(values[which], Const(0, 32 - len(values[which]))) for which in Register))
        chosen: Value = registers[offset[2:5]]
        return chosen


class FastHostPort(HostPort):
    """A request is taken into registers, is served, and answered: there is no hurry."""

    space: Signal
    offset: Signal
    written: Signal
    mask: Signal
    writes: Signal
    answered: Signal
    answer: Signal
    error: Signal

    def connect(self) -> None:
        m, activations = self.m, self.activations
        bus = self._bus()
        self._take_request(bus)
        write_registers, write_activations, write_program = self._write_strobes()
        filled = [part for part in self.accelerator.parts if part.space is not None]
        for part in filled:
            self._write_part(part)
        running = later(m, self.sequencer.busy, 1, "running", reset=True)
        self._connect_activations(running, write_activations)
        word, part = self._part_of_word(self.offset)
        row, given = later(m, word, 1, "row"), later(m, self.written, 1, "given")
        of_program = self._connect_program(running, row, part, given, write_program)
        of_activations = later(m, activations.read_data[:32], 1, "of_activations")
        counters = self._add_counters()
        settings = self._add_settings()
        self._write_registers(write_registers, given, settings)
        register, counter = Signal(32, reset_less=True), later(m, counters.read_data, 1, "counter")
        m.d.sync += register.eq(self._register_at(self.offset, settings))
        spaces: dict[Space, tuple[Any, Any]] = {
            Space.REGISTERS: (register, self.offset < 4 * len(Register)),
            Space.ACTIVATIONS: (of_activations, self.offset < activations.size),
            Space.PROGRAM: (of_program, word < self.program.depth),  # padding too: 0
            Space.COUNTERS: (counter, self.offset < 4 * self.steps),
        }
        for part in filled:
            spaces[part.space] = 0, 1  # what was written cannot be read
        self._give_answer(spaces)

    def _take_request(self, bus: Any) -> None:
        """Keep what is asked for, and answer after as many cycles as the slowest memory takes."""
        m = self.m
        self.space, self.offset = (
            Signal(8, reset_less=True), Signal(24, name="offset", reset_less=True))
        self.written, self.mask = (
            Signal(32, reset_less=True), Signal(4, name="mask", reset_less=True))
        serving, self.writes, self.answered = Signal(), Signal(), Signal(name="answered")
        longest = max(1 + self.activations.read_latency, self.program.read_latency) + 6
        wait = Signal(range(longest + 1))
        with m.If(~serving & ~bus.ack & (bus.read | bus.write)):
            m.d.sync += [
                self.space.eq(bus.address[24:]), self.offset.eq(bus.address[:24]),
                self.written.eq(bus.w_data), self.mask.eq(bus.mask), self.writes.eq(bus.write),
                serving.eq(1), wait.eq(Mux(bus.read, longest, 1))]
        with m.Elif(serving):
            m.d.sync += [wait.eq(wait - 1), self.answered.eq(wait == 1)]
            with m.If(self.answered):
                m.d.sync += [serving.eq(0), self.answered.eq(0)]
        self.answer, self.error = (
            Signal(32, reset_less=True), Signal(name="error", reset_less=True))
        m.d.comb += [bus.ack.eq(self.answered), bus.r_data.eq(self.answer),
                     bus.error.eq(self.error)]

    def _write_strobes(self) -> tuple[Value, Value, Value]:
        """Return whether registers, activations and the program are written."""
        idle, space = self.idle, self.space
        registers, activations, program = writing = Signal(3)
        self.m.d.sync += writing.eq(Mux(self.answered & self.writes & ~self.error,
                                        Cat(space == Space.REGISTERS,
                                            (space == Space.ACTIVATIONS) & idle,
                                            (space == Space.PROGRAM) & idle), 0))
        return registers, activations, program

    def _write_part(self, part: Part) -> None:
        """Let a part keep what is written into its space."""
        self.m.d.comb += part.load(self.offset, self.written, later(
            self.m, self.answered & self.writes & ~self.sequencer.busy & ~self.error
            & (self.space == part.space), 1, f"write_{part.name}", reset=True))

    def _connect_activations(self, running: Value, write: Value) -> None:
        """Read and write four of the bytes of a window, or what a step does.

        Nothing moves yet when a step begins.
        """
        fetch, store = self.accelerator.fetch, self.accelerator.store
        for port, value in (
                ("read_address", Mux(running, fetch.address, self.offset)),
                ("write_address", Mux(write, self.offset, store.address)),
                ("write_data", Cat(Mux(write, self.written, store.data[:32]), store.data[32:])),
                ("write_mask", store.mask | Mux(write, self.mask, 0))):
            self.m.d.comb += getattr(self.activations, port).eq(later(self.m, value, 1, port))

    def _connect_program(self, running: Value, row: Value, part: Value, given: Value,
                         write: Value) -> Value:
        """Write a part of a word, and return the one that is read."""
        m, program = self.m, self.program
        with m.If(~running):
            m.d.comb += program.address.eq(row)
        m.d.comb += program.write_data.eq(self._replicate(given))
        m.d.sync += program.write_mask.eq(Mux(write, 1 << part, 0))
        word = later(m, program.read_data, 1, "program_word")
        of_program: Value = later(m, self._pad_word(word).word_select(part, 32), 1, "of_program")
        return of_program

    def _add_counters(self) -> Any:
        """Add the memory of the cycles that each step took."""
        m, sequencer = self.m, self.sequencer
        counters = primitives.add_ram(m, None, "counters", self.accelerator.family, 32, self.steps)
        m.d.comb += counters.read_address.eq(self.offset[2:])
        m.d.sync += [
            counters.write_address.eq(sequencer.step),
            counters.write_data.eq(sequencer.step_cycles + 1),
            counters.write.eq(sequencer.counted & (sequencer.step < self.steps)),
        ]
        return counters

    def _write_registers(self, write: Value, given: Value,
                         settings: dict[Register, Signal]) -> None:
        m, sequencer = self.m, self.sequencer
        which = Signal(len(Register))
        m.d.sync += [which.eq(Mux(write, 1 << self.offset[2:5], 0)),
                     sequencer.start.eq(which[CONTROL] & given[0]),
                     sequencer.stop.eq(which[CONTROL] & (given & STOP).any())]
        self._interrupt(Mux(which[CONTROL], given, 0))
        if self.turns:
            m.d.sync += [  # both, as the next word of the frame is on its way
                self.turns.turn.eq(which[CONTROL] & (given & TURN).any()),
                self.turns.number.eq(given[OWNER_SHIFT:]),
            ]
        self._write_settings(settings, lambda at: which[at // 4] & self.idle, given)

    def _give_answer(self, spaces: dict[Space, tuple[Any, Any]]) -> None:
        """Answer with a value of the space that is asked, where that has such an offset."""
        m, space = self.m, self.space
        # Activations are written by the byte, counters not at all.
        whole = space != Space.ACTIVATIONS
        known, fixed = Signal(), self.writes & ((~self.mask.all() & whole)
                                                | (space == Space.COUNTERS))
        m.d.sync += self.error.eq(~known | fixed | (self.sequencer.busy & (space != 0)))
        with m.Switch(space):
            for which, (value, exists) in spaces.items():
                with m.Case(which):
                    m.d.sync += self.answer.eq(value)
                    m.d.comb += known.eq(exists)
