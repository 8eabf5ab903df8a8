"""How many cycles the rows of a step of mode SOFTMAX take: exactly."""

from ..arch.steps import Step

__all__ = ["GAP", "row_cycles", "rows_cycles"]

GAP = 56
"""Cycles from the last byte of a row that is added up until the first one that gets its share."""


def row_cycles(count: int) -> int:
    """Return the cycles of a row of so many bytes, of others before and behind it."""
    return 2 * count + max(count, GAP)


def rows_cycles(step: Step) -> int:
    """Return the cycles in which bytes are read: of the last row there is no next one to read."""
    rows, count = step.x * step.y, step.row_bytes
    return count + (rows - 1) * row_cycles(count) + 2 * count + GAP
