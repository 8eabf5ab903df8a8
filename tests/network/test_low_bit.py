"""Networks of 1 to 8 bits from QONNX files: equal to what float32 operators give, bit for bit."""

from pathlib import Path

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import Tensor
from hwgen.network.onnx.reading import read
from hwgen.network.precision import INT8, SUMS, Precision

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
low_bit = pytest.importorskip("tests.low_bit")

NETWORKS = Path(__file__).parents[2] / "networks"


def equal(w, output, images=24, spread=1.5):
    """Hold every quantised edge and the output to the reference; return the network."""
    model = w.model(output)
    network = read(model)
    ((name, shape),) = network.input_shapes.items()
    x = w.random.normal(0, spread, (images, *shape[1:])).astype("f4")
    results = run(network, network.feed(x), keep=True)
    (found,) = network.fetch(results, real=True).values()
    traces = {ours: trace for ours, trace in network.traces.items()
              if ours not in network.inputs}
    wanted = [low_bit.execute(model, {name: one[None]}, [output, *(
        trace.name for trace in traces.values())]) for one in x]
    assert np.array_equal(found, np.concatenate([each[0] for each in wanted]))
    for index, (ours, trace) in enumerate(traces.items(), 1):
        exact = np.concatenate([each[index].reshape(1, -1)[:, trace.order] for each in wanted])
        real = network.real_values(ours, results[ours])
        assert np.array_equal(real.reshape(exact.shape), exact), ours
    return network


@pytest.mark.parametrize("name, right", [("tfc_1w1a", 461), ("tfc_2w2a", 488)])
def test_digits(name, right):
    """All 500 digits: what the QONNX executor gives, every bit of every float."""
    arrays = np.load(NETWORKS / "tfc_mnist.npz")
    network = read(NETWORKS / f"{name}.onnx")
    (found,) = network.fetch(run(network, network.feed(arrays["input"]))).values()
    assert found.dtype == np.float32
    assert np.array_equal(found, arrays[name])
    assert np.sum(found.argmax(axis=1) == arrays["label"]) == right
    bits = int(name[4])
    assert all(layer.weight_precision.bits == bits for layer in network.layers)
    assert all(network.tensors[layer.inputs[0]].precision.bits == bits
               for layer in network.layers)


def test_command(capsys):
    words = ["golden", str(NETWORKS / "tfc_1w1a.onnx"), "--input",
             str(NETWORKS / "tfc_mnist.npz"), "--labels", str(NETWORKS / "tfc_mnist.npz")]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "top-1: 461 of 500 are right, 92.2%"


