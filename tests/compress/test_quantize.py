from pathlib import Path

import numpy as np
import pytest

from hwgen.compress.quantize import Quantised, errors, quantise, quantised_model
from hwgen.errors import UserError
from hwgen.golden.network.network import compute, run
from hwgen.network.onnx.reading import read
from hwgen.network.tflite import reading as tflite

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")

MODELS = Path(__file__).parents[3] / "shared" / "models"
NETWORKS = Path(__file__).parents[2] / "networks"


def float_model(seed=0, opset=13):
    """Return a float network with most of what we quantise, untrained."""
    w = writer.Writer(seed, opset=opset)
    r = w.random

    def conv(x, outputs, inputs, kernel, group=1, bias=True, **attributes):
        size = inputs * kernel * kernel
        weights = r.normal(0, size**-0.5, (outputs, inputs, kernel, kernel)).astype("f4")
        added = [r.normal(0, 0.2, outputs).astype("f4")] if bias else []
        return w.node("Conv", x, weights, *added, group=group, **attributes)

    def normalised(x, channels):
        return w.node("BatchNormalization", x, *r.uniform(0.5, 1.5, (4, channels)).astype("f4"))

    x = w.input(["batch", 3, 16, 12])
    y = w.node("Relu", normalised(conv(x, 8, 3, 3, pads=[1, 1, 1, 1], bias=False), 8))
    z = normalised(conv(y, 8, 1, 3, group=8, pads=[1, 1, 1, 1]), 8)
    z = w.node("Clip", z, np.float32(0), np.float32(6))
    y = w.node("Relu", w.node("Add", conv(z, 8, 8, 1), y))
    y = w.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = w.node("Concat", y, conv(y, 4, 8, 1), axis=1)
    y = w.node("AveragePool", y, kernel_shape=[2, 2], strides=[2, 2])
    a = w.node("Flatten", y)
    b = w.node("Flatten", w.node("GlobalAveragePool", y))
    y = w.node("Gemm", a, r.normal(0, 0.1, (9, 144)).astype("f4"),
               r.normal(0, 1, 9).astype("f4"), transB=1, alpha=0.5, beta=2.0)
    z = w.node("Add", w.node("MatMul", b, r.normal(0, 0.5, (12, 9)).astype("f4")),
               r.normal(0, 1, 9).astype("f4"))
    y = w.node("Add", y, z)
    return w.model(y)


def images(count=8, seed=1):
    return np.random.default_rng(seed).normal(0, 1, (count, 3, 16, 12)).astype("f4")


def trace_tensors(model, network, inputs):
    """Return what ONNX Runtime makes of every tensor that the file quantises, in our order."""
    proto = onnx.ModelProto.FromString(model)
    names = [trace.name for trace in network.traces.values()]
    del proto.graph.output[:]
    for name in names:
        proto.graph.output.append(onnx.helper.make_tensor_value_info(name, 3, None))
    port = proto.graph.input[0].name
    rows = [writer.runtime(proto.SerializeToString(), {port: x[None]}) for x in inputs]
    return {ours: np.concatenate([row[t.name].reshape(1, -1)[:, t.order] for row in rows]).reshape(
        len(inputs), *network.tensors[ours].shape[1:]) for ours, t in network.traces.items()}


def differences(model, network, inputs):
    """Yield, for each layer, our output less ONNX Runtime's, of the inputs that it has there."""
    values = trace_tensors(model, network, inputs)
    for layer in network.layers:
        if all(name in values for name in layer.inputs):
            result = compute(network, layer, [values[name] for name in layer.inputs])
            if layer.output in values:
                yield layer, result.astype(int) - values[layer.output]
            values.setdefault(layer.output, result)


