"""How a host reaches the memories and registers of an accelerator."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...arch.frames import EPOCH_BITS
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
from ..links.host import BUS
from ..links.turns import Turns
from ..primitives.pipeline import later
from .control import CONTROL
from .memories import byte_ports, word_ports

__all__ = ["PART", "FastHostPort", "HostPort"]

PART = 32
"""Bits of the program memory that are written together."""


class HostPort(wiring.Component):
    """Registers and memories of an accelerator, behind a bus.

    While nothing runs, the memories are the host's. From the start of a run to its end they are the
    steps', and a request for them is an error, which neither reads nor writes: also one that
    comes as the run begins or ends. Registers answer always; those that a run begins with are not
    written meanwhile. Every request is answered.

    Parameters
    ----------
    size, window : int
        Bytes of the memory of activations, and how many of them it gives at once.
    words, columns : int
        Words of the program memory, and bytes of each.
    steps : int
        Steps that have a cycle counter.
    reading : int
        Cycles from an address to what is read there, of the slower memory.
    fingerprint : int
        32 bits by which the host tells Designs apart.
    exposed : bool
        Whether a system's own bus is served, which repeats nothing, and which has an interrupt.
    spaces : sequence of Space
        In each of which a part keeps what is written.
    family : str
        FPGA family.

    Members
    -------
    bus : In(BUS)
    run : Out
        The other side of :data:`CONTROL`: what a sequencer has.
    activations, program : Out
        To the memories.
    accesses : In
        What steps do with them: read_address, write_address, write_data and write_mask of
        activations, and program_address.
    load : Out
        ``data`` is written at ``offset`` of the spaces whose bit of ``write`` is high.
    epoch : Out(6)
        The present one; not if ``exposed``.
    irq : Out(1)
        If ``exposed``: a run has ended. Until it is acknowledged, or the next run begins.
    """

    bus: Any
    run: Any
    activations: Any
    program: Any
    accesses: Any
    load: Any
    epoch: Value
    irq: Value

    near: bool
    """See :class:`hwgen.rtl.links.host.Host`."""

    def __init__(self, *, size: int, window: int, words: int, columns: int, steps: int,
                 reading: int, fingerprint: int = 0, exposed: bool = False,
                 spaces: Sequence[Space] = (), family: str = "generic") -> None:
        self.size = size
        self.window = window
        self.words = words
        self.columns = columns
        self.steps = steps
        self.reading = reading
        self.fingerprint = fingerprint
        self.exposed = exposed
        self.spaces = tuple(spaces)
        self.family = family
        self.turns = None if exposed else Turns()
        activations, program = byte_ports(size, window), word_ports(8 * columns, words, PART)
        address = activations["read_address"]
        super().__init__({
            "bus": In(BUS),
            "run": In(wiring.Signature(CONTROL)),
            "activations": In(wiring.Signature(activations)),
            "program": In(wiring.Signature(program)),
            "accesses": In(wiring.Signature({
                "read_address": Out(address.shape), "write_address": Out(address.shape),
                "write_data": Out(8 * self.stored), "write_mask": Out(self.stored),
                "program_address": Out(program["address"].shape)})),
            "load": Out(wiring.Signature({
                "offset": Out(24), "data": Out(32), "write": Out(len(self.spaces))})),
            **({"irq": Out(1)} if exposed else {"epoch": Out(EPOCH_BITS)}),
        })

    @property
    def stored(self) -> int:
        """Bytes that steps write at once."""
        return self.window

    def _part_of_word(self, m: Module, offset: Value) -> tuple[Value, Value]:
        """Return which word of the program memory is at an offset, and which 32 bits of it.

        A word begins at a multiple of a power of two.
        """
        stride = max(ceil_log2(self.columns), 2)
        part = Signal(range(max(1 << (stride - 2), 2)))
        m.d.comb += part.eq(offset[2:stride])
        return offset[stride:], part

    def _pad_word(self, word: Value) -> Value:
        """Return a word of the program memory, and zeros up to a multiple of 32 bits."""
        return Cat(word, Const(0, -len(word) % PART))

    def _replicate(self, given: Value) -> Value:
        """Return 32 bits in all places of a word of the program memory."""
        return given.replicate(len(self.program.write_mask))[:len(self.program.write_data)]

    def _interrupt(self, m: Module, control: Value) -> None:
        """Raise the interrupt where a run ends; ``control`` is what is written to that register."""
        if not self.exposed:
            return
        before = Signal()
        m.d.sync += before.eq(self.run.busy)
        with m.If((control & (GO | ACKNOWLEDGE)).any()):
            m.d.sync += self.irq.eq(0)
        with m.If(before & ~self.run.busy):
            m.d.sync += self.irq.eq(1)

    def _add_turns(self, m: Module) -> Any:
        """Add the turns of hosts that may repeat what they ask for."""
        if turns := self.turns:
            m.submodules.turns = turns
            m.d.comb += [turns.start.eq(self.run.start), turns.busy.eq(self.run.busy),
                         self.epoch.eq(turns.epoch)]
        return turns

    def _add_settings(self, m: Module, written: Value, given: Value) -> dict[Register, Value]:
        """Add the registers that a host writes before a run; a bit says which is ``written``."""
        settings: dict[Register, Value] = {}
        for which, signal, init in ((Register.FIRST, self.run.first, 0),
                                    (Register.COUNT, self.run.count, 0),
                                    (Register.WATCHDOG, self.run.limit, 0xFFFFFFFF)):
            setting = Signal(len(signal), name=which.name.lower(), init=init)
            with m.If(written[which // 4]):
                m.d.sync += setting.eq(given)
            m.d.comb += signal.eq(setting)
            settings[which] = setting
        return settings

    def _register_at(self, offset: Value, settings: dict[Register, Value]) -> Value:
        """Return what the host reads at an offset."""
        run = self.run
        control: Value
        if self.turns:
            control = Cat(Const(0, OWNER_SHIFT), self.turns.owner)
            status = Cat(Const(0, EPOCH_SHIFT - 1), self.turns.epoch)
        else:
            control, status = Const(0, 32), Cat(self.irq, Const(0, 6))
        values = settings | {
            Register.IDENTITY: Const(IDENTITY, 32),
            Register.CONTROL: control,
            Register.STATUS: Cat(run.busy, status, run.error, run.step),
            Register.CYCLES: run.cycles,
            Register.FINGERPRINT: Const(self.fingerprint, 32),
        }
        registers = data.ArrayLayout(32, len(Register))(Cat(
            Cat(values[which], Const(0, 32 - len(values[which]))) for which in Register))
        chosen: Value = registers[offset[2:5]]
        return chosen

    def _count(self, counters: Any) -> list[Any]:
        """Return statements that keep the cycles of a step that ends."""
        run = self.run
        return [
            counters.write_address.eq(run.step),
            counters.write_data.eq(run.step_cycles + 1),
            counters.write.eq(run.counted & (run.step < self.steps)),
        ]


class FastHostPort(HostPort):
    """A request is taken into registers, is served, and answered: there is no hurry."""

    near = False

    latency = 2
    """Cycles from a request that writes to its answer."""
    interval = 3
    """Cycles between requests that write memory, at best."""

    space: Signal
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

    @property
    def read_latency(self) -> int:
        """Cycles from a request that reads to its answer."""
        return self.reading + 8

    def elaborate(self, platform: object) -> Module:
        m = Module()
        writing = Signal(3)  # registers, activations, program
        self._take_request(m, writing[0])
        m.d.sync += writing.eq(Mux(self.answered & self.writes & ~self.error, Cat(
            self.space == space
            for space in (Space.REGISTERS, Space.ACTIVATIONS, Space.PROGRAM)), 0))
        self._load_parts(m)
        running = later(m, self.run.busy, 1, "running", reset=True)
        self._connect_activations(m, running, writing[1])
        word, part = self._part_of_word(m, self.offset)
        row, given = later(m, word, 1, "row"), later(m, self.written, 1, "given")
        of_program = self._connect_program(m, running, row, part, given, writing[2])
        of_activations = later(m, self.activations.read_data[:32], 1, "of_activations")
        counters = primitives.add_ram(m, None, "counters", self.family, 32, self.steps)
        m.d.comb += counters.read_address.eq(self.offset[2:])
        m.d.sync += self._count(counters)
        settings = self._write_registers(m, writing[0], given)
        register, counter = Signal(32, reset_less=True), later(m, counters.read_data, 1, "counter")
        m.d.sync += register.eq(self._register_at(self.offset, settings))
        spaces: dict[Space, tuple[Any, Any]] = {
            Space.REGISTERS: (register, self.offset < 4 * len(Register)),
            Space.ACTIVATIONS: (of_activations, self.offset < self.size),
            Space.PROGRAM: (of_program, word < self.words),  # padding too: 0
            Space.COUNTERS: (counter, self.offset < 4 * self.steps),
            **dict.fromkeys(self.spaces, (0, 1)),  # what was written cannot be read
        }
        self._give_answer(m, spaces)
        return m

    def _take_request(self, m: Module, register_written: Value) -> None:
        """Keep what is asked for, and answer after as many cycles as the slowest memory takes.

        After a register was written the next request waits, until a run that begins with it is
        seen to run.
        """
        bus = self.bus
        self.space, self.offset = (
            Signal(8, reset_less=True), Signal(24, name="offset", reset_less=True))
        self.written, self.mask = (
            Signal(32, reset_less=True), Signal(4, name="mask", reset_less=True))
        self.serving, self.writes = Signal(name="serving"), Signal(name="writes")
        self.answered = Signal(name="answered")
        self.locked = Signal(name="locked", reset_less=True)
        longest = self.read_latency - 1
        self.wait, settling = Signal(range(longest + 1), name="wait"), Signal(2)
        m.d.sync += settling.eq(Cat(register_written, settling))
        with m.If(~self.serving & ~register_written & (settling == 0) & (bus.read | bus.write)):
            m.d.sync += [
                self.space.eq(bus.address[24:]), self.offset.eq(bus.address[:24]),
                self.written.eq(bus.w_data), self.mask.eq(bus.mask), self.writes.eq(bus.write),
                self.locked.eq(self.run.busy),
                self.serving.eq(1), self.wait.eq(Mux(bus.read, longest, self.latency - 1))]
        with m.Elif(self.serving):
            m.d.sync += [self.wait.eq(self.wait - 1), self.answered.eq(self.wait == 1)]
            with m.If(self.answered):
                m.d.sync += [self.serving.eq(0), self.answered.eq(0)]
        self.answer, self.error = (
            Signal(32, reset_less=True), Signal(name="error", reset_less=True))
        m.d.comb += [bus.ack.eq(self.answered), bus.r_data.eq(self.answer),
                     bus.error.eq(self.error)]

    def _load_parts(self, m: Module) -> None:
        """Let parts keep what is written into their spaces."""
        load = self.load
        m.d.comb += [load.offset.eq(self.offset), load.data.eq(self.written)]
        m.d.sync += load.write.eq(Mux(self.answered & self.writes & ~self.error,
                                      Cat(self.space == space for space in self.spaces), 0))

    def _connect_activations(self, m: Module, running: Value, write: Value) -> None:
        """Read and write four of the bytes of a window, or what a step does.

        Nothing moves yet when a step begins.
        """
        steps = self.accesses
        for port, value in (
                ("read_address", Mux(running, steps.read_address, self.offset)),
                ("write_address", Mux(write, self.offset, steps.write_address)),
                ("write_data", Cat(Mux(write, self.written, steps.write_data[:32]),
                                   steps.write_data[32:])),
                ("write_mask", steps.write_mask | Mux(write, self.mask, 0))):
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
        idle = Mux(self.locked, 0, which)
        control = Mux(which[Register.CONTROL // 4], given, 0)
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

    def _give_answer(self, m: Module, spaces: dict[Space, tuple[Any, Any]]) -> None:
        """Answer with a value of the space that is asked, where that has such an offset."""
        space = self.space
        # Activations are written by the byte, counters not at all.
        whole = space != Space.ACTIVATIONS
        known, fixed = Signal(), self.writes & ((~self.mask.all() & whole)
                                                | (space == Space.COUNTERS))
        m.d.sync += self.error.eq(~known | fixed | (self.locked & (space != Space.REGISTERS)))
        with m.Switch(space):
            for which, (value, exists) in spaces.items():
                with m.Case(which):
                    m.d.sync += self.answer.eq(value)
                    m.d.comb += known.eq(exists)
