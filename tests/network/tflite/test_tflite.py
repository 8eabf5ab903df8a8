import shutil
import signal
import time
import tracemalloc

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import Depthwise, FullyConnected, Network, Softmax
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite

from ...mutation import mutate
from ...networks import NETWORKS, path
from ...tflite_writer import (
    CURVES,
    KINDS,
    MATMULS,
    MORE_LAYERS,
    PAIRS,
    Graph,
    Operator,
    Tensor,
    random_layer,
    random_network,
    write_network,
)

SECONDS = 5.0
"""What reading a damaged file and running what comes of it may take; most take a hundredth."""


def rng(*seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name, layers, shape", [
    ("ad_autoencoder", 10, (1, 640)), ("ic_resnet8", 16, (1, 32, 32, 3)),
    ("kws_dscnn", 13, (1, 49, 10, 1)), ("vww_mobilenet", 31, (1, 96, 96, 3))])
def test_reads(name, layers, shape):
    network = read_network(path(name))
    assert network.name == name
    assert len(network.layers) == layers
    assert network.tensors[network.inputs[0]].shape == shape
    assert len({layer.name for layer in network.layers}) == layers


@pytest.mark.parametrize("name", NETWORKS)
def test_quick(name):
    data = path(name).read_bytes()
    started = time.perf_counter()
    tflite.read(data)
    assert time.perf_counter() - started < 1  # 8 to 20 ms, on an idle machine


def test_keyword_constants():
    """What the file says, read by hand."""
    network = read_network(path("kws_dscnn"))
    first, second = network.layers[:2]
    assert network.tensors[network.inputs[0]].zero_point == 83
    assert (first.window.kernel, first.window.stride) == ((10, 4), (2, 2))
    assert (first.window.before, first.window.after) == ((4, 1), (5, 1))
    assert isinstance(second, Depthwise)
    assert second.weights.shape == (3, 3, 64)
    assert isinstance(network.layers[-2], FullyConnected)
    assert network.layers[-1].host


def test_content_decides(tmp_path):
    shutil.copy(path("kws_dscnn"), tmp_path / "kws.bin")
    assert read_network(tmp_path / "kws.bin").name == "kws"


@pytest.mark.parametrize("name, content, says", [
    ("absent.tflite", None, "there is no file '.*absent.tflite'"),
    ("text.txt", b"hello, world", "'.*text.txt' must end in .tflite or .onnx"),
    ("empty.tflite", b"", "empty: this is not a .tflite file"),
    ("text.tflite", b"hello, world", "text: this is not a .tflite file"),
    ("short.tflite", b"\x1c\0\0\0TFL3", "short: the file is damaged"),
])
def test_file_wrong(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says):
        read_network(tmp_path / name)


