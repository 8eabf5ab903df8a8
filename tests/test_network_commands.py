"""The commands that take a network, from the command line to what they print."""

import json

import pytest

from hwgen.cli import main
from hwgen.tools import compiler, verilator

from .networks import path

simulates = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
LAYER = {"name", "predicted_cycles", "multipliers_busy", "performance_efficiency", "bytes_read",
         "bytes_written", "program_bytes", "least_bytes", "memory_access_efficiency"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def printed(capsys, *arguments):
    """Run a command that must do, and return what it prints."""
    assert main([str(argument) for argument in arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_cycles(capsys):
    facts = json.loads(printed(capsys, "cycles", path("kws_dscnn"), "--json"))
    layers = facts["layers"]
    assert all(LAYER <= set(layer) for layer in layers)
    for name in ("predicted_cycles", "bytes_read", "bytes_written", "program_bytes", "least_bytes",
                 "products", "computed_products"):
        assert facts[name] == sum(layer[name] for layer in layers) > 0
    moved = facts["bytes_read"] + facts["bytes_written"] + facts["program_bytes"]
    assert facts["memory_access_efficiency"] == facts["least_bytes"] / moved
    done = facts["predicted_cycles"] * 144
    assert facts["performance_efficiency"] == facts["products"] / done
    reshape = next(layer for layer in layers if layer["operator"] == "RESHAPE")
    assert reshape["memory_access_efficiency"] is None

    table = printed(capsys, "cycles", path("kws_dscnn")).splitlines()
    assert table[0].split() == ["layer", "cycles", "busy", "read", "written", "program", "memory",
                                "eff.", "performance", "eff."]
    busy = f"{100 * facts['multipliers_busy']:.1f}"
    whole = next(line for line in table if line.startswith("all layers")).split()
    assert whole[2:6] == [f"{facts['predicted_cycles']:,}", busy, "%", f"{facts['bytes_read']:,}"]


@simulates
@pytest.mark.xdist_group("reference accelerator")
def test_run(capsys):
    source = f"{path('ad_autoencoder').with_suffix('.npz')}:input"
    words = ["run", path("ad_autoencoder"), "--design", "ulx3s-85f", "--input", source]
    facts = json.loads(printed(capsys, *words, "--json"))
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    assert all({"cycles", *LAYER} <= set(layer) for layer in facts["layers"])
    predicted = json.loads(printed(capsys, "cycles", path("ad_autoencoder"), "--json"))
    for name in LAYER - {"name"}:
        assert facts[name] == predicted[name]
    table = printed(capsys, *words).splitlines()
    assert table[0].split()[:4] == ["layer", "cycles", "predicted", "busy"]
    assert "equal" not in table[2]
    assert printed(capsys, *words, "--check").splitlines()[2].endswith("equal")
