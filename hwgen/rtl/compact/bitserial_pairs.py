"""Which plane of a vector meets which plane of the weights, where formats stay for a whole step."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arch.formats import NumberKind
from ..bitserial.column import Control
from ..bitserial.pairs import FORMAT

__all__ = ["CompactPairs"]


class CompactPairs(wiring.Component):
    """Walk all pairs of planes by falling weight, one a cycle, as :class:`Pairs` does.

    They begin in the cycle after a vector was taken; in that of the last pair the next one may be.

    Members
    -------
    take : In(1), a, w : In(FORMAT)
        A vector is taken, and how it and its weights are written.
    a_plane, w_plane : Out(3), ones : Out(1)
        The pair, and whether its plane of the weights is one of all ones.
    control : Out(Control)
        What is to be done with it.
    last : Out(1)
        It is the last of its vector.
    """

    take: Value
    a: Any
    w: Any
    a_plane: Value
    w_plane: Value
    ones: Value
    control: Any
    last: Value

    latency = 1
    """Cycles from taking a vector to its first pair."""
    interval = 1
    """Cycles between vectors at best: where both sides have one bit."""

    def __init__(self) -> None:
        super().__init__({"take": In(1), "a": In(FORMAT), "w": In(FORMAT), "a_plane": Out(3),
                          "w_plane": Out(3), "ones": Out(1), "control": Out(Control),
                          "last": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        busy = Signal()
        a, w = Signal(3, reset_less=True), Signal(3, reset_less=True)
        # The first pair of the weight under way.
        first_a, first_w = Signal(3, reset_less=True), Signal(3, reset_less=True)
        first, doubles = Signal(reset_less=True), Signal(reset_less=True)
        bipolar, top_w = Signal(), Signal(3)
        ends, of_weight_last = Signal(), Signal()
        m.d.comb += [
            bipolar.eq(self.w.kind == NumberKind.BIPOLAR),
            top_w.eq(Mux(bipolar, 1, self.w.bits)),
            ends.eq(~Cat(a, w).any()),
            of_weight_last.eq((a == 0) | (w == top_w)),
        ]
        m.d.sync += [first.eq(self.take), busy.eq(self.take | (busy & ~ends)),
                     doubles.eq(of_weight_last)]
        next_a, next_w = first_a - (first_w == 0), first_w - (first_w != 0)
        with m.If(self.take):
            m.d.sync += [a.eq(self.a.bits), w.eq(top_w), first_a.eq(self.a.bits),
                         first_w.eq(top_w)]
        with m.Elif(of_weight_last):
            m.d.sync += [a.eq(next_a), w.eq(next_w), first_a.eq(next_a), first_w.eq(next_w)]
        with m.Else():
            m.d.sync += [a.eq(a - 1), w.eq(w + 1)]
        m.d.comb += [
            self.a_plane.eq(a), self.w_plane.eq(Mux(bipolar, 0, w)),
            self.ones.eq(bipolar & (w == 0)), self.last.eq(busy & ends),
            self.control.valid.eq(busy), self.control.first.eq(first),
            self.control.doubles.eq(doubles),
            self.control.negative.eq(
                ((self.a.kind == NumberKind.SIGNED) & (a == self.a.bits))
                ^ Mux(bipolar, w == 0, (self.w.kind == NumberKind.SIGNED) & (w == top_w))),
        ]
        return m
