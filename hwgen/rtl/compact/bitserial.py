"""The bit-serial array for small chips, where formats stay for a whole step."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arch.formats import GROUP, MOST_BITS, NumberKind
from ..bitserial.array import BitSerial
from ..bitserial.column import Control
from ..bitserial.pairs import FORMAT
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import later

__all__ = ["CompactBitSerial", "CompactPairs"]

TILES = 2
"""Bits that number the tiles whose planes are kept: those of a tile come from the very cycle on in
which the last pair of the one before the last is read, so that two would not do."""


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


class CompactBitSerial(BitSerial):
    """Equal to :class:`BitSerial`, but for when its sums come, and without windows.

    Planes of weights are in block RAMs, where the columns lie side by side. It takes what comes:
    weights of a tile must be complete when its first vector comes, a vector no sooner than the one
    before is done, and formats stay while there is anything under way.
    """

    latency = 3
    """Cycles from a vector's transfer to its sums, besides one for each pair of planes."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        vectors, weights = self.activations, self.weights
        m.submodules.pairs = pairs = CompactPairs()
        vector = Signal(MOST_BITS * self.rows, reset_less=True)
        fresh, in_use = Signal(init=1), Signal(TILES, init=-1)
        m.d.comb += [vectors.ready.eq(1), weights.ready.eq(1), self.ending.eq(pairs.last),
                     pairs.take.eq(vectors.valid), pairs.a.eq(vectors.p.format),
                     pairs.w.eq(weights.p.format)]
        with m.If(vectors.valid):
            m.d.sync += [vector.eq(Value.cast(vectors.p.vector)), fresh.eq(vectors.p.last),
                         in_use.eq(in_use + fresh)]
        plane = Signal(self.rows, reset_less=True)
        m.d.sync += plane.eq(Cat(vector.word_select(row, MOST_BITS).bit_select(pairs.a_plane, 1)
                                 for row in range(self.rows)))
        met = self._weights(m, platform, Cat(pairs.w_plane, in_use))
        ones = later(m, pairs.ones, 1, "ones")

        now: Any = later(m, pairs.control, 1, "control", reset=True)
        late: Any = later(m, now, 1, "counted", reset=True)
        for column in range(self.columns):
            counted = [plane[row] & (met[row][column] | ones) for row in range(self.rows)]
            while len(counted) > 1:
                counted = [sum(counted[i + 1:i + 2], counted[i])
                           for i in range(0, len(counted), 2)]
            number = Signal(Shape(len(counted[0]) + 1, True), name=f"number_{column}",
                            reset_less=True)
            m.d.sync += number.eq(counted[0] ^ now.negative.replicate(len(number)))
            total = Signal(self.sums, name=f"total_{column}", reset_less=True)
            kept = Signal(self.sums, name=f"kept_{column}")
            added = Signal(Shape(self.sums.width + 1, True), name=f"added_{column}")
            m.d.comb += [
                kept.eq(Mux(late.first, 0, Mux(late.doubles, total << 1, total))),
                # The lowest bit makes a carry of the bit, in the chain that adds the rest.
                added.eq(Cat(late.negative, kept).as_signed()
                         + Cat(Const(1, 1), number).as_signed()),
                self.o.payload[column].eq(total),
            ]
            with m.If(late.valid):
                m.d.sync += total.eq(added[1:])
        m.d.comb += self.o.valid.eq(later(m, pairs.last, self.latency, "produces", reset=True))
        return m

    def _weights(self, m: Module, platform: object, read_at: Value) -> list[list[Value]]:
        """Keep planes of two tiles; return the bit of each row and column, a cycle later."""
        weights = self.weights
        tile, plane = Signal(TILES), Signal(3)
        group = Signal(range(max(self.groups, 2)))
        with m.If(weights.valid):
            end_of_plane = group == self.groups - 1
            complete = end_of_plane & (plane == weights.p.format.bits)
            m.d.sync += [group.eq(Mux(end_of_plane, 0, group + 1)), tile.eq(tile + complete)]
            with m.If(end_of_plane):
                m.d.sync += plane.eq(Mux(complete, 0, plane + 1))
        met: list[list[Value]] = []
        for index in range(self.groups):
            rows = min(self.rows - index * GROUP, GROUP)
            ram: Any = place(m, platform, f"planes_{index}", Ram, rows * self.columns,
                             MOST_BITS << TILES, quick=True)
            m.d.comb += [
                ram.read_address.eq(read_at),
                ram.write_address.eq(Cat(plane, tile)),
                ram.write_data.eq(Cat(word[:rows] for word in weights.p.word)),
                ram.write.eq(weights.valid & (group == index)),
            ]
            met += [[ram.read_data[column * rows + row] for column in range(self.columns)]
                    for row in range(rows)]
        return met
