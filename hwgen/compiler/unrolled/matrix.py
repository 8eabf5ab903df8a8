"""Products of a vector and a constant matrix as few small adders.

Each weight is a sum of signed powers of two, in canonical form: no two neighbours are not zero. So
each output is a sum of shifted inputs, its terms. Two terms that several outputs share, shifted and
negated alike, become a node of their own, again and again: common subexpressions of two terms, as
in A. Hosangadi, F. Fallah and R. Kastner, "Reducing hardware complexity of linear DSP systems by
iteratively eliminating two-term common subexpressions" (ASP-DAC 2005).
"""

import heapq
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...arch.adder_graph import bits
from .build import Builder

__all__ = ["Term", "multiply", "signed_digits"]

Term = tuple[int, int, int]
"""A node's number, a shift to the left, and a sign: 1 or -1."""

Pattern = tuple[int, int, int, int]
"""Two nodes, how much further the second one is shifted to the left, and whether signs agree."""

SLACK = 1
"""Levels of adders that an output may have more than without shared sums."""


def signed_digits(value: int) -> list[tuple[int, int]]:
    """Return the canonical signed digits of an integer that are not 0: places and signs."""
    digits, place = [], 0
    while value:
        if value & 1:
            digit = 2 - (value & 3)
            digits.append((place, digit))
            value -= digit
        value >>= 1
        place += 1
    return digits


def multiply(builder: Builder, inputs: Sequence[int], matrix: Sequence[Sequence[int]],
             ) -> list[Term | None]:
    """Return a term for each row of a matrix: the sum of its products; None where that is 0."""
    product = SharedSums(builder, inputs, matrix)
    product.share()
    return [product.add_up(row) for row in range(len(product.rows))]


