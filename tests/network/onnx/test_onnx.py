import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import (
    AveragePool,
    Concatenate,
    Convolution,
    Depthwise,
    FullyConnected,
    Maximum,
    MaxPool,
    Mean,
    Move,
    Reshape,
    Times,
)
from hwgen.network.onnx.reading import read

from ...compiler_bench import inputs_of, verify

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")
low_bit = pytest.importorskip("tests.low_bit")

KINDS = ("i1", "u1")
SHARED = Path(__file__).parents[4] / "shared" / "models" / "onnx_int8"


def compare(model, *, seed=0, images=1, most=1, share=0.02):
    """Hold a model against ONNX Runtime; return the network."""
    network = read(model)
    random = np.random.default_rng(seed)
    graph = onnx.ModelProto.FromString(model).graph
    feed = {}
    for port in graph.input:
        shape = [d.dim_value for d in port.type.tensor_type.shape.dim]
        code = port.type.tensor_type.elem_type
        limits = np.iinfo({2: "u1", 3: "i1"}.get(code, "i1"))
        feed[port.name] = random.normal(0, 2, shape).astype("f4") if code == 1 else \
            random.integers(limits.min, limits.max, shape, endpoint=True).astype(limits.dtype)
    expected = writer.runtime(model, feed)
    results = run(network, network.feed(feed))
    steps = network.fetch(results)
    real = network.fetch(results, real=True)
    for ours, name in zip(network.outputs, expected, strict=True):
        wanted = expected[name]
        if wanted.dtype == np.float32:
            difference = np.rint((real[name] - wanted) / network.tensors[ours].scale)
        else:
            difference = steps[name].astype(int) - wanted
        assert difference.shape == wanted.shape
        assert np.abs(difference).max() <= most
        assert np.mean(difference != 0) <= share + 2 / difference.size
    return network


def end(w, edge, *grid):
    """Quantise, dequantise and return the model."""
    return w.model(w.both(edge, *grid))


# Convolutions.

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_convolution(kind, seed):
    w = writer.Writer(seed, kind)
    r = w.random
    channels, outputs, height, width = (int(n) for n in r.integers(1, 9, 4) + (0, 0, 4, 4))
    kernel = [int(n) for n in r.integers(1, 5, 2)]
    pads = [int(n) for n in r.integers(0, 3, 4)]
    x = w.both(w.input([1, channels, height, width]))
    weights = w.dequantized(*w.weights(outputs, channels, *kernel,
                                       channels=outputs if seed % 2 else None))
    y = w.node("Conv", x, weights, strides=[int(n) for n in r.integers(1, 3, 2)], pads=pads,
               kernel_shape=kernel)
    grid = w.grid(0.1 * (channels * kernel[0] * kernel[1]) ** 0.5)
    network = compare(end(w, y, *grid), seed=seed)
    assert isinstance(network.layers[0], Convolution)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight_kind, channels, asymmetric", [
    ("i1", None, False), ("i1", 6, False), ("u1", None, False), ("u1", 6, False),
    ("u1", None, True), ("i1", 6, True)])
def test_convolution_quantised(kind, weight_kind, channels, asymmetric):
    if kind == "i1" and weight_kind == "u1":
        pytest.skip("ONNX Runtime has no such kernel")
    w = writer.Writer(3, kind)
    x, y = w.grid(0.05), w.grid(0.3)
    weights = w.weights(6, 4, 3, 2, kind=weight_kind, channels=channels, asymmetric=asymmetric)
    edge = w.node("QLinearConv", w.input([1, 4, 9, 8], kind), *x, *weights, *y, w.bias(6),
                  pads=[1, 0, 1, 1], dilations=[2, 1])
    network = compare(w.model(edge, kind=kind))
    # Weights that do not fit 8 bits less their zero point are split, and their input repeated.
    assert any(isinstance(layer, Concatenate) for layer in network.layers) == asymmetric


