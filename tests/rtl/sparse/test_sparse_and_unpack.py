# amaranth: UnusedElaboratable=no
"""An accelerator with both parts in its socket: sparse engine and unpacker, on the Verilog."""

import re

import numpy as np
import pytest

from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, run_cycles
from hwgen.errors import UserError
from hwgen.predict.sparse_steps import sparse_steps
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler_bench import inputs_of
from ..unpack.test_decompress import case
from .test_sparse_engine import DESIGN, WHOLE, prune_network

BOTH = DESIGN.replace(decompress=True, sparse_entries=130)
"""The engine has room for few layers."""


def modes_of(program):
    return {step.mode for step in program.steps}


def predicted(program, x):
    on_engine = {index: work.cycles for index, work in sparse_steps(program, x).items()}
    return sum(run_cycles(program.steps, Array.of(program.design), on_engine))


def in_least_memory(network, design, x):
    """Return the Program that needs the least of the program memory."""
    with pytest.raises(UserError, match="the steps and weights need") as wrong:
        compile_network(network, design.replace(program_memory=design.columns * 100), x)
    least = int(re.search(r"program_memory must be (\d+) or more", str(wrong.value))[1])
    return compile_network(network, design.replace(program_memory=least), x)


def check(board, network, program, x):
    """Hold every tensor to the golden model, every layer to its prediction."""
    load(board, program)
    result = run(board, program, network, x, check=True)
    assert result.equal
    for layer in result.layers:
        assert layer.cycles == layer.predicted_cycles, layer
    return result


def test_both_in_one_program():
    """Some layers run on the engine, and of others the weights are packed."""
    found = []
    board = simulated_board(BOTH)
    with board.link:
        for seed in range(1, 5):
            network, x = case(seed), inputs_of(case(seed), seed)
            program = in_least_memory(network, BOTH, x)
            found.append(modes_of(program) >= {Mode.SPARSE, Mode.UNPACK})
            check(board, network, program, x)
            check(board, network, program, inputs_of(network, seed + 100))
    assert sum(found) >= 2


@pytest.mark.slow
def test_the_fastest_that_fits():
    """No slower than with one of the two parts, where that does."""
    faster = 0
    for seed in range(16):
        network, x = case(seed), inputs_of(case(seed), seed)
        memory = in_least_memory(network, BOTH, x).design.program_memory * 5 // 4
        cycles = {}
        for name, design in (("both", BOTH), ("engine", BOTH.replace(decompress=False)),
                             ("unpacker", BOTH.replace(engine="systolic", sparse_entries=0,
                                                       sparse_columns=0, sparse_depth=0))):
            try:
                program = compile_network(network, design.replace(program_memory=memory), x)
            except UserError:
                continue
            cycles[name] = predicted(program, x)
        assert cycles["both"] == min(cycles.values())
        faster += len(cycles) < 3 or cycles["both"] < sorted(cycles.values())[1]
    assert faster > 2


@pytest.mark.slow
@pytest.mark.parametrize("codebook", [0, 16])
def test_anomaly_detection(codebook):
    """The autoencoder whole, with a quarter of its weights: every layer equal, in time."""
    network, x = prune_network("ad_autoencoder", 0.25, 0, codebook)
    design = WHOLE.replace(decompress=True, sparse_entries=1024)
    program = in_least_memory(network, design, x)
    design = program.design
    assert modes_of(program) >= {Mode.MATRIX, Mode.SPARSE, Mode.SUMS, Mode.UNPACK}
    board = simulated_board(design)
    with board.link:
        result = check(board, network, program, x)
        check(board, network, program, {name: np.zeros_like(value) for name, value in x.items()})
    print(f"{result.cycles:,} cycles, {len(program.image):,} bytes")
