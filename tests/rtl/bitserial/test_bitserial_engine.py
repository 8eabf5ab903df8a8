# amaranth: UnusedElaboratable=no
"""Networks on the Verilog of an accelerator whose array is bit-serial, in values and in cycles."""

import math

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.formats import Format
from hwgen.arch.steps import Mode, Step
from hwgen.compiler import compile_network
from hwgen.compress.mixed import Mixed
from hwgen.compress.quantize import Calibrated
from hwgen.cost.cycles import Array
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Error, Stopped
from hwgen.network.graph import FullyConnected, Network, Requantisation, Tensor
from hwgen.network.precision import Precision
from hwgen.network.reader import read_network
from hwgen.predict.layers import layer_cycles
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler.test_levels import NETWORKS, digits
from ...compiler_bench import inputs_of, model, random_network, verify
from ...compress import test_quantize
from ...networks import arrays, path
from ..accelerator.test_accelerator_layers import any_network

DESIGN = Design(engine="bitserial", rows=10, columns=8, lines=3, lanes=4,
                activation_memory=1 << 16, program_memory=1 << 20, partial_sums=64, line_pixels=32)
WORDS = Design(engine="bitserial", rows=32, columns=16, lines=3, lanes=16,
               activation_memory=32768, program_memory=1 << 17, partial_sums=128, line_pixels=32)
DIGITS = Design(engine="bitserial", rows=16, columns=16, lanes=8, activation_memory=4096,
                program_memory=1 << 17, partial_sums=64, rounding="single")
BITS = range(1, 9)


@pytest.fixture(scope="module")
def board():
    made = simulated_board(DESIGN)
    with made.link:
        yield made


def check(board, design, network, inputs):
    """Run an inference; hold every tensor to the golden model, every layer to its prediction."""
    program = compile_network(network, design)
    load(board, program)
    result = run(board, program, network, inputs, check=True)
    for layer in result.layers:
        assert layer.difference is None, layer
        assert layer.cycles == layer.predicted_cycles, layer
    return program, result


def all_digits(design, name):
    """Run every digit, hold what comes out to QONNX's executor's, and yield what each took."""
    network, x = digits(name)
    expected = np.load(NETWORKS / "tfc_mnist.npz")[name]
    program = compile_network(network, design)
    made = simulated_board(design)
    with made.link:
        load(made, program)
        for index, image in enumerate(x):
            result = run(made, program, network, {network.inputs[0]: image[None]}, check=index < 3)
            output, = network.fetch(result.outputs).values()
            np.testing.assert_array_equal(output[0], expected[index])
            assert result.equal
            yield result


def layer_of(activations, weights, pixels=40, channels=16):
    """Return a network of one layer whose numbers fill so many bits, and an input of it."""
    rng = np.random.default_rng([activations, weights])
    low, high = -1 << weights - 1, (1 << weights - 1) - 1
    matrix = rng.integers(low, high, (16, channels), endpoint=True).astype(np.int8)
    matrix[0, :2] = low, high
    precision = Precision(activations)
    tensors = {"x": Tensor("x", (1, pixels, channels), 1.0, 0, precision),
               "y": Tensor("y", (1, pixels, 16), 1.0, 0)}
    layer = FullyConnected(name="fc", inputs=("x",), output="y", weights=matrix,
                           bias=rng.integers(-99, 99, 16).astype(np.int32),
                           requantisation=Requantisation(1 << 30, -activations, 3, -128, 127))
    x = rng.integers(precision.low, precision.high, (1, pixels, channels), endpoint=True)
    return Network("pair", tensors, (layer,), ("x",), ("y",)), {"x": x.astype(np.int8)}


@pytest.mark.xdist_group("bit-serial accelerator")
def test_all_pairs_of_bits(board):
    """Cycles fall with the bits of weights times those of activations, besides a few."""
    others = set()
    for a in BITS:
        for w in BITS:
            program, result = check(board, DESIGN, *layer_of(a, w))
            step, = program.steps
            assert step.formats == (Format(a), Format(w)) and (step.tiles, step.passes) == (2, 2)
            # 40 vectors each; those of the second pass wait for lanes that have two columns.
            # Two words of weights for each plane, and the pairs of the last vector, come besides.
            others.add(result.cycles - 80 * a * w - 79 * max(a * w, 2) - 2 * w - a * w)
    assert len(others) == 1 and others.pop() < 100


@pytest.mark.xdist_group("bit-serial accelerator")
def test_random_layers(board):
    for seed in range(16):
        network = any_network(seed, DESIGN.rounding)
        check(board, DESIGN, network, inputs_of(network, seed))