@pytest.mark.parametrize("auto_pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_auto_pad(auto_pad):
    w = writer.Writer(5)
    x = w.both(w.input([1, 3, 10, 7]))
    y = w.node("Conv", x, w.dequantized(*w.weights(5, 3, 4, 3)), strides=[2, 2], auto_pad=auto_pad)
    compare(end(w, y, *w.grid(0.4)))


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize("weight_kind", KINDS)
def test_depthwise(multiplier, weight_kind):
    w = writer.Writer(multiplier)
    x = w.both(w.input([1, 4, 7, 6]))
    weights = w.dequantized(*w.weights(4 * multiplier, 1, 3, 3, kind=weight_kind,
                                       channels=4 * multiplier))
    y = w.node("Conv", x, weights, group=4, pads=[1, 1, 1, 1])
    network = compare(end(w, y, *w.grid(0.2)))
    assert isinstance(network.layers[0], Depthwise)


@pytest.mark.parametrize("group, asymmetric", [(2, False), (3, False), (6, True)])
def test_groups(group, asymmetric):
    w = writer.Writer(group)
    x = w.both(w.input([1, 6, 7, 6]))
    weights = w.dequantized(*w.weights(12, 6 // group, 3, 3, kind="u1", asymmetric=asymmetric))
    y = w.node("Conv", x, weights, group=group)
    network = compare(end(w, y, *w.grid(0.4)))
    assert any(isinstance(layer, Convolution) for layer in network.layers)


def test_row():
    """Test a convolution over one axis, with the pools that follow it."""
    w = writer.Writer(7)
    x = w.both(w.input([1, 3, 20]))
    grid = w.grid(0.3)
    y = w.both(w.node("Conv", x, w.dequantized(*w.weights(5, 3, 4)), strides=[2], pads=[1, 2]),
               *grid)
    y = w.both(w.node("MaxPool", y, kernel_shape=[2], strides=[2]), *grid)
    compare(end(w, w.node("GlobalAveragePool", y), *w.grid(0.1)))


@pytest.mark.parametrize("operator, attributes", [
    ("Relu", ()), ("Clip", (np.float32(0), np.float32(6))), ("Clip", (np.float32(-1.5),)),
    ("Clip", (np.float32(-1), np.float32(1)))])
@pytest.mark.parametrize("between", [False, True])
def test_clamp(operator, attributes, between):
    w = writer.Writer(11)
    x = w.both(w.input([1, 3, 6, 6]))
    grid = w.grid(0.08)
    y = w.node("Conv", x, w.dequantized(*w.weights(4, 3, 3, 3)), w.dequantized(
        w.bias(4), np.float32(0.0004), np.zeros((), "i4")))
    if between:
        y = w.both(y, *grid)
    network = compare(end(w, w.node(operator, y, *attributes), *grid))
    # The clamp is in the convolution.
    assert len(network.layers) == 1


def test_batch_normalization():
    w = writer.Writer(13)
    x = w.both(w.input([1, 3, 6, 6]))
    y = w.node("Conv", x, w.dequantized(*w.weights(4, 3, 3, 3)))
    r = w.random
    gain = r.uniform(0.2, 1, 4).astype("f4")
    y = w.node("BatchNormalization", y, gain, *(r.uniform(0.5, 1, (3, 4)).astype("f4")))
    y = w.both(y, *w.grid(0.3))
    gain[1] = -gain[1]
    y = w.node("BatchNormalization", y, gain, *(r.uniform(0.5, 1, (3, 4)).astype("f4")))
    assert len(compare(end(w, y, *w.grid(0.2))).layers) == 2


# Matrices.

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trans", [0, 1])
@pytest.mark.parametrize("flatten", [False, True])
def test_gemm(kind, trans, flatten):
    w = writer.Writer(17, kind)
    x = w.both(w.input([1, 3, 4, 5] if flatten else [1, 60]))
    if flatten:
        x = w.node("MaxPool", x, kernel_shape=[1, 1])
        x = w.node("Flatten", w.both(x, *w.grid(0.04, 0)))
    values, scale, zero = w.weights(60, 7)
    weights = w.dequantized(values.T.copy() if trans else values, scale, zero)
    y = w.node("Gemm", x, weights, w.random.normal(0, 1, 7).astype("f4"), transB=trans, alpha=0.5,
               beta=2.0)
    assert isinstance(compare(end(w, y, *w.grid(0.5))).layers[-1], FullyConnected)


@pytest.mark.parametrize("kind", KINDS)
def test_gemm_quantised(kind):
    w = writer.Writer(19, kind)
    y = w.node("QGemm", w.input([1, 33], kind), *w.grid(0.05), *w.weights(33, 5, kind=kind),
               w.bias(5), *w.grid(0.4), domain="com.microsoft", alpha=1.0)
    compare(w.model(y, kind=kind))


@pytest.mark.parametrize("shape", [[1, 12], [5, 12], [1, 3, 12]])
def test_matmul(shape):
    w = writer.Writer(23)
    x = w.both(w.input(shape))
    y = w.node("MatMul", x, w.dequantized(*w.weights(12, 6, channels=6), axis=1))
    y = w.node("Add", y, w.random.normal(0, 1, 6).astype("f4"))
    compare(end(w, w.node("Relu", y), *w.grid(0.2)))


def test_matmul_integer():
    w = writer.Writer(29)
    y = w.node("MatMulInteger", w.input([3, 20], "u1"), w.weights(20, 4, kind="u1")[0],
               np.array(120, "u1"), np.array(128, "u1"))
    y = w.node("Mul", w.node("Cast", y, to=1), np.float32(0.002))
    compare(w.model(w.quantize(y, *w.grid(1.0)), kind="u1"))


def test_conv_integer():
    w = writer.Writer(31)
    y = w.node("ConvInteger", w.input([1, 2, 6, 6], "u1"), w.weights(4, 2, 3, 3, kind="u1")[0],
               np.array(120, "u1"), np.array(128, "u1"), pads=[1, 1, 1, 1])
    y = w.node("Mul", w.node("Cast", y, to=1), np.float32(0.002))
    y = w.node("Add", y, w.random.normal(0, 5, (4, 1, 1)).astype("f4"))
    compare(w.model(w.quantize(y, *w.grid(1.0)), kind="u1"))


# Sums, pools, and what moves.

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quantised", [False, True])
def test_add(kind, quantised):
    w = writer.Writer(37, kind)
    a, b = w.grid(0.03), w.grid(0.05)
    if quantised:
        y = w.node("QLinearAdd", w.input([1, 3, 4, 5], kind), *a, w.input([1, 3, 4, 5], kind), *b,
                   *w.grid(0.06), domain="com.microsoft")
        compare(w.model(y, kind=kind))
    else:
        y = w.node("Add", w.both(w.input([1, 3, 4, 5]), *a), w.both(w.input([1, 3, 4, 5]), *b))
        compare(end(w, w.node("Relu", y), *w.grid(0.06)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [[1, 3, 4, 5], [1, 3, 1, 1]])
@pytest.mark.parametrize("quantised", [False, True])
def test_product_of_tensors(kind, shape, quantised):
    """Of equal shapes, or of an image and a number for each channel, on either side."""
    for swapped in (1, -1):
        w = writer.Writer(37, kind)
        sides = [([1, 3, 4, 5], w.grid(0.03, 90)), (shape, w.grid(0.05, 3))][::swapped]
        pooled = {"kernel_shape": [1, 1]}  # so that inputs are images
        if quantised:
            y = w.node("QLinearMul", *(part for size, grid in sides for part in (
                w.node("MaxPool", w.input(size, kind), **pooled), *grid)),
                *w.grid(0.04), domain="com.microsoft")
            network = compare(w.model(y, kind=kind), share=0.002)
        else:
            y = w.node("Mul", *(w.node("MaxPool", w.both(w.input(size), *grid), **pooled)
                                for size, grid in sides))
            network = compare(end(w, w.node("Clip", y, np.float32(-2), np.float32(3)),
                                  *w.grid(0.04)), share=0.002)
        assert [type(layer) for layer in network.layers
                if not isinstance(layer, MaxPool | Reshape)] == [Times]
        on = Design(rows=8, columns=8, lanes=8, activation_memory=1 << 14, products=True,
                    program_memory=1 << 16, partial_sums=64, rounding=network.rounding)
        verify(network, on, inputs_of(network))


def test_squeeze_and_excite():
    """A gate between two quantisers, that a Sigmoid makes of means."""
    w = writer.Writer(12, "i1")
    x = w.both(w.input([1, 8, 6, 6]), *w.grid(0.03))
    y = w.both(w.node("GlobalAveragePool", x), *w.grid(0.01))
    y = w.both(w.node("Relu", w.node("Conv", y, w.dequantized(*w.weights(2, 8, 1, 1)))),
               *w.grid(0.02))
    y = w.both(w.node("Conv", y, w.dequantized(*w.weights(8, 2, 1, 1))), *w.grid(0.04))
    gate = w.both(w.node("Sigmoid", y), *w.grid(1 / 256, -128))
    network = compare(w.model(w.both(w.node("Mul", x, gate), *w.grid(0.02))))
    on = Design(rows=8, columns=8, lanes=8, activation_memory=1 << 14, products=True, tables=1,
                program_memory=1 << 16, partial_sums=64, rounding=network.rounding)
    verify(network, on, inputs_of(network))


def test_product_of_tensors_wrong():
    for shapes, match in (([[1, 3, 4, 5], [1, 3, 4, 1]], "we run it on tensors of one shape"),
                          ([[1, 3, 4, 5], [1, 1, 1, 1]], "we run it on tensors of one shape")):
        w = writer.Writer(3)
        refused(w, w.both(w.node("Mul", *(w.both(w.input(shape)) for shape in shapes))), match)
    w = writer.Writer(3)
    grid = w.grid(0.1)
    refused(w, w.node("QLinearMul", w.input([1, 4], "u1"), *grid, np.ones(4, "u1"), *grid, *grid,
                      domain="com.microsoft"), "multiplies by a constant; the nearest")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scales, layers", [
    ((0.03, 0.03, 0.03), 1), ((0.03, 0.05, 0.03), 2), ((0.03, 0.05, 0.0407), 3)])
def test_max(kind, scales, layers):
    """Of equal grids it is exact; others are requantised first."""
    w = writer.Writer(38, kind)
    grids = [w.grid(scale, 7) for scale in scales]
    y = w.node("Max", *(w.both(w.input([1, 3, 4, 5]), *grid) for grid in grids[:2]))
    network = compare(end(w, y, *grids[2]), share=0 if layers == 1 else 0.02)
    kinds = [type(layer) for layer in network.layers if not isinstance(layer, Reshape)]
    assert kinds == [Depthwise] * (layers - 1) + [Maximum]


@pytest.mark.parametrize("operator", ["Relu", "MaxPool"])
def test_max_is_clamped(operator):
    """By what comes after it, and by what comes before it."""
    w = writer.Writer(38)
    grid = w.grid(0.03, 20)
    x = w.both(w.input([1, 3, 4, 5]), *grid)
    y = w.node("Clip", w.both(w.input([1, 3, 4, 5]), *grid), np.float32(-1.5), np.float32(1.5))
    y = w.both(w.node("Relu", w.node("Max", x, y)), *grid)
    y = w.node(operator, y, **({"kernel_shape": [2, 2]} if operator == "MaxPool" else {}))
    compare(end(w, w.node("Max", y, y), *grid), share=0)


def test_max_of_rows():
    w = writer.Writer(38)
    x = w.both(w.input([1, 3, 4, 5]), *w.grid(0.03))
    x = w.node("Flatten", w.node("MaxPool", x, kernel_shape=[1, 1]))
    y = w.node("Max", x, w.both(w.input([1, 60]), *w.grid(0.03)))
    refused(w, w.both(y, *w.grid(0.05)), "tensors of one shape and one order")
    w = writer.Writer(38)
    y = w.node("Max", *(w.both(w.input([1, 60]), *w.grid(scale)) for scale in (0.03, 0.04)))
    compare(end(w, y, *w.grid(0.05)))


def test_max_wrong():
    for of, match in ((lambda w, x, z: [x], "greatest of 1 tensors; we run two"),
                      (lambda w, x, z: [x] * 3, "greatest of 3 tensors; we run two"),
                      (lambda w, x, z: [x, np.float32(0)], "works on a constant.* Clip or Relu"),
                      (lambda w, x, z: 2 * [w.quantize(x)], "on what a DequantizeLinear gives"),
                      (lambda w, x, z: [x, z], r"of \[1, 3, 4, 5\] and \[1, 3, 1, 1\]")):
        w = writer.Writer()
        x, z = w.both(w.input([1, 3, 4, 5])), w.both(w.input([1, 3, 1, 1]))
        refused(w, w.both(w.node("Max", *of(w, x, z))), match)


def test_add_constant():
    w = writer.Writer(38, "u1")
    y = w.node("QLinearAdd", w.input([1, 3, 4, 5], "u1"), *w.grid(0.03),
               w.weights(1, 3, 1, 1, kind="u1")[0], *w.grid(0.04), *w.grid(0.06),
               domain="com.microsoft")
    y = w.node("MaxPool", y, kernel_shape=[2, 2])
    compare(w.model(y, kind="u1"))


@pytest.mark.parametrize("operator, constant", [
    ("Add", [[[0.5]], [[-1.25]], [[2.0]]]), ("Sub", 0.7), ("Mul", [[[0.5]], [[-1.25]], [[2.0]]]),
    ("Div", 0.7)])
def test_arithmetic(operator, constant):
    w = writer.Writer(39)
    x = w.node("MaxPool", w.both(w.input([1, 3, 5, 5]), *w.grid(0.0313, 128)), kernel_shape=[2, 2])
    compare(end(w, w.node(operator, x, np.array(constant, "f4")), *w.grid(0.0797, 120)))


@pytest.mark.parametrize("pool", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("attributes", [
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]},
    {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}])
@pytest.mark.parametrize("same", [False, True])
def test_pool(pool, attributes, same):
    w = writer.Writer(41)
    grid = w.grid(0.03)
    x = w.both(w.input([1, 3, 8, 6]), *grid)
    y = w.node(pool, x, **attributes)
    # The mean is rounded half away from zero here, half to even there: ties are many.
    share = 0.3 if pool == "AveragePool" else 0.02
    compare(end(w, y, *(grid if same else w.grid(0.0407))), share=share)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("include", [0, 1])
def test_average_pool_quantised(kind, include):
    w = writer.Writer(43, kind)
    y = w.node("QLinearAveragePool", w.input([1, 3, 8, 6], kind), *w.grid(0.03), *w.grid(0.031),
               domain="com.microsoft", kernel_shape=[3, 3], pads=[1, 1, 1, 1],
               count_include_pad=include)
    compare(w.model(y, kind=kind), share=0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_global_average_pool(kind):
    w = writer.Writer(47, kind)
    y = w.node("QLinearGlobalAveragePool", w.input([1, 9, 5, 7], kind), *w.grid(0.05),
               *w.grid(0.01), domain="com.microsoft")
    network = compare(w.model(y, kind=kind))
    assert isinstance(network.layers[0], Mean)


def test_global_pools():
    w = writer.Writer(53)
    grid = w.grid(0.03)
    x = w.both(w.input([1, 4, 5, 6]), *grid)
    mean = w.both(w.node("GlobalAveragePool", x), *grid)
    reduced = w.both(w.node("ReduceMean", x, axes=[2, 3], keepdims=0), *w.grid(0.01))
    greatest = w.both(w.node("GlobalMaxPool", x), *grid)
    network = compare(w.model(mean, reduced, greatest), share=0.1)
    kinds = [type(layer) for layer in network.layers]
    assert {AveragePool, Mean, MaxPool} <= set(kinds)


@pytest.mark.parametrize("kind", KINDS)
def test_concat_quantised(kind):
    w = writer.Writer(59, kind)
    a, b = w.grid(0.03), w.grid(0.05)
    y = w.node("QLinearConcat", *a, w.input([1, 3, 4, 5], kind), *a, w.input([1, 2, 4, 5], kind),
               *b, domain="com.microsoft", axis=1)
    y = w.node("MaxPool", y, kernel_shape=[2, 2])
    compare(w.model(y, kind=kind))


@pytest.mark.parametrize("axis", [1, 2, 3, -1])
def test_concat(axis):
    w = writer.Writer(61)
    grid = w.grid(0.03)
    x = w.both(w.input([1, 3, 3, 3]), *grid)
    y = w.both(w.node("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), *w.grid(0.0407))
    y = w.both(w.node("Concat", x, y, axis=axis), *grid)
    compare(end(w, w.node("Flatten", y), *grid))


@pytest.mark.parametrize("value", [None, 1.5])
def test_pad(value):
    w = writer.Writer(67)
    grid = w.grid(0.03)
    x = w.both(w.input([1, 3, 5, 4]), *grid)
    pads = [np.array([0, 0, 1, 2, 0, 0, 0, 1])]
    y = w.both(w.node("Pad", x, *pads, *([] if value is None else [np.float32(value)])), *grid)
    y = w.node("Conv", y, w.dequantized(*w.weights(4, 3, 3, 3)))
    compare(end(w, y, *w.grid(0.3)))


def test_transpose():
    """Test a network whose input is channels-last already, as TensorFlow's converters leave it."""
    w = writer.Writer(71)
    grid = w.grid(0.03)
    x = w.both(w.input([1, 6, 5, 3]), *grid)
    y = w.both(w.node("Transpose", x, perm=[0, 3, 1, 2]), *grid)
    y = w.both(w.node("Conv", y, w.dequantized(*w.weights(4, 3, 3, 3))), *w.grid(0.3))
    y = w.node("Transpose", y, perm=[0, 2, 3, 1])
    network = compare(end(w, w.node("Reshape", y, np.array([1, -1])), *w.grid(0.3)))
    assert network.tensors[network.inputs[0]].shape == (1, 6, 5, 3)


MOVES = {
    "rows": ("Slice", [[1], [4], [2]], {}), "channels": ("Slice", [[2], [6], [1]], {}),
    "steps": ("Slice", [[0, 1], [9, -1], [2, 3], [2, 1]], {}),
    "backwards": ("Slice", [[-1], [-99], [3], [-1]], {}),
    "blocks": ("DepthToSpace", [], {"blocksize": 2}),
    "columns": ("DepthToSpace", [], {"blocksize": 2, "mode": "CRD"}),
    "depth": ("SpaceToDepth", [], {"blocksize": 2}),
    "scales": ("Resize", ["", np.array([1, 1, 2, 3], "f4")], {"mode": "nearest"}),
    "sizes": ("Resize", ["", "", [1, 8, 6, 12]], {
        "mode": "nearest", "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor"})}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MOVES)
def test_moves(name, kind):
    """Of an input, and of what a convolution gives, before and after it is quantised."""
    operator, constants, attributes = MOVES[name]
    w = writer.Writer(83, kind)
    grid = w.grid(0.03)
    constants = [np.array(each) if isinstance(each, list) else each for each in constants]
    steps, coarse = w.grid(0.2), w.grid(0.4)
    x = w.both(w.input([1, 8, 6, 4]), *grid)
    x = w.both(w.node("Conv", x, w.dequantized(*w.weights(8, 8, 1, 1))), *steps)
    y = w.both(w.node(operator, x, *constants, **attributes), *steps)
    network = compare(end(w, w.node("MaxPool", y, kernel_shape=[1, 2]), *steps))
    assert sum(isinstance(layer, Move) for layer in network.layers) == 1
    z = w.node("Conv", x, w.dequantized(*w.weights(8, 8, 3, 3)), pads=[1, 1, 1, 1])
    z = w.both(w.node(operator, z, *constants, **attributes), *coarse)
    compare(end(w, w.node("MaxPool", z, kernel_shape=[1, 2]), *coarse))


@pytest.mark.parametrize("operator, constants, attributes, says", [
    ("Slice", [[0], [1, 2]], {}, "that do not fit each other"),
    ("Slice", [[5], [2], [2]], {}, "which must have from 1 to"),
    ("DepthToSpace", [], {"blocksize": 3}, "has blocks of 3 for .1, 4, 6, 6."),
    ("Resize", ["", np.array([1, 1, 2, 2], "f4")], {"mode": "linear"}, "other than each element"),
    ("Resize", ["", np.array([1, 1, 1.5, 2], "f4")], {}, "we run whole numbers of 1 and more")])
def test_moves_wrong(operator, constants, attributes, says):
    w = writer.Writer()
    constants = [np.array(each) if isinstance(each, list) else each for each in constants]
    refused(w, w.node(operator, w.both(w.input([1, 4, 6, 6])), *constants, **attributes), says)


def test_shape_arithmetic():
    """Test the Reshape to (batch, -1) that PyTorch writes out as nodes."""
    w = writer.Writer(73)
    x = w.both(w.input([1, 3, 2, 2]))
    grid = w.grid(0.3)
    y = w.both(w.node("Conv", x, w.dequantized(*w.weights(4, 3, 1, 1))), *grid)
    batch = w.node("Gather", w.node("Shape", y), np.array(0))
    shape = w.node("Concat", w.node("Unsqueeze", batch, np.array([0])), np.array([-1]), axis=0)
    y = w.node("Reshape", y, shape)
    y = w.node("MatMul", y, w.dequantized(*w.weights(16, 5)))
    compare(end(w, y, *w.grid(0.9)))


@pytest.mark.parametrize("operator", ["Softmax", "Sigmoid"])
@pytest.mark.parametrize("form", ["float", "qdq", "quantised"])
def test_host(operator, form):
    w = writer.Writer(79)
    standard = np.float32(1 / 256), np.array(0, "u1")
    grid = w.grid(0.04)
    x = w.input([1, 12])
    if form == "quantised":
        edge = w.node(f"QLinear{operator}", w.quantize(x, *grid), *grid, *standard,
                      domain="com.microsoft", **({"opset": 13} if operator == "Softmax" else {}))
        compare(w.model(edge, kind="u1"), share=0.2)
    else:
        edge = w.node(operator, w.both(x, *grid))
        compare(w.model(edge) if form == "float" else end(w, edge, *standard), share=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_integer_clip(kind):
    w = writer.Writer(83, kind, opset=14)
    y = w.node("Clip", w.input([3, 4, 5], kind), np.array(20, kind), np.array(90, kind))
    compare(w.model(y, kind=kind), most=0)


def test_constant_weights_quantised():
    """Test weights that the file has as floats and quantises, as PyTorch exports them."""
    w = writer.Writer(89)
    values, scale, zero = w.weights(4, 3, 3, 3, channels=4)
    real = w.random.normal(0, 0.3, values.shape).astype("f4")
    weights = w.dequantized(w.node("QuantizeLinear", real, scale, zero, axis=0), scale, zero)
    compare(end(w, w.node("Conv", w.both(w.input([1, 3, 6, 6])), weights), *w.grid(0.1)))


def test_layout():
    w = writer.Writer(97)
    y = w.node("Conv", w.both(w.input(["batch", 3, 6, 5])), w.dequantized(*w.weights(4, 3, 3, 3)))
    network = read(end(w, y, *w.grid(0.3)))
    assert network.tensors[network.inputs[0]].shape == (1, 6, 5, 3)
    x = np.random.default_rng(0).normal(0, 2, (5, 3, 6, 5)).astype("f4")
    several = network.fetch(run(network, network.feed(x)))
    single = [network.fetch(run(network, network.feed(x[i:i + 1]))) for i in range(5)]
    (name,) = several
    assert several[name].shape == (5, 4, 4, 3)
    assert np.array_equal(several[name], np.concatenate([one[name] for one in single]))


# What we do not run.

def refused(w, edge, match, **options):
    with pytest.raises(UserError, match=match) as caught:
        read(w.model(edge, **options))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("operator, nearest", [
    ("ReduceMax", "GlobalMaxPool"), ("HardSigmoid", "Sigmoid"), ("Erf", "we run Add")])
def test_operator_unknown(operator, nearest):
    w = writer.Writer(opset=14)
    x = w.both(w.input([1, 4]))
    refused(w, w.node(operator, x), rf"node 'n\d' \({operator}\).* run.*{nearest}")


def test_not_quantised():
    w = writer.Writer()
    x = w.input([1, 3, 6, 6])
    refused(w, w.node("Conv", x, w.dequantized(*w.weights(4, 3, 3, 3))), "before it is quantised")
    w = writer.Writer()
    x = w.both(w.input([1, 3, 6, 6]))
    refused(w, w.node("Conv", x, w.weights(4, 3, 3, 3)[0].astype("f4")),
            "weights of float32.* put a QuantizeLinear and a DequantizeLinear between")
    w = writer.Writer()
    x = w.both(w.input([1, 3, 6, 6]))
    y = w.node("Conv", x, w.dequantized(*w.weights(3, 3, 1, 1)))
    refused(w, w.node("GlobalAveragePool", y), "which is not quantised")
    w = writer.Writer()
    x = w.both(w.input([1, 3, 6, 6]))
    refused(w, w.node("Add", x, x), "output 'e2' is not quantised")


def test_transpose_moves():
    w = writer.Writer()
    x = w.node("MaxPool", w.both(w.input([1, 3, 6, 6])), kernel_shape=[2, 2])
    y = w.node("Transpose", x, perm=[0, 1, 3, 2])
    refused(w, w.node("MaxPool", y, kernel_shape=[2, 2]), "moved")


def test_softmax_not_last():
    w = writer.Writer()
    standard = np.float32(1 / 256), np.array(0, "u1")
    y = w.both(w.node("Softmax", w.both(w.input([1, 6]))), *standard)
    y = w.node("MatMul", y, w.dequantized(*w.weights(6, 5)))
    refused(w, w.both(y), "we run those last")


def test_external_data():
    w = writer.Writer()
    y = w.node("MatMul", w.both(w.input([1, 6])), w.dequantized(*w.weights(6, 5)))
    model = onnx.ModelProto.FromString(end(w, y))
    model.graph.initializer[2].data_location = 1
    model.graph.initializer[2].external_data.add(key="location", value="/etc/passwd")
    with pytest.raises(UserError, match="in another file"):
        read(model.SerializeToString())


@pytest.mark.parametrize("dims", [[1 << 40, 1 << 40], [-1, 4], [3, 3], [1 << 62]])
def test_shape_wrong(dims):
    w = writer.Writer()
    y = w.node("MatMul", w.both(w.input([1, 6])), w.dequantized(*w.weights(6, 5)))
    model = onnx.ModelProto.FromString(end(w, y))
    weights = next(t for t in model.graph.initializer if list(t.dims) == [6, 5])
    del weights.dims[:]
    weights.dims.extend(dims)
    with pytest.raises(UserError, match="tensor"):
        read(model.SerializeToString())


def test_cycle():
    w = writer.Writer()
    x = w.both(w.input([1, 6]))
    w.nodes.append(onnx.helper.make_node("Relu", ["loop"], ["loop2"], "a"))
    w.nodes.append(onnx.helper.make_node("Relu", ["loop2"], ["loop"], "b"))
    refused(w, w.node("Add", x, "loop"), "before any node writes it")


@pytest.mark.parametrize("data", [b"", b"\x00" * 50, b"TFL3 nothing", b"\x08\x07" * 40])
def test_not_onnx(data):
    with pytest.raises(UserError, match="no ONNX file"):
        read(data)


def test_missing(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path / "none.onnx")


# ONNX Runtime's own quantisation of a network, and ONNX's own cases.

def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is in ../shared/models/onnx_int8, which is absent")
    return path


@pytest.mark.parametrize("style", ["qdq", "qoperator"])
def test_keyword_spotting(style):
    network = read(shared(f"kws_int8_{style}.onnx"))
    golden = np.load(shared(f"kws_int8_{style}_golden.npz"))
    (found,) = network.fetch(run(network, network.feed(golden["input"])), real=True).values()
    scale = network.tensors[network.outputs[0]].scale
    steps = np.rint((found - golden["output"]) / scale)
    assert not steps.any()


IMPORTED = {
    "test_clip_default_int8_inbounds", "test_clip_default_int8_max", "test_clip_default_int8_min",
    "test_convinteger_with_padding", "test_convinteger_without_padding", "test_dequantizelinear",
    "test_matmulinteger", "test_maxpool_2d_uint8", "test_qlinearconv",
    "test_qlinearmatmul_2D_int8_float16", "test_qlinearmatmul_2D_int8_float32",
    "test_qlinearmatmul_2D_uint8_float16", "test_qlinearmatmul_2D_uint8_float32",
    "test_quantizelinear",
}


def cases():
    """Return ONNX's integer cases: name, model, inputs and outputs."""
    with zipfile.ZipFile(shared("onnx_node.zip")) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".onnx"):
                data = np.load(io.BytesIO(archive.read(name[:-4] + "npz")))
                count = sum(key.startswith("in") for key in data)
                inputs = [data[f"in{i}"] for i in range(count)]
                yield name[:-5], writer.case(archive.read(name), inputs), inputs, data["out0"]


def test_onnx_cases():
    """Those of a format that the installed onnx package knows; an old one does not know all."""
    found, newer = set(), set()
    for name, model, inputs, expected in cases():
        if onnx.load_from_string(model).ir_version > onnx.IR_VERSION:
            newer.add(name)
        try:
            network = read(model)
        except UserError:
            continue
        results = network.fetch(run(network, network.feed(inputs[0])),
                                real=expected.dtype.kind == "f")
        found.add(name)
        (values,) = results.values()
        assert np.array_equal(values, expected), name
    assert found == IMPORTED - newer


def mutate(data, random):
    """Return data with a few bytes changed, left out, or put in twice."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(len(changed)))
        match int(random.integers(4)):
            case 0:
                changed[at] = int(random.integers(256))
            case 1:
                changed[at] ^= 1 << int(random.integers(8))
            case 2:
                del changed[at:at + int(random.integers(1, 9))]
            case 3:
                changed[at:at] = changed[at:at + int(random.integers(1, 9))]
        if not changed:
            return b""
    return bytes(changed[:int(random.integers(len(changed)))] if random.random() < 0.05
                 else changed)


def seeds():
    """Return models that have most operators between them, small so that most bytes matter."""
    w = writer.Writer(1)
    grid = w.grid(0.05)
    x = w.both(w.input([1, 2, 8, 8]))
    y = w.both(w.node("Relu", w.node("Conv", x, w.dequantized(*w.weights(4, 2, 3, 3, channels=4)),
                                     w.bias(4).astype("f4"), pads=[1, 1, 1, 1])), *grid)
    z = w.both(w.node("Conv", y, w.dequantized(*w.weights(4, 1, 3, 3)), group=4,
                      pads=[1, 1, 1, 1]), *grid)
    y = w.both(w.node("Add", y, z), *grid)
    y = w.both(w.node("Concat", y, z, axis=1), *grid)
    y = w.both(w.node("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2]), *grid)
    y = w.node("Flatten", w.both(w.node("Transpose", y, perm=[0, 2, 3, 1]), *grid))
    y = w.both(w.node("Gemm", y, w.dequantized(*w.weights(128, 3))), *grid)
    yield w.model(w.node("Softmax", y))
    w = writer.Writer(2)
    y = w.node("QLinearConv", w.input([1, 2, 6, 6], "u1"), *grid,
               *w.weights(4, 2, 3, 3, kind="u1", asymmetric=True), *grid, w.bias(4))
    y = w.node("MaxPool", y, kernel_shape=[2, 2], ceil_mode=1)
    y = w.node("QLinearAdd", y, *grid, y, *grid, *w.grid(), domain="com.microsoft")
    y = w.node("Reshape", w.node("Clip", y, np.array(3, "u1")), np.array([0, -1]))
    y = w.node("QLinearMatMul", y, *w.grid(0.05, 100), *w.weights(16, 3, kind="u1"), *grid)
    yield w.model(y, kind="u1")
    w = low_bit.Writer(3)
    x = w.quant(w.node("Mul", w.input([1, 2, 6, 6]), np.float32([2])), 8, 0.0625, signed=0)
    y = w.normalised(w.node("Conv", x, w.low_bit(4, 2, 3, 3, bits=3), pads=[1, 1, 1, 1]), 4, 9)
    y = w.node("MaxPool", w.quant(w.node("Relu", y), 3, 0.5, signed=0), kernel_shape=[2, 2])
    y = w.quant(w.node("AveragePool", y, kernel_shape=[3, 3]), 4, 0.25, narrow=1)
    y = w.node("MatMul", w.node("Flatten", y), w.low_bit(4, 5, bits=1))
    y = w.node("MultiThreshold", y, w.random.normal(0, 3, (5, 3)).astype("f4"),
               domain=low_bit.DOMAIN, out_dtype="INT2", out_bias=-2.0)
    y = w.node("Gemm", w.bipolar(y, 0.5), w.low_bit(5, 3, bits=4))
    yield w.model(w.node("Div", y, np.float32([3])))


def rewrite(data, random):
    """Return a model with some of its fields changed: damage that protobuf does not see."""
    model = onnx.ModelProto.FromString(data)
    graph = model.graph

    def pick(items):
        return items[int(random.integers(len(items)))]

    for _ in range(int(random.integers(1, 4))):
        node, tensor = pick(graph.node), pick(graph.initializer)
        edges = [edge for other in graph.node for edge in [*other.input, *other.output]]
        number = int(pick([-(1 << 62), -3, -1, 0, 1, 2, 3, 7, 255, 1 << 20, 1 << 40, 1 << 62]))
        match int(random.integers(10)):
            case 0 if node.input:
                node.input[int(random.integers(len(node.input)))] = pick([*edges, ""])
            case 1:
                node.op_type = pick(graph.node).op_type
            case 2 if node.attribute:
                attribute = pick(node.attribute)
                attribute.i = number
                if attribute.ints:
                    attribute.ints[int(random.integers(len(attribute.ints)))] = number
            case 3 if tensor.dims:
                tensor.dims[int(random.integers(len(tensor.dims)))] = number
            case 4:
                tensor.data_type = pick([1, 2, 3, 6, 7, 9, 10, 11, 16, 22])
            case 5 if tensor.raw_data:
                raw = bytearray(tensor.raw_data)
                raw[int(random.integers(len(raw)))] = int(random.integers(256))
                tensor.raw_data = bytes(raw)
            case 9 if tensor.data_type == 1 and tensor.raw_data:
                raw = np.frombuffer(tensor.raw_data, "f4").copy()
                raw[int(random.integers(len(raw)))] = pick(
                    [0, -1, 0.5, 1e-40, 3e38, np.inf, -np.inf, np.nan, 33, 1 << 24])
                tensor.raw_data = raw.tobytes()
            case 6:
                pick(pick(graph.input).type.tensor_type.shape.dim).dim_value = number
            case 7 if node.input:
                del node.input[int(random.integers(len(node.input))):]
            case 8:
                del tensor.dims[:]
                tensor.dims.extend(pick([[], [1], [2, 2], [0], [len(tensor.raw_data)]]))
    return model.SerializeToString()


def fuzz(count):
    """Read damaged models: each is read, and then runs, or is an error of the user's."""
    random = np.random.default_rng(0)
    models = list(seeds())
    done = 0
    for index in range(count):
        damage = (mutate, rewrite)[index // len(models) % 2]
        try:
            network = read(damage(models[index % len(models)], random))
        except UserError as error:
            assert "\n" not in str(error)
            continue
        done += 1
        if sum(tensor.size for tensor in network.tensors.values()) < 1 << 16:
            zeros = {name: np.zeros(network.tensors[name].shape, np.int8)
                     for name in network.inputs}
            network.fetch(run(network, zeros))
    # Damage to a weight is no damage to the file: some must be read, or the seeds are wrong.
    assert 0 < done < count


def test_damaged():
    fuzz(300)


@pytest.mark.slow
def test_damaged_often():
    fuzz(10_000)


def test_work_bounded():
    """Test a small file that asks for much: a large tensor, moved again and again."""
    w = writer.Writer()
    x = w.both(w.input([1, 1024, 64, 64]))
    for _ in range(200):
        x = w.node("Transpose", x, perm=[0, 1, 3, 2])
    refused(w, x, "more than 134217728 values")


def test_chain_long():
    w = writer.Writer(opset=14)
    x = w.input([1, 4], "i1")
    for _ in range(3000):
        x = w.node("Relu" if len(w.nodes) % 2 else "Identity", x)
    assert read(w.model(x, kind="i1")).inputs == ("x0",)


@pytest.mark.parametrize("version", [-1, 0, 2])
def test_opset_of_the_runtime(version):
    """Operators of ONNX Runtime are of its opset 1; the runtime refuses them, too."""
    w = writer.Writer(7)
    edge = w.node("QLinearAdd", *2 * (w.quantize(w.input([1, 4]), *w.grid(0.1)), *w.grid(0.1)),
                  *w.grid(0.2), domain="com.microsoft")
    model = onnx.load_from_string(w.model(edge, kind="i1"))
    model.opset_import[1].version = version
    with pytest.raises(UserError, match=f"has opset {version} of the domain 'com.microsoft'"):
        read(model.SerializeToString())
