"""What the unit of ``rtl/dot/wide.py`` computes, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..network.arithmetic import wrap

__all__ = ["dot", "latency"]


def dot(vectors: ArrayLike, weights: ArrayLike) -> NDArray[np.int64]:
    """Return the sums of (pieces, rows) numbers times (pieces, rows, columns) weights, by column.

    They are added up in 32 bits, and wrap.
    """
    a, w = np.asarray(vectors, np.int64), np.asarray(weights, np.int64)
    total = np.zeros(w.shape[-1], np.int64)
    for vector, matrix in zip(a, w, strict=True):
        total = wrap(total + vector @ matrix)
    return total


def latency(rows: Any) -> Any:
    """Return the cycles from the last piece of a vector to its sums.

    It takes numbers, and arrays of them.
    """
    _, bits = np.frexp(rows - 1)
    return 7 + bits
