"""The sparse engine with the parameters in ``$UNIT``: golden sums, in the golden cycles."""

import random

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from hwgen.compiler.csc import encode, loads
from hwgen.golden.sparse.decoder import EntryFormat
from hwgen.golden.sparse.engine import Sparse
from hwgen.rtl.sparse.engine import LaneMemory

from ..streams import Streams
from ..units import unit_under_test
from .matrices import random_activations, random_matrix, with_codebook

UNIT = unit_under_test("sparse")
VECTOR = UNIT.activations.p.shape()
LOAD = UNIT.weights.p.shape()
RESULT = UNIT.o.p.shape()
BITS = {name: UNIT.options[name] for name in ("index_bits", "value_bits")}
GOLDEN = Sparse(depth=UNIT.depth)
ROWS = UNIT.lanes * UNIT.slots
LARGE = ROWS * UNIT.columns > 100_000 or UNIT.lanes * UNIT.columns > 10_000
"""Whether there is room for a whole layer, or for so many pointers: then one is enough."""


class Bench(Streams):
    """The engine, and the matrix that it holds."""

    def __init__(self, dut):
        super().__init__(dut, "activations")
        self.rng = np.random.default_rng(random.getrandbits(32))
        self.form = (with_codebook(self.rng, **BITS) if UNIT.options["codebook"]
                     else EntryFormat(**BITS))

    async def begin(self):
        """Start, with nothing to load."""
        for name in ("zero_point", "first", "last_slot", "weights__valid"):
            self.put(name, 0)
        await self.start()
        self.set(0)

    def set(self, zero_point):
        """Choose the zero point of the activations."""
        self.zero_point = zero_point
        self.dut.zero_point.value = zero_point & 0xff

    async def load(self, matrix):
        """Write a matrix into the memories."""
        self.matrix = encode(matrix, self.form, UNIT.lanes)
        assert max(len(lane.entries) for lane in self.matrix.lanes) <= UNIT.entries
        for lane, part, address, data in loads(self.matrix):
            self.dut.weights__payload.value = LOAD.const({
                "lane": lane, "part": LaneMemory[part], "address": address, "data": data}).as_bits()
            self.dut.weights__valid.value = 1
            await RisingEdge(self.dut.clk)
        self.dut.weights__valid.value = 0
        self.put("last_slot", -(-self.matrix.rows // UNIT.lanes) - 1)
        for _ in range(UNIT.slots + 2):
            await RisingEdge(self.dut.clk)

    def inputs(self, count, density):
        """Return activations for the columns of the matrix, those of no column the zero point."""
        columns = self.matrix.columns
        vectors = np.full((count, -(-columns // UNIT.width) * UNIT.width), self.zero_point)
        vectors[:, :columns] = random_activations(self.rng, (count, columns), density,
                                                  self.zero_point)
        return vectors.reshape(count, -1, UNIT.width)

    async def check(self, inputs, *, first=0, gap=0.0, stall=0.0):
        """Multiply inputs, and compare sums and, where nobody pauses, cycles."""
        self.put("first", first)
        golden = GOLDEN.run(self.matrix, inputs, self.zero_point, first)
        slots = -(-self.matrix.rows // UNIT.lanes)
        played = await self.play(packed(inputs), len(inputs) * slots, gap=gap, stall=stall,
                                 budget=1000 + 4 * golden.cycles)
        found = [RESULT.from_bits(word) for word in played.words]
        sums = np.array([list(result.sums) for result in found]).reshape(len(inputs), -1)
        np.testing.assert_array_equal(sums[:, :self.matrix.rows], golden.sums)
        assert not sums[:, self.matrix.rows:].any()
        assert [bool(result.last) for result in found] == ([False] * (slots - 1) + [True]) \
            * len(inputs)
        if not gap and not stall:
            began = played.taken[0]
            assert [cycle - began for cycle in played.taken] == golden.vectors.tolist()
            assert [cycle - began for cycle in played.cycles] == golden.outputs.tolist()
        return golden

    def random(self, shape, density):
        """Return a random matrix with no more entries than there is room for."""
        matrix = random_matrix(self.rng, self.form, None, shape, density)
        while max(len(lane.entries) for lane in encode(matrix, self.form, UNIT.lanes).lanes
                  ) > UNIT.entries:
            matrix = np.where(self.rng.random(shape) < 0.7, matrix, 0)
        return matrix


def packed(inputs):
    """Return the transfers of inputs."""
    return [VECTOR.const({"vector": vector.tolist(), "last": n == len(vectors)}).as_bits()
            for vectors in inputs for n, vector in enumerate(vectors, 1)]


@cocotb.test(skip=LARGE)
@cocotb.parametrize(gap=[0.0, 0.5], stall=[0.0, 0.5])
async def test_random(dut, gap, stall):
    bench = Bench(dut)
    await bench.begin()
    for density in (0.03, 0.2, 0.6):
        shape = int(bench.rng.integers(1, ROWS + 1)), int(bench.rng.integers(1, UNIT.columns + 1))
        await bench.load(bench.random(shape, density))
        bench.set(int(bench.rng.integers(-128, 128)))
        for share in (0.1, 0.5, 1.0):
            await bench.check(bench.inputs(3, share), gap=gap, stall=stall)


@cocotb.test(skip=LARGE)
async def test_nothing(dut):
    """Zero activations, zero weights, and both."""
    bench = Bench(dut)
    await bench.begin()
    for density in (0.0, 0.4):
        matrix = bench.random((ROWS, UNIT.columns), density)
        await bench.load(matrix)
        for share in (0.0, 1.0, 0.0):
            golden = await bench.check(bench.inputs(2, share))
            assert (golden.work > 0) == (share > 0 and matrix.any())


@cocotb.test(skip=LARGE)
@cocotb.parametrize(rows=[1, 2, 3, 4, 5])
async def test_same_rows(dut, rows):
    """A few rows of a lane alone: sums are wanted again one, two and three cycles later."""
    bench = Bench(dut)
    await bench.begin()
    matrix = bench.random((ROWS, UNIT.columns), 0.0)
    few = bench.random((min(rows, UNIT.slots), UNIT.columns), 0.7)
    for lane in range(UNIT.lanes):
        matrix[lane::UNIT.lanes][:len(few)] = few
    if max(len(lane.entries) for lane in encode(matrix, bench.form, UNIT.lanes).lanes
           ) <= UNIT.entries:
        await bench.load(matrix)
        for share in (0.3, 1.0):
            golden = await bench.check(bench.inputs(2, share))
            assert golden.work > 0 or share < 1.0 or not few.any()


@cocotb.test(skip=LARGE)
async def test_extremes(dut):
    """The largest weights and activations, and activations of the columns behind ``first``."""
    bench = Bench(dut)
    await bench.begin()
    matrix = bench.random((ROWS, UNIT.columns), 0.5)
    ends = min(bench.form.codebook or [-(1 << UNIT.options["value_bits"] - 1)]), \
        max(bench.form.codebook or [(1 << UNIT.options["value_bits"] - 1) - 1])
    await bench.load(np.where(matrix < 0, ends[0], np.where(matrix > 0, ends[1], 0)))
    for zero_point in (-128, 127, 0):
        bench.set(zero_point)
        inputs = bench.inputs(2, 0.5)
        await bench.check(np.where(inputs == zero_point, zero_point, -1 - zero_point))
        first = int(bench.rng.integers(0, UNIT.columns))
        inputs.reshape(2, -1)[:, UNIT.columns - first:] = zero_point
        await bench.check(inputs, first=first)


@cocotb.test(skip=LARGE)
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind but the matrix."""
    bench = Bench(dut)
    await bench.begin()
    await bench.load(bench.random((ROWS, UNIT.columns), 0.5))
    slots = UNIT.slots
    for until in sorted({1, slots // 2 + 1, slots}):
        inputs = bench.inputs(3, 0.7)
        golden = GOLDEN.run(bench.matrix, inputs, bench.zero_point, 0)
        await bench.play(packed(inputs), until, quiet=0, budget=1000 + 4 * golden.cycles)
        await bench.reset()
        for _ in range(slots + 2):
            await RisingEdge(dut.clk)
        await bench.check(bench.inputs(2, 0.5))


@cocotb.test(skip=not LARGE)
async def test_layer(dut):
    """A layer of random density 0.1, with all activations and with 40 % of them."""
    bench = Bench(dut)
    await bench.begin()
    await bench.load(bench.random((ROWS, UNIT.columns), 0.1))
    for share in (0.4, 1.0):
        golden = await bench.check(bench.inputs(1, share))
        dut._log.info("share %s: %d cycles, lanes busy %.3f", share, golden.cycles, golden.busy)