class SharedSums:
    """Outputs as sums of terms, while they are made of fewer and fewer."""

    def __init__(self, builder: Builder, inputs: Sequence[int],
                 matrix: Sequence[Sequence[int]]) -> None:
        self.builder = builder
        self.inputs = np.array([builder.limits(number) for number in inputs], object)
        self.factors: dict[int, NDArray[np.object_]] = dict(
            zip(inputs, np.eye(len(inputs), dtype=int).astype(object), strict=True))
        """Of each node, how often it has each of the inputs."""
        self.depths = dict.fromkeys(inputs, 0)
        self.rows: list[dict[tuple[int, int], int]] = [
            {(number, place): sign for number, weight in zip(inputs, row, strict=True)
             for place, sign in signed_digits(int(weight))} for row in matrix]
        self.readers: defaultdict[int, set[int]] = defaultdict(set)
        for index, terms in enumerate(self.rows):
            for number, _ in terms:
                self.readers[number].add(index)
        # A tree of depth d holds terms whose powers of two of their depths add up to 2**d.
        self.loads = [len(terms) for terms in self.rows]
        depth = max([(load - 1).bit_length() for load in self.loads if load], default=0)
        self.limit = 1 << depth + SLACK
        self.made: dict[Pattern, int] = {}
        self.counts: defaultdict[Pattern, int] = defaultdict(int)
        self.queue: list[tuple[int, Pattern]] = []

    def pattern(self, terms: dict[tuple[int, int], int], one: tuple[int, int],
                other: tuple[int, int]) -> Pattern:
        """Return what two terms of an output have in common with others like them."""
        if one > other:
            one, other = other, one
        return one[0], other[0], other[1] - one[1], terms[one] * terms[other]

    def adder(self, pattern: Pattern) -> tuple[int, int]:
        """Return the bits of a pattern's sum, and of its adder: carry chains have cells of two."""
        a, b, shift, sign = pattern
        (a_low, a_high), (b_low, b_high) = self.builder.limits(a), self.builder.limits(b)
        a_shift, b_shift = max(-shift, 0), max(shift, 0)
        low = (a_low << a_shift) + ((b_low if sign > 0 else -b_high) << b_shift)
        high = (a_high << a_shift) + ((b_high if sign > 0 else -b_low) << b_shift)
        width = bits(low, high)
        cells = width - abs(shift)
        return width, cells + cells % 2

    def operand_bits(self, pattern: Pattern) -> int:
        """Return the bits of both nodes of a pattern."""
        return self.builder.nodes[pattern[0]].bits + self.builder.nodes[pattern[1]].bits

    def gain(self, pattern: Pattern) -> int:
        """Return how many bits fewer are to be added up where a pattern is made once.

        Each bit that is left is one of an adder to come.
        """
        width, _ = self.adder(pattern)
        return self.counts[pattern] * (self.operand_bits(pattern) - width)

    def count(self, pattern: Pattern, by: int) -> None:
        """Count a pattern more or less often."""
        self.counts[pattern] += by
        if by > 0 and self.counts[pattern] > (pattern not in self.made):
            heapq.heappush(self.queue, (-self.gain(pattern), pattern))

    def share(self) -> None:
        """Make nodes of the patterns that occur several times, the best one first."""
        for terms in self.rows:
            keys = sorted(terms)
            for index, one in enumerate(keys):
                for other in keys[index + 1:]:
                    self.counts[self.pattern(terms, one, other)] += 1
        self.queue = [(-self.gain(pattern), pattern) for pattern, count in self.counts.items()
                      if count > 1]
        heapq.heapify(self.queue)
        while self.queue:
            least, pattern = heapq.heappop(self.queue)
            if self.counts[pattern] < 2 - (pattern in self.made):
                continue
            gain = self.gain(pattern)
            if gain < -least:
                heapq.heappush(self.queue, (-gain, pattern))
            elif gain > 0:
                self.replace(pattern)

    def deeper(self, pattern: Pattern) -> tuple[int, int]:
        """Return the depth of a pattern's sum, and how much it adds to an output's load."""
        one, other = self.depths[pattern[0]], self.depths[pattern[1]]
        depth = max(one, other) + 1
        return depth, (1 << depth) - (1 << one) - (1 << other)

    def occurrences(self, pattern: Pattern) -> list[tuple[int, tuple[int, int], tuple[int, int]]]:
        """Return where a pattern occurs: outputs and both terms, none of them twice."""
        a, b, shift, sign = pattern
        _, load = self.deeper(pattern)
        found = []
        for index in sorted(self.readers[a] & self.readers[b]):
            terms, room = self.rows[index], self.limit - self.loads[index]
            used: set[tuple[int, int]] = set()
            for one in sorted(key for key in terms if key[0] == a):
                other = b, one[1] + shift
                if load <= room and other in terms and terms[one] * terms[other] == sign \
                        and not used & {one, other}:
                    used |= {one, other}
                    room -= load
                    found.append((index, one, other))
        return found

    def replace(self, pattern: Pattern) -> None:
        """Make a node of a pattern, and put it where the pattern occurs."""
        found = self.occurrences(pattern)
        if len(found) < 2 - (pattern in self.made):
            self.counts[pattern] = 0  # what is left would make outputs too deep
            return
        a, b, shift, sign = pattern
        number, common, own = self.add((a, 0, 1), (b, shift, sign))
        self.made[pattern] = number
        _, load = self.deeper(pattern)
        for index, one, other in found:
            terms = self.rows[index]
            key, value = (number, one[1] + common), terms[one] * own
            if key in terms:
                continue
            self.remove(terms, one)
            self.remove(terms, other)
            others = [*terms]
            terms[key] = value
            for each in others:
                self.count(self.pattern(terms, key, each), 1)
            self.loads[index] += load
            self.readers[number].add(index)

    def remove(self, terms: dict[tuple[int, int], int], key: tuple[int, int]) -> None:
        """Take a term out of an output."""
        for other in terms:
            if other != key:
                self.counts[self.pattern(terms, key, other)] -= 1
        del terms[key]

    def add(self, left: Term, right: Term) -> Term:
        """Return the sum of two terms, whose limits are exact as long as no inputs are related."""
        shift = -min(left[1], right[1], 0)
        (a, a_shift, sign), (b, b_shift, other) = ((n, s + shift, g) for n, s, g in (left, right))
        common = min(a_shift, b_shift)
        factors = sign * (self.factors[a] << a_shift - common) \
            + other * (self.factors[b] << b_shift - common)
        ends = factors[:, None] * self.inputs
        limits = int(ends.min(axis=1).sum()), int(ends.max(axis=1).sum())
        number, _, own = self.builder.sum((a, a_shift, sign), (b, b_shift, other), limits)
        self.factors[number] = factors * own
        self.depths[number] = max(self.depths[a], self.depths[b]) + 1
        return number, common - shift, own

    def add_up(self, row: int) -> Term | None:
        """Return the sum of what is left of an output, by the adders that waste the fewest bits."""
        terms = [(number, shift, sign) for (number, shift), sign in self.rows[row].items()]
        load = self.loads[row]
        while len(terms) > 1:
            load, left, right = self.cheapest(terms, load)
            terms.append(self.add(terms[left], terms[right]))
            del terms[right], terms[left]
        return terms[0] if terms else None

    def cheapest(self, terms: Sequence[Term], load: int) -> tuple[int, int, int]:
        """Return the load of an output, and the indices of the two terms to be added next."""
        choices = []
        for i, left in enumerate(terms):
            for j, right in enumerate(terms[i + 1:], i + 1):
                pattern = left[0], right[0], right[1] - left[1], left[2] * right[2]
                width, cells = self.adder(pattern)
                _, more = self.deeper(pattern)
                if load + more <= self.limit:
                    choices.append((cells + width - self.operand_bits(pattern), more, i, j))
        _, more, i, j = min(choices)
        return load + more, i, j