@pytest.mark.parametrize("method", ["minmax", "percentile"])
@pytest.mark.parametrize("seed", range(3))
def test_error(method, seed):
    model = float_model(seed)
    network = quantise(model, images(), method=method)
    found = errors(model, network, images(seed=2))
    assert len(found) == 12
    assert min(error.sqnr for error in found) > 15
    assert len(str(Quantised(b"", network, found, 2)).splitlines()) == 14
    assert all(layer.name for layer in network.layers)


@pytest.mark.parametrize("seed", range(3))
def test_matches_runtime(seed):
    """Test each layer on what ONNX Runtime computes before it, so that no difference grows."""
    model = quantised_model(float_model(seed), images())
    network = read(model)
    found = list(differences(model, network, images(seed=3)))
    assert len(found) >= 10
    assert all(np.abs(difference).max() <= 1 for _, difference in found)
    ties = [np.mean(difference != 0) for layer, difference in found
            if layer.operator != "AVERAGE_POOL_2D"]
    assert max(ties) < 0.002


@pytest.mark.parametrize("curve", ["Elu", "Gelu", "HardSwish", "LeakyRelu", "PRelu", "Sigmoid",
                                   "SiLU", "Tanh"])
def test_curves(curve):
    """A function of one number between two layers is on a grid of its own; SiLU is one."""
    w = writer.Writer(2, opset=20)
    y = w.node("Conv", w.input([1, 3, 6, 5]), w.random.normal(0, 1, (8, 3, 3, 3)).astype("f4"))
    z = w.node("Sigmoid" if curve == "SiLU" else curve, y,
               *[np.array([0.2], "f4")] * (curve == "PRelu"))
    z = w.node("Mul", y, z) if curve == "SiLU" else z
    y = w.node("Conv", w.node("Clip", z, np.float32(-1), np.float32(4)),
               w.random.normal(0, 0.3, (4, 8, 1, 1)).astype("f4"))
    x = np.random.default_rng(0).normal(0, 1, (8, 3, 6, 5)).astype("f4")
    model = quantised_model(w.model(y), x)
    network = read(model)
    assert [type(layer).__name__ for layer in network.layers] == [
        "Convolution", "Lookup", "Convolution"]
    assert min(error.sqnr for error in errors(w.model(y), network, x)) > 25
    found = list(differences(model, network, x))
    assert len(found) == 3
    assert all(np.abs(difference).max() <= 1 for _, difference in found)


def test_sigmoid_last():
    """The host computes it, so its result is not quantised."""
    w = writer.Writer(2)
    y = w.node("Sigmoid", w.node("MatMul", w.input([1, 6]),
                                 w.random.normal(0, 1, (6, 4)).astype("f4")))
    x = np.random.default_rng(0).normal(0, 1, (8, 6)).astype("f4")
    network = quantise(w.model(y), x)
    assert [layer.operator for layer in network.layers] == ["FULLY_CONNECTED"]
    [found] = network.fetch(run(network, network.feed(x))).values()
    exact = np.concatenate([next(iter(writer.runtime(w.model(y), {"x0": one[None]}).values()))
                            for one in x])
    assert np.abs(found - exact).max() < 0.02


def test_opset_old():
    w = writer.Writer(1, opset=9)
    y = w.node("Relu", w.node("Conv", w.input([1, 2, 5, 5]),
                              w.random.normal(0, 1, (3, 2, 3, 3)).astype("f4")))
    model = w.model(w.node("GlobalAveragePool", y))
    x = np.random.default_rng(0).normal(0, 1, (4, 2, 5, 5)).astype("f4")
    network = quantise(model, x)
    assert min(error.sqnr for error in errors(model, network, x)) > 25


def test_channel_dead():
    """Test a channel without weights, whose bias no scale of weights gives a size."""
    w = writer.Writer(1)
    weights = w.random.normal(0, 1, (3, 2, 1, 1)).astype("f4")
    weights[1] = 0
    weights[2] *= 1e-9
    y = w.node("Conv", w.input([1, 2, 5, 5]), weights, np.array([0.5, 2.0, -3.0], "f4"))
    model = w.model(y)
    x = np.random.default_rng(0).normal(0, 1, (4, 2, 5, 5)).astype("f4")
    network = quantise(model, x)
    assert errors(model, network, x)[-1].largest < 1.5


