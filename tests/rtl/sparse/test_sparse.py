# amaranth: UnusedElaboratable=no
import numpy as np
import pytest

from hwgen.compiler.csc import encode
from hwgen.golden.sparse.decoder import EntryFormat
from hwgen.golden.sparse.engine import Sparse as Golden
from hwgen.rtl.sparse.engine import Sparse
from sim.regression import simulate_unit as simulate
from sim.sparse.matrices import random_activations, random_format, random_matrix

from ...cases import quick


def inputs_for(rng, matrix, count, width, share, zero_point=0):
    """Return activations for the columns of a matrix, in vectors."""
    columns = matrix.shape[1]
    flat = np.full((count, -(-columns // width) * width), zero_point)
    flat[:, :columns] = random_activations(rng, (count, columns), share, zero_point)
    return flat.reshape(count, -1, width), flat[:, :columns] - zero_point


def test_model():
    """Sums are those of the matrix product, without a product that is zero."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        form, zero_point = random_format(rng), int(rng.integers(-128, 128))
        matrix = random_matrix(rng, form, 40)
        compressed = encode(matrix, form, int(rng.integers(1, 9)))
        inputs, values = inputs_for(rng, matrix, 2, int(rng.integers(1, 9)), None, zero_point)
        run = Golden(depth=int(rng.integers(1, 9))).run(compressed, inputs, zero_point)
        np.testing.assert_array_equal(run.sums, values @ matrix.T)
        assert run.work == ((values != 0) @ (matrix != 0).T.astype(int)).sum()


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


@pytest.mark.parametrize("name", quick(COCOTB, "shallow"))
def test_verilog_matches_model(name, tmp_path):
    simulate("sparse", tmp_path, **COCOTB[name]).check()


LARGE = {"lanes": 16, "slots": 32, "columns": 512, "entries": 4096, "width": 16, "depth": 8,
         "index_bits": 5}


def layer(seed, density, share):
    """Return a layer of 512 x 512 weights on sixteen lanes, and an input for it."""
    rng = np.random.default_rng(seed)
    form = EntryFormat(index_bits=LARGE["index_bits"])
    matrix = random_matrix(rng, form, None, (512, 512), density)
    return encode(matrix, form, LARGE["lanes"]), inputs_for(rng, matrix, 1, 16, share)[0]


@pytest.mark.parametrize("seed", range(2))
def test_lanes_are_busy(seed):
    """Sixteen lanes, density 0.1, 40 % of the activations: products in 80 % of the cycles."""
    assert Golden(depth=8).run(*layer(seed, 0.1, 0.4)).busy >= 0.8


@pytest.mark.parametrize("share, factor", [(1.0, 6), (0.4, 12)])
def test_fewer_cycles_than_dense(share, factor):
    """Even of a dense engine whose 16 multipliers never wait."""
    cycles = Golden(depth=8).run(*layer(7, 0.1, share)).cycles
    assert cycles * factor <= 512 * 512 / LARGE["lanes"]


def test_depth_helps():
    """A deeper FIFO is never slower, and one of eight is faster than one of one."""
    work = layer(9, 0.1, 0.4)
    cycles = [Golden(depth=depth).run(*work).cycles for depth in (1, 8, 32)]
    assert cycles == sorted(cycles, reverse=True) and cycles[1] < cycles[0]


@pytest.mark.slow
def test_verilog_of_a_layer_matches_model(tmp_path):
    simulate("sparse", tmp_path, **LARGE).check()


@pytest.mark.parametrize("name, value", [("lanes", 0), ("slots", 1.5), ("columns", -1),
                                         ("entries", "9"), ("width", 0), ("depth", 0)])
def test_size_wrong(name, value):
    sizes = {"lanes": 2, "slots": 2, "columns": 2, "entries": 2, "width": 2, "depth": 2}
    with pytest.raises(TypeError, match=f"^{name.capitalize()} must be a positive integer, not "):
        Sparse(**sizes | {name: value})


def test_family_wrong():
    with pytest.raises(ValueError, match="^Family must be one of .*, not 'xilinx'$"):
        Sparse(2, 2, 2, 2, family="xilinx")
