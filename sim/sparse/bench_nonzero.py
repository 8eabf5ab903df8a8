"""Non-zero detection with the parameters in ``$UNIT``: the golden non-zeros, at their cycles."""

import random

import cocotb
import numpy as np

from hwgen.golden.sparse.nonzero import nonzeros

from ..streams import Streams
from ..units import unit_under_test
from .matrices import random_activations

UNIT = unit_under_test("nonzero")
VECTOR = UNIT.i.p.shape()
RESULT = UNIT.o.p.shape()
LARGEST = max(1 << len(UNIT.first) >> 1, 1)


class Bench(Streams):
    """The unit, and what it is set to."""

    async def begin(self):
        """Start with another zero point."""
        self.rng = np.random.default_rng(random.getrandbits(32))
        self.zero_point = int(self.rng.choice([0, -128, 127, self.rng.integers(-128, 128)]))
        self.dut.zero_point.value = self.zero_point & 0xff
        self.first = int(self.rng.integers(0, LARGEST))
        self.put("first", self.first)
        await self.start()

    def input(self, count, density):
        """Return the vectors of an input."""
        return random_activations(self.rng, (count, UNIT.width), density, self.zero_point)

    async def check(self, inputs, **options):
        """Put inputs through, and compare what comes out with the golden model."""
        mask = (1 << len(UNIT.first)) - 1
        expected = [found._replace(at=found.at & mask) for vectors in inputs
                    for found in nonzeros(vectors, self.zero_point, self.first)]
        expected = [found if found.some else found._replace(at=0) for found in expected]
        played = await self.play(input_transfers(inputs), len(expected), **options)
        assert [golden_transfer(word) for word in played.words] == expected
        return played


def input_transfers(inputs):
    """Return the transfers of inputs."""
    return [VECTOR.const({"vector": vector.tolist(), "last": n == len(vectors)}).as_bits()
            for vectors in inputs for n, vector in enumerate(vectors, 1)]


def golden_transfer(word):
    """Return a transfer as the golden model has it."""
    found = RESULT.from_bits(word)
    return found.index, found.value, bool(found.some), bool(found.last)


@cocotb.test()
@cocotb.parametrize(gap=[0.0, 0.5], stall=[0.0, 0.5])
async def test_random(dut, gap, stall):
    bench = Bench(dut)
    await bench.begin()
    for density in (None, 0.0, 0.05, 0.4, 1.0):
        inputs = [bench.input(int(count), density) for count in bench.rng.integers(1, 9, 20)]
        await bench.check(inputs, gap=gap, stall=stall)


@cocotb.test()
async def test_zeros(dut):
    """Nothing at all, and one non-zero in every place."""
    bench = Bench(dut)
    await bench.begin()
    await bench.check([bench.input(count, 0.0) for count in (1, 1, 2, 7)])
    for place in range(2 * UNIT.width):
        vectors = bench.input(3, 0.0)
        vectors.flat[place] ^= 1
        await bench.check([vectors, vectors[:2]])


@cocotb.test()
async def test_every_index(dut):
    """An input as long as there are indices, and a bit longer: they begin again."""
    bench = Bench(dut)
    await bench.begin()
    vectors = -(-(2 << len(UNIT.first) >> 1) // UNIT.width) + 2
    await bench.check([bench.input(vectors, 0.2), bench.input(1, 1.0)])


@cocotb.test()
@cocotb.parametrize(density=[0.0, 0.1, 0.5, 1.0])
async def test_interval(dut, density):
    """One non-zero a cycle, and a cycle for each vector without one."""
    bench = Bench(dut)
    await bench.begin()
    inputs = [bench.input(20, density) for _ in range(5)]
    played = await bench.check(inputs)
    worth = np.concatenate(inputs) != bench.zero_point
    cycles = np.maximum(worth.sum(axis=1), 1)  # a vector without a non-zero takes one, too
    starts = played.taken[0] + np.concatenate([[0], np.cumsum(cycles)[:-1]])
    assert played.taken == starts.tolist()
    expected = []
    for number, vector in enumerate(worth):
        ends = number % 20 == 19 and not vector.any()
        expected += (starts[number] + UNIT.latency + np.arange(vector.sum() + ends)).tolist()
    assert played.cycles == expected


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    bench = Bench(dut)
    await bench.begin()
    for until in (1, 2, 9):
        await bench.play(input_transfers([bench.input(20, 1.0)]), until, quiet=0, stall=0.5)
        await bench.reset()
        await bench.check([bench.input(4, 0.5)])
