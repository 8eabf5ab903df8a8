"""Matrices, activations and formats of all kinds, for the sparse units."""

import numpy as np

from hwgen.golden.sparse.decoder import EntryFormat

__all__ = ["random_activations", "random_format", "random_matrix", "with_codebook"]



def random_format(rng):
    """Return a format of any index width, value width and codebook size."""
    index_bits, value_bits = int(rng.integers(2, 9)), int(rng.integers(1, 9))
    if rng.random() < 0.5:
        return EntryFormat(index_bits=index_bits, value_bits=value_bits)
    return with_codebook(rng, index_bits, value_bits)


def with_codebook(rng, index_bits, value_bits):
    """Return a format with a codebook of any size."""
    weights = np.array([n for n in range(-128, 128) if n])
    count = int(rng.integers(2, min(1 << value_bits, len(weights)) + 1))
    book = rng.choice(weights, count, replace=False)
    return EntryFormat(index_bits=index_bits, value_bits=value_bits, codebook=tuple(book.tolist()))


def random_matrix(rng, form, largest, shape=None, density=None):
    """Return a matrix that a format can hold, of any shape and density unless given."""
    if shape is None:
        shape = tuple(int(n) for n in rng.integers(1, largest + 1, 2))
        shape = {0: (1, shape[1]), 1: (shape[0], 1)}.get(int(rng.integers(8)), shape)
    if density is None:
        density = rng.choice([0, 1, rng.random(), rng.random() ** 4])
    half = 1 << (form.value_bits - 1)
    weights = form.codebook or [n for n in range(-half, half) if n]
    return np.where(rng.random(shape) < density, rng.choice(weights, shape), 0).astype(np.int64)


def random_activations(rng, shape, density=None, zero_point=0):
    """Return int8 activations of which a share differs from the zero point."""
    if density is None:
        density = rng.random()
    others = np.array([n for n in range(-128, 128) if n != zero_point])
    return np.where(rng.random(shape) < density, rng.choice(others, shape), zero_point)
