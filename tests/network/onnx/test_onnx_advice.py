"""What the ONNX readers advise is followed here, and then works."""

import numpy as np
import pytest

from hwgen.cli import main
from hwgen.compress.quantize import quantise
from hwgen.errors import UserError
from hwgen.network.onnx.reading import read

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")
low_bit = pytest.importorskip("tests.low_bit")


def refused(model, match):
    with pytest.raises(UserError, match=match) as caught:
        read(model)
    return str(caught.value)


def floats(w, *shape):
    return w.random.normal(0, 1, shape).astype("f4")


FLOAT = {
    "conv": lambda w, x: w.node("Conv", x, floats(w, 4, 3, 3, 3)),
    "normalised": lambda w, x: w.node("BatchNormalization", x, *np.ones((4, 3), "f4")),
    "relu": lambda w, x: w.node("Relu", x),
    "scaled": lambda w, x: w.node("Mul", x, np.float32(2)),
    "sum": lambda w, x: w.node("Add", x, w.node("Relu", x)),
    "greatest": lambda w, x: w.node("Max", x, w.node("Relu", x)),
    "joined": lambda w, x: w.node("Concat", x, w.node("Relu", x), axis=1),
    "pooled": lambda w, x: w.node("AveragePool", x, kernel_shape=[2, 2]),
    "softmax": lambda w, x: w.node("Softmax", w.node("Flatten", w.node("GlobalAveragePool", x))),
    "sigmoid": lambda w, x: w.node("Sigmoid", w.node("Conv", x, floats(w, 2, 3, 1, 1))),
    "gemm": lambda w, x: w.node("Gemm", w.node("Flatten", x), floats(w, 108, 5)),
    "matmul": lambda w, x: w.node("Add", w.node("MatMul", w.node("Flatten", x),
                                                floats(w, 108, 5)), floats(w, 5)),
    "padded": lambda w, x: w.node("Conv", w.node("Pad", x, np.array([0, 0, 1, 1] * 2)),
                                  floats(w, 4, 3, 3, 3)),
    "limited": lambda w, x: w.node("Clip", x, np.float32(-1), np.float32(1)),
    "cut": lambda w, x: w.node("Slice", w.node("Relu", x), np.array([1]), np.array([4]),
                               np.array([2])),
    "enlarged": lambda w, x: w.node("Resize", w.node("Relu", x), "", np.float32([1, 1, 2, 2])),
    "moved": lambda w, x: w.node("Gemm", w.node("Flatten", w.node("Transpose", x,
                                                                  perm=[0, 2, 3, 1])),
                                 floats(w, 108, 5)),
}


@pytest.mark.parametrize("name", FLOAT)
def test_hwgen_quantize(name, capsys, tmp_path, monkeypatch):
    """A float network is refused with `hwgen quantize`, and what that writes runs."""
    monkeypatch.chdir(tmp_path)
    w = writer.Writer(1)
    model = w.model(FLOAT[name](w, w.input([1, 3, 6, 6])))
    (tmp_path / "net.onnx").write_bytes(model)
    np.savez("x.npz", x0=np.random.default_rng(1).normal(0, 1, (6, 3, 6, 6)).astype("f4"))
    assert main(["golden", "net.onnx", "--input", "x.npz"]) == 2
    assert "`hwgen quantize` makes an int8 network of a float one" in capsys.readouterr().err
    assert main(["quantize", "net.onnx", "--data", "x.npz"]) == 0
    assert main(["golden", "net_int8.onnx", "--input", "x.npz"]) == 0


def integer_networks():
    """Yield integer networks that are refused, by what stands in their way."""
    w = writer.Writer(2)
    x = w.both(w.input([1, 3, 6, 6]))
    yield "float weights", w.model(w.node("Conv", x, floats(w, 2, 3, 1, 1)))
    w = writer.Writer(2)
    y = w.node("Conv", w.both(w.input([1, 3, 6, 6])), w.dequantized(*w.weights(2, 3, 1, 1)))
    yield "not quantised between", w.model(w.both(w.node("GlobalAveragePool", y)))
    w = writer.Writer(2)
    yield "before the input", w.model(w.both(w.node("Relu", w.input([1, 4]))))
    w = writer.Writer(2)
    yield "operator", w.model(w.both(w.node("Softplus", w.both(w.input([1, 4])))))
    w = writer.Writer(2)
    x = w.both(w.input([1, 4]))
    yield "difference of two", w.model(w.both(w.node("Sub", x, x)))
    w = low_bit.Writer(2)
    x = w.quant(w.input([1, 4]), 4)
    yield "sum of few bits", w.model(w.quant(w.node("Add", x, x), 4))


@pytest.mark.parametrize("name, model", list(integer_networks()), ids=lambda value: str(value)[:30])
def test_integer_networks_are_not_told_to_quantise(name, model):
    """`hwgen quantize` takes float networks only, so nobody else is sent there."""
    assert "hwgen quantize" not in refused(model, "run|between")
    with pytest.raises(UserError, match="takes float networks, such as the one that this was made"):
        quantise(model, np.zeros((1, 4), "f4"))