def test_folder_wrong(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_network(tmp_path)


def edges(inside="INT8"):
    """Return a network of one layer between float inputs and outputs."""
    tensors = [Tensor(shape=[1, 4, 4, 2], type="FLOAT32", name="in"),
               Tensor(shape=[1, 4, 4, 2], scale=0.5, zero_point=3, type=inside, name="x"),
               Tensor(shape=[1, 2, 2, 2], scale=0.5, zero_point=3, type=inside, name="y"),
               Tensor(shape=[1, 2, 2, 2], type="FLOAT32", name="out")]
    pool = {"StrideH": 2, "StrideW": 2, "FilterHeight": 2, "FilterWidth": 2, "Padding": 1}
    return tensors, [Operator("QUANTIZE", [0], [1]), Operator("MAX_POOL_2D", [1], [2], pool),
                     Operator("DEQUANTIZE", [2], [3])]


def test_float_edges():
    network = tflite.read(write_network(*edges(), [0], [3]))
    assert (network.inputs, network.outputs) == (("x",), ("y",))
    assert [layer.operator for layer in network.layers] == ["MAX_POOL_2D"]


def test_float_edges_wrong():
    with pytest.raises(UserError, match=r"layer 0 \(QUANTIZE\) is inside the network"):
        tflite.read(write_network(*edges("INT16"), [0], [3]))


@pytest.mark.parametrize("order, code", [
    ([2, 0, 1], "0 .DEQUANTIZE"), ([0, 2, 1], "1 .DEQUANTIZE"), ([1, 0, 2], "1 .QUANTIZE")])
def test_order_of_float_edges_wrong(order, code):
    tensors, operators = edges()
    with pytest.raises(UserError, match=f"layer {code}. must come after what writes its input"):
        tflite.read(write_network(tensors, [operators[i] for i in order], [0], [3]))


def test_names_are_unique():
    graph = Graph(rng(1))
    x = graph.add(graph.image(4))
    for tensor in graph.tensors:
        tensor.name = "same"
    network = tflite.read(graph.write(x))
    assert sorted(network.tensors) == ["same", "same#1", "same#2"]


MOVES = {
    "STRIDED_SLICE": ([[1, 1, 3, 2]], [([0, 1, 0, 0], None), ([1, 2, 3, 2], None),
                                       ([1, 1, 1, 1], None)], {}),
    "SLICE": ([[1, 1, 3, 2]], [([0, 1, 0, 0], None), ([1, 1, 3, -1], None)], {}),
    "SPLIT": ([[1, 3, 3, 1]] * 2, [([3], [])], {"NumSplits": 2}),
    "TRANSPOSE": ([[1, 3, 2, 3]], [([0, 1, 3, 2], None)], {}),
    "GATHER": ([[1, 1, 3, 2]], [([2], None)], {"Axis": 1}),
    "PACK": ([[1, 2, 3, 3, 2]], [], {"ValuesCount": 2, "Axis": 1}),
    "MIRROR_PAD": ([[1, 5, 3, 2]], [([0, 0, 1, 1, 0, 0, 0, 0], [4, 2])], {}),
    "RESIZE_NEAREST_NEIGHBOR": ([[1, 6, 6, 2]], [([6, 6], None)], {})}
"""Of operators that move elements: the shapes of outputs, the constants, and options."""


def layer(kind, seed=0):
    """Return the tensors and the operator of one random layer, to be made wrong."""
    graph = Graph(rng(seed))
    if kind == "CONV_2D":
        x = graph.activation(1, 6, 6, 4)
        graph.convolution(x, outputs=8, same=True)
    elif kind == "ADD":
        graph.add(graph.activation(1, 3, 3, 2, zero_point=1))
    elif kind in ("MAXIMUM", "MINIMUM"):
        graph.maximum(graph.activation(1, 3, 3, 2, scale=0.5, zero_point=1), code=kind)
    elif kind == "SUB":
        graph.add(graph.activation(1, 3, 3, 2), code="SUB")
    elif kind == "MUL":
        graph.activation(1, 3, 3, 2)
        graph.constant([1, 3, 3, 2])
        graph.tensors[1].shape, graph.tensors[1].data = [2], np.array([1, 2], np.int8)
        graph.operator("MUL", [0, 1], graph.activation(1, 3, 3, 2, scale=0.5))
    elif kind == "SQUARED_DIFFERENCE":
        graph.product(*(graph.activation(1, 3, 3, 2, scale=0.5) for _ in range(2)), kind)
    elif kind == "TRANSPOSE_CONV":
        x, size = graph.activation(1, 3, 3, 2), graph.integers(1, 6, 6, 3)
        weights = graph.tensor(shape=[3, 2, 2, 2], scale=0.1, data=np.ones((3, 2, 2, 2), np.int8))
        graph.operator(kind, [size, weights, x], graph.activation(1, 6, 6, 3), StrideH=2,
                       StrideW=2)
    elif kind in MOVES:
        x = graph.activation(1, 3, 3, 2)
        shapes, inputs, options = MOVES[kind]
        constants = [graph.integers(*values, shape=shape) for values, shape in inputs]
        inputs = [*constants, x] if kind == "SPLIT" else [x, *constants]
        if kind == "PACK":
            inputs = [x, graph.like(x, 1, 3, 3, 2)]
        graph.operator(kind, inputs, *(graph.like(x, *shape) for shape in shapes), **options)
    elif kind in ("RELU", "RELU6", "QUANTIZE"):
        graph.rescale(graph.activation(1, 10, scale=0.5), kind)
    elif kind == "FULLY_CONNECTED":
        graph.fully_connected(graph.activation(1, 10))
    elif kind == "SOFTMAX":
        graph.softmax(graph.activation(1, 10))
    elif kind == "LOGISTIC":
        graph.logistic(graph.activation(1, 10))
    elif kind == "BATCH_MATMUL":
        x = graph.activation(1, 3, 5, scale=0.1)
        graph.operator(kind, [x, graph.activation(1, 5, 4, scale=0.1)],
                       graph.activation(1, 3, 4, scale=0.5))
    elif kind in CURVES:
        graph.curve(graph.activation(1, 10, scale=0.25), kind)
    elif kind == "CONCATENATION":
        graph.concatenate(graph.activation(1, 3, 3, 2))
    elif kind == "PAD":
        graph.pad(graph.activation(1, 3, 3, 2))
    elif kind == "MEAN":
        graph.mean(graph.activation(1, 3, 3, 2))
    elif kind == "RESHAPE":
        graph.reshape(graph.activation(1, 3, 3, 2))
    else:
        graph.pool(graph.activation(1, 5, 5, 2), kind)
    return graph.tensors, graph.operators[0]


WRONG = [
    # kind, tensor (None: the operator), field, value, what the error says
    ("CONV_2D", 0, "type", "INT16", "is INT16: convert the network to full int8"),
    ("CONV_2D", 0, "type", "FLOAT32", "is FLOAT32: convert the network to full int8"),
    ("CONV_2D", 0, "shape", [2, 6, 6, 4], "hwgen runs a batch of 1"),
    ("CONV_2D", 0, "shape", [1, 6, 0, 4], "each axis must be at least 1"),
    ("CONV_2D", 0, "shape", [1, 6, -1, 4], "each axis must be at least 1"),
    ("CONV_2D", 0, "shape", [1, 9999, 9999, 4], "all together at most 16777216"),
    ("CONV_2D", 0, "shape", [1, 1, 1, 1, 1, 1, 1], "7 axes in one tensor"),
    ("CONV_2D", 0, "shape", [1, 6, 6], "must be .1, height, width, channels."),
    ("CONV_2D", 0, "shape", [1, 6, 6, 6], "4 input channels and its input 6: .* groups"),
    ("TRANSPOSE_CONV", 0, "shape", [1, 3, 3, 6], "they must be .outputs, height, width, 6."),
    ("TRANSPOSE_CONV", 1, "data", np.array([1, 9, 9, 3], np.int32), "its output has shape"),
    ("TRANSPOSE_CONV", None, "options", {"StrideH": 0, "StrideW": 1}, "must be at least 1"),
    ("CONV_2D", 0, "shape", [1, 5, 6, 4], r"its output has shape \(1, 6, 6, 8\), and must"),
    ("CONV_2D", 0, "signature", [-1, -1, 6, 4], "has axes of open size"),
    ("CONV_2D", 0, "variable", True, "is sparse or a variable"),
    ("CONV_2D", 0, "scale", None, "0 scales and 0 zero points"),
    ("CONV_2D", 0, "scale", [0.5, 0.5], "2 scales and 2 zero points"),
    ("CONV_2D", 0, "scale", 0.0, "the scale must be a positive number"),
    ("CONV_2D", 0, "scale", -1.0, "the scale must be a positive number"),
    ("CONV_2D", 0, "scale", float("nan"), "the scale must be a positive number"),
    ("CONV_2D", 0, "scale", float("inf"), "the scale must be a positive number"),
    ("CONV_2D", 0, "scale", 1e30, r"a ratio of scales must be below 2\*\*30"),
    ("CONV_2D", 0, "zero_point", 128, "the zero point from -128 to 127"),
    ("CONV_2D", 1, "zero_point", 1, "zero point other than 0"),
    ("CONV_2D", 1, "type", "INT4", "must have half as many bytes, not"),
    ("CONV_2D", 1, "type", "INT16", "its weights must be INT8 or INT4, not INT16"),
    ("TRANSPOSE_CONV", 2, "type", "INT4", "its weights must be INT8, not INT4"),
    ("CONV_2D", 1, "sparse", True, "its weights must be dense"),
    ("CONV_2D", 1, "data", None, "its weights must be constant"),
    ("CONV_2D", 1, "data", np.zeros(3, np.int8), "must have as many bytes, not 3"),
    ("CONV_2D", 1, "axis", 3, "8 scales along axis 3: they must have one, or 8 along axis 0"),
    ("CONV_2D", 1, "scale", [1.0, 2.0], "its weights have 2 scales"),
    ("CONV_2D", 2, "type", "INT16", "its bias must be INT32, not INT16"),
    ("CONV_2D", 3, "data", np.zeros((1, 6, 6, 8), np.int8), "its output is a constant"),
    ("CONV_2D", 3, "shape", [1, 6, 6, 9], "its output has shape"),
    ("CONV_2D", None, "inputs", [0], "it has 1 inputs, and must have 2 to 3"),
    ("CONV_2D", None, "inputs", [0, -1], "input 1 is missing"),
    ("CONV_2D", None, "inputs", [0, 99], "names a tensor that is not among its 4"),
    ("CONV_2D", None, "inputs", [1, 1, 2], "input 0 is a constant"),
    ("CONV_2D", None, "inputs", [0] * 99, "99 tensors in one list"),
    ("ADD", None, "inputs", [2, 1], "before any layer"),
    ("CONV_2D", None, "outputs", [], "must have inputs and one output"),
    ("CONV_2D", None, "options", {}, "must be at least 1"),
    ("CONV_2D", None, "options", {"StrideH": 1, "StrideW": 1, "Padding": 2}, "SAME or VALID"),
    ("CONV_2D", None, "options", {"StrideH": 1, "StrideW": 1, "FusedActivationFunction": 4},
     "its activation TANH is none of NONE, RELU"),
    ("CONV_2D", None, "options",
     {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1 << 30, "DilationWFactor": 1 << 30},
     "the padding around it must be at most"),
    ("CONV_2D", None, "code", "LOG_SOFTMAX", "is an operator .* nearest is SOFTMAX"),
    ("CONV_2D", None, "code", "RELU_N1_TO_1", "fused into the layer before"),
    ("CONV_2D", None, "code", "LSTM", "hwgen runs CONV_2D, DEPTHWISE_CONV_2D"),
    ("ADD", 1, "shape", [1, 3, 2, 2], "neither can be repeated to the other's"),
    ("ADD", None, "inputs", [0], "it has 1 inputs, and must have 2"),
    ("ADD", 0, "scale", 1e9, r"more than 2\*\*19 times its output's"),
    ("MAXIMUM", 1, "shape", [], "tensor 1' has no shape"),
    ("MAXIMUM", 1, "data", np.arange(18, dtype=np.int8).reshape(1, 3, 3, 2), "with one number"),
    ("MINIMUM", 1, "scale", 0.25, "its input has scale 0.25 .* its output 0.5 .* must be equal"),
    ("SUB", 1, "data", np.zeros((1, 3, 3, 1), np.int8), "as many bytes, not 9"),
    ("SUB", 1, "shape", [1, 4, 1, 2], "neither can be repeated to the other's"),
    ("STRIDED_SLICE", 1, "data", np.zeros(3, np.int8), "must have as many bytes"),
    ("STRIDED_SLICE", 3, "data", np.zeros(4, np.int32), "do not suit an input of shape"),
    ("STRIDED_SLICE", 4, "shape", [1, 3, 3, 2], "its output has shape"),
    ("STRIDED_SLICE", None, "options", {"NewAxisMask": 1}, "it has an NewAxisMask"),
    ("STRIDED_SLICE", None, "inputs", [0, 1, 2], "it has 3 inputs, and must have 4"),
    ("SLICE", 1, "data", np.full(4, 9, np.int32), "do not suit an input of shape"),
    ("SPLIT", 2, "scale", 0.77, "they must be equal"),
    ("SPLIT", None, "options", {"NumSplits": 5}, "it has 2 outputs, and 5 in its options"),
    ("SPLIT", None, "outputs", [], "must have inputs and outputs"),
    ("TRANSPOSE", 1, "data", np.zeros(4, np.int32), "do not suit an input of shape"),
    ("TRANSPOSE", 1, "type", "FLOAT32", "its permutation must be INT32 or INT64"),
    ("GATHER", 1, "data", np.full(1, 9, np.int32), "do not suit an input of shape"),
    ("GATHER", None, "options", {"BatchDims": 1, "Axis": 1}, "it has axes of batches"),
    ("PACK", 1, "shape", [1, 3, 3], "its inputs must be so many, of one shape"),
    ("PACK", None, "options", {"ValuesCount": 2, "Axis": 9}, "of one shape with such an axis"),
    ("MIRROR_PAD", 1, "data", np.full((4, 2), 9, np.int32), "do not suit an input of shape"),
    ("RESIZE_NEAREST_NEIGHBOR", 1, "data", np.full(2, 1 << 30, np.int32), "must have .1, 107374"),
    ("MUL", 1, "shape", [4], r"shapes \(1, 3, 3, 2\) and \(4,\): neither can be repeated"),
    ("SQUARED_DIFFERENCE", 1, "data", np.zeros((1, 3, 3, 2), np.int8), "one of its inputs is a co"),
    ("SQUARED_DIFFERENCE", 2, "scale", 2.0**-14, r"is more than 2\*\*12 times its output's scale"),
    ("SQUARED_DIFFERENCE", 1, "shape", [1, 2, 3, 2], "neither can be repeated to the other's"),
    ("SQUARED_DIFFERENCE", None, "inputs", [0], "it has 1 inputs, and must have 2"),
    ("MUL", 1, "scale", [0.5, 0.5], "its constant has scales .0.5, 0.5. and zero points"),
    ("MUL", 1, "scale", -1.0, "it must have one positive scale"),
    ("RELU6", 0, "scale", 0.25, "its input has scale 0.25 .* must be equal"),
    ("QUANTIZE", 1, "shape", [1, 9], r"its output has shape \(1, 9\), and must have \(1, 10\)"),
    ("RELU", 1, "type", "INT16", "is INT16: convert the network to full int8"),
    ("MAXIMUM", 0, "scale", 0.25, "its input has scale 0.25 .* its output 0.5 .* must be equal"),
    ("MAXIMUM", 1, "zero_point", 2, "its input has .* zero point 2, .* they must be equal"),
    ("MAXIMUM", 2, "zero_point", 2, "its input has .* zero point 1, .* they must be equal"),
    ("MAXIMUM", 2, "shape", [1, 3, 6, 1], r"its output has shape \(1, 3, 6, 1\), and must have"),
    ("MAXIMUM", None, "inputs", [0], "it has 1 inputs, and must have 2"),
    ("MAXIMUM", None, "inputs", [0, 1, 1], "it has 3 inputs, and must have 2"),
    ("FULLY_CONNECTED", None, "options", {"WeightsFormat": 1}, "its weights are shuffled"),
    ("FULLY_CONNECTED", 0, "shape", [1, 11], "do not give an output of shape"),
    ("SOFTMAX", 1, "scale", 0.5, "must be 1/256 and -128"),
    ("SOFTMAX", None, "options", {}, "its beta 0.0"),
    ("LOGISTIC", 0, "scale", 64.0, "it must be below 4"),
    ("TANH", 0, "scale", 64.0, "it must be below 4"),
    ("TANH", 1, "scale", 0.5, "must be 1/128 and 0"),
    ("TANH", 1, "shape", [1, 9], "its output has shape"),
    ("HARD_SWISH", 1, "scale", 1e-6, "must be at most 128 times its output's"),
    ("LEAKY_RELU", None, "options", {"Alpha": -0.5}, "its slope -0.5 must not be negative"),
    ("LEAKY_RELU", None, "options", {"Alpha": float("nan")}, "must be a finite positive number"),
    ("ELU", 1, "scale", 1e-12, "is too large for its output's"),
    ("RSQRT", 1, "scale", 1e-30, r"a ratio of scales must be below 2\*\*30"),
    ("ABS", 1, "zero_point", 128, "the zero point from -128 to 127"),
    ("PRELU", 1, "data", np.ones(2, np.int8), "must have as many bytes, not 2"),
    ("PRELU", 1, "scale", 0.0, "its constant has scales"),
    ("PRELU", None, "inputs", [0], "it has 1 inputs, and must have 2"),
    ("BATCH_MATMUL", 1, "shape", [1, 6, 4], "hwgen multiplies matrices whose other axes are the"),
    ("BATCH_MATMUL", 1, "shape", [1, 1, 5, 4], "hwgen multiplies matrices whose other axes are"),
    ("BATCH_MATMUL", None, "options", {"AdjY": True}, "rows of one by columns of the other"),
    ("BATCH_MATMUL", 2, "shape", [1, 4, 3], "its output has shape"),
    ("BATCH_MATMUL", 2, "scale", 0.01, "must be less than its output's, 0.01"),
    ("BATCH_MATMUL", 1, "data", np.ones(20, np.int8), "input 1 is a constant"),
    ("CONCATENATION", 1, "scale", 0.75, "they must be equal"),
    ("CONCATENATION", None, "options", {"Axis": 9}, "must be one of a shape of 4 axes"),
    ("CONCATENATION", None, "options", {"Axis": 0}, "alike but for the axis of concatenation"),
    ("PAD", 1, "data", np.ones((4, 2), np.int32), "pads height and width"),
    ("PAD", 1, "data", np.full((4, 2), -1, np.int32), "pads height and width"),
    ("MEAN", 2, "data", np.array([1, 3], np.int32), "its output has shape"),
    ("MEAN", 2, "data", np.array([1, 4], np.int32), "those of a shape of 4 axes"),
    ("RESHAPE", 0, "shape", [1, 3, 3, 3], "they must have as many elements"),
    ("AVERAGE_POOL_2D", 1, "zero_point", 77, "they must be equal"),
    ("MAX_POOL_2D", None, "options", {"StrideH": 1, "StrideW": 1}, "must be at least 1"),
]


@pytest.mark.parametrize("kind, tensor, field, value, says", WRONG)
def test_wrong(kind, tensor, field, value, says):
    tensors, operator = layer(kind, seed=3)
    outputs = operator.outputs
    setattr(operator if tensor is None else tensors[tensor], field, value)
    with pytest.raises(UserError, match=says) as raised:
        tflite.read(write_network(tensors, [operator], [0], outputs))
    assert "\n" not in str(raised.value)


def test_product_wrong():
    graph = Graph(rng(2))
    x, constant = graph.activation(1, 10), graph.activation(1, 10)
    y = graph.operator("MUL", [x, constant], graph.activation(1, 10, scale=0.1))
    graph.tensors[constant].data = np.ones((1, 10), np.int8)
    assert len(tflite.read(graph.write(y)).layers) == 3
    graph.operators[0].inputs = [constant, constant]
    with pytest.raises(UserError, match="both inputs are constants"):
        tflite.read(write_network(graph.tensors, graph.operators, [x], [y]))


def test_shapes_of_products():
    """One pixel counts for all, and is not copied; what else repeats is."""
    for shape, kinds in (([1, 1, 1, 4], ["MUL"]), ([1, 3, 5, 4], ["MUL"]), ([1, 4], ["MUL"]),
                         ([1, 1, 5, 4], ["MOVE", "MUL"]),
                         ([1, 3, 5, 1], ["FULLY_CONNECTED", "MUL"])):
        graph = Graph(rng(2))
        x = [graph.activation(1, 3, 5, 4), graph.activation(*shape)]
        y = graph.operator("MUL", x[::-1], graph.activation(1, 3, 5, 4, scale=0.1))
        assert [layer.operator for layer in tflite.read(graph.write(y)).layers] == kinds


def test_difference_that_rounds_unevenly():
    """The only multiplier that may be half way between integers is not that of what is negated."""
    graph = Graph(rng(2))
    x = graph.activation(1, 256, 256, scale=1.0, zero_point=3)
    y = graph.activation(1, 256, 256, scale=1 - 2.0**-21, zero_point=-7)
    network = tflite.read(graph.write(graph.operator("SUB", [x, y], graph.activation(
        1, 256, 256, scale=1.5))))
    assert [layer.operator for layer in network.layers] == ["RESHAPE", "MUL", "RESHAPE", "ADD",
                                                            "MUL", "RESHAPE"]


@pytest.mark.parametrize("number, field, value", [
    (0, "inputs", [0, 2, 2]), (1, "options", {"Padding": 1, "StrideH": 2, "StrideW": 1}),
    (1, "options", {"StrideH": 1, "StrideW": 1}), (2, "code", "RESHAPE")])
def test_batches_wrong(number, field, value):
    """What is around a convolution makes it dilated, or is refused."""
    graph = Graph(rng(3))
    y = graph.dilated()
    assert len(tflite.read(graph.write(y)).layers) == 1
    setattr(graph.operators[number], field, value)
    with pytest.raises(UserError, match="is not part of a dilated convolution: hwgen runs"):
        tflite.read(graph.write(y))


def test_reshape_behind_the_host():
    """It is done before, where that does not change what the softmax is over."""
    graph = Graph(rng(2))
    y = graph.reshape(graph.softmax(graph.activation(1, 1, 1, 10)), 1, 10)
    network = tflite.read(graph.write(y))
    assert [layer.operator for layer in network.layers] == ["RESHAPE", "SOFTMAX"]
    assert network.tensors[network.outputs[0]].shape == (1, 10)
    assert network.tensors[network.outputs[0]].scale == 1 / 256


def test_softmax_within():
    """Where another layer reads it, or nobody does, it is not the host's."""
    graph = Graph(rng(2))
    y = graph.softmax(graph.activation(1, 10))
    graph.reshape(y, 1, 5, 2)
    for output, host in ((len(graph.tensors) - 1, False), (y, False)):
        softmax = tflite.read(graph.write(output)).layers[0]
        assert isinstance(softmax, Softmax) and softmax.host is host
    alone = Graph(rng(2))
    assert tflite.read(alone.write(alone.softmax(alone.activation(1, 10)))).layers[0].host


def test_cycle_wrong():
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(3)]
    operators = [Operator("ADD", [0, 2], [1]), Operator("ADD", [0, 1], [2])]
    with pytest.raises(UserError, match="before any layer"):
        tflite.read(write_network(tensors, operators, [0], [2]))


