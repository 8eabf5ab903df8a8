"""The host port: any requests while runs begin and end; memories and every port in each cycle."""

import random
from collections import Counter, defaultdict, deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hwgen.arch.registers import (
    ACKNOWLEDGE,
    GO,
    SPACE_SHIFT,
    STOP,
    Register,
    Space,
)
from hwgen.golden.accelerator import host_port as golden
from hwgen.golden.links.host import BusAccess
from hwgen.rtl.accelerator.fast_host_port import FastHostPort

from .. import PERIOD_NS
from ..units import unit_under_test

UNIT = unit_under_test("host_port")
FAST = isinstance(UNIT, FastHostPort)
FAR = 1 if FAST else 0
"""Cycles from what steps do to the memories."""
EFFECT = 3 if FAST else 0
"""Cycles from the answer of a write to CONTROL to the start of a run."""
STRIDE = 1 << max((UNIT.columns - 1).bit_length(), 2)
SIZES = {Space.REGISTERS: 32, Space.ACTIVATIONS: UNIT.size, Space.PROGRAM: UNIT.words * STRIDE,
         Space.COUNTERS: 4 * UNIT.steps, Space.SPARSE: 1 << SPACE_SHIFT}


class Sequencer:
    """What runs: it begins when it is told to, and ends when it likes.

    Steps write from the second cycle of a run to its last one.
    """

    def __init__(self, dut):
        self.dut = dut
        self.left = self.age = 0
        self.facts = {"error": 0, "cycles": 0, "step": 0}

    def begin(self):
        """Run, from this cycle on."""
        assert not self.left
        self.left, self.age = random.randrange(1, 30), 0

    def put(self):
        """Set its ports, and those of the steps, for a cycle, and return them."""
        busy = self.left > 0
        if busy:
            self.facts = {"error": random.getrandbits(8), "cycles": random.getrandbits(32),
                          "step": random.getrandbits(random.choice([2, 5, 16]))}
        ports = {"busy": busy, "counted": busy and random.random() < 0.3,
                 "step_cycles": random.getrandbits(32), "clear": random.getrandbits(1),
                 **self.facts}
        steps = {name: random.getrandbits(len(getattr(self.dut, f"accesses__{name}")))
                 for name in ("read_address", "write_address", "write_data", "write_mask",
                              "program_address") if hasattr(self.dut, f"accesses__{name}")}
        if not busy or self.age == 0 or random.random() < 0.5:
            steps["write_mask"] = 0
        for prefix, values in (("run", ports), ("accesses", steps)):
            for name, value in values.items():
                getattr(self.dut, f"{prefix}__{name}").value = int(value)
        self.left, self.age = max(self.left - 1, 0), self.age + 1
        return ports | steps


class Memories:
    """Both memories: what is asked for comes ``reading`` cycles later."""

    def __init__(self, dut):
        self.dut = dut
        self.bytes = bytearray(random.randbytes(1 << len(dut.activations__read_address)))
        self.words = [random.randbytes(UNIT.columns) for _ in range(UNIT.words)]
        self.coming = deque([(0, 0)] * UNIT.reading)

    def put(self):
        """Give what was asked for."""
        dut = self.dut
        dut.activations__read_data.value, dut.program__read_data.value = self.coming.popleft()

    def step(self):
        """Take the addresses of a cycle, and write."""
        dut, size = self.dut, len(self.bytes)
        first = int(dut.activations__read_address.value)
        read = bytes(self.bytes[(first + lane) % size] for lane in range(UNIT.window))
        place = int(dut.program__address.value)
        word = self.words[place] if place < UNIT.words else random.randbytes(UNIT.columns)
        self.coming.append((int.from_bytes(read, "little"), int.from_bytes(word, "little")))
        write(self.bytes, int(dut.activations__write_address.value),
              int(dut.activations__write_mask.value), int(dut.activations__write_data.value))
        parts = int(dut.program__write_mask.value)
        if parts:
            data = int(dut.program__write_data.value).to_bytes(UNIT.columns, "little")
            self.words[place] = bytes(
                data[byte] if parts >> byte // 4 & 1 else old
                for byte, old in enumerate(self.words[place]))


