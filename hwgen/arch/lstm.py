"""What lies in the program memory for a step of mode LSTM, and how many words it is.

docs/accelerator.md has what is in them.
"""

__all__ = ["CELL", "GATES", "HEAD_BYTES", "MOST_CELLS", "head_words", "lstm_words", "sum_words"]

GATES = 4
HEAD_BYTES = 9
"""Of what is before the weights of a sum, and before all of them."""
CELL = 78
"""Cycles that a cell takes from when all of its sums are there; those of the next one may come."""
MOST_CELLS = 4096
"""That an LSTM may have, or inputs."""


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