def test_written_twice_wrong():
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(2)]
    with pytest.raises(UserError, match="which is there already"):
        tflite.read(write_network(tensors, [Operator("ADD", [0, 0], [1])] * 2, [0], [1]))


@pytest.mark.parametrize("inputs, outputs, says", [
    ([], [1], "must have inputs"), ([0], [], "must have outputs"),
    ([0], [0, 0], "each of them once"), ([0], [2], "no layer writes the network's output")])
def test_edges_wrong(inputs, outputs, says):
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(3)]
    with pytest.raises(UserError, match=says):
        tflite.read(write_network(tensors, [Operator("ADD", [0, 0], [1])], inputs, outputs))


def test_huge_is_refused_before_it_is_made():
    tensors = [Tensor(shape=[1, 4096, 4096, 1], scale=1.0) for _ in range(5)]
    data = write_network(tensors, [Operator("ADD", [0, 1], [2])], [0, 1], [2])
    tracemalloc.start()
    with pytest.raises(UserError, match="67108864 bytes together"):
        tflite.read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_many_tensors_are_refused():
    tensors = [Tensor(shape=[1], scale=1.0) for _ in range(1 << 14)]
    data = write_network(tensors, [Operator("ADD", [0, 1], [2])], [0, 1], [2])
    longer = data.replace((1 << 14).to_bytes(4, "little"), 0xffffffff.to_bytes(4, "little"))
    with pytest.raises(UserError, match="4294967295 tensors"):
        tflite.read(longer)


