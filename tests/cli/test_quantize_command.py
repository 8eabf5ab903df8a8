"""`hwgen quantize`: what it writes, what it prints, and what it refuses."""

import json

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.compress.quantize import quantise
from hwgen.golden.network.network import run
from hwgen.network.onnx.reading import read

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
test_quantize = pytest.importorskip("tests.compress.test_quantize")
writer = pytest.importorskip("tests.onnx_writer")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own, where a float network and inputs are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(test_quantize.float_model())
    np.savez(tmp_path / "images.npz", x0=test_quantize.images(), other=np.zeros(3))


def test_command(capsys, tmp_path):
    """The file that is written is the network that the library makes, and it runs."""
    words = ["quantize", "net.onnx", "--data", "images.npz", "--method", "percentile"]
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["file"], facts["images"], facts["method"]) == ("net_int8.onnx", 8, "percentile")
    assert len(facts["tensors"]) == 12
    assert all(tensor["sqnr_db"] > 15 and tensor["largest_steps"] >= 0
               for tensor in facts["tensors"])
    written = read(tmp_path / "net_int8.onnx")
    expected = quantise("net.onnx", test_quantize.images(), method="percentile")
    x = expected.feed(test_quantize.images(seed=5))
    ours, theirs = (run(network, x, keep=True) for network in (written, expected))
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    assert main(["golden", "net_int8.onnx", "--input", "images.npz:x0"]) == 0
    capsys.readouterr()

    assert main([*words, "-o", "mine.onnx"]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["tensor", "scale", "SQNR", "dB", "largest,", "steps"]
    assert table[-1] == "mine.onnx: int8, from 8 inputs"
    assert (tmp_path / "mine.onnx").read_bytes() == (tmp_path / "net_int8.onnx").read_bytes()


def test_perfect_is_json(capsys, tmp_path):
    """A tensor without an error has no decibels, and JSON no infinity."""
    w = writer.Writer(1)
    (tmp_path / "same.onnx").write_bytes(w.model(w.node("Relu", w.input([1, 2, 3, 3]))))
    np.save(tmp_path / "x.npy", np.array([0, 255] * 9, "f4").reshape(1, 2, 3, 3))
    assert main(["quantize", "same.onnx", "--data", "x.npy", "--json"]) == 0
    text = capsys.readouterr().out
    assert "Infinity" not in text
    assert {tensor["sqnr_db"] for tensor in json.loads(text)["tensors"]} == {None}


@pytest.mark.parametrize("words, text", [
    (["net.onnx", "--data", "images.npz", "--labels", "x.npz"], "--labels is for --mixed"),
    (["net.onnx", "--data", "images.npz", "--plot", "x.svg"], "--plot is for --mixed"),
    (["none.onnx", "--data", "images.npz"], "cannot be read"),
    (["net.tflite", "--data", "images.npz"], "'net.tflite' must end in .onnx"),
    (["net.onnx", "--data", "none.npz"], "none.npz cannot be read: No such file"),
    (["net.onnx", "--data", "images.npz:other"], "input 'x0' must be images of shape"),
    (["net.onnx", "--data", "images.npz:y"], "images.npz has no array 'y'; it has x0, other"),
    (["net.onnx", "--data", "int.npy"], "input 'x0' must be floating point"),
    (["net.onnx", "--data", "nan.npy"], "input 'x0' must be finite numbers"),
    (["net.onnx", "--data", "images.npz", "--method", "mean"], "--method: invalid choice: 'mean'"),
    (["net.onnx", "--data", "images.npz", "--percentile", "many"], "takes a number, not 'many'"),
    (["net.onnx", "--data", "images.npz", "--method", "percentile", "--percentile", "nan"],
     "percentile must be above 50 and at most 100, not nan"),
    (["net.onnx", "--data", "images.npz", "-o", "net.onnx"], "another file than the float"),
    (["net.onnx", "--data", "images.npz", "-o", "."], ". cannot be written: it is there"),
    (["net.onnx", "--data", "images.npz", "-o", "no/where.onnx"], "cannot be written: No such"),
    (["quantised.onnx", "--data", "images.npz"], "is quantised already"),
    (["net.onnx"], "--data"),
    (["net.onnx", "--data", "images.npz", "--rows", "8"], "a Design is for --mixed"),
])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_wrong(words, text, capsys, tmp_path):
    """One sentence, and nothing is written."""
    np.save(tmp_path / "int.npy", test_quantize.images().astype(int))
    np.save(tmp_path / "nan.npy", test_quantize.images() * np.float32(np.nan))
    w = writer.Writer(1)
    (tmp_path / "quantised.onnx").write_bytes(w.model(w.both(w.input([1, 4]))))
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["quantize", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and text in err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
