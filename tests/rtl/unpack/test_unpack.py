# amaranth: UnusedElaboratable=no
"""Packed weights: what the compiler packs, the golden model and the hardware unpack."""

import numpy as np
import pytest

from hwgen.golden.unpack.unpack import READING, Packing, unpack
from hwgen.rtl.unpack.unpack import Unpack
from sim.regression import simulate_unit as simulate
from sim.unpack.packings import WEIGHTS, case

from ... import bench
from ...cases import quick

SHAPES = [(4, 4), (5, 11), (9, 16), (3, 7)]
"""Rows and columns."""


@pytest.mark.parametrize("rows, columns", SHAPES)
@pytest.mark.parametrize("kind", WEIGHTS)
def test_model(rows, columns, kind):
    """What is packed is what is unpacked, and nothing else is written."""
    rng = np.random.default_rng(rows)
    for tiles, passes, per_tile in ((1, 1, False), (1, 3, True), (3, 2, False), (4, 5, True)):
        memory, step, expected = case(rng, rows, columns, kind, tiles, passes, per_tile)
        wanted = memory.copy()
        wanted[step.output:step.output + len(expected)] = expected
        assert unpack(step, memory, rows)
        np.testing.assert_array_equal(memory, wanted)


def simulated(rows, memory, step, reading=READING - 2):
    """Return what hardware makes of a memory, its cycles, and whether it was an error."""
    memory, columns = memory.copy(), memory.shape[1]
    dut = Unpack(rows, columns, len(memory), reading)
    found = {}

    async def run(ctx):
        way = [0] * reading
        write = False
        words = [int.from_bytes(row.tobytes(), "little") for row in memory]
        ctx.set(dut.descriptor, dut.descriptor.shape().from_bits(
            int.from_bytes(step.to_words().tobytes(), "little")))
        await ctx.tick().repeat(2)
        ctx.set(dut.start, 1)
        while True:
            address = ctx.get(dut.address)
            if write:
                words[address] = ctx.get(dut.data)
                way.append(None)  # what is read in that cycle is not defined
            else:
                way.append(words[address] if address < len(words) else 0)
            word = way.pop(0)
            ctx.set(dut.word, 0x55 if word is None else word)
            write = ctx.get(dut.write)
            if ctx.get(dut.done) or ctx.get(dut.error):
                break
            await ctx.tick()
            ctx.set(dut.start, 0)
            found["cycles"] = found.get("cycles", 0) + 1
        found.update(error=bool(ctx.get(dut.error)))
        memory[:] = [list(word.to_bytes(columns, "little")) for word in words]

    bench.simulate(dut, run, budget=30_000)
    return memory, found["cycles"], found["error"]


def hold(rows, memory, step, reading=READING - 2):
    """Hold hardware to the model, in what is written, in which cycle it ends, and whether so."""
    found, cycles, error = simulated(rows, memory, step, reading)
    assert error == (not unpack(step, memory, rows))
    if not error:
        np.testing.assert_array_equal(found, memory)
        packing = Packing.of(step, memory.shape[1])
        assert cycles == packing.cycles(step, reading + 2) + Unpack.latency


@pytest.mark.parametrize("number, kind", list(enumerate(WEIGHTS)))
def test_matches_model(number, kind):
    rng = np.random.default_rng(number)
    rows, columns = SHAPES[number % 4]
    for tiles, passes, per_tile in ((1, 1, False), (2, 2, number % 2 == 0)):
        hold(rows, *case(rng, rows, columns, kind, tiles, passes, per_tile)[:2])


@pytest.mark.parametrize("rows, columns", [(4, 4), (5, 11)])
def test_book_of_all_bytes(rows, columns):
    """A codebook of 256 weights, which the compiler has no use for."""
    rng = np.random.default_rng(rows)
    memory, step, expected = case(rng, rows, columns, "all", 2, 2, True, book=True)
    wanted = memory.copy()
    wanted[step.output:step.output + len(expected)] = expected
    hold(rows, memory, step)
    np.testing.assert_array_equal(memory, wanted)


@pytest.mark.parametrize("seed", range(4))
def test_any_entries(seed):
    """Entries that no encoder makes, too few and too many of them: what comes is as long."""
    rng = np.random.default_rng(seed)
    rows, columns = SHAPES[seed % 4]
    memory, step, _ = case(rng, rows, columns, "a quarter", 2, 2, True, book=seed == 1)
    count = int(rng.integers(1, 2 * step.row_bytes))
    packing = Packing.of(step, columns)
    words = packing.words(step.replace(row_bytes=count))
    full = rng.integers(0, 256, (words + 9, columns), np.uint8)
    full[rng.random(full.shape) < 0.3] = 0xff  # padding
    memory = np.concatenate([memory, full])
    hold(rows, memory, step.replace(program=len(memory) - words, row_bytes=count))


@pytest.mark.parametrize("fields", [{"program": 1}, {"output": 1}, {"output": 30},
                                    {"output": 1 << 20}, {"row_bytes": 1 << 20}, {"slots": 40}])
def test_outside(fields):
    """What is read or written behind the end of the memory is an error; nothing is written there.

    1 and 30 are added to where it was, or would be, in the last words of the memory.
    """
    rng = np.random.default_rng(1)
    memory, step, expected = case(rng, 5, 11, "a quarter", 2, 2, True)
    of = Packing.of(step, 11).words(step)
    last = {"program": len(memory) - of, "output": len(memory) - len(expected)}
    if fields.get("output", 99) < 40 or "program" in fields:
        fields = {name: last[name] + by for name, by in fields.items()}
    step = step.replace(**fields)
    assert not unpack(step, memory.copy(), 5)
    hold(5, memory, step)


@pytest.mark.parametrize("reading", [1, 2, 8])
def test_reading(reading):
    """A memory that answers sooner or later than an accelerator's."""
    rng = np.random.default_rng(reading)
    hold(3, *case(rng, 3, 7, "a quarter", 2, 2, True, book=True)[:2], reading)


COCOTB = {
    "small": {"rows": 3, "columns": 5, "words": 400, "reading": READING - 2},
    "square": {"rows": 4, "columns": 4, "words": 500, "reading": READING - 2},
    "odd": {"rows": 5, "columns": 11, "words": 640, "reading": READING - 2},
    "large": {"rows": 9, "columns": 16, "words": 1024, "reading": READING - 2},
    "wide": {"rows": 4, "columns": 32, "words": 700, "reading": READING - 2},
}


@pytest.mark.parametrize("name", quick(COCOTB, "small"))
def test_verilog_matches_model(name, tmp_path):
    simulate("unpack", tmp_path, **COCOTB[name]).check()
