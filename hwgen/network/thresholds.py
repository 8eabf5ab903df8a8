"""Thresholds: from a sum to a value of few bits, by comparing alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError

__all__ = ["MOST", "Thresholds", "find_thresholds"]

Integers = NDArray[np.int64]

MOST = 1 << 22
"""Thresholds of a layer: those of its channels together."""


@dataclass(frozen=True, eq=False)
class Thresholds:
    """From a sum to ``low + step * (number of thresholds of its channel that count)``.

    A threshold counts where the sum is at least as large; in a falling channel, where the sum is
    below it. So batch normalisation and what quantises after it become comparisons of integers,
    whatever the sign of the gain.

    Parameters
    ----------
    values : array
        int32, (channels, levels less one), ascending along the last axis.
    falling : array
        bool, one for each channel.
    low : int
        The value below all thresholds, or in a falling channel above all.
    step : int
        From one value to the next: 2 for bipolar values, else 1.
    """

    values: NDArray[np.int32]
    falling: NDArray[np.bool_]
    low: int
    step: int = 1

    @property
    def high(self) -> int:
        """The greatest value."""
        return self.low + self.step * self.values.shape[1]


def find_thresholds(index: Callable[[Integers], Integers], levels: int, least: Integers,
                    greatest: Integers, low: int, step: int = 1) -> Thresholds:
    """Return the thresholds of a function of sums that rises or falls in each channel.

    ``index`` takes sums whose last axis counts channels, and gives for each which of the ``levels``
    it falls into, counted from 0. Every threshold is the result of bisecting the sums that there
    can be, from ``least`` to ``greatest`` of each channel, so whatever roundings the function has
    are in it. One that no sum reaches is one more than the greatest.
    """
    if least.size * (levels - 1) > MOST:
        raise UserError(f"needs {least.size} times {levels - 1} thresholds, more than {MOST}")
    if np.any(least <= -1 << 31) or np.any(greatest >= (1 << 31) - 1):
        raise UserError("has sums that do not fit 32 bits")
    ends = index(np.stack([least, greatest]))
    falling = ends[0] > ends[1]
    wanted = np.arange(1, levels)[:, None]
    below = np.broadcast_to(least, (levels - 1, least.size)).copy()
    above = np.broadcast_to(greatest + 1, below.shape).copy()
    # The first sum that is in the level or above it; of a falling channel, that is below it.
    while np.any(below < above):
        middle = (below + above) >> 1
        reached = (index(middle) >= wanted) != falling
        open_ = below < above
        above = np.where(reached & open_, middle, above)
        below = np.where(~reached & open_, middle + 1, below)
    values = np.where(falling, above[::-1], above)
    if np.any(np.diff(values, axis=0) < 0):
        raise UserError("neither rises nor falls with its sums")
    return Thresholds(np.ascontiguousarray(values.T).astype(np.int32), falling, low, step)
