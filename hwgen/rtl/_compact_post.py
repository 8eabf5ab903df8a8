"""One requantisation lane for all columns, for chips where room is short."""

from typing import Any

from amaranth import *

from ._accumulators import SUM
from ._compact_accumulators import CompactAccumulators
from ._library import place
from ._memories import later
from ._step import PARAMETER_WORDS, Parameters, Tag
from .post import Lane, Post

__all__ = ["CompactPost"]


class CompactPost(Post):
    """As :class:`Post` with one lane: sums and parameters move past it, and nothing is chosen.

    ``tag_early`` is not needed.
    """

    ahead = CompactAccumulators.ahead

    @property
    def waiting(self) -> int:
        """Cycles that requantised sums wait, so that they come between the values."""
        way = CompactAccumulators.latency + 1 + Lane.wide_latency - 1 - self.ahead
        return int(way % self.columns == 0)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        arrives = self.tag.value & self.tag.last
        group, valid = Signal(range(self.columns)), Signal()
        tag: Any = Signal(Tag)
        sums = Signal(SUM * self.columns, reset_less=True)
        with m.If(arrives):
            m.d.sync += [sums.eq(self.sums), tag.eq(self.tag), group.eq(0), valid.eq(1)]
        with m.Else():
            m.d.sync += [sums.eq(sums[SUM:]), group.eq(group + 1),
                         valid.eq(valid & (group != self.columns - 1))]

        options: dict[str, Any] = {"hard": self.hard > 0}
        lane = place(m, platform, "lane", Lane, self.rounding, self.family, **options)
        m.d.comb += [
            lane.sum.eq(sums[:SUM].as_signed()),
            Value.cast(lane.parameters).eq(self._parameter_ring(m, valid)),
            lane.low.eq(d.low), lane.high.eq(d.high), lane.zero_point.eq(d.zero_point),
            self.o.eq(lane.o),
            self.o_valid.eq(later(m, valid & ~d.to_sums, Lane.latency, "valid", reset=True)),
            self.o_group.eq(later(m, group, Lane.latency, "group")),
        ]
        ends = later(m, Value.cast(tag), Lane.latency, "tag")
        m.d.comb += Value.cast(self.o_tag).eq(ends)

        # Requantised sums move in from the end, and are complete when the last one comes.
        wide = later(m, lane.wide, self.waiting, "wide")
        collected = Signal(SUM * (self.columns - 1), reset_less=True)
        m.d.sync += collected.eq(Cat(collected, wide)[SUM:])
        m.d.comb += Value.cast(self.ready_sums).eq(Cat(collected, wide))
        last = valid & d.to_sums & (group == self.columns - 1)
        come = later(m, Cat(last, tag.tile_end & tag.final),
                     Lane.wide_latency + self.waiting - self.ahead, "come", reset=True)
        m.d.comb += [self.ready.eq(come[0]), self.ready_last.eq(come[1])]
        return m

    def _parameter_ring(self, m: Module, valid: Value) -> Value:
        """Take parameters, and return those of the column whose turn it is."""
        following = [Signal(8 * PARAMETER_WORDS, name=f"following_{c}", reset_less=True)
                     for c in range(self.columns)]
        size = 68  # the rest is spare
        used = Signal(size * self.columns, reset_less=True)
        left, full = Signal(range(PARAMETER_WORDS), init=PARAMETER_WORDS - 1), Signal()
        swap = self.tag.value & self.tag.tile & full
        with m.If(swap):
            m.d.sync += full.eq(0)
        with m.If(self.word_valid):
            m.d.sync += [left.eq(Mux(left == 0, PARAMETER_WORDS - 1, left - 1)),
                         full.eq(left == 0)]
            for c in range(self.columns):
                m.d.sync += following[c].eq(Cat(following[c][8:], self.word.word_select(c, 8)))
        with m.If(swap):
            m.d.sync += used.eq(Cat(column[:size] for column in following))
        with m.Elif(valid):
            m.d.sync += used.eq(used.rotate_right(size))
        m.d.sync += self.swapped.eq(swap)
        return Cat(used[:size], Const(0, Parameters.size - size))
