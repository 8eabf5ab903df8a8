# amaranth: UnusedElaboratable=no
"""Programs that stream from a simulated memory chip: values, cycles and stalls, all exact."""

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.compiler import compile_network
from hwgen.runtime.external import load_pages
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler_bench import inputs_of
from .streams import DESIGNS, StreamBoard, any_stream, any_streaming_design
from .test_accelerator_layers import any_network


@pytest.fixture(scope="module", params=DESIGNS.values(), ids=DESIGNS)
def board(request):
    made = StreamBoard(request.param)
    with made.board.link:
        yield made


def test_random_steps(board):
    """A run may begin with any step whose words, or those that it has again, come with it."""
    rng, stalls, again, overlapped = np.random.default_rng(3), 0, 0, 0
    board.fill(rng)
    for _ in range(12):
        steps, board.image = any_stream(board.design, rng, int(rng.integers(2, 9)))
        load_pages(board.board, board.design, board.image)
        places = Descriptors.of(board.design).places(board.image, len(steps))
        for first in {0, *rng.integers(0, len(steps), 2).tolist()}:
            if not steps[first].again:
                stalls += sum(step.stalls for step in board.hold(steps, first, places[first]))
        again += sum(step.again for step in steps)
        overlapped += sum(step.overlaps for step in steps)
    assert stalls > 1000 and again > 5 and overlapped > 3


def check_networks(design, seeds):
    """Run random networks, as one run and layer by layer."""
    link = simulated_board(design)
    with link.link:
        for seed in seeds:
            network = any_network(seed, design.rounding)
            program = compile_network(network, design)
            load(link, program)
            for check in (True, False):
                result = run(link, program, network, inputs_of(network, seed), check=check)
                assert result.equal, (seed, result)
                assert [layer.cycles for layer in result.layers] == [
                    layer.predicted_cycles for layer in result.layers], seed
                assert result.stalls == result.predicted_stalls, seed


def test_random_networks():
    """Some of them have twenty times as many weights as the ring has bytes."""
    check_networks(DESIGNS["8 KB"].replace(activation_memory=1 << 16, partial_sums=128,
                                           line_pixels=64), [7, 15, 17, 23, 26, 37, 55])


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_random_networks_on_random_designs(number):
    check_networks(any_streaming_design(number), range(10 * number, 10 * number + 10))
