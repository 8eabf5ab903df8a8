"""Softmax and Sigmoid at the end, sums, and what ONNX Runtime's quantiser makes of classifiers."""

import itertools
import json

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.integration.c_program import c_program
from hwgen.network.graph import Convolution, FullyConnected
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
quantization = pytest.importorskip("onnxruntime.quantization")
writer = pytest.importorskip("tests.onnx_writer")

WRAPS = pytest.mark.skipif(writer.runtime_before(1, 32),
                           reason="ONNX Runtime before 1.32 makes 0 of a Softmax of 256 steps")


def images(seed, count=16, spread=1.0):
    return np.random.default_rng(seed).normal(0, spread, (count, 3, 8, 8)).astype("f4")


def classifier(last, opset=13, names=True):
    """Return a float classifier; without names, none of its nodes has one."""
    w = writer.Writer(1, opset=opset)
    r = w.random
    y = w.node("Conv", w.input([1, 3, 8, 8]), r.normal(0, 0.4, (8, 3, 3, 3)).astype("f4"),
               r.normal(0, 0.4, 8).astype("f4"), pads=[1] * 4)
    y = w.node("Flatten", w.node("GlobalAveragePool", w.node("Relu", y)))
    y = w.node("Gemm", y, r.normal(0, 1, (5, 8)).astype("f4"), r.normal(0, 1, 5).astype("f4"),
               transB=1)
    if last:
        y = w.node(last, y)
    for node in w.nodes:
        node.name = node.name if names else ""
    return w.model(y)


def same(model, x):
    """Hold outputs of all images against ONNX Runtime: integers equal, floats to float32."""
    network = read(model)
    for image in x:
        results = run(network, network.feed(image[None]))
        found, real = network.fetch(results), network.fetch(results, real=True)
        for name, expected in writer.runtime(model, {"x0": image[None]}).items():
            assert real[name].shape == expected.shape
            assert np.allclose(real[name], expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())
            scale, zero = network.output_grids[name]
            assert np.allclose((found[name].astype("f4") - zero) * np.float32(scale), real[name])
    return network


class Reader(quantization.CalibrationDataReader):
    """What calibrates."""

    def __init__(self):
        self.rows = iter([{"x0": x[None]} for x in images(2)])

    def get_next(self):
        return next(self.rows, None)


CHOICES = list(itertools.product(
    ["Softmax", "Sigmoid", None], ["QDQ", "QOperator"], [False, True],
    [("QInt8", "QInt8"), ("QUInt8", "QInt8"), ("QUInt8", "QUInt8")]))


@pytest.mark.parametrize("last, form, per_channel, types", [
    pytest.param(*choice, marks=[] if index % 4 == 0 else pytest.mark.slow)
    for index, choice in enumerate(CHOICES)])
def test_quantised_by_the_runtime(last, form, per_channel, types, tmp_path):
    source, target = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    source.write_bytes(classifier(last))
    quantization.quantize_static(
        source, target, Reader(), quant_format=quantization.QuantFormat[form],
        per_channel=per_channel, activation_type=quantization.QuantType[types[0]],
        weight_type=quantization.QuantType[types[1]])
    same(target.read_bytes(), np.concatenate([images(3), images(4, spread=5.0)]))


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("operator", ["Softmax", "Sigmoid"])
@pytest.mark.parametrize("opset, axis, shape", [
    (13, -1, [1, 6]), (13, 1, [1, 4, 3, 2]), (13, 2, [1, 4, 3, 2]), (12, 1, [1, 4, 3, 2]),
    pytest.param(13, 0, [1, 6], marks=WRAPS)])
def test_axes(kind, operator, opset, axis, shape):
    """A Softmax over any axis, behind a Relu, with a Flatten after it and quantised again."""
    w = writer.Writer(2, kind, opset=opset)
    options = {"axis": axis} if operator == "Softmax" else {}
    x = w.both(w.input(shape), *w.grid(0.0421))
    y = w.node(operator, w.node("Relu", x), **options)
    z = w.node(operator, x, **options)
    outputs = [y, w.node("Flatten", y), w.both(z, *w.grid(1 / 255, 0 if kind == "u1" else -128)),
               w.node("Transpose", y)]
    same(w.model(*outputs), w.random.normal(0, 3, (3, *shape[1:])).astype("f4"))


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("operator", ["QLinearSoftmax", "QLinearSigmoid"])
@pytest.mark.parametrize("scale", [pytest.param(1 / 256, marks=WRAPS), 1 / 255, 0.0079, 0.05])
def test_any_scale(kind, operator, scale):
    w = writer.Writer(3, kind)
    grid = w.grid(0.0713)
    options = {"opset": 13, "axis": 1} if operator == "QLinearSoftmax" else {}
    y = w.node(operator, w.quantize(w.input([1, 4, 5]), *grid), *grid,
               *w.grid(scale, 0 if kind == "u1" else -128), domain="com.microsoft", **options)
    model = w.model(y, kind=kind)
    x = w.random.normal(0, 3, (8, 4, 5)).astype("f4")
    network = read(model)
    found = network.fetch(run(network, network.feed(x)))[y]
    expected = np.concatenate([writer.runtime(model, {"x0": row[None]})[y] for row in x])
    assert np.array_equal(found, expected)


