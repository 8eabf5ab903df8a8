"""From a layer's integers to what the lanes compute with, which have no shift to the left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...network.graph import Requantisation, Weighted
from ...network.rounding import COPY

__all__ = ["COPY", "LARGEST_LEFT", "Lanes", "lanes_of", "parts_of",
           "sum_requantisation"]

Integers = NDArray[np.int64]

LARGEST_LEFT = 10
"""A sum that is not 0 and shifted left by this saturates, whatever the multiplier."""


@dataclass(frozen=True)
class Lanes:
    """Requantisation of some channels: ``left`` is done to the sum before it reaches the lanes."""

    multiplier: Integers
    right: Integers
    left: Integers
    zero_point: int = 0
    low: int = -128
    high: int = 127


def sum_requantisation(layer: Weighted) -> Requantisation:
    """Return how the sums of a layer of the accelerator's are requantised."""
    ending = layer.requantisation
    if isinstance(ending, Requantisation):
        return ending
    raise TypeError(f"layer {layer.name!r} ({layer.operator}) puts out sums, which the host "
                    "computes")


def lanes_of(requantisation: Requantisation, channels: int, largest: Integers | int) -> Lanes:
    """Return the lanes of a layer whose sums are no further from 0 than ``largest``."""
    by = requantisation
    multiplier, shift, largest = (np.broadcast_to(np.asarray(value, np.int64), channels)
                                  for value in (by.multiplier, by.shift, largest))
    left = np.maximum(shift, 0)
    # Beyond the limit the result is the same, as long as 32 bits hold what is shifted.
    exact = (left > LARGEST_LEFT) & (multiplier >= 1 << 30) & (largest < 1 << (31 - left))
    left = np.where(exact | (multiplier == 0), np.minimum(left, LARGEST_LEFT), left)
    if np.any(left > LARGEST_LEFT):
        raise UserError(f"it multiplies its sums by 2**{int(left.max()) - 1} or more, and 32 bits "
                        "may not hold that: the scale of its output is far too small")
    return Lanes(multiplier, np.maximum(-shift, 0), left, by.zero_point, by.low, by.high)


def parts_of(weights: Integers) -> list[NDArray[np.int8]]:
    """Return int8 arrays whose sum is ``weights``, as few as there can be."""
    most = max(-(-int(weights.max(initial=0)) // 127), -(-int(-weights.min(initial=0)) // 128), 1)
    parts, rest = [], weights
    for _ in range(most):
        part = np.clip(rest, -128, 127)
        parts.append(part.astype(np.int8))
        rest = rest - part
    return parts
