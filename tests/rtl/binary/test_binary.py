# amaranth: UnusedElaboratable=no
"""The engine for numbers that are -1 or 1: values, cycles, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.compiler.program import Program
from hwgen.cost.cycles import Array
from hwgen.errors import UserError
from hwgen.network.graph import FullyConnected, Network, Requantisation, Reshape, Tensor
from hwgen.network.precision import Precision
from hwgen.network.thresholds import Thresholds
from hwgen.rtl.binary.array import BinaryArray
from hwgen.rtl.binary.store import BinaryStore
from hwgen.runtime.inference import portable, simulated_board

from ...cases import quick
from ...compiler_bench import Builder, MaxPool, Window, verify
from ...formal import prove
from ..bitserial.test_bitserial_engine import all_digits, check
from .spec_binary import ArraySpec, StoreSpec

SMALL = Design(engine="binary", rows=8, columns=6, lanes=2, activation_memory=1024,
               program_memory=6 * 900, partial_sums=1, rounding="single", steps=8)
DESIGNS = {
    "wide": SMALL.replace(columns=32, lanes=4, program_memory=1 << 15),
    "one-lane": SMALL.replace(columns=13, lanes=1, program_memory=13 << 10),
    # Outputs may take longer than all of the next step's words.
    "slow-outputs": SMALL.replace(columns=32, lanes=1, program_memory=1 << 15),
    "few-rows": SMALL.replace(rows=4, columns=4, lanes=4, program_memory=1 << 14, steps=0),
    "odd-rows": SMALL.replace(rows=5, columns=8, lanes=4, program_memory=1 << 15),
}
BIPOLAR = Precision(1, "bipolar")
SAME = Requantisation(1 << 30, 1, 0)
"""A sum as it is, within the limits of a byte."""


def network_of(*sizes, seed=0, ending=SAME):
    """Return fully connected layers of so many inputs, and an input of them."""
    rng = np.random.default_rng([seed, *sizes])
    tensors, layers = {"t0": Tensor("t0", (1, sizes[0]), 1.0, 0, BIPOLAR)}, []
    for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        last = index == len(sizes) - 2
        limits = rng.integers(-inputs - 1, inputs + 2, (outputs, 1)) // 2
        by = ending if last else Thresholds(limits.astype(np.int32), rng.random(outputs) < 0.5,
                                            -1, 2)
        name = f"t{index + 1}"
        tensors[name] = Tensor(name, (1, outputs), 1.0, by.zero_point, Precision(8)) if last \
            else Tensor(name, (1, outputs), 1.0, 0, BIPOLAR)
        bias = rng.integers(-20, 20, outputs) if last else np.zeros(outputs)
        layers.append(FullyConnected(
            name=f"l{index}", inputs=(f"t{index}",), output=name,
            weights=rng.choice([-1, 1], (outputs, inputs)).astype(np.int8),
            bias=bias.astype(np.int32), requantisation=by))
    network = Network("bits", tensors, tuple(layers), ("t0",), (f"t{len(layers)}",), "single")
    return network, {"t0": rng.choice([-1, 1], (1, sizes[0])).astype(np.int8)}


def any_sizes(seed, most=90):
    """Return the sizes of one to three layers."""
    rng = np.random.default_rng(seed)
    return [int(size) for size in rng.integers(1, most, rng.integers(2, 5))]


@pytest.fixture(scope="module")
def board():
    made = simulated_board(SMALL)
    with made.link:
        yield made


@pytest.mark.parametrize("seed", range(40))
def test_golden(seed):
    """The image, decoded bit by bit, computes the network: layers and arrays of any size."""
    rng = np.random.default_rng(seed)
    lanes = int(rng.choice([1, 2, 4]))
    columns = lanes * int(rng.integers(-(-4 // lanes), 32 // lanes + 1))
    design = SMALL.replace(rows=int(rng.integers(4, 9)), columns=columns, lanes=lanes,
                           program_memory=columns << 12)
    network, inputs = network_of(*any_sizes(seed, 400), seed=seed)
    verify(network, design, inputs)


@pytest.mark.xdist_group("binary accelerator")
@pytest.mark.parametrize("sizes", [(1, 1), (1, 6), (8, 1), (9, 7), (7, 30), (64, 12, 5),
                                   (300, 6, 6), (17, 61, 19, 3)])
def test_sizes(board, sizes):
    """A single input or output, fewer outputs than columns, tiles shorter than their outputs."""
    program, result = check(board, SMALL, *network_of(*sizes))
    counters = board.counters(len(program.steps))
    assert counters == [Array.of(SMALL).cycles(step) for step in program.steps]
    assert sum(counters) == result.cycles


@pytest.mark.xdist_group("binary accelerator")
def test_random_layers(board):
    for seed in range(20):
        check(board, SMALL, *network_of(*any_sizes(seed), seed=seed))


@pytest.mark.xdist_group("binary accelerator")
def test_a_run_of_all_steps(board):
    """One start for all layers takes what they take one by one."""
    network, inputs = network_of(40, 20, 10)
    program, result = check(board, SMALL, network, inputs)
    assert board.run(0, len(program.steps), budget=10_000) == result.cycles
    assert board.run(0, 0, budget=10_000) == 0


@pytest.mark.xdist_group("binary accelerator")
def test_outputs_are_clamped(board):
    """Farther from 0 than a byte, and limits of any sign."""
    for low, high, zero_point in ((-128, 127, 0), (-3, 3, 0), (5, 90, 40), (-90, -7, -9)):
        ending = replace(SAME, low=low, high=high, zero_point=zero_point)
        check(board, SMALL, *network_of(200, 12, seed=low + 128, ending=ending))


def test_descriptor(tmp_path):
    """What is written is what is read, also of a file, and no more than that has room."""
    program = compile_network(network_of(30, 20)[0], SMALL)
    program.save(tmp_path / "bits.npz")
    assert Program.load(tmp_path / "bits.npz").steps == program.steps
    descriptors, (step,) = Descriptors.of(SMALL), program.steps
    assert descriptors.read(descriptors.write(step), 0) == step
    assert len(descriptors.write(step)) == descriptors.words * SMALL.columns == 18
    with pytest.raises(UserError, match="^base of a step of the engine 'binary' must be from 0 to "
                                        "65535, not 65536$"):
        descriptors.write(step.replace(base=1 << 16))


@pytest.mark.parametrize("fields, text", [
    ({"activation_memory": 0}, "activation_memory must be given with engine 'binary', of which"),
    ({"rows": 9}, "rows must be from 4 to 8 with an activation_memory, not 9"),
    ({"rows": 3}, "rows must be from 4 to 8 with an activation_memory, not 3"),
    ({"compact": True}, "compact must be False with engine 'binary', not True: it has"),
    ({"lines": 1}, "lines must be 0 with engine 'binary', not 1: its columns take no pixels"),
    ({"partial_sums": 4}, "partial_sums must be 1 with engine 'binary', not 4: a column has one"),
    ({"lanes": 3}, "lanes must be 1, 2 or 4 with engine 'binary', and divide the 6 columns, not 3"),
    ({"lanes": 4}, "lanes must be 1, 2 or 4 with engine 'binary', and divide the 6 columns, not 4"),
    ({"depth": 3}, "depth must be left out with engine 'binary', not 3"),
    ({"activation_memory": 1 << 17}, "activation_memory must be at most 65536 bytes with engine"),
    ({"program_memory": 6 << 17}, "program_memory must be at most 65536 words with engine"),
])
def test_wrong_design(fields, text):
    with pytest.raises(UserError, match=f"^{text}"):
        SMALL.replace(**fields)


def change_layer(change):
    """Return a network of one layer, changed."""
    network, _ = network_of(30, 20)
    layer, = network.layers
    tensors = dict(network.tensors)
    match change:
        case "weights":
            layer.weights[3, 4] = 0
        case "input":
            tensors["t0"] = replace(tensors["t0"], precision=Precision(8))
        case "scale":
            layer = replace(layer, requantisation=Requantisation(1 << 30, 0, 0))
        case "channel":
            layer = replace(layer, requantisation=Requantisation(
                np.full(20, 1 << 30), np.where(np.arange(20) == 7, -2, 1), 0))
        case "vectors":
            tensors |= {name: replace(tensor, shape=(1, 3, tensor.shape[1]))
                        for name, tensor in tensors.items()}
    return replace(network, tensors=tensors, layers=(layer,))


@pytest.mark.parametrize("change, text", [
    ("weights", "its weights must be -1 or 1 for the engine 'binary', not 0"),
    ("input", "its input 't0' must be of -1 and 1 for the engine 'binary', not signed of 8 bits"),
    ("scale", "the engine 'binary' adds to a sum and clamps it, .* of its sums, not 0.5 times"),
    ("channel", "the engine 'binary' adds to a sum and clamps it, .* of its sums, not 0.125 times"),
    ("vectors", "the engine 'binary' computes .* of one vector, not FULLY_CONNECTED of 1 by 3"),
])
def test_wrong_layer(change, text):
    with pytest.raises(UserError, match=f"^layer 'l0': {text}"):
        compile_network(change_layer(change), SMALL)


def test_other_layers():
    build = Builder(1, 4, 4, 4)
    build.pool(MaxPool, Window((2, 2)))
    with pytest.raises(UserError, match="^layer 'l0': the engine 'binary' computes fully connected "
                                        "layers of one vector, not MAX_POOL_2D of 4 by 4$"):
        compile_network(build.network(rounding="single"), SMALL)


def test_reshape():
    """An image is a vector."""
    network, inputs = network_of(30, 20)
    layer, = network.layers
    tensors = dict(network.tensors) | {"image": Tensor("image", (1, 5, 6, 1), 1.0, 0, BIPOLAR)}
    shaped = replace(network, tensors=tensors, inputs=("image",), layers=(
        Reshape(name="flat", inputs=("image",), output="t0"), layer))
    verify(shaped, SMALL, {"image": inputs["t0"].reshape(1, 5, 6, 1)})


def test_too_small():
    with pytest.raises(UserError, match="program_memory must be .* or more"):
        compile_network(network_of(300, 300)[0], SMALL)
    with pytest.raises(UserError, match="activation_memory must be .* or more"):
        compile_network(network_of(1200, 3)[0], SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_random_layers_on_other_designs(name):
    design = DESIGNS[name]
    made = simulated_board(design)
    with made.link:
        for seed in range(40):
            check(made, design, *network_of(*any_sizes(seed, 120), seed=seed))


@pytest.mark.slow
def test_all_digits():
    """What QONNX's executor gives, for all 500 digits, in at most 600 cycles."""
    results = list(all_digits(portable(Design.load("ice40-hx8k:binary")), "tfc_1w1a"))
    assert len(results) == 500
    assert all(result.cycles == result.predicted_cycles <= 600 for result in results)


