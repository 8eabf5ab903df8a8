# amaranth: UnusedElaboratable=no
"""Packed weights: what the compiler packs, the golden model and the hardware unpack."""

import numpy as np
import pytest

from hwgen.compiler.packing import packed
from hwgen.golden.unpack import READING, Packing, unpack
from hwgen.rtl.unpack import Unpack
from hwgen.steps import PARAMETER_WORDS, Mode, Step

from . import bench

SHAPES = [(4, 4), (5, 11), (9, 16), (3, 7)]
"""Rows and columns."""
WEIGHTS = {
    "a quarter": lambda rng, shape: some(rng, shape, 0.25, range(-128, 128)),
    "all": lambda rng, shape: some(rng, shape, 1.0, range(-128, 128)),
    "none": lambda rng, shape: np.zeros(shape, np.int8),
    "few": lambda rng, shape: some(rng, shape, 0.005, range(-128, 128)),
    "small": lambda rng, shape: some(rng, shape, 0.3, range(-8, 8)),
    "two": lambda rng, shape: some(rng, shape, 0.3, (-100, 77)),
    "one": lambda rng, shape: some(rng, shape, 0.3, (100,)),
    "sixteen": lambda rng, shape: some(rng, shape, 0.3, range(-128, 128, 16)),
}


def some(rng, shape, density, values):
    """Return weights of which so many are not 0."""
    return np.where(rng.random(shape) < density, rng.choice(list(values), shape), 0).astype(np.int8)


def case(rng, rows, columns, kind, tiles, passes, per_tile, *, book=False):
    """Return a memory, a step that unpacks what is in it, and the words that shall come."""
    weights = WEIGHTS[kind](rng, (tiles, passes * rows, columns)).view(np.uint8)
    parameters = rng.integers(0, 256, (PARAMETER_WORDS * (tiles if per_tile else 1), columns),
                              np.uint8)
    words, fields = (packed_by_book if book else packed)(weights, parameters)
    of_tiles = np.split(parameters, len(parameters) // PARAMETER_WORDS)
    expected = np.concatenate([
        part for tile, each in enumerate(weights)
        for part in (each[:rows], *(of_tiles[tile:tile + 1]), each[rows:])])
    memory = rng.integers(0, 256, (len(words) + len(expected) + 7, columns), np.uint8)
    first, output = (0, len(words) + 3) if rng.random() < 0.5 else (len(expected) + 7, 0)
    memory[first:first + len(words)] = words
    step = Step(mode=Mode.UNPACK, last_columns=1, program=first, output=output,
                parameters_per_tile=per_tile, **fields)
    return memory, step, expected


def packed_by_book(weights, parameters):
    """Return weights by way of a codebook of all bytes."""
    words, fields = packed(weights, parameters)
    columns = weights.shape[2]
    form = Packing(columns, 8, book=True)
    plain = Packing(columns, 8, book=False)
    assert fields["weight_format"] == plain.code
    entries = plain.entries(words[len(parameters):], fields["row_bytes"])
    order = np.random.default_rng(5).permutation(256)
    values = np.where(entries & 15 == 15, entries >> 4, np.argsort(order)[entries >> 4])
    codes = np.zeros(form.book_words * columns, np.uint8)
    codes[:256] = order
    return np.concatenate([parameters, codes.reshape(-1, columns), form.packed(
        values << 4 | entries & 15)]), fields | {"weight_format": form.code}


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


def hold(rows, memory, step):
    """Hold hardware to the model, in what is written, in which cycle it ends, and whether so."""
    found, cycles, error = simulated(rows, memory, step)
    assert error == (not unpack(step, memory, rows))
    if not error:
        np.testing.assert_array_equal(found, memory)
        assert cycles == Packing.of(step, memory.shape[1]).cycles(step) + Unpack.latency


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
