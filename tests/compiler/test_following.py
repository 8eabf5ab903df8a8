"""Steps that follow at once read what is there: held against every byte, cycle by cycle."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.steps import Mode
from hwgen.compiler.check import Check, Unsound, check_program
from hwgen.compiler.compile import draft
from hwgen.cost.cycles import Array
from hwgen.golden.accelerator.footprint import bytes_read, passes, vector_bytes
from hwgen.golden.sparse.step import SHORTEST_PASS
from hwgen.network.graph import Window

from ..cases import some
from ..compiler_bench import Builder, random_window
from ..tune.test_survey import random_designs


def any_network(seed):
    """Return a few layers with weights, one behind the other, of images of any size."""
    rng = np.random.default_rng(seed)
    build = Builder(seed, *rng.integers(1, 17, 2).tolist(), int(rng.choice([1, 3, 8, 16, 30, 64])))
    for _ in range(int(rng.integers(2, 6))):
        height, width, _ = build.shape(build.last)
        outputs = int(rng.choice([3, 8, 16, 17, 32, 64, 100]))
        windows = [Window((1, 1)), random_window(rng, height, width, 5),
                   Window((int(rng.integers(1, height + 1)), width))]
        if rng.random() < 0.25:
            build.depthwise(random_window(rng, height, width, 4))
        else:
            build.convolution(outputs, windows[rng.integers(3)])
    return build.network()


def vectors(step, array):
    """Yield tile, pass, place and cycle of each vector, and that in which the next one may go."""
    cycle = 0
    for tile in range(step.tiles):
        for number in range(step.passes):
            begin, last = cycle, number == step.passes - 1
            for y in range(step.y):
                for x in range(step.x):
                    after = cycle + (array.interval if last else 1)
                    yield tile, number, y, x, cycle, after
                    cycle = after
            cycle = max(cycle, begin + array.rows, begin + SHORTEST_PASS)


def cycles_of_writes(step, array):
    """Return how many cycles before the end of its last vector the value of each byte leaves."""
    found = {}
    for tile, number, y, x, _, after in vectors(step, array):
        end = after
        down, row = divmod(y - step.prime_y, step.stride_y)
        across, column = divmod(x - step.prime_x, step.stride_x)
        if number == step.passes - 1 and down >= 0 and across >= 0 and row == column == 0:
            first = (step.output + down * step.output_row_step + across * step.output_x_step
                     + tile * array.columns)
            width = step.last_columns if tile == step.tiles - 1 else array.columns
            found |= dict.fromkeys(range(first, first + width), after)
    return {byte: end - after for byte, after in found.items()}


def cycles_of_reads(step, weights, array):
    """Return after how many cycles each byte is first read that is multiplied by some weight.

    Where all column tiles read the same, that may be a weight of any of them.
    """
    found, width = {}, vector_bytes(step, array.rows, array.columns)
    taps = list(passes(step))
    for tile, number, y, x, cycle, _ in vectors(step, array):
        inside, where = bytes_read(step, width, tile, *taps[number])
        here = weights[tile, number] if step.tile_step else weights[:, number].any(axis=0)
        matters = here.any(axis=1) if step.mode == Mode.MATRIX else here.any(axis=0)
        used = step.last_columns if tile == step.tiles - 1 else array.columns
        for byte in range(width):
            counts = matters[byte] if step.mode == Mode.MATRIX else (
                byte < used and matters[byte])
            if inside[y, x, byte] and counts:
                found.setdefault(int(where[y, x, byte]), cycle)
    return found


def is_safe(before, step, weights, array):
    """Return whether no vector of a step is fetched before what it reads is written."""
    written, read = cycles_of_writes(before, array), cycles_of_reads(step, weights, array)
    least = int(array.parts(before).written)
    return all(cycle + written[byte] >= least for byte, cycle in read.items() if byte in written)


def followed(program, index):
    """Return a Program one of whose steps follows at once."""
    coding = Descriptors.of(program.design)
    step = program.steps[index].replace(overlaps=True)
    image, size = bytearray(program.image), coding.words * program.design.columns
    image[index * size:(index + 1) * size] = coding.write(step)
    return replace(program, image=bytes(image),
                   steps=(*program.steps[:index], step, *program.steps[index + 1:]))


def accepts(program):
    """Return whether the checker does."""
    try:
        check_program(program)
    except Unsound as error:
        assert "before the step before has written them" in str(error)
        return False
    return True


@pytest.mark.parametrize("first", some(range(0, 32, 8), 1))
def test_layers_that_follow(first):
    """Those that do are safe, and the checker accepts whatever is, and nothing else."""
    seen = {}
    for seed in range(first, first + 8):
        for design in random_designs(np.random.default_rng(seed), 2):
            program, array = draft(any_network(seed), design), Array.of(design)
            check_program(program)
            for layer in [layer for layer in program.layers if layer.count][1:]:
                index = layer.first
                before, step = program.steps[index - 1:index + 1]
                safe = is_safe(before, step, Check(program).weights(step), array)
                assert accepts(followed(program, index)) == safe, (seed, design, index)
                assert safe or not step.overlaps
                kind = bool(safe), step.overlaps
                seen[kind] = seen.get(kind, 0) + 1
    assert seen[True, True] > 1 and seen[False, False] > 1, seen
