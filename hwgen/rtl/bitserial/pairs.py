"""Which plane of a vector meets which plane of the weights, in each cycle."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...arch.formats import MOST_BITS, NumberKind
from .column import Control

__all__ = ["FORMAT", "Pairs"]

FORMAT = data.StructLayout({"bits": 3, "kind": 2})
""":class:`hwgen.arch.formats.Format`: its bits less one, and its kind."""


class Pairs(wiring.Component):
    """Hold a vector, and walk all pairs of planes by falling weight, one a cycle.

    The pairs of one weight begin with the highest plane of the activations that there is, as
    :func:`hwgen.golden.bitserial.array.order` says. They begin in the cycle after the vector was
    taken; in that of the last pair the next vector may be.

    Parameters
    ----------
    rows : int
        Activations of a vector.
    pixels : int
        As many rows, the first ones, may have pixels of their own; the others have nothing then.

    Members
    -------
    ready : Out(1)
        A vector may be taken.
    take : In(1), vector : In(8 * rows), a, w : In(FORMAT)
        A vector is, and how it and its weights are written.
    activation_plane : Out(3)
        Which plane of the activations is next.
    weight_plane : Out(3), ones : Out(1)
        Which plane of the weights is next, or whether one of all ones.
    own : In(1)
        The vector under way is of such pixels.
    plane : Out(rows), control : Out(Control)
        The plane of activations that it meets, a cycle later.
    last : Out(1)
        ``weight_plane`` is the last of its vector.
    """

    ready: Value
    take: Value
    vector: Value
    a: Any
    w: Any
    activation_plane: Value
    weight_plane: Value
    ones: Value
    own: Value
    plane: Value
    control: Any
    last: Value

    latency = 2
    """Cycles from taking a vector to its first plane."""
    interval = 1
    """Cycles between vectors at best: where both sides have one bit."""

    def __init__(self, rows: int, pixels: int = 0) -> None:
        self.rows = rows
        self.pixels = pixels
        super().__init__({
            "ready": Out(1), "take": In(1), "vector": In(MOST_BITS * rows), "a": In(FORMAT),
            "w": In(FORMAT), "activation_plane": Out(3), "weight_plane": Out(3), "ones": Out(1),
            "own": In(1), "plane": Out(rows), "control": Out(Control), "last": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        vector = Signal(MOST_BITS * self.rows, reset_less=True)
        kinds: Any = Signal(data.StructLayout({"a": 2, "w": 2}), reset_less=True)
        busy, ends = Signal(), Signal()
        top_a, top_w, a, w = (Signal(3, reset_less=True, name=name)
                              for name in ("top_a", "top_w", "a_plane", "w_plane"))
        # The first pair of the weight under way.
        first_a, first_w = Signal(3, reset_less=True), Signal(3, reset_less=True)
        first, doubles = Signal(reset_less=True), Signal(reset_less=True)
        of_weight_last = (a == 0) | (w == top_w)
        next_a, next_w = Signal(3), Signal(3)
        coming_top = Mux(self.w.kind == NumberKind.BIPOLAR, 1, self.w.bits)
        m.d.comb += [self.ready.eq(~busy | ends), self.last.eq(busy & ends),
                     next_a.eq(first_a - (first_w == 0)), next_w.eq(first_w - (first_w != 0))]
        with m.If(self.take):
            m.d.sync += [
                vector.eq(self.vector), kinds.a.eq(self.a.kind), kinds.w.eq(self.w.kind),
                top_a.eq(self.a.bits), top_w.eq(coming_top), a.eq(self.a.bits), w.eq(coming_top),
                first_a.eq(self.a.bits), first_w.eq(coming_top), busy.eq(1),
                ends.eq((self.a.bits == 0) & (coming_top == 0)), first.eq(1), doubles.eq(0),
            ]
        with m.Else():
            m.d.sync += [first.eq(0), busy.eq(busy & ~ends), doubles.eq(of_weight_last)]
            with m.If(of_weight_last):
                m.d.sync += [a.eq(next_a), first_a.eq(next_a), w.eq(next_w), first_w.eq(next_w),
                             ends.eq((next_a == 0) & (next_w == 0))]
            with m.Else():
                m.d.sync += [a.eq(a - 1), w.eq(w + 1)]

        bipolar = kinds.w == NumberKind.BIPOLAR
        m.d.comb += [self.activation_plane.eq(a), self.weight_plane.eq(Mux(bipolar, 0, w)),
                     self.ones.eq(bipolar & (w == 0))]
        counts_negative = (kinds.a == NumberKind.SIGNED) & (a == top_a), \
            Mux(bipolar, w == 0, (kinds.w == NumberKind.SIGNED) & (w == top_w))
        m.d.sync += [
            self.plane.eq(Cat(vector.word_select(row, MOST_BITS).bit_select(a, 1)
                              for row in range(self.rows))),
            self.control.valid.eq(busy),
            self.control.first.eq(first),
            self.control.doubles.eq(doubles),
            self.control.negative.eq(counts_negative[0] ^ counts_negative[1]),
        ]
        with m.If(self.own):
            m.d.sync += self.plane[self.pixels:].eq(0)
        return m
