"""Build a graph of adders node by node, with the least and the greatest value of each."""

from collections.abc import Sequence

from ...arch import adder_graph

__all__ = ["Builder"]


class Builder:
    """The nodes of a graph that grows; equal ones are the same.

    ``dsps`` is how many multipliers of the chip are left.
    """

    def __init__(self, limits: Sequence[tuple[int, int]], dsps: int = 0) -> None:
        self.dsps = dsps
        self.nodes: list[adder_graph.GraphNode] = []
        self.numbers: dict[adder_graph.GraphNode, int] = {}
        self.inputs = [self.add(adder_graph.InputNode(low=low, high=high, index=index))
                       for index, (low, high) in enumerate(limits)]

    def add(self, node: adder_graph.GraphNode) -> int:
        """Return the number of a node, which may be there already."""
        if node.low == node.high:
            node = adder_graph.ConstantNode(low=node.low, high=node.high)
        if node not in self.numbers:
            self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[node]

    def limits(self, number: int) -> tuple[int, int]:
        """Return the least and the greatest value of a node."""
        return self.nodes[number].low, self.nodes[number].high

    def constant(self, value: int) -> int:
        """Return the number of a constant."""
        return self.add(adder_graph.ConstantNode(low=value, high=value))

    def sum(self, left: tuple[int, int, int], right: tuple[int, int, int],
            limits: tuple[int, int] | None = None) -> tuple[int, int, int]:
        """Return the sum of two terms ``(number, shift, sign)`` as such a term.

        ``limits`` are those of the sum, less the shift that it has in common, where more is known
        than the limits of both terms say.
        """
        if left[2] < right[2] or (left[2] == right[2] and left[:2] > right[:2]):
            left, right = right, left
        (a, a_shift, sign), (b, b_shift, other) = left, right
        common, minus = min(a_shift, b_shift), sign != other
        a_shift, b_shift = a_shift - common, b_shift - common
        if limits is None:
            (a_low, a_high), (b_low, b_high) = self.limits(a), self.limits(b)
            limits = ((a_low << a_shift) - (b_high << b_shift),
                      (a_high << a_shift) - (b_low << b_shift)) if minus else \
                     ((a_low << a_shift) + (b_low << b_shift),
                      (a_high << a_shift) + (b_high << b_shift))
        elif sign < 0:
            limits = -limits[1], -limits[0]
        if minus and a_shift > b_shift:  # of b - (a << shift) the lowest bits are those of b
            a, b, a_shift, b_shift, sign = b, a, b_shift, a_shift, -1
            limits = -limits[1], -limits[0]
        number = self.add(adder_graph.AdderNode(
            low=limits[0], high=limits[1], left=a, right=b, left_shift=a_shift,
            right_shift=b_shift, minus=minus))
        return number, common, sign

    def plus(self, term: tuple[int, int, int] | None, value: int) -> int:
        """Return the number of a term, of any sign and shift, plus a constant."""
        if term is None:
            return self.constant(value)
        if value == 0 and term[1:] == (0, 1):
            return term[0]
        zeros = (value & -value).bit_length() - 1 if value else 0
        return self.join(term, self.constant(value >> zeros), zeros)

    def join(self, term: tuple[int, int, int], other: int, other_shift: int = 0) -> int:
        """Return the number of a term, of any sign and shift, plus a shifted node."""
        number, shift, sign = term
        ends = [sign * end << shift for end in self.limits(number)]
        low, high = (end << other_shift for end in self.limits(other))
        low, high = low + min(ends), high + max(ends)
        if sign > 0:
            return self.add(adder_graph.AdderNode(low=low, high=high, left=number, left_shift=shift,
                                                  right=other, right_shift=other_shift))
        return self.add(adder_graph.AdderNode(
            low=low, high=high, left=other, left_shift=other_shift, right=number,
            right_shift=shift, minus=True))

    def clamp(self, number: int, shift: int, inverted: bool, low: int, high: int) -> int:
        """Return the number of a node that is shifted right, inverted, and kept within limits."""
        ends = [end >> shift for end in self.limits(number)]
        least, greatest = (~ends[1], ~ends[0]) if inverted else (ends[0], ends[1])
        return self.add(adder_graph.ClampNode(
            low=min(max(least, low), high), high=max(min(greatest, high), low), source=number,
            shift=shift, inverted=inverted))

    def product(self, number: int, factor: int) -> int:
        """Return the number of a node that a multiplier of the chip multiplies."""
        low, high = sorted(factor * end for end in self.limits(number))
        return self.add(adder_graph.MultiplierNode(
            low=low, high=high, source=number, factor=factor))

    def pick(self, test: int, negative: int, other: int) -> int:
        """Return the number of one of two constants, by the sign of a node."""
        return self.add(adder_graph.PickNode(
            low=min(negative, other), high=max(negative, other), test=test, negative=negative,
            other=other))
