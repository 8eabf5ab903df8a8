# amaranth: UnusedElaboratable=no
import numpy as np
import pytest

from hwgen.golden.sparse.nonzero import nonzeros
from hwgen.rtl.sparse.nonzero import NonZeros
from sim.regression import simulate_unit as simulate

from ... import bench
from ...cases import quick
from ...formal import prove
from ...mutation import mutant
from .spec_sparse import NonZerosSpec


@pytest.mark.parametrize("vectors, zero_point, expected", [
    ([[0, 5], [-3, 0]], 0, [(7, 5, True, False), (8, -3, True, True)]),
    ([[0, 0]], 0, [(0, 0, False, True)]),
    ([[1, 0], [0, 0]], 0, [(6, 1, True, False), (0, 0, False, True)]),
    ([[-128, 127]], -128, [(7, 255, True, True)]),
    ([[-128, 127]], 127, [(6, -255, True, True)]),
])
def test_model(vectors, zero_point, expected):
    assert nonzeros(np.array(vectors), zero_point, 6) == expected


def test_model_loses_nothing():
    """What is found, put back in its place, is the vector less the zero point."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        vectors = rng.integers(-2, 2, rng.integers(1, 9, 2))
        again = np.full(vectors.size, -1)
        for index, value, some, _ in nonzeros(vectors, -1):
            again[index] += value * some
        np.testing.assert_array_equal(again, vectors.ravel())


COCOTB = {
    "one": {"width": 1, "columns": 9}, "three": {"width": 3, "columns": 100},
    "eight": {"width": 8, "columns": 512}, "sixteen": {"width": 16, "columns": 1000},
    "one-column": {"width": 1, "columns": 1}, "wide": {"width": 64, "columns": 64},
}


@pytest.mark.parametrize("name", quick(COCOTB, "three"))
def test_verilog_matches_model(name, tmp_path):
    simulate("nonzero", tmp_path, **COCOTB[name]).check()


@pytest.mark.parametrize("width", [1, 4, 7])
def test_matches_model(width):
    """In Python's simulator, one input."""
    dut = NonZeros(width, 50)
    vectors = np.random.default_rng(width).integers(-1, 2, (5, width))
    expected, found = nonzeros(vectors), []

    async def producer(ctx):
        for n, vector in enumerate(vectors.tolist(), 1):
            await bench.put(ctx, dut.i, {"vector": vector, "last": n == len(vectors)})

    async def consumer(ctx):
        while len(found) < len(expected):
            result = await bench.get(ctx, dut.o)
            found.append((result.index, result.value, bool(result.some), bool(result.last)))

    bench.simulate(dut, producer, consumer)
    assert found == expected


SPECS = {"one": NonZeros(1, 3), "two": NonZeros(2, 8), "three": NonZeros(3, 8)}


@pytest.mark.formal
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] if name != "one" else []) for name in SPECS])
def test_contract(name, tmp_path):
    """No non-zero is lost, invented or out of order, whatever comes in and however all wait."""
    prove(NonZerosSpec(SPECS[name]), tmp_path, depth=11)


@pytest.mark.formal
@pytest.mark.parametrize("right, wrong", [
    ("moves & ~more, 1)", "moves, 1)"),
    ("(some | last) & free", "(some | last)"),
    ("self.i.ready.eq(~full | leaves)", "self.i.ready.eq(1)"),
    ("base + self.width", "base + self.width + 1"),
    ("ends.eq(last & ~more)", "ends.eq(last)"),
    ("free.eq(~picked | ~self.o.valid", "free.eq(1 | ~self.o.valid"),
    ("m.d.sync += full.eq(0)", "m.d.sync += full.eq(last)"),
])
def test_contract_can_fail(right, wrong, tmp_path):
    """The proof of a unit with a defect does not go through."""
    with pytest.raises(AssertionError, match="proof did fail"):
        prove(NonZerosSpec(mutant(NonZeros, right, wrong)(2, 8)), tmp_path, depth=11)


@pytest.mark.parametrize("sizes, message", [
    ((0, 4), "^Width must be a positive integer, not 0$"),
    ((4, 2.0), "^Columns must be a positive integer, not 2.0$"),
])
def test_size_wrong(sizes, message):
    with pytest.raises(TypeError, match=message):
        NonZeros(*sizes)
