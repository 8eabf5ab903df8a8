"""An accelerator of Python behind a link: the golden host, registers, and time."""

import random

from hwgen.arch.frames import EPOCHS
from hwgen.arch.registers import EPOCH_SHIFT, GO, OWNER_SHIFT, STOP, TURN
from hwgen.golden.links.host import Host
from hwgen.runtime.accelerator import IDENTITY, Register, Space
from hwgen.runtime.link import Link

FINGERPRINT = 0x1234ABCD


class FakeAccelerator(Link):
    """A link to an accelerator that takes ``step_cycles`` for each step and computes nothing.

    Parameters
    ----------
    memory : int
        Bytes of each memory.
    fails : tuple of int
        A step, and the code with which it stops.
    noise : float
        How often a byte is lost, changed or doubled, in each direction.
    """

    name = "the fake board"

    def __init__(self, *, memory=1024, step_cycles=100, fails=(None, 0), noise=0.0, ahead=0,
                 identity=IDENTITY):
        self.ahead = ahead
        self.step_cycles = step_cycles
        self.fails = fails
        self.noise = noise
        self.identity = identity
        self.random = random.Random(0)
        self.memories = {Space.ACTIVATIONS: bytearray(memory), Space.PROGRAM: bytearray(memory)}
        self.counters = [0] * 16
        self.registers = dict.fromkeys(Register, 0)
        self.code = self.step = 0
        self.time = self.ends = 0
        self.owner = 0
        self.runs = 0
        self.host = Host(self.access)
        self.replies = bytearray()
        self.written = []
        self.closed = False

    def write(self, data):
        self.time += len(data)
        self.replies += self.through(self.host.receive(self.through(data)))

    def read(self, count, timeout):
        data = bytes(self.replies[:count])
        del self.replies[:count]
        self.time += len(data) if len(data) == count else timeout
        return data

    def wait(self, cycles):
        self.time += cycles

    def close(self):
        self.closed = True

    def through(self, data):
        """Return what comes at the other end."""
        if not self.noise:
            return data
        rng, come = self.random, bytearray()
        for byte in data:
            happens = rng.random() < self.noise
            changed = bytes([byte ^ 1 << rng.randrange(8)])
            come += rng.choice([b"", changed, bytes([byte, byte])]) if happens else bytes([byte])
        return bytes(come)

    def access(self, access):
        """Be the memory of the golden host."""
        space, offset = access.address >> 24, access.address & 0xFFFFFF
        if space == Space.REGISTERS and offset in list(Register):
            return self.register(Register(offset), access)
        if space == Space.COUNTERS and offset < 4 * len(self.counters) and not access.write:
            return self.counters[offset // 4]
        memory = self.memories.get(space, b"")
        if offset + 4 > len(memory):
            return None
        if access.write:
            for lane, byte in enumerate(access.data.to_bytes(4, "little")):
                if access.mask >> lane & 1:
                    memory[offset + lane] = byte
        return int.from_bytes(memory[offset:offset + 4], "little")

    def register(self, register, access):
        """Read or write a register."""
        if access.write:
            self.registers[register] = access.data
            self.written.append(register)
            if register == Register.CONTROL:
                self.control(access.data)
        busy = self.time < self.ends
        if register == Register.STATUS:
            return (busy | self.host.epoch << EPOCH_SHIFT | (0 if busy else self.code) << 8
                    | self.step << 16)
        fixed = {Register.IDENTITY: self.identity, Register.FINGERPRINT: FINGERPRINT,
                 Register.CONTROL: self.owner << OWNER_SHIFT}
        return fixed.get(register, self.registers[register])

    def control(self, value):
        """Do what CONTROL is written for."""
        starts = value & GO and self.time >= self.ends
        if value & STOP and self.time < self.ends:
            self.ends, self.code = self.time, 7
        if value & TURN:
            self.owner = value >> OWNER_SHIFT
        if value & TURN or starts:
            self.host.epoch = (self.host.epoch + 1) % EPOCHS
        if starts:
            self.go()

    def go(self):
        """Begin to run, as the registers say."""
        first, count = self.registers[Register.FIRST], self.registers[Register.COUNT]
        steps = list(range(first, first + count))
        self.code = 0
        self.runs += 1
        bad, code = self.fails
        if bad in steps:
            steps, self.code = steps[:steps.index(bad) + 1], code
        for step in steps:
            self.counters[step] = self.step_cycles
        self.step = steps[-1]
        self.registers[Register.CYCLES] = self.step_cycles * len(steps)
        self.ends = self.time + self.step_cycles * len(steps)
