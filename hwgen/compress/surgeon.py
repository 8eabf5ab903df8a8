"""Optimal brain surgery on one layer: which weights go, and what the others become for it.

A row of weights w, its bias the last of them, gives sums ``x @ w`` of vectors x, the last element
of which is 1. With ``H``, the mean of ``x x^T`` over the calibration inputs, weights w + d differ
in their sums by ``d^T H d`` in the mean square. Under the condition that only the weights S are
left, the best of them solve a system of equations of H's rows and columns S; and without weight i
the loss grows by ``w_i^2 / (H_SS^-1)_ii``. Rows do not depend on one another.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Mask", "Moments", "importance", "least_squares", "round_weights"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DAMPING = 0.01
"""Added to the diagonal, in parts of its mean: what few calibration inputs say nothing about shall
stay as it is."""


class Moments:
    """H of vectors, (vectors, taps), and of the bias, last.

    A fixed bias has nothing to do with the weights, so that nothing moves it.

    Members
    -------
    matrix : array
        H.
    """

    def __init__(self, vectors: NDArray[np.integer], *, fixed_bias: bool = False) -> None:
        x = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
        self.matrix = x.T @ x / len(x)
        taps = np.arange(len(self.matrix) - 1)
        self.damping = DAMPING * self.matrix[taps, taps].mean() + 1e-6
        self.matrix[taps, taps] += self.damping
        if fixed_bias:
            self.matrix[-1] = self.matrix[:, -1] = 0
            self.matrix[-1, -1] = 1
        self._few: Floats | None = None
        if 2 * len(x) < len(taps):
            self._few = (x[:, :-1] - self.matrix[-1, :-1]) / np.sqrt(len(x))

    def inverse(self, left: Mask) -> Floats:
        """Return the inverse of the rows and columns that are left, the bias among them.

        Without the bias these are a multiple of 1 and as many products as there were vectors:
        where that is few, it takes the inverse of few rows (Woodbury), and not of all taps.
        """
        if self._few is None:
            return np.linalg.inv(self.matrix[np.ix_(left, left)]).astype(np.float64)
        few, means = self._few[:, left[:-1]], self.matrix[-1, :-1][left[:-1]]
        inner = np.linalg.inv(few @ few.T + self.damping * np.eye(len(few)))
        result = np.empty((len(means) + 1, len(means) + 1))
        of_taps = result[:-1, :-1] = (np.eye(len(means)) - few.T @ inner @ few) / self.damping
        result[-1, :-1] = result[:-1, -1] = -of_taps @ means
        result[-1, -1] = 1 + means @ of_taps @ means
        return result


def importance(row: Floats, kept: Mask, moments: Moments, inverse: Floats) -> Floats:
    """Return what the loss grows by without each weight that is kept; 0 of the others.

    ``row`` has the bias last, which ``kept`` has no place for. ``inverse`` is that of the whole of
    H, which saves inverting it for each row that has lost nothing yet.
    """
    left = np.append(kept, True)
    if not kept.all():
        inverse = moments.inverse(left)
    best = inverse @ (moments.matrix[left] @ row)
    result = np.zeros(len(kept))
    result[kept] = (best ** 2 / np.diagonal(inverse))[:-1]
    return result


def least_squares(row: Floats, kept: Mask, moments: Moments,
                  wanted: Floats) -> tuple[Floats, Floats]:
    """Return the best weights and bias for what is kept, and the inverse of H there.

    ``wanted`` is what the sums shall be but for those of the row itself, times the vectors: 0, or
    more where the vectors are no longer those that the row was made for.
    """
    left = np.append(kept, True)
    inverse = moments.inverse(left)
    return inverse @ (moments.matrix[left] @ row + wanted[left]), inverse


def round_weights(best: Floats, inverse: Floats, nearest: Callable[[float], float]) -> Floats:
    """Return weights on a grid, one after the other; those to come make up for its rounding.

    The bias is the last, and an integer.
    """
    # Row i of U is that of the inverse when the weights before i are fixed, over its root.
    upper = np.linalg.cholesky(inverse).T
    values, result = best.copy(), np.empty(len(best))
    for index in range(len(best)):
        last = index == len(best) - 1
        result[index] = np.rint(values[index]) if last else nearest(values[index])
        error = (values[index] - result[index]) / upper[index, index]
        values[index + 1:] -= error * upper[index, index + 1:]
    return result
