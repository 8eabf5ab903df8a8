"""The smallest multiplication that requantises every sum which an output can reach.

TensorFlow Lite Micro multiplies by 31 bits and rounds twice, so that the result is right for any
sum of 32 bits. An output of a small network reaches far fewer. For these the result is
``(sum * factor + offset) >> shift``, clamped, of a factor of few bits, so few that it is a few
adders. It is found by where the result changes, and then compared for every single sum.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arch.adder_graph import bits
from ...errors import UserError
from .factor import adders_of, multiplier_parts, sign_of

__all__ = ["ShortScaling", "find_scaling"]

Integers = NDArray[np.int64]

LARGEST_SPAN = 1 << 24
"""Sums that are compared one by one at most."""

LONGEST = 26
"""Bits of a factor at most; 21 were enough so far."""

WINDOW = 256
"""Factors of one shift that are tried, on either side."""

BEYOND = 3
"""How many more bits than the first factor that does are tried: longer ones may take fewer adders.
"""


@dataclass(frozen=True)
class ShortScaling:
    """``(value * factor + offset) >> shift``, with another offset for values below ``split``.

    Both offsets are the same where that makes no difference. Where the hardware has the negative
    product, it adds another offset to that, and inverts what comes of the shift.
    """

    factor: int
    shift: int
    offset: int
    negative_offset: int
    split: int
    sign: int
    """Of the product that the hardware has."""

    @property
    def added(self) -> tuple[int, int]:
        """What is added to the product, or to the negative product, for other values and below."""
        if self.sign > 0:
            return self.offset, self.negative_offset
        return -self.offset - 1, -self.negative_offset - 1

    @property
    def signed(self) -> bool:
        """Whether the split makes a difference."""
        return self.offset != self.negative_offset

    def cells(self, width: int, hard: bool) -> float:
        """Return how many bits its adders have for values of ``width`` bits.

        ``hard``: the chip's multiplier multiplies, and it takes no adders.
        """
        parts = multiplier_parts(self.factor) if hard else None
        adders, more = adders_of(self.factor)
        if parts:
            adders, more = (1, self.factor.bit_length() - abs(parts[2]).bit_length()) \
                if parts[2] else (0, 0)
        total = width + self.factor.bit_length()
        last = [total - zeros(offset, total) for offset in self.added]
        return adders * width + more + max(last) + self.signed * width

    def apply(self, values: Integers) -> Integers:
        """Return what becomes of values, before the clamp."""
        offsets = np.where(values < self.split, self.negative_offset, self.offset)
        return (values * self.factor + offsets) >> self.shift


@dataclass(frozen=True)
class Changes:
    """Where a rising function of sums reaches its values: what any scaling of it must meet.

    ``sum * factor + offset`` is at least ``level << shift`` for each of ``reached``, and less for
    each of ``missed``.
    """

    reached: tuple[Integers, Integers]
    missed: tuple[Integers, Integers]

    @classmethod
    def of(cls, sums: Integers, values: Integers, low: int, high: int) -> "Changes":
        """Find them; values are clamped to ``low`` and ``high``, so any beyond will do there."""
        steps = np.flatnonzero(np.diff(values))
        counts = values[steps + 1] - values[steps]
        first = np.repeat(steps + 1, counts)
        levels = values[0] + 1 + np.arange(len(first))
        reached, missed = (sums[first], levels), (sums[first - 1], levels)
        if values[0] > low:
            reached = (np.append(reached[0], sums[0]), np.append(levels, values[0]))
        if values[-1] < high:
            missed = (np.append(missed[0], sums[-1]), np.append(levels, values[-1] + 1))
        return cls(reached, missed)

    def offsets(self, factors: Integers, shift: int) -> tuple[Integers, Integers]:
        """Return the least and the greatest offset that does for each of several factors."""
        one = np.int64(1) << shift
        least = np.full(len(factors), -1 << 60)
        greatest = np.full(len(factors), 1 << 60)
        if len(self.reached[0]):
            least = (self.reached[1] * one - factors[:, None] * self.reached[0]).max(axis=1)
        if len(self.missed[0]):
            greatest = (self.missed[1] * one - 1 - factors[:, None] * self.missed[0]).min(axis=1)
        return least, greatest


def find_scaling(function: Callable[[Integers], Integers], limits: tuple[int, int], low: int,
                 high: int, ratio: float, split: int = 0, sign: int = 1,
                 hard: bool = False) -> ShortScaling:
    """Return the cheapest scaling that gives what a function gives for all integers within limits.

    Parameters
    ----------
    function : function
        From integers to integers from ``low`` to ``high``; it rises.
    limits : tuple of int
        The least and the greatest integer.
    low, high : int
        The clamp, which comes after the scaling.
    ratio : float
        How much the function rises, about.
    split : int
        The least integer for which a sum is not negative, if another offset is needed below it.
    sign : int
        -1 where the hardware has the negative integers.
    hard : bool
        Whether a multiplier of the chip multiplies.
    """
    if limits[1] - limits[0] >= LARGEST_SPAN:
        raise UserError(f"has sums from {limits[0]} to {limits[1]}, more than the {LARGEST_SPAN:,} "
                        "that are compared one by one")
    numbers = np.arange(limits[0], limits[1] + 1)
    values = function(numbers)
    if np.any(np.diff(values) < 0):
        raise UserError(f"has sums from {limits[0]} to {limits[1]}, which overflow when scaled")
    below = numbers < split
    parts = [[np.full(len(numbers), True)]]
    if below.any() and not below.all():
        parts.append([~below, below])
    found = [scaling for halves in parts
             for scaling in scalings([Changes.of(numbers[half], values[half], low, high)
                                      for half in halves], ratio, split, sign, hard)]
    width = bits(*limits)
    for scaling in sorted(found, key=lambda each: each.cells(width, hard)):
        if np.array_equal(np.clip(scaling.apply(numbers), low, high), values):
            return scaling
    raise UserError(f"has no factor of up to {LONGEST} bits that requantises all sums from "
                    f"{limits[0]} to {limits[1]}")


def scalings(changes: list[Changes], ratio: float, split: int, sign: int,
             hard: bool) -> Iterator[ShortScaling]:
    """Return the scalings of the shortest factors that meet all changes."""
    span = max([1, *(int(np.abs(numbers).max()) for each in changes
                     for numbers in (each.reached[0], each.missed[0]) if len(numbers))])
    first = None
    for length in range(1, LONGEST + 1):
        shift = length - int(np.floor(np.log2(ratio))) - 1
        if first is not None and length > first + BEYOND:
            return
        if shift < 0:
            continue
        exact = ratio * 2.0**shift
        reach = min(int(4 * exact / span) + 2, WINDOW)
        factors = np.arange(max(round(exact) - reach, 1), round(exact) + reach + 1)
        bounds = [each.offsets(factors, shift) for each in changes]
        fits = np.flatnonzero(np.all([least <= greatest for least, greatest in bounds], axis=0))
        if first is None and len(fits):
            first = length
        for index in fits:
            factor = int(factors[index])
            own = sign * (1 if hard and multiplier_parts(factor) else sign_of(factor))
            offsets = [roundest(int(least[index]), int(greatest[index]), own)
                       for least, greatest in bounds]
            yield ShortScaling(factor, shift, offsets[0], offsets[-1], split, own)


def zeros(value: int, most: int) -> int:
    """Return how many zeros an integer ends with; 0 with as many as are asked for."""
    return (value & -value).bit_length() - 1 if value else most


def roundest(low: int, high: int, sign: int) -> int:
    """Return the offset within limits for which what is added ends with most zeros."""
    if sign < 0:
        return -roundest(-high - 1, -low - 1, 1) - 1
    if low <= 0 <= high:
        return 0
    return next(value for place in range(high.bit_length() + low.bit_length(), -1, -1)
                if (value := high >> place << place) >= low)
