"""SOFTMAX that other layers read, on the golden model of the accelerator."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.cost.softmax import GAP, row_cycles
from hwgen.errors import UserError
from hwgen.network.graph import Reshape, Softmax
from hwgen.network.tflite import reading as tflite

from ..compiler_bench import (
    Builder,
    Concatenate,
    Window,
    design,
    inputs_of,
    least_memory,
    verify,
)
from ..tflite_writer import Graph, random_layer


def within(network):
    """Return the network as if others read each SOFTMAX, so that the accelerator computes it."""
    return replace(network, layers=tuple(
        replace(layer, within=True) if isinstance(layer, Softmax) else layer
        for layer in network.layers))


def single(seed):
    """Return a SOFTMAX of a random file, alone, and inputs."""
    rng = np.random.default_rng([seed, 3])
    network = within(tflite.read(random_layer(rng, "SOFTMAX")))
    return network, inputs_of(network, seed)


def of_rows(shape, scale, seed=0):
    """Return a SOFTMAX of this shape and scale, alone, and inputs with equal and extreme bytes."""
    graph, rng = Graph(np.random.default_rng(seed)), np.random.default_rng(seed)
    x = graph.activation(1, *shape, scale=scale)
    network = within(tflite.read(graph.write(graph.softmax(x))))
    values = rng.integers(-128, 128, (1, *shape))
    values = np.where(rng.random(values.shape) < 0.2, rng.choice([-128, 127], values.shape), values)
    return network, {network.inputs[0]: values.astype(np.int8)}


EXTREMES = [((7, 1), 0.1), ((1,), 3.0), ((2, 1000), 0.05), ((1, 4095), 0.01), ((3, 5), 2.0**-24),
            ((3, 5), 1000.0), ((2, 300), 0.2), ((1, 2), 0.1), ((2, 3, 57), 0.11), ((56,), 0.3)]
"""Rows of one byte, of a thousand and of the most there may be, and scales from end to end."""


def chain(seed):
    """Return a network with a SOFTMAX between other layers, and inputs.

    What it reads, or gives, is now and then read by others, an output, a part of a concatenation
    or of another shape.
    """
    rng = np.random.default_rng([seed, 8])
    build = Builder(seed, *rng.integers(1, 7, 2).tolist(), int(rng.integers(1, 20)))
    before = build.last
    if rng.random() < 0.8:
        before = build.convolution(int(rng.integers(1, 40)), Window((1, 1)),
                                   dead=float(rng.choice([0, 0.3])))
    build.tensors[before] = replace(build.tensors[before], scale=float(2 ** rng.uniform(-8, 1)))
    shape = build.shape(before)
    made = build.add(Softmax, shape, (before,), within=True, zero_point=-128,
                     beta=float(rng.choice([1, 0.5])))
    outputs = [made] if rng.random() < 0.3 else []
    kind = rng.integers(5)
    if kind == 0:
        build.sum(made, before)
    elif kind == 1:
        build.add(Concatenate, (*shape[:2], 2 * shape[2]), (made, before), axis=3)
    elif kind == 2:
        build.add(Reshape, (int(np.prod(shape)),), (made,), zero_point=-128)
    elif kind == 3:
        build.add(Softmax, shape, (made,), within=True, zero_point=-128)
    build.fully_connected(int(rng.integers(1, 9)))
    network = build.network(*outputs, build.last)
    return network, inputs_of(network, seed)


def any_design(seed):
    """Return a Design with the part, of any kind."""
    rng = np.random.default_rng([seed, 12])
    rows, columns = (int(rng.integers(4, 20)) for _ in range(2))
    kinds = [{"compact": True, "lanes": 1}, {"engine": "bitserial"},
             {"engine": "bitserial", "compact": True, "lanes": 1}, {"tables": 2}, {}]
    return design(rows, columns, softmax=True, **kinds[seed % len(kinds)])


@pytest.mark.parametrize("seed", [*range(10), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 200))])
def test_single(seed):
    """As a layer alone, in much memory and in the least, where it is done in place."""
    (network, x), of = single(seed), any_design(seed)
    program = verify(network, of, x)
    assert [step.mode for step in program.steps] == [Mode.SOFTMAX]
    verify(network, least_memory(network, of), x)


@pytest.mark.parametrize("seed", [*range(15), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(15, 200))])
def test_chains(seed):
    (network, x), of = chain(seed), any_design(seed)
    program = verify(network, of, x)
    assert any(step.mode == Mode.SOFTMAX for step in program.steps)
    verify(network, least_memory(network, of), x)


@pytest.mark.parametrize("shape, scale", EXTREMES)
def test_extremes(shape, scale):
    network, x = of_rows(shape, scale)
    verify(network, design(softmax=True), x)


def test_in_place():
    """The least memory is that of one tensor."""
    network, x = of_rows((5, 40), 0.1)
    of = least_memory(network, design(softmax=True))
    assert of.activation_memory == 200
    verify(network, of, x)


def test_cycles_of_a_row():
    assert all(row_cycles(n) <= 3 * n + 60 for n in range(1, 4096))
    assert row_cycles(1) == 2 + GAP


def test_last_is_the_hosts():
    """Where no layer reads it, the host computes it, with the part and without."""
    graph = Graph(np.random.default_rng(4))
    network = tflite.read(graph.write(graph.softmax(graph.activation(1, 4, 10))))
    program = compile_network(network, design(softmax=True))
    assert [layer.operator for layer in program.host_layers] == ["SOFTMAX"]


def test_without_the_part():
    build = Builder(1, 4, 4, 3)
    build.add(Softmax, (4, 4, 3), within=True, zero_point=-128)
    name = build.layers[-1].name
    with pytest.raises(UserError, match=f"^layer '{name}': SOFTMAX that other layers read needs a "
                       "Design with softmax = true, the part that computes it; the host does one "
                       "that comes last$"):
        compile_network(build.network(), design())


def with_step(made, tensors=None, **fields):
    """Return a Program of one step with other values in some fields, and other places."""
    step = made.steps[0].replace(**fields)
    head = Descriptors.of(made.design).write(step)
    return replace(made, steps=(step,), image=head + made.image[len(head):],
                   tensors={**made.tensors, **(tensors or {})})


@pytest.mark.parametrize("fields, message", [
    ({"row_bytes": 0}, "there is no such step on this Design"),
    ({"row_bytes": 4096}, "there is no such step on this Design"),
    ({"pieces": 2}, "there is no such step on this Design"),
    ({"program": 0}, "its weights or parameters are outside their part of the image"),
    ({"base": -4}, "a byte of the image is outside the activation memory"),
    ({"output": 1 << 20}, "the output is written outside the activation memory"),
    ({"output_x_step": 2}, "it writes a byte twice"),
    ({"x_step": 9999}, "an input is read at byte .* wrote last"),
])
def test_checker(fields, message):
    network, _ = of_rows((6, 7), 0.1)
    program = compile_network(network, design(softmax=True))
    check_program(program)
    with pytest.raises(Unsound, match=message):
        check_program(with_step(program, **fields))


@pytest.mark.parametrize("distance, right", [(0, True), (-1, True), (-4, True), (1, False),
                                             (4, False), (400, True)])
def test_checker_of_overlaps(distance, right):
    """A share may be written where the byte, or one before it, was read, and nowhere else."""
    network, _ = of_rows((6, 7), 0.1)
    program = compile_network(network, design(softmax=True))
    base, output = 64, 64 + distance
    tensors = {name: replace(program.tensors[name], address=address)
               for [name], address in ((program.inputs, base), (program.outputs, output))}
    moved = with_step(program, tensors, base=base, output=output)
    if right:
        check_program(moved)
    else:
        with pytest.raises(Unsound, match="it reads bytes that it may have written itself"):
            check_program(moved)
