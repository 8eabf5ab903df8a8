"""Products of two tensors, on the golden model of the accelerator."""


import numpy as np
import pytest

from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.errors import UserError

from ..compiler_bench import (
    Builder,
    Concatenate,
    Window,
    design,
    inputs_of,
    least_memory,
    verify,
    with_step,
)


def any_product(seed, rounding=""):
    """Return a network of products of any shapes and scales, between other layers, and inputs."""
    rng = np.random.default_rng([seed, 3])
    height, width = rng.integers(1, 8, 2).tolist()
    channels = int(rng.choice([1, 2, 3, 5, 8, 9, 16, 17, 33]))
    build = Builder(seed, height, width, channels)
    zero = lambda: int(rng.choice([-128, 127, rng.integers(-128, 128)]))  # noqa: E731
    image, pixel = build.inputs[0], build.input(1, 1, channels, zero_point=zero())
    shift = int(rng.integers(-31, 11)) if rng.random() < 0.4 else None
    least = None if shift is None else min(shift, 0)
    other = build.convolution(channels, Window((1, 1)), image, dead=float(rng.choice([0, 0.4])))
    pairs = [(image, pixel), (pixel, other), (other, image), (other, other), (pixel, pixel)]
    pair = pairs[int(rng.integers(len(pairs)))]
    made = build.times(*pair, shift) if rng.random() < 0.5 else \
        build.squared_difference(*pair, least)
    if rng.random() < 0.5:
        made = build.times(made, pixel)
    if rng.random() < 0.4 and build.shape(made) == build.shape(image):
        axis = int(rng.integers(1, 4))
        shape = [*build.shape(image)]
        shape[axis - 1] *= 3
        build.add(Concatenate, tuple(shape), (image, made, image), axis=axis)
        third = build.input(1, 1, shape[2], zero_point=zero())
        rng.choice([build.times, build.squared_difference])(build.last, third)
    outputs = {build.last, *([made] if rng.random() < 0.3 else [])}
    network = build.network(*sorted(outputs), rounding=rounding or str(
        rng.choice(["tflm", "single", "even"])))
    return network, inputs_of(network, seed)


def any_design(seed, rounding):
    """Return a Design whose lanes multiply."""
    rng = np.random.default_rng([seed, 12])
    rows, columns = (int(rng.integers(4, 20)) for _ in range(2))
    fields = {"products": True, "rounding": rounding}
    if seed % 5 == 0:
        return design(max(rows, 9), columns, 0, lanes=1, compact=seed % 2 == 0,
                      engine=str(rng.choice(["bitserial", "systolic"])), sums=int(
                          rng.choice([1, 30]) if seed % 2 == 0 else 30), **fields)
    if seed % 5 == 1:
        return design(8, 6, lanes=6, wide_rows=16, program_memory=96 << 14, **fields)
    return design(rows, columns, int(rng.integers(0, min(rows, 4))), lanes=columns,
                  sums=int(rng.choice([4, 23, 64, 500])), decompress=seed % 3 == 0,
                  kept_vectors=1000 * (rounding == "tflm" and seed % 2), **fields)


@pytest.mark.parametrize("seed", [*range(8), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(8, 212))])
def test_any_product(seed):
    """As the layers one by one, in much memory and in little."""
    network, x = any_product(seed)
    of = any_design(seed, network.rounding)
    program = verify(network, of, x)
    assert any(step.product for step in program.steps)
    verify(network, least_memory(network, of), x)


def test_pixel():
    """A number for each channel is read again for each pixel, not copied; and either may be it."""
    build = Builder(1, 4, 5, 6)
    pixel = build.input(1, 1, 6)
    build.times(pixel, build.times(build.inputs[0], pixel))
    program = verify(build.network(), design(products=True))
    assert [step.mode for step in program.steps] == [Mode.DIRECT, Mode.DIRECT, Mode.SUMS] * 2
    assert [step.product for step in program.steps] == [False, True, False] * 2
    for step in (program.steps[0], program.steps[4]):
        assert (step.x_step, step.row_step_bytes) == (0, 0) and step.vectors == 20


@pytest.mark.parametrize("shift", [-31, -9, *range(-1, 11)])
def test_shifts(shift):
    """Whatever lanes cannot shift left is done to factors and products."""
    build = Builder(abs(shift), 5, 7, 3, zero_point=-128)
    build.times(build.inputs[0], build.input(5, 7, 3, zero_point=127), shift)
    network = build.network()
    x = inputs_of(network) | {build.inputs[1]: np.full((1, 5, 7, 3), -128, np.int8)}
    verify(network, design(products=True), x)


@pytest.mark.parametrize("shift", [-31, -30, -15, -9, -8, *range(-4, 0)])
def test_differences(shift):
    """The largest ones, and those of inputs of any scales, the larger one's first or last."""
    for first in (True, False):
        build = Builder(-shift, 16, 16, 1, zero_point=-128)
        ways = [(1 << 30, 0), (int(build.rng.integers(1 << 30, 1 << 31)), shift)]
        other = build.input(16, 16, 1, zero_point=127)
        build.squared_difference(build.inputs[0], other, -16, ways if first else ways[::-1])
        network = build.network()
        every = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
        verify(network, design(products=True), {build.inputs[0]: every, other: every[:, ::-1]})


def test_scales_wrong():
    build = Builder(1, 4, 4, 3)
    build.times(build.inputs[0], build.inputs[0], 30)
    with pytest.raises(UserError, match="the scale of its output is far too small"):
        compile_network(build.network(), design(products=True))
    build = Builder(1, 4, 4, 3)
    build.squared_difference(build.inputs[0], build.inputs[0], 1)
    with pytest.raises(UserError, match="it enlarges the squares: the scale of its output"):
        compile_network(build.network(), design(products=True))


@pytest.mark.parametrize("name", ["times", "squared_difference"])
def test_no_products(name):
    build = Builder(1, 4, 4, 3)
    getattr(build, name)(build.inputs[0], build.inputs[0])
    operator = build.layers[0].operator
    with pytest.raises(UserError, match=f"^layer 'l0': {operator} of two tensors needs a Design "
                       "with products = true, the part that multiplies two numbers that are "
                       "computed$"):
        compile_network(build.network(), design())


@pytest.mark.parametrize("index, fields, message", [
    (1, {"to_sums": False}, "there is no such product on this Design"),
    (1, {"add_to_sums": True}, "there is no such product on this Design"),
    (1, {"maximum": True}, "there is no such product on this Design"),
    (1, {"x": 3}, "it reads 12 sums where 16 were left"),
    (1, {"pieces": 2}, "it has passes or tiles that overwrite the sums it reads"),
    (0, {"product": True}, "it reads 16 sums where 0 were left"),
    (2, {"product": True}, "there is no such product on this Design"),
])
def test_checker(index, fields, message):
    build = Builder(1, 4, 4, 3)
    build.times(build.inputs[0], build.input(1, 1, 3))
    program = compile_network(build.network(), design(products=True))
    check_program(program)
    with pytest.raises(Unsound, match=message):
        check_program(with_step(program, index, **fields))
