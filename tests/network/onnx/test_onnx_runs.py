"""ONNX networks from their files to the Verilog, by the command line, beside ONNX Runtime."""

import json

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.network.onnx.reading import read
from hwgen.tools.find import compiler, verilator

from ...cases import some

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
low_bit = pytest.importorskip("tests.low_bit")
mixed = pytest.importorskip("tests.compress.test_mixed")
writer = pytest.importorskip("tests.onnx_writer")

pytestmark = [pytest.mark.skipif(not (verilator() and compiler()),
                                 reason="needs Verilator and g++"),
              pytest.mark.xdist_group("onnx runs")]

SINGLE = Design(rows=4, columns=4, lines=2, lanes=4, activation_memory=4096, program_memory=16384,
                partial_sums=64, line_pixels=32, rounding="single", steps=0)
FEW = 0.05
"""Share of the outputs that may differ from ONNX Runtime's: ties, by one step."""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own, where the Design is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "single.toml").write_text(SINGLE.to_toml())


def qdq(kind):
    """Return a network of float operators between QuantizeLinear and DequantizeLinear."""
    w = writer.Writer(3, kind)
    r = w.random
    x = w.both(w.input([1, 2, 9, 8], name="x"))
    y = w.node("Conv", x, w.dequantized(*w.weights(8, 2, 3, 3, channels=8)), pads=[1, 1, 1, 1])
    y = w.both(w.node("Relu", y), *w.grid(0.1037))
    z = w.node("Conv", y, w.dequantized(*w.weights(8, 1, 3, 3, channels=8)), group=8,
               strides=[2, 2], pads=[1, 1, 1, 1])
    z = w.both(z, *w.grid(0.3071))
    a = w.both(w.node("Conv", z, w.dequantized(*w.weights(8, 8, 1, 1))), *w.grid(0.5209))
    y = w.both(w.node("Add", a, z), *w.grid(0.4813))
    y = w.both(w.node("GlobalAveragePool", y), *w.grid(0.2017))
    weights = w.dequantized(r.integers(-128, 128, (5, 8)).astype("i1"), np.float32(0.01),
                            np.array(0, "i1"))
    y = w.node("Gemm", w.node("Flatten", y), weights, transB=1)
    return w.model(w.both(y, *w.grid(0.1979)))


def qoperator(kind):
    """Return a network of operators that are quantised themselves."""
    w = writer.Writer(5, kind)
    grids = [w.grid(scale) for scale in (0.0513, 0.3071, 0.5209, 0.2963, 0.2017)]
    x = w.quantize(w.input([1, 3, 7, 6], name="x"), *grids[0])
    y = w.node("QLinearConv", x, *grids[0], *w.weights(6, 3, 3, 3, channels=6), *grids[1],
               w.bias(6))
    y = w.node("QLinearConv", y, *grids[1], *w.weights(6, 1, 3, 3, channels=6), *grids[2],
               w.bias(6), group=6, pads=[1, 1, 1, 1])
    y = w.node("QLinearGlobalAveragePool", y, *grids[2], *grids[3], domain="com.microsoft",
               channels_last=0)
    y = w.node("QGemm", w.node("Flatten", y), *grids[3], *w.weights(6, 4, kind=kind),
               w.bias(4), *grids[4], domain="com.microsoft")
    return w.model(w.node("DequantizeLinear", y, *grids[4]))


