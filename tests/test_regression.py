import json

import pytest

from hwgen.cli import main
from hwgen.design import Design
from hwgen.errors import UserError

regression = pytest.importorskip("sim.regression")

SMALL = ["sim", "systolic", "--rows", "2", "--columns", "3"]


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
    assert main(SMALL) == 0
    out = capsys.readouterr().out
    assert "systolic_ws_2x3_int8_int8" in out
    assert out.rstrip().endswith("ok")


def test_json(capsys):
    assert main([*SMALL, "--json", "--seed", "5"]) == 0
    facts = json.loads(capsys.readouterr().out)
    bench, = facts["benches"]
    assert facts["design"]["columns"] == 3
    assert bench["passed"] and bench["cycles"] > 0 and bench["tests"][0]["passed"]


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
    assert main(["sim", "systolic", "--design", preset]) == 0
