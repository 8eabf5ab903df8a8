"""The 2-bit multipliers of the fusion unit: which digits they take, what they give, its weight."""

from dataclasses import dataclass
from typing import Any, Self

from amaranth import *
from amaranth.lib import data

from .. import primitives
from ..primitives.pipeline import later

__all__ = ["GROUP", "SIDE", "FusionMode", "Number", "brick", "combine", "correction", "digits",
           "tops"]

SIDE = 4
"""Bricks of a group, along each of its sides; digits of the widest number."""
GROUP = 2 * SIDE * SIDE
"""Bits of each operand that a group takes at most."""
BRICK = 9
"""The most that a brick gives."""


class FusionMode(data.Struct):
    """How the numbers of both operands are written.

    Members
    -------
    a_size, b_size : 2
        0: 2 bits, 1: 4 bits, 3: 8 bits. So the lower bit says that there are at least 4.
    a_signed, b_signed : 1
    """

    a_size: 2  # type: ignore[valid-type]
    b_size: 2  # type: ignore[valid-type]
    a_signed: 1  # type: ignore[valid-type]
    b_signed: 1  # type: ignore[valid-type]


@dataclass(frozen=True)
class Number:
    """A number without a sign, and how large it can be."""

    value: Value
    most: int

    def store(self, m: Module, name: str) -> Self:
        """Return it a cycle later, in as many bits as it needs."""
        register = Signal(self.most.bit_length(), name=name, reset_less=True)
        m.d.sync += register.eq(self.value)
        return type(self)(register, self.most)


def digits(m: Module, name: str, word: Value, other: Value) -> list[list[list[Value]]]:
    """Return the digits of one operand, a cycle later: by place in its byte, brick and group.

    Which byte of its group a brick takes depends on the other operand's size: see
    :func:`hwgen.golden.dot.fusion.byte`.
    """
    groups = len(word) // GROUP
    taken: list[list[list[Value]]] = []
    for along in range(SIDE):
        line: list[list[Value]] = [[] for _ in range(SIDE)]
        for group in range(groups):
            each = [word.word_select((byte * groups + group) * SIDE + along, 2)
                    for byte in range(SIDE)]
            upper = Mux(other[1], each[0], each[1])
            choices = [each[0], Mux(other[0], each[0], each[2]), upper,
                       Mux(other[0], upper, each[3])]
            for across, choice in enumerate(choices):
                register = Signal(2, name=f"{name}_{group}_{along}_{across}", reset_less=True)
                m.d.sync += register.eq(choice)
                line[across].append(register)
        taken.append(line)
    return taken


def tops(m: Module, name: str, size: Value, signed: Value) -> list[Value]:
    """Return, for each place of a digit, whether it is the top one of a signed number."""
    flags = Signal(SIDE, name=f"{name}_tops", reset_less=True)
    m.d.sync += flags.eq(Cat(signed & ~size[0], signed & ~size[1], signed & ~size[0], signed))
    return list(flags)


def brick(m: Module, name: str, a: Value, b: Value, a_top: Value, b_top: Value) -> Number:
    """Return the product of two digits, a cycle later, more by what :func:`correction` takes off.

    The upper bit of a top digit counts -2 instead of 2. A product of bits that is subtracted is
    inverted and added, which is too much by its weight: so all that bricks give are numbers without
    a sign, and what is too much depends on the mode alone.
    """
    upper, lower = (a[1] & b[0]) ^ a_top, (a[0] & b[1]) ^ b_top
    both, top = upper & lower, (a[1] & b[1]) ^ a_top ^ b_top
    return Number(Cat(a[0] & b[0], upper ^ lower, both ^ top, both & top), BRICK).store(m, name)


def combine(m: Module, family: str, name: str, bricks: list[list[Number]], mode: Any,
            ) -> tuple[Number, Any]:
    """Return the sum of a square of numbers, each shifted to its weight, four cycles later.

    Neighbours become one number: first two columns, then four, then two rows, then four. The mode
    comes back too, a cycle before the sum.
    """
    numbers = [bricks[row][column] for row in range(SIDE) for column in range(SIDE)]
    for level, (by, size) in enumerate([(2, 0), (4, 1), (2, 2), (4, 3)]):
        mode = later(m, mode, level > 0, f"{name}_mode_{level}")
        shift = Cat(mode.b_size, mode.a_size)[size]
        numbers = [Number(primitives.shifted_add(m, family, f"{name}_{level}_{index}_add",
                                                 low.value, high.value, by, shift),
                          low.most + (high.most << by)).store(m, f"{name}_{level}_{index}")
                   for index, (low, high) in enumerate(zip(numbers[::2], numbers[1::2],
                                                           strict=True))]
    return numbers[0], mode


def correction(mode: Any, groups: int) -> Value:
    """Return what is to be added to the sum of all that bricks give, 0 or less."""
    needed: dict[int, list[Value]] = {}
    for a_size in (0, 1, 3):
        for b_size in (0, 1, 3):
            for signs in range(1, 4):
                chosen = Cat(mode.a_size, mode.b_size, mode.a_signed, mode.b_signed) == (
                    a_size | b_size << 2 | signs << 4)
                excess = 0
                for row in range(SIDE):
                    for column in range(SIDE):
                        weight = 2 * (row & a_size) + 2 * (column & b_size)
                        a_top = signs & 1 and row & a_size == a_size
                        b_top = signs >> 1 and column & b_size == b_size
                        excess += (2 * a_top + 2 * b_top + 4 * (a_top ^ b_top)) << weight
                needed.setdefault(-groups * excess, []).append(chosen)
    width = max(-number for number in needed).bit_length() + 1
    # Gates, which synthesis keeps small; a table would become a block RAM.
    return Cat(Cat(match for number, matches in needed.items() if number >> bit & 1
                   for match in matches).any() for bit in range(width)).as_signed()
