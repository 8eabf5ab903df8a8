# amaranth: UnusedElaboratable=no
"""Products of two tensors on the Verilog of all engines, in values and in cycles."""

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.network.reader import read_network
from hwgen.runtime.inference import load, run, simulated_board

from ...cases import quick
from ...compiler.test_products import any_product
from ...compiler_bench import design
from ...networks import SHARED, arrays
from .both_ways import hold
from .every_part import COMPACT, FAST

DESIGNS = {
    "every part": FAST,
    "every part, compact": COMPACT,
    "systolic": design(4, 4, 1, lanes=4, products=True),
    "odd": design(5, 7, 1, lanes=3, tables=3, kept_vectors=200, products=True),
    "wide": design(4, 6, lanes=3, wide_rows=16, program_memory=96 << 14, products=True),
    "bitserial": design(5, 7, 2, lanes=3, engine="bitserial", products=True),
    "compact": design(4, 5, 1, lanes=1, compact=True, products=True),
    "compact bitserial": design(8, 4, lanes=1, compact=True, engine="bitserial", products=True),
    "sparse": design(5, 6, 1, lanes=2, engine="sparse", sparse_entries=1024, sparse_columns=1024,
                     sparse_depth=16, products=True),
}


def check(name, found):
    """Hold values and cycles of networks on a Design."""
    hold(DESIGNS[name], found, "product")


def networks(seeds):
    """Yield networks that round as TensorFlow Lite Micro does, and their inputs."""
    for seed in seeds:
        network, x = any_product(seed, rounding="tflm")
        yield network, x


@pytest.mark.parametrize("name", quick(DESIGNS, "every part", "every part, compact"))
def test_on_hardware(name):
    check(name, networks(range(3)))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_much_on_hardware(name):
    check(name, networks(range(3, 60)))


WHOLE = {
    "fast": design(16, 16, 3, sums=256, lanes=8, activation_memory=1 << 17,
                   program_memory=1 << 17, tables=1, products=True),
    "compact": design(8, 8, 1, sums=256, lanes=1, compact=True, activation_memory=1 << 17,
                      program_memory=1 << 17, tables=1, products=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_squeeze_and_excite(name):
    """MobileNetV3 in small, with random weights: what TensorFlow Lite Micro makes of it."""
    folder = SHARED / "modern"
    if not folder.is_dir():
        pytest.skip(f"no {folder}, where the network is")
    network = read_network(folder / "made_mnv3_hswish_64.tflite")
    stored = arrays("made_mnv3_hswish_64", folder)
    program = compile_network(network, WHOLE[name])
    board = simulated_board(WHOLE[name])
    with board.link:
        load(board, program)
        for x, expected in zip(stored["input"][:2], stored["output"], strict=False):
            result = run(board, program, network, {network.inputs[0]: x}, check=True)
            for layer in result.layers:
                assert layer.difference is None, layer
                assert layer.cycles == layer.predicted_cycles, layer
            result = run(board, program, network, {network.inputs[0]: x})
            assert result.cycles == result.predicted_cycles
            np.testing.assert_array_equal(result.outputs[network.outputs[0]], expected)
