# amaranth: UnusedElaboratable=no
import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.golden.dot import wide as golden
from hwgen.rtl.dot.wide import WideDot

from ...bench import simulate

ENDS = [-128, -127, -1, 0, 1, 127]


def play(dut, work, rng):
    """Play vectors, with pauses; return their sums by the cycle, and those that are due."""
    found, due = {}, {}

    async def testbench(ctx):
        cycle = 0

        async def tick(**tag):
            nonlocal cycle
            ctx.set(dut.tag, tag)
            if ctx.get(dut.o_valid):
                found[cycle] = [ctx.get(dut.o[column]) for column in range(dut.columns)]
            await ctx.tick()
            cycle += 1

        for a, w in work:
            for index, (vector, weights) in enumerate(zip(a, w, strict=True)):
                while rng.random() < 0.2:
                    await tick(valid=0, last=1)
                ctx.set(dut.a, vector.tolist())
                ctx.set(dut.weights, weights.tolist())
                await tick(valid=1, last=index == len(a) - 1)
            due[cycle - 1 + dut.latency] = golden.dot(a, w).tolist()
        for _ in range(dut.latency + 2):
            await tick(valid=0, last=0)

    simulate(dut, testbench, budget=10_000)
    return found, due


def test_model():
    """Products of whole vectors with whole matrices, modulo 2**32."""
    rng = np.random.default_rng(0)
    a, w = rng.integers(-128, 128, (7, 5)), rng.integers(-128, 128, (7, 5, 6))
    np.testing.assert_array_equal(golden.dot(a, w), a.reshape(-1) @ w.reshape(-1, 6))
    many = np.full((1 << 17, 1), -128)
    assert golden.dot(many, many[..., None]).tolist() == [-1 << 31]


@pytest.mark.parametrize("rows, columns", [(2, 2), (3, 10), (5, 4), (16, 4)])
def test_matches_model(rows, columns):
    rng = np.random.default_rng(rows)
    work = [(rng.choice(ENDS, (pieces, rows)), rng.choice(ENDS, (pieces, rows, columns)))
            for pieces in (1, 3, 1, 1, 2, 5)]
    found, due = play(WideDot(rows, columns), work, rng)
    assert found == due


@pytest.mark.parametrize("rows", [2, 3, 16, 17, 64])
def test_latency_is_the_golden_models(rows):
    assert WideDot(rows, 2).latency == golden.latency(rows)


@pytest.mark.parametrize("wrong, message", [
    ({"rows": 1}, "rows must be an integer of at least 2, not 1"),
    ({"rows": 2.5}, "rows must be an integer of at least 2, not 2.5"),
    ({"columns": 0}, "columns must be an even integer of at least 2, not 0"),
    ({"columns": 5}, "columns must be an even integer of at least 2, not 5"),
    ({"family": "ice40"}, "family must be one of .*, not 'ice40'"),
])
def test_parameters_wrong(wrong, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        WideDot(**({"rows": 4, "columns": 4} | wrong))


COCOTB = {
    "generic": Design(rows=3, columns=10),
    "ecp5": Design(rows=5, columns=4, family="ecp5"),
    "16x16": Design(rows=16, columns=16, family="ecp5"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COCOTB)
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("wide", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()
