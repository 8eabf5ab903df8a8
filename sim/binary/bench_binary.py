"""The binary accelerator: golden memory, in the cycles that were promised, for any steps."""

import os
import random
from itertools import product
from pathlib import Path

import cocotb
import numpy as np
from amaranth.utils import ceil_log2
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.arch.descriptors import BINARY_FIELDS, START_WORDS, Descriptors
from hwgen.arch.design import Design
from hwgen.arch.registers import (
    ACKNOWLEDGE,
    GO,
    IDENTITY,
    SPACE_SHIFT,
    STOP,
    Register,
    Space,
)
from hwgen.arch.steps import MAGIC, Step
from hwgen.cost.binary_cycles import step_cycles
from hwgen.generate.unit import binary_of
from hwgen.golden.accelerator.accelerator import Error, Stopped
from hwgen.golden.binary.accelerator import BinaryAccelerator

from .. import PERIOD_NS
from ..dot.piece_bench import rng

DESIGN = binary_of(Design.load(Path(os.environ["DESIGN"])))
FORMS = Descriptors.of(DESIGN)
DEPTH, SIZE, COLUMNS = DESIGN.program_words, DESIGN.activation_memory, DESIGN.columns
STRIDE = max(ceil_log2(COLUMNS), 2)
MARGIN = 8
"""Bytes before and behind the outputs of a step that are looked at, too."""
MOST, LONGEST = 5, 120
"""Column tiles and inputs of a step, if nothing is said of them."""
STOPPING = 120
"""Cycles: twice what a host takes to stop a step."""
TRIES = 200
"""Steps that are drawn for a damaged one whose end can be told."""
PATIENCE = max(10_000, 2 * DEPTH)
"""Cycles that an access takes at most, and a run 20 times as many."""


