# amaranth: UnusedElaboratable=no
"""Products of two tensors, one of which is loaded as weights, on the Verilog."""

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.network.tflite import reading as tflite
from hwgen.predict.layers import predictions
from hwgen.runtime.inference import load, run, simulated_board

from ...cases import quick, some
from ...compiler.test_matmul import attention, single, whole_network
from ...compiler_bench import design, inputs_of
from ...tflite_writer import Graph
from .both_ways import hold
from .every_part import FAST

DESIGNS = {"every part": FAST, "wide": design(4, 7, lanes=4, softmax=True),
           "deep": design(9, 5, lanes=2, tables=2),
           "square": design(8, 8, sums=300, kept_vectors=100)}


def check(name, found):
    """Hold values and cycles of networks on a Design."""
    hold(DESIGNS[name].replace(matmul=True), found)


@pytest.mark.parametrize("first", some([0, 1], 1))
@pytest.mark.parametrize("name", quick(DESIGNS, "every part"))
def test_on_hardware(name, first):
    """Transposed and not, several at once, alone and as attention."""
    check(name, [*map(single, range(first, 16, 2)), *map(attention, range(first, 6, 2))])


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_much_on_hardware(name):
    check(name, map(single, range(20, 220)))


@pytest.mark.slow
def test_a_network_with_attention():
    """Each layer and its cycles; of all inputs the output of TensorFlow Lite Micro."""
    network, inputs, outputs = whole_network()
    of = design(8, 8, sums=64, matmul=True, softmax=True, tables=1, activation_memory=1 << 12,
                program_memory=1 << 15)
    program, board = compile_network(network, of), simulated_board(of)
    with board.link:
        load(board, program)
        for x, y in zip(inputs, outputs, strict=True):
            result = run(board, program, network, {network.inputs[0]: x[None]}, check=True)
            for layer in result.layers:
                assert layer.difference is None, layer
                assert layer.cycles == layer.predicted_cycles, layer
            np.testing.assert_array_equal(result.outputs[network.outputs[0]], y[None])


@pytest.mark.slow
def test_share_of_the_multipliers():
    """Queries times keys of a keyword transformer, the corner turn included."""
    graph = Graph(np.random.default_rng(1))
    a, b = (graph.activation(1, 98, 64, scale=0.05) for _ in range(2))
    y = graph.activation(1, 98, 98, scale=1.0)
    network = tflite.read(graph.write(graph.operator("BATCH_MATMUL", [a, b], y, AdjY=True)))
    of = design(16, 16, sums=128, matmul=True, activation_memory=1 << 15, program_memory=1 << 15)
    program, board, x = compile_network(network, of), simulated_board(of), inputs_of(network)
    with board.link:
        load(board, program)
        result = run(board, program, network, x, check=True)
    [layer] = result.layers
    assert layer.difference is None and layer.cycles == layer.predicted_cycles
    [work] = predictions(network, program, x)
    assert work.products == 98 * 64 * 98 and work.multipliers_busy > 0.7