def test_nothing_comes_after():
    w = writer.Writer(4)
    y = w.node("Softmax", w.both(w.input([1, 6])))
    with pytest.raises(UserError, match="we run those last"):
        read(w.model(w.both(w.node("MatMul", y, w.dequantized(*w.weights(6, 5))))))


# Sums.

def test_real_output():
    """A product that nothing quantises: its sums are the output, and the host scales them."""
    w = writer.Writer(5)
    y = w.node("Conv", w.both(w.input([1, 3, 8, 8])), w.dequantized(*w.weights(4, 3, 3, 3)))
    network = same(w.model(y, w.node("Relu", y), w.node("Softmax", y)), images(5))
    assert all(layer.host for layer in network.layers if isinstance(layer, Convolution))


@pytest.mark.parametrize("kind", ["i1", "u1"])
def test_integer_output(kind):
    w = writer.Writer(6, kind)
    y = w.node("MatMulInteger", w.input([3, 7], kind), w.weights(7, 4)[0])
    model = onnx.ModelProto.FromString(w.model(y))
    model.graph.output[0].type.tensor_type.elem_type = 6
    model = model.SerializeToString()
    limits = np.iinfo(kind)
    x = w.random.integers(limits.min, limits.max, (3, 7), endpoint=True).astype(kind)
    network = read(model)
    found = network.fetch(run(network, network.feed(x)))[y]
    assert found.dtype == np.int32
    assert np.array_equal(found, writer.runtime(model, {"x0": x})[y])
    assert isinstance(network.layers[-1], FullyConnected)


def test_c_program_says_what_is_left():
    w = writer.Writer(9)
    y = w.both(w.node("MatMul", w.both(w.input([1, 6])), w.dequantized(*w.weights(6, 8))))
    y = w.node("MatMul", y, w.dequantized(*w.weights(8, 3)))
    network = read(w.model(y))
    program = compile_network(network, Design.load("ulx3s-85f").replace(rounding="single"))
    assert f"/* Left to the caller: FULLY_CONNECTED of e4, which gives {y}. */" in \
        c_program(program, "net").replace(program.outputs[0], "e4")


# `hwgen quantize`.

@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("last", ["Softmax", "Sigmoid", None])
@pytest.mark.parametrize("names", [True, False])
def test_quantize_command(last, names, opset, capsys, tmp_path, monkeypatch):
    """What is written has a name for each node, runs on ONNX Runtime, and gives the same here."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(classifier(last, opset, names))
    np.savez("x.npz", x0=images(7))
    assert main(["quantize", "net.onnx", "--data", "x.npz"]) == 0
    model = (tmp_path / "net_int8.onnx").read_bytes()
    found = [node.name for node in onnx.ModelProto.FromString(model).graph.node]
    assert len(set(found)) == len(found)
    same(model, images(8))
    capsys.readouterr()
    assert main(["golden", "net_int8.onnx", "--input", "x.npz", "--json"]) == 0
    (values,) = json.loads(capsys.readouterr().out)["outputs"].values()
    assert np.shape(values) == (16, 5)


def test_names_that_are_taken(tmp_path):
    """A tensor of the float network may have any name but one of ours."""
    w = writer.Writer(8)
    y = w.node("Relu", w.node("Relu", w.input([1, 4], name="x")))
    w.nodes[0].output[0] = w.nodes[1].input[0] = "x:int8"
    (tmp_path / "net.onnx").write_bytes(w.model(y))
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4), "f4"))
    from hwgen.compress.quantize import quantised_model
    with pytest.raises(UserError, match="'x:int8', a name that the int8 network needs"):
        quantised_model(tmp_path / "net.onnx", tmp_path / "x.npz")
