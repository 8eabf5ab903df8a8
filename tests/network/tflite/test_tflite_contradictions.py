"""Files whose parts contradict one another: each is refused, whatever the reference makes of it."""

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.network.tflite import reading as tflite

from ...tflite_writer import CURVES, Graph, Operator, write_network

SOUND = {("FULLY_CONNECTED", "input"), ("SOFTMAX", "both"), ("LOGISTIC", "both"),
         ("RESHAPE", "input"), ("SQUEEZE", "input"), ("CONCATENATION", "both"), ("ADD", "both"),
         ("MAXIMUM", "both"), ("MINIMUM", "both"), ("SUB", "both"), ("RELU", "both"),
         ("RELU6", "both"), ("QUANTIZE", "both"), *((kind, "both") for kind in CURVES),
         ("SQUARED_DIFFERENCE", "both")}
"""Layers of rows or of no axis in particular, which need none for the batch."""

KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "PADV2", "MEAN",
         "FULLY_CONNECTED", "ADD", "CONCATENATION", "SOFTMAX", "LOGISTIC", "RESHAPE", "SQUEEZE",
         "EXPAND_DIMS", "MAXIMUM", "MINIMUM", "SUB", "RELU", "RELU6", "QUANTIZE", "SUM",
         "SQUARED_DIFFERENCE", *CURVES)


def layer(kind):
    """Return a graph of one layer, to be made wrong."""
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 1, 4) if kind == "SQUEEZE" else graph.activation(1, 3, 5, 4)
    build = {"CONV_2D": graph.convolution, "DEPTHWISE_CONV_2D": graph.depthwise,
             "FULLY_CONNECTED": graph.fully_connected, "ADD": lambda x: graph.add(x, x),
             "MAXIMUM": lambda x: graph.maximum(x, x), "MEAN": graph.mean,
             "SUM": lambda x: graph.mean(x, "SUM"),
             "MINIMUM": lambda x: graph.maximum(x, x, "MINIMUM"),
             "SUB": lambda x: graph.add(x, x, "SUB"),
             "SQUARED_DIFFERENCE": lambda x: graph.product(x, x, "SQUARED_DIFFERENCE"),
             "RELU": lambda x: graph.rescale(x, "RELU"),
             "RELU6": lambda x: graph.rescale(x, "RELU6"),
             "QUANTIZE": lambda x: graph.rescale(x, "QUANTIZE"),
             "PAD": lambda x: graph.pad(x, "PAD"), "PADV2": lambda x: graph.pad(x, "PADV2"),
             "AVERAGE_POOL_2D": lambda x: graph.pool(x, "AVERAGE_POOL_2D"),
             "MAX_POOL_2D": lambda x: graph.pool(x, "MAX_POOL_2D"), "SQUEEZE": graph.squeeze,
             "CONCATENATION": lambda x: graph.concatenate(x, x), "RESHAPE": graph.reshape,
             "SOFTMAX": graph.softmax, "LOGISTIC": graph.logistic, "EXPAND_DIMS": graph.expand,
             **{code: lambda x, code=code: graph.curve(x, code) for code in CURVES}}
    build[kind](x)
    return graph


def lose_batch_axis(graph, which):
    """Take the leading 1 from the shapes of the layer's input, its output, or both."""
    [operator] = graph.operators
    computed = {t for t in operator.inputs if t >= 0 and graph.tensors[t].data is None}
    lost = {"input": computed, "output": set(operator.outputs),
            "both": computed | set(operator.outputs)}[which]
    for tensor in lost:
        graph.tensors[tensor].shape = graph.tensors[tensor].shape[1:]


def written(graph):
    """Return the file of a graph of one operator, with a RESHAPE before each of its inputs.

    So no input of the network is without the axis, which would be refused for that alone.
    """
    [operator] = graph.operators
    inputs = []
    for x in sorted({t for t in operator.inputs if t >= 0 and graph.tensors[t].data is None}):
        shape = graph.tensors[x].shape
        inputs.append(graph.like(x, 1, int(np.prod(shape))))
        graph.operators.insert(0, Operator("RESHAPE", [inputs[-1]], [x],
                                           {"NewShape": np.array(shape, np.int32)}))
    return write_network(graph.tensors, graph.operators, inputs, operator.outputs)


