"""How many cycles the times of a step of mode LSTM take: exactly."""

from ..arch.lstm import CELL, head_words, sum_words
from ..arch.steps import Step

__all__ = ["lstm_cycles"]

BETWEEN = 117
"""Cycles of each time besides those in which bytes of vectors and words of cells are read, and
those that rotate windows and add products up."""


def lstm_cycles(step: Step, columns: int, turns: int) -> int:
    """Return the cycles of all times, and of the words before them.

    A word has so many ``columns``, and a window is rotated in so many ``turns``: once as vectors
    are read, and once as the last cell is written.
    """
    cells, levels = step.height, (columns - 1).bit_length()
    words = sum_words(columns, step.row_bytes, cells)
    busy = step.row_bytes + cells + (cells - 1) * max(words, CELL) + words
    return head_words(columns) + step.x * (busy + 2 * turns + levels + BETWEEN)
