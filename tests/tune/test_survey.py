"""What a survey says of many Designs is what compiling for each of them gives."""

import dataclasses
import time

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.designs import Designs
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, run_cycles, total_cycles
from hwgen.errors import UserError
from hwgen.network.graph import AveragePool, MaxPool, Weighted, Window
from hwgen.network.reader import read_network
from hwgen.tune.survey import Survey

from ..cases import some
from ..compiler.test_keeping import any_pair
from ..compiler.test_levels import digits
from ..compiler.test_lstm import single as single_lstm
from ..compiler.test_matmul import single as single_matmul
from ..compiler.test_softmax import single as single_softmax
from ..compiler.test_tables import every_byte
from ..compiler_bench import Builder
from ..networks import NETWORKS, path

pytestmark = pytest.mark.filterwarnings("error")


def random_designs(rng, count, least_sums=40):
    """Return Designs with plenty of memory."""
    found = []
    for _ in range(count):
        rows, columns = rng.integers(4, 33, 2).tolist()
        lines = int(rng.integers(0, min(rows, 8) + 1))
        found.append(Design(
            rows=rows, columns=columns, lines=lines, lanes=int(rng.integers(1, columns + 1)),
            packed_rows=int(rng.choice([0, rng.integers(0, rows - lines + 1)])),
            partial_sums=int(rng.integers(least_sums, 2000)),
            line_pixels=int(rng.integers(4, 200)) if lines else 0,
            activation_memory=1 << 20, program_memory=1 << 23))
    return found


def bit_serial_designs(rng, count, rounding="tflm"):
    """Return bit-serial ones, some of which have no row and no column to spare; half compact."""
    found = []
    for number in range(count):
        compact = number % 2 == 1
        rows, columns = rng.choice([4, 6, 8, 9, 16, 25, 32]), rng.choice([2, 4, 5, 8, 16, 30])
        lines = 0 if compact else int(rng.integers(0, int(rows**0.5) + 1))
        columns = int(columns) if compact else max(int(columns), 4)
        found.append(Design(
            engine="bitserial", rows=int(rows), columns=columns, lines=lines, compact=compact,
            lanes=1 if compact else int(rng.integers(1, columns + 1)), rounding=rounding,
            partial_sums=int(rng.integers(40, 2000)), line_pixels=64 if lines else 0,
            activation_memory=1 << 20, program_memory=1 << 23))
    return found


def bipolar(network):
    """Return a network with the signs of its weights in their place."""
    return dataclasses.replace(network, layers=tuple(
        dataclasses.replace(layer, weights=np.where(layer.weights < 0, -1, 1).astype(np.int8))
        if isinstance(layer, Weighted) else layer for layer in network.layers))


def verify(network, designs, *, alike=False):
    """Compare cycles of every layer, and bytes of the program, with those of Programs.

    Where layers are ``alike``, a Program keeps once what they read, and has fewer bytes.
    """
    surveyed = Survey(network).evaluate(Designs.of(designs), by_layer=True)
    for number, design in enumerate(designs):
        program = compile_network(network, design)
        steps = run_cycles(program.steps, Array.of(design))
        cycles = [sum(steps[part.first:part.first + part.count]) for part in program.layers]
        assert surveyed.layers[:, number].tolist() == cycles, design
        assert surveyed.cycles[number] == sum(cycles)
        spared = surveyed.program[number] - len(program.image)
        assert spared >= 0 if alike else spared == 0, design


@pytest.mark.parametrize("name", some([*NETWORKS], 2))
def test_networks(name):
    """The four networks, on a preset and on random Designs."""
    rng = np.random.default_rng(len(name))
    verify(read_network(path(name)), [Design.load("ulx3s-85f"), *random_designs(rng, 5)])


@pytest.mark.parametrize("seed", range(6))
def test_keeping(seed):
    """A layer and the ADD behind it, joined where there is room; some Designs keep nothing."""
    rng = np.random.default_rng(seed)
    found = [design.replace(kept_vectors=int(rng.choice([0, 30, 500, 5000])))
             for design in random_designs(rng, 8, least_sums=4)]
    verify(any_pair(seed), found)


