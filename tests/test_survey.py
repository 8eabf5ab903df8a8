"""What a survey says of many Designs is what compiling for each of them gives."""

import time

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.compiler.survey import Designs, Survey
from hwgen.cost.cycles import Array, slots
from hwgen.design import Design
from hwgen.errors import UserError
from hwgen.network.graph import AveragePool, MaxPool, Window
from hwgen.network.reader import read_network

from .compiler_bench import Builder
from .networks import NETWORKS, path

pytestmark = pytest.mark.filterwarnings("error")


def random_designs(rng, count, least_sums=40):
    """Return Designs with plenty of memory."""
    found = []
    for _ in range(count):
        rows, columns = rng.integers(4, 33, 2).tolist()
        lines = int(rng.integers(0, min(rows, 8) + 1))
        found.append(Design(
            rows=rows, columns=columns, lines=lines, lanes=int(rng.integers(1, columns + 1)),
            partial_sums=int(rng.integers(least_sums, 2000)),
            line_pixels=int(rng.integers(4, 200)) if lines else 0,
            activation_memory=1 << 20, program_memory=1 << 23))
    return found


def verify(network, designs):
    """Compare cycles of every layer, and bytes of the program, with those of Programs."""
    surveyed = Survey(network).evaluate(Designs.of(designs), by_layer=True)
    for number, design in enumerate(designs):
        program = compile_network(network, design)
        cycles = [slots(program.steps[part.first:part.first + part.count], Array.of(design))
                  for part in program.layers]
        assert surveyed.layers[:, number].tolist() == cycles, design
        assert surveyed.cycles[number] == sum(cycles)
        assert surveyed.program[number] == len(program.image), design


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    """The four networks, on a preset and on random Designs."""
    rng = np.random.default_rng(len(name))
    verify(read_network(path(name)), [Design.load("ulx3s-85f"), *random_designs(rng, 5)])


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


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed):
    """Random networks on random Designs, down to a few partial sums."""
    rng = np.random.default_rng(seed)
    verify(random_network(seed), random_designs(rng, 6, least_sums=4))


def test_grid_is_points():
    """Designs that are a grid get the same as when each is asked for alone."""
    survey = Survey(read_network(path("kws_dscnn")))
    axes = np.meshgrid([4, 9], [4, 8, 16], [1, 4], [0, 1, 3], [64, 128], [64, 512])
    designs = Designs(*(axis.ravel() for axis in axes))
    together = survey.evaluate(designs)
    alone = [survey.evaluate(designs[np.array([number])]).cycles[0]
             for number in range(len(designs))]
    assert together.cycles.tolist() == alone


@pytest.mark.parametrize("name", ["kws_dscnn", "ic_resnet8"])
def test_activations(name):
    """With as many bytes no layer is cut; with fewer, cycles are more or it does not fit."""
    network = read_network(path(name))
    design = Design.load("ulx3s-85f").replace(rows=4, columns=4, lines=1, dsps=None, lanes=4,
                                              hard_lanes=0)
    surveyed = Survey(network).evaluate(Designs.of([design]))
    enough = int(-(-surveyed.activations[0] // design.banks) * design.banks)
    program = compile_network(network, design.replace(activation_memory=enough))
    assert slots(program.steps, Array.of(design)) == surveyed.cycles[0]
    with pytest.raises(UserError, match="the tensors need"):
        compile_network(network, design.replace(activation_memory=enough // 8))


@pytest.mark.slow
def test_speed():
    """At least 20,000 Designs of ResNet-8 a second, of the time that this process has."""
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(4, 33, (2, 20000))
    designs = Designs(rows, columns, rng.integers(1, columns + 1), np.zeros_like(rows),
                      np.zeros_like(rows), 2 ** rng.integers(6, 13, len(rows)))
    survey = Survey(read_network(path("ic_resnet8")))
    started = time.process_time()
    survey.evaluate(designs)
    assert len(rows) / (time.process_time() - started) > 20000
