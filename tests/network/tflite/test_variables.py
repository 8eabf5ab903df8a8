"""Variables and SVDF of .tflite files: what is refused, each in a sentence."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.network.graph import Assign, Network
from hwgen.network.tflite import reading as tflite

from ...stream_writer import StreamGraph
from ...tflite_writer import Operator, write_network


def keeping():
    """Return a network of one variable, which is set, read, and assigned; and its output."""
    graph = StreamGraph(np.random.default_rng(0))
    x = graph.activation(1, 1, 1, 3)
    handle = graph.variable(x, 1, 2, 1, 3, initial=np.zeros((1, 2, 1, 3), np.int8))
    whole = graph.together(graph.read(handle, x, 1, 2, 1, 3), x)
    graph.assign(handle, graph.rows(whole, 1, 2))
    return graph, graph.depthwise(whole)


def refused(graph, output, says, **how):
    """Hold that a network is refused in one sentence."""
    with pytest.raises(UserError, match=says) as raised:
        tflite.read(graph.write(output, **how))
    assert "\n" not in str(raised.value)


def operator(graph, code):
    """Return the first operator of a code."""
    return next(each for each in graph.operators if each.code == code)


def test_reads():
    """As a state that is part of what it is read with, and that keeps what follows."""
    network = tflite.read((lambda graph, y: graph.write(y))(*keeping()))
    [state] = network.states
    assert network.tensors[state.name].shape == (1, 2, 1, 3)
    assert [type(layer) for layer in network.layers][-1] is Assign


WRONG = [
    # the operator, its field, value, what the error says
    ("VAR_HANDLE", "options", {"SharedName": ""}, "its variable has no name"),
    ("VAR_HANDLE", "inputs", [0], "it must have 0 inputs and 1 outputs"),
    ("READ_VARIABLE", "inputs", [0], "must be what a VAR_HANDLE before it gives"),
    ("READ_VARIABLE", "inputs", [-1], "it must have 1 inputs and 1 outputs"),
    ("READ_VARIABLE", "outputs", [], "it must have 1 inputs and 1 outputs"),
    ("ASSIGN_VARIABLE", "inputs", [0, 0], "must be what a VAR_HANDLE before it gives"),
    ("ASSIGN_VARIABLE", "inputs", [1], "it must have 2 inputs and 0 outputs"),
    ("ASSIGN_VARIABLE", "outputs", [0], "it must have 2 inputs and 0 outputs"),
    ("ASSIGN_VARIABLE", "inputs", [1, 0], r"shapes \(1, 2, 1, 3\) and \(1, 1, 1, 3\), .* agree"),
]


@pytest.mark.parametrize("code, field, value, says", WRONG)
def test_operator_wrong(code, field, value, says):
    graph, output = keeping()
    setattr(operator(graph, code), field, value)
    refused(graph, output, says)


@pytest.mark.parametrize("field, value, says", [
    ("type", "FLOAT32", "hwgen keeps int8 between inferences"),
    ("type", "INT16", "hwgen keeps int8 between inferences"),
    ("scale", 0.5, "they must agree"), ("zero_point", 99, "they must agree"),
    ("shape", [1, 3, 1, 3], "they must agree"),
    ("data", np.zeros(6, np.int8), "its output is a constant")])
def test_read_wrong(field, value, says):
    graph, output = keeping()
    setattr(graph.tensors[operator(graph, "READ_VARIABLE").outputs[0]], field, value)
    refused(graph, output, says)


def test_handle_wrong():
    graph, output = keeping()
    graph.tensors[operator(graph, "VAR_HANDLE").outputs[0]].type = "INT32"
    refused(graph, output, "its output must be a RESOURCE, not INT32")


def test_containers_wrong():
    graph, output = keeping()
    other = graph.tensor(shape=[], type="RESOURCE")
    graph.operators.append(Operator("VAR_HANDLE", [], [other], {
        "Container": "b", "SharedName": "variable 0"}))
    refused(graph, output, "its variable 'variable 0' is in two containers")


def test_assigned_before_it_is_written():
    graph, output = keeping()
    assign = operator(graph, "ASSIGN_VARIABLE")
    graph.operators.remove(assign)
    graph.operators.insert(2, assign)
    refused(graph, output, "it assigns a tensor before any operator writes it")


def test_constant_assigned():
    graph, output = keeping()
    value = graph.like(0, 1, 2, 1, 3)
    graph.tensors[value].data = np.zeros((1, 2, 1, 3), np.int8)
    operator(graph, "ASSIGN_VARIABLE").inputs[1] = value
    refused(graph, output, "it assigns a constant: hwgen does that in what CALL_ONCE runs")


def test_never_assigned():
    graph, output = keeping()
    graph.operators.remove(operator(graph, "ASSIGN_VARIABLE"))
    graph.first.operators.clear()
    refused(graph, output, "the variable 'variable 0' is read, and nothing assigns it")


@pytest.mark.parametrize("number, says", [
    (0, "it runs subgraph 0: the file must have that"), (2, "it runs subgraph 2"),
    (-1, "it runs subgraph -1")])
def test_subgraph_wrong(number, says):
    graph, output = keeping()
    data = graph.write(output)
    graph.operators[0].options = {"InitSubgraphIndex": number}
    assert tflite.read(data).states
    with pytest.raises(UserError, match=says):
        tflite.read(write_network(graph.tensors, graph.operators, [0], [output],
                                  others=[graph.first]))


def test_subgraph_is_not_run():
    graph, output = keeping()
    refused(graph, output, "the file has 3 subgraphs, and hwgen runs files with one, and those",
            others=[graph.first, graph.first])


def test_called_too_late():
    graph, output = keeping()
    graph.write(output)
    graph.operators.append(graph.operators.pop(0))
    with pytest.raises(UserError, match="it must come before all that reads or assigns the var"):
        tflite.read(write_network(graph.tensors, graph.operators, [0], [output],
                                  others=[graph.first]))


@pytest.mark.parametrize("change, says", [
    (lambda first: setattr(first.operators[0], "code", "RELU"), r"layer 0 \(RELU\) must be VAR_"),
    (lambda first: first.operators[1].inputs.pop(), r"layer 1 .* it must have 2 inputs"),
    (lambda first: first.operators.pop(0), "must assign a constant to what a VAR_HANDLE"),
    (lambda first: setattr(first.tensors[1], "data", None), "must assign a constant"),
    (lambda first: setattr(first.tensors[1], "data", np.zeros(5, np.int8)), "a constant of 5 byt"),
    (lambda first: setattr(first.tensors[1], "sparse", True), "it must be dense and have 6"),
    (lambda first: setattr(first.tensors[1], "type", "FLOAT32"), "is FLOAT32: hwgen keeps int8"),
    (lambda first: setattr(first.tensors[1], "scale", 9.0), "they must agree")])
def test_called_subgraph_wrong(change, says):
    graph, output = keeping()
    change(graph.first)
    refused(graph, output, says)


SVDF_WRONG = [
    # a tensor, by its place among the inputs, or the operator; field, value, what the error says
    (4, "type", "INT16", "its state is INT16 and its weights in time INT8: hwgen multiplies and k"),
    (2, "type", "INT16", "its weights in time INT16"),
    (4, "variable", False, "it must be a variable of shape"),
    (4, "shape", [1, 5], r"its state has shape \(1, 5\): it must be a variable of shape"),
    (4, "zero_point", 3, "its state has the zero point 3, which must be 0"),
    (4, "scale", 0.0, "must have one positive scale"),
    (3, "scale", 9.0, "its bias has scales"), (3, "scale", None, "its bias has scales"),
    (1, "zero_point", 1, "zero point other than 0"), (1, "shape", [6, 1, 10], "they must be .1, i"),
    (0, "shape", [1, 2, 5], r"its input has shape \(1, 2, 5\)"),
    (0, "shape", [1, 9], "they must be .1, inputs."),
    (None, "options", {"Rank": 4}, "a divisor of the filters"),
    (None, "options", {"Rank": 0}, "a divisor of the filters"),
    (None, "options", {"Rank": 3}, "its output has shape"),
    (None, "options", {"Rank": 2, "FusedActivationFunction": 3}, "its activation is RELU6"),
    (None, "options", {"Rank": 2, "FusedActivationFunction": 1}, "it must be NONE, or RELU with"),
]


def svdf():
    """Return a network of one SVDF of rank 2, with 3 units that see 4 moments of 10 inputs."""
    graph = StreamGraph(np.random.default_rng(0))
    x = graph.activation(1, 10, scale=0.1)
    operands = [x, *(graph.tensor(shape=shape, scale=0.01, data=np.ones(shape, np.int8))
                     for shape in ([6, 10], [6, 4]))]
    operands += [graph.tensor(shape=[3], type="INT32", scale=np.float32(0.2) * np.float32(0.01),
                              data=np.zeros(3, np.int32)),
                 graph.tensor(shape=[1, 24], scale=0.2, variable=True)]
    y = graph.activation(1, 3, scale=0.1, zero_point=5)
    return graph, graph.operator("SVDF", operands, y, Rank=2, FusedActivationFunction=0)


def test_svdf():
    graph, output = svdf()
    network = tflite.read(graph.write(output))
    assert [network.tensors[state.name].shape for state in network.states] == [(1, 6, 1, 3)]


@pytest.mark.parametrize("place, field, value, says", SVDF_WRONG)
def test_svdf_wrong(place, field, value, says):
    graph, output = svdf()
    [only] = graph.operators
    setattr(only if place is None else graph.tensors[only.inputs[place]], field, value)
    refused(graph, output, says)


def test_svdf_without_bias():
    graph, output = svdf()
    graph.operators[0].inputs[3] = -1
    refused(graph, output, "input 3 is missing")


def test_svdf_state_of_two():
    graph, first = svdf()
    again = graph.operators[0]
    second = graph.operator("SVDF", again.inputs, graph.like(first, 1, 3), **again.options)
    with pytest.raises(UserError, match="its state is that of another operator, too"):
        tflite.read(graph.write(first, second))


@pytest.mark.parametrize("change, says", [
    ({"next": "nothing"}, "no ASSIGN_VARIABLE writes the next state 'nothing'"),
    ({"initial": np.zeros((1, 3, 1, 3), np.int8)}, "they must be alike"),
    ({"initial": np.zeros((1, 2, 1, 3), np.int16)}, "they must be alike")])
def test_states_of_a_network_wrong(change, says):
    network = tflite.read((lambda graph, y: graph.write(y))(*keeping()))
    [state] = network.states
    tensors = dict(network.tensors)
    tensors["nothing"] = replace(tensors[state.name], name="nothing")
    with pytest.raises(UserError, match=says):
        Network("x", tensors, network.layers, network.inputs, network.outputs,
                states=(replace(state, **change),))
    with pytest.raises(UserError, match="is an input, or another state, too"):
        Network("x", tensors, network.layers, (*network.inputs, state.name), network.outputs,
                states=(state,))
