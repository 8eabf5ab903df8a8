import dataclasses
import random

import pytest

from hwgen.arch.steps import Mode, descriptor_words
from hwgen.compiler import Program, compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.memory.addresses import Life, arrange
from hwgen.errors import UserError
from hwgen.network.tflite import reading as tflite

from ..compiler_bench import Builder, Window, design
from ..networks import path

SAME = Window((3, 3), before=(1, 1), after=(1, 1))


def residual():
    """Return a network whose tensors live for different times."""
    build = Builder(3, 8, 8, 6)
    a = build.convolution(8, SAME)
    b = build.depthwise(SAME)
    c = build.convolution(8, Window((1, 1)), b)
    build.sum(a, c)
    return build.network()


def with_step(program, number, /, **fields):
    """Return the Program with other fields in one step."""
    columns = program.design.columns
    words = descriptor_words(columns)
    steps = list(program.steps)
    steps[number] = steps[number].replace(**fields)
    data = steps[number].to_words().tobytes().ljust(words * columns, b"\0")
    first = number * words * columns
    image = program.image[:first] + data + program.image[first + len(data):]
    return dataclasses.replace(program, steps=tuple(steps), image=image)


def test_lives_do_not_collide():
    draw = random.Random(1)
    for _ in range(50):
        lives = [Life(str(i), draw.randint(1, 400), begin := draw.randint(0, 9),
                      begin + draw.randint(0, 5)) for i in range(20)]
        addresses, needed = arrange(lives, {}, 1 << 20)
        most = max(sum(life.size for life in lives if life.begin <= t <= life.end)
                   for t in range(15))
        assert max(addresses[life.name] + life.size for life in lives) == needed < 1.6 * most
        for a in lives:
            assert addresses[a.name] % 4 == 0
            for b in lives:
                if a is not b and a.begin <= b.end and b.begin <= a.end:
                    first, second = addresses[a.name], addresses[b.name]
                    assert first + a.size <= second or second + b.size <= first


def test_memory_is_a_multiple_of_its_banks():
    build = Builder(1, 1, 1, 9)
    build.convolution(8, Window((1, 1)))
    with pytest.raises(UserError, match="the tensors need 17 bytes, 1 more than the activation "
                                        "memory has: activation_memory must be 24 or more"):
        compile_network(build.network(*build.tensors), design(8, 4, activation_memory=16))


def test_sum_is_in_place():
    program = compile_network(residual(), design())
    tensors = {layer.operator: layer for layer in program.layers}
    addition = tensors["ADD"]
    assert program.tensors[addition.output].address in [
        program.tensors[name].address for name in addition.inputs]


@pytest.mark.parametrize("name, needed", [("vww_mobilenet", 55296), ("kws_dscnn", 16000),
                                          ("ic_resnet8", 49152), ("ad_autoencoder", 768)])
def test_networks_need_no_more_than_two_neighbours(name, needed):
    of = design(9, 16, 3, 512, activation_memory=needed)
    compile_network(tflite.read(path(name)), of)


@pytest.mark.parametrize("number, fields, message", [
    (0, {"base": 100000}, "an input is read at byte"),
    (0, {"output": 1 << 20}, "the output is written outside the activation memory"),
    (0, {"base": -10000}, "a byte of the image is outside the activation memory"),
    (0, {"program": 3}, "its weights or parameters are outside their part of the image"),
    (1, {"height": 9}, "an input is read at byte"),
    (1, {"x": 3}, "its rows have 3 pixels"),
    (1, {"prime_x": 0}, "a window begins left of the first pixel of a row"),
    (1, {"row0": 1}, "a window reads a row that was not streamed"),
    (-1, {"x": 99}, "it has more values than the accumulators hold"),
    (-1, {"x": 63}, "it reads 63 sums where 64 were left"),
])
def test_checker_sees(number, fields, message):
    program = compile_network(residual(), design(9, 8, 3))
    check_program(program)
    with pytest.raises(Unsound, match=message):
        check_program(with_step(program, number % len(program.steps), **fields))


def test_checker_sees_what_is_overwritten():
    program = compile_network(residual(), design(9, 8, 3))
    first, second, third, _ = program.layers
    victim = program.tensors[first.output].address
    with pytest.raises(Unsound, match="the output of layer 'l1' is read at byte .* wrote last"):
        check_program(with_step(program, second.first, output=victim))
    victim = program.tensors[second.output].address
    with pytest.raises(Unsound, match="it reads bytes that it may have written itself"):
        check_program(with_step(program, third.first, output=victim + 8))


def test_checker_sees_what_is_written_twice():
    build = Builder(3, 8, 8, 6)
    build.convolution(8, SAME)
    program = compile_network(build.network(), design(9, 8, sums=32))
    first, second = program.steps
    assert second.output > first.output
    with pytest.raises(Unsound, match="it writes bytes that its layer has written before"):
        check_program(with_step(program, 1, output=first.output))


def test_checker_sees_every_wrong_address():
    program = compile_network(residual(), design(9, 8, 3))
    for number, step in enumerate(program.steps):
        unused = {Mode.SUMS: "base", Mode.DIRECT: "output"}.get(step.mode)
        for field in {"base", "output"} - {unused}:
            for change in (-4, 1, 100, 1000):
                value = getattr(step, field) + change
                if field == "base" or value >= 0:
                    with pytest.raises(Unsound):
                        check_program(with_step(program, number, **{field: value}))


def test_checker_sees_wrong_distances():
    """Of the two tensors that a step reads."""
    build = Builder(3, 5, 7, 6)
    build.maximum(build.inputs[0], build.input(5, 7, 6))
    program = compile_network(build.network(), design(9, 8))
    [step] = program.steps
    for change in (1, 3, 4, 100, 1 << 18):
        with pytest.raises(Unsound):
            check_program(with_step(program, 0,
                                    taps_y_step_bytes=step.taps_y_step_bytes + change))


def test_program_must_be_its_image():
    program = compile_network(residual(), design())
    with pytest.raises(UserError, match="step 0 of the Program 'random' is not in its image"):
        dataclasses.replace(program, steps=(program.steps[0].replace(y=3), *program.steps[1:]))
    assert isinstance(program, Program)
