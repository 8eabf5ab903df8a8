"""Functions of one number between two quantisers: equal to ONNX Runtime on every integer."""

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import Lookup
from hwgen.network.onnx.reading import read

from ...compiler_bench import inputs_of, verify

pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")

CURVES = ("Tanh", "HardSwish", "LeakyRelu", "Elu", "Sigmoid", "Gelu", "PRelu", "SiLU")
DESIGN = Design(rows=8, columns=8, lanes=8, lines=1, activation_memory=1 << 14, tables=1,
                program_memory=1 << 16, partial_sums=64, rounding="single")


def options_of(operator, rng):
    """Return a slope now and then."""
    slope = float(np.float32(rng.choice([0.01, 0.2, 1, 1.3])))
    return {"alpha": slope} if operator in ("LeakyRelu", "Elu") and rng.random() < 0.8 else {}


def function(w, operator, x, rng):
    """Append a function of an edge: SiLU is two nodes, as exporters write it."""
    if operator == "PRelu":
        return w.node(operator, x, np.full((1, 1)[:rng.integers(1, 3)], rng.normal(), "f4"))
    if operator == "SiLU":
        return w.node("Mul", *rng.permutation([x, w.node("Sigmoid", x)]).tolist())
    if operator == "Gelu" and rng.random() < 0.5:
        return w.node(operator, x, approximate="tanh")
    return w.node(operator, x, **options_of(operator, rng))


def grid(w, rng, least, most):
    """Return a scale, and any zero point."""
    low = np.iinfo(w.kind).min
    return w.grid(2.0 ** rng.uniform(least, most), int(rng.integers(low, low + 256)))


def every_integer(scale, zero):
    """Return the numbers that all integers stand for."""
    low = np.iinfo(zero.dtype).min
    return ((np.arange(low, low + 256) - int(zero)) * np.float32(scale)).astype("f4")[None]


def same(model, x):
    """Hold a model to ONNX Runtime, and return its network."""
    network = read(model)
    [found] = network.fetch(run(network, network.feed(x)), real=True).values()
    [expected] = writer.runtime(model, {"x0": x}).values()
    scale = network.tensors[network.outputs[0]].scale
    np.testing.assert_array_equal(np.rint(found / scale), np.rint(expected / scale))
    return network


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("operator", CURVES)
def test_every_integer(operator, kind):
    """At 100 scales and zero points; behind a Sigmoid is something, or the host computes it."""
    for seed in range(100):
        rng, w = np.random.default_rng([seed, 3]), writer.Writer(seed, kind, opset=20)
        before = grid(w, rng, -7, -2)
        y = function(w, operator, w.both(w.input([1, 256]), *before), rng)
        y = w.both(y, *grid(w, rng, -8, -3))
        if operator == "Sigmoid":
            y = w.both(w.node("MatMul", y, w.dequantized(*w.weights(256, 9))), *w.grid(0.3))
        network = same(w.model(y), every_integer(*before))
        assert isinstance(network.layers[0], Lookup)
        assert network.layers[0].title == {"SiLU": "Sigmoid"}.get(operator, operator)


def test_clipped():
    """What lies between limits, before and behind the function."""
    for seed in range(20):
        rng, w = np.random.default_rng(seed), writer.Writer(seed, "i1", opset=14)
        before = grid(w, rng, -6, -3)
        x = w.node("Relu", w.both(w.input([1, 256]), *before))
        y = w.node("Clip", w.node("Tanh", x), np.float32(0.1), np.float32(0.7))
        same(w.model(w.both(y, *grid(w, rng, -8, -5))), every_integer(*before))


@pytest.mark.parametrize("operator", CURVES)
def test_behind_a_convolution(operator):
    """The layer before has the table, on an accelerator; the tensor between is an image."""
    w, title = writer.Writer(7, "i1", opset=20), {"SiLU": "Sigmoid"}.get(operator, operator)
    y = w.node("Conv", w.both(w.input([1, 3, 6, 5])), w.dequantized(*w.weights(4, 3, 3, 3)))
    y = function(w, operator, w.both(y, *w.grid(0.1)), np.random.default_rng(4))
    y = w.both(y, *w.grid(0.05))
    y = w.both(w.node("Conv", y, w.dequantized(*w.weights(5, 4, 1, 1))), *w.grid(0.3))
    model = w.model(y)
    network = read(model)
    x = np.random.default_rng(1).normal(0, 2, (1, 3, 6, 5)).astype("f4")
    [found] = network.fetch(run(network, network.feed(x)), real=True).values()
    np.testing.assert_allclose(found, writer.runtime(model, {"x0": x})[y], atol=0.31)
    program = verify(network, DESIGN, inputs_of(network))
    assert [layer.operator for layer in program.layers] == [f"CONV_2D, {title}", "CONV_2D"]


@pytest.mark.parametrize("operator", ["QLinearLeakyRelu", "QLinearSigmoid"])
def test_quantised_operators(operator):
    for seed in range(20):
        rng, w = np.random.default_rng(seed), writer.Writer(seed, "u1")
        before, behind = grid(w, rng, -6, -3), grid(w, rng, -8, -5)
        options = {"alpha": 0.3} if operator == "QLinearLeakyRelu" else {}
        y = w.node(operator, w.quantize(w.input([1, 256]), *before), *before, *behind,
                   domain="com.microsoft", **options)
        y = w.node("MatMul", w.dequantized(y, *behind), w.dequantized(*w.weights(256, 9)))
        same(w.model(w.both(y, *w.grid(0.3))), every_integer(*before))


def test_not_quantised():
    w = writer.Writer(1)
    y = w.node("Conv", w.both(w.input([1, 3, 6, 6])), w.dequantized(*w.weights(4, 3, 3, 3)))
    with pytest.raises(UserError, match="which is not quantised"):
        read(w.model(w.both(w.node("Tanh", y))))


@pytest.mark.parametrize("slope", [np.array([0.1, 0.2, 0.3, 0.4], "f4").reshape(4, 1, 1), None])
def test_several_slopes(slope):
    w = writer.Writer(1, opset=20)
    x = w.both(w.input([1, 4, 3, 3]))
    y = w.node("PRelu", x, *([x] if slope is None else [slope]))
    with pytest.raises(UserError, match="one slope for all|with a constant there"):
        read(w.model(w.both(y)))


def test_product_of_another():
    """A function times another tensor, or itself times two, is no function of one number."""
    for times in range(2):
        w = writer.Writer(1, "i1", opset=20)
        x = w.both(w.input([1, 4]))
        y = w.node("Sigmoid", x)
        other = y if times else w.both(w.node("Relu", x))
        with pytest.raises(UserError, match="which is not quantised"):
            read(w.model(w.both(w.node("Mul", y, other))))
