# amaranth: UnusedElaboratable=no
"""Programs that stream from a simulated memory chip: values, cycles and stalls, all exact."""

from collections import Counter

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.registers import COPY_OUT, Register, Space
from hwgen.arch.steps import DESCRIPTOR_BYTES, FIELDS
from hwgen.compiler import compile_network
from hwgen.golden.accelerator.errors import Error
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.external import begin_with, load_pages, set_registers
from hwgen.runtime.inference import load, run, simulated_board

from ...cases import quick, some
from ...compiler_bench import inputs_of
from .streams import DESIGNS, StreamBoard, any_stream, any_streaming_design
from .test_accelerator_layers import any_network

pytestmark = pytest.mark.xdist_group("streaming accelerator")


@pytest.fixture(scope="module", params=quick(DESIGNS, "4 KB"))
def board(request):
    made = StreamBoard(DESIGNS[request.param])
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


def damage(rng, image, places, columns):
    """Return an image with some bits of its descriptors changed, or of its words."""
    data = bytearray(image)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, len(data))) if rng.random() < 0.2 else \
            int(rng.choice(places)) * columns + int(rng.integers(0, DESCRIPTOR_BYTES))
        data[at] ^= 1 << int(rng.integers(0, 8))
    return bytes(data)


def check_damaged(board, count, seed):
    """Run damaged programs: each ends, and what runs behind it is right, to the cycle."""
    rng, design = np.random.default_rng(seed), board.design
    outcomes = Counter()
    board.fill(rng)
    for _ in range(count):
        steps, image = any_stream(design, rng, int(rng.integers(1, 5)))
        places = Descriptors.of(design).places(image, len(steps))
        board.load(damage(rng, image, places, design.columns))
        try:
            board.board.run(0, len(steps), budget=1 << 20, watchdog=30_000)
            outcomes["ended"] += 1
        except AcceleratorError as error:
            outcomes[Error(error.code).name] += 1
        board.board.write_register(Register.WATCHDOG, (1 << 32) - 1)
        board.fill(rng)
        load_pages(board.board, design, image)
        board.image = image
        board.hold(steps, 0, 0)
    return outcomes


def test_damaged_programs(board):
    assert len(check_damaged(board, 12, 5)) > 1


@pytest.mark.slow
def test_many_damaged_programs(board):
    assert {"DESCRIPTOR", "FETCH", "STORE", "SUMS", "WATCHDOG", "ended"} <= {
        *check_damaged(board, 1000, 6)}


@pytest.mark.parametrize("seed", some([8, 9], 1))
@pytest.mark.parametrize("what", ["run", "copy"])
def test_stopped(board, what, seed):
    """A host stops a run, or a copy, in any cycle: the page under way ends, and all is well."""
    rng, design, stopped = np.random.default_rng(seed), board.design, 0
    board.fill(rng)
    steps, board.image = any_stream(design, rng, 6)
    pages = bytes(rng.integers(0, 256, design.program_memory, np.uint8))
    for _ in range(4):
        load_pages(board.board, design, board.image)
        if what == "copy":  # behind the image
            board.board.write_memory(Space.PROGRAM, 0, pages)
            set_registers(board.board, 64 * design.program_words, COPY_OUT | len(pages) // 1024)
        else:
            begin_with(board.board, 0)
        board.board.start(0, 0 if what == "copy" else len(steps))
        board.board.link.wait(int(rng.integers(1, 2500)))
        board.board.stop()
        board.board.link.wait(600)
        stopped += board.board.state().error == Error.STOPPED
        board.board.claim()
        board.fill(rng)
        load_pages(board.board, design, board.image)
        board.hold(steps, 0, 0)
    assert stopped > 1


def test_ring_that_steps_never_leave(board):
    """Steps hold their words for ever: no page finds room any more, and the watchdog ends it."""
    rng, design = np.random.default_rng(2), board.design
    board.fill(rng)
    steps, image = any_stream(design, rng, 24)
    coding, whole = Descriptors.of(design), bytearray(image)
    for place in coding.places(image, len(steps)):
        word, low, _, _ = FIELDS["holds"]
        whole[place * design.columns + 4 * word + low // 8] |= 1 << low % 8
    assert len(whole) > 2 * design.program_memory
    board.load(bytes(whole))
    with pytest.raises(AcceleratorError) as error:
        board.board.run(0, len(steps), budget=1 << 20, watchdog=30_000)
    assert error.value.code == Error.WATCHDOG
    board.board.write_register(Register.WATCHDOG, (1 << 32) - 1)
    board.fill(rng)
    load_pages(board.board, design, image)
    board.image = image
    board.hold(steps, 0, 0)


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


@pytest.mark.parametrize("seeds", some([[7, 17], [15, 23, 26, 37, 55]], 1))
def test_random_networks(seeds):
    """Some of them have twenty times as many weights as the ring has bytes."""
    check_networks(DESIGNS["4 KB"], seeds)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(20))
def test_random_networks_on_random_designs(number):
    check_networks(any_streaming_design(number), range(10 * number, 10 * number + 10))
