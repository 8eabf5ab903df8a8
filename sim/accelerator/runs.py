"""What a whole accelerator computes, and in how many cycles: any steps, and small networks."""

import numpy as np

from hwgen.arch.steps import Mode
from hwgen.cost.cycles import Array
from hwgen.golden.network import network as golden
from hwgen.predict.layers import predictions
from hwgen.runtime.inference import BUDGET, load, run, stored, whole

from .dut import golden_model
from .small_networks import inputs_of, programs

__all__ = ["networks", "steps"]


def networks(bench, count):
    """Small networks: every layer's tensor and cycles, and then all of them at one go."""
    found = programs(bench.design, bench.rng, bench.part(count, 1))
    assert found, "there is no room for any network"
    for network, program in found:
        load(bench.board, program)
        result = run(bench.board, program, network, inputs_of(network, bench.rng), check=True)
        for layer in result.layers:
            assert layer.difference is None, layer
            assert layer.cycles == layer.predicted_cycles, layer
        compare_counters(bench, program, result.layers)
        one_run(bench, network, program)


def compare_counters(bench, program, layers):
    """Compare what every step took with its prediction, and each layer with its steps."""
    array, count = Array.of(bench.design), min(len(program.steps), bench.design.steps)
    counters = bench.board.counters(count) if count else []
    for step, counted in zip(program.steps, counters, strict=False):
        assert step.mode == Mode.SPARSE or counted == array.cycles(step), step
    for steps, layer in zip(program.layers, layers, strict=True):
        end = steps.first + steps.count
        assert end > count or sum(counters[steps.first:end]) == layer.cycles, layer


def one_run(bench, network, program):
    """Run all steps at once, and compare every byte of the memory, and what NumPy makes."""
    board, inputs = bench.board, inputs_of(network, bench.rng)
    model = golden_model(bench.design, program.compressed)
    model.memory[:] = bench.rng.integers(-128, 128, len(model.memory))
    for address, data in program.constants:
        model.memory[address:address + len(data)] = np.frombuffer(data, np.int8)
    for name in program.inputs:
        place = program.tensors[name]
        values = np.asarray(inputs[name]).reshape(place.height, place.width, -1)
        model.memory[place.addresses()] = values[..., list(place.channels)]
    board.write_activations(0, model.memory.tobytes())
    model.run(program.image, len(program.steps))
    cycles = sum(work.cycles for work in predictions(network, program, inputs))
    assert board.run(0, len(program.steps), budget=BUDGET, watchdog=cycles + 100) == cycles
    np.testing.assert_array_equal(bench.activations(), model.memory)
    values = golden.run(network, inputs)
    for name in program.outputs:
        np.testing.assert_array_equal(whole(program, name, stored(board, program, name)),
                                      values[name], name)


def steps(bench, count):
    """Random steps, a program of some at a time: memory and cycles, golden."""
    array, model = Array.of(bench.design), golden_model(bench.design)
    model.memory[:] = bench.rng.integers(-128, 128, len(model.memory))
    bench.board.write_activations(0, model.memory.tobytes())
    if bench.design.engine != "binary":
        bench.hold(model, *bench.maker.filler())
    while count > 0:
        steps, words = bench.maker.program(min(count, 8))
        count -= len(steps)
        cycles = bench.hold(model, steps, words)
        expected = [array.cycles(step) for step in steps]
        assert cycles == sum(expected), (cycles, expected)
        some = expected[:bench.design.steps]
        assert not some or bench.board.counters(len(some)) == some
