"""The bit-serial array for small chips."""

from typing import Any

from amaranth import *

from ...arch.formats import GROUP, MOST_BITS
from ..bitserial.array import BitSerial
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import later
from .bitserial_pairs import CompactPairs

__all__ = ["CompactBitSerial"]

TILES = 2
"""Bits that number the tiles whose planes are kept: those of a tile come from the very cycle on in
which the last pair of the one before the last is read, so that two would not do."""


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
