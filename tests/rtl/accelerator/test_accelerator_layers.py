# amaranth: UnusedElaboratable=no
"""Random layers on the Verilog of an accelerator, in values and in cycles."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.network.tflite import reading as tflite
from hwgen.runtime.inference import load, portable, run, simulated_board

from ...compiler_bench import inputs_of, random_network
from ...tflite_writer import KINDS, random_layer

HOSTED = ("RESHAPE", "SOFTMAX", "LOGISTIC")
"""Layers without a step."""

LAYERS = 30
"""Layers for each random Design."""


def any_design(seed):
    """Return a random Design, with memory for any layer."""
    rng = np.random.default_rng(seed)
    rows, columns = np.exp2(rng.uniform(2, 5, 2)).round().astype(int).tolist()
    lines = int(rng.integers(0, 4))
    packed_rows = seed % (rows - lines + 1) if seed % 3 == 1 else 0
    return Design(rows=rows, columns=columns, lines=lines, lanes=int(rng.integers(1, columns + 1)),
                  packed_rows=packed_rows,
                  activation_memory=1 << 16, program_memory=1 << 20,
                  partial_sums=int(rng.choice([4, 8, 23, 64, 500])),
                  line_pixels=int(rng.choice([4, 5, 9, 64])) if lines > 1 else 0,
                  rounding=("tflm", "single")[seed % 2])


def any_network(seed, rounding):
    """Return a random network of one layer or of several, by turns of either generator."""
    if seed % 2:
        return random_network(seed // 2, rounding)
    rng = np.random.default_rng([seed, 3])
    kind = str(rng.choice([kind for kind in KINDS if kind not in HOSTED]))
    return replace(tflite.read(random_layer(rng, kind)), rounding=rounding)


def check(design, seeds):
    board = simulated_board(design)
    with board.link:
        for seed in seeds:
            network = any_network(seed, design.rounding)
            program = compile_network(network, design)
            load(board, program)
            result = run(board, program, network, inputs_of(network, seed), check=True)
            for layer in result.layers:
                assert layer.difference is None, (seed, layer)
                assert layer.cycles == layer.predicted_cycles, (seed, layer)


@pytest.mark.xdist_group("reference accelerator")
def test_random_layers():
    check(portable(Design.load("ulx3s-85f")), range(40))


@pytest.mark.slow
def test_random_layers_on_packed_rows():
    """Lines have few taps, and the last column shares no multiplier."""
    check(Design(rows=9, columns=5, lines=2, packed_rows=5, lanes=2, activation_memory=1 << 16,
                 program_memory=1 << 19, partial_sums=64, line_pixels=64), range(30))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(12))
def test_random_layers_on_random_designs(number):
    check(any_design(number), range(100 + LAYERS * number, 100 + LAYERS * (number + 1)))
