"""What lies in the program memory for a step of mode LSTM, how many words it is, and its table.

docs/accelerator.md has what is in them.
"""

import numpy as np

__all__ = ["CELL", "GATES", "HEAD_BYTES", "MOST_CELLS", "SIGMOID", "head_words", "lstm_words",
           "sum_words"]

GATES = 4
HEAD_BYTES = 9
"""Of what is before the weights of a sum, and before all of them."""
CELL = 78
"""Cycles that a cell takes from when all of its sums are there; those of the next one may come."""
MOST_CELLS = 4096
"""That an LSTM may have, or inputs."""

ONE_MORE = [
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41,
    43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255]
"""Which values are one more than 65536 sigmoid(i / 24), rounded to the nearest."""

SIGMOID = np.rint(65536 / (1 + np.exp(-np.arange(256) / 24))).astype(np.int64)
SIGMOID[ONE_MORE] += 1


def head_words(columns: int) -> int:
    """Return how many words, ``columns`` bytes each, there are before weights."""
    return -(-HEAD_BYTES // columns)


def sum_words(columns: int, inputs: int, cells: int) -> int:
    """Return how many words a cell takes: for each gate, the sum of inputs and that of cells."""
    weights = -(-inputs // columns) - (-cells // columns)
    return GATES * (2 * head_words(columns) + weights)


def lstm_words(columns: int, inputs: int, cells: int) -> int:
    """Return how many words a step takes."""
    return head_words(columns) + cells * sum_words(columns, inputs, cells)