@pytest.mark.parametrize("command", ["cycles", "run", "compile"])
def test_hardware_refuses(command, capsys, tmp_path, monkeypatch):
    """Thresholds that are not evenly spaced: one sentence, before anything is built."""
    monkeypatch.chdir(tmp_path)
    w = low_bit.Writer(1)
    x = w.bipolar(w.input([1, 8], name="x"))
    y = w.node("MultiThreshold", w.node("MatMul", x, w.low_bit(8, 4)),
               np.array([[-6, -4, 7]], "f4"), domain=low_bit.DOMAIN)
    (tmp_path / "uneven.onnx").write_bytes(w.model(y))
    np.savez(tmp_path / "x.npz", x=np.ones((1, 8), "f4"))
    more = ["--input", "x.npz"] if command == "run" else []
    assert main([command, "uneven.onnx", *more]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "compares its sums with thresholds, and no multiplier and shift do the same" in err


@pytest.mark.parametrize("activations", range(1, 9))
@pytest.mark.parametrize("weights", [1, 2, 3, 5, 8])
def test_fully_connected(weights, activations):
    """Gains of both signs and of 0; scales that are powers of 2."""
    w = low_bit.Writer(weights * 10 + activations)
    x = w.quant(w.input([1, 24]), 4, 0.25)
    spread = 4 * 2.0**weights
    y = w.normalised(w.node("MatMul", x, w.low_bit(24, 11, bits=weights)), 11, spread / 4)
    y = w.quant(y, activations, 2.0**(2 - activations))
    network = equal(w, w.node("MatMul", y, w.low_bit(11, 5, bits=weights, scale=0.5)))
    first, last = network.layers
    kind = "bipolar" if activations == 1 else "signed"
    assert network.tensors[first.output].precision == Precision(activations, kind)
    assert first.weight_precision.bits <= weights
    assert first.requantisation.falling.any() and not first.requantisation.falling.all()


@pytest.mark.parametrize("seed", range(3))
def test_convolution(seed):
    """Padding, depthwise, a pool, a bias, Relu to unsigned values of 3 and of 8 bits."""
    w = low_bit.Writer(seed)
    r = w.random
    x = w.quant(w.input([1, 3, 9, 8]), 8, 0.015625, signed=0)
    y = w.node("Conv", x, w.low_bit(8, 3, 3, 3, bits=3, scale=0.125),
               (r.integers(-50, 50, 8) / 64).astype("f4"), pads=[1, 1, 1, 1])
    y = w.quant(w.node("Relu", w.normalised(y, 8, 2)), 3, 0.25, signed=0)
    y = w.node("Conv", y, w.low_bit(8, 1, 3, 3, bits=2), group=8, strides=[2, 2])
    y = w.quant(w.node("Relu", y), 8, 0.0625, signed=0)
    y = w.node("MaxPool", y, kernel_shape=[2, 2])
    y = w.bipolar(w.normalised(w.node("Conv", y, w.low_bit(6, 8, 2, 2, bits=1)), 6, 4))
    y = w.node("Flatten", y)
    network = equal(w, w.node("Gemm", y, w.low_bit(4, 12, bits=4), transB=1), 8)
    tensors = [network.tensors[layer.output].precision for layer in network.layers]
    assert Precision(3, "unsigned") in tensors and Precision(1, "bipolar") in tensors
    assert network.layouts[network.inputs[0]].offset == 128


@pytest.mark.parametrize("rounding", list(low_bit.ROUNDINGS))
@pytest.mark.parametrize("narrow", [0, 1])
def test_rounding(rounding, narrow):
    """Each rounding, of an input, of weights, of sums that are half-way, and of another grid."""
    w = low_bit.Writer(1)
    x = w.quant(w.input([1, 16]), 5, 0.25, 3, narrow=narrow, rounding=rounding)
    weights = w.random.normal(0, 2, (16, 6)).astype("f4")
    weights = w.quant(weights, 4, np.float32([0.5, 0.25, 1, 2, 0.5, 1]), narrow=narrow,
                      rounding=rounding)
    y = w.quant(w.node("MatMul", x, weights), 6, 0.5, narrow=narrow, rounding=rounding)
    y = w.quant(y, 3, 2, signed=0, narrow=narrow, rounding=rounding)
    equal(w, w.node("MatMul", y, w.low_bit(6, 3)))


@pytest.mark.parametrize("scale, bias, precision", [
    (1.0, 0.0, Precision(3, "unsigned")), (0.5, -2.0, Precision(3, "signed"))])
def test_thresholds(scale, bias, precision):
    """MultiThreshold with a row for each channel, on an input with one row, and after a product."""
    w = low_bit.Writer(3)
    x = w.node("MultiThreshold", w.input([1, 12]), np.float32([[-1, 0, 0.5]]),
               domain=low_bit.DOMAIN, out_dtype="INT2", out_bias=-2.0)
    rows = np.sort(w.random.normal(0, 5, (9, 7)), axis=1).astype("f4")
    y = w.node("MultiThreshold", w.node("MatMul", x, w.low_bit(12, 9)), rows,
               domain=low_bit.DOMAIN, out_dtype="UINT3", out_scale=scale, out_bias=bias)
    y = w.node("MultiThreshold", w.node("MatMul", y, w.low_bit(9, 8)), np.float32([[0.5]]),
               domain=low_bit.DOMAIN, out_dtype="BIPOLAR", out_scale=2.0, out_bias=-1.0)
    network = equal(w, w.node("MatMul", y, w.low_bit(8, 3)))
    first, second, _ = network.layers
    assert network.tensors[network.inputs[0]].precision == Precision(2)
    assert network.tensors[first.output].precision == precision
    assert network.tensors[second.output].precision == Precision(1, "bipolar")


def test_mean():
    """A mean over whole windows is a sum with thresholds."""
    w = low_bit.Writer(5)
    x = w.quant(w.input([1, 4, 6, 6]), 4, 0.5)
    y = w.quant(w.node("AveragePool", x, kernel_shape=[3, 3], strides=[3, 3]), 3, 0.25)
    y = w.quant(w.node("GlobalAveragePool", y), 5, 0.125)
    equal(w, w.node("MatMul", w.node("Flatten", y), w.low_bit(4, 3)))


def test_scale_any():
    """Scales that are no powers of 2: what float32 rounds of such sums is in the thresholds."""
    w = low_bit.Writer(6)
    x = w.quant(w.input([1, 20]), 4, 0.237)
    y = w.normalised(w.node("MatMul", x, w.low_bit(20, 30, bits=3, scale=0.0713)), 30, 2)
    y = w.quant(y, 4, 0.31)
    network = read(w.model(y))
    ((name, shape),) = network.input_shapes.items()
    values = w.random.normal(0, 1, (50, *shape[1:])).astype("f4")
    (found,) = network.fetch(run(network, network.feed(values)), real=True).values()
    wanted = [low_bit.execute(w.model(y), {name: one[None]})[0] for one in values]
    assert np.array_equal(found, np.concatenate(wanted))


def test_sums_of_a_byte():
    """Sums that fit a byte are one; wider ones are an output of 32 bits."""
    w = low_bit.Writer(7)
    x = w.bipolar(w.input([1, 40]))
    network = equal(w, w.node("MatMul", x, w.low_bit(40, 4, bits=1)))
    assert network.tensors[network.outputs[0]].precision == INT8
    w = low_bit.Writer(8)
    x = w.bipolar(w.input([1, 140]))
    network = equal(w, w.node("MatMul", x, w.low_bit(140, 4, bits=1)))
    assert network.tensors[network.outputs[0]].precision == SUMS


def product(w, x):
    return w.node("MatMul", x, w.low_bit(8, 4))


@pytest.mark.parametrize("build, match", [
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 9), "quantises to 9 bits; we run 1 to 8"),
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 2.5), "quantises to 2.5 bits"),
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 4, -1), "scale that is not above 0"),
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 4, 1, 0.5), "zero point that is no integer"),
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 4, 1, 9), "which is not among its -8 to 7"),
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 4, rounding="ODD"), "rounds by 'ODD'"),
    (lambda w, x: w.quant(product(w, w.bipolar(x)), 4, [1.0] * 4), "a scale for each channel"),
    (lambda w, x: w.quant(w.node("Add", w.bipolar(x), w.bipolar(x)), 4), "is no product"),
    (lambda w, x: w.node("Add", w.bipolar(x), w.bipolar(x, 2)), "in a second way"),
    (lambda w, x: w.node("Relu", x), "before it is quantised"),
    (lambda w, x: w.node("MultiThreshold", x, np.zeros((1, 256), "f4"), domain=low_bit.DOMAIN),
     "256 thresholds for each channel"),
    (lambda w, x: w.node("MultiThreshold", x, np.zeros((1, 3), "f4"), domain=low_bit.DOMAIN,
                         out_bias=0.5), "begins at 0.5 in steps of 1"),
    (lambda w, x: w.node("Trunc", x, domain=low_bit.DOMAIN), "an operator of 'qonnx"),
])
def test_wrong(build, match):
    w = low_bit.Writer(9)
    output = build(w, w.input([1, 8]))
    with pytest.raises(UserError, match=match) as error:
        read(w.model(output))
    assert "\n" not in str(error.value)


