"""Thresholds as requantisation: the same for every sum, and networks of few bits on hardware."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.compiler.prepare.thresholds import requantising_network, rounding_of
from hwgen.errors import UserError
from hwgen.golden.network import network as golden
from hwgen.golden.network.arithmetic import requantise, threshold
from hwgen.network.graph import FullyConnected, Network, Requantisation, Tensor
from hwgen.network.precision import Precision
from hwgen.network.thresholds import Thresholds

from ..compiler_bench import design, run_program, verify

NETWORKS = Path(__file__).parents[2] / "networks"
INPUTS = 30
SPAN = 4 * INPUTS
"""Farthest sum of so many inputs of -2 to 1, and weights of -2 to 1."""


def layer_of(values, falling=False, low=0, step=1):
    """Return a network of one layer, its channels all with these thresholds."""
    values = np.atleast_2d(np.asarray(values, np.int32))
    rng = np.random.default_rng(len(values))
    by = Thresholds(values, np.broadcast_to(np.asarray(falling), len(values)), low, step)
    weights = rng.integers(-2, 2, (len(values), INPUTS)).astype(np.int8)
    layer = FullyConnected(name="fc", inputs=("x",), output="y", weights=weights,
                           bias=np.zeros(len(values), np.int32), requantisation=by)
    kind = Precision(1, "bipolar") if step == 2 else Precision.over(low, by.high)
    tensors = {"x": Tensor("x", (1, INPUTS), 1.0, 0, Precision(2)),
               "y": Tensor("y", (1, len(values)), 1.0, 0, kind)}
    return Network("levels", tensors, (layer,), ("x",), ("y",), "single")


def same(network):
    """Hold a layer against its thresholds, for every sum that there can be, and on hardware."""
    before, = network.layers
    after, = requantising_network(network).layers
    assert isinstance(after.requantisation, Requantisation)
    sign = np.where(before.requantisation.falling, -1, 1)
    np.testing.assert_array_equal(after.weights, before.weights * sign[:, None])
    sums = np.repeat(np.arange(-SPAN, SPAN + 1)[:, None], len(sign), axis=1)
    products = before.weights.astype(int)[..., None] * np.array([-2, 1])
    least, greatest = (end.sum(axis=1) for end in (products.min(axis=2), products.max(axis=2)))
    there = (least <= sums) & (sums <= greatest)
    wanted = threshold(sums, before.requantisation)
    found = requantise(sign * sums + after.bias, after.requantisation, network.rounding)
    np.testing.assert_array_equal(found[there], wanted[there])
    x = np.random.default_rng(5).integers(-2, 2, (1, INPUTS)).astype(np.int8)
    verify(network, design(rounding=network.rounding), {"x": x})


@pytest.mark.parametrize("rounding", ["single", "tflm"])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_evenly_spaced(bits, rounding):
    """Multiples of any distance from any offset on, rising and falling, some never reached."""
    rng = np.random.default_rng(bits)
    count = 40
    distance = rng.uniform(0.2, 40, count)
    first = rng.uniform(-SPAN, SPAN / 2, count)
    values = np.ceil(first[:, None] + distance[:, None] * np.arange((1 << bits) - 1))
    network = layer_of(np.clip(values, -SPAN - 1, SPAN + 1), rng.random(count) < 0.5,
                       low=-(1 << bits - 1))
    same(replace(network, rounding=rounding))


@pytest.mark.parametrize("bits, channels", [(5, 64), (6, 64), (7, 1)])
def test_many_levels(bits, channels):
    """Thresholds between which there is hardly a sum or two: what does for one channel is rare."""
    rng = np.random.default_rng(bits)
    count = (1 << bits) - 1
    distance = rng.uniform(1.6, 3.2, channels) * SPAN / count
    first = rng.uniform(-SPAN, -SPAN / 2, channels)
    values = np.ceil(first[:, None] + distance[:, None] * np.arange(count))
    same(layer_of(np.clip(values, -SPAN - 1, SPAN + 1), low=-(1 << bits - 1)))


@pytest.mark.parametrize("rounding", ["FLOOR", "CEIL", "HALF_UP", "ROUND"])
def test_powers_of_2(rounding):
    """Scales that are all powers of 2, and nothing between a product and its 8 bits.

    Half-way between two levels lies a sum, which lanes have to round to the even one, too.
    """
    pytest.importorskip("onnxruntime")
    w = pytest.importorskip("tests.low_bit").Writer(1)
    x = w.quant(w.input([1, 24]), 4, 0.25)
    y = w.quant(w.node("MatMul", x, w.low_bit(24, 8, bits=8)), 8, 4.0, rounding=rounding)
    network = pytest.importorskip("hwgen.network.onnx.reading").read(w.model(y))
    if rounding == "ROUND":
        with pytest.raises(UserError, match="the Design's rounding 'even' does the same"):
            requantising_network(network)
    assert rounding_of(network) == ("even" if rounding == "ROUND" else "single")
    verify(network, design(rounding=rounding_of(network)), network.feed(
        w.random.normal(0, 1, (1, 24)).astype("f4")))


@pytest.mark.parametrize("value", [-SPAN - 1, -7, 0, 1, 30, SPAN + 1])
@pytest.mark.parametrize("falling", [False, True])
def test_bipolar(value, falling):
    same(layer_of([[value]] * 3, falling, low=-1, step=2))


@pytest.mark.parametrize("value", [-INPUTS - 1, -INPUTS, -7, -6, 0, 1, INPUTS, INPUTS + 1])
@pytest.mark.parametrize("falling", [False, True])
def test_bipolar_of_bipolar(value, falling):
    """Weights of one bit keep it: the sums are every other integer, and none becomes 0."""
    rng = np.random.default_rng(value + 99)
    network = layer_of([[value], [value + 1]], falling, low=-1, step=2)
    before, = network.layers
    before.weights[:] = rng.choice([-1, 1], before.weights.shape)
    bipolar = Precision(1, "bipolar")
    network = replace(network, tensors={name: replace(tensor, precision=bipolar)
                                        for name, tensor in network.tensors.items()})
    after, = requantising_network(network).layers
    sign = -1 if falling else 1
    np.testing.assert_array_equal(after.weights, sign * before.weights)
    sums = np.repeat(np.arange(-INPUTS, INPUTS + 1, 2)[:, None], 2, axis=1)
    np.testing.assert_array_equal(
        requantise(sign * sums + after.bias, after.requantisation, network.rounding),
        threshold(sums, before.requantisation))
    x = {"x": rng.choice([-1, 1], (1, INPUTS)).astype(np.int8)}
    verify(network, design(rounding=network.rounding), x)
    program = verify(network, design(columns=4, rows=5, rounding=network.rounding,
                                     engine="bitserial"), x)
    assert program.steps[0].formats[1].bits <= 2


@pytest.mark.parametrize("values", [[-200, -150, -130], [130, 140, 200], [-200, 4, 190],
                                    [5, 5, 5], [-1, 0, 0]])
def test_corners(values):
    """Thresholds that are all below, or above, or the same."""
    same(layer_of([values]))
    same(layer_of([values], falling=True))


def test_unevenly_spaced():
    with pytest.raises(UserError, match=r"^layer 'fc' \(FULLY_CONNECTED\) compares its sums with "
                       "thresholds, and no multiplier and shift do the same in channel 1: the "
                       "lanes need thresholds that are evenly spaced; those of many bits may be "
                       "too many, and those of a Quant that rounds by ROUND are not so where sums "
                       "lie half-way between its levels, but where the Design's rounding 'even' "
                       "does the same; `hwgen golden` runs this network$"):
        requantising_network(layer_of([[0, 5, 10], [0, 5, 12]]))


def test_no_byte_for_the_opposite():
    network = layer_of([[0]], falling=True)
    layer, = network.layers
    layer.weights[0, 0] = -128
    with pytest.raises(UserError, match="^layer 'fc' has a weight of -128 in a channel that falls"):
        requantising_network(network)


def digits(name):
    """Return a network of digits, and its inputs."""
    onnx = pytest.importorskip("hwgen.network.onnx.reading")
    pytest.importorskip("onnx")
    network = onnx.read(NETWORKS / f"{name}.onnx")
    arrays = np.load(NETWORKS / "tfc_mnist.npz")
    x, = network.feed(arrays["input"]).values()
    return network, x


@pytest.mark.parametrize("name", ["tfc_1w1a", "tfc_2w2a"])
def test_digits(name):
    """Every tensor of two digits, in NumPy."""
    network, x = digits(name)
    program = compile_network(network, design(16, 16, rounding="single"))
    for image in x[:2]:
        run_program(network, program, {network.inputs[0]: image[None]})


@pytest.mark.slow
def test_all_digits_on_hardware():
    """The Verilog gives what QONNX's integers are, for all 500 digits, in the cycles predicted."""
    inference = pytest.importorskip("hwgen.runtime.inference")
    network, x = digits("tfc_1w1a")
    of = design(16, 16, sums=64, lanes=8, rounding="single", activation_memory=4096,
                program_memory=1 << 17)
    program = compile_network(network, of)
    expected, = golden.run(network, x).values()
    board = inference.simulated_board(of)
    with board.link:
        inference.load(board, program)
        for index, image in enumerate(x):
            result = inference.run(board, program, network, {network.inputs[0]: image[None]},
                                   check=index < 3)
            output, = result.outputs.values()
            assert result.equal and output.ravel().tolist() == expected[index].ravel().tolist()
            assert [layer.cycles for layer in result.layers] == [
                layer.predicted_cycles for layer in result.layers]