@pytest.mark.parametrize("which", ["input", "output", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_lost_batch_axis(kind, which):
    graph = layer(kind)
    lose_batch_axis(graph, which)
    if (kind, which) in SOUND:
        [y] = graph.operators[0].outputs
        assert tflite.read(written(graph)).outputs == (f"tensor {y}",)
        return
    with pytest.raises(UserError, match=rf"layer 1 \({kind}\): (its|it is|tensor) .*shapes? .*\("):
        tflite.read(written(graph))


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("kind", ["MEAN", "FULLY_CONNECTED"])
def test_kept_axes(kind, keep):
    """The output's shape is the one that the option gives."""
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 5, 4)
    operands, scale = graph.weighted(x, [7, 4], 0, 4, per_channel=False)
    axes = graph.tensor(shape=[2], type="INT32", data=np.array([1, 2], np.int32))
    if kind == "MEAN":
        shapes, operands, option = [(1, 4), (1, 1, 1, 4)], [x, axes], "KeepDims"
    else:
        shapes, option = [(15, 7), (1, 3, 5, 7)], "KeepNumDims"
    y = graph.operator(kind, operands, graph.activation(*shapes[keep], scale=scale),
                       **{option: keep})
    assert tflite.read(graph.write(y)).outputs == (f"tensor {y}",)
    graph.tensors[y].shape = shapes[not keep]
    with pytest.raises(UserError, match=r"output (has|of) shape"):
        tflite.read(graph.write(y))


@pytest.mark.parametrize("multiplier", [0, -2, 1, 3, 4, 1000])
def test_depth_multiplier_wrong(multiplier):
    """The reference runs as many channels as it says, past the weights' end or short of it."""
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 5, 4)
    operands, scale = graph.weighted(x, [1, 3, 3, 8], 3, 9)
    y = graph.operator("DEPTHWISE_CONV_2D", operands, graph.activation(1, 3, 5, 8, scale=scale),
                       StrideH=1, StrideW=1, DepthMultiplier=2)
    tflite.read(graph.write(y))
    graph.operators[0].options["DepthMultiplier"] = multiplier
    with pytest.raises(UserError, match=rf"depth multiplier is {multiplier}, and must be 2, as its "
                                        "4 input channels and 8 output channels say"):
        tflite.read(graph.write(y))


def runs_in_the_reference(data):
    """Whether TensorFlow Lite Micro takes a file."""
    micro = pytest.importorskip(
        "tflite_micro",
        reason="tflite-micro is the reference; `make setup` installs it where there is a wheel")
    try:
        micro.runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
    except RuntimeError:
        return False
    return True


def biased(kind, *, per_channel=False):
    """Return a graph of one layer with a bias, tensor 2, whose scale fits."""
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 2, 2, 4, scale=0.5, zero_point=1)
    channels = 4
    shape = {"CONV_2D": [channels, 1, 1, 4], "DEPTHWISE_CONV_2D": [1, 1, 1, channels],
             "FULLY_CONNECTED": [channels, 4]}[kind]
    scales = [0.25] * (channels if per_channel else 1)
    weights = graph.tensor(shape=shape, scale=scales, data=np.ones(shape, np.int8),
                           axis=3 if kind == "DEPTHWISE_CONV_2D" else 0)
    bias = graph.tensor(shape=[channels], type="INT32", scale=[0.125] * len(scales),
                        data=np.zeros(channels, np.int32))
    options = {"KeepNumDims": True} if kind == "FULLY_CONNECTED" else \
        {"StrideH": 1, "StrideW": 1} | ({"DepthMultiplier": 1} if kind[0] == "D" else {})
    graph.operator(kind, [x, weights, bias], graph.activation(1, 2, 2, channels, scale=2.0),
                   **options)
    return graph


@pytest.mark.parametrize("scale, fits", [
    (0.125, True), (0.164, True), (0.086, True), (0.166, False), (0.084, False), (0.0, False),
    (None, False), (1e9, False), (-0.125, False), (float("nan"), False)])
def test_bias_scale(scale, fits):
    """By at most 0.02 of the output's scale, here 0.04, as the reference has it."""
    graph = biased("FULLY_CONNECTED")
    graph.tensors[2].scale = scale
    assert runs_in_the_reference(graph.write(3)) == fits
    if fits:
        assert len(tflite.read(graph.write(3)).layers) == 1
        return
    with pytest.raises(UserError, match=r"its bias has scale .* and must have 0.125, its input's"):
        tflite.read(graph.write(3))


@pytest.mark.parametrize("kind, per_channel", [
    ("CONV_2D", False), ("CONV_2D", True), ("DEPTHWISE_CONV_2D", True), ("FULLY_CONNECTED", True)])
