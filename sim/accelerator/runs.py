"""What a whole accelerator computes, and in how many cycles: any steps, and small networks."""

import numpy as np

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.steps import PARAMETER_WORDS, Mode, Step
from hwgen.cost.cycles import Array, run_cycles
from hwgen.golden.accelerator.post import Parameters
from hwgen.golden.network import network as golden
from hwgen.predict.layers import predictions
from hwgen.runtime.inference import BUDGET, load, read_tensor, run, whole_tensor

from .dut import golden_model
from .small_networks import inputs_of, programs
from .wrong_steps import plain

__all__ = ["long_steps", "networks", "steps", "sums"]

MANY = (1 << 13) + 2
"""Turns of a loop, in steps that are long."""


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
    for part, layer in zip(program.layers, layers, strict=True):
        end = part.first + part.count
        steps, counted = program.steps[part.first:end], counters[part.first:end]
        for step, own, cycles in zip(steps, counted, run_cycles(steps, array), strict=False):
            assert step.mode == Mode.SPARSE or own == cycles, step
        assert end > count or sum(counted) == layer.cycles, layer


def one_run(bench, network, program):
    """Run all steps at once, and compare every byte of the memory, and what NumPy makes."""
    board, inputs = bench.board, inputs_of(network, bench.rng)
    model = golden_model(bench.design, program.compressed)
    model.memory[:] = bench.rng.integers(-128, 128, len(model.memory))
    for name in program.inputs:
        place = program.tensors[name]
        model.memory[place.addresses()] = place.stored_part(np.asarray(inputs[name]))
    board.write_activations(0, model.memory.tobytes())
    model.run(program.image, len(program.steps))
    cycles = sum(work.cycles for work in predictions(network, program, inputs))
    assert board.run(0, len(program.steps), budget=BUDGET, watchdog=cycles + 100) == cycles
    np.testing.assert_array_equal(bench.activations(), model.memory)
    values = golden.run(network, inputs)
    for name in program.outputs:
        stored = read_tensor(board, program, name)
        np.testing.assert_array_equal(whole_tensor(program, name, stored), values[name], name)


def steps(bench, count):
    """Random steps, a program of some at a time, from any step on: memory and cycles, golden."""
    array, model, rng = Array.of(bench.design), golden_model(bench.design), bench.rng
    extremes = rng.choice(np.array([-128, -1, 0, 127], np.int8), len(model.memory))
    model.memory[:] = np.where(rng.random(len(model.memory)) < 0.3, extremes,
                               rng.integers(-128, 128, len(model.memory)))
    bench.board.write_activations(0, model.memory.tobytes())
    bench.fill(model)
    while count > 0:
        first = int(rng.choice([0, 0, 1, 2]))
        steps, words = bench.maker.program(min(count, 6), first, wide=0.4)
        count -= len(steps)
        cycles = bench.hold(model, steps, words, first)
        expected = run_cycles(steps, array)
        assert cycles == sum(expected), (cycles, expected)
        some = expected[:max(bench.design.steps - first, 0)]
        assert not some or bench.board.counters(first + len(some))[first:] == some


def long_steps(bench):
    """Steps with many turns of a loop, of which only the cycles are compared."""
    array, forms = Array.of(bench.design), Descriptors.of(bench.design)
    loops = [{"tiles": MANY, "to_sums": True}, *({name: MANY} for name in (
        "pieces", "taps_x", "taps_y", "x", "y"))]
    for index in bench.rng.permutation(len(loops))[:bench.part(len(loops), 1)]:
        step = plain(bench.design, forms.words).replace(**loops[index])
        words = np.zeros((forms.words + PARAMETER_WORDS, bench.design.columns), np.uint8)
        words[:forms.words] = np.frombuffer(forms.write(step), np.uint8).reshape(
            forms.words, -1)
        bench.write_program(words)
        cycles = bench.board.run(0, 1, budget=BUDGET, watchdog=1 << 20)
        assert cycles == array.cycles(step), loops[index]


def sums(bench, count):
    """Two numbers of 32 bits in the accumulators, and what their sum is less another one."""
    columns, forms, rng = bench.design.columns, Descriptors.of(bench.design), bench.rng
    model, one = bench.model(), np.full(columns, (1 << 31) - 1)
    heads = 3 * forms.words
    for _ in range(count):
        numbers = rng.integers(-1 << 30, 1 << 30, (2, columns)) >> rng.integers(0, 20, (2, 1))
        less = rng.integers(-99, 99, columns) - numbers.sum(axis=0)
        pad, output = (bench.maker.draw(low, high) for low, high in (
            (-128, 127), (0, bench.design.activation_memory - columns)))
        kinds = [{"mode": Mode.DIRECT, "to_sums": True}, {
            "mode": Mode.DIRECT, "to_sums": True, "add_to_sums": True}, {"mode": Mode.SUMS}]
        steps = [Step(last_columns=columns, height=0, pad=pad, output=output,
                      program=heads + PARAMETER_WORDS * index, **kind)
                 for index, kind in enumerate(kinds)]
        words = [np.frombuffer(forms.write(step), np.uint8).reshape(-1, columns) for step in steps]
        words += [Parameters(bias, one, 0 * one).to_words().view(np.uint8)
                  for bias in (*(numbers - pad), less)]
        bench.hold(model, steps, np.concatenate(words))
