# amaranth: UnusedElaboratable=no
"""Networks in as little activation memory as can be: outputs over inputs, layers in many steps."""

import dataclasses

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import descriptor_words
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.memory.in_place import TightPlan
from hwgen.compiler.memory.overlap import NEVER, UNREAD, Overlap
from hwgen.cost.cycles import Array, total_cycles
from hwgen.network.tflite import reading as tflite
from hwgen.runtime.inference import load, run, simulated_board

from ..cases import quick, some
from ..compiler_bench import (
    Builder,
    MaxPool,
    Window,
    design,
    inputs_of,
    least_memory,
    random_network,
    run_program,
    verify,
)
from ..networks import arrays, path

SAME = Window((3, 3), before=(1, 1), after=(1, 1))
SMALL = Design(rows=4, columns=4, lines=1, lanes=2, activation_memory=10240,
               program_memory=1 << 19, partial_sums=256)
ODD = Design(rows=9, columns=6, lines=3, lanes=4, activation_memory=1 << 14,
             program_memory=1 << 19, partial_sums=40, line_pixels=9)


def any_design(rng):
    rows, columns = rng.choice([4, 5, 7, 8, 9, 13, 16], 2).tolist()
    return design(rows, columns, lines=int(rng.integers(0, 5)), sums=int(rng.choice([8, 40, 500])),
                  pixels=int(rng.choice([6, 9, 64])))


def chain():
    """Return a network of which all but the first and the last tensor are of TENSOR bytes."""
    build = Builder(5, 8, 7, 3)
    build.convolution(20, SAME)
    for _ in range(2):
        build.depthwise(SAME)
        build.convolution(20, Window((1, 1)))
    build.convolution(20, SAME)
    build.pool(MaxPool, SAME)
    build.convolution(2, Window((8, 7)))
    return build.network()


TENSOR = 8 * 7 * 20


def exchange_steps(program, a, b):
    """Return the Program with two steps in each other's place."""
    size = descriptor_words(program.design.columns) * program.design.columns
    steps = list(program.steps)
    steps[a], steps[b] = steps[b], steps[a]
    data = b"".join(step.to_words().tobytes().ljust(size, b"\0") for step in steps)
    return dataclasses.replace(program, steps=tuple(steps), image=data + program.image[len(data):])


