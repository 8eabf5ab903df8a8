"""Integers of 4 bits with a sign, two to a byte: the first one in the lower half."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["HIGHEST", "LOWEST", "fit_nibbles", "join_nibbles", "low_and_high", "part_nibbles"]

LOWEST, HIGHEST = -8, 7


def fit_nibbles(values: NDArray[np.signedinteger]) -> bool:
    """Return whether integers have no more than 4 bits."""
    return bool(np.all((values >= LOWEST) & (values <= HIGHEST)))


def join_nibbles(values: NDArray[np.signedinteger]) -> NDArray[np.uint8]:
    """Return the bytes of such integers; of an odd number, the last half byte is 0."""
    flat = values.reshape(-1).astype(np.uint8) & 15
    halves = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    joined: NDArray[np.uint8] = halves[::2] | halves[1::2] << 4
    return joined


def part_nibbles(data: NDArray[np.uint8], count: int) -> NDArray[np.int8]:
    """Return the first ``count`` integers of bytes."""
    halves = np.stack([data & 15, data >> 4], axis=-1).reshape(-1)[:count].astype(np.int8)
    return (halves ^ 8) - np.int8(8)


def low_and_high(data: NDArray[np.int8]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Return the integers in the lower halves of bytes, and those in the upper ones."""
    return (data << 4).astype(np.int8) >> np.int8(4), data >> np.int8(4)
