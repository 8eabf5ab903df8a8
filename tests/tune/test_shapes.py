"""ONNX files without weights, of which only shapes are known."""

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.designs import Designs
from hwgen.cli import main
from hwgen.compress.quantize import quantised_model
from hwgen.errors import UserError
from hwgen.network.reader import read_network
from hwgen.tune.shapes import read_shapes
from hwgen.tune.workload import Workload, read_workload

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
float_model, images = (getattr(pytest.importorskip("tests.compress.test_quantize"), name)
                       for name in ("float_model", "images"))

DESIGNS = Designs.of([Design.load("ulx3s-85f"), Design.load("orangecrab-25f"),
                      Design.load("ulx3s-85f").replace(rows=5, columns=7, lanes=3, hard_lanes=0,
                                                       dsps=None, lines=0)])


def elsewhere(model, names):
    """Return a model whose weights of more than one axis are in a file that is not there."""
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="lost.bin")


def empty(model, names):
    """Return a model whose weights have a shape only."""
    for tensor in model.graph.initializer:
        if tensor.name in names:
            tensor.ClearField("raw_data")


def given(model, names):
    """Return a model whose weights are inputs."""
    for tensor in list(model.graph.initializer):
        if tensor.name in names:
            model.graph.initializer.remove(tensor)
            model.graph.input.append(onnx.helper.make_tensor_value_info(
                tensor.name, tensor.data_type, list(tensor.dims)))


def weights(model):
    """Return the names of all tensors of two axes or more."""
    return {tensor.name for tensor in model.graph.initializer if len(tensor.dims) > 1}


@pytest.mark.parametrize(("without", "quantised"), [
    (elsewhere, False), (elsewhere, True), (empty, False), (empty, True), (given, False)])
def test_takes_as_much(tmp_path, without, quantised):
    """Without its weights a network takes the cycles and the bytes that it takes with them."""
    whole = quantised_model(float_model(), images())
    (tmp_path / "whole.onnx").write_bytes(whole)
    expected = Workload("whole", (read_network(tmp_path / "whole.onnx"),)).evaluate(DESIGNS)
    model = onnx.ModelProto.FromString(whole if quantised else float_model())
    without(model, weights(model))
    file = tmp_path / "shapes.onnx"
    file.write_bytes(model.SerializeToString())
    workload = read_workload(str(file))
    found = workload.evaluate(DESIGNS)
    assert workload.shapes_only and workload.name == "shapes"
    for name in ("cycles", "activations", "program"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_whole_files_are_left_alone(tmp_path):
    """Of a file with weights nothing is made up."""
    file = tmp_path / "a.onnx"
    file.write_bytes(quantised_model(float_model(), images()))
    assert read_shapes(file) is None
    assert not read_workload(str(file)).shapes_only


def test_nothing_else_makes_weights_up(tmp_path, capsys):
    """Only the tuner and its pages take a network without weights."""
    model = onnx.ModelProto.FromString(quantised_model(float_model(), images()))
    elsewhere(model, weights(model))
    file = tmp_path / "a.onnx"
    file.write_bytes(model.SerializeToString())
    assert main(["cycles", str(file)]) == 2
    assert "is in another file" in capsys.readouterr().err


@pytest.mark.parametrize(("data_type", "dims", "text"), [
    (onnx.TensorProto.INT64, [2, 3], "its type is no parameter's"),
    (onnx.TensorProto.FLOAT, [1 << 14, 1 << 13], "must be of sizes from 1 on"),
])
def test_wrong(tmp_path, data_type, dims, text):
    """What cannot be made up is told with its name."""
    model = onnx.ModelProto.FromString(float_model())
    tensor = model.graph.initializer[0]
    empty(model, {tensor.name})
    tensor.data_type = data_type
    del tensor.dims[:]
    tensor.dims.extend(dims)
    file = tmp_path / "a.onnx"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=f"'{tensor.name}' has no values.*{text}"):
        read_workload(str(file))
