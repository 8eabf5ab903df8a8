"""Biases that are no whole number of a layer's sums: weights that are multiplied until one is near.

An accelerator adds whole numbers to its sums. A file may add anything, so what a step of the sums
is worth decides how near it comes. With weights k times as large a step is worth a k-th.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["OFF", "are_whole", "closest", "finest"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

WEIGHTS = 127
"""The largest weight that a byte holds with either sign."""

TIE = 1e-5
"""How near to half-way between two results is half-way: float32 does not tell them apart."""

NEAR, OFF = 2.0 ** -10, 2.0 ** -8
"""Parts of a step of the output: a bias that is off by the first is near enough, and one that is
off by the second is not worth weights of more bytes."""

PARTS = 8
"""Bytes that a weight is split into at most so that a bias is near enough."""


def are_whole(bias: Floats) -> bool:
    """Return whether all biases, in steps of their sums, are whole numbers to float32."""
    return bool(np.all(np.abs(bias - np.rint(bias)) <= np.abs(bias) * 2.0 ** -20))


def finest(x: Integers, gain: Floats, bias: Floats, ends: tuple[int, int],
           ) -> tuple[Integers, Floats]:
    """Return weight and bias of each channel by which ``gain * x + bias`` rounds as it shall.

    ``x`` are all integers that there can be; ``gain`` and ``bias`` are in steps of the output,
    whose values from ``ends[0]`` to ``ends[1]`` matter. With a weight w and an integer b all
    results are ``gain * b / w - bias`` too large. So each is rounded the right way where that
    keeps every x on its side of the half-way points, and the farther from them the better.
    """
    weights = np.repeat(np.arange(WEIGHTS, 0, -1), 2)
    found = []
    for one, offset in zip(gain, bias, strict=True):
        biases = np.floor(offset / abs(one) * weights) + np.arange(len(weights)) % 2
        error = abs(one) * biases / weights - offset
        results = one * x + offset + 0.5
        above = results - np.floor(results)
        counts = (results > ends[0] - 1) & (results < ends[1] + 2) \
            & (above > TIE) & (above < 1 - TIE)
        down, up = (above[counts].min(), 1 - above[counts].max()) if counts.any() else (1.0, 1.0)
        best = int(np.argmax(np.minimum(down + error, up - error)))
        found.append((weights[best], biases[best]))
    chosen = np.array(found).T
    return chosen[0].astype(np.int64), chosen[1]


def closest(largest: Integers, ratio: Floats, bias: Floats) -> Integers:
    """Return by how much to multiply the weights of each channel so that its bias is near enough.

    ``largest`` are the largest weights, ``ratio`` is what a sum is worth in steps of the output,
    and ``bias`` is in sums. More bytes for a weight are taken only where fewer do not do.
    """
    for parts in range(max(-(-int(largest.max(initial=0)) // WEIGHTS), 1), PARTS + 1):
        times = np.arange(1, max(WEIGHTS * parts // max(int(largest.min(initial=1)), 1), 1) + 1)
        exact = bias[:, None] * times
        off = np.abs(exact - np.rint(exact)) / times * ratio[:, None]
        off[:, 1:][times[1:] * largest[:, None] > WEIGHTS * parts] = np.inf
        near = off <= NEAR
        if np.all(off.min(axis=1) <= OFF):
            break
    return times[np.where(near.any(axis=1), near.argmax(axis=1), off.argmin(axis=1))]
