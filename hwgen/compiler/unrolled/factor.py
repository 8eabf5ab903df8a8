"""Products of a number and one constant by few adders.

A table has odd factors of up to three adders: each is made of two smaller ones of its chain, as
``(high << shift) + low``, with signs. Longer ones are a step away from the table, or made digit by
digit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .build import Builder
from .matrix import Term, signed_digits

__all__ = ["OPERAND", "adders_of", "multiplier_parts", "multiply_by", "sign_of"]

LONGEST = 26
"""Bits of a factor in the table at most."""


@dataclass(frozen=True)
class Making:
    """An odd factor as ``high_sign * (high << shift) + low_sign * low``.

    ``bits`` are those of all its adders beyond the bits of the number itself.
    """

    adders: int
    bits: float
    high: int
    shift: int
    low: int
    high_sign: int
    low_sign: int


Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]
"""Factors, the bits of their adders, and how they are made: as the columns of :class:`Making`."""


class Level:
    """Odd factors of as many adders, in rising order, the best making of each."""

    def __init__(self, adders: int, parts: list[Columns]) -> None:
        factors, bits, makings = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((bits, factors))
        first = np.append(True, np.diff(factors[order]) > 0)
        chosen = order[first]
        self.adders = adders
        self.factors, self.bits, self.makings = factors[chosen], bits[chosen], makings[chosen]

    def get(self, factor: int) -> Making | None:
        """Return how a factor is made, if it is here."""
        place = int(np.searchsorted(self.factors, factor))
        if place == len(self.factors) or self.factors[place] != factor:
            return None
        return Making(self.adders, float(self.bits[place]), *map(int, self.makings[place]))


def combine(high: NDArray[np.int64], low: NDArray[np.int64], bits: NDArray[np.float64],
            ) -> list[Columns]:
    """Return what is made of two factors by one more adder; ``bits`` are those of their own."""
    made = []
    for shift in range(1, LONGEST):
        for high_sign, low_sign in ((1, 1), (1, -1), (-1, 1)):
            factors = high_sign * (high << shift) + low_sign * low
            right = (factors > 1) & (factors < 1 << LONGEST)
            every = np.ones(int(right.sum()), np.int64)
            makings = np.stack([high[right], shift * every, low[right], high_sign * every,
                                low_sign * every], axis=1)
            wider = np.maximum(np.log2(factors[right]) - shift, 0)
            made.append((factors[right], bits[right] + wider, makings))
    return made


@cache
def levels() -> list[Level]:
    """Return the odd factors of one, two and three adders."""
    one = np.ones(1, np.int64)
    first = Level(1, combine(one, one, np.zeros(1)))
    factors, bits = first.factors, first.bits
    ones = np.ones_like(factors)
    second = Level(2, [part for high, low in ((factors, ones), (ones, factors), (factors, factors))
                       for part in combine(high, low, bits)])
    # What a factor of two adders is made of is there, too, and costs nothing more.
    last, bits, ones = second.factors, second.bits, np.ones_like(second.factors)
    before = np.maximum(second.makings[:, 0], second.makings[:, 2])
    pairs = [(last, ones), (ones, last), (last, last), (last, before), (before, last)]
    third = [part for high, low in pairs for part in combine(high, low, bits)]
    both = [grid.ravel() for grid in np.meshgrid(factors, factors)]
    bits = first.bits[np.searchsorted(factors, both[0])] \
        + first.bits[np.searchsorted(factors, both[1])]
    return [first, second, Level(3, third + combine(both[0], both[1], bits))]


@cache
def in_table(factor: int) -> Making | None:
    """Return how a factor of up to three adders is made; None where it takes more."""
    return next((making for level in levels() if (making := level.get(factor))), None)


def step(factor: int, known: Callable[[int], Making | None]) -> Making | None:
    """Return how an odd factor is made of one that is known and 1, or of that one twice."""
    found = []
    for shift in range(1, factor.bit_length() + 2):
        choices = [(1, (1, -1), factor - (1 << shift)), (-1, (1,), factor + (1 << shift))]
        for high_sign, signs, rest in choices:  # 1 << shift, and the rest
            if abs(rest) > 1 and (1 if rest > 0 else -1) in signs:
                found.append((abs(rest), 1, shift, abs(rest), high_sign, 1 if rest > 0 else -1))
        for sign in (1, -1):
            rest, remainder = divmod(factor, (1 << shift) + sign)
            if not remainder and rest > 1:
                found.append((rest, rest, shift, rest, 1, sign))
            if (factor - sign) % (2 << shift) == 1 << shift and factor - sign >> shift > 1:
                rest = factor - sign >> shift
                found.append((rest, rest, shift, 1, 1, sign))
    makings = []
    for rest, high, shift, low, high_sign, low_sign in found:
        part = known(rest)
        if part is not None:
            wider = max(float(np.log2(factor)) - shift, 0)
            makings.append(Making(part.adders + 1, part.bits + wider, high, shift, low, high_sign,
                                  low_sign))
    return min(makings, key=lambda making: (making.adders, making.bits), default=None)


@cache
def making_of(factor: int) -> Making:
    """Return how an odd factor above 1 is made."""
    making = in_table(factor) or step(factor, in_table)
    if making is not None:
        return making
    place, _ = signed_digits(factor)[-1]
    rest = factor - (1 << place)
    part = making_of(abs(rest))
    return Making(part.adders + 1, part.bits, 1, place, abs(rest), 1, 1 if rest > 0 else -1)


def adders_of(factor: int) -> tuple[int, float]:
    """Return how many adders a positive factor takes, and how many more bits than its number."""
    odd = factor // (factor & -factor)
    if odd == 1:
        return 0, 0
    making = making_of(odd)
    return making.adders, making.bits


def sign_of(factor: int) -> int:
    """Return the sign of what :func:`multiply_by` makes of a term, against that of the term."""
    odd = factor // (factor & -factor)
    if odd == 1:
        return 1
    making = making_of(odd)
    high, low = making.high_sign * sign_of(making.high), making.low_sign * sign_of(making.low)
    if high == low:
        return high
    return -1 if high > 0 else 1  # see Builder.sum


OPERAND = 18
"""Bits of an operand of a chip's multiplier, with its sign."""


@cache
def multiplier_parts(factor: int) -> tuple[int, int, int] | None:
    """Return part, shift and rest, so that a factor is ``(part << shift) + rest``.

    The part fits an operand of a chip's multiplier. The rest is 0, a power of two or the negative
    of one that is no less than the shift; None where there are none such.
    """
    places = range(factor.bit_length(), 0, -1)
    for rest in (0, *(sign << place for place in places for sign in (1, -1))):
        left = factor - rest
        shift = (left & -left).bit_length() - 1
        subtracts = rest < 0 and abs(rest) < 1 << shift
        if left > 0 and left >> shift < 1 << OPERAND - 1 and not subtracts:
            return left >> shift, shift, rest
    return None


def multiply_by(builder: Builder, term: Term, factor: int) -> Term:
    """Return a term times a positive factor."""
    zeros = (factor & -factor).bit_length() - 1
    odd = factor >> zeros
    number, shift, sign = term
    if odd == 1:
        return number, shift + zeros, sign
    making = making_of(odd)
    high, low = (multiply_by(builder, (number, 0, 1), part) for part in (making.high, making.low))
    ends = [odd * end for end in builder.limits(number)]
    product, common, own = builder.sum(
        (high[0], high[1] + making.shift, high[2] * making.high_sign),
        (low[0], low[1], low[2] * making.low_sign), (ends[0], ends[1]))
    return product, common + shift + zeros, own * sign
