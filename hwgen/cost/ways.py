"""How long the ways through an accelerator are: the registers on them."""

from dataclasses import dataclass

from ..golden.sparse.step import SHORTEST_PASS

__all__ = ["BIT_BY_BIT", "BROADCAST", "EARLY", "FAST", "JOINING", "MAKING", "MEETING", "PARTING",
           "SMALL", "UNPACKING", "Ways"]


@dataclass(frozen=True)
class Ways:
    """How long the ways through an accelerator are, in cycles.

    Parameters
    ----------
    reading : int
        Of a step before its first word of weights, besides those of its descriptor.
    fetching : int
        From a vector's turn to its bytes, besides those that rotate a window.
    storing : int
        From a vector's bytes to those of its result, besides array and rotation.
    summing : int
        The same, for results that go back to the accumulators.
    passing : int
        From a vector's bytes to values, where they do not pass the array.
    swapping : int
        From a value out of the array until the next parameters may be read.
    shortest : int
        A pass at least.
    turning : int
        From the last pass of a step until the next step's descriptor may be read, besides those
        that rotate a window.
    taking : int
        From a value out of the array until every place has the descriptor of a step that follows
        at once.
    gap : int
        From the last vector of a step to the first one of the next step.
    settled : int
        From when a vector may read the last values of a step to the end of that step.
    filling : int
        Of a step that fills a table, besides those of its bytes and of its descriptor.
    loading : int
        Of a step that loads weights, besides those of its words and of its descriptor, and those
        that rotate a window.
    sharing : int
        Of a step of mode SOFTMAX, besides those of its rows, its powers and its descriptor, and
        those that rotate windows.
    updating : int
        Of a step of mode LSTM, besides those of its times, its words and its descriptor.
    """

    reading: int
    fetching: int
    storing: int
    summing: int
    passing: int
    swapping: int
    shortest: int
    turning: int = 0
    taking: int = 0
    gap: int = 0
    settled: int = 0
    filling: int = 0
    loading: int = 0
    sharing: int = 0
    updating: int = 0


FAST = Ways(reading=11, fetching=11, storing=34, summing=24, passing=0, swapping=4,
            shortest=SHORTEST_PASS, turning=5, taking=22, gap=4, settled=10,
            filling=14, loading=19, sharing=37, updating=5)
SMALL = Ways(reading=3, fetching=1, storing=19, summing=16, passing=1, swapping=4, shortest=5,
             filling=8, sharing=23)
MAKING, JOINING = 253, 7
"""Cycles until a joined step has its table, but for its descriptor's, and more to the lanes."""
UNPACKING = 10
"""Cycles that a step takes before it unpacks, besides those of its descriptor, and behind that."""
MEETING = 11
"""Cycles that requantised sums of a compact accelerator take, so that they meet no vectors on their
way; where those come so many cycles apart, they take one less."""
PARTING = 2
"""Cycles that part the sums of packed rows."""
EARLY = 1
"""Cycles that a wide vector is ahead of one for the array, less those of its own."""
BROADCAST = 4
"""Cycles that a compact accelerator's array takes, whatever its size,"""
BIT_BY_BIT = 3
"""and a bit-serial one besides those of a vector."""
