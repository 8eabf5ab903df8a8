"""A tree that adds some numbers and subtracts others, as a sign for each of them says."""

from dataclasses import dataclass
from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.lib.wiring import In

from .. import primitives
from ..primitives.pipeline import later
from .pieces import DotProduct, Piece, accumulate, check_parameters

__all__ = ["SignedDotProduct", "Term", "signed_sum"]

WIDEST = 16
"""Bits of a number at most."""


@dataclass(frozen=True)
class Term:
    """A number that is added, or subtracted, or left out; all three come in the same cycle."""

    number: Value
    negative: Value
    zero: Value


class SignedDotProduct(DotProduct):
    """What the units have in common whose weights say how a number is added, if it is.

    Parameters
    ----------
    lanes : int
        At least 1.
    shape : Shape
        Of the numbers, of 1 to :data:`WIDEST` bits.
    weight : shape
        Of a weight.
    most : int
        By how many bits a number is shifted at most.
    family : str
        FPGA family to add for.
    depth : int
        Of how many pieces a vector is made at most.
    """

    a: Any
    weights: Any

    early = 0
    """Cycles before that in front of the first adders."""

    def __init__(self, lanes: int, shape: Shape, weight: Any, most: int, family: str,
                 depth: int) -> None:
        check_parameters(family, lanes=(lanes, 1), depth=(depth, 1))
        if shape.width not in range(1, WIDEST + 1):
            raise ValueError(f"shape must have 1 to {WIDEST} bits, not {shape!r}")
        self.lanes = lanes
        self.shape = shape
        self.term = signed(shape.width + (not shape.signed) + most)
        # The lowest number may be subtracted, so the highest sum needs a bit more than the lowest.
        bits = (lanes * depth << (self.term.width - 1)).bit_length() + 1
        super().__init__({"a": In(data.ArrayLayout(shape, lanes)),
                          "weights": In(data.ArrayLayout(weight, lanes))},
                         Piece, bits, depth, family)

    @property
    def latency(self) -> int:
        """Cycles from the last piece to the sum."""
        return self.early + max(1, (self.lanes - 1).bit_length()) + 2

    @property
    def numbers(self) -> list[Value]:
        """The numbers, with a sign."""
        return [number if self.shape.signed else Cat(number, Const(0, 1)).as_signed()
                for number in self.a]


def signed_sum(m: Module, family: str, lanes: list[Term], tag: Any, o: Value, o_valid: Value,
               ) -> None:
    """Add up lanes and pieces, into ``o``.

    No number is negated. An adder gives its left operand plus or minus its right one, whichever is
    right if the first lane below it counts as positive; so what is left of signs goes up the tree,
    to the accumulator. That takes one carry for each adder, and every adder has one.
    """
    numbers = [(lane.number, lane.zero) for lane in lanes]
    if len(numbers) == 1:
        numbers.append((Const(0, signed(1)), Const(1, 1)))
    signs = [lane.negative for lane in lanes] + [Const(0, 1)] * (len(lanes) == 1)
    level = 0
    while len(numbers) > 1:
        sums = [primitives.signed_add(m, family, f"level_{level}_{index}", numbers[index],
                                      numbers[index + 1], signs[index] ^ signs[index + 1])
                for index in range(0, len(numbers) - 1, 2)]
        if len(numbers) % 2:
            number, zero = numbers[-1]
            sums.append(later(m, Mux(zero, 0, number).as_signed(), 1, f"level_{level}_alone"))
        numbers = [(total, Const(0, 1)) for total in sums]
        signs = [later(m, sign, 1, f"sign_{level}_{index}") for index, sign in
                 enumerate(signs[::2])]
        level += 1
    total, sign = numbers[0][0], signs[0]
    number = Signal(total.shape(), name="number", reset_less=True)
    m.d.sync += number.eq(total ^ sign.replicate(len(total)))
    accumulate(m, later(m, tag, level + 1, "tag", reset=True), number,
               later(m, sign, 1, "sign"), o, o_valid)