def write(memory, first, mask, data):
    """Write the bytes of a mask."""
    for lane in range(mask.bit_length()):
        if mask >> lane & 1:
            memory[(first + lane) % len(memory)] = data >> 8 * lane & 0xFF


def any_access():
    """Return a random access: to all that there is, to the ends of it, and to what is not."""
    space = random.choice([*SIZES, Space.REGISTERS, random.randrange(256),
                           random.choice([*SIZES]) ^ 1 << random.randrange(8)])
    end = SIZES.get(space, 64)
    inside = random.randrange(end + 1)
    offset = random.choice([inside, inside, end - 4, end, inside ^ 4 << random.randrange(22)])
    offset = min(max(offset, 0), (1 << SPACE_SHIFT) - 4) & ~3
    writes = random.random() < 0.5
    mask = random.choice([15, 15, 15, random.randrange(16)]) if writes else random.getrandbits(4)
    data = random.getrandbits(32)
    if space == Space.REGISTERS and random.random() < 0.3:
        offset, writes, mask = Register.CONTROL, True, 15
        data &= ~(GO | STOP) | (GO if random.random() < 0.7 else 0) | random.choice([0, 0, STOP])
    return BusAccess(writes, space << SPACE_SHIFT | offset, mask, data)


class Bench:
    """The unit between a host, a sequencer and memories, and its golden model beside it.

    Parameters
    ----------
    idle : float
        How often the host asks for nothing, in a cycle in which it could.
    """

    def __init__(self, dut, idle):
        self.dut, self.idle = dut, idle
        self.model = golden.HostPort(
            size=UNIT.size, words=UNIT.words, columns=UNIT.columns, steps=UNIT.steps,
            fingerprint=UNIT.fingerprint, exposed=UNIT.exposed, spaces=UNIT.spaces)
        self.sequencer, self.memories = Sequencer(dut), Memories(dut)
        self.model.activations[:] = self.memories.bytes[:len(self.model.activations)]
        self.model.program[:] = b"".join(self.memories.words)
        self.cycle = self.free = 0
        self.access = self.asked = None
        self.due = defaultdict(list)  # by cycle: what it begins with
        self.pins = {"irq": 0, "epoch": 0, "run__first": 0, "run__count": 0,
                     "run__limit": 0xFFFFFFFF}
        self.pulses = {}
        self.past = deque(maxlen=3)  # the last cycles: ports, pins, and steps' accesses
        self.counted = set()  # steps whose counter is known: no reset clears them
        self.seen = Counter()

    async def run(self, cycles):
        """Let cycles pass, and at the end the last request and the last run come to theirs."""
        dut = self.dut
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        dut.bus__read.value = dut.bus__write.value = 0
        self.past.extend([self.sequencer.put() | self.pins] * 3)
        dut.rst.value = 1
        await RisingEdge(dut.clk)
        dut.rst.value = 0
        for self.cycle in range(cycles + 100):
            for action in self.due.pop(self.cycle, ()):
                action()
            self.past.append(self.sequencer.put() | self.pins)
            self.memories.put()
            self.ask(self.cycle < cycles)
            await FallingEdge(dut.clk)
            self.check()
            await RisingEdge(dut.clk)
        assert self.memories.bytes[:UNIT.size] == self.model.activations[:UNIT.size]
        assert b"".join(self.memories.words) == self.model.program

    def ask(self, more):
        """Ask for something, or go on asking, or for nothing, with anything on the other wires."""
        dut = self.dut
        if self.access is None and more and random.random() >= self.idle:
            self.access, self.asked = any_access(), max(self.cycle, self.free)
        access = self.access or BusAccess(False, *(random.getrandbits(bits)
                                                   for bits in (32, 4, 32)))
        dut.bus__read.value = self.access is not None and not access.write
        dut.bus__write.value = access.write
        dut.bus__address.value, dut.bus__mask.value = access.address, access.mask
        dut.bus__w_data.value = access.data

    def check(self):
        """Hold all outputs to what they should be in this cycle."""
        dut, now, access = self.dut, self.past[-1], self.access
        if now["counted"] and now["step"] < UNIT.steps:
            self.model.counters[now["step"]] = (now["step_cycles"] + 1) % 2**32
            self.counted.add(now["step"])
        if access and self.cycle == self.asked:
            locked = now["busy"] if FAST else now["busy"] or self.past[-2]["busy"]
            self.locked = locked and access.address >> SPACE_SHIFT != Space.REGISTERS
        latency = UNIT.latency if access and access.write else UNIT.read_latency
        answered = access is not None and self.cycle == self.asked + latency
        assert int(dut.bus__ack.value) == answered
        if answered:
            self.access, self.free = None, self.cycle + 1
            self.answer(access)
        if self.past[-2]["busy"] and not now["busy"] and UNIT.exposed:
            self.at(1, irq=1)
        expected = {"run__start": 0, "run__stop": 0, "load__write": 0} | self.pins | self.pulses
        self.pulses = {}
        for name, value in expected.items():
            if hasattr(dut, name):
                assert int(getattr(dut, name).value) == value, name
        self.check_steps()
        self.memories.step()

    def check_steps(self):
        """The memories are the steps' while they run."""
        dut, (before, then, now) = self.dut, self.past
        read, far = (then, before) if FAR else (now, then)
        if far["busy"]:
            assert int(dut.activations__read_address.value) == read["read_address"]
        if then["busy"]:
            assert int(dut.program__address.value) == now.get("program_address", 0)
        if read["write_mask"]:
            data = bytearray(len(self.memories.bytes))
            data[:len(self.model.activations)] = self.model.activations
            write(data, read["write_address"], read["write_mask"], read["write_data"])
            self.model.activations[:] = data[:len(self.model.activations)]

    def answer(self, access):
        """Compare an answer with the golden one, and have in mind what follows from it."""
        dut, model = self.dut, self.model
        then = self.past[0 if FAST else -1]
        model.irq, model.step = then["irq"], then["step"]
        model.error, model.cycles = then["error"], then["cycles"]
        epoch = model.epoch = then["epoch"]
        space, offset = divmod(access.address, 1 << SPACE_SHIFT)
        model.busy = then["busy"] if space == Space.REGISTERS else self.locked
        if space == Space.COUNTERS and offset < SIZES[space] and offset // 4 not in self.counted:
            model.counters[offset // 4] = int(dut.bus__r_data.value)
        word = model(access)
        self.seen["locked" if self.locked else "refused" if word is None else "given"] += 1
        assert int(dut.bus__error.value) == (word is None), access
        if word is None:
            return
        if not access.write:
            assert int(dut.bus__r_data.value) == word, access
            return
        if space in UNIT.spaces:
            self.at(FAR, pulses={"load__write": 1, "load__offset": offset,
                                 "load__data": access.data})
        if space != Space.REGISTERS:
            return
        self.free += 3 * FAR
        names = {Register.FIRST: "run__first", Register.COUNT: "run__count",
                 Register.WATCHDOG: "run__limit"}
        self.at(EFFECT or 1, **{name: model.registers[register]
                                for register, name in names.items()})
        if offset == Register.CONTROL:
            self.control(access.data, not then["busy"], model.epoch - epoch)

    def control(self, value, free, epochs):
        """Expect what follows from a write to CONTROL, where a run is ``free`` to begin or not."""
        if value & GO and (free or not FAST):
            self.at(EFFECT, pulses={"run__start": 1})
        if value & GO and free:
            self.at(EFFECT + 1, call=self.sequencer.begin)
        if value & STOP:
            self.at(EFFECT or 1, pulses={"run__stop": 1})
        if value & (GO | ACKNOWLEDGE) and UNIT.exposed:
            self.at(EFFECT or 1, irq=0)
        if epochs:
            self.at(EFFECT + 1, epoch=self.model.epoch)

    def at(self, later, *, pulses=None, call=None, **pins):
        """Expect something so many cycles later: pulses of one cycle, or pins that stay."""
        def happen():
            self.pulses |= pulses or {}
            self.pins |= pins
            if call:
                call()

        if later:
            self.due[self.cycle + later].append(happen)
        else:
            happen()


@cocotb.test()
@cocotb.parametrize(idle=[0.0, 0.3, 0.9])
async def test_any_requests(dut, idle):
    bench = Bench(dut, idle)
    await bench.run(16_000)
    assert min(bench.seen[kind] for kind in ("given", "refused", "locked")) > 5, bench.seen
