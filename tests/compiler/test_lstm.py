"""UNIDIRECTIONAL_SEQUENCE_LSTM, on the golden model of the accelerator."""

import numpy as np
import pytest

from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.network.tflite import reading as tflite

from ..compiler_bench import design, inputs_of, least_memory
from ..stream_writer import StreamGraph, random_lstm
from .test_streams import run_frames


def single(seed, largest=20):
    """Return an LSTM of a random file, alone, and inputs."""
    graph = StreamGraph(np.random.default_rng([seed, 2]))
    network = tflite.read(graph.write(random_lstm(graph, largest)))
    return network, inputs_of(network, seed)


def chain(seed):
    """Return a network with two LSTMs between other layers, and inputs."""
    graph = StreamGraph(np.random.default_rng([seed, 5]))
    rows = graph.integer(1, 5)
    x = graph.fully_connected(graph.activation(1, rows, graph.integer(1, 9)))
    x = graph.reshape(x, 1, *graph.tensors[x].shape[-2:])
    x = graph.lstm(x, graph.integer(1, 9))
    x = graph.lstm(x, graph.integer(1, 9))
    network = tflite.read(graph.write(x, graph.fully_connected(graph.reshape(x))))
    return network, inputs_of(network, seed)


def any_design(seed):
    """Return a Design with the part, whose words may be longer or shorter than vectors."""
    rng = np.random.default_rng([seed, 12])
    more = [{}, {"tables": 2}, {"softmax": True}, {"kept_vectors": 9}][seed % 4]
    return design(*rng.integers(4, 33, 2).tolist(), lstm=64, **more)


@pytest.mark.parametrize("seed", [*range(6), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 200))])
def test_single(seed):
    """Frame after frame, in much memory and in the least."""
    (network, _), of = single(seed), any_design(seed)
    program = compile_network(network, of)
    assert program.steps[0].mode == Mode.LSTM
    run_frames(network, program, 3)
    run_frames(network, compile_network(network, least_memory(network, of)), 2)


@pytest.mark.parametrize("seed", [*range(3), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 60))])
def test_chains(seed):
    (network, _), of = chain(seed), any_design(seed)
    run_frames(network, compile_network(network, of), 3)
    run_frames(network, compile_network(network, least_memory(network, of)), 2)


@pytest.mark.parametrize("lstm, says", [
    (0, ("^layer '.*': UNIDIRECTIONAL_SEQUENCE_LSTM needs a Design with lstm = 5 or more, the part "
        "that computes it; `hwgen golden` needs none")),
    (4, "^layer '.*': it has 5 inputs and 3 cells: lstm of the Design must be 5 or more, not 4")])
def test_part_wrong(lstm, says):
    graph = StreamGraph(np.random.default_rng(0))
    network = tflite.read(graph.write(graph.lstm(graph.activation(1, 2, 5), 3)))
    with pytest.raises(UserError, match=says):
        compile_network(network, design(lstm=lstm))
