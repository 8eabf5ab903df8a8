"""`hwgen prune`: what it writes, what it prints, and what it refuses."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.compress.prune import density, prunable_layers
from hwgen.golden.network.network import run
from hwgen.network.reader import read_network
from hwgen.predict.sparse import best_index_bits, choices, formats, matrices
from hwgen.tools.find import compiler, verilator

from ..networks import SHARED, arrays, path

CALIBRATION = str(path("kws_dscnn").with_suffix(".npz"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def facts_of(capsys, name, *words):
    """Prune a network, and return the facts."""
    file = path(name)
    assert main(["prune", str(file), "--calibration", str(file.with_suffix(".npz")), "--json",
                 *map(str, words)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_command(capsys, tmp_path):
    """What is written is what is told of; every figure adds up."""
    facts = facts_of(capsys, "kws_dscnn", "--labels", CALIBRATION, "--share", "even", "--density",
                     "0.6", "--method", "magnitude", "--plot", "plot.svg")
    assert facts["file"] == "kws_dscnn_pruned.tflite" and facts["design"]
    assert (facts["calibration_inputs"], facts["measured_inputs"]) == (6, 6)
    network = read_network(tmp_path / "kws_dscnn_pruned.tflite")
    dense, written = facts["path"][0], facts["path"][-1]
    assert [round(point["density"], 2) for point in facts["path"]] == [0.99, 0.75, 0.6]
    assert written["density"] == density(prunable_layers(network))
    assert dense["noise"] == 0 < written["noise"]
    assert list(dense["accuracy"]) == ["top-1, calibration", "top-1, held out"]
    stored = arrays("kws_dscnn")
    right = run(network, stored["input"])[network.outputs[0]].argmax(axis=1) == stored["label"]
    assert list(written["accuracy"].values()) == [right[::2].mean(), right[1::2].mean()]
    assert written["bits"] == sum(layer["bits"] for layer in facts["layers"])
    assert facts["dense_bits"] == 8 * sum(layer.weights.size for layer in prunable_layers(network))
    saved = sum(layer["dense_cycles"] - min(layer["dense_cycles"], layer["sparse_cycles"])
                for layer in facts["layers"] if layer["sparse_cycles"] is not None)
    assert written["chosen_cycles"] == written["dense_cycles"] - saved
    for layer in facts["layers"]:
        faster = layer["sparse_cycles"] is not None and \
            layer["sparse_cycles"] < layer["dense_cycles"]
        assert layer["engine"] == ("sparse" if faster else "dense") and layer["reason"]
    circles = [each for each in ElementTree.parse("plot.svg").iter()
               if each.get("aria-roledescription") == "circle"]
    assert len(circles) == len(facts["path"]) + 2

    assert main(["cycles", "kws_dscnn_pruned.tflite", "--json"]) == 0
    cycles = json.loads(capsys.readouterr().out)
    assert cycles["predicted_cycles"] == written["dense_cycles"]


def test_tables(capsys, tmp_path):
    """Without labels there is no accuracy; other inputs are measured where they are given."""
    np.savez(tmp_path / "few.npz", input=arrays("kws_dscnn")["input"][:2],
             label=arrays("kws_dscnn")["label"][:2])
    words = ["prune", str(path("kws_dscnn")), "--calibration", "few.npz", "--density", "0.8",
             "--share", "even", "--banks", "4", "--method", "magnitude"]
    assert main([*words, "--plot", "p.svg"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("density  noise, thousandths  CSC, bytes")
    assert "calibrated on 1 inputs, measured on 1 others" in out and "on 4 lanes" in out
    assert "on 4 lanes; the engine alone" in out
    assert "depthwise: its weights are no matrix" in out
    assert "noise of the outputs" in (tmp_path / "p.svg").read_text()
    assert main([*words, "--input", "few.npz", "--labels", "few.npz", "-o", "x.tflite"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split("  ")[1] == "top-1, measured"
    assert (tmp_path / "x.tflite").exists()


def test_choices():
    """Bits of an index are the best of all; cycles and bits are of one layer each."""
    network = read_network(path("ad_autoencoder"))
    x = arrays("ad_autoencoder")["input"][:1]
    layers = prunable_layers(network)[4:6]
    weights = matrices(layers)
    best = best_index_bits(weights, 4, 0)
    assert best == 2  # nearly all weights are there, so that no gap needs more
    assert formats(weights, 3, 0)[layers[0].name].value_bits == 8
    assert formats(weights, 3, 17)[layers[0].name].value_bits == 5

    class Dense:
        cycles, products, multipliers, multipliers_busy = 100, 1024, 144, 0.07

    found = choices(network, layers, run(network, x, keep=True),
                    {layer.name: Dense for layer in layers}, 4, 0)
    assert [choice.layer for choice in found] == [layer.name for layer in layers]
    for choice, layer in zip(found, layers, strict=True):
        assert choice.dense_bits == 8 * layer.weights.size and choice.dense_cycles == 100
        assert choice.storage.nonzeros == np.count_nonzero(layer.weights)
        assert choice.cycles == min(100, choice.sparse_cycles)
        assert choice.engine == ("sparse" if choice.sparse_cycles < 100 else "dense")
        assert "4 lanes" in choice.reason and "144 multipliers, 7% busy" in choice.reason


@pytest.mark.parametrize("words, text", [
    (["--density", "0"], "--density must be above 0 and at most 1, not 0"),
    (["--density", "nan"], "--density must be above 0 and at most 1, not nan"),
    (["--banks", "0"], "--banks must be 1 to 64, not 0"),
    (["--codebook", "300"], "--codebook must be 2 to 256, not 300"),
    (["--labels", "few.npz"], "must be 12 integers, one for each input"),
    (["--labels", "words.npz"], "words.npz:label must be 2 integers, one for each input, not <U3"),
    (["--calibration", "few.npz"], "must have at least 2 inputs"),
    (["-o", "net.onnx"], "--output must end in .tflite, as the network's file does, not '.onnx'"),
    (["-o", "same.tflite"], "--output must be another file than the network's"),
    (["-o", "no/where.tflite"], "cannot be written: there is no folder no"),
    (["--method", "luck"], "--method: invalid choice: 'luck'"),
])
def test_wrong(words, text, capsys, tmp_path):
    """One sentence, and nothing is written."""
    (tmp_path / "same.tflite").write_bytes(path("kws_dscnn").read_bytes())
    np.savez(tmp_path / "few.npz", input=arrays("kws_dscnn")["input"][:1], label=np.zeros(3, int))
    np.savez(tmp_path / "words.npz", label=np.array(["yes", "no"]))
    before = set(tmp_path.iterdir())
    assert main(["prune", "same.tflite", "--calibration", CALIBRATION, "--density", "1",
                 "--share", "even", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and text in err
    assert set(tmp_path.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("codebook, most", [(None, 0.5), (16, 0.35)])
def test_autoencoder_is_small(codebook, most, capsys):
    """A quarter of the weights, pointers included, in half or a third of the bits."""
    words = [] if codebook is None else ["--codebook", codebook]
    facts = facts_of(capsys, "ad_autoencoder", "--density", 0.25, "--banks", 8, "--share", "even",
                     *words)
    assert facts["path"][-1]["density"] <= 0.25
    assert facts["path"][-1]["bits"] <= most * facts["dense_bits"]


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "inputs").exists(), reason="needs ../shared/models/inputs")
def test_keywords_are_heard(capsys):
    """Half of the weights, at most 4 of 100 words fewer; none of them calibrates."""
    file = SHARED / "inputs" / "kws_eembc100.npz"
    facts = facts_of(capsys, "kws_dscnn", "--density", 0.5, "--input", f"{file}:input",
                     "--labels", file)
    before, *_, after = (point["accuracy"]["top-1, measured"] for point in facts["path"])
    assert facts["path"][-1]["density"] <= 0.5
    assert before - after <= 0.04 + 1e-9


@pytest.mark.slow
@pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
@pytest.mark.parametrize("name, part", [("kws_dscnn", 0.5), ("ad_autoencoder", 0.25)])
def test_runs(name, part, capsys):
    """The pruned network runs on the simulated board, every layer as its golden model says."""
    facts = facts_of(capsys, name, "--density", part, "--share", "even")
    np.save("x.npy", arrays(name)["input"][:2])
    assert main(["run", facts["file"], "--design", "ulx3s-85f", "--input", "x.npy", "--json"]) == 0
    ran = json.loads(capsys.readouterr().out)
    assert ran["equal"] and ran["cycles"] == ran["predicted_cycles"] == \
        facts["path"][-1]["dense_cycles"]
