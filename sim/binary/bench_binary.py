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

from hwgen.arch.descriptors import START_WORDS, Descriptors
from hwgen.arch.design import Design
from hwgen.arch.registers import GO, SPACE_SHIFT, STOP, Register, Space
from hwgen.arch.steps import Step
from hwgen.cost.binary_cycles import step_cycles
from hwgen.generate.unit import binary_of
from hwgen.golden.accelerator.accelerator import Error
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
PATIENCE = 10_000
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

    async def access(self, space, offset, given=None, mask=15):
        """Read a word of four bytes, or write one; return what was read."""
        dut = self.dut
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
        assert dut.bus__ack.value, f"no answer from {space.name} at {offset}"
        kind.value = 0
        assert not dut.bus__error.value, f"no access to {space.name} at {offset}"
        return int(dut.bus__r_data.value)

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
        if starts is None:  # from where products bring a sum to either side
            least = -DESIGN.rows * step.pieces - 150
            starts = draw(2 * least, 150, (step.tiles, 1, COLUMNS))
        starts = np.clip(np.broadcast_to(starts, (step.tiles, 1, COLUMNS)), -1 << 15, (1 << 15) - 1)
        words[:, 0], words[:, 1] = starts[:, 0] & 255, starts[:, 0] >> 8 & 255
        places = np.arange(step.program, step.program + step.tiles * size)
        self.words[places] = words.reshape(-1, COLUMNS)
        head = np.arange(FORMS.words) + index * FORMS.words
        self.words[head] = np.frombuffer(FORMS.write(step), np.uint8).reshape(-1, COLUMNS)
        places = np.concatenate([head, places])
        self.there[places] = False
        return places

    async def start(self, watchdog=(1 << 32) - 1, index=0):
        """Run a step, the first one by default."""
        for register, value in ((Register.FIRST, index), (Register.COUNT, 1),
                                (Register.WATCHDOG, watchdog), (Register.CONTROL, GO)):
            await self.access(Space.REGISTERS, register, value)

    async def wait(self):
        """Wait until nothing runs; return the error."""
        for _ in range(PATIENCE):
            status = await self.access(Space.REGISTERS, Register.STATUS)
            if not status & 1:
                return status >> 8 & 255
            for _ in range(20):
                await RisingEdge(self.dut.clk)
        raise AssertionError("it does not end")

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
