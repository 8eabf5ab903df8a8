"""The decoder with the parameters in ``$UNIT``: golden weights, however everybody waits."""

import random

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from hwgen.compiler.csc import encode
from hwgen.golden.sparse.decoder import EntryFormat, transfers

from ..streams import Streams
from ..units import unit_under_test
from .matrices import random_matrix, with_codebook

DECODER = unit_under_test("csc")
ENTRY = DECODER.i.p.shape()
RESULT = DECODER.o.p.shape()
BITS = {"index_bits": DECODER.index_bits, "value_bits": DECODER.value_bits}
LONGEST = min(DECODER.rows, 300)


class Bench(Streams):
    """The decoder, and the format that it is set to."""

    async def begin(self):
        """Start, and fill the codebook."""
        self.rng = np.random.default_rng(random.getrandbits(32))
        self.form = EntryFormat(**BITS)
        if DECODER.codebook:
            self.dut.book.value = 0
        await self.start()
        await self.fill()

    async def fill(self):
        """Choose a codebook, and write it."""
        if not DECODER.codebook:
            return
        self.form = with_codebook(self.rng, **BITS)
        layout = DECODER.book.shape()
        for value, weight in enumerate(self.form.codebook):
            self.dut.book.value = layout.const(
                {"value": value, "weight": weight, "write": 1}).as_bits()
            await RisingEdge(self.dut.clk)
        self.dut.book.value = 0

    async def check(self, columns, nothing=0.0, **options):
        """Decode columns of entries, and compare what comes out with the golden model.

        With probability ``nothing`` a transfer without an entry goes before one with it.
        """
        expected = transfers(self.form, columns, DECODER.rows)
        words = [word for entries in columns for each in column_transfers(entries)
                 for word in [nobody()] * (random.random() < nothing) + [each]]
        played = await self.play(words, len(expected), **options)
        assert [golden_transfer(word) for word in played.words] == expected
        return played

    def entries(self, matrix):
        """Return the entries of each column of a matrix."""
        lane, = encode(matrix, self.form).lanes
        return [lane.column(index).tolist() for index in range(matrix.shape[1])]

    def matrix(self, shape=None, density=None):
        """Return a random matrix, no higher than the decoder takes."""
        return random_matrix(self.rng, self.form, LONGEST, shape, density)


def nobody(last=0):
    """Return a transfer without an entry, whose place may be anything."""
    junk = random.getrandbits(DECODER.index_bits + DECODER.value_bits)
    return ENTRY.const({"entry": junk, "some": 0, "last": last}).as_bits()


def column_transfers(entries):
    """Return the transfers of a column."""
    if not entries:
        return [nobody(last=1)]
    return [ENTRY.const({"entry": entry, "some": 1, "last": n == len(entries)}).as_bits()
            for n, entry in enumerate(entries, 1)]


def golden_transfer(word):
    """Return a transfer as the golden model has it."""
    found = RESULT.from_bits(word)
    return found.row, found.weight, bool(found.some), bool(found.last)


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.5], stall=[0.0, 0.5])
async def test_matrices(dut, gap, stall):
    """Matrices of all shapes and densities, one after the other."""
    bench = Bench(dut)
    await bench.begin()
    for _ in range(4):
        shape = int(bench.rng.integers(1, LONGEST + 1)), int(bench.rng.integers(1, 30))
        for density in (None, 0.0, 0.03, 0.5, 1.0):
            matrix = bench.matrix(shape, density)
            await bench.check(bench.entries(matrix[:, :1200 // len(matrix) + 1]), gap=gap,
                              stall=stall)
        await bench.fill()


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.6])
async def test_edges(dut, stall):
    """Empty columns and matrices, one row, one column, and weights at the ends alone."""
    bench = Bench(dut)
    await bench.begin()
    rows = DECODER.rows
    for shape in ((1, 1), (1, 40), (rows, 1), (rows, 5)):
        for density in (0.0, 1.0):
            if shape[0] * shape[1] * density < 5000:
                await bench.check(bench.entries(bench.matrix(shape, density)), stall=stall)
    for places in ([0], [rows - 1], [0, rows - 1], [rows // 2]):
        matrix = bench.matrix((rows, 9 if rows <= 2000 else 3), 0.0)
        some = matrix[places, 1::2]
        matrix[places, 1::2] = bench.matrix(some.shape, 1.0)
        await bench.check(bench.entries(matrix), stall=stall)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.5])
async def test_any_entries(dut, stall):
    """Entries that no encoder makes: columns that end with padding, rows beyond the last one."""
    bench = Bench(dut)
    await bench.begin()
    known = len(bench.form.codebook or range(1 << DECODER.value_bits))
    columns = []
    for _ in range(100):
        count = random.randrange(6)
        columns.append([random.choice([bench.form.padding, random.randrange(bench.form.padding)])
                        | random.randrange(known) << DECODER.index_bits for _ in range(count)])
    await bench.check(columns, nothing=0.3, gap=stall, stall=stall)


@cocotb.test()
async def test_interval(dut):
    """Entries are taken one a cycle, and each weight comes ``latency`` cycles later."""
    bench = Bench(dut)
    await bench.begin()
    matrix = bench.matrix((min(DECODER.rows, 1 << DECODER.index_bits), 40), 1.0)
    played = await bench.check(bench.entries(matrix))
    assert played.taken == list(range(played.taken[0], played.taken[0] + matrix.size))
    assert played.cycles == [cycle + DECODER.latency for cycle in played.taken]


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    bench = Bench(dut)
    await bench.begin()
    for until in (1, 2, 7):
        matrix = bench.matrix((LONGEST, 20), 0.7)
        words = [word for entries in bench.entries(matrix) for word in column_transfers(entries)]
        await bench.play(words, min(until, len(words)), quiet=0, stall=0.5)
        await bench.reset()
        await bench.check(bench.entries(bench.matrix((LONGEST, 3), 0.5)))


@cocotb.test()
async def test_waits_for_nobody(dut):
    """What comes first is taken and offered before anybody wants it."""
    bench = Bench(dut)
    await bench.begin()
    dut.o__ready.value = 0
    dut.i__payload.value, = column_transfers([0])
    dut.i__valid.value = 1
    for _ in range(DECODER.latency + 2):
        await RisingEdge(dut.clk)
    assert dut.o__valid.value == 1
