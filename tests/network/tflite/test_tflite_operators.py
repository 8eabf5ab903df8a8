"""Which operator a code stands for, and what is said of those that hwgen does not run."""

from dataclasses import replace

import numpy as np
import pytest
import tflite as schema

from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.tflite import reading as tflite
from hwgen.network.tflite import rewrite as _tflite_rewrite
from hwgen.network.tflite.layers import BUILDERS
from hwgen.network.tflite.operator_codes import EDGES, RUNS
from hwgen.network.tflite.variables import VARIABLES

from ...stream_writer import STATE_LAYERS, random_state_layer
from ...tflite_writer import (
    CURVES,
    KINDS,
    MATMULS,
    MORE_LAYERS,
    Graph,
    Operator,
    Tensor,
    both_fields,
    random_layer,
    write_network,
)

CODES = {name: number for name, number in vars(schema.BuiltinOperator).items()
         if isinstance(number, int)}

WAYS = {"deprecated": lambda number: (min(number, 127), 0),
        "builtin": lambda number: (0, number),
        "both": both_fields,
        "builtin larger": lambda number: (min(number, 127) // 2, number),
        "deprecated larger": lambda number: (min(number, 127), number // 2),
        "deprecated negative": lambda number: (-1, number),
        "builtin negative": lambda number: (min(number, 127), -5)}
"""What an operator code may have in its two fields: the larger one of them counts."""


def true_name(number, way):
    """Return the name of the operator that a file means, as TensorFlow Lite reads it."""
    names = {number: name for name, number in CODES.items()}
    return names[max(WAYS[way](number))]


def two_inputs(code, **how):
    """Return a file with one operator of two inputs, without options."""
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(3)]
    return write_network(tensors, [Operator(code, [0, 1], [2], None)], [0, 1], [2], **how)


def float_edges(**how):
    """Return a file with QUANTIZE, LOGISTIC and DEQUANTIZE."""
    graph = Graph(np.random.default_rng(1))
    begin, end = (graph.tensor(shape=[1, 8], type="FLOAT32") for _ in range(2))
    x = graph.operator("QUANTIZE", [begin], graph.activation(1, 8))
    return graph.write(graph.operator("DEQUANTIZE", [graph.logistic(x)], end), **how)


def test_every_operator_that_runs_has_a_builder():
    assert {*BUILDERS, *EDGES, *VARIABLES, "SHAPE"} == set(RUNS)
    assert {*KINDS, *MORE_LAYERS, *STATE_LAYERS, *CURVES, *MATMULS, *EDGES,
            "SQUARED_DIFFERENCE"} == set(RUNS)


@pytest.mark.parametrize("code, way", [(code, way) for code in RUNS for way in WAYS
                                       if true_name(CODES[code], way) == code])
def test_what_runs_reads_equal(code, way):
    """Whichever field of its code a file fills."""
    files = [float_edges(fields=fields) if code in EDGES
             else (random_state_layer if code in STATE_LAYERS else random_layer)(
                 np.random.default_rng(1), code, fields=fields)
             for fields in (both_fields, WAYS[way])]
    expected, network = map(tflite.read, files)
    x = {name: np.random.default_rng(2).integers(-128, 128, expected.tensors[name].shape, np.int8)
         for name in expected.inputs}
    assert [type(layer) for layer in network.layers] == [type(layer) for layer in expected.layers]
    assert network.tensors == expected.tensors
    for name, value in run(expected, x).items():
        np.testing.assert_array_equal(run(network, x)[name], value)


@pytest.mark.parametrize("way", WAYS)
def test_other_weights_find_their_layer(way):
    data = random_layer(np.random.default_rng(1), "CONV_2D", fields=WAYS[way])
    [layer] = tflite.read(data).layers
    other = replace(layer, weights=np.full_like(layer.weights, 3))
    [found] = tflite.read(_tflite_rewrite.replace_constants(data, {layer.name: other})).layers
    np.testing.assert_array_equal(found.weights, other.weights)


@pytest.mark.parametrize("way", WAYS)
def test_what_does_not_run_is_refused_by_its_name(way):
    """Of every operator of the schema, without options, which leave the code alone to tell."""
    refused = 0
    for code, number in CODES.items():
        name = true_name(number, way)
        if name in RUNS:
            continue
        title = "CUSTOM ''" if name == "CUSTOM" else name
        with pytest.raises(UserError) as raised:
            tflite.read(two_inputs(code, fields=WAYS[way]))
        assert f"layer 0 ({title}) is an operator that hwgen does not run" in str(raised.value)
        refused += 1
    assert refused > 100


@pytest.mark.parametrize("code", ["DIV", "POW", "FLOOR_DIV", "FLOOR_MOD"])
def test_no_addition_in_disguise(code):
    with pytest.raises(UserError, match=rf"layer 0 \({code}\)"):
        tflite.read(two_inputs(code, fields=WAYS["builtin"]))


def test_unknown_operator():
    with pytest.raises(UserError, match=r"layer 0 \(operator 9999\)"):
        tflite.read(two_inputs("ADD", fields=lambda number: (0, 9999)))


def test_custom_operator_is_named_with_escapes():
    with pytest.raises(UserError, match=r"layer 0 \(CUSTOM 'Fast\\x1b\[2JConv'\) .* no custom"):
        tflite.read(two_inputs("CUSTOM", custom="Fast\x1b[2JConv"))


def test_long_name_of_a_custom_operator_is_cut():
    with pytest.raises(UserError) as raised:
        tflite.read(two_inputs("CUSTOM", custom="x" * 5000))
    assert len(str(raised.value)) < 300


def chain(*codes, **how):
    """Return a file with operators one after the other."""
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(len(codes) + 1)]
    operators = [Operator(code, [i, i], [i + 1], None) for i, code in enumerate(codes)]
    return write_network(tensors, operators, [0], [len(codes)], **how)


