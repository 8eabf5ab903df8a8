"""Integers of 4 bits with a sign, two to a byte: the first one in the lower half."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["HIGHEST", "LOWEST", "join_nibbles", "part_nibbles"]

LOWEST, HIGHEST = -8, 7


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
