"""A convolution whose output the lanes keep, and the ADD behind it, on the golden model."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.joining import HALF, LARGEST_SHIFT
from hwgen.arch.steps import Mode
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.lanes_check import LanesCheck
from hwgen.network.graph import Add

from ..cases import some
from ..compiler_bench import (
    Builder,
    Concatenate,
    Window,
    design,
    least_memory,
    random_window,
    verify,
)


def any_scalings(rng):
    """Return a half, and a scaling of the other input, often at the ends; in either order."""
    multiplier = int(rng.choice([1 << 30, (1 << 31) - 1, rng.integers(1 << 30, 1 << 31),
                                 rng.integers(1 << 30, 1 << 31)]))
    scalings = [HALF, (multiplier, -int(rng.choice([0, 0, 1, 2, 5, LARGEST_SHIFT])))]
    return scalings[::int(rng.choice([-1, 1]))]


def any_pair(seed, height=None):
    """Return a network of a convolution of any kind and the ADD behind it."""
    rng = np.random.default_rng([seed, 11])
    height, width = (int(rng.integers(1, 12)) for _ in range(2)) if height is None else \
        (height, height)
    build = Builder(seed, height, width, int(rng.choice([1, 3, 8, 17, 33])),
                    zero_point=int(rng.choice([-128, 127, 5])))
    window = random_window(rng, height, width, 4, 1)
    kind = rng.random()
    if kind < 0.1:
        made = build.fully_connected(int(rng.integers(1, 40)))
    elif kind < 0.4:
        made = build.depthwise(window, dead=float(rng.choice([0, 0.3])))
    else:
        made = build.convolution(int(rng.integers(1, 40)), window, dead=float(rng.choice([0, 0.3])))
    pair = [made, build.input(*build.shape(made), zero_point=int(rng.choice([-128, 127, -3])))]
    build.sum(*pair[::int(rng.choice([-1, 1]))], scalings=any_scalings(rng))
    return build.network()


def any_chain(seed):
    """Return a network of several such pairs, one behind the other, and of what is between."""
    rng = np.random.default_rng([seed, 13])
    same = Window((3, 3), before=(1, 1), after=(1, 1))
    build = Builder(seed, *rng.integers(3, 8, 2).tolist(), int(rng.integers(1, 20)))
    for _ in range(4):
        before = build.last
        if rng.random() < 0.3:
            build.convolution(build.shape(before)[2], Window((1, 1)))
        if rng.random() < 0.3:
            before = build.last
            build.convolution(build.shape(before)[2], Window((1, 1)))
        made = build.depthwise(same, dead=0.2) if rng.random() < 0.5 else \
            build.convolution(build.shape(before)[2], same, dead=0.2)
        build.sum(*[before, made][::int(rng.choice([-1, 1]))], scalings=any_scalings(rng))
    return build.network()


def any_design(seed):
    """Return a Design that keeps vectors."""
    rng = np.random.default_rng([seed, 12])
    rows, columns = (int(rng.integers(4, 20)) for _ in range(2))
    lines = int(rng.integers(0, min(rows, 4)))
    return design(rows, columns, lines, sums=int(rng.choice([4, 23, 64, 500])),
                  lanes=int(rng.integers(1, columns + 1)), kept_vectors=1000)


@pytest.mark.parametrize("seed", some(range(60), 20))
def test_pairs(seed):
    """As the layers one by one, in much memory and in little."""
    network, of = any_pair(seed), any_design(seed)
    program = verify(network, of)
    assert program.kept == {network.layers[0].output: network.layers[1].output}
    assert len(program.steps) % 2 == 0
    verify(network, least_memory(network, of))
    apart = verify(network, of.replace(kept_vectors=0))
    assert not apart.kept


@pytest.mark.parametrize("seed", some(range(20), 8))
def test_chains(seed):
    """Every ADD but what others read the tensors of, one after the other."""
    network, of = any_chain(seed), any_design(seed)
    assert len(verify(network, of).kept) == 4
    verify(network, least_memory(network, of))


def residual(seed=1, *, scalings=(HALF, (1 << 30, -1)), shift=-19, before=None, after=None):
    """Return a network of a convolution and an ADD, and what is put before and behind these."""
    build = Builder(seed, 6, 5, 9)
    other = before(build) if before else build.inputs[0]
    made = build.convolution(9, Window((1, 1)), build.inputs[0])
    build.add(Add, (6, 5, 9), (other, made), scalings=scalings,
              requantisation=lambda out: build.requantisation(1, out, 0, shift))
    outputs = after(build, made) if after else ()
    return build.network(*outputs)


ROOM = design(8, 8, kept_vectors=60)


def concatenate(build):
    """Concatenate the input with a part that an ADD reads, and return that."""
    part = build.convolution(9, Window((1, 1)))
    build.add(Concatenate, (6, 5, 18), (part, build.inputs[0]), axis=3)
    return part


@pytest.mark.parametrize("network, of", [
    (residual(scalings=((1 << 30, -1), (1 << 30, -1))), ROOM),
    (residual(scalings=(((1 << 30) + 1, 0), (1 << 30, -1))), ROOM),
    (residual(scalings=(HALF, (1 << 30, -LARGEST_SHIFT - 1))), ROOM),
    (residual(after=lambda build, made: (made, build.last)), ROOM),
    (residual(after=lambda build, made: (build.convolution(3, Window((1, 1)), made),
                                         build.layers[1].output)), ROOM),
    (residual(before=concatenate, after=lambda build, made: ("t2", build.last)), ROOM),
    (residual(), ROOM.replace(kept_vectors=59)),
    (residual(), ROOM.replace(kept_vectors=0)),
], ids=["no half", "nearly a half", "shift", "output", "read twice", "gaps", "room", "none"])
def test_stays_apart(network, of):
    """Three steps of an ADD, where one does not do or there is no room."""
    assert not verify(network, of).kept


@pytest.mark.parametrize("scalings", [
    (HALF, HALF), (HALF, ((1 << 31) - 1, 0)), ((1 << 30, -LARGEST_SHIFT), HALF), (HALF, (0, 0))])
def test_is_joined(scalings):
    program = verify(residual(scalings=scalings), ROOM)
    assert [(layer.count, layer.operator) for layer in program.layers] == [(1, "CONV_2D"),
                                                                          (1, "ADD")]
    assert [*program.kept] == [program.layers[0].output]
    assert program.kept.keys().isdisjoint(program.tensors)


def test_takes_no_memory():
    """What is kept has no place, and the sum lies over what it is added to."""
    assert verify(residual(), ROOM).design.activation_memory > 0
    least = [least_memory(residual(), of).activation_memory
             for of in (ROOM, ROOM.replace(kept_vectors=0))]
    assert least[0] < least[1]


def damaged(program, index, **fields):
    """Return a Program with other fields in one of its steps, also in its image."""
    steps, coding = [*program.steps], Descriptors.of(program.design)
    steps[index] = steps[index].replace(**fields)
    words = coding.write(steps[index])
    image = program.image[:index * len(words)] + words + program.image[(index + 1) * len(words):]
    return replace(program, steps=tuple(steps), image=image)


KEPT, JOINED = 0, 3
"""The first step of either kind in what follows: three keep 15 vectors each."""


@pytest.mark.parametrize("index, fields, message", [
    (KEPT, {"kept": False}, "joins vectors with others"),
    (KEPT, {"to_sums": True, "tiles": 1}, "no such step"),
    (KEPT, {"joined": True}, "no such step"),
    (JOINED, {"joined": False}, "of 45 vectors that were kept only 0 were joined"),
    (JOINED + 1, {"joined": False}, "of 45 vectors that were kept only 15 were joined"),
    (JOINED, {"output": 4}, "joins vectors with others"),
    (JOINED, {"last_columns": 1}, "joins vectors with others"),
    (JOINED, {"tiles": 1}, "joins vectors with others"),
    (JOINED, {"pieces": 2}, "does not join bytes"),
    (JOINED, {"scaled": True}, "does not join bytes"),
    (JOINED + 1, {"taps_y_step": 7}, "scales bytes otherwise"),
    (JOINED + 1, {"taps_y_step_bytes": 7}, "scales bytes otherwise"),
    (JOINED + 2, {"joined": False}, "of 45 vectors that were kept only 30 were joined"),
])
def test_checker_finds(index, fields, message):
    """What no compiler should do."""
    program = compile_network(residual(before=lambda build: build.input(6, 5, 9)),
                              ROOM.replace(rows=4, partial_sums=5, activation_memory=1 << 12))
    assert [step.kept for step in program.steps] == [True] * 3 + [False] * 3
    check_program(program)
    with pytest.raises(Unsound, match=message):
        check_program(damaged(program, index, **fields))


def test_checker_finds_products():
    """Nothing but bytes of the memory can be joined."""
    kept, joined = compile_network(residual(), ROOM).steps
    check = LanesCheck(ROOM)
    check.follow(kept)
    with pytest.raises(Unsound, match="does not join bytes"):
        check.follow(joined.replace(mode=Mode.MATRIX))


def test_checker_finds_too_many():
    program = compile_network(residual(), ROOM)
    with pytest.raises(Unsound, match="the lanes keep 60 vectors, and have room for 59"):
        check_program(replace(program, design=ROOM.replace(kept_vectors=59)))
    with pytest.raises(Unsound, match="no such step"):
        check_program(replace(program, design=ROOM.replace(kept_vectors=0)))