def test_bias_scale_that_nobody_reads(kind, per_channel):
    """The reference adds the bias as it is in these layers, and so does hwgen."""
    graph = biased(kind, per_channel=per_channel)
    graph.tensors[2].scale = None
    assert len(tflite.read(graph.write(3)).layers) == 1


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_zero_points_wrong(kind):
    graph = biased(kind, per_channel=True)
    graph.tensors[2].zero_point = 5
    with pytest.raises(UserError, match="its bias has a zero point other than 0"):
        tflite.read(graph.write(3))
    graph = biased(kind, per_channel=True)
    graph.tensors[1].zero_point = None
    with pytest.raises(UserError, match="weights have 4 scales and 0 zero points"):
        tflite.read(graph.write(3))


RESHAPES = [
    # shape of the output, options, second input, what is wrong (None: nothing)
    ([1, 12], [1, 12], [1, 12], None), ([1, 12], [1, -1], [-1, 12], None),
    ([1, 12], None, None, None), ([1, 12], None, [1, -1], None), ([1, 12], [1, 12], None, None),
    ([3, 4], [3, -1], None, None), ([12], None, [-1], None),
    ([1, 11], None, None, "as many elements"), ([1, 11], [1, 11], None, "as many elements"),
    ([1, 12], [1, 11], None, "options give the new shape"),
    ([1, 12], None, [1, 11], "second input gives the new shape"),
    ([1, 12], [-1, -1], None, "options give the new shape"),
    ([1, 12], None, [-1, -1], "with one -1 at most"),
    ([1, 12], [1, 12], [2, 6], "second input gives the new shape"),
    ([1, 12], [2, 6], [1, 12], "options give the new shape"),
    ([2, 6], [1, 12], None, "options give the new shape"),
    ([1, 12], None, [5, -1], "second input gives the new shape"),
    ([1, 12], None, [0, -1], "second input gives the new shape"),
    ([1, 12], None, [1, 0], "second input gives the new shape"),
    ([1, 12], None, [-12, -1], "second input gives the new shape"),
    ([1, 12], None, [-2, -6], "second input gives the new shape"),
    ([1, 12], None, [], "each axis must be at least 1"),
    ([1, 12], None, [12], "second input gives the new shape"),
    ([1, 12], None, [[1, 12]], "must have one axis"),
]


@pytest.mark.parametrize("output, options, second, wrong", RESHAPES)
def test_reshape(output, options, second, wrong):
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 4)
    operands = [x]
    if second is not None:
        data = np.array(second, np.int32)
        operands.append(graph.tensor(shape=data.shape, type="INT32", data=data))
    shape = None if options is None else np.array(options, np.int32)
    y = graph.operator("RESHAPE", operands, graph.like(x, *output), NewShape=shape)
    data = graph.write(y)
    if wrong is None:
        assert tflite.read(data).tensors[f"tensor {y}"].size == 12
        return
    with pytest.raises(UserError, match=wrong):
        tflite.read(data)


@pytest.mark.parametrize("data, type, says", [
    (None, "INT32", "new shape must be constant"),
    (np.array([1, 12], np.int64), "INT64", "new shape must be INT32, not INT64"),
    (np.array([1], np.int32), "INT32", "must have as many bytes, not 4")])
def test_new_shape_wrong(data, type, says):
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 4)
    wanted = graph.tensor(shape=[2], type=type, data=data)
    y = graph.operator("RESHAPE", [x, wanted], graph.like(x, 1, 12))
    with pytest.raises(UserError, match=says):
        tflite.read(write_network(graph.tensors, graph.operators, [x], [y]))


@pytest.mark.parametrize("kind, says", [
    ("RESHAPE", "must have one axis, of at most 6 numbers"), ("MEAN", "its axes"),
    ("PAD", "its paddings are"), ("options", "200000 axes in one tensor")])
def test_long_lists_of_axes_are_refused_at_once(kind, says):
    """Before anything is computed with them, such as the product of a shape."""
    many = np.full(200_000, 3, np.int32)
    graph = layer("RESHAPE" if kind == "options" else kind)
    [operator] = graph.operators
    if kind == "options":
        operator.options["NewShape"] = many
    else:
        graph.tensors[operator.inputs[1]].data = many
        graph.tensors[operator.inputs[1]].shape = [2, 100_000] if kind == "PAD" else [200_000]
    with pytest.raises(UserError, match=says) as raised:
        tflite.read(graph.write(operator.outputs[0]))
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("kind, field, value, says", [
    ("SQUEEZE", "SqueezeDims", [1], r"axes \(1,\) must be axes of 1"),
    ("SQUEEZE", "SqueezeDims", [4], r"axes \(4,\) must be axes of 1"),
    ("SQUEEZE", "SqueezeDims", [-5], r"axes \(-5,\) must be axes of 1"),
    ("SQUEEZE", "SqueezeDims", [0], "its output has shape"),
    ("EXPAND_DIMS", 1, [5], r"its axis is \[5\]: it must be one from -5 to 4"),
    ("EXPAND_DIMS", 1, [-6], r"its axis is \[-6\]"),
    ("EXPAND_DIMS", 1, [1, 1], r"its axis is \[1, 1\]"),
])
def test_moved_axes_wrong(kind, field, value, says):
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 1, 4)
    y = graph.squeeze(x) if kind == "SQUEEZE" else graph.expand(x)
    array = np.array(value, np.int32)
    if field == "SqueezeDims":
        graph.operators[0].options[field] = array
    else:
        graph.tensors[field].data, graph.tensors[field].shape = array, list(array.shape)
    with pytest.raises(UserError, match=says):
        tflite.read(graph.write(y))


