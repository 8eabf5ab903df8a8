"""Files written again with other weights: what is read of them is what was wanted."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.compress.prune import prunable_layers
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.golden.network.taps import rows, with_rows
from hwgen.network.reader import read_network
from hwgen.network.rewrite import fixed_biases, rewrite_file

from ..networks import NETWORKS, path
from ..tflite_writer import random_network


def change_network(network, seed=0, biases=True):
    """Return a network with other weights and biases."""
    rng = np.random.default_rng(seed)
    layers = []
    for layer in network.layers:
        if any(layer is each for each in prunable_layers(network)):
            matrix = np.where(rng.random(rows(layer).shape) < 0.5, rows(layer), 0)
            bias = layer.bias + (rng.integers(-9, 10, layer.bias.shape) if biases else 0)
            layer = with_rows(layer, matrix, bias)
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def check(file, network, data):
    """Check that a file has become a network, by its weights and by what it computes."""
    target = file.with_name(f"again{file.suffix}")
    target.write_bytes(data)
    found = read_network(target)
    if hasattr(network, "rounding"):
        assert found.rounding == network.rounding
    rng = np.random.default_rng(1)
    x = {name: rng.integers(-128, 128, (2, *network.tensors[name].shape[1:])).astype(np.int8)
         for name in network.inputs}
    ours, theirs = (run(each, x, keep=True) for each in (network, found))
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    for old, new in zip(prunable_layers(network), prunable_layers(found), strict=True):
        np.testing.assert_array_equal(old.weights, new.weights)
        np.testing.assert_array_equal(old.bias, new.bias)


@pytest.mark.parametrize("name", NETWORKS)
def test_tflite(name, tmp_path):
    file = tmp_path / f"{name}.tflite"
    file.write_bytes(path(name).read_bytes())
    network = read_network(file)
    wanted = change_network(network)
    data = rewrite_file(file, wanted)
    assert len(data) == file.stat().st_size
    check(file, wanted, data)
    assert rewrite_file(file, network) == file.read_bytes()


@pytest.mark.parametrize("seed", range(6))
def test_tflite_random(seed, tmp_path):
    """With or without biases, whose lack is told; shapes of all kinds."""
    file = tmp_path / "net.tflite"
    file.write_bytes(random_network(np.random.default_rng(seed)))
    wanted = change_network(read_network(file), seed, biases=False)
    check(file, wanted, rewrite_file(file, wanted))


def test_tflite_without_bias(tmp_path):
    """A bias that the file has no place for is an error that names the layer."""
    file, messages = tmp_path / "net.tflite", []
    for seed in range(20):
        file.write_bytes(random_network(np.random.default_rng(seed)))
        network = read_network(file)
        try:
            rewrite_file(file, change_network(network, seed))
            assert not fixed_biases(file, network).intersection(
                layer.name for layer in prunable_layers(network))
        except UserError as error:
            messages.append(str(error))
            assert any(name in str(error) for name in fixed_biases(file, network))
    assert messages and all("the file has no bias for layer" in text for text in messages)


def onnx_file(tmp_path, seed=0):
    """Return a quantised file with most of what we quantise."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from hwgen.compress.quantize import quantised_model

    from ..compress import test_quantize
    file = tmp_path / "net.onnx"
    file.write_bytes(quantised_model(test_quantize.float_model(seed), test_quantize.images()))
    return file


def test_onnx(tmp_path):
    """Through transpositions, a flattened image, and depthwise channels, to the right places."""
    file = onnx_file(tmp_path)
    wanted = change_network(read_network(file))
    data = rewrite_file(file, wanted)
    check(file, wanted, data)
    assert rewrite_file(file, read_network(file)) != data


@pytest.mark.parametrize("kind", ["i1", "u1"])
def test_onnx_operators(kind, tmp_path):
    """Operators that are quantised themselves, of both types of weights."""
    writer = pytest.importorskip("tests.onnx_writer")
    w = writer.Writer(5, kind)
    x = w.input([1, 3, 6, 6], kind)
    values = w.random.integers(-127, 128, (4, 3, 3, 3))
    offset = 128 if kind == "u1" else 0
    zero = np.array(offset, kind)
    y = w.node("QLinearConv", x, *w.grid(0.05), (values + offset).astype(kind), np.float32(0.01),
               zero, *w.grid(0.4), w.bias(4))
    file = tmp_path / "net.onnx"
    file.write_bytes(w.model(y, kind=kind))
    wanted = change_network(read_network(file))
    check(file, wanted, rewrite_file(file, wanted))


def test_onnx_shared(tmp_path):
    """Two layers of one constant cannot have weights of their own."""
    writer = pytest.importorskip("tests.onnx_writer")
    w = writer.Writer(5, "i1")
    weights = w.constant(w.random.integers(-127, 128, (3, 3, 1, 1)).astype("i1"))
    y, grid = w.input([1, 3, 4, 4], "i1"), w.grid(0.05)
    for _ in range(2):
        y = w.node("QLinearConv", y, *grid, weights, np.float32(0.01), np.array(0, "i1"), *grid,
                   w.bias(3))
    file = tmp_path / "net.onnx"
    file.write_bytes(w.model(y, kind="i1"))
    with pytest.raises(UserError, match="the file has no place for the weights of layer 'e0'"):
        rewrite_file(file, change_network(read_network(file)))


def test_onnx_asymmetric(tmp_path):
    """Weights less a zero point are no constant of the file, and neither is a float bias."""
    writer = pytest.importorskip("tests.onnx_writer")
    for weights, bias, text in (("u1", "i4", "symmetric int8"), ("i1", "f4", "no int32 constant")):
        w = writer.Writer(5, "i1")
        values = w.random.integers(5, 90, (3, 3, 1, 1)).astype(weights)
        real = w.node("DequantizeLinear", values, np.float32(0.01),
                      np.array(7 if weights == "u1" else 0, weights))
        y = w.node("Conv", w.both(w.input([1, 3, 4, 4])), real, *(
            [w.random.normal(0, 1, 3).astype("f4")] if bias == "f4" else []))
        file = tmp_path / "net.onnx"
        file.write_bytes(w.model(w.both(y)))
        network = read_network(file)
        assert fixed_biases(file, network) == {prunable_layers(network)[0].name}
        with pytest.raises(UserError, match=text):
            rewrite_file(file, change_network(network, biases=bias == "f4"))
