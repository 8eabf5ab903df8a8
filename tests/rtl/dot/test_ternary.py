# amaranth: UnusedElaboratable=no
import numpy as np
import pytest
from amaranth import *
from amaranth.lib import data

from hwgen.arch.design import Design
from hwgen.golden.dot import ternary as golden
from hwgen.rtl.dot.ternary import Ternary, Weight
from sim.dot.pieces import ternary_work

from ...formal import prove
from .pieces import PiecesSpec, sums

SHAPES = [signed(1), unsigned(4), signed(8), signed(16)]


def play(dut, vectors):
    """Hold a unit against golden sums."""
    work = list(vectors)
    assert sums(dut, [pieces for pieces, _ in work]) == [expected for _, expected in work]


def work_of(dut):
    return ternary_work(dut.lanes, dut.shape.width, dut.shape.signed)


def test_model():
    rng = np.random.default_rng(0)
    a, w = rng.integers(-128, 128, (50, 9)), rng.integers(-1, 2, (50, 9))
    assert (golden.dot(a, golden.encode(w)) == (a * w).sum(axis=-1)).all()


def test_weight_wrong():
    with pytest.raises(ValueError, match="^weights must be -1, 0 or 1, not 2$"):
        golden.encode([0, 2])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lanes", [1, 3, 8])
def test_matches_model(lanes, shape):
    rng = np.random.default_rng(lanes)
    dut = Ternary(lanes, shape, depth=2)
    work = work_of(dut)
    play(dut, [*(work.vector(rng, "random", pieces=pieces) for pieces in (1, 2) * 20),
               *work.extremes(rng), *work.extremes(rng, pieces=2)])


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("lanes", [1, 5])
def test_exhaustive(lanes, signs):
    dut = Ternary(lanes, Shape(4, signs), depth=1)
    play(dut, work_of(dut).exhaustive())


@pytest.mark.parametrize("wrong, message", [
    ({"lanes": 0}, "lanes must be an integer of at least 1, not 0"),
    ({"shape": unsigned(17)}, "shape must have 1 to 16 bits, not unsigned.17."),
    ({"shape": unsigned(0)}, "shape must have 1 to 16 bits, not unsigned.0."),
    ({"family": "x"}, "family must be one of .*, not 'x'"),
    ({"depth": 0}, "depth must be an integer of at least 1, not 0"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Ternary(**({"lanes": 2, "shape": signed(4)} | wrong))


@pytest.mark.formal
@pytest.mark.parametrize("shape, lanes", [
    (signed(3), 3), (unsigned(3), 2), (signed(1), 4), (signed(4), 1),
    pytest.param(signed(4), 5, marks=pytest.mark.slow)])
def test_equals_multiplication(shape, lanes, tmp_path):
    """Proof, for all numbers and weights."""

    def drive(m, free):
        a, w = free(data.ArrayLayout(shape, lanes)), free(data.ArrayLayout(Weight, lanes))
        values = [Mux(w[lane].skip, 0, Mux(w[lane].negative, -1, 1)) for lane in range(lanes)]
        return {"a": a, "weights": w}, sum((a[lane] * values[lane] for lane in range(lanes)), C(0))

    spec = PiecesSpec(Ternary(lanes, shape, depth=2), drive)
    prove(spec, tmp_path, depth=spec.depth)


COCOTB = {
    "generic": Design(rows=3, columns=1),
    "unsigned": Design(rows=4, columns=1, activations="uint4"),
    "one": Design(rows=1, columns=1, activations="int16"),
    "ecp5": Design(rows=5, columns=1, family="ecp5"),
    "ecp5-unsigned": Design(rows=8, columns=1, activations="uint5", family="ecp5"),
    "ice40": Design(rows=2, columns=1, activations="uint16", family="ice40"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COCOTB)
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("ternary", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()