def test_precision():
    assert Precision.over(-1, 1) == Precision(2)
    assert Precision.over(0, 127) == Precision(7, "unsigned")
    assert Precision.over(-128, 127) == INT8
    assert Precision.of(np.int8([-1, 1, 1])) == Precision(1, "bipolar")
    assert Precision.of(np.int8([-1, 0, 1])) == Precision(2)
    assert Precision.of(np.int8([0, 0])) == Precision(1, "unsigned")
    assert [(Precision(b).low, Precision(b).high) for b in (1, 4)] == [(-1, 0), (-8, 7)]


@pytest.mark.parametrize("bits, kind", [(0, "signed"), (9, "signed"), (8, "unsigned"),
                                        (2, "bipolar"), (4, "ternary")])
def test_precision_wrong(bits, kind):
    with pytest.raises(ValueError, match="must be"):
        Precision(bits, kind)


def test_input_wrong():
    network = read(NETWORKS / "tfc_1w1a.onnx")
    with pytest.raises(UserError, match="must be 1-bit bipolar: from -1 to 1, not 0 to 2"):
        run(network, np.arange(784, dtype=np.int8)[None] % 3)
    with pytest.raises(UserError, match="must be floating point, not uint8"):
        network.feed(np.zeros((1, 1, 28, 28), "u1"))


def test_tensor_default():
    assert Tensor("x", (1, 2), 1.0, 0).precision == INT8


@pytest.mark.parametrize("kind", ["f4", "i8", "i4", "u1"])
@pytest.mark.parametrize("domain", ["", "ai.onnx", "onnx.brevitas", "finn.custom_op.general",
                                    "qonnx.custom_op.general", "qonnx.custom_op", "brevitas"])
def test_spellings(domain, kind):
    """Exporters write these operators in any domain, and their zero points in any type."""
    def written(of, zero):
        w = low_bit.Writer(11)
        nodes = [w.node("Quant", w.input([1, 12]), np.float32(0.25), zero, np.float32(4),
                        domain=of, signed=0, narrow=0, rounding_mode="ROUND")]
        weights = w.random.integers(-2, 2, (12, 5)).astype("f4")
        nodes.append(w.node("Quant", weights, np.float32(1), zero * 0, np.float32(2), domain=of,
                            signed=1, narrow=0, rounding_mode="ROUND"))
        return w, w.node("BipolarQuant", w.node("MatMul", *nodes), np.float32(1), domain=of)

    w, output = written(domain, np.array(3, kind))
    network = read(w.model(output))
    usual = read(written(low_bit.DOMAIN, np.float32(3))[0].model(output))
    x = network.feed(w.random.normal(0, 2, (9, 12)).astype("f4"))
    assert all(np.array_equal(a, b) for a, b in zip(
        network.fetch(run(network, x)).values(), usual.fetch(run(usual, x)).values(), strict=True))
    assert network.layers[0].requantisation.values.tolist() == \
        usual.layers[0].requantisation.values.tolist()
