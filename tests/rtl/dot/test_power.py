# amaranth: UnusedElaboratable=no
import numpy as np
import pytest
from amaranth import *
from amaranth.lib import data

from hwgen.arch.design import Design
from hwgen.golden.dot import power as golden
from hwgen.rtl.dot.power import PowerOfTwo, weight_layout
from sim.dot.pieces import power_work

from ...formal import prove
from .pieces import PiecesSpec, sums


def play(dut, vectors):
    """Hold a unit against golden sums."""
    work = list(vectors)
    assert sums(dut, [pieces for pieces, _ in work]) == [expected for _, expected in work]


def work_of(dut):
    return power_work(dut.lanes, dut.shape.width, dut.shape.signed, dut.exponent_bits)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_model(bits):
    rng = np.random.default_rng(0)
    weights = golden.weights_of(bits)
    a, w = rng.integers(-128, 128, (50, 9)), rng.choice(weights, (50, 9))
    assert (golden.dot(a, golden.encode(w, bits), bits) == (a * w).sum(axis=-1)).all()
    assert len(set(golden.encode(weights, bits).tolist())) == len(weights) == 2 ** (bits + 1) - 1


@pytest.mark.parametrize("weight", [3, -5, 128])
def test_weight_wrong(weight):
    with pytest.raises(ValueError, match="^weights must be 0 or plus or minus a power of two of at "
                                         f"most 64, not {weight}$"):
        golden.encode([0, 64, weight], 3)


@pytest.mark.parametrize("shape", [signed(1), unsigned(4), signed(8), signed(16)])
@pytest.mark.parametrize("lanes, bits", [(1, 3), (2, 1), (3, 2), (3, 4), (8, 3)])
def test_matches_model(lanes, bits, shape):
    rng = np.random.default_rng(lanes)
    dut = PowerOfTwo(lanes, shape, exponent_bits=bits, depth=2)
    work = work_of(dut)
    play(dut, [*(work.vector(rng, "random", pieces=pieces) for pieces in (1, 2) * 10),
               *work.extremes(rng), *work.extremes(rng, pieces=2)])


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("lanes, bits", [(1, 3), (5, 2)])
def test_exhaustive(lanes, bits, signs):
    dut = PowerOfTwo(lanes, Shape(4, signs), exponent_bits=bits, depth=1)
    play(dut, work_of(dut).exhaustive())


@pytest.mark.parametrize("wrong, message", [
    ({"lanes": 0}, "lanes must be an integer of at least 1, not 0"),
    ({"shape": unsigned(17)}, "shape must have 1 to 16 bits, not unsigned.17."),
    ({"family": "x"}, "family must be one of .*, not 'x'"),
    ({"exponent_bits": 5}, "exponent_bits must be 1 to 4, not 5"),
    ({"exponent_bits": 0}, "exponent_bits must be 1 to 4, not 0"),
    ({"depth": 0}, "depth must be an integer of at least 1, not 0"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        PowerOfTwo(**({"lanes": 2, "shape": signed(4)} | wrong))


@pytest.mark.formal
@pytest.mark.parametrize("shape, lanes, bits", [
    (unsigned(2), 1, 3), *(pytest.param(*sizes, marks=pytest.mark.slow) for sizes in (
        (signed(3), 2, 2), (signed(2), 3, 1), (unsigned(2), 2, 3), (signed(4), 4, 3)))])
def test_equals_multiplication(shape, lanes, bits, tmp_path):
    """Proof, for all numbers and weights."""

    def drive(m, free):
        a, w = (free(data.ArrayLayout(each, lanes)) for each in (shape, weight_layout(bits)))
        exact = C(0)
        for lane in range(lanes):
            weight = Signal(signed(1 << bits), name="weight")
            with m.Switch(w[lane].exponent):
                for exponent in range((1 << bits) - 1):
                    with m.Case(exponent):
                        m.d.comb += weight.eq(Mux(w[lane].negative, -(1 << exponent),
                                                  1 << exponent))
            exact = exact + a[lane] * weight
        return {"a": a, "weights": w}, exact

    spec = PiecesSpec(PowerOfTwo(lanes, shape, exponent_bits=bits, depth=2), drive)
    prove(spec, tmp_path, depth=spec.depth)


COCOTB = {
    "generic": Design(rows=3, columns=1, weights="int4"),
    "unsigned": Design(rows=4, columns=1, activations="uint4", weights="int3"),
    "one": Design(rows=1, columns=1, activations="int16"),
    "ecp5": Design(rows=5, columns=1, weights="int4", family="ecp5"),
    "ice40": Design(rows=2, columns=1, activations="uint8", weights="int2", family="ice40"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COCOTB)
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("power", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()
