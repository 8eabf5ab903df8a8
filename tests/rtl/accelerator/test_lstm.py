# amaranth: UnusedElaboratable=no
"""Cells of an LSTM: whole networks on the Verilog, frame after frame, values and cycles."""

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.network.reader import read_network
from hwgen.runtime.inference import Stream, load, run, simulated_board

from ...cases import quick
from ...compiler.test_lstm import chain, single
from ...compiler_bench import design, inputs_of
from ...networks import SHARED, arrays
from .every_part import FAST

DESIGNS = {
    "every part": FAST,
    "few": design(4, 4, lanes=4, lstm=20),
    "odd": design(9, 7, 2, lanes=3, lstm=23, tables=1, kept_vectors=20),
    "long": design(5, 20, lanes=20, lstm=64, softmax=True),
}


def hold(of, networks, frames=2):
    """Hold values and cycles, each layer of each frame in a run of its own."""
    of = of.replace(activation_memory=1 << 14, program_memory=of.columns << 14)
    board = simulated_board(of)
    with board.link:
        for network, _ in networks:
            program = compile_network(network, of)
            load(board, program)
            stream = Stream(board, program, network, check=True)
            for frame in range(frames):
                result = stream.run(inputs_of(network, frame))
                for layer in result.layers:
                    assert layer.difference is None, layer
                    assert layer.cycles == layer.predicted_cycles, layer
            result = run(board, program, network, inputs_of(network, 9))
            assert result.cycles == result.predicted_cycles


@pytest.mark.parametrize("name", quick(DESIGNS, "every part"))
def test_on_hardware(name):
    few = DESIGNS[name].lstm < 64
    hold(DESIGNS[name], [*map(single, range(4)), *([] if few else map(chain, range(6)))])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dtln_lstm", "coral_lstm_mnist_uint8"])
def test_public_networks(name):
    """Frame after frame, as TensorFlow Lite Micro gave it."""
    if not (SHARED / "modern").is_dir():
        pytest.skip(f"no {SHARED}, where this network is")
    network, stored = read_network(SHARED / "modern" / f"{name}.tflite"), arrays(
        name, SHARED / "modern")
    [x], [y] = network.inputs, network.outputs
    of = design(9, 16, lanes=16, lstm=257, activation_memory=1 << 14, program_memory=1 << 19)
    board, program = simulated_board(of), compile_network(network, of)
    with board.link:
        load(board, program)
        stream = Stream(board, program, network)
        for frame, wanted in zip(*((each.astype(np.int16) - (each.dtype == np.uint8) * 128).astype(
                np.int8) for each in (stored[key][:3] for key in ("input0", "output0"))),
                strict=True):
            result = stream.run({x: frame.reshape(network.tensors[x].shape)})
            assert result.cycles == result.predicted_cycles
            np.testing.assert_array_equal(result.outputs[y].ravel(), wanted.ravel())
