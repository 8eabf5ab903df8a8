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

__all__ = ["importance", "least_squares", "moments", "rounded"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

DAMPING = 0.01
"""Added to the diagonal, in parts of its mean: what few calibration inputs say nothing about shall
stay as it is."""


def moments(vectors: NDArray[np.integer], *, fixed_bias: bool = False) -> Floats:
    """Return H of vectors, (vectors, taps), and of the bias, last.

    A fixed bias has nothing to do with the weights, so that nothing moves it.
    """
    x = np.column_stack([vectors, np.ones(len(vectors))]).astype(np.float64)
    products = x.T @ x / len(x)
    taps = np.arange(len(products) - 1)
    products[taps, taps] += DAMPING * products[taps, taps].mean() + 1e-6
    if fixed_bias:
        products[-1] = products[:, -1] = 0
        products[-1, -1] = 1
    return products


def importance(row: Floats, kept: Mask, hessian: Floats, inverse: Floats) -> Floats:
    """Return what the loss grows by without each weight that is kept; 0 of the others.

    ``row`` has the bias last, which ``kept`` has no place for. ``inverse`` is that of the whole of
    H, which saves inverting it for each row that has lost nothing yet.
    """
    left = np.append(kept, True)
    if not kept.all():
        inverse = np.linalg.inv(hessian[np.ix_(left, left)])
    best = inverse @ (hessian[left] @ row)
    result = np.zeros(len(kept))
    result[kept] = (best ** 2 / np.diagonal(inverse))[:-1]
    return result


def least_squares(row: Floats, kept: Mask, hessian: Floats, wanted: Floats) -> tuple[Floats,
                                                                                    Floats]:
    """Return the best weights and bias for what is kept, and the inverse of H there.

    ``wanted`` is what the sums shall be but for those of the row itself, times the vectors: 0, or
    more where the vectors are no longer those that the row was made for.
    """
    left = np.append(kept, True)
    inverse = np.linalg.inv(hessian[np.ix_(left, left)])
    return inverse @ (hessian[left] @ row + wanted[left]), inverse


def rounded(best: Floats, inverse: Floats, nearest: Callable[[float], float]) -> Floats:
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
