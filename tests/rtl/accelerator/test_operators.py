# amaranth: UnusedElaboratable=no
"""Networks of one operator out of .tflite files on the Verilog, in values and in cycles."""

import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.runtime.inference import load, portable, run, simulated_board

from ...compiler.test_operators import OPERATORS, network_of
from ...compiler_bench import inputs_of, least_memory
from ..bitserial import test_bitserial_engine
from ..compact import test_compact
from ..sparse import test_sparse_engine

DESIGNS = [pytest.param(design, marks=pytest.mark.xdist_group(group)) for design, group in (
    (portable(Design.load("ulx3s-85f")), "reference accelerator"),
    (test_compact.SMALL, "small accelerator"),
    (test_bitserial_engine.DESIGN, "bit-serial accelerator"),
    (test_sparse_engine.DESIGN, "sparse accelerator"))]


def check(design, kinds, seeds):
    """In as much memory as there is, and in so little that an output may lie over an input."""
    board = simulated_board(design)
    with board.link:
        for kind in kinds:
            for seed in seeds:
                network = network_of(kind, seed)
                for of in (design, least_memory(network, design)):
                    program = compile_network(network, of)
                    load(board, program)
                    result = run(board, program, network, inputs_of(network, seed), check=True)
                    for layer in result.layers:
                        assert layer.difference is None, (kind, seed, layer)
                        assert layer.cycles == layer.predicted_cycles, (kind, seed, layer)


@pytest.mark.parametrize("design", DESIGNS)
def test_on_hardware(design):
    check(design, [*OPERATORS, "chain"], [0])


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("kind", [*OPERATORS, "chain"])
def test_much_on_hardware(design, kind):
    check(design, [kind], range(100, 300))