def test_quantiser_between():
    w = writer.Writer(3)
    y = w.node("Conv", w.both(w.input([1, 3, 6, 6])), w.dequantized(*w.weights(2, 3, 1, 1)))
    read(w.model(w.both(w.node("GlobalAveragePool", w.both(y)))))
    refused(w.model(w.both(w.node("GlobalAveragePool", y))), "put a QuantizeLinear and a Dequanti")
    w = writer.Writer(3)
    refused(w.model(w.node("Conv", w.both(w.input([1, 3, 6, 6])), floats(w, 2, 3, 1, 1))),
            "put a QuantizeLinear and a DequantizeLinear between")
    w = writer.Writer(3, "i1")
    weights = w.both(floats(w, 2, 3, 1, 1), np.float32(0.05), np.array(0, "i1"))
    read(w.model(w.node("Conv", w.both(w.input([1, 3, 6, 6])), weights)))
    w = writer.Writer(3)
    x = w.both(w.input([1, 4]))
    refused(w.model(w.node("Add", x, x)), "put a QuantizeLinear after it")
    w = writer.Writer(3)
    x = w.both(w.input([1, 4]))
    read(w.model(w.quantize(w.node("Add", x, x)), kind="u1"))


def test_inlined_functions():
    w = writer.Writer(4, "i1")
    inliner = pytest.importorskip("onnx.inliner")
    y = w.node("Half", w.both(w.input([1, 4])), domain="my")
    model = onnx.ModelProto.FromString(w.model(y))
    model.functions.append(onnx.helper.make_function(
        "my", "Half", ["x"], ["y"], [onnx.helper.make_node("Relu", ["x"], ["y"])],
        [onnx.helper.make_opsetid("", 13)]))
    model.opset_import.append(onnx.helper.make_opsetid("my", 1))
    refused(model.SerializeToString(), "inline them: onnx.inliner.inline_local_functions")
    read(inliner.inline_local_functions(model).SerializeToString())


def test_weights_inside(tmp_path):
    w = writer.Writer(5)
    y = w.node("Conv", w.both(w.input([1, 3, 6, 6])), w.dequantized(*w.weights(8, 3, 3, 3)))
    model = onnx.ModelProto.FromString(w.model(w.both(y)))
    path = tmp_path / "net.onnx"
    onnx.save_model(model, path, save_as_external_data=True, size_threshold=0)
    refused(path.read_bytes(), "save the network with its weights inside")
    onnx.save_model(onnx.load(path), tmp_path / "whole.onnx")
    found, expected = read(path), read(tmp_path / "whole.onnx")
    assert np.array_equal(found.layers[0].weights, expected.layers[0].weights)


def test_folded_constants(tmp_path):
    w = writer.Writer(6)
    shape = w.node("Add", np.array([0, -1]), np.array([1, 0]))
    y = w.node("Reshape", w.both(w.input([1, 3, 6, 6])), shape)
    (tmp_path / "net.onnx").write_bytes(w.model(y))
    refused(tmp_path / "net.onnx", "fold them: onnxsim, or onnxruntime's optimiser")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    onnxruntime.InferenceSession(tmp_path / "net.onnx", options,
                                 providers=["CPUExecutionProvider"])
    read(tmp_path / "folded.onnx")


def test_scale_of_a_mean():
    """A padded AveragePool to a finer scale; its output on the scale of its input."""
    def model(scale):
        w = writer.Writer(7)
        y = w.node("AveragePool", w.both(w.input([1, 3, 6, 6]), *w.grid(0.05, 128)),
                   kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        return w.model(w.both(y, *w.grid(scale, 128)))

    refused(model(0.02), "give its output the scale of its input")
    read(model(0.05))


def test_coarse_sums():
    """A bias between two sums that are far apart: both things that the sentence says."""
    def model(scale, bias):
        w = writer.Writer(8, "i1")
        x = w.both(w.input([1, 2]), np.float32(1), np.array(0, "i1"))
        weights = w.dequantized(np.array([[127], [-127]], "i1"), np.float32(1), np.array(0, "i1"))
        y = w.node("Add", w.node("MatMul", x, weights), np.array([bias], "f4"))
        return w.model(w.both(y, np.float32(scale), np.array(0, "i1")))

    refused(model(0.1, 0.3), "give that a larger scale, or make the bias a multiple")
    read(model(50, 0.3))
    read(model(0.1, 2))


@pytest.mark.parametrize("operator, instead", [
    ("HardSigmoid", "Sigmoid"), ("LogSoftmax", "Softmax"), ("ReduceMax", "GlobalMaxPool"),
    ("GlobalLpPool", "GlobalMaxPool")])
def test_nearest(operator, instead):
    """The operator that an error names runs in the place of the other."""
    def model(by):
        w = writer.Writer(9)
        return w.model(w.node(by, w.both(w.input([1, 4, 3, 3]))))

    assert instead in refused(model(operator), "is an operator that we do not run")
    read(model(instead))