@pytest.mark.xdist_group("bit-serial accelerator")
def test_depthwise(board):
    """Windows of each column's own pixels, with any strides, paddings and kernels."""
    for seed in (1, 51, 71, 111, 181):
        network = random_network(seed)
        program, _ = check(board, DESIGN, network, inputs_of(network, seed))
        assert {step.mode for step in program.steps} == {Mode.DEPTHWISE}


@pytest.mark.xdist_group("bit-serial accelerator")
@pytest.mark.parametrize("fields", [{"weight_format": 3 << 3}, {"weight_format": 2 << 3 | 1},
                                    {"activation_format": 2 << 3}])
def test_no_such_format(board, fields):
    """The accelerator stops where its golden model does, and what follows is right."""
    network, inputs = layer_of(3, 2)
    program = compile_network(network, DESIGN)
    step, = program.steps
    words = step.replace(**fields).to_words().tobytes()
    image = words + program.image[len(words):]
    with pytest.raises(Stopped) as expected:
        model(DESIGN).run(image, 1)
    board.load_program(image)
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=10_000, watchdog=5000)
    assert stopped.value.code == expected.value.error == Error.DESCRIPTOR
    check(board, DESIGN, network, inputs)


@pytest.mark.xdist_group("bit-serial accelerator")
def test_nothing_is_left_of_a_stopped_step(board):
    """Wherever a step is stopped, the next one is right."""
    network, inputs = layer_of(2, 3, pixels=8)
    cycles = check(board, DESIGN, network, inputs)[1].cycles
    for watchdog in range(20, cycles - 20, 7):
        with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
            board.run(0, 1, budget=10_000, watchdog=watchdog)
        check(board, DESIGN, network, inputs)


@pytest.mark.parametrize("seed", range(40))
def test_golden(seed):
    """The image, decoded plane by plane, computes the network: any layer, on any size of array."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(4, 33, 2).tolist()
    lines = int(rng.integers(0, math.isqrt(rows) + 1))
    verify(random_network(seed), DESIGN.replace(rows=rows, columns=columns, lanes=1, lines=lines,
                                                activation_memory=1 << 18,
                                                program_memory=1 << 22))


def test_formats_of_a_step():
    step = Step.from_words(Step(mode=0, last_columns=1, activation_format=Format(5).code,
                                weight_format=Format(3).code).to_words())
    assert step.formats == (Format(5), Format(3))


@pytest.mark.parametrize("fields, text", [
    ({"activation_memory": 0}, "activation_memory must be given with engine 'bitserial'"),
    ({"lines": 4}, "lines must be an integer from 0 to 3, not 4"),
    ({"family": "ecp5", "dsps": 0}, "dsps must be left out with engine 'bitserial', not 0: only"),
    ({"rows": 40}, "rows must be from 4 to 32 with an activation_memory, not 40"),
])
def test_wrong(fields, text):
    with pytest.raises(UserError, match=f"^{text}"):
        DESIGN.replace(**fields)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tfc_1w1a", "tfc_2w2a"])
def test_all_digits(name):
    """The Verilog gives what QONNX's executor gives, for all 500 digits."""
    results = list(all_digits(DIGITS, name))
    assert len(results) == 500
    for result in results:
        assert [layer.cycles for layer in result.layers] == [
            layer.predicted_cycles for layer in result.layers]
    network, _ = digits(name)
    array = Array.of(DIGITS.replace(engine="systolic"))
    dense = compile_network(network, DIGITS.replace(engine="systolic"))
    assert 2 * result.cycles < sum(map(array.cycles, dense.steps))


@pytest.mark.slow
def test_keyword_spotting():
    """A whole int8 network: fully connected, convolutions, depthwise ones, a pool."""
    network, stored = read_network(path("kws_dscnn")), arrays("kws_dscnn")
    made = simulated_board(WORDS)
    with made.link:
        _, result = check(made, WORDS, network, network.feed(stored["input"][:1]))
    output, = result.outputs.values()
    assert output.ravel().tolist() == stored["output"][0].tolist()


@pytest.mark.slow
def test_mixed_precision():
    """Of one float network, the bits of each layer against int8: at least 1.5 times as fast."""
    model, x, label = test_quantize.keyword_spotting()
    design = WORDS.replace(rounding="single")
    search = Mixed(Calibrated(model, x), label, layer_cycles(design))
    chosen = search.search(0.02)
    made = simulated_board(design)
    with made.link:
        _, int8 = check(made, design, search.int8, search.int8.feed(x[:1]))
        network = search.network(chosen.bits)
        _, mixed = check(made, design, network, network.feed(x[:1]))
    assert (int8.cycles, mixed.cycles) == (search.base.cycles, chosen.cycles)
    assert int8.cycles >= 1.5 * mixed.cycles
