"""Limits and padding that are no steps of the tensor they are for, against ONNX Runtime."""

import numpy as np
import pytest

from hwgen.compress.quantize import quantise, quantised_model
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")


def same(w, output, share=0.0):
    model = w.model(output)
    network = read(model)
    feed = {"x0": np.random.default_rng(1).normal(0, 2, (1, 3, 6, 6)).astype("f4")}
    found = network.fetch(run(network, network.feed(feed)), real=True)[output]
    expected = writer.runtime(model, feed)[output]
    steps = np.rint((found - expected) / network.output_grids[output][0])
    assert np.abs(steps).max() <= bool(share)
    assert np.mean(steps != 0) <= share


def begin(scale=0.0371):
    w = writer.Writer(1, "i1")
    grid = np.float32(scale), np.array(3, "i1")
    return w, grid, w.both(w.input([1, 3, 6, 6]), *grid)


def convolve(w, x):
    return w.both(w.node("Conv", x, w.dequantized(*w.weights(2, 3, 3, 3))), *w.grid(0.2917))


def test_limit_between_two_steps():
    """The runtime multiplies by 1.0 itself, which no int8 of this scale is."""
    w, grid, x = begin()
    y = w.node("Clip", x, np.float32(-1), np.float32(1))
    with pytest.raises(UserError, match="put a QuantizeLinear and a DequantizeLinear of that sc"):
        read(w.model(convolve(w, y)))
    w, grid, x = begin()  # what the sentence says
    y = w.both(w.node("Clip", x, np.float32(-1), np.float32(1)), *grid)
    same(w, convolve(w, y))


@pytest.mark.parametrize("limit", [0.0, 100.0])
def test_limit_that_is_a_step(limit):
    w, _, x = begin()
    same(w, convolve(w, w.node("Clip", x, np.float32(0), np.float32(limit))) if limit else
         convolve(w, w.node("Relu", x)))


def test_limit_of_what_is_joined():
    w, _, x = begin()
    y = w.node("Concat", w.node("Clip", x, np.float32(-1), np.float32(1)), x, axis=1)
    same(w, w.both(y, *w.grid(0.0311)))


def test_limit_before_a_pool():
    w, grid, x = begin()
    y = w.node("MaxPool", w.node("Clip", x, np.float32(-1), np.float32(1)), kernel_shape=[2, 2])
    same(w, convolve(w, w.both(y, *grid)))


@pytest.mark.parametrize("value", [0.0, 0.2, 30.0])
def test_padding(value):
    pads = np.array([0, 0, 1, 1, 0, 0, 1, 1])
    if value:
        w, grid, x = begin()
        with pytest.raises(UserError, match="pad with 0, or put a QuantizeLinear"):
            read(w.model(convolve(w, w.node("Pad", x, pads, np.float32(value)))))
    w, grid, x = begin()
    y = w.node("Pad", x, pads, np.float32(value))
    same(w, convolve(w, w.both(y, *grid) if value else y))


def test_padding_below_all():
    """A MaxPool never takes the least there is from around an image."""
    w, _, x = begin()
    y = w.node("Pad", x, np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.float32(-np.inf))
    same(w, convolve(w, w.node("MaxPool", y, kernel_shape=[3, 3])))


@pytest.mark.parametrize("operator", ["Clip", "Pad"])
def test_quantised_network_rounds_them(operator):
    """`hwgen quantize` writes the quantiser that the reader asks for."""
    w = writer.Writer(2)
    y = w.node("MaxPool", w.input([1, 3, 6, 6]), kernel_shape=[2, 2])
    y = w.node("Clip", y, np.float32(-1), np.float32(1)) if operator == "Clip" else \
        w.node("Pad", y, np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.float32(0.3))
    y = w.node("Conv", y, w.random.normal(0, 1, (2, 3, 3, 3)).astype("f4"))
    images = np.random.default_rng(1).normal(0, 2, (8, 3, 6, 6)).astype("f4")
    model = quantised_model(w.model(y), images)
    network = quantise(w.model(y), images)
    results = network.fetch(run(network, network.feed(images)), real=True)[y]
    expected = np.concatenate([writer.runtime(model, {"x0": x[None]})[y] for x in images])
    assert np.allclose(results, expected, atol=1e-5)
