import json

import pytest

from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.errors import UserError

from ..cases import quick

regression = pytest.importorskip("sim.regression")

SMALL = ["sim", "systolic", "--rows", "2", "--columns", "3"]

OF_A_SIZE = ["binary", "bitplane", "bitserial", "csc", "fusion", "nonzero", "post", "power",
             "serial", "sparse", "systolic", "ternary", "unpack"]
"""Units whose Verilog follows the Design; that of the others is always the same."""

SIZES = {
    "one cell": {"rows": 1, "columns": 1},
    "a row": {"rows": 1, "columns": 2, "family": "ecp5"},
    "a column": {"rows": 2, "columns": 1, "dataflow": "os", "family": "ice40"},
    "odd": {"rows": 3, "columns": 2, "lines": 1, "family": "gowin"},
    "narrow": {"rows": 5, "columns": 3, "activations": "uint2", "weights": "int2", "lines": 2},
    "wide": {"rows": 7, "columns": 9, "activations": "int16", "weights": "uint16"},
    "mixed": {"rows": 2, "columns": 5, "activations": "uint5", "weights": "int11",
              "dataflow": "os"},
    "even": {"rows": 4, "columns": 4, "weights": "uint8", "lines": 3},
    "hard": {"rows": 13, "columns": 4, "dsps": 5, "family": "ecp5"},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def test_units():
    assert "systolic" in regression.units(None)
    assert regression.units("systolic") == ["systolic"]
    with pytest.raises(UserError, match="no bench for a unit 'systolik'; .*did you mean"):
        regression.units("systolik")


def test_passes(capsys):
    assert main([*SMALL, "--seed", "0"]) == 0
    out = capsys.readouterr().out
    assert "Design systolic_ws_2x3_int8_int8, seed 0" in out
    assert out.rstrip().endswith("ok")


def test_json(capsys):
    assert main([*SMALL, "--json", "--seed", "5"]) == 0
    facts = json.loads(capsys.readouterr().out)
    bench, = facts["benches"]
    assert facts["seed"] == 5
    assert facts["design"]["columns"] == 3
    assert bench["passed"] and bench["cycles"] > 0 and bench["tests"][0]["passed"]


@pytest.mark.parametrize("unit", quick(["binary", "systolic"], "systolic"))
def test_smallest(unit, tmp_path):
    """The smallest is the hardest; :mod:`tests.sim.test_any_unit` has that of the other units."""
    simulated(unit, Design(rows=1, columns=1), tmp_path)


@pytest.mark.parametrize("unit, rows, columns", [
    ("csc", 3, 1), *(pytest.param(*each, marks=pytest.mark.slow) for each in (
        ("unpack", 3, 2), ("unpack", 2, 2), ("sparse", 1, 3), ("post", 2, 5)))])
def test_odd(unit, rows, columns, tmp_path):
    simulated(unit, Design(rows=rows, columns=columns), tmp_path, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("unit", OF_A_SIZE)
def test_sizes(unit, size, seed, tmp_path):
    simulated(unit, Design(**SIZES[size]), tmp_path, seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("unit", sorted({*regression.units(None)} - {*OF_A_SIZE}))
def test_seeds(unit, seed, tmp_path):
    simulated(unit, Design(), tmp_path, seed=seed)


def simulated(unit, design, folder, seed=0):
    """Run a unit's bench, which passes."""
    regression.simulate(unit, design, folder, simulator="verilator", waves=False,
                        seed=seed).check()


def test_another_seed(capsys, monkeypatch):
    """Each run has a seed of its own, which its summary tells."""
    seeds = []
    monkeypatch.setattr(regression, "simulate", lambda *_, seed, **__: seeds.append(seed) or
                        regression.Result("bench_x", (), "", 0, 0, True, None, None))
    for _ in range(2):
        main(SMALL)
        assert f"seed {seeds[-1]}\n" in capsys.readouterr().out
    assert seeds[0] != seeds[1]


def test_fails(capsys, monkeypatch):
    other = Design(rows=2, columns=3, weights="uint8")
    monkeypatch.setattr(regression, "verilog", lambda design, make=regression.verilog: make(other))
    assert main(SMALL) == 1
    out = capsys.readouterr().out
    assert "FAILED" in out and "run.log" in out


def test_does_not_build(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(regression, "verilog", lambda design: "module systolic(clk); garbage")
    assert main(SMALL) == 1
    assert "does not build" in capsys.readouterr().out
    log, = tmp_path.glob("build/sim/**/build.log")
    assert "syntax error" in log.read_text() or "module" in log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["icebreaker", "tang-nano-9k", "ulx3s-85f"])
def test_presets(preset):
    assert main(["sim", "systolic", "--design", preset, "--seed", "0"]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["accelerator", "accelerator-uart", "accelerator-spi"])
def test_two_clocks(unit, tmp_path):
    """An accelerator whose host's side has a clock of its own, and what is around it."""
    simulated(unit, Design(rows=4, columns=4, lines=1, lanes=2, activation_memory=256,
                           program_memory=1600, partial_sums=8, steps=4, family="ecp5"), tmp_path)
