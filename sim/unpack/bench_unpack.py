"""The unpacker with the parameters in ``$UNIT``: golden words, in the golden cycles.

Nothing outside can hold up the unpacker: it has its memory for itself. What waits is within it:
all that it reads, while it writes a word. How often that is hangs on the weights, so that there are
all kinds of them; and steps begin whenever the one before has ended, or some time later.
"""

import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.arch.steps import Mode, Step
from hwgen.golden.unpack.unpack import Packing, parameter_words, unpack, written_words

from .. import PERIOD_NS
from ..units import unit_under_test
from .packings import WEIGHTS, words_of

UNIT = unit_under_test("unpack")
ROWS, COLUMNS, WORDS = UNIT.rows, UNIT.columns, UNIT.words
BIG = 6000
"""Bytes of weights of a step in this bench, at most."""
READING = UNIT.reading + 2
"""Cycles from one word that is read to the next one, at least."""
QUIET = 60
"""Cycles in which a step would write, that has begun although it must not."""


class Bench:
    """The unpacker, and a memory of its own."""

    def __init__(self, dut):
        self.dut = dut
        self.rng = np.random.default_rng(random.getrandbits(32))
        self.memory = self.junk(WORDS)
        self.way, self.writes = [], False  # what is on its way from the memory, and to it

    def junk(self, words):
        """Return words of random bytes."""
        return self.rng.integers(0, 256, (words, COLUMNS), np.uint8)

    def number(self):
        """Return a random word as a number."""
        return random.getrandbits(8 * COLUMNS)

    async def begin(self):
        """Start, and reset."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        self.dut.start.value = 0
        self.dut.descriptor.value = 0
        await self.reset()

    async def reset(self):
        """Hold reset for a cycle, as an accelerator does that stops a step."""
        self.dut.rst.value = 1
        await self.cycle()
        self.dut.rst.value = 0
        await self.cycle()
        assert not self.writes

    async def cycle(self):
        """Let a cycle pass; return whether the step has ended in it, and whether with an error.

        A word that is read while one is written may be anything, and so may be one beyond the end.
        """
        dut = self.dut
        await RisingEdge(dut.clk)
        address = dut.address.value
        read = self.number()
        if self.writes:
            assert address.is_resolvable and int(address) < WORDS, "a word outside is written"
            self.memory[int(address)] = list(int(dut.data.value).to_bytes(COLUMNS, "little"))
            self.written.append(int(address))
        elif address.is_resolvable and int(address) < WORDS:
            read = int.from_bytes(self.memory[int(address)].tobytes(), "little")
        self.way = [*self.way, read][-UNIT.reading:]
        dut.word.value = self.way[0]
        self.writes = bool(dut.write.value)
        ends = bool(dut.done.value), bool(dut.error.value)
        assert not (any(ends) and dut.busy.value), "it is busy although it has ended"
        return ends

    async def do(self, step, until=None):
        """Do a step; return the cycles from its start to its end, and whether it was an error.

        With ``until`` it is left after so many cycles.
        """
        dut, self.written = self.dut, []
        dut.descriptor.value = int.from_bytes(step.to_words().tobytes(), "little")
        for _ in range(2 + random.choice([0, 0, 1, 5])):
            assert await self.cycle() == (False, False) and not self.writes
        dut.start.value = 1
        budget = 100 + 2 * cycles_of(step)
        for cycle in range(min(budget, until or budget)):
            done, error = await self.cycle()
            assert cycle == 0 or done or error or dut.busy.value, "it is not busy"
            dut.start.value = 0
            if done or error:
                assert not (done and error) and not self.writes
                # What goes on behind an error is seen only by whoever waits.
                for _ in range(random.choice([1, 4, QUIET]) if error else random.choice([1, 1, 4])):
                    assert await self.cycle() == (False, False) and not self.writes
                    assert not dut.busy.value
                return cycle, error
        assert until, f"a step has not ended after {budget} cycles"
        return until, False

    async def check(self, step):
        """Do a step, and hold its words, and its cycles, to the golden model."""
        before, wanted = self.memory.copy(), self.memory.copy()
        fits = unpack(step, wanted, ROWS)
        cycles, error = await self.do(step)
        assert error == (not fits), step
        assert len(set(self.written)) == len(self.written), "a word is written twice"
        if fits:
            assert cycles == cycles_of(step) + UNIT.latency, step
            assert len(self.written) == written_words(step), step
            np.testing.assert_array_equal(self.memory, wanted)
            return
        there = np.arange(step.output, min(step.output + written_words(step), WORDS))
        assert set(self.written) <= set(there.tolist())
        before[there] = self.memory[there]
        np.testing.assert_array_equal(self.memory, before)

    def step(self, kind, tiles, passes, per_tile, *, big=BIG, **options):
        """Put packed weights somewhere; return the step that unpacks them elsewhere, or None.

        None is where there is no room.
        """
        length = max(1, min(passes, big // (tiles * ROWS * COLUMNS))) * ROWS
        length += int(self.rng.integers(3))  # more than the array's passes
        weights = WEIGHTS[kind](self.rng, (tiles, length, COLUMNS))
        words, fields, expected = words_of(self.rng, ROWS, weights, per_tile, **options)
        spare = WORDS - len(words) - len(expected)
        if spare < 0:
            return None
        low, high = sorted(self.rng.integers(0, spare + 1, 2).tolist())
        first, output = (low, high + len(words)) if self.rng.random() < 0.5 else \
            (high + len(expected), low)
        self.memory[first:first + len(words)] = words
        return Step(mode=Mode.UNPACK, last_columns=1, program=first, output=output, **fields)

    def fitting(self):
        """Return a step of many weights, or, where there is no room, one of one entry."""
        for tiles, passes in ((2, 2), (2, 1), (1, 1)):
            step = self.step("a quarter", tiles, passes, True)
            if step:
                return step
        return plain(parameters_per_tile=True, output=WORDS - written_words(plain()))


def cycles_of(step):
    """Return the golden cycles of a step."""
    return Packing.of(step, COLUMNS).cycles(step, READING)


def plain(**fields):
    """Return a step of few entries, one of padding, that fits any array unless fields say else."""
    packing = Packing(COLUMNS, 8, book=False)
    return Step(mode=Mode.UNPACK, last_columns=1, weight_format=packing.code,
                **{"slots": 1, "tile_step": ROWS, "row_bytes": 1} | fields)


@cocotb.test()
@cocotb.parametrize(kind=list(WEIGHTS))
async def test_weights(dut, kind):
    """Weights of each kind, in steps of one column tile and of several, one after the other."""
    bench = Bench(dut)
    await bench.begin()
    for tiles, passes, per_tile in ((1, 1, False), (1, 2, True), (2, 3, False), (3, 1, True),
                                    (5, 4, False), (5, 4, True)):
        step = bench.step(kind, tiles, passes, per_tile)
        if step:
            await bench.check(step)


@cocotb.test()
async def test_book_of_all_bytes(dut):
    """A codebook of 256 weights."""
    bench = Bench(dut)
    await bench.begin()
    for per_tile in (False, True):
        step = bench.step("all", 2, 1, per_tile, book=True)
        if step:
            await bench.check(step)


@cocotb.test()
async def test_ends_of_the_memory(dut):
    """The first words and the last ones are read and written, and none beyond them."""
    bench = Bench(dut)
    await bench.begin()
    for by in (0, 1, 2, 40):
        for first in (True, False):
            step = bench.fitting()
            count = Packing.of(step, COLUMNS).words(step)
            source = bench.memory[step.program:step.program + count].copy()
            program, output = (0, WORDS - written_words(step)) if first else (WORDS - count, 0)
            bench.memory[program:program + count] = source
            if by == 0:
                assert program + count <= output or output + written_words(step) <= program
            step = step.replace(program=program + by * (not first), output=output + by * first)
            await bench.check(step)
    for output in (WORDS, WORDS + 1, 1 << 20, (1 << 32) - 1):
        await bench.check(step.replace(output=output))


@cocotb.test()
async def test_any_entries(dut):
    """Entries that no encoder makes, too few and too many of them, in any step that there is."""
    bench = Bench(dut)
    await bench.begin()
    for number in range(24):
        tiles = int(bench.rng.integers(1, 5))
        length = ROWS + int(bench.rng.integers(0, 2 * ROWS))
        packing = Packing(COLUMNS, (4, 8)[number % 2], number % 4 > 1)
        step = Step(mode=Mode.UNPACK, last_columns=1, slots=tiles, tile_step=length,
                    row_bytes=int(bench.rng.integers(1, 2 * tiles * length * COLUMNS)),
                    weight_format=packing.code, parameters_per_tile=bool(bench.rng.integers(2)))
        reads, writes = packing.words(step), written_words(step)
        if reads + writes > WORDS:
            continue
        full = bench.junk(reads)
        full[bench.rng.random(full.shape) < bench.rng.choice([0, 0.05, 0.3])] = 0xff  # padding
        bench.memory[writes:writes + reads] = full
        assert parameter_words(step) <= reads
        await bench.check(step.replace(program=writes))


@cocotb.test()
async def test_full(dut):
    """Each count as large as the memory has room for: entries, words of a tile, and tiles."""
    bench = Bench(dut)
    await bench.begin()
    packing = Packing.of(plain(), COLUMNS)
    beside = parameter_words(plain())
    few = plain(parameters_per_tile=True)
    per_tile = parameter_words(few) + ROWS
    room = WORDS - 2 * beside - ROWS
    steps = (plain(row_bytes=room * packing.per_word), plain(tile_step=ROWS + room - 1),
             plain(slots=(ROWS + room - 1) // ROWS),
             few.replace(slots=(WORDS - 1) // (per_tile + beside)))
    for number, step in enumerate(steps):
        reads, writes = packing.words(step), written_words(step)
        assert reads + writes <= WORDS and reads + writes > WORDS - 2 * (per_tile + beside)
        source = bench.junk(reads)
        # Hardly any padding, so that some words are reached, and then very much.
        source[reads // 2:][bench.rng.random(source[reads // 2:].shape) < 0.5] = 0xff
        program, output = ((0, WORDS - writes), (WORDS - reads, 0))[number % 2]
        bench.memory[program:program + reads] = source
        await bench.check(step.replace(program=program, output=output))


@cocotb.test()
@cocotb.parametrize(tiles=[1, 3])
async def test_far(dut, tiles):
    """Weights all over a tile as large as the memory has room for, and over all of several."""
    bench = Bench(dut)
    await bench.begin()
    for kind in ("few", "sixteen"):
        passes, step = (WORDS // tiles) // ROWS, None
        while passes and step is None:
            step = bench.step(kind, tiles, passes, True, big=WORDS * COLUMNS)
            passes = passes * 7 // 8
        if step:
            await bench.check(step)


@cocotb.test()
@cocotb.parametrize(name=["slots", "tile_step", "row_bytes", "output"])
async def test_each_bit(dut, name):
    """No bit of a count is left out: what is far too much runs out of the memory."""
    bench = Bench(dut)
    await bench.begin()
    bits = {"slots": 16, "tile_step": 16, "row_bytes": 32, "output": 32}[name]
    for per_tile in (False, True):
        small = plain(parameters_per_tile=per_tile)
        reads, writes = Packing.of(small, COLUMNS).words(small), written_words(small)
        # What would be right without the bit ends in the last word.
        small = small.replace(program=WORDS - reads) if name == "row_bytes" else \
            small.replace(output=WORDS - writes)
        for bit in range(bits):
            bench.memory[small.program:][:reads] = bench.junk(reads)
            await bench.check(small.replace(**{name: getattr(small, name) | 1 << bit}))


@cocotb.test()
async def test_reset(dut):
    """Wherever a step is stopped, nothing is left of it."""
    bench = Bench(dut)
    await bench.begin()
    step = bench.fitting()
    total = cycles_of(step)
    for until in (1, 2, 3, 20, *random.sample(range(4, total), 12), total - 1):
        await bench.do(step, until=until)
        await bench.reset()
        at = bench.memory.copy()
        for _ in range(20):
            assert await bench.cycle() == (False, False) and not bench.writes
        np.testing.assert_array_equal(bench.memory, at)
        await bench.check(step)
