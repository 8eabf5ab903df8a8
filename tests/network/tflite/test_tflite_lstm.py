"""UNIDIRECTIONAL_SEQUENCE_LSTM of .tflite files: what is read, and what is refused, and why."""

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.network.gates import SIGMOID, hyperbolic_tangent, sigmoid
from hwgen.network.tflite import reading as tflite

from ...stream_writer import StreamGraph


def network():
    """Return a network of 3 cells over 2 times of 5 inputs, and its output."""
    graph = StreamGraph(np.random.default_rng(0))
    return graph, graph.lstm(graph.activation(1, 2, 5), 3)


def test_read():
    graph, output = network()
    read = tflite.read(graph.write(output))
    [state] = read.states
    hidden = graph.tensors[output].zero_point
    assert state.initial.tolist() == [[hidden] * 3 + [0] * 6]
    assert read.tensors[read.layers[0].output].shape == (1, 2 * 3 + 2 * 3)


def test_intermediates():
    """Tensors that hold only scales may be empty, as converters write them; no others may."""
    graph, output = network()
    empty = graph.tensor(shape=[0], scale=1.0)
    graph.operators[0].intermediates = [empty]
    assert tflite.read(graph.write(output)).states
    graph.operators[0].inputs[9] = empty
    with pytest.raises(UserError, match=r"has shape \(0,\): each axis must be at least 1 and"):
        tflite.read(graph.write(output))


WRONG = [
    # an input of the operator, or the operator; field, value, what the error says
    (0, "shape", [1, 2, 5, 1], r"its input has shape \(1, 2, 5, 1\): it must have three axes"),
    (1, "shape", [5, 3], "the weights of its input gate have shape .5, 3. and 1 scales"),
    (2, "scale", [0.1, 0.1, 0.1], "the weights of its forget gate have shape .3, 5. and 3 scales"),
    (3, "type", "INT16", "its weights must be INT8, not INT16"),
    (4, "zero_point", 1, "its weights have a zero point other than 0"),
    (7, "shape", [9], r"the weights of its cell gate have shape \(9,\)"),
    (12, "shape", [1], "it has 3 biases|its bias of shape"),
    (13, "zero_point", 2, "its bias has a zero point other than 0"),
    (18, "type", "INT16", "its states are INT16 of shape .1, 3. and INT16 of shape .1, 3.: they"),
    (18, "variable", False, "they must be variables of INT8 and INT16"),
    (18, "scale", 0.5, "its input has scale 0.5 and zero point"),
    (19, "shape", [1, 4], r"INT16 of shape \(1, 4\): they must be variables"),
    (19, "type", "INT32", "and INT32 of shape"),
    (19, "data", np.zeros(3, np.int16), "without data"),
    (19, "scale", 0.0003, "what its cells hold has scale 0.0003.* and zero point 0: they"),
    (19, "scale", 2.0**-16, r"a power of two from 2\*\*-15 to 2\*\*-9"),
    (19, "scale", 2.0**-8, r"a power of two from 2\*\*-15 to 2\*\*-9"),
    (19, "zero_point", 1, "and zero point 1: they must be a power of two"),
    (None, "FusedActivationFunction", 1, "its activation is RELU, and must be TANH"),
    (None, "FusedActivationFunction", 9, "its activation is unknown, and must be TANH"),
    (None, "TimeMajor", True, "it has a batch of 2: hwgen runs a batch of 1"),
    (None, "DiagonalRecurrentTensors", True, "it has the option DiagonalRecurrentTensors"),
    (None, "AsymmetricQuantizeInputs", True, "it has the option AsymmetricQuantizeInputs"),
]


@pytest.mark.parametrize("place, field, value, says", WRONG)
def test_wrong(place, field, value, says):
    graph, output = network()
    [only] = graph.operators
    if place is None:
        only.options[field] = value
    else:
        setattr(graph.tensors[only.inputs[place]], field, value)
    refused(graph, output, says)


def refused(graph, output, says):
    """Hold that a network is refused in one sentence."""
    with pytest.raises(UserError, match=says) as raised:
        tflite.read(graph.write(output))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("place, says", [
    (9, "it has peephole connections: hwgen runs an LSTM without"),
    (11, "it has peephole connections"), (16, "it has a projection"), (17, "it has a projection"),
    (20, "it has layer normalisation"), (23, "it has layer normalisation")])
def test_more_inputs(place, says):
    graph, output = network()
    only = graph.operators[0]
    only.inputs[place] = only.inputs[1]
    refused(graph, output, says)


@pytest.mark.parametrize("place, says", [
    (1, "its input gate is coupled to its forget gate"), (2, "input 2 is missing"),
    (5, "its input gate is coupled"), (18, "input 18 is missing"), (19, "input 19 is missing")])
def test_fewer_inputs(place, says):
    graph, output = network()
    graph.operators[0].inputs[place] = -1
    refused(graph, output, says)


def test_inputs_left_out():
    graph, output = network()
    del graph.operators[0].inputs[20:]
    refused(graph, output, "it has 20 inputs, and must have 24")


def test_state_of_two():
    graph, first = network()
    again = graph.operators[0]
    second = graph.operator(again.code, again.inputs, graph.like(first, 1, 2, 3), **again.options)
    with pytest.raises(UserError, match="its state is that of another operator, too"):
        tflite.read(graph.write(first, second))


def test_curves():
    """The curves are near the functions, odd about their middle, and rise."""
    assert np.all(np.diff(SIGMOID) >= 0) and (SIGMOID[0], SIGMOID[-1]) == (1 << 15, 65535)
    x = np.arange(-32768, 32768)
    found = sigmoid(x), hyperbolic_tangent(x, -12)
    exact = 1 / (1 + np.exp(-x / 4096)), np.tanh(x / 4096)
    for values, wanted in zip(found, exact, strict=True):
        assert np.abs(values / 32768 - wanted).max() < 2e-4 and np.all(np.diff(values) >= 0)
