"""An accelerator of Python behind a link: the golden host, registers, and time."""

import random

from hwgen.arch.registers import SPACE_SHIFT, STOP
from hwgen.golden.accelerator.host_port import HostPort
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
        self.random = random.Random(0)
        self.port = HostPort(size=memory, words=memory // 4, columns=4, steps=16,
                             fingerprint=FINGERPRINT)
        self.port.registers[Register.IDENTITY] = identity
        self.port.start = self.go
        self.code = self.time = self.ends = self.runs = 0
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
        port, stops = self.port, 0
        port.busy = self.time < self.ends
        space, offset = divmod(access.address, 1 << SPACE_SHIFT)
        if space == Space.REGISTERS and access.write:
            self.written.append(offset)
            stops = access.data & STOP * (offset == Register.CONTROL and port.busy)
        port.error = 0 if port.busy else self.code
        word = port(access)
        if stops:
            self.ends, self.code = self.time, 7
        self.host.epoch = port.epoch
        return word

    def go(self):
        """Begin to run, as the registers say."""
        port = self.port
        first, count = port.registers[Register.FIRST], port.registers[Register.COUNT]
        steps = list(range(first, first + count))
        self.code = 0
        self.runs += 1
        bad, code = self.fails
        if bad in steps:
            steps, self.code = steps[:steps.index(bad) + 1], code
        for step in steps:
            port.counters[step] = self.step_cycles
        port.step = steps[-1]
        port.cycles = self.step_cycles * len(steps)
        self.ends = self.time + self.step_cycles * len(steps)
