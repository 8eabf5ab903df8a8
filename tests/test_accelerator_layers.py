# amaranth: UnusedElaboratable=no
"""Random layers on the Verilog of an accelerator, in values and in cycles."""

import pytest

from hwgen.compiler import compile_network
from hwgen.design import Design
from hwgen.runtime.inference import load, portable, run, simulated_board

from .compiler_bench import inputs_of, random_network
from .test_accelerator import ODD, SMALL


def check(design, seeds):
    board = simulated_board(design)
    with board.link:
        for seed in seeds:
            network = random_network(seed)
            program = compile_network(network, design)
            load(board, program)
            result = run(board, program, network, inputs_of(network), check=True)
            for layer in result.layers:
                assert layer.difference is None, (seed, layer)
                assert layer.cycles == layer.predicted_cycles, (seed, layer)


@pytest.mark.xdist_group("reference accelerator")
def test_random_layers():
    check(portable(Design.load("ulx3s-85f")), range(60))


@pytest.mark.slow
@pytest.mark.parametrize("design", [SMALL, ODD], ids=["8x8", "5x7"])
def test_random_layers_on_other_designs(design):
    check(design, range(60, 360))
