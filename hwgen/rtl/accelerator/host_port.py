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
    ProtectionRegister,
    Register,
    Space,
)
from ..links.host import BUS
from ..links.turns import Turns
from .control import CONTROL
from .memories import byte_ports, word_ports

__all__ = ["PART", "HostPort"]

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
    protected : bool
        Whether words that were corrected, or are wrong, are counted.

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
        ``data`` is written at ``offset`` of the spaces whose bit of ``write`` is high. If there are
        any.
    external : In(32)
        What is read in the space of that name, if it is one of them.
    flips : In(32)
        The register of that name, if ``protected``.
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
    external: Value
    flips: Value
    epoch: Value
    irq: Value

    near: bool
    """See :class:`hwgen.rtl.links.host.Host`."""

    def __init__(self, *, size: int, window: int, words: int, columns: int, steps: int,
                 reading: int, fingerprint: int = 0, exposed: bool = False,
                 spaces: Sequence[Space] = (), family: str = "generic",
                 protected: bool = False) -> None:
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
        self.protected = protected
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
            **({"load": Out(wiring.Signature({
                "offset": Out(24), "data": Out(32), "write": Out(len(spaces))}))}
               if spaces else {}),
            **({"external": In(32)} if Space.EXTERNAL in spaces else {}),
            **({"flips": In(32)} if protected else {}),
            **({"irq": Out(1)} if exposed else {"epoch": Out(EPOCH_BITS)}),
        })

    @property
    def stored(self) -> int:
        """Bytes that steps write at once."""
        return self.window

    @property
    def stride(self) -> int:
        """A word of the program memory begins at a multiple of two to the power of this."""
        return max(ceil_log2(self.columns), 2)

    def _part_of_word(self, m: Module, offset: Value) -> tuple[Value, Value]:
        """Return which word of the program memory is at an offset, and which 32 bits of it."""
        part = Signal(range(max(1 << (self.stride - 2), 2)))
        m.d.comb += part.eq(offset[2:self.stride])
        return offset[self.stride:], part

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
        return Mux(offset == ProtectionRegister.FLIPS, self.flips, chosen) if self.protected \
            else chosen

    @property
    def register_bytes(self) -> int:
        """How many offsets the registers have."""
        return ProtectionRegister.FLIPS + 4 if self.protected else 4 * len(Register)

    def _count(self, counters: Any) -> list[Any]:
        """Return statements that keep the cycles of a step that ends."""
        run = self.run
        return [
            counters.write_address.eq(run.step),
            counters.write_data.eq(run.step_cycles + 1),
            counters.write.eq(run.counted & (run.step < self.steps)),
        ]
