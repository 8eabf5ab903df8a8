"""Sums to requantise, with the parameters of their columns: at random, and where rounding decides.

One description serves the cocotb bench and the tests in Python's own simulator.
"""

from dataclasses import dataclass

import numpy as np

from hwgen.golden.accelerator.post import Parameters
from hwgen.golden.network.arithmetic import wrap

__all__ = ["CORNERS", "Tile", "carries", "parameters", "sums", "tiles"]

CORNERS = (0, 1, -1, 127, -128, (1 << 30) - 1, 1 << 30, -(1 << 30), (1 << 31) - 1, -(1 << 31))
MULTIPLIERS = (0, 1, (1 << 30) - 1, 1 << 30, (1 << 30) + 1, (1 << 31) - 1)


@dataclass
class Tile:
    """Parameters, and vectors of sums that are requantised with them."""

    by: Parameters
    sums: np.ndarray


def parameters(rng: np.random.Generator, columns: int) -> Parameters:
    """Return parameters: usual ones, and some that nobody would choose."""
    bias = np.where(rng.random(columns) < 0.7, rng.integers(-5000, 5000, columns),
                    rng.choice([*CORNERS, *rng.integers(-1 << 31, 1 << 31, 4)], columns))
    multiplier = np.where(rng.random(columns) < 0.7, rng.integers(1 << 30, 1 << 31, columns),
                          rng.choice([*MULTIPLIERS, *rng.integers(0, 1 << 31, 4)], columns))
    return Parameters(bias, multiplier, rng.integers(0, 32, columns))


def sums(rng: np.random.Generator, by: Parameters, vectors: int) -> np.ndarray:
    """Return vectors of sums: any, extreme, near a half, and near the ends of an int8."""
    shape = vectors, len(by.bias)
    kinds = [rng.integers(-1 << 31, 1 << 31, shape), rng.choice(CORNERS, shape) - by.bias,
             rng.integers(-9000, 9000, shape)]
    for results in (rng.integers(-130, 130, shape), rng.choice([-384, -256, -128, 127, 255, 383],
                                                               shape)):
        # The sums whose results lie a half above these: exactly, or a little beside.
        scale = by.multiplier / 2.0 ** (31 + by.shift)
        found = np.rint((results + 0.5) / np.maximum(scale, 2.0 ** -40))
        kinds.append(np.clip(found, -1 << 31, (1 << 31) - 1).astype(np.int64) - by.bias
                     + rng.integers(-2, 3, shape))
    return wrap(np.choose(rng.integers(0, len(kinds), shape), kinds))


def tiles(rng: np.random.Generator, columns: int, count: int, longest: int) -> list[Tile]:
    """Return column tiles of one to ``longest`` vectors."""
    made = []
    for _ in range(count):
        by = parameters(rng, columns)
        made.append(Tile(by, sums(rng, by, int(rng.integers(1, longest + 1)))))
    return made


def carries(rng: np.random.Generator, columns: int, vectors: int) -> Tile:
    """Return a tile whose products lie just below and above where rounding sets in.

    The low bits of a product matter there alone, where one of them more or less carries. They are
    so many that random sums hardly ever come as near.
    """
    multiplier = rng.integers(1 << 29, 1 << 30, columns) * 2 + 1
    bias, shift = rng.integers(-1 << 31, 1 << 31, columns), rng.integers(0, 3, columns)
    shape = vectors, columns
    # An odd multiplier has an inverse, so that a product may end in any 31 bits.
    inverse = np.array([pow(int(odd), -1, 1 << 31) for odd in multiplier])
    beside = rng.integers(0, 1 << 30, shape) >> rng.integers(0, 31, shape)
    end = rng.choice([0, 1 << 30], shape) + np.where(rng.random(shape) < 0.5, beside, ~beside)
    biased = np.array([[int(value) * int(by) for value, by in zip(row, inverse, strict=True)]
                       for row in end], object) % (1 << 31)
    biased = biased.astype(np.int64) - rng.choice([0, 1 << 31], shape)
    return Tile(Parameters(bias, multiplier, shift), wrap(biased - bias))
