"""Constants that are folded, and quantisers whose readers have other scales, against ONNX Runtime.

What differs must be as near to half-way between two steps as docs/onnx.md says.
"""

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import Concatenate, Reshape
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")
folded = pytest.importorskip("tests.network.onnx.any_folded")

NEAR = 2.0 ** -8 + 1e-4
"""From half-way, in steps: what a bias may be off, and what float32 cannot tell."""


def compare(w, outputs, seed):
    """Hold every quantised tensor of a graph against ONNX Runtime, up to the first difference."""
    model = w.model(*(integers for _, integers, _ in outputs), kind=w.kind)
    network = read(model)
    proto = onnx.ModelProto.FromString(model)
    proto.graph.output.extend(onnx.helper.make_tensor_value_info(edge, 1, None)
                              for edge, _, _ in outputs if edge not in network.input_shapes)
    feed = {name: np.random.default_rng(seed).normal(0, 2, shape).astype("f4")
            for name, shape in network.input_shapes.items()}
    expected = writer.runtime(proto.SerializeToString(), feed)
    found = network.fetch(run(network, network.feed(feed)))
    for edge, integers, (scale, _) in outputs:
        difference = found[integers].astype(int) - expected[integers]
        if difference.any():
            steps = expected[edge][difference != 0] / scale
            assert np.abs(difference).max() == 1
            assert np.abs(steps - np.floor(steps) - 0.5).max() < NEAR
            return


@pytest.mark.parametrize("seed", range(80))
def test_any_graph(seed):
    compare(*folded.chain(seed), seed)


@pytest.mark.slow
def test_many_graphs():
    for seed in range(1000, 4000):
        compare(*folded.chain(seed), seed)


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("offset", [-2.50022, 0.4998, 7.5003, 2.25])
def test_offset_between_two_steps(kind, offset):
    """A constant that is added to a tensor and is near half a step: every value rounds its way."""
    w = writer.Writer(1, kind)
    grid = w.grid(0.25)
    x = w.both(w.input([1, 3, 16, 16]), *grid)
    y = w.node("Add", x, np.array([offset, 0, -offset], "f4").reshape(3, 1, 1) * grid[0])
    integers = w.quantize(y, *grid)
    network = read(w.model(integers, kind=kind))
    feed = {"x0": np.linspace(-40, 40, 768, dtype="f4").reshape(1, 3, 16, 16)}
    found = network.fetch(run(network, network.feed(feed)))
    expected = writer.runtime(w.model(integers, kind=kind), feed)
    assert np.array_equal(found[integers], expected[integers])


def test_bias_of_coarse_sums():
    """Sums of small weights are far apart: their weights are multiplied, which costs nothing."""
    w = writer.Writer(2, "i1")
    x = w.both(w.input([1, 4, 12, 12]), np.float32(1), np.array(0, "i1"))
    weights = w.random.integers(-1, 2, (3, 4, 3, 3)).astype("i1")
    y = w.node("Conv", x, w.dequantized(weights, np.float32(1), np.array(0, "i1")))
    y = w.node("Add", y, np.array([2.50022, -1.3, 0.2502], "f4").reshape(3, 1, 1))
    outputs = [(y, w.quantize(y, np.float32(1), np.array(0, "i1")),
                (np.float32(1), np.array(0, "i1")))]
    compare(w, outputs, 0)
    network = read(w.model(outputs[0][1], kind="i1"))
    assert not any(isinstance(layer, Concatenate) for layer in network.layers)


def test_bias_of_far_too_coarse_sums():
    """Weights that fill a byte and a fine output: their sums are further apart than its steps."""
    w = writer.Writer(3, "i1")
    x = w.both(w.input([1, 2]), np.float32(1), np.array(0, "i1"))
    y = w.node("MatMul", x, w.dequantized(np.array([[127], [-127]], "i1"), np.float32(1),
                                          np.array(0, "i1")))
    y = w.both(w.node("Add", y, np.array([0.3], "f4")), np.float32(0.1), np.array(0, "i1"))
    with pytest.raises(UserError, match="bias between two of its sums"):
        read(w.model(y))


# Quantisers whose readers have another scale or zero point.

