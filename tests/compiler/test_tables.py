"""Functions of one byte, alone and behind other layers, on the golden model of the accelerator."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.errors import UserError
from hwgen.network.graph import Logistic, Lookup, Network, Pad
from hwgen.network.table import Table

from ..cases import some
from ..compiler_bench import (
    Builder,
    Concatenate,
    Window,
    design,
    inputs_of,
    least_memory,
    random_network,
    verify,
    with_step,
)


def any_table(rng):
    """Return a table of any values, or of a curve."""
    values = rng.integers(-128, 128, 256)
    return Table("FUNCTION", (np.sort(values) if rng.random() < 0.5 else values).astype(np.int8))


def any_chain(seed):
    """Return a random network and inputs, with functions behind some of its layers, and the last.

    What they read is then read by nobody else, or by others, too, or is an output of the network.
    """
    rng, network = np.random.default_rng([seed, 5]), random_network(seed)
    tensors, layers, outputs = dict(network.tensors), [], [*network.outputs]
    instead = {}
    for layer in network.layers:
        layers.append(replace(layer, inputs=tuple(instead.get(n, n) for n in layer.inputs)))
        for _ in range(int(rng.choice([0, 1, 2], p=[0.4, 0.5, 0.1])) or layer.output in outputs):
            before = layers[-1].output
            name = f"{before}~"
            tensors[name] = replace(tensors[before], name=name)
            layers.append(Lookup(name=f"{layers[-1].name}~", inputs=(before,), output=name,
                                 table=any_table(rng)))
            if rng.random() < 0.8:
                instead[layer.output] = name
            if before in outputs and rng.random() < 0.8:
                outputs.remove(before)
            outputs += [name] * (layer.output in network.outputs)
    made = Network("chain", tensors, tuple(layers), network.inputs, tuple(outputs))
    return made, inputs_of(made, seed)


def every_byte():
    """Return a function of an input that has all bytes, behind another layer and alone."""
    build = Builder(3, 16, 16, 1)
    first = build.add(Lookup, (16, 16, 1), table=any_table(np.random.default_rng(0)))
    build.maximum(first, build.inputs[0])
    build.add(Lookup, (16, 16, 1), table=any_table(np.random.default_rng(1)))
    network = build.network(build.last, first)
    return network, {network.inputs[0]: np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)}


def by_turns():
    """Return a network whose layers all read one input, and have two tables, or none, by turns."""
    build, ends = Builder(2, 16, 16, 3), []
    for number in range(9):
        first = build.convolution(4, Window((1, 1)), build.inputs[0])
        if number % 3:
            table = any_table(np.random.default_rng(number % 3))
            build.add(Lookup, (16, 16, 4), first, table=table)
        ends.append(build.last)
    network = build.network(*ends)
    return network, inputs_of(network)


def any_design(seed):
    """Return a Design with tables."""
    rng = np.random.default_rng([seed, 12])
    rows, columns = (int(rng.integers(4, 20)) for _ in range(2))
    if seed % 5 == 0:
        return design(max(rows, 9), columns, 0, lanes=1, compact=seed % 2 == 0, engine="bitserial",
                      tables=int(rng.integers(1, 8)))
    if seed % 5 == 1:
        return design(8, 6, lanes=6, wide_rows=16, program_memory=96 << 14,
                      tables=int(rng.integers(1, 8)))
    return design(rows, columns, int(rng.integers(0, min(rows, 4))), lanes=columns,
                  sums=int(rng.choice([4, 23, 64, 500])), tables=int(rng.integers(1, 8)),
                  kept_vectors=int(rng.choice([0, 1000])), decompress=seed % 3 == 0)


@pytest.mark.parametrize("seed", some(range(200), 10))
def test_chains(seed):
    """As the layers one by one, in much memory and in little."""
    (network, x), of = any_chain(seed), any_design(seed)
    program = verify(network, of, x)
    assert any(step.table for step in program.steps)
    verify(network, least_memory(network, of), x)


def test_every_byte():
    network, x = every_byte()
    verify(network, design(tables=1), x)


def curve(build, seed=1, **fields):
    """Append a function of the last tensor."""
    return build.add(Lookup, build.shape(build.last), (build.last,),
                     table=any_table(np.random.default_rng(seed)), **fields)


def test_fused():
    """What nobody else reads is never stored; what somebody does is, and is copied then."""
    build = Builder(1, 6, 5, 9)
    first = build.convolution(9, Window((3, 3)))
    curve(build)
    program = verify(build.network(), design(tables=1))
    assert [layer.operator for layer in program.layers] == ["CONV_2D, FUNCTION"]
    assert [step.mode for step in program.steps] == [Mode.TABLE, Mode.MATRIX]
    apart = verify(build.network(build.last, first), design(tables=1))
    assert [layer.operator for layer in apart.layers] == ["CONV_2D", "FUNCTION"]
    assert [step.mode for step in apart.steps] == [Mode.MATRIX, Mode.TABLE, Mode.DIRECT]
    assert [step.table for step in apart.steps] == [0, 1, 1]


def test_functions_of_functions():
    """They are one table, alone and behind another layer."""
    build = Builder(1, 6, 5, 9)
    build.convolution(9, Window((3, 3)))
    curve(build, 1)
    curve(build, 2)
    program = verify(build.network(), design(tables=1))
    assert [layer.operator for layer in program.layers] == ["CONV_2D, FUNCTION, FUNCTION"]
    assert len(program.steps) == 2


def test_not_behind_what_is_not_written_byte_by_byte():
    build = Builder(1, 6, 5, 9)
    build.add(Pad, (7, 6, 9), before=(1, 0), after=(0, 1), value=3)
    curve(build)
    build.add(Concatenate, (7, 6, 18), (build.last, build.last), axis=3)
    curve(build)
    program = verify(build.network(), design(tables=1))
    assert [layer.operator for layer in program.layers] == ["PAD", "FUNCTION", "CONCATENATION",
                                                            "FUNCTION"]


def test_constants():
    """Channels without weights have what the function makes of their constants."""
    build = Builder(1, 4, 4, 3)
    build.convolution(9, Window((1, 1)), dead=0.7)
    curve(build)
    build.convolution(5, Window((1, 1)))
    program = verify(build.network(), design(tables=1))
    found = program.tensors[program.layers[0].output]
    assert 0 < len(found.channels) < 9


@pytest.mark.parametrize("tables, filled", [(1, 6), (2, 6), (3, 3), (7, 3)])
def test_tables_that_are_there(tables, filled):
    """What lanes hold is not filled again; the one that was used first makes room for others."""
    build = Builder(1, 4, 4, 3)
    for number in range(6):
        build.convolution(3, Window((1, 1)))
        curve(build, number % 3)
    program = verify(build.network(), design(tables=tables))
    assert sum(step.mode == Mode.TABLE for step in program.steps) == filled
    assert max(step.table for step in program.steps) == min(tables, 3)


def test_steps_overlap():
    """Also where the bytes of one go through a table and those of the next do not."""
    network, x = by_turns()
    steps = verify(network, design(tables=2), x).steps
    tables = {(before.table, step.table) for before, step in pairwise(steps) if step.overlaps}
    assert tables == {(0, 1), (1, 2), (2, 0)}


def test_logistic_at_the_end():
    """The host computes it, unless there are tables; then it is as any other function."""
    build = Builder(1, 4, 4, 3)
    build.convolution(3, Window((1, 1)))
    build.add(Logistic, (4, 4, 3))
    network = build.network()
    tensors = dict(network.tensors) | {name: replace(network.tensors[name], scale=0.05)
                                       for name in network.layers[1].inputs}
    network = replace(network, tensors=tensors)
    alone, looked_up = (compile_network(network, design(tables=tables)) for tables in (0, 1))
    assert [layer.operator for layer in alone.host_layers] == ["LOGISTIC"]
    assert not looked_up.host_layers and looked_up.outputs == network.outputs
    assert [layer.operator for layer in looked_up.layers] == ["CONV_2D, LOGISTIC"]
    verify(network, design(tables=1))


def test_no_tables():
    build = Builder(1, 4, 4, 3)
    curve(build)
    name = build.layers[-1].name
    with pytest.raises(UserError, match=f"^layer '{name}': FUNCTION needs a Design with tables = 1 "
                       "or more, the part that looks up functions of one byte$"):
        compile_network(build.network(), design())


@pytest.mark.parametrize("index, fields, message", [
    (0, {"table": 2}, "there is no such step on this Design"),
    (0, {"table": 0}, "there is no such step on this Design"),
    (0, {"y": 2}, "there is no such step on this Design"),
    (0, {"program": 0}, "its weights or parameters are outside their part of the image"),
    (1, {"table": 2}, "its bytes do not go through table 2"),
    (1, {"table": 1, "kept": True}, "its bytes do not go through table 1"),
])
def test_checker(index, fields, message):
    build = Builder(1, 4, 4, 3)
    curve(build)
    program = compile_network(build.network(), design(tables=1, kept_vectors=50))
    check_program(program)
    with pytest.raises(Unsound, match=message):
        check_program(with_step(program, index, **fields))
