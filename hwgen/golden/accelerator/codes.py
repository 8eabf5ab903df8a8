"""What check bits say of words: golden twin of :mod:`hwgen.rtl.primitives.codes`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arch.codes import Code

__all__ = ["decode", "encode"]

Words = NDArray[np.int64]


def parity(words: Words) -> Words:
    """Return whether each word has an odd number of ones."""
    return np.bitwise_count(words).astype(np.int64) & 1


def encode(code: Code, data: Any) -> Words:
    """Return words with their check bits."""
    words = np.asarray(data, np.int64)
    stored = words
    for index, row in enumerate(code.rows):
        stored = stored | parity(words & row) << code.width + index
    return stored


def decode(code: Code, words: Any) -> tuple[Words, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the data, whether a bit was corrected, and whether more than that is wrong.

    Of three and more flipped bits, nothing is promised.
    """
    words = np.asarray(words, np.int64)
    failed: Words = np.zeros(words.shape, np.int64)
    for index, row in enumerate(code.rows):
        failed = failed | parity(words & (row | 1 << code.width + index)) << index
    data = words & (1 << code.width) - 1
    if not code.corrects:
        return data, np.zeros(words.shape, bool), failed != 0
    for bit, column in enumerate(code.columns):
        data = data ^ ((failed & column) == column).astype(np.int64) << bit
    odd = parity(failed) == 1
    return data, odd, ~odd & (failed != 0)
