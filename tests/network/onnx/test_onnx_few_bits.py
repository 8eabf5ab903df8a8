"""Weights of 4 bits in ONNX files, two to a byte."""

import numpy as np
import pytest

from hwgen.arch.nibbles import join_nibbles
from hwgen.errors import UserError
from hwgen.network.graph import Weighted
from hwgen.network.onnx.reading import read

from .test_onnx import compare, end

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
writer = pytest.importorskip("tests.onnx_writer")


def tensor(name, values, *, raw=True):
    """Return values of 4 bits as a file has them."""
    made = onnx.TensorProto(name=name, data_type=onnx.TensorProto.INT4, dims=values.shape)
    data = join_nibbles(values)
    if raw:
        made.raw_data = data.tobytes()
    else:
        made.int32_data.extend(data.tolist())
    return made


def network(seed, *, raw=True, outputs=5, kernel=3):
    """Return a file of a convolution, and its weights."""
    w = writer.Writer(seed, opset=21)
    weights = w.random.integers(-8, 8, (outputs, 3, kernel, kernel)).astype(np.int8)
    scale = w.random.uniform(0.05, 0.2, outputs).astype("f4")
    w.constants += [tensor("w", weights, raw=raw), tensor("z", np.zeros(outputs, np.int8))]
    real = w.node("DequantizeLinear", "w", scale, "z", axis=0)
    return end(w, w.node("Conv", w.both(w.input([1, 3, 8, 8])), real)), weights


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("outputs, kernel", [(5, 3), (1, 1), (4, 2)])
def test_convolution(raw, outputs, kernel):
    model, weights = network(outputs, raw=raw, outputs=outputs, kernel=kernel)
    [layer] = [each for each in compare(model).layers if isinstance(each, Weighted)]
    np.testing.assert_array_equal(layer.weights, weights.transpose(0, 2, 3, 1))


def test_bytes_wrong():
    model = onnx.ModelProto.FromString(network(0)[0])
    [found] = [each for each in model.graph.initializer if each.name == "w"]
    found.raw_data += b"\0"
    with pytest.raises(UserError, match="tensor 'w' is .* but holds 69 bytes, not 68"):
        read(model.SerializeToString())
