"""What a host reads and writes of an accelerator's registers and memories."""

from collections.abc import Sequence

from ...arch.frames import EPOCHS
from ...arch.registers import (
    ACKNOWLEDGE,
    EPOCH_SHIFT,
    FACTS,
    GO,
    OWNER_SHIFT,
    SPACE_SHIFT,
    TURN,
    Access,
    Register,
    Space,
)
from ..links.host import BusAccess

__all__ = ["HostPort"]


class HostPort:
    """Golden twin of :class:`hwgen.rtl.accelerator.host_port.HostPort`, and a ``Bus``.

    The parameters are its own. It runs nothing: whoever uses it sets what a run says of itself.

    Members
    -------
    activations, program : bytearray
        The memories; words of the program have no padding here.
    counters : list of int
        Cycles of each step.
    registers : dict of Register to int
        What is written, and read as it is.
    busy, irq : bool
    epoch, owner, error, step, cycles : int
    """

    def __init__(self, *, size: int, words: int, columns: int, steps: int, fingerprint: int = 0,
                 exposed: bool = False, spaces: Sequence[Space] = ()) -> None:
        self.size, self.words, self.columns = size, words, columns
        self.exposed, self.spaces = exposed, spaces
        self.activations = bytearray(-(-size // 4) * 4)
        self.program = bytearray(words * columns)
        self.counters = [0] * steps
        self.registers = {register: facts.reset or 0 for register, facts in FACTS.items()
                          if facts.access is Access.BOTH}
        self.registers |= {Register.FINGERPRINT: fingerprint,
                           Register.IDENTITY: FACTS[Register.IDENTITY].reset or 0}
        self.busy = self.irq = False
        self.epoch = self.owner = self.error = self.step = self.cycles = 0

    @property
    def stride(self) -> int:
        """Bytes from a word of the program memory to the next one."""
        return 1 << max((self.columns - 1).bit_length(), 2)

    def __call__(self, access: BusAccess) -> int | None:
        """Do an access, and return the word that was there, or None for an error."""
        space, offset = divmod(access.address, 1 << SPACE_SHIFT)
        whole = not access.write or access.mask == 0b1111
        if space == Space.REGISTERS:
            there = offset < 4 * len(Register) and whole
            return self._register(Register(offset), access) if there else None
        if self.busy:
            return None
        if space == Space.ACTIVATIONS:
            return self._bytes(self.activations, offset, 4, access) if offset < self.size else None
        if space == Space.PROGRAM:
            word, byte = divmod(offset, self.stride)
            there = word < self.words and whole
            return self._bytes(self.program, word * self.columns + byte,
                               min(max(self.columns - byte, 0), 4), access) if there else None
        if space == Space.COUNTERS:
            there = offset < 4 * len(self.counters) and not access.write
            return self.counters[offset // 4] if there else None
        return 0 if space in self.spaces and whole else None

    def _bytes(self, memory: bytearray, first: int, count: int, access: BusAccess) -> int:
        """Return up to four bytes of a memory, and write those that are meant."""
        old = int.from_bytes(memory[first:first + count], "little")
        if access.write:
            for lane, byte in enumerate(access.data.to_bytes(4, "little")[:count]):
                if access.mask >> lane & 1:
                    memory[first + lane] = byte
        return old

    def _register(self, register: Register, access: BusAccess) -> int:
        """Return a register, and write it."""
        status = self.irq << 1 if self.exposed else self.epoch << EPOCH_SHIFT
        old = {Register.CONTROL: self.owner << OWNER_SHIFT, Register.CYCLES: self.cycles,
               Register.STATUS: self.busy | status | self.error << 8 | self.step << 16,
               **self.registers}[register]
        if access.write:
            if register == Register.CONTROL:
                self._control(access.data)
            if FACTS[register].access is Access.BOTH and not self.busy:
                self.registers[register] = access.data & (1 << FACTS[register].bits) - 1
        return old

    def _control(self, value: int) -> None:
        """Do what CONTROL is written for."""
        starts = bool(value & GO) and not self.busy
        if value & (GO | ACKNOWLEDGE):
            self.irq = False
        if not self.exposed and value & TURN:
            self.owner = value >> OWNER_SHIFT
        if not self.exposed and (value & TURN or starts):
            self.epoch = (self.epoch + 1) % EPOCHS
        if starts:
            self.start()

    def start(self) -> None:
        """Begin a run."""
        self.busy = True