COCOTB = {
    "least": SMALL.replace(rows=4, columns=4, lanes=1, activation_memory=8, program_memory=28,
                           steps=0),
    "odd": SMALL.replace(rows=5, columns=13, lanes=1, activation_memory=408,
                         program_memory=13 * 77, steps=1),
    "ice40": SMALL.replace(rows=7, columns=12, lanes=4, family="ice40", device="iCE40HX8K"),
    "wide": SMALL.replace(rows=8, columns=32, lanes=4, activation_memory=1 << 16,
                          program_memory=32 << 9),
    "deep": SMALL.replace(rows=8, columns=4, lanes=1, program_memory=4 << 16),
}


@pytest.mark.parametrize("name", quick(COCOTB, "least"))
def test_verilog_matches_model(name, tmp_path):
    regression = pytest.importorskip("sim.regression")
    regression.simulate("binary", COCOTB[name], tmp_path, simulator="verilator", waves=False,
                        seed=0).check()


@pytest.mark.formal
@pytest.mark.parametrize("rows, columns", [(1, 1), (3, 1), (2, 2), (8, 1)])
def test_sums_are_counts_of_equal_pairs(rows, columns, tmp_path):
    """Proof, for all words and inputs, and any starts."""
    prove(ArraySpec(BinaryArray(rows, columns)), tmp_path, depth=7)


@pytest.mark.formal
@pytest.mark.parametrize("columns, lanes, size, depth", [
    (1, 1, 64, 7), (2, 1, 40, 8), pytest.param(4, 2, 64, 8, marks=pytest.mark.slow)])
def test_outputs_are_comparisons(columns, lanes, size, depth, tmp_path):
    """Proof, for all sums, limits and addresses: clamped, and written where they belong."""
    prove(StoreSpec(BinaryStore(columns, lanes, size)), tmp_path, depth=depth)
