# amaranth: UnusedElaboratable=no
"""Small accelerators whose array is bit-serial: the same values, in the cycles predicted."""

import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.compress.mixed import Mixed
from hwgen.compress.quantize import Calibrated
from hwgen.cost.cycles import Array
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Error
from hwgen.network.reader import read_network
from hwgen.predict.layers import layer_cycles
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, portable, simulated_board

from ...compiler.test_levels import NETWORKS
from ...compiler_bench import inputs_of
from ...compress import test_quantize
from ...networks import arrays, path
from ..accelerator import test_accelerator_layers
from ..accelerator.test_accelerator_layers import any_network
from ..bitserial.test_bitserial_engine import all_digits, check, layer_of

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
@pytest.mark.parametrize("words", [{"path": NETWORKS / "kws_dscnn.npz"}, {}],
                         ids=["twelve", "hundred"])
def test_mixed_precision(words):
    """Bits chosen for the Design for an iCEBreaker: 1.5 times as fast as int8, within 2 points."""
    model, x, label = test_quantize.keyword_spotting(**words)
    design = portable(Design.load("icebreaker:serial").replace(rounding="single"))
    search = Mixed(Calibrated(model, x), label, layer_cycles(design))
    chosen = search.search(0.02)
    assert search.base.top_1 - chosen.top_1 <= 0.02 + 1e-9
    made = simulated_board(design)
    with made.link:
        for point in (search.base, chosen):
            network = search.network(point.bits)
            _, result = check(made, design, network, network.feed(x[:1]))
            assert result.cycles == point.cycles
    assert search.base.cycles >= 1.5 * chosen.cycles


@pytest.mark.slow
def test_all_digits():
    """What QONNX's executor gives, for all 500 digits, in 16 KB of block RAM."""
    results = list(all_digits(portable(Design.load("ice40-hx8k")), "tfc_1w1a"))
    assert len(results) == 500
    assert all(result.cycles == result.predicted_cycles for result in results)