def test_fused_activation_of_a_concatenation_wrong():
    """Even one that would change nothing: the reference has none."""
    graph = layer("CONCATENATION")
    graph.operators[0].options["FusedActivationFunction"] = 1
    for tensor in graph.tensors:
        tensor.zero_point = -128
    with pytest.raises(UserError, match="it has a fused activation"):
        tflite.read(graph.write(1))


@pytest.mark.parametrize("field, value", [("StrideW", 1 << 15), ("DilationHFactor", 1 << 15),
                                          ("DilationHFactor", 20000)])
def test_steps_beyond_16_bits_wrong(field, value):
    graph = Graph(np.random.default_rng(4))
    y = graph.convolution(graph.activation(1, 4, 4, 1), outputs=1, same=True)
    graph.tensors[1].shape, graph.tensors[1].data = [1, 5, 5, 1], np.ones((1, 5, 5, 1), np.int8)
    graph.operators[0].options |= {"DilationHFactor": 1, "DilationWFactor": 1, field: value}
    with pytest.raises(UserError, match="must be at most 32767"):
        tflite.read(graph.write(y))


def test_large_pool_is_cut_to_the_image():
    """A pool may be any number of taps beyond the image, which count for nothing."""
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 3, 10, 2)
    y = graph.operator("AVERAGE_POOL_2D", [x], graph.like(x, 1, 1, 10, 2), StrideH=3, StrideW=1,
                       FilterHeight=3, FilterWidth=1 << 15)
    [pool] = tflite.read(graph.write(y)).layers
    assert pool.window.kernel == (3, 19)
    assert (pool.window.before, pool.window.after) == ((0, 9), (0, 9))


@pytest.mark.parametrize("inputs, outputs, says", [
    ([-1], [2], "an input or output of the network is left out"),
    ([0], [-1], "an input or output of the network is left out"),
    ([0, 1], [2], "input 'tensor 1' is a constant")])
def test_edges_wrong(inputs, outputs, says):
    graph = Graph(np.random.default_rng(4))
    x = graph.activation(1, 4)
    graph.tensor(shape=[1, 4], scale=1.0, data=np.ones((1, 4), np.int8))
    graph.operator("LOGISTIC", [x], graph.activation(1, 4, scale=1 / 256, zero_point=-128))
    with pytest.raises(UserError, match=says):
        tflite.read(write_network(graph.tensors, graph.operators, inputs, outputs))


def quantised(code, outside, shape=(1, 4)):
    """Return a file whose first or last operator is a QUANTIZE or a DEQUANTIZE."""
    graph = Graph(np.random.default_rng(4))
    edge = graph.tensor(shape=shape, type=outside, scale=None if outside == "FLOAT32" else 0.5)
    x = graph.activation(1, 4)
    if code == "QUANTIZE":
        graph.operator(code, [edge], x)
        return graph.write(graph.logistic(x))
    return graph.write(graph.operator(code, [graph.logistic(x)], edge))


@pytest.mark.parametrize("code, outside", [
    ("QUANTIZE", "BOOL"), ("QUANTIZE", "FLOAT64"), ("DEQUANTIZE", "INT8"),
    ("DEQUANTIZE", "UINT8")])
def test_type_at_an_edge_wrong(code, outside):
    """What is at an edge must be of a type that stands there."""
    with pytest.raises(UserError, match=rf"\({code}\) is inside the network"):
        tflite.read(quantised(code, outside))


def uint8_output(scale=1 / 256, zero_point=0):
    """Return a file whose last layer is a QUANTIZE from int8 to uint8."""
    graph = Graph(np.random.default_rng(4))
    x = graph.logistic(graph.activation(1, 4))
    end = graph.tensor(shape=[1, 4], type="UINT8", scale=scale, zero_point=zero_point)
    return graph.write(graph.operator("QUANTIZE", [x], end))


