# amaranth: UnusedElaboratable=no
import numpy as np
import pytest

from hwgen.compiler.csc import encode
from hwgen.golden.sparse import Sparse as Golden
from hwgen.rtl.sparse import Sparse
from sim.sparse import random_activations, random_format, random_matrix, simulate


def inputs_for(rng, matrix, count, width, share, zero_point=0):
    """Return activations for the columns of a matrix, in vectors."""
    columns = matrix.shape[1]
    flat = np.full((count, -(-columns // width) * width), zero_point)
    flat[:, :columns] = random_activations(rng, (count, columns), share, zero_point)
    return flat.reshape(count, -1, width), flat[:, :columns] - zero_point


def test_model():
    """Sums are those of the matrix product, and every entry of a wanted column is read once."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        form, zero_point = random_format(rng), int(rng.integers(-128, 128))
        matrix = random_matrix(rng, form, 40)
        compressed = encode(matrix, form, int(rng.integers(1, 9)))
        inputs, values = inputs_for(rng, matrix, 2, int(rng.integers(1, 9)), None, zero_point)
        run = Golden(depth=int(rng.integers(1, 9))).run(compressed, inputs, zero_point)
        np.testing.assert_array_equal(run.sums, values @ matrix.T)
        wanted = sum(len(lane.column(c)) for lane in compressed.lanes for value in values
                     for c in np.flatnonzero(value))
        assert run.work == wanted


COCOTB = {
    "four": {"lanes": 4, "slots": 8, "columns": 60, "entries": 300, "width": 8},
    "one": {"lanes": 1, "slots": 1, "columns": 1, "entries": 1, "width": 1, "depth": 1},
    "shallow": {"lanes": 3, "slots": 7, "columns": 33, "entries": 150, "width": 3, "depth": 1,
                "index_bits": 2, "value_bits": 4, "codebook": True},
    "deep": {"lanes": 5, "slots": 20, "columns": 100, "entries": 700, "width": 16, "depth": 32,
             "index_bits": 3, "value_bits": 2},
    "ecp5": {"lanes": 4, "slots": 16, "columns": 64, "entries": 512, "width": 8,
             "family": "ecp5"},
    "ice40": {"lanes": 2, "slots": 16, "columns": 64, "entries": 512, "width": 4, "depth": 4,
              "family": "ice40"},
    "gowin": {"lanes": 3, "slots": 16, "columns": 64, "entries": 512, "width": 4,
              "family": "gowin"},
}


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name in ("four", "shallow") else [pytest.mark.slow])
    for name in COCOTB])
def test_verilog_matches_model(name, tmp_path):
    simulate("sparse", tmp_path, **COCOTB[name]).check()


@pytest.mark.parametrize("name, value", [("lanes", 0), ("slots", 1.5), ("columns", -1),
                                         ("entries", "9"), ("width", 0), ("depth", 0)])
def test_size_wrong(name, value):
    sizes = {"lanes": 2, "slots": 2, "columns": 2, "entries": 2, "width": 2, "depth": 2}
    with pytest.raises(TypeError, match=f"^{name.capitalize()} must be a positive integer, not "):
        Sparse(**sizes | {name: value})


def test_family_wrong():
    with pytest.raises(ValueError, match="^Family must be one of .*, not 'xilinx'$"):
        Sparse(2, 2, 2, 2, family="xilinx")
