# amaranth: UnusedElaboratable=no
"""Small accelerators whose array is bit-serial: the same values, in the cycles predicted."""

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array
from hwgen.design import Design
from hwgen.errors import UserError
from hwgen.golden.accelerator import Error
from hwgen.network.reader import read_network
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, portable, run, simulated_board
from hwgen.steps import Mode

from . import test_accelerator_layers
from .compiler_bench import inputs_of
from .networks import arrays, path
from .test_accelerator_layers import any_network
from .test_bitserial_engine import check, layer_of
from .test_levels import NETWORKS, digits

MEMORIES = {"activation_memory": 1 << 16, "program_memory": 1 << 20, "lanes": 1, "compact": True}
SMALL = Design(engine="bitserial", rows=8, columns=4, partial_sums=64, **MEMORIES)
DESIGNS = {
    "narrow": SMALL.replace(rows=8, columns=2, partial_sums=128),
    "least": SMALL.replace(rows=4, columns=2, rounding="single"),
    "one-sum": SMALL.replace(rows=12, columns=3, partial_sums=1, rounding="single"),
    # With as many columns, requantised sums do not wait.
    "eleven": SMALL.replace(rows=21, columns=11, partial_sums=23, rounding="single"),
    "wide": SMALL.replace(rows=10, columns=16, partial_sums=8),
}
BITS = range(1, 9)


@pytest.fixture(scope="module")
def board():
    made = simulated_board(SMALL)
    with made.link:
        yield made


@pytest.mark.xdist_group("small bit-serial accelerator")
def test_all_pairs_of_bits(board):
    for a in BITS:
        for w in BITS:
            program, result = check(board, SMALL, *layer_of(a, w, pixels=6))
            step, = program.steps
            array = Array.of(SMALL)
            assert array.vector_cycles(step.activation_format, step.weight_format) == a * w
            assert result.cycles == array.cycles(step)


@pytest.mark.xdist_group("small bit-serial accelerator")
def test_random_layers(board):
    for seed in range(300, 312):
        network = any_network(seed, SMALL.rounding)
        check(board, SMALL, network, inputs_of(network, seed))


@pytest.mark.xdist_group("small bit-serial accelerator")
def test_no_windows(board):
    """A depthwise step is no step of an accelerator without lines."""
    network, inputs = layer_of(3, 2)
    program = compile_network(network, SMALL)
    words = program.steps[0].replace(mode=Mode.DEPTHWISE).to_words().tobytes()
    board.load_program(words + program.image[len(words):])
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=10_000, watchdog=5000)
    assert stopped.value.code == Error.DESCRIPTOR
    check(board, SMALL, network, inputs)


@pytest.mark.xdist_group("small bit-serial accelerator")
def test_nothing_is_left_of_a_stopped_step(board):
    """Wherever a step is stopped, the next one is right."""
    network, inputs = layer_of(2, 3, pixels=8)
    cycles = check(board, SMALL, network, inputs)[1].cycles
    for watchdog in range(20, cycles - 20, 17):
        load(board, compile_network(network, SMALL))
        with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
            board.run(0, 1, budget=10_000, watchdog=watchdog)
        check(board, SMALL, network, inputs)


def test_wrong():
    with pytest.raises(UserError, match="^lines must be 0 in a compact accelerator with engine "
                                        "'bitserial', not 1: its columns take no pixels"):
        SMALL.replace(lines=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_random_layers_on_other_designs(name):
    test_accelerator_layers.check(DESIGNS[name], range(400, 430))


@pytest.mark.slow
def test_keyword_spotting():
    """A whole int8 network on the Design for an iCEBreaker."""
    design = portable(Design.load("icebreaker:serial"))
    stored = arrays("kws_dscnn")
    network = read_network(path("kws_dscnn"))
    made = simulated_board(design)
    with made.link:
        _, result = check(made, design, network, network.feed(stored["input"][:1]))
    output, = result.outputs.values()
    assert output.ravel().tolist() == stored["output"][0].tolist()


@pytest.mark.slow
def test_all_digits():
    """What QONNX's executor gives, for all 500 digits, in 16 KB of block RAM."""
    network, x = digits("tfc_1w1a")
    expected = np.load(NETWORKS / "tfc_mnist.npz")["tfc_1w1a"]
    design = portable(Design.load("ice40-hx8k"))
    program = compile_network(network, design)
    made = simulated_board(design)
    with made.link:
        load(made, program)
        for index, image in enumerate(x):
            result = run(made, program, network, {network.inputs[0]: image[None]}, check=index < 3)
            output, = network.fetch(result.outputs).values()
            np.testing.assert_array_equal(output[0], expected[index])
            assert result.equal and result.cycles == result.predicted_cycles
