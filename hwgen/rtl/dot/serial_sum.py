"""What units that take an operand bit by bit share: the tag of a bit plane, and the sum."""

from typing import Any

from amaranth import *
from amaranth.lib import data

from . import pieces as _pieces

__all__ = ["PRECISION", "Tag", "accumulate", "check_parameters"]

PRECISION = 16
"""Bits of an operand at most."""


class Tag(data.Struct):
    """What is to be done with the number that comes of a bit plane, or of a pair of planes.

    Members
    -------
    valid : 1
        The number counts; in a cycle without one nothing changes, so that whoever feeds the unit
        may pause whenever it likes.
    first : 1
        The sum begins anew with it.
    shift : 1
        It weighs twice as much as the number before.
    negative : 1
        It is subtracted: the plane is the top one of signed numbers.
    last : 1
        The sum is ready with it.
    """

    valid: 1  # type: ignore[valid-type]
    first: 1  # type: ignore[valid-type]
    shift: 1  # type: ignore[valid-type]
    negative: 1  # type: ignore[valid-type]
    last: 1  # type: ignore[valid-type]


def check_parameters(family: str, precision: int, **counts: tuple[int, int]) -> None:
    """Refuse what no unit can be made with: each count comes with the least that it may be."""
    _pieces.check_parameters(family, **counts)
    if precision not in range(1, PRECISION + 1):
        raise ValueError(f"precision must be 1 to {PRECISION}, not {precision!r}")


def accumulate(m: Module, tag: Any, number: Value, carry: Value, o: Value, o_valid: Value, *,
               tail: int) -> None:
    """Add ``number + carry`` to a sum, which is on ``o``; ``o_valid`` is a cycle after the last.

    Numbers are not shifted to their weight, which would take a shifter; the sum moves instead.
    Before numbers of twice the weight are added, its lowest bit, which nothing can change any more,
    moves from the head into the tail. So after n shifts the sum is ``o >> (tail - n)``, and bits
    below that are left over from before.

    Parameters
    ----------
    m : Module
    tag : Tag
        Of the number.
    number : Value
        Signed.
    carry : Value
        A bit.
    o, o_valid : Value
        Ports of the unit.
    tail : int
        Bits of the sum below those that numbers are added to.
    """
    head = len(o) - tail
    high = Signal(signed(head), name="head")
    low = Signal(tail, name="tail")
    kept = Mux(tag.first, 0, Mux(tag.shift, high >> 1, high))
    # The lowest bit makes a carry of the bit, in the chain that adds the rest.
    total = Signal(signed(head + 1), name="total")
    m.d.comb += total.eq(Cat(carry, kept[:head]).as_signed() + Cat(Const(1, 1), number).as_signed())
    with m.If(tag.valid):
        m.d.sync += high.eq(total[1:])
    if tail:
        with m.If(tag.valid & tag.shift):
            m.d.sync += low.eq(Cat(low, high[0])[1:])
    ready = Signal(name="ready")
    m.d.sync += ready.eq(tag.valid & tag.last)
    m.d.comb += [o.eq(Cat(low, high)), o_valid.eq(ready)]
