"""Few weights that stand for many: k-means of what lies on a line, solved exactly."""

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..golden.sparse.decoder import WEIGHT_BITS, Integers

__all__ = ["cluster", "share_weights"]


HALF = 1 << (WEIGHT_BITS - 1)


def cluster(weights: NDArray[np.integer], count: int) -> tuple[int, ...]:
    """Return the ``count`` weights that stand for all others than 0 with the least squared error.

    Weights are numbers on a line, so that the groups of the best clustering are intervals, and a
    dynamic programme over the distinct weights finds them: nothing is drawn by lot, and there is no
    better codebook. Where there are fewer distinct weights than ``count``, others fill it up.
    """
    if not 2 <= count <= 2 * HALF:
        raise UserError(f"a codebook must have 2 to {2 * HALF} weights, not {count}")
    values, times = np.unique(np.asarray(weights, np.int64), return_counts=True)
    values, times = values[values != 0], times[values != 0].astype(np.float64)
    if len(values) and (values[0] < -HALF or values[-1] >= HALF):
        raise UserError(f"weights must be {-HALF} to {HALF - 1} to share a codebook, not "
                        f"{values[0]} to {values[-1]}")
    chosen = set(values.tolist()) if len(values) <= count else _best(values, times, count)
    others = sorted(range(-HALF, HALF), key=lambda weight: (weight == 0, abs(weight)))
    while len(chosen) < count:
        chosen.add(next(other for other in others if other not in chosen))
    return tuple(sorted(chosen))


def _best(values: Integers, times: NDArray[np.float64], count: int) -> set[int]:
    """Return the weights that stand best for more than ``count`` distinct ones."""
    n = len(values)
    sums = [np.concatenate([[0], np.cumsum(times * values.astype(np.float64) ** power)])
            for power in range(3)]
    # Of values i to j: how often they occur, their sum and the sum of their squares.
    often, total, square = (s[None, 1:] - s[:-1, None] for s in sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.rint(np.where(often > 0, total / often, 0))
    middle = np.where(middle == 0, np.where(total < 0, -1, 1), middle)
    error = np.where(np.arange(n)[:, None] <= np.arange(n), square - 2 * middle * total
                     + middle ** 2 * often, np.inf)

    best, cuts = error[0], []
    for _ in range(count - 1):
        ways = np.concatenate([[np.inf], best[:-1]])[:, None] + error
        cuts.append(np.argmin(ways, axis=0))
        best = np.min(ways, axis=0)
    chosen, end = set(), n - 1
    for cut in [*reversed(cuts), np.zeros(n, np.int64)]:
        start = int(cut[end])
        chosen.add(int(middle[start, end]))
        end = start - 1
    return chosen


def share_weights(weights: NDArray[np.integer], codebook: tuple[int, ...]) -> Integers:
    """Return the weights, each but 0 replaced by the nearest of a codebook."""
    weights = np.asarray(weights, np.int64)
    table = np.array(sorted(codebook))
    nearest = table[np.abs(weights[..., None] - table).argmin(axis=-1)]
    return np.where(weights == 0, 0, nearest)
