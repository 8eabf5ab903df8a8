"""How many cycles a step of the engine ``binary`` takes: exactly, in closed form.

A word of the program memory is read a cycle: those from which the sums of a column tile start, and
one for each vector. Meanwhile the outputs of the column tile before are written, so that a tile
takes as long as the longer of the two.
"""

from ..arch.descriptors import START_WORDS
from ..arch.steps import Step

__all__ = ["step_cycles"]

READING = 2
"""Cycles of a step before its first word is asked for, besides those of its descriptor."""
WRITING = 6
"""From asking for the last word of a column tile until its first outputs are written, and the step
has ended if there are no others."""


def step_cycles(step: Step, columns: int, interval: int, descriptor: int) -> int:
    """Return the cycles of a step.

    ``interval`` is what the outputs of a column tile take, ``descriptor`` the words of a one.
    """
    words = START_WORDS + step.pieces
    lanes = columns // interval
    return (descriptor + READING + words + (step.tiles - 1) * max(words, interval)
            + -(-step.last_columns // lanes) - 1 + WRITING)
