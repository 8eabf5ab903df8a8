# amaranth: UnusedElaboratable=no
"""Whole networks on the Verilog of an accelerator, in values and in cycles."""

from pathlib import Path

import numpy as np
import pytest

from hwgen.compiler.compile import compile_network
from hwgen.design import Design
from hwgen.network.reader import read_network
from hwgen.runtime.accelerator import AcceleratorError, Register
from hwgen.runtime.inference import load, portable, run, simulated_board

from .compiler_bench import Builder, Window, inputs_of

NETWORKS = Path(__file__).parents[1] / "networks"
NAMES = ["kws_dscnn", "ic_resnet8", "vww_mobilenet", "ad_autoencoder"]
BARS = {"kws_dscnn": 27_000, "ic_resnet8": 105_000, "vww_mobilenet": 45_000,
        "ad_autoencoder": 20_000}
"""Cycles that an inference may take on the Design of ulx3s-85f."""

SMALL = Design(rows=8, columns=8, lines=2, lanes=4, activation_memory=65536,
               program_memory=1 << 19, partial_sums=256, line_pixels=128)
ODD = Design(rows=5, columns=7, lines=1, lanes=3, activation_memory=65536,
             program_memory=1 << 19, partial_sums=128)


def images(name, network):
    x = np.load(NETWORKS / f"{name}.npz")["input"]
    return x.reshape(-1, *network.tensors[network.inputs[0]].shape[1:])


def check(board, design, name, count):
    """Run inferences, and hold every layer against the golden model and the cost model."""
    network = read_network(NETWORKS / f"{name}.tflite")
    program = compile_network(network, design)
    load(board, program)
    for image in images(name, network)[:count]:
        result = run(board, program, network, {network.inputs[0]: image[None]}, check=True)
        assert [layer.difference for layer in result.layers] == [None] * len(result.layers)
        assert [layer.cycles for layer in result.layers] \
            == [layer.predicted_cycles for layer in result.layers]
    return result


@pytest.fixture(scope="module")
def reference():
    design = portable(Design.load("ulx3s-85f"))
    board = simulated_board(design)
    with board.link:
        yield board, design


@pytest.mark.xdist_group("reference accelerator")
@pytest.mark.parametrize("name", NAMES)
def test_network(name, reference):
    """RTL = golden in every tensor, and the cycles are those predicted, within the bar."""
    result = check(*reference, name, 1)
    assert result.cycles <= BARS[name]


@pytest.mark.slow
@pytest.mark.parametrize("design", [SMALL, ODD], ids=["8x8", "5x7"])
def test_other_designs(design):
    board = simulated_board(design)
    with board.link:
        for name in NAMES:
            check(board, design, name, 1)


@pytest.mark.xdist_group("reference accelerator")
def test_errors_stop(reference):
    """A missing descriptor and a watchdog stop the accelerator, and the next run is right."""
    board, design = reference
    board.load_program(bytes(80))
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=10_000, watchdog=1000)
    assert (stopped.value.code, stopped.value.step) == (1, 0)
    network = read_network(NETWORKS / "kws_dscnn.tflite")
    load(board, compile_network(network, design))
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 2, budget=100_000, watchdog=500)
    assert (stopped.value.code, stopped.value.step) == (6, 0)
    board.write_register(Register.WATCHDOG, 2**32 - 1)
    check(board, design, "kws_dscnn", 1)


def test_nothing_is_left_of_a_stopped_step():
    """Wherever a step is stopped, the next one is right, also with several groups of lanes."""
    design = Design(rows=4, columns=5, lanes=2, activation_memory=1024, program_memory=1000,
                    partial_sums=16)
    build = Builder(1, 4, 4, 5)
    build.convolution(5, Window((1, 2)))
    network = build.network()
    program = compile_network(network, design)
    board = simulated_board(design)
    with board.link:
        load(board, program)
        for watchdog in range(20, 110):
            board.write_activations(0, bytes(design.activation_memory))
            with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
                board.run(0, 1, budget=10_000, watchdog=watchdog)
            result = run(board, program, network, inputs_of(network, watchdog), check=True)
            assert result.equal and result.cycles == result.predicted_cycles