def pair(w, edge, first, second):
    return w.node("DequantizeLinear", w.quantize(edge, *first), *second)


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("where", ["input", "middle", "output"])
@pytest.mark.parametrize("shift", [0, 9])
def test_scales_apart(kind, where, shift):
    w = writer.Writer(4, kind)
    grids = {name: (w.grid(scale), w.grid(scale)) for name, scale in
             (("input", 0.04117), ("middle", 0.10373), ("output", 0.21131))}
    for name, (first, _) in grids.items():
        grids[name] = (first, first)
    scale, zero = grids[where][0]
    grids[where] = (scale, zero), (np.float32(scale * 1.9371), (zero + shift).astype(kind))
    x = pair(w, w.input([1, 2, 4, 4]), *grids["input"])
    y = pair(w, w.node("Conv", x, w.dequantized(*w.weights(3, 2, 3, 3)), pads=[1] * 4),
             *grids["middle"])
    y = pair(w, w.node("Conv", y, w.dequantized(*w.weights(2, 3, 1, 1))), *grids["output"])
    network = read(w.model(y))
    feed = {"x0": w.random.normal(0, 2, (1, 2, 4, 4)).astype("f4")}
    found = network.fetch(run(network, network.feed(feed)), real=True)[y]
    assert np.allclose(found, writer.runtime(w.model(y), feed)[y], rtol=1e-6, atol=0)
    assert network.output_grids[y] == (float(grids["output"][1][0]),
                                       int(grids["output"][1][1]))
    assert any(isinstance(layer, Reshape) for layer in network.layers)


@pytest.mark.parametrize("kind", ["i1", "u1"])
def test_scales_apart_of_an_integer_input(kind):
    """Two readers of one integer input, each with a scale and a zero point of its own."""
    w = writer.Writer(5, kind)
    x = w.input([1, 2, 4, 4], kind)
    sides = [w.node("DequantizeLinear", x, *w.grid(scale)) for scale in (0.02113, 0.05071)]
    edge = w.both(w.node("Add", *sides), *w.grid(0.1037))
    network = read(w.model(edge))
    feed = {"x0": w.random.integers(0, 100, (1, 2, 4, 4)).astype(kind)}
    found = network.fetch(run(network, network.feed(feed)), real=True)[edge]
    assert np.allclose(found, writer.runtime(w.model(edge), feed)[edge], rtol=1e-6)


def test_integers_joined_of_different_zero_points():
    w = writer.Writer(6, "i1")
    parts = [w.quantize(w.input([1, 2, 3, 3]), *w.grid()) for _ in range(2)]
    grid = w.grid(0.03)
    edge = w.node("DequantizeLinear", w.node("Concat", *parts, axis=1), *grid)
    network = read(w.model(edge))
    feed = {name: w.random.normal(0, 1, (1, 2, 3, 3)).astype("f4") for name in ("x0", "x1")}
    found = network.fetch(run(network, network.feed(feed)), real=True)[edge]
    assert np.allclose(found, writer.runtime(w.model(edge), feed)[edge], rtol=1e-6)


@pytest.mark.parametrize("integers", [False, True])
def test_outputs_of_one_tensor(integers):
    """Two outputs of the same bytes are two, each on its own scale."""
    w = writer.Writer(7, "i1")
    x = w.quantize(w.input([1, 5]), *w.grid(0.05))
    first = x if integers else w.node("DequantizeLinear", x, *w.grid(0.05))
    second = w.node("DequantizeLinear", x, *w.grid(0.2))
    proto = onnx.ModelProto.FromString(w.model(first, second))
    proto.graph.output[0].type.tensor_type.elem_type = 3 if integers else 1
    model = proto.SerializeToString()
    network = read(model)
    feed = {"x0": w.random.normal(0, 2, (1, 5)).astype("f4")}
    results = run(network, network.feed(feed))
    expected = writer.runtime(model, feed)
    found = network.fetch(results, real=True)
    assert sorted(found) == sorted(expected)
    assert np.allclose(found[second], expected[second], rtol=1e-6)
    assert not integers or np.array_equal(network.fetch(results)[first], expected[first])


def test_transpose_keeps_what_is_done_to_an_input():
    w = writer.Writer(8, "i1")
    x = w.node("Transpose", w.node("Mul", w.input([1, 4, 4, 3]), np.float32(3)),
               perm=[0, 3, 1, 2])
    y = w.both(w.node("Conv", w.both(x), w.dequantized(*w.weights(2, 3, 3, 3))), *w.grid(0.3))
    network = read(w.model(y))
    feed = {"x0": w.random.normal(0, 1, (1, 4, 4, 3)).astype("f4")}
    found = network.fetch(run(network, network.feed(feed)), real=True)[y]
    assert np.allclose(found, writer.runtime(w.model(y), feed)[y], atol=1e-6)
