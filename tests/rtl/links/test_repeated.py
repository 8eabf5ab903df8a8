# amaranth: UnusedElaboratable=no
"""What a host has sent comes once more, at any time: the Verilog does nothing anew."""

import random

import numpy as np
import pytest

from hwgen.arch.frames import FLUSH
from hwgen.arch.registers import Space
from hwgen.compiler import compile_network
from hwgen.golden.network.network import run as golden
from hwgen.network import graph
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.inference import load, run, simulated_board
from hwgen.runtime.link import Link
from hwgen.tools.find import compiler, verilator

from ...cases import quick, some
from ...compiler_bench import Builder, inputs_of
from .test_flood import DESIGNS, sizes_of

pytestmark = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")


class Echoing(Link):
    """A link that sends pieces of what was sent before, now and then, ahead of what is new.

    As on a line that has a buffer somewhere; a piece begins at a request. Replies to what nobody
    asked for come as well.
    """

    name, ahead = "the echoing board", 0

    def __init__(self, inner, rng, *, often):
        self.inner, self.rng, self.often = inner, rng, often
        self.sent = []

    def write(self, data):
        self.sent.append(data)
        if self.rng.random() < self.often:
            first = self.rng.randrange(len(self.sent))
            self.inner.write(b"".join(self.sent[first:first + self.rng.randrange(1, 12)]))
        self.inner.write(data)

    def read(self, count, timeout):
        return self.inner.read(count, timeout)

    def wait(self, cycles):
        self.inner.wait(cycles)

    def close(self):
        self.inner.close()


def network():
    build = Builder(1, 19, 9, 4)
    for channels in (8, 8, 4):
        build.convolution(channels, graph.Window((1, 1)))
    return build.network()


@pytest.fixture(scope="module", params=quick(DESIGNS, "fast"))
def made(request):
    """Return a board, its Design, and a network whose outputs lie where its inputs lay."""
    design = DESIGNS[request.param]
    board = simulated_board(design)
    with board.link:
        yield board.link, design, network()


def test_all_of_it_again(made):
    """When an inference is over, all that was sent for it is sent again: nothing changes."""
    link, design, net = made
    echo = Echoing(link, random.Random(1), often=0)
    accelerator = RemoteAccelerator(echo)
    program = compile_network(net, design)
    load(accelerator, program)
    result = run(accelerator, program, net, inputs_of(net, 1), check=True)
    assert result.equal

    def contents():
        return [accelerator.read_memory(space, 0, size)
                for space, size in sizes_of(design).items()]

    before = contents()
    link.write(b"".join(echo.sent) + FLUSH)
    link.read(1 << 24, 3000)
    assert contents() == before
    accelerator.confirm()


@pytest.mark.parametrize("seed", some(range(4), 1))
def test_echoes(made, seed):
    """Old requests between the new ones, as many as there are of those: each output is right."""
    link, design, net = made
    accelerator = RemoteAccelerator(Echoing(link, random.Random(seed), often=0.5), timeout=3000)
    program = compile_network(net, design)
    load(accelerator, program)
    for index in range(5):
        x = inputs_of(net, 10 * seed + index)
        found = run(accelerator, program, net, x).outputs
        assert all(np.array_equal(found[name], value) for name, value in golden(net, x).items())
    size = len(program.image) // 4 * 4
    assert accelerator.read_memory(Space.PROGRAM, 0, size) == program.image[:size]
