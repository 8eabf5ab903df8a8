"""Weights without a look at each one: those of a topology are a view of one number for all.

Such a view takes no memory, whatever its shape, and nothing here makes it take any. Of any other
array the functions give what NumPy's would.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_int64", "distinct_weights", "select_places", "sums_by_output"]

Integers = NDArray[np.int64]


def distinct_weights(weights: NDArray[Any]) -> NDArray[Any]:
    """Return the least array that broadcasts to ``weights``: of a view of one number, that."""
    return weights[tuple(slice(None if step else 1) for step in weights.strides)]


def as_int64(weights: NDArray[Any]) -> Integers:
    """Return the weights as int64."""
    return np.broadcast_to(distinct_weights(weights).astype(np.int64), weights.shape)


def select_places(weights: NDArray[Any], mask: NDArray[np.bool_], axis: int) -> NDArray[Any]:
    """Return those of some places along an axis."""
    return weights if mask.all() else np.compress(mask, weights, axis)


def sums_by_output(weights: Integers) -> Integers:
    """Return the sum of the weights of each place along the first axis."""
    few = distinct_weights(weights)
    alike = weights[:1].size // few[:1].size if weights.size else 0
    return np.broadcast_to(few.reshape(len(few), -1).sum(axis=1) * alike, len(weights))
