"""A convolution whose output the lanes keep, and the ADD behind it, on the golden model."""

import numpy as np
import pytest

from hwgen.arch.joining import HALF, LARGEST_SHIFT

from ..compiler_bench import Builder, design, least_memory, random_window, verify


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
    if rng.random() < 0.4:
        made = build.depthwise(window, dead=float(rng.choice([0, 0.3])))
    else:
        made = build.convolution(int(rng.integers(1, 40)), window, dead=float(rng.choice([0, 0.3])))
    pair = [made, build.input(*build.shape(made), zero_point=int(rng.choice([-128, 127, -3])))]
    build.sum(*pair[::int(rng.choice([-1, 1]))], scalings=any_scalings(rng))
    return build.network()


def any_design(seed):
    """Return a Design that keeps vectors."""
    rng = np.random.default_rng([seed, 12])
    rows, columns = (int(rng.integers(4, 20)) for _ in range(2))
    lines = int(rng.integers(0, min(rows, 4)))
    return design(rows, columns, lines, sums=int(rng.choice([4, 23, 64, 500])),
                  lanes=int(rng.integers(1, columns + 1)), kept_vectors=1000)


@pytest.mark.parametrize("seed", range(60))
def test_pairs(seed):
    """As the layers one by one, in much memory and in little."""
    network, of = any_pair(seed), any_design(seed)
    program = verify(network, of)
    assert program.kept == {network.layers[0].output: network.layers[1].output}
    assert len(program.steps) % 2 == 0
    verify(network, least_memory(network, of))
    apart = verify(network, of.replace(kept_vectors=0))
    assert not apart.kept