class Bench:
    """Writes steps and what they read, runs them, and compares what is in the memory then.

    Parameters
    ----------
    dut
        The accelerator, its bus exposed.
    """

    def __init__(self, dut):
        self.dut = dut
        self.random = rng()
        self.golden = BinaryAccelerator.of(DESIGN)
        self.words = np.zeros((DEPTH, COLUMNS), np.uint8)
        self.there = np.zeros(DEPTH, bool)  # which of them the accelerator has

    @classmethod
    async def set_up(cls, dut):
        """Return a bench whose clock runs, behind a reset, with anything in the activations."""
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        dut.bus__read.value = dut.bus__write.value = 0
        bench = cls(dut)
        await bench.reset()
        await bench.fill(bench.random.integers(-128, 128, SIZE))
        return bench

    async def reset(self):
        """Hold reset for one cycle."""
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def access(self, space, offset, given=None):
        """Read a word of four bytes, or write one; return what was read."""
        refused, found = await self.request(space, offset, given)
        assert not refused, f"no access to {space.name} at {offset}"
        return found

    async def request(self, space, offset, given=None, mask=15):
        """Read or write, sometimes a while later; return whether there is an error, and a word."""
        dut = self.dut
        for _ in range(random.choice((0, 0, 0, 1, 2))):
            await RisingEdge(dut.clk)
        dut.bus__address.value = int(space << SPACE_SHIFT | offset)
        dut.bus__mask.value = mask
        kind = dut.bus__read if given is None else dut.bus__write
        if given is not None:
            dut.bus__w_data.value = given
        kind.value = 1
        await RisingEdge(dut.clk)
        for _ in range(PATIENCE):
            if dut.bus__ack.value:
                break
            await RisingEdge(dut.clk)
        assert dut.bus__ack.value, f"no answer from space {space} at {offset}"
        kind.value = 0
        return bool(dut.bus__error.value), int(dut.bus__r_data.value)

    async def fill(self, values, first=0):
        """Write activations, from a multiple of four on."""
        self.golden.memory[first:first + len(values)] = values
        for offset in range(first, first + len(values), 4):
            await self.access(Space.ACTIVATIONS, offset, int.from_bytes(
                self.golden.memory[offset:offset + 4].tobytes(), "little"))

    async def write_program(self, places):
        """Write words of the program memory that the accelerator has not."""
        for place in places[~self.there[places]].tolist():
            word = self.words[place].tobytes()
            for low in range(0, COLUMNS, 4):
                await self.access(Space.PROGRAM, (place << STRIDE) + low,
                                  int.from_bytes(word[low:low + 4], "little"))
            self.there[place] = True

    async def compare(self, first, end):
        """Compare a part of the activations with what they should be."""
        first, end = max(first, 0) & ~3, min(end, SIZE)
        found = b"".join([(await self.access(Space.ACTIVATIONS, offset)).to_bytes(4, "little")
                          for offset in range(first, end, 4)])
        np.testing.assert_array_equal(np.frombuffer(found, np.int8)[:end - first],
                                      self.golden.memory[first:end])

    def step(self, *, tiles=None, pieces=None, row_bytes=None, last_columns=None, limits=None):
        """Return a step of any sizes that there is room for, and that reads nothing it writes."""
        draw = self.random.integers
        parts = [(0, middle := 4 * int(draw(1, SIZE // 4))), (middle, SIZE)]
        (begin, end), (left, right) = parts[::int(draw(2)) * 2 - 1]
        room = DEPTH - FORMS.words
        most = min(MOST if tiles is None else tiles, -(-(right - left) // COLUMNS),
                   room // (START_WORDS + min(pieces or 1, room - START_WORDS)))
        tiles = int(draw(1, most + 1)) if tiles is None else most
        columns = min(COLUMNS, right - left - (tiles - 1) * COLUMNS)
        last_columns = int(draw(1, columns + 1)) if last_columns is None \
            else min(last_columns, columns)
        count = (tiles - 1) * COLUMNS + last_columns
        row_bytes = int(draw(1, min(end - begin, LONGEST) + 1)) if row_bytes is None \
            else min(row_bytes, end - begin)
        if pieces is None:  # inputs that nothing meets, or weights that meet no input
            pieces = -(-row_bytes // DESIGN.rows) + int(draw(-1, 3))
        pieces = min(max(pieces, 1), room // tiles - START_WORDS)
        low, high = limits or draw(-128, 128, 2).tolist()
        return Step(
            last_columns=last_columns, low=low, high=high, tiles=tiles, pieces=pieces,
            program=int(draw(FORMS.words, DEPTH - tiles * (START_WORDS + pieces) + 1)),
            base=begin + int(draw(end - begin - row_bytes + 1)), row_bytes=row_bytes,
            output=left + DESIGN.lanes * int(draw((right - left - count) // DESIGN.lanes + 1)),
            **FORMS.same)

    def image(self, step, starts=None, weights=None, index=0):
        """Draw the words of a step, and keep its descriptor; return which words it takes.

        It becomes the step of that index.
        """
        draw, size = self.random.integers, START_WORDS + step.pieces
        words = draw(0, 256, (step.tiles, size, COLUMNS)) if weights is None \
            else np.full((step.tiles, size, COLUMNS), weights)
        if starts is None:  # from where products bring a sum to either side, or near 0
            middle = -DESIGN.rows * step.pieces
            far = abs(middle) + 150 if draw(2) else 100
            starts = draw(middle - far, middle + far, (step.tiles, 1, COLUMNS))
        starts = np.clip(np.broadcast_to(starts, (step.tiles, 1, COLUMNS)), -1 << 15, (1 << 15) - 1)
        words[:, 0], words[:, 1] = starts[:, 0] & 255, starts[:, 0] >> 8 & 255
        places = np.arange(step.program, step.program + step.tiles * size)
        self.words[places] = words.reshape(-1, COLUMNS)
        head = np.arange(FORMS.words) + index * FORMS.words
        self.words[head] = np.frombuffer(FORMS.write(step), np.uint8).reshape(-1, COLUMNS)
        places = np.concatenate([head, places])
        self.there[places] = False
        return places

    def damage(self, field, value):
        """Change a field of the first step's descriptor."""
        head = self.words[:FORMS.words].reshape(-1)
        low, bits, _ = BINARY_FIELDS[field]
        whole = int.from_bytes(head.tobytes(), "little")
        whole = whole & ~(((1 << bits) - 1) << low) | value << low
        head[:] = np.frombuffer(whole.to_bytes(len(head), "little"), np.uint8)

    def fields(self):
        """Return the fields of the first step's descriptor, as numbers without a sign."""
        whole = int.from_bytes(self.words[:FORMS.words].tobytes(), "little")
        return {name: whole >> low & (1 << bits) - 1
                for name, (low, bits, _) in BINARY_FIELDS.items()}

    async def start(self, watchdog=(1 << 32) - 1, index=0, count=1):
        """Run steps, by default the first one."""
        for register, value in ((Register.FIRST, index), (Register.COUNT, count),
                                (Register.WATCHDOG, watchdog), (Register.CONTROL, GO)):
            await self.access(Space.REGISTERS, register, value)
        await self.interrupts(0)

    async def interrupts(self, expected):
        """Check the interrupt in the next cycle."""
        await RisingEdge(self.dut.clk)
        assert int(self.dut.irq.value) == expected

    async def wait(self):
        """Wait until nothing runs, and for the interrupt; return the error."""
        for _ in range(PATIENCE):
            status = await self.access(Space.REGISTERS, Register.STATUS)
            if not status & 1:
                await self.interrupts(1)
                if random.random() < 0.5:
                    await self.access(Space.REGISTERS, Register.CONTROL, ACKNOWLEDGE)
                    await self.interrupts(0)
                return status >> 8 & 255
            for _ in range(20):
                await RisingEdge(self.dut.clk)
        raise AssertionError("it does not end")

    async def run(self, index=0, count=1):
        """Run steps; compare the error, and which step it was; return the error.

        Where there is one, their outputs may be anything.
        """
        error, last = 0, index + count - 1
        try:
            self.golden.run(self.words.astype(np.int8).tobytes(), count, index)
        except Stopped as stopped:
            error, last = stopped.error, stopped.step
        await self.start(index=index, count=count)
        assert await self.wait() == error, f"not error {error} at {index}"
        assert await self.access(Space.REGISTERS, Register.STATUS) >> 16 == last
        return error

    async def check(self, step, index=0, **words):
        """Run a step; compare its outputs, what is beside them, and its cycles."""
        await self.write_program(self.image(step, index=index, **words))
        self.golden.run(self.words.astype(np.int8).tobytes(), 1, index)
        await self.start(index=index)
        assert await self.wait() == 0
        cycles = await self.access(Space.REGISTERS, Register.CYCLES)
        assert cycles == step_cycles(step, COLUMNS, COLUMNS // DESIGN.lanes, FORMS.words), step
        if index < DESIGN.steps:
            assert await self.access(Space.COUNTERS, 4 * index) == cycles
        written = (step.tiles - 1) * COLUMNS + step.last_columns
        await self.compare(step.output - MARGIN, step.output + written + MARGIN)


def told_apart(fields):
    """Return whether a step reads nothing that it writes, and leaves one memory well first."""
    read = range(fields["base"], fields["base"] + fields["row_bytes"])
    written = range(fields["output"], fields["output"] + fields["tiles"] * COLUMNS)
    words = START_WORDS + fields["pieces"]
    there, room = (DEPTH - fields["program"]) // words, (SIZE - fields["output"]) // COLUMNS
    both = max(there, room) < fields["tiles"]
    return (max(read.start, written.start) >= min(read.stop, written.stop)
            and not (both and abs(there - room) < 8))


@cocotb.test()
async def test_random(dut):
    bench = await Bench.set_up(dut)
    for _ in range(40):
        await bench.check(bench.step())
    await bench.compare(0, SIZE)


@cocotb.test()
async def test_least(dut):
    """Each count at 1, and all of them."""
    bench = await Bench.set_up(dut)
    ones = {"tiles": 1, "pieces": 1, "row_bytes": 1, "last_columns": 1}
    for fields in [{name: 1} for name in ones] + [ones]:
        for _ in range(4):
            await bench.check(bench.step(**fields))


@cocotb.test()
async def test_most(dut):
    """Up to the last byte and the last word of the memories, in one column tile or in many."""
    bench = await Bench.set_up(dut)
    for fields in ({"tiles": 1, "pieces": DEPTH, "row_bytes": SIZE},
                   {"tiles": DEPTH, "last_columns": COLUMNS, "row_bytes": 1, "pieces": 1},
                   {"tiles": DEPTH, "last_columns": 1, "pieces": 2}):
        await bench.check(bench.step(**fields))
    await bench.compare(0, SIZE)


@cocotb.test()
async def test_each_index(dut):
    """A step may have any index that there is room for: no bit of its descriptor's place is lost.

    Where the others would read it, there is the descriptor of another step.
    """
    bench = await Bench.set_up(dut)
    last = min(DEPTH // FORMS.words, 1 << 16) - 1
    for index in sorted({*(1 << bit for bit in range(last.bit_length())), last}):
        head = range(index * FORMS.words, (index + 1) * FORMS.words)
        for other in {index & (index - 1), 0}:
            bench.image(bench.step(tiles=1, pieces=1), index=other)
        while True:
            step = bench.step(tiles=1, pieces=2)
            if step.program + START_WORDS + 2 <= head[0] or step.program > head[-1]:
                break
        await bench.check(step, index=index)


@cocotb.test()
async def test_stop(dut):
    """A step that is told to stop does so at once, with an error, and one that runs late, too."""
    bench = await Bench.set_up(dut)
    step = bench.step(tiles=1, pieces=DEPTH)
    await bench.write_program(bench.image(step))
    whole = step_cycles(step, COLUMNS, COLUMNS // DESIGN.lanes, FORMS.words)
    # In the smallest memories a step is over before the host can stop it.
    for share in (0.0, 0.3, 0.6) if whole > STOPPING else ():
        await bench.start()
        for _ in range(round(share * whole)):
            await RisingEdge(dut.clk)
        await bench.access(Space.REGISTERS, Register.CONTROL, STOP)
        assert await bench.wait() == Error.STOPPED
        cycles = await bench.access(Space.REGISTERS, Register.CYCLES)
        assert round(share * whole) <= cycles < round(share * whole) + STOPPING // 2 < whole
    for late in {1, whole // 2, max(whole - 20, 1)}:
        await bench.start(watchdog=late)
        assert await bench.wait() == Error.WATCHDOG
    for enough in (whole + 1, whole | 1 << 30):
        await bench.start(watchdog=enough)
        assert await bench.wait() == 0


@cocotb.test()
async def test_busy(dut):
    """While a step runs a host reads and writes registers, and nothing else."""
    bench = await Bench.set_up(dut)
    step = bench.step(tiles=1, pieces=DEPTH)
    await bench.check(step)
    if step_cycles(step, COLUMNS, COLUMNS // DESIGN.lanes, FORMS.words) > STOPPING:
        for space in (Space.PROGRAM, Space.ACTIVATIONS, Space.COUNTERS):
            for given in (None, 0):
                await bench.start()
                assert (await bench.request(space, 0, given))[0], (space, given)
                assert await bench.access(Space.REGISTERS, Register.FIRST) == 0
                assert await bench.wait() == 0
        await bench.compare(0, SIZE)
        await bench.check(step)


@cocotb.test()
async def test_extremes(dut):
    """All inputs at an end, all weights alike, and sums that are far from 0, or wrap."""
    bench = await Bench.set_up(dut)
    for value, weights in product((-128, 127, -1, 0), (0, 255)):
        for starts, limits in product((-1 << 15, (1 << 15) - 1, 0, -1), ((-128, 127), (127, -128))):
            step = bench.step(limits=limits, tiles=2)
            await bench.fill(np.full(step.row_bytes + 3, value)[:SIZE - step.base], step.base & ~3)
            await bench.check(step, starts=starts, weights=weights)


@cocotb.test()
async def test_stopped(dut):
    """Nothing is left of a step that was stopped, or reset, anywhere."""
    bench = await Bench.set_up(dut)
    for cycles in range(1, 60, 5):
        step = bench.step(tiles=2, pieces=6)
        await bench.write_program(bench.image(step))
        await bench.start()
        for _ in range(cycles):
            await RisingEdge(dut.clk)
        if random.random() < 0.5:
            await bench.reset()
        else:
            await bench.access(Space.REGISTERS, Register.CONTROL, STOP)
            assert await bench.wait() in (0, Error.STOPPED)
        first = step.output & ~3
        await bench.fill(bench.random.integers(
            -128, 128, min(-(-step.tiles * COLUMNS // 4) * 4 + 4, SIZE - first)), first)
        await bench.check(bench.step())


@cocotb.test()
async def test_registers(dut):
    """What was written is there, in every bit, however long nothing happens."""
    bench = await Bench.set_up(dut)
    registers = {Register.FIRST: 16, Register.COUNT: 16, Register.WATCHDOG: 32}
    for _ in range(12):
        given = {register: random.getrandbits(32) for register in registers}
        for register, value in given.items():
            await bench.access(Space.REGISTERS, register, value)
        for register, bits in registers.items():
            assert await bench.access(Space.REGISTERS, register) == given[register] % (1 << bits)
    for register, value in ((Register.IDENTITY, IDENTITY), (Register.CONTROL, 0)):
        assert await bench.access(Space.REGISTERS, register) == value


@cocotb.test()
async def test_program(dut):
    """The program memory can be read."""
    bench = await Bench.set_up(dut)
    bench.words[:] = bench.random.integers(0, 256, bench.words.shape)
    await bench.write_program(np.arange(DEPTH))
    for place in {0, DEPTH - 1, *bench.random.integers(0, DEPTH, 30).tolist()}:
        for low in range(0, COLUMNS, 4):
            word = bench.words[place, low:low + 4].tobytes()
            assert await bench.access(Space.PROGRAM, (place << STRIDE) + low) \
                == int.from_bytes(word, "little")


@cocotb.test()
async def test_outside(dut):
    """Where nothing is, nothing is read or written, whatever bit of an address says so."""
    bench = await Bench.set_up(dut)
    sizes = {Space.REGISTERS: 32, Space.ACTIVATIONS: SIZE, Space.PROGRAM: DEPTH << STRIDE,
             Space.COUNTERS: 4 * DESIGN.steps}
    for space, size in sizes.items():
        for offset in [size] + [1 << bit for bit in range(2, 24) if 1 << bit >= size]:
            for given in (None, 0):
                assert (await bench.request(space, offset, given))[0], (space, offset, given)
    for space in [*range(len(sizes), 8), 16, 32, 64, 128]:
        assert (await bench.request(space, 0))[0], space
    for space in (Space.REGISTERS, Space.PROGRAM):
        assert (await bench.request(space, Register.FIRST, 0, mask=7))[0], space
    assert (await bench.request(Space.COUNTERS, 0, 0))[0]
    await bench.compare(0, SIZE)


@cocotb.test()
async def test_many_steps(dut):
    """As many as there is room for, one after the other; behind them there is none."""
    bench = await Bench.set_up(dut)
    program = DEPTH - START_WORDS - 1
    steps = [bench.step(tiles=1, pieces=1).replace(program=program)
             for _ in range(min(program // FORMS.words, 1 << 16))]
    bench.words[program:] = 0  # no descriptor begins with that
    for index, step in enumerate(steps):
        bench.image(step, index=index, weights=0)
    await bench.write_program(np.arange(DEPTH))
    each = [step_cycles(step, COLUMNS, COLUMNS // DESIGN.lanes, FORMS.words) for step in steps]
    for first in {min(1, len(steps) - 1), 0}:  # an even and an odd number of them
        assert await bench.run(first, len(steps) - first) == 0
        assert await bench.access(Space.REGISTERS, Register.CYCLES) == sum(each[first:])
    for index, cycles in enumerate(each[:DESIGN.steps]):
        assert await bench.access(Space.COUNTERS, 4 * index) == cycles
    await bench.compare(0, SIZE)
    behind = -(-program // FORMS.words)
    for bit in range(16):
        await bench.run(len(steps) - 1, max(1 << bit, 2))
        if 1 << bit >= behind:
            await bench.run(1 << bit, 1)
    await bench.compare(0, SIZE)


@cocotb.test()
async def test_each_bit(dut):
    """Each bit of a descriptor counts: a step stops as it should, or does as it says."""
    bench = await Bench.set_up(dut)
    await bench.write_program(np.arange(DEPTH))
    for field, (_, bits, _) in BINARY_FIELDS.items():
        # Of a count that is far too large the low bits are that of a small one, too.
        far = [1 << bit | 2 for bit in range(DEPTH.bit_length(), bits)]
        for value in [0] + [1 << bit for bit in range(bits)] + far * (field == "pieces"):
            for _ in range(TRIES):
                step = bench.step(tiles=1, pieces=2, row_bytes=1 + random.getrandbits(2))
                bench.image(step)
                bench.damage(field, MAGIC ^ value if field == "magic" else value)
                now = bench.fields()
                if told_apart(now):
                    break
            else:
                continue  # memories so small that both end at once
            await bench.write_program(np.arange(DEPTH))
            if await bench.run() != 0:
                first = now["output"] & ~3
                end = min(-(-(first + now["tiles"] * COLUMNS + 4) // 4) * 4, SIZE)
                if first < end:
                    await bench.fill(bench.random.integers(-128, 128, end - first), first)
            else:
                await bench.compare(now["output"], now["output"] + now["tiles"] * COLUMNS)
    await bench.compare(0, SIZE)


@cocotb.test()
async def test_many_inputs(dut):
    """Nearly all activations are inputs, and each of them matters."""
    bench = await Bench.set_up(dut)
    enough = min(SIZE * 7 // 8, SIZE - 4)  # outputs take the other bytes
    for _ in range(4):
        step = bench.step(tiles=1, pieces=DEPTH, row_bytes=SIZE, limits=(-128, 127))
        while step.row_bytes < enough:
            step = bench.step(tiles=1, pieces=DEPTH, row_bytes=SIZE, limits=(-128, 127))
        middle = -DESIGN.rows * step.pieces
        await bench.check(step, starts=bench.random.integers(middle - 9, middle + 9, COLUMNS))


@cocotb.test()
async def test_clamps(dut):
    """Sums beside the limits, whatever their signs, and far beyond."""
    bench = await Bench.set_up(dut)
    draw = bench.random.integers
    for low, high in ((-128, -100), (-50, -5), (-9, 0), (-1, 1), (0, 9), (5, 50), (100, 127)) * 2:
        step = bench.step(limits=(low, high), tiles=2)
        await bench.fill(draw(0, 128, step.row_bytes + 3)[:SIZE - step.base], step.base & ~3)
        near = draw(low - 3, high + 4, (step.tiles, 1, COLUMNS))
        far = (1 << draw(15, size=near.shape)) * draw(-1, 2, near.shape)
        sums = np.where(draw(4, size=near.shape), near, near + far)
        await bench.check(step, starts=sums - 2 * DESIGN.rows * step.pieces, weights=255)
