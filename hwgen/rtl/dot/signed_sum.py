"""A tree that adds some numbers and subtracts others, as a sign for each of them says."""

from dataclasses import dataclass
from typing import Any

from amaranth import *

from .. import primitives
from ..primitives.pipeline import later
from .pieces import accumulate

__all__ = ["Term", "check_shape", "levels", "signed_sum", "width"]

WIDEST = 16
"""Bits of a number at most."""


@dataclass(frozen=True)
class Term:
    """A number that is added, or subtracted, or left out; all three come in the same cycle."""

    number: Value
    negative: Value
    zero: Value


def check_shape(shape: Shape) -> None:
    """Refuse numbers that no such unit takes."""
    if shape.width not in range(1, WIDEST + 1):
        raise ValueError(f"shape must have 1 to {WIDEST} bits, not {shape!r}")


def levels(lanes: int) -> int:
    """Return the levels of adders; the sum is ready two cycles more after the numbers."""
    return max(1, (lanes - 1).bit_length())


def width(number: int, lanes: int, depth: int) -> int:
    """Return the bits of the sum of ``depth`` pieces of ``lanes`` numbers of ``number`` bits.

    The lowest number may be subtracted, so the highest sum needs a bit more than the lowest one.
    """
    return (lanes * depth << (number - 1)).bit_length() + 1


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
