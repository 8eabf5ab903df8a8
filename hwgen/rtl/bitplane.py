"""The fully serial dot-product unit: bit planes of both operands, one pair of them a cycle."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from . import primitives
from ._memories import later
from ._popcount import PopulationCount

__all__ = ["GATES", "PRECISION", "BitPlane", "Tag"]

GATES = ("and", "xnor")
PRECISION = 16
"""Bits of an operand at most."""


class Tag(data.Struct):
    """What is to be done with the count of a pair of planes.

    Members
    -------
    valid : 1
        The pair counts; in a cycle without one nothing changes, so that whoever feeds the unit may
        pause whenever it likes.
    first : 1
        The sum begins anew with it.
    shift : 1
        It weighs twice as much as the pair before.
    negative : 1
        It is subtracted: one of both planes is the top one of signed numbers.
    last : 1
        The sum is ready with it.
    """

    valid: 1  # type: ignore[valid-type]
    first: 1  # type: ignore[valid-type]
    shift: 1  # type: ignore[valid-type]
    negative: 1  # type: ignore[valid-type]
    last: 1  # type: ignore[valid-type]


class BitPlane(wiring.Component):
    """Multiply vectors of numbers by their bit planes: ``a_bits * b_bits`` cycles a product.

    A plane is one bit of each of ``lanes`` numbers. In each cycle a plane of the one operand meets
    one of the other: gates multiply them lane by lane, a compressor counts the ones, and the count
    is added to the sum. Pairs come by rising weight, all of the same weight one after the other
    (:func:`hwgen.golden.bitplane.order`); vectors longer than ``lanes`` bring all their pieces of
    one pair of planes, or of one weight, one after the other. Precisions and signs are nowhere in
    the unit: the tags make them, product by product.

    The sum does not shift the counts; it moves itself. Before pairs of twice the weight are added,
    its lowest bit, which nothing can change any more, moves from the head into the tail. So after
    n shifts ``o >> (tail - n)`` is the dot product, where n is ``a_bits + b_bits - 2``. Bits below
    are left over from before.

    With the gate ``xnor`` a bit stands for +1 or -1 instead of 1 or 0, also where the lane is not
    used, and what comes out is half of the dot product, which is even.

    Parameters
    ----------
    lanes : int
        At least 2; with ``xnor`` a power of two.
    gate : str
        One of :data:`GATES`.
    family : str
        FPGA family to count for.
    precision : int
        Bits of an operand at most, 1 to :data:`PRECISION`.
    depth : int
        Of how many pieces of ``lanes`` numbers a vector is made at most.

    Members
    -------
    a, b : In(lanes)
        Two planes.
    tag : In(Tag)
    o : Out(signed(head + tail))
    o_valid : Out(1)
        The sum of a product is on ``o``, :attr:`latency` cycles after its last pair, and stays
        until after the first pair of the next one comes to it.
    """

    a: Value
    b: Value
    tag: Any
    o: Value
    o_valid: Value

    def __init__(self, lanes: int, *, gate: str = "and", family: str = "generic",
                 precision: int = PRECISION, depth: int = 64) -> None:
        for name, value, least in (("lanes", lanes, 2), ("depth", depth, 1)):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer of at least {least}, not {value!r}")
        if gate not in GATES:
            raise ValueError(f"gate must be one of {GATES}, not {gate!r}")
        if family not in primitives.FAMILIES:
            raise ValueError(f"family must be one of {primitives.FAMILIES}, not {family!r}")
        if precision not in range(1, PRECISION + 1):
            raise ValueError(f"precision must be 1 to {PRECISION}, not {precision!r}")
        if gate == "xnor" and lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two with xnor, not {lanes}")
        self.lanes = lanes
        self.gate = gate
        self.family = family
        self.precision = precision
        self.depth = depth
        super().__init__({"a": In(lanes), "b": In(lanes), "tag": In(Tag),
                          "o": Out(signed(self.head + self.tail)), "o_valid": Out(1)})

    @property
    def latency(self) -> int:
        """Cycles from the last pair of planes to the sum."""
        return self._count.latency + 1

    @property
    def _count(self) -> PopulationCount:
        return PopulationCount(self.lanes, "and" if self.gate == "and" else "xor", self.family)

    @property
    def tail(self) -> int:
        """Bits of the sum that are finished: one for each shift there can be."""
        return 2 * self.precision - 2

    @property
    def head(self) -> int:
        """Bits of the sum that counts are added to."""
        # In units of the weight under way, if all counts are as large as they can be.
        most, total = 0.0, 0.0
        for weight in range(2 * self.precision - 1):
            total = total / 2 + min(weight + 1, 2 * self.precision - 1 - weight)
            most = max(most, total)
        return int(most * self.lanes * self.depth).bit_length() + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.count = count = self._count
        xnor = self.gate == "xnor"
        tag = later(m, self.tag, count.latency - 1, "tag", reset=True)
        # With xnor the lanes are counted that differ, each of them a -1.
        m.d.comb += [count.a.eq(self.a), count.b.eq(self.b),
                     count.complement.eq(tag.negative ^ xnor)]
        tag = later(m, tag, 1, "present", reset=True)
        if xnor:
            # Half of the lanes less, so half of the sum of +1 and -1: as many lanes are twice the
            # value of the count's top bit.
            number = Cat(count.o[:-1], ~count.o[-1]).as_signed()
        else:
            number = Cat(count.o, tag.negative).as_signed()

        head = Signal(signed(self.head))
        kept = Mux(tag.first, 0, Mux(tag.shift, head >> 1, head))
        total = Signal(signed(self.head + 1))
        m.d.comb += total.eq(Cat(count.one, kept[:self.head]).as_signed()
                             + Cat(Const(1, 1), number).as_signed())
        with m.If(tag.valid):
            m.d.sync += head.eq(total[1:])
        m.d.sync += self.o_valid.eq(tag.valid & tag.last)
        tail = Signal(self.tail)
        if len(tail):
            with m.If(tag.valid & tag.shift):
                m.d.sync += tail.eq(Cat(tail, head[0])[1:])
        m.d.comb += self.o.eq(Cat(tail, head))
        return m