def test_file(tmp_path):
    model = tmp_path / "net.onnx"
    model.write_bytes(float_model())
    np.savez(tmp_path / "inputs.npz", input=images())
    from_file = quantise(model, tmp_path / "inputs.npz")
    from_array = quantise(model.read_bytes(), {"x0": images()})
    x = from_file.feed(images(seed=4))
    y = [run(network, x)[network.outputs[0]] for network in (from_file, from_array)]
    assert np.array_equal(*y)


@pytest.mark.parametrize("data, options, match", [
    (images(), {"method": "mean"}, "method must be one of"),
    (images(), {"method": "percentile", "percentile": 10}, "percentile must be above 50"),
    (images().astype(int), {}, "must be floating point"),
    (images()[:0], {}, "at least one"),
    ({"y": images()}, {}, "inputs are x0, not y"),
    (images()[:, :2], {}, "must be images of shape \\(3, 16, 12\\), at least one along the first"),
    (images()[0, 0, 0, 0], {}, "must be images of shape"),
    ("none.npz", {}, "none.npz cannot be read"),
    (images() * np.inf, {}, "must be finite"),
    (np.full((1, 3, 16, 12), 1e300), {}, "must be finite")])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_wrong(data, options, match):
    with pytest.raises(UserError, match=match):
        quantise(float_model(), data, **options)


# Trained networks, on labelled inputs.

def label_inputs(network, path):
    """Return labelled inputs as real numbers, by the input scale of the int8 reference network."""
    if not path.exists():
        pytest.skip(f"{path.name} is in ../shared/models/inputs, which is absent")
    reference = tflite.read(NETWORKS / network)
    tensor = reference.tensors[reference.inputs[0]]
    arrays = np.load(path)
    real = (arrays["input"].astype("f4") - tensor.zero_point) * np.float32(tensor.scale)
    return real.astype("f4"), arrays["label"]


def keyword_spotting(path=MODELS / "inputs" / "kws_eembc100.npz"):
    return NETWORKS / "kws_float.onnx", *label_inputs("kws_dscnn.tflite", path)


def image_classification():
    pixels, label = label_inputs("ic_resnet8.tflite", MODELS / "inputs" / "ic_cifar100.npz")
    # As the network was trained: each colour of CIFAR-10 less its mean, over its deviation.
    mean, deviation = np.array([[125.3, 123.0, 113.9], [63.0, 62.1, 66.7]], "f4")
    x = ((pixels - mean) / deviation).transpose(0, 3, 1, 2)
    return MODELS / "float" / "model_ic.onnx", x, label


@pytest.mark.parametrize("trained", [keyword_spotting, image_classification])
@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("method", ["minmax", "percentile"])
def test_top_1(trained, half, method):
    path, x, label = trained()
    model = path.read_bytes()
    name = onnx.ModelProto.FromString(model).graph.input[0].name
    exact = [next(iter(writer.runtime(model, {name: one[None]}).values())) for one in x]
    network = quantise(path, x[half::2], method=method)
    (found,) = network.fetch(run(network, network.feed(x))).values()
    of_float = np.mean(np.concatenate(exact).argmax(axis=1) == label)
    of_int8 = np.mean(found.argmax(axis=1) == label)
    assert of_float >= 0.8
    assert of_int8 >= of_float - 0.015


@pytest.mark.parametrize("trained", [keyword_spotting, image_classification])
def test_trained_matches_runtime(trained):
    path, x, _ = trained()
    model = quantised_model(path, x[::2])
    for layer, difference in differences(model, read(model), x[1:16:2]):
        assert np.abs(difference).max() <= 1, layer.name
        assert np.mean(difference != 0) < (0.02 if layer.operator == "AVERAGE_POOL_2D" else 1e-3)