@pytest.mark.parametrize("first", some(range(0, 80, 5), 1))
def test_random_networks(first):
    """In the least memory that the compiler asks for, and in some more."""
    rng = np.random.default_rng(first)
    for seed in range(first, first + 5):
        net, of = random_network(seed), any_design(rng)
        least = least_memory(net, of)
        verify(net, least)
        more = least.activation_memory * int(rng.integers(100, 150)) // 100
        verify(net, of.replace(activation_memory=more // of.banks * of.banks))


@pytest.mark.parametrize("rows, columns, lines, sums", [
    (5, 20, 1, 30), *(pytest.param(*each, marks=pytest.mark.slow) for each in (
        (4, 4, 0, 256), (4, 4, 1, 256), (4, 4, 1, 16), (8, 8, 2, 40), (9, 16, 3, 512)))])
def test_chain_needs_little_more_than_a_tensor(rows, columns, lines, sums):
    net = chain()
    least = least_memory(net, design(rows, columns, lines, sums))
    assert least.activation_memory < TENSOR * 4 // 3
    verify(net, least)


def test_depthwise_is_in_place():
    build = Builder(1, 6, 7, 24)
    for _ in range(3):
        build.depthwise(SAME)
    of = design(4, 4, 1, 64, activation_memory=6 * 7 * 24)
    program = verify(build.network(), of)
    assert [layer.count for layer in program.layers] == [1, 1, 1]
    program = verify(build.network(), least_memory(build.network(), of.replace(partial_sums=20)))
    assert program.layers[0].count > 1


def test_enough_memory_costs_nothing():
    """Steps are cut no more than they must be, and not at all where that is not needed."""
    net = chain()
    cycles = []
    plenty = verify(net, SMALL)
    for memory in (2 * TENSOR, 1600, 1500, 1400):
        program = verify(net, SMALL.replace(activation_memory=memory))
        cycles.append(total_cycles(program.steps, Array.of(SMALL)))
    assert cycles[0] == total_cycles(plenty.steps, Array.of(SMALL))
    assert cycles == sorted(cycles) and cycles[0] < cycles[-1] < 1.2 * cycles[0]


@pytest.mark.parametrize("lines, lanes, most", [
    (0, 2, 243_000), (0, 4, 225_000), (1, 1, 235_000), (1, 2, 198_000), (1, 4, 180_000)])
def test_keywords_on_a_small_chip(lines, lanes, most):
    net = tflite.read(path("kws_dscnn"))
    of = Design.load("icebreaker:sixteen").replace(lines=lines, lanes=lanes)
    image = arrays("kws_dscnn")["input"][:1].reshape(net.tensors[net.inputs[0]].shape)
    program = verify(net, of, {net.inputs[0]: image})
    assert total_cycles(program.steps, Array.of(of)) <= most


@pytest.mark.parametrize("seed", range(20))
def test_overlap(seed):
    """What is allowed is what a byte by byte simulation finds."""
    rng = np.random.default_rng(seed)
    pitch = int(rng.integers(1, 5))
    reads = rng.integers(0, 30, 12 * pitch) + np.arange(12 * pitch) * int(rng.integers(0, 4))
    writes = rng.integers(20, 50, 10 * pitch) + np.arange(10 * pitch) * int(rng.integers(0, 4))
    reads[rng.random(len(reads)) < 0.2] = UNREAD
    writes[rng.random(len(writes)) < 0.2] = NEVER
    overlap = Overlap(reads, writes, pitch)
    allowed = {distance for distance in range(-60, 61) if all(
        reads[b] <= writes[b - distance] for b in range(len(reads))
        if 0 <= b - distance < len(writes))}
    assert {distance for distance in range(-60, 61) if overlap.allows(distance)} == allowed
    assert set(overlap.nearest) <= allowed
    assert all(distance % 4 == 0 for distance in overlap.nearest)
    for distance in range(-60, 61):
        assert not overlap.low >= distance or distance in allowed
        assert not overlap.high <= distance or distance in allowed


@pytest.mark.parametrize("change", quick(["address", "end"], "address"))
def test_checker_sees_wrong_plans(change, monkeypatch):
    """A changed plan is refused, or computes the same."""
    rng = np.random.default_rng(1)
    plans = []
    plan = TightPlan.plan
    monkeypatch.setattr(TightPlan, "plan", lambda *args: plans.append(plan(*args)) or plans[-1])
    least = least_memory(chain(), SMALL)
    plans.clear()
    verify(chain(), least)
    cuts, addresses, needed = plans[0]

    def changed(*_):
        if change == "address":
            name = sorted(addresses)[rng.integers(len(addresses))]
            moved = max(addresses[name] + 4 * int(rng.integers(-40, 41)), 0)
            return cuts, addresses | {name: moved}, needed
        index = rng.choice([index for index, cut in cuts.items() if cut.parts > 1])
        cut = dataclasses.replace(cuts[index], backwards=not cuts[index].backwards)
        return cuts | {index: cut}, addresses, needed

    monkeypatch.setattr(TightPlan, "plan", changed)
    refused = 0
    for _ in range(16):
        try:
            verify(chain(), least)
        except Unsound:
            refused += 1
    assert refused > 6


@pytest.mark.slow
def test_checker_sees_wrong_orders():
    """Steps that run in another order are refused, or compute the same."""
    net = chain()
    program = compile_network(net, least_memory(net, SMALL))
    refused = 0
    for layer in program.layers:
        for number in range(layer.first, layer.first + layer.count - 1, 5):
            other = exchange_steps(program, number, number + 1)
            try:
                check_program(other)
            except Unsound:
                refused += 1
            else:
                run_program(net, other)
    assert refused > 10


@pytest.mark.slow
@pytest.mark.parametrize("of", [SMALL, ODD], ids=["4x4", "9x6"])
def test_on_hardware(of):
    """The Verilog computes the same where outputs lie over inputs, in the cycles predicted."""
    nets = [random_network(seed) for seed in range(60)] + [chain()]
    board = simulated_board(of)
    with board.link:
        for number, net in enumerate(nets):
            program = compile_network(net, least_memory(net, of))
            load(board, program)
            result = run(board, program, net, inputs_of(net), check=True)
            for layer in result.layers:
                assert layer.difference is None, (number, layer)
                assert layer.cycles == layer.predicted_cycles, (number, layer)
