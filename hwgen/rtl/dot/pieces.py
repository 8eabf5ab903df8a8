"""What units share that multiply a piece of each vector every cycle: its tag, and the sum."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives

__all__ = ["DotProduct", "Piece", "accumulate", "check_parameters"]


class Piece(data.Struct):
    """What is to be done with the dot product of two pieces.

    Members
    -------
    valid : 1
        It counts; in a cycle without one nothing changes, so that whoever feeds the unit may pause
        whenever it likes.
    last : 1
        The sum is ready with it, and the next one begins anew.
    """

    valid: 1  # type: ignore[valid-type]
    last: 1  # type: ignore[valid-type]


def check_parameters(family: str, **counts: tuple[int, int]) -> None:
    """Refuse what no unit can be made with: each count comes with the least that it may be."""
    for name, (value, least) in counts.items():
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, not {value!r}")
    if family not in primitives.FAMILIES:
        raise ValueError(f"family must be one of {primitives.FAMILIES}, not {family!r}")


class DotProduct(wiring.Component):
    """What the units have in common: a tag with what comes, and sums on ``o``.

    Parameters
    ----------
    operands : dict
        The other ports.
    tag : shape
        What is to be done with what comes in this cycle.
    bits : int
        Of a sum.
    depth, family
        As those of the unit.
    """

    tag: Any
    o: Value
    o_valid: Value

    interval = 1
    """Cycles between sums at best: those of vectors that come in one cycle."""

    def __init__(self, operands: dict[str, Any], tag: Any, bits: int, depth: int,
                 family: str) -> None:
        self.depth = depth
        self.family = family
        super().__init__({**operands, "tag": In(tag), "o": Out(signed(bits)), "o_valid": Out(1)})


def accumulate(m: Module, tag: Any, number: Value, carry: Value, o: Value, o_valid: Value) -> None:
    """Add ``number + carry`` to a sum; the last one brings the sum to ``o``, a cycle later.

    The sum is zero from then on. So a number that begins a sum needs no gates that keep the last
    one out, and ``o`` stays until the next sum is ready.

    Parameters
    ----------
    m : Module
    tag : Piece
        Of the number.
    number : Value
        Signed.
    carry : Value
        A bit.
    o, o_valid : Value
        Ports of the unit.
    """
    held = Signal.like(o, name="held")
    finished = Signal.like(o, name="finished", reset_less=True)
    ready = Signal(name="ready")
    # The lowest bit makes a carry of the bit, in the chain that adds the rest.
    total = Signal(signed(len(held) + 1), name="total")
    m.d.comb += total.eq(Cat(carry, held).as_signed() + Cat(Const(1, 1), number).as_signed())
    m.d.sync += ready.eq(tag.valid & tag.last)
    with m.If(tag.valid):
        m.d.sync += held.eq(Mux(tag.last, 0, total[1:]))
        with m.If(tag.last):
            m.d.sync += finished.eq(total[1:])
    m.d.comb += [o.eq(finished), o_valid.eq(ready)]
