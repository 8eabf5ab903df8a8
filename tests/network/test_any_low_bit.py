# amaranth: UnusedElaboratable=no
"""Networks of 1 to 8 bits that nobody thought of: equal to their float32, or refused in a line."""

from contextlib import ExitStack

import pytest

from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.compiler.prepare.thresholds import rounding_of
from hwgen.errors import UserError
from hwgen.runtime.inference import simulated_board

from ..compiler_bench import verify
from ..rtl.bitserial.test_bitserial_engine import check

hypothesis = pytest.importorskip("hypothesis")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
any_low_bit = pytest.importorskip("tests.network.any_low_bit")
test_low_bit = pytest.importorskip("tests.network.test_low_bit")

MEMORIES = {"engine": "bitserial", "activation_memory": 1 << 16,
            "program_memory": 1 << 20}
FAST = Design(rows=10, columns=8, lines=3, lanes=4, partial_sums=64, line_pixels=32, **MEMORIES)
COMPACT = Design(rows=8, columns=4, lanes=1, partial_sums=64, compact=True, **MEMORIES)
BINARY = Design(**MEMORIES | {"engine": "binary", "program_memory": 12 << 12}, rows=5, columns=12,
                lanes=4, partial_sums=1)

REFUSED = ("no multiplier and shift do the same in channel", "a weight of -128 in a channel")
"""What a network is refused for that its file is not."""


def any_of(count, **options):
    """Let a test have so many networks, the same in every run."""
    def wrap(test):
        given = hypothesis.given(drawn=any_low_bit.low_bit_networks(**options))(test)
        return hypothesis.settings(
            max_examples=count, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(hypothesis.HealthCheck))(given)
    return wrap


def inputs(w, network):
    """Return one input of a network."""
    (shape,) = network.input_shapes.values()
    return network.feed(w.random.normal(0, 1.5, (1, *shape[1:])).astype("f4"))


def rounding(network, *designs):
    """Return Designs with the rounding that does for a network, if one does."""
    return [design.replace(rounding=rounding_of(network)) for design in designs]


def holds(drawn, *designs):
    """Hold a network to its file, and what Designs make of it to the network."""
    w, output = drawn
    network = test_low_bit.equal(w, output, images=4)
    for design in rounding(network, *designs):
        try:
            verify(network, design, inputs(w, network))
        except UserError as error:
            assert any(text in str(error) for text in REFUSED) and "\n" not in str(error)


@pytest.fixture(scope="module")
def board():
    """Return what makes a simulated board of a Design, and keeps it."""
    boards = {}
    with ExitStack() as links:
        def of(design):
            if design not in boards:
                boards[design] = simulated_board(design)
                links.enter_context(boards[design].link)
            return boards[design]
        yield of


def runs(board, drawn, *designs):
    """Hold the Verilog to a network, in every tensor and every layer's cycles."""
    w, output = drawn
    network = test_low_bit.equal(w, output, images=1)
    for design in rounding(network, *designs):
        try:
            compile_network(network, design)
        except UserError as error:
            assert any(text in str(error) for text in REFUSED)
        else:
            check(board(design), design, network, inputs(w, network))


@any_of(30)
def test_golden(drawn):
    """Convolutions and products of any bits, quantised in any way; on a bit-serial array."""
    holds(drawn, FAST)


@any_of(15, binary=True)
def test_golden_binary(drawn):
    """Fully connected layers of one bit: none is refused."""
    w, output = drawn
    network = test_low_bit.equal(w, output, images=4)
    verify(network, *rounding(network, BINARY), inputs(w, network))


@pytest.mark.slow
@any_of(600)
def test_many(drawn):
    holds(drawn, FAST, COMPACT)


@pytest.mark.slow
@any_of(200, binary=True)
def test_many_binary(drawn):
    holds(drawn, BINARY, COMPACT)


@pytest.mark.slow
@any_of(200)
def test_many_on_hardware(board, drawn):
    runs(board, drawn, FAST, COMPACT)


@pytest.mark.slow
@any_of(100, binary=True)
def test_many_on_hardware_binary(board, drawn):
    runs(board, drawn, BINARY, COMPACT)
