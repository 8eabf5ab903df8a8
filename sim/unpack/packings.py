"""Packed weights of all kinds, and what they stand for, for the unpacker's bench and tests."""

import numpy as np

from hwgen.arch.steps import PARAMETER_WORDS, Mode, Step
from hwgen.compiler.packing.packing import pack_step, pack_step_as
from hwgen.golden.unpack.unpack import Packing

__all__ = ["WEIGHTS", "case", "words_of"]

WEIGHTS = {
    "a quarter": lambda rng, shape: some(rng, shape, 0.25, range(-128, 128)),
    "all": lambda rng, shape: some(rng, shape, 1.0, [n for n in range(-128, 128) if n]),
    "none": lambda rng, shape: np.zeros(shape, np.int8),
    "few": lambda rng, shape: some(rng, shape, 0.005, range(-128, 128)),
    "small": lambda rng, shape: some(rng, shape, 0.3, range(-8, 8)),
    "two": lambda rng, shape: some(rng, shape, 0.3, (-100, 77)),
    "one": lambda rng, shape: some(rng, shape, 0.3, (100,)),
    "sixteen": lambda rng, shape: some(rng, shape, 0.3, range(-128, 128, 16)),
}


def some(rng, shape, density, values):
    """Return weights of which so many are not 0."""
    return np.where(rng.random(shape) < density, rng.choice(list(values), shape), 0).astype(np.int8)


def words_of(rng, rows, weights, per_tile, *, book=False):
    """Return packed words of weights, fields of the step that unpacks them, and what comes of it.

    Parameters
    ----------
    rows : int
        Of the array.
    weights : array of int8
        (tiles, words, columns).
    per_tile : bool
        Whether each column tile has parameters of its own.
    book : bool
        Whether values choose from a codebook of all bytes, which the compiler has no use for.
    """
    tiles, _, columns = weights.shape
    parameters = rng.integers(0, 256, (PARAMETER_WORDS * (tiles if per_tile else 1), columns),
                              np.uint8)
    words, fields = (packed_by_book if book else pack_step)(weights.view(np.uint8), parameters)
    of_tiles = np.split(parameters, len(parameters) // PARAMETER_WORDS)
    expected = np.concatenate([
        part for tile, each in enumerate(weights.view(np.uint8))
        for part in (each[:rows], *(of_tiles[tile:tile + 1]), each[rows:])])
    return words, fields | {"parameters_per_tile": per_tile}, expected


def case(rng, rows, columns, kind, tiles, passes, per_tile, *, book=False):
    """Return a memory, a step that unpacks what is in it, and the words that shall come."""
    weights = WEIGHTS[kind](rng, (tiles, passes * rows, columns))
    words, fields, expected = words_of(rng, rows, weights, per_tile, book=book)
    memory = rng.integers(0, 256, (len(words) + len(expected) + 7, columns), np.uint8)
    first, output = (0, len(words) + 3) if rng.random() < 0.5 else (len(expected) + 7, 0)
    memory[first:first + len(words)] = words
    step = Step(mode=Mode.UNPACK, last_columns=1, program=first, output=output, **fields)
    return memory, step, expected


def packed_by_book(weights, parameters):
    """Return weights by way of a codebook of all bytes, in an order of its own."""
    order = np.random.default_rng(5).permutation(np.arange(-128, 128))
    packing = Packing(weights.shape[2], 8, book=True)
    return pack_step_as(weights, parameters, packing, tuple(order.tolist()))