def ran(capsys, *arguments):
    """Run a command, and return the JSON that it prints."""
    assert main([*arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("make", some([qdq, qoperator], 1))
def test_onnx_runtime(make, kind, capsys, tmp_path):
    """RTL = golden in every layer, predicted = counted, and both are what ONNX Runtime gives."""
    model = make(kind)
    (tmp_path / "net.onnx").write_bytes(model)
    shape = read(model).input_shapes["x"]
    x = np.random.default_rng(1).normal(0, 1.5, (5, *shape[1:])).astype("f4")
    np.save(tmp_path / "x.npy", x)
    facts = ran(capsys, "run", "net.onnx", "--design", "single.toml", "--input", "x.npy")
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    (name,) = facts["outputs"]
    scale, zero_point = facts["output_grids"][name].values()
    found = (np.array(facts["outputs"][name]) - zero_point) * scale
    expected = np.concatenate([writer.runtime(model, {"x": image[None]})[name] for image in x])
    steps = np.rint((found - expected) / scale)
    assert np.abs(steps).max() <= 1
    assert np.mean(steps != 0) <= FEW
    golden = ran(capsys, "golden", "net.onnx", "--input", "x.npy")
    assert golden["outputs"] == facts["outputs"]


def test_integers_as_the_file_has_them(capsys, tmp_path):
    """Two inputs of uint8, images channels-first, in a .npz; uint8 comes out."""
    w = writer.Writer(7, "u1")
    a, b, c = w.grid(0.05), w.grid(0.07), w.grid(0.1)
    y = w.node("QLinearAdd", w.input([1, 3, 4, 5], "u1", "a"), *a, w.input([1, 3, 4, 5], "u1", "b"),
               *b, *c, domain="com.microsoft")
    model = w.model(y, kind="u1")
    (tmp_path / "net.onnx").write_bytes(model)
    x = np.random.default_rng(2).integers(0, 256, (2, 2, 3, 4, 5)).astype("u1")
    np.savez(tmp_path / "x.npz", a=x[0], b=x[1])
    facts = ran(capsys, "run", "net.onnx", "--design", "single.toml", "--input", "x.npz")
    assert facts["equal"]
    expected = [writer.runtime(model, {"a": p[None], "b": q[None]})[y]
                for p, q in zip(*x, strict=True)]
    difference = np.array(facts["outputs"][y]) - np.concatenate(expected).astype(int)
    assert np.abs(difference).max() <= 1
    assert np.mean(difference != 0) <= FEW


def test_mixed_precision(capsys, tmp_path):
    """Few bits are clamps of int8: the array runs them as it is, and RTL = golden in each layer."""
    model, x = mixed.small(2)
    search = mixed.Mixed(mixed.Calibrated(model, x), np.zeros(len(x), int), mixed.COST)
    bits = {variable: 3 + index % 5 for index, variable in enumerate(search.variables())}
    (tmp_path / "net.onnx").write_bytes(search.model(bits))
    np.save(tmp_path / "x.npy", x[:2])
    facts = ran(capsys, "run", "net.onnx", "--design", "single.toml", "--input", "x.npy")
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    assert all(layer["difference"] is None for layer in facts["layers"])


@pytest.mark.parametrize("options, text", [
    (["--design", "tflm.toml"], "'single', as net.onnx wants sums to be rounded, not 'tflm'"),
    (["--design", "tflm.toml"], "write it into the Design, or give --rounding single"),
    (["--rounding", "tflm"], "rounding must be 'single'"),
])
def test_rounding_wrong(options, text, capsys, tmp_path):
    (tmp_path / "net.onnx").write_bytes(qdq("i1"))
    (tmp_path / "tflm.toml").write_text(SINGLE.replace(rounding="tflm").to_toml())
    assert main(["cycles", "net.onnx", *options]) == 2
    assert text in capsys.readouterr().err


def test_rounding_of_presets(capsys, tmp_path):
    """A preset takes the network's rounding, and says so."""
    (tmp_path / "net.onnx").write_bytes(qdq("i1"))
    assert ran(capsys, "cycles", "net.onnx", "--design", "ulx3s-85f")["rounding"] == "single"
    assert ran(capsys, "cycles", "net.onnx")["rounding"] == "single"
    (tmp_path / "tflm.toml").write_text(SINGLE.replace(rounding="tflm").to_toml())
    mine = ran(capsys, "cycles", "net.onnx", "--design", "tflm.toml", "--rounding", "single")
    assert mine["rounding"] == "single"


def sums(layers):
    """Return a network of few bits whose output is sums of 32 bits times a scale."""
    w, width = low_bit.Writer(1), 30
    x = w.quant(w.input([1, width], name="x"), 4, 0.25)
    for outputs in range(12, 12 - layers, -1):
        y = w.node("MatMul", x, w.low_bit(width, outputs, bits=3))
        x, width = w.quant(y, 4, 4.0, rounding="HALF_UP"), outputs
    return w, w.node("MatMul", x, w.low_bit(width, 5, bits=8, scale=0.5))


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_sums(layers, capsys, tmp_path):
    """The host multiplies by the last weights, whose sums are the output, even if that is all."""
    w, output = sums(layers)
    (tmp_path / "net.onnx").write_bytes(w.model(output))
    x = np.random.default_rng(3).normal(0, 1.5, (2, 30)).astype("f4")
    np.save(tmp_path / "x.npy", x)
    facts = ran(capsys, "run", "net.onnx", "--design", "single.toml", "--input", "x.npy")
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    found = np.array(facts["outputs"][output], "f4")
    expected = [low_bit.execute(w.model(output), {"x": image[None]})[0][0] for image in x]
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("operator", ["Softmax", "Sigmoid"])
def test_classifier(operator, capsys, tmp_path):
    """What comes last is the host's, and is ONNX Runtime's to the last bits of a float32."""
    w = writer.Writer(3, "u1")
    x = w.both(w.input([1, 2, 6, 6], name="x"))
    y = w.both(w.node("Conv", x, w.dequantized(*w.weights(8, 2, 3, 3))), *w.grid(0.1037))
    y = w.both(w.node("GlobalAveragePool", y), *w.grid(0.0517))
    output = w.node(operator, w.node("Flatten", y))
    (tmp_path / "net.onnx").write_bytes(w.model(output))
    x = np.random.default_rng(3).normal(0, 1.5, (2, 2, 6, 6)).astype("f4")
    np.save(tmp_path / "x.npy", x)
    facts = ran(capsys, "run", "net.onnx", "--design", "single.toml", "--input", "x.npy")
    assert facts["equal"] and facts["cycles"] == facts["predicted_cycles"]
    expected = [writer.runtime(w.model(output), {"x": image[None]})[output][0] for image in x]
    assert np.allclose(facts["outputs"][output], expected, rtol=1e-6)
    assert facts["output_grids"][output] == {"scale": 1.0, "zero_point": 0}
