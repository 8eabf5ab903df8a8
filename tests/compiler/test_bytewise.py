"""Layers of two tensors that are functions of one byte: tables, as the layers one by one."""

import numpy as np
import pytest

from hwgen.arch.steps import Mode
from hwgen.network.graph import Lookup, Requantise

from ..compiler_bench import Add, Builder, Window, design, inputs_of, least_memory, verify
from .test_tables import any_table


def silu(build, x):
    """Append a number times its gate."""
    gate = build.add(Lookup, build.shape(x), (x,), table=any_table(build.rng))
    return build.times(x, gate)


def any_functions(seed):
    """Return a network of functions of the bytes of a convolution, and of two, and inputs."""
    build = Builder(seed, 5, 4, 3)
    rng, shape = build.rng, (5, 4, int(build.rng.integers(1, 9)))
    made = [build.convolution(shape[2], Window((1, 1)))]
    if rng.random() < 0.3:
        made.append(build.convolution(shape[2], Window((1, 1)), build.inputs[0]))
    for _ in range(int(rng.integers(2, 7))):
        a, b = (made[int(rng.integers(len(made)))] for _ in range(2))
        constant = rng.integers(-1 << 25, 1 << 25, int(rng.choice([1, 1, shape[2]])))
        made.append([
            lambda a, b: build.add(Lookup, shape, (a,), table=any_table(rng)),
            lambda a, b: build.add(Requantise, shape, (a,), requantisation=lambda out:
                                   build.requantisation(1, out, 255)),
            lambda a, b, constant=constant: build.add(
                Add, shape, (a,), scalings=((1 << 30, 0),), constant=constant,
                requantisation=lambda out: build.requantisation(1, out, 0, -19)),
            lambda a, b: build.times(a, b), lambda a, b: build.squared_difference(a, b),
            lambda a, b: build.sum(a, b)][int(rng.integers(6))](a, b))
    if rng.random() < 0.5:
        build.convolution(4, Window((1, 1)))
    more = [name for name in made if rng.random() < 0.2 and name != build.last]
    network = build.network(build.last, *dict.fromkeys(more))
    return network, inputs_of(network, seed)


@pytest.mark.parametrize("seed", [*range(8), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 300))])
def test_any_functions(seed):
    (network, x), of = any_functions(seed), design(tables=1 + seed % 3, products=True)
    verify(network, of, x)
    verify(network, least_memory(network, of), x)


def test_gate():
    """A convolution and SiLU are one layer, and need no products; two need one table."""
    build = Builder(1, 6, 5, 9)
    build.rng = np.random.default_rng(4)
    silu(build, build.convolution(9, Window((3, 3))))
    build.convolution(4, Window((1, 1)))
    program = verify(build.network(), design(tables=1))
    assert [layer.operator for layer in program.layers] == ["CONV_2D, FUNCTION, MUL", "CONV_2D"]
    assert [step.mode for step in program.steps] == [Mode.TABLE, Mode.MATRIX, Mode.MATRIX]


def test_gate_that_is_read():
    """What others read, or the network gives, stays."""
    build = Builder(1, 6, 5, 9)
    x = build.convolution(9, Window((3, 3)))
    y = silu(build, x)
    gate = build.layers[-2].output
    program = verify(build.network(y, gate), design(tables=2))
    assert [layer.operator for layer in program.layers] == ["CONV_2D", "FUNCTION", "FUNCTION, MUL"]
    other = Builder(1, 6, 5, 9)
    gated = silu(other, other.convolution(9, Window((3, 3))))
    other.times(gated, other.convolution(9, Window((3, 3)), other.inputs[0]))
    program = verify(other.network(), design(tables=1, products=True))
    assert [layer.operator for layer in program.layers] == ["CONV_2D, FUNCTION, MUL", "CONV_2D",
                                                            "MUL"]