def too_slow(signum, frame):
    """Stop a test that hangs."""
    raise AssertionError(f"took longer than {SECONDS} s")


def survive(seed, data):
    """Read a damaged file, and run what comes of it."""
    previous = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        network = tflite.read(mutate(rng(seed, 99), data))
        x = {name: np.zeros(network.tensors[name].shape, np.int8) for name in network.inputs}
        assert isinstance(network, Network)
        assert set(run(network, x)) == set(network.outputs)
    except UserError as error:
        assert "\n" not in str(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def sources():
    """Return files to damage: every other one is small, so that its structure is hit."""
    small = [random_layer(rng(seed), kind)
              for seed, kind in enumerate([*KINDS, *MORE_LAYERS, *CURVES, *MATMULS, *PAIRS])]
    small += [random_network(rng(seed)) for seed in range(4)]
    large = [path(name).read_bytes() for name in NETWORKS]
    return [file for index, file in enumerate(small) for file in (file, large[index % 4])]


@pytest.mark.parametrize("block", range(3))
def test_damaged(block):
    files = sources()
    for seed in range(block * 100, block * 100 + 100):
        survive(seed, files[seed % len(files)])


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_damaged_much(block):
    files = sources()
    for seed in range(10000 + block * 500, 10000 + block * 500 + 500):
        survive(seed, files[seed % len(files)])