def test_uint8_output():
    """It is the int8 with 128 added; on another scale it would be other numbers."""
    network = tflite.read(uint8_output())
    assert [layer.operator for layer in network.layers] == ["LOGISTIC"]
    assert network.outputs == (network.layers[0].output,)
    for fields in ({"scale": 1 / 128}, {"zero_point": 1}):
        with pytest.raises(UserError, match="to uint8 that moves the zero point by 128"):
            tflite.read(uint8_output(**fields))


@pytest.mark.parametrize("code", ["QUANTIZE", "DEQUANTIZE"])
def test_shape_at_an_edge_wrong(code):
    assert len(tflite.read(quantised(code, "FLOAT32")).layers) == 1
    with pytest.raises(UserError, match=rf"\({code}\): its output has shape"):
        tflite.read(quantised(code, "FLOAT32", (1, 2, 2)))


def test_quantised_inputs_keep_their_order():
    graph = Graph(np.random.default_rng(4))
    a, b = (graph.tensor(shape=[1, 4], type="FLOAT32") for _ in range(2))
    x, y = (graph.operator("QUANTIZE", [edge], graph.activation(1, 4)) for edge in (a, b))
    graph.operators.reverse()
    z = graph.add(x, y)
    assert tflite.read(write_network(graph.tensors, graph.operators, [a, b], [z])).inputs == \
        (f"tensor {x}", f"tensor {y}")


def test_no_shape_wrong():
    graph = Graph(np.random.default_rng(4))
    y = graph.reshape(graph.activation(1, 1, 1), 1, 1)
    graph.tensors[y].shape, graph.operators[0].inputs = [], [0]
    with pytest.raises(UserError, match="has no shape"):
        tflite.read(graph.write(y))


def test_data_in_the_first_buffer_wrong():
    """It stands for no data; the reference and TensorFlow Lite part on a file that has some."""
    graph = layer("LOGISTIC")
    data = graph.write(1)
    with pytest.raises(UserError, match="has data in buffer 0"):
        tflite.read(write_network([graph.tensors[0], graph.tensors[1]], graph.operators, [0], [1],
                                  first_buffer=np.ones(60, np.uint8)))
    assert len(tflite.read(data).layers) == 1


@pytest.mark.parametrize("version", [0, 2, 4, 1 << 31])
def test_version_of_the_format_wrong(version):
    graph = layer("LOGISTIC")
    with pytest.raises(UserError, match=f"of version {version} of the format, .* version 3"):
        tflite.read(graph.write(1, format_version=version))


@pytest.mark.parametrize("axis", [-1, 4, 255])
def test_axis_of_scales_wrong(axis):
    graph = layer("LOGISTIC")
    graph.tensors[1].axis = axis
    with pytest.raises(UserError, match=f"'tensor 1' has scales along axis {axis} of shape"):
        tflite.read(graph.write(1))


def test_newer_field_of_a_tensor_wrong():
    """Such as external_buffer, which gives a tensor data that hwgen would not see."""
    graph = layer("LOGISTIC")
    graph.tensors[0].newer = 7
    with pytest.raises(UserError, match="tensor 0 has a field, in Tensor, that is newer"):
        tflite.read(graph.write(1))


def test_scales_of_a_bias_wrong():
    graph = biased("CONV_2D")
    graph.tensors[2].scale = [1.0, 1.0]
    with pytest.raises(UserError, match="its bias has 2 scales for 4 output channels"):
        tflite.read(graph.write(3))


def test_operators_of_all_subgraphs_are_limited():
    """However often a small file names one graph."""
    graph = layer("LOGISTIC")
    graph.operators *= 100
    with pytest.raises(UserError, match="has 10000 operators, and at most 4096 are read"):
        tflite.read(graph.write(1, graphs=100))


@pytest.mark.parametrize("end", [b"x", b"\xff"])
def test_name_without_an_end_wrong(end):
    data = layer("LOGISTIC").write(1)
    assert data.count(b"tensor 1\0") == 1
    with pytest.raises(UserError, match="damaged: it points outside itself"):
        tflite.read(data.replace(b"tensor 1\0", b"tensor 1" + end))


@pytest.mark.parametrize("places", [4, 40, 1 << 16, 1 << 30])
def test_fields_before_the_file_wrong(places):
    """An offset that leads before the first byte is not one from the last."""
    data = bytearray(layer("LOGISTIC").write(1))
    root = int.from_bytes(data[:4], "little")
    data[root:root + 4] = (root + places).to_bytes(4, "little", signed=True)
    with pytest.raises(UserError, match="damaged: it points outside itself"):
        tflite.read(bytes(data))
