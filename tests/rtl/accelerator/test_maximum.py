# amaranth: UnusedElaboratable=no
"""MAXIMUM of two tensors on the Verilog of every engine that runs it, in values and in cycles."""

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.runtime.inference import load, portable, run, simulated_board

from ...compiler_bench import Builder, Concatenate, Window, inputs_of, least_memory
from ..bitserial import test_bitserial_engine
from ..compact import test_compact
from ..sparse import test_sparse_engine

ENDS = np.array([-128, -127, -126, -65, -64, -2, -1, 0, 1, 2, 63, 64, 125, 126, 127], np.int8)


def ends():
    """Return a network, and each of ENDS with each other, in either order."""
    build = Builder(1, len(ENDS), len(ENDS), 1)
    a, b = build.inputs[0], build.input(len(ENDS), len(ENDS), 1)
    first, second = build.maximum(a, b), build.maximum(b, a)
    x, y = (values[None, :, :, None] for values in np.meshgrid(ENDS, ENDS))
    return build.network(first, second), {a: x, b: y}


def concatenated(axis):
    """Return a network whose maximum is written between other pixels, and an input."""
    build = Builder(axis, 4, 5, 11)
    a = build.convolution(11, Window((1, 1)))
    b = build.maximum(a, build.inputs[0])
    shape = [4, 5, 11]
    shape[axis - 1] *= 2
    build.add(Concatenate, tuple(shape), (a, b), axis=axis)
    build.maximum(build.last, build.last)
    return build.network(), inputs_of(build.network())


def long():
    """Return a network whose tensors fill the accumulators several times, and an input."""
    build = Builder(4, 150, 3)
    a = build.maximum(build.inputs[0], build.input(150, 3))
    build.sum(build.maximum(a, build.inputs[0]), build.inputs[1])
    return build.network(), inputs_of(build.network())


@pytest.mark.parametrize("design", [
    pytest.param(portable(Design.load("ulx3s-85f")),
                 marks=pytest.mark.xdist_group("reference accelerator")),
    pytest.param(test_compact.SMALL, marks=pytest.mark.xdist_group("small accelerator")),
    pytest.param(test_bitserial_engine.DESIGN, marks=pytest.mark.slow),
    pytest.param(test_sparse_engine.DESIGN, marks=pytest.mark.slow)])
def test_on_hardware(design):
    """In as much memory as there is, and in so little that the output lies over an input."""
    board = simulated_board(design)
    with board.link:
        for network, x in (ends(), *map(concatenated, (1, 2, 3)), long()):
            for of in (design, least_memory(network, design)):
                program = compile_network(network, of)
                load(board, program)
                result = run(board, program, network, x, check=True)
                for layer in result.layers:
                    assert layer.difference is None, (network, layer)
                    assert layer.cycles == layer.predicted_cycles > 0, (network, layer)
