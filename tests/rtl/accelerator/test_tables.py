# amaranth: UnusedElaboratable=no
"""Tables behind the lanes: the unit alone, and whole networks on the Verilog of all engines."""

import numpy as np
import pytest

from hwgen.network.tflite import reading as tflite
from hwgen.rtl.accelerator.tables import Tables

from ...bench import simulate
from ...cases import quick, some
from ...compiler.test_tables import any_chain, by_turns, every_byte
from ...compiler_bench import design, inputs_of
from ...tflite_writer import CURVES, Graph, random_layer
from .both_ways import hold
from .every_part import COMPACT, FAST

SIZES = [(4, 1, 1, 70, 7, False), (5, 3, 3, 99, 7, False), (8, 8, 7, 256, 3, False),
         (2, 1, 2, 200, 1, True), (17, 2, 4, 64, 2, True)]
"""Columns, lanes, tables, words, reading, quick."""


def power(count):
    """Return the power of two that holds so many."""
    return 1 << (count - 1).bit_length()


@pytest.mark.parametrize("sizes", SIZES)
def test_every_byte_of_every_table(sizes):
    """In each lane, with any table or none in each cycle, and behind each that was filled."""
    columns, lanes, count, words, reading, quick = sizes
    dut = Tables(columns, lanes, count, words, reading, quick=quick)
    rng = np.random.default_rng(columns)
    image = rng.integers(0, 256, (words, columns))
    needed = -(-256 // columns)
    held = {}

    async def fill(ctx, number, first):
        """Fill a table; return the cycle in which that is done."""
        ctx.set(dut.descriptor, {"table": number, "program": first})
        addresses = [0] * reading
        for cycle in range(dut.cycles + 4):
            ctx.set(dut.start, cycle == 0)
            ctx.set(dut.word, int.from_bytes(bytes(image[addresses[-reading]].tolist()), "little"))
            addresses.append(ctx.get(dut.address) if ctx.get(dut.busy) else
                             int(rng.integers(words)))
            assert not ctx.get(dut.error)
            if ctx.get(dut.done):
                held[number % power(count)] = image[first:].reshape(-1)[:256]
                return cycle
            await ctx.tick()
        raise AssertionError("a table is never there")

    async def look_up(ctx):
        """Send each byte in each lane, now and then as it is."""
        sent = []
        order = np.stack([rng.permutation(256) for _ in range(lanes)])
        for cycle in range(256 + dut.latency):
            if cycle >= dut.latency:
                number, given = sent[cycle - dut.latency]
                expected = held[number % power(count)][given] if number else given
                found = ctx.get(dut.o).to_bytes(lanes, "little")
                assert list(found) == expected.tolist(), (cycle, number)
            if cycle < 256:
                numbers = [0, *(key or power(count) for key in held)]
                sent.append((int(rng.choice([n for n in numbers if n < 8])), order[:, cycle]))
                ctx.set(dut.descriptor, {"table": sent[-1][0], "program": 0})
                ctx.set(dut.bytes, int.from_bytes(bytes(order[:, cycle].tolist()), "little"))
            await ctx.tick()

    async def bench(ctx):
        for number in [*range(1, min(power(count), 7) + 1), 1, count]:
            first = int(rng.choice([0, words - needed, rng.integers(words - needed + 1)]))
            assert await fill(ctx, number, first) == dut.cycles
            await ctx.tick().repeat(3)
            await look_up(ctx)

    simulate(dut, bench, budget=20000)


@pytest.mark.parametrize("sizes", SIZES)
def test_outside(sizes):
    """Of a table whose words are not all there nothing is read: the others stay as they are."""
    columns, lanes, count, words, reading, quick = sizes
    dut = Tables(columns, lanes, count, words, reading, quick=quick)
    needed = -(-256 // columns)

    async def bench(ctx):
        for first in (0, 1, *range(words - needed - 1, words)):
            ctx.set(dut.descriptor, {"table": 1, "program": first})
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            assert ctx.get(dut.error) == (first + needed > words) != ctx.get(dut.busy)
            while ctx.get(dut.busy):
                await ctx.tick()

    simulate(dut, bench, budget=20_000)


DESIGNS = {
    "every part": FAST,
    "every part, compact": COMPACT,
    "systolic": design(4, 4, 1, lanes=4, tables=2),
    "odd": design(5, 7, 1, lanes=3, tables=3, kept_vectors=200),
    "wide": design(4, 6, lanes=3, tables=4, wide_rows=16, program_memory=96 << 14),
    "bitserial": design(5, 7, 2, lanes=3, tables=1, engine="bitserial"),
    "compact": design(4, 5, 1, lanes=1, tables=1, compact=True),
    "compact bitserial": design(8, 4, lanes=1, tables=2, compact=True, engine="bitserial"),
}


def networks(kind, seeds):
    """Yield networks of a kind and their inputs: chains, or out of .tflite files."""
    for seed in seeds:
        if kind == "chain":
            yield any_chain(seed)
            continue
        rng = np.random.default_rng([seed, *kind.encode()])
        network = tflite.read(random_layer(rng, kind))
        yield network, inputs_of(network, seed)


def ending():
    """Return a network that ends with a LOGISTIC, which the host would compute without tables."""
    graph = Graph(np.random.default_rng(4))
    y = graph.convolution(graph.activation(1, 5, 4, 3, scale=0.05), outputs=3, same=True)
    network = tflite.read(graph.write(graph.curve(y, "LOGISTIC")))
    return network, inputs_of(network)


def check(name, found):
    """Hold values and cycles of networks on a Design."""
    hold(DESIGNS[name], found, "table")


@pytest.mark.parametrize("first", some([0, 1], 1))
@pytest.mark.parametrize("name", quick(DESIGNS, "every part", "every part, compact"))
def test_on_hardware(name, first):
    """All bytes, chains of layers, and each function."""
    check(name, [every_byte(), ending(), by_turns(), *networks("chain", range(first, 6, 2)),
                 *(each for kind in ("LOGISTIC", *CURVES) for each in networks(kind, [first]))])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["chain", "LOGISTIC", *CURVES])
@pytest.mark.parametrize("name", DESIGNS)
def test_much_on_hardware(name, kind):
    check(name, networks(kind, range(10, 50)))