def test_all_operators_that_do_not_run_are_named():
    with pytest.raises(UserError) as raised:
        tflite.read(chain("ADD", "REDUCE_MAX", "ADD", "LSTM", "REDUCE_MAX", "RELU_N1_TO_1"))
    assert str(raised.value) == (
        "network: hwgen does not run 3 of the kinds of operators: layers 1, 4 (REDUCE_MAX), the "
        "nearest is MAX_POOL_2D; layer 3 (LSTM); layer 5 (RELU_N1_TO_1), hwgen runs RELU and "
        "RELU6, and RELU_N1_TO_1 fused into the layer before")


def test_many_operators_that_do_not_run_are_counted():
    with pytest.raises(UserError, match=r"layers 0, 1, 2, 3, and 36 more \(LSTM\) are operators"):
        tflite.read(chain(*["LSTM"] * 40))
    others = [code for code in CODES if code not in RUNS and code != "CUSTOM"]
    with pytest.raises(UserError, match=f"{len(others)} of the kinds .*; and {len(others) - 8} mo"):
        tflite.read(chain(*others))


def test_operator_comes_before_its_tensors():
    """An LSTM has tensors that no other operator has: it is the operator that is named."""
    tensors = [Tensor(shape=shape, scale=1.0) for shape in ([1, 4], [0], [1, 4])]
    data = write_network(tensors, [Operator("LSTM", [0, 1], [2], None)], [0], [2])
    with pytest.raises(UserError, match=r"layer 0 \(LSTM\)"):
        tflite.read(data)


def test_operator_comes_before_the_subgraphs():
    with pytest.raises(UserError) as raised:
        tflite.read(chain("ADD", "WHILE", graphs=2))
    assert "layer 1 (WHILE); layer 1 (WHILE of subgraph 1)" in str(raised.value)


def test_subgraphs_wrong():
    with pytest.raises(UserError, match="has 2 subgraphs, and hwgen runs files with one"):
        tflite.read(chain("ADD", graphs=2))
    with pytest.raises(UserError, match="has 0 subgraphs"):
        tflite.read(chain("ADD", graphs=0))


@pytest.mark.parametrize("version", [-1, 0, 6, 1 << 30])
def test_version_wrong(version):
    with pytest.raises(UserError, match=rf"layer 0 \(ADD\) is of version {version}: .* 1 to 5"):
        tflite.read(chain("ADD", version=version))


@pytest.mark.parametrize("code, options", [
    ("ADD", "CONV_2D"), ("RESHAPE", "ADD"), ("MEAN", "ADD"), ("PAD", "SOFTMAX"),
    ("PADV2", "PAD"), ("SQUEEZE", "RESHAPE"), ("EXPAND_DIMS", "ADD")])
def test_options_of_another_operator_wrong(code, options):
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(3)]
    operator = Operator(code, [0, 1], [2], {}, options)
    with pytest.raises(UserError, match=rf"layer 0 \({code}\) has the options of another"):
        tflite.read(write_network(tensors, [operator], [0, 1], [2]))


def test_custom_options_wrong():
    tensors = [Tensor(shape=[1, 4], scale=1.0) for _ in range(3)]
    operator = Operator("ADD", [0, 1], [2], custom_options=np.zeros(4, np.uint8))
    with pytest.raises(UserError, match=r"layer 0 \(ADD\) has the options of a custom operator"):
        tflite.read(write_network(tensors, [operator], [0, 1], [2]))