def test_keeping_resnet():
    rng = np.random.default_rng(1)
    verify(read_network(path("ic_resnet8")), [design.replace(kept_vectors=kept) for design, kept in
                                      zip(random_designs(rng, 4), (0, 600, 1024, 5000),
                                          strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(4))
def test_networks_on_many(name, seed):
    """The same on more Designs, some with very few sums."""
    rng = np.random.default_rng(seed)
    network = read_network(path(name))
    verify(network, [*random_designs(rng, 20), *random_designs(rng, 2, least_sums=4)])


def random_network(seed):
    """Return a network of all kinds of layers, with whatever windows."""
    rng = np.random.default_rng(seed)
    made = Builder(seed, *rng.integers(5, 30, 2).tolist(), int(rng.integers(1, 9)))
    for kernel in rng.integers(1, 6, (4, 2)).tolist():
        height, width, _ = made.shape(made.last)
        window = Window(tuple(min(k, size) for k, size in zip(kernel, (height, width),
                                                             strict=True)),
                        tuple(rng.integers(1, 3, 2).tolist()), before=tuple(
                            int(rng.integers(0, k)) for k in kernel), after=(0, 0))
        if rng.random() < 0.5:
            made.convolution(int(rng.integers(1, 50)), window, dead=0.2)
        else:
            made.depthwise(window, multiple=int(rng.integers(1, 3)))
    before = made.last
    made.convolution(made.shape(before)[2], Window((1, 1)))
    made.sum(before, made.last)
    height, width, _ = made.shape(made.last)
    made.pool(MaxPool, Window((min(2, height), min(2, width))))
    height, width, _ = made.shape(made.last)
    made.pool(AveragePool, Window((height, width)))
    made.fully_connected(int(rng.integers(1, 70)))
    return made.network()


def wide_designs(rng, count):
    """Return Designs of which some read many words at once."""
    return [design.replace(columns=columns, wide_rows=rows, program_memory=(
                1 << 23) // (32 * columns) * 32 * columns)
            for design in random_designs(rng, count, least_sums=4)
            for columns in [design.columns + design.columns % 2] for rows in (0, 16, 32)]


@pytest.mark.parametrize("seed", range(3))
def test_wide_rows(seed):
    rng = np.random.default_rng(seed)
    verify(random_network(seed), wide_designs(rng, 2))
    verify(read_network(path("ad_autoencoder")), wide_designs(rng, 1))


@pytest.mark.parametrize("seed", some(range(12), 5))
def test_random_networks(seed):
    """Random networks on random Designs, down to a few partial sums."""
    rng = np.random.default_rng(seed)
    verify(random_network(seed), random_designs(rng, 6, least_sums=4))


def compact_designs(rng, network, count):
    """Return those of small chips, with as little memory as the network needs uncut."""
    found = []
    for number in range(count):
        rows, columns = int(rng.integers(4, 33)), int(rng.integers(2, 33))
        engine, lines = ("bitserial", 0) if number % 2 else ("systolic", int(rng.integers(0, 2)))
        design = Design(engine=engine, rows=rows, columns=columns, lines=lines, compact=True,
                        lanes=1, partial_sums=int(rng.choice([64, 128, 256, 512])),
                        activation_memory=1 << 20, program_memory=1 << 23)
        survey = Survey(network).evaluate(Designs.of([design]))
        needed = -(-int(survey.activations[0]) // design.banks) * design.banks
        found.append(design.replace(activation_memory=needed,
                                    program_memory=int(survey.program[0])))
    return found


@pytest.mark.parametrize("name", some([*NETWORKS], 2))
def test_compact_networks(name):
    """The four networks on compact Designs, whose memories are just large enough."""
    network = read_network(path(name))
    verify(network, compact_designs(np.random.default_rng(len(name)), network, 4))


@pytest.mark.parametrize("seed", some(range(8), 3))
def test_random_networks_on_compact_ones(seed):
    """Random networks likewise."""
    network = random_network(seed)
    verify(network, compact_designs(np.random.default_rng(seed), network, 6))


@pytest.mark.parametrize("name", ["tfc_1w1a", "tfc_2w2a"])
def test_few_bits(name):
    """Networks of 1 and of 2 bits on bit-serial Designs."""
    network, _ = digits(name)
    verify(network, bit_serial_designs(np.random.default_rng(len(name)), 6, network.rounding))


@pytest.mark.parametrize("seed", some(range(4), 2))
def test_bit_serial(seed):
    """Random networks, with weights of whatever bits and of -1 and 1, on bit-serial Designs."""
    rng = np.random.default_rng(seed)
    verify(random_network(seed), bit_serial_designs(rng, 4))
    verify(bipolar(random_network(seed)), bit_serial_designs(rng, 6))


@pytest.mark.parametrize("channels", [4, 8])
def test_bipolar_without_rest(channels):
    """Where weights of -1 and 1 fill rows and columns, no 0 is beside them: they are one plane."""
    made = Builder(0, 6, 7, channels)
    made.convolution(8, Window((1, 1)))
    made.convolution(8, Window((3, 3)))
    made.depthwise(Window((2, 2)))
    made.depthwise(Window((2, 2), (2, 2)))
    verify(bipolar(made.network()), [
        Design(engine="bitserial", rows=rows, columns=columns, lines=lines, lanes=2,
               partial_sums=256, line_pixels=64, activation_memory=1 << 16,
               program_memory=1 << 20)
        for rows, columns, lines in ((4, 4, 2), (8, 8, 0), (4, 8, 1), (12, 8, 2), (24, 4, 0))])


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 7])
def test_grid_is_points(every):
    """Designs that are a grid get the same as when each is asked for alone."""
    survey = Survey(read_network(path("kws_dscnn")))
    axes = np.meshgrid([4, 9], [4, 8, 16], [1, 4], [0, 1, 3], [64, 128], [64, 512])
    designs = Designs(*(axis.ravel() for axis in axes))
    together = survey.evaluate(designs)
    alone = [survey.evaluate(designs[np.array([number])]).cycles[0]
             for number in range(0, len(designs), every)]
    assert together.cycles[::every].tolist() == alone


@pytest.mark.parametrize("name", some(["ic_resnet8", "kws_dscnn"], 1))
def test_activations(name):
    """With as many bytes no layer is cut; with fewer, cycles are more or it does not fit."""
    network = read_network(path(name))
    design = Design.load("ulx3s-85f").replace(rows=4, columns=4, lines=1, dsps=None, lanes=4,
                                              hard_lanes=0)
    surveyed = Survey(network).evaluate(Designs.of([design]))
    enough = int(-(-surveyed.activations[0] // design.banks) * design.banks)
    program = compile_network(network, design.replace(activation_memory=enough))
    assert total_cycles(program.steps, Array.of(design)) == surveyed.cycles[0]
    with pytest.raises(UserError, match="the tensors need"):
        compile_network(network, design.replace(activation_memory=enough // 8))


@pytest.mark.slow
@pytest.mark.parametrize("serial", [False, True])
def test_speed(serial):
    """At least 20,000 Designs of ResNet-8 a second, of the time that this process has."""
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(4, 33, (2, 20000))
    designs = Designs(rows, columns, rng.integers(1, columns + 1), np.zeros_like(rows),
                      np.zeros_like(rows), 2 ** rng.integers(6, 13, len(rows)), serial)
    survey = Survey(read_network(path("ic_resnet8")))
    started = time.process_time()
    survey.evaluate(designs)
    assert len(rows) / (time.process_time() - started) > 20000


@pytest.mark.parametrize("made, part", [
    (single_softmax, "softmax"), (single_matmul, "matmul"), (single_lstm, "lstm")])
def test_parts(made, part):
    """Over which it does not search either."""
    network, _ = made(1)
    with pytest.raises(UserError, match=f"needs a Design with {part}, over which hwgen tune does "
                       "not search; `hwgen cycles` and `hwgen build` take one"):
        Survey(network)


def test_tables():
    """A Design has them or not; which do is not searched."""
    network, _ = every_byte()
    with pytest.raises(UserError, match=rf"^layer '{network.layers[0].name}': FUNCTION needs a "
                       "Design with tables, over which hwgen tune does not search"):
        Survey(network)


@pytest.mark.parametrize("name", ["times", "squared_difference"])
def test_products(name):
    """As tables: a Design has them or not."""
    build = Builder(1, 4, 4, 3)
    getattr(build, name)(build.inputs[0], build.inputs[0])
    with pytest.raises(UserError, match="^layer 'l0': .* of two tensors needs a Design with "
                       "products, over which hwgen tune does not search"):
        Survey(build.network())
