"""One requantisation lane for all columns, for small chips."""

from typing import Any

from amaranth import *

from .. import primitives
from ..accelerator.factors import factors_of
from ..accelerator.lane_product import HALF, SUM
from ..accelerator.post import Lane, Post
from ..primitives.library import place
from ..primitives.pipeline import later
from ..step import Parameters, Tag
from .accumulators import CompactAccumulators

__all__ = ["AddingLane", "CompactLane", "CompactPost"]


class CompactLane(Lane):
    """As :class:`Lane`, without registers behind sums, and before what never changes."""

    biasing = comparing = 0
    wide_latency = Lane.wide_latency - Lane.biasing
    latency = Lane.latency - Lane.biasing - Lane.comparing

    def _near(self, m: Module, value: Value, name: str) -> Value:
        return value


class AddingLane(CompactLane):
    """Equal to :class:`CompactLane`; most of its adders, and a cycle, are those of DSP blocks.

    They round the product, too. In the cycle that this saves the last shifts are apart.
    """

    multiplying = CompactLane.multiplying - 1

    def _round(self, m: Module, platform: object, x: Value, y: Value, shift: Value,
               ) -> tuple[Value, Value, Value]:
        tflm = self.rounding == "tflm"
        kind: Any = primitives.long_multiplier(self.family)
        low, high = (place(m, platform, name, kind, *options) for name, options in (
            ("low", (HALF, 0)), ("high", (len(y) - HALF, tflm << (HALF - 2), y.shape().signed))))
        m.d.comb += [low.a.eq(x), low.b.eq(y), high.a.eq(x), high.b.eq(y[HALF:])]
        product = Signal(signed(SUM + len(y)), reset_less=True)
        m.d.sync += product.eq(low.p + (high.p << HALF))
        half, some = self._half(m, shift), Signal()
        if tflm:
            some = later(m, shift.any(), 1, "some")
        elif self.rounding == "single":
            m.d.comb += some.eq(1)
        else:
            shift = later(m, shift, 1, "rounded_by")
            m.d.comb += some.eq(product[:2 * HALF - 2].any()
                                | (product[2 * HALF - 1:] >> shift)[0])
        return product[2 * HALF - 2 + tflm:].as_signed(), half, some

    def _divide(self, m: Module, nudged: Value, shift: Value) -> Signal:
        coarse, medium = (Signal.like(nudged, name=name, reset_less=True)
                          for name in ("coarse", "medium"))
        fine = Signal(signed(SUM), reset_less=True)
        last = later(m, shift[:3], 1, "medium_by")
        m.d.sync += [
            coarse.eq((nudged >> (self.rounding != "tflm")) >> (shift & 0b11000)),
            medium.eq(coarse >> (last & 0b110)),
            fine.eq(medium >> later(m, last[0], 1, "fine_by")),
        ]
        return fine


class CompactPost(Post):
    """As :class:`Post` with one lane: sums and parameters move past it, and nothing is chosen.

    ``tag_early`` is not needed.
    """

    ahead = CompactAccumulators.ahead
    latency = 1 + CompactLane.latency
    """Cycles from the sums of a vector to its first byte."""

    @property
    def waiting(self) -> int:
        """Cycles that requantised sums wait, so that they come between the values.

        Those are as many cycles apart as there are columns, or pairs of planes; eleven pairs there
        never are.
        """
        way = CompactAccumulators.latency + 1 + CompactLane.wide_latency - 1 - self.ahead
        return int((way + 1) % self.columns != 0)

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

        ends_tile = valid & (group == self.columns - 1) & tag.tile_end
        adds = self.hard > 0 and primitives.long_multiplier(self.family) is not None
        lane: Any = place(m, platform, "lane", AddingLane if adds else CompactLane, self.rounding,
                          self.family, hard=self.hard > 0, products=self.products)
        if self.products:
            m.d.comb += Value.cast(lane.factors).eq(factors_of(d))
        m.d.comb += [
            lane.sum.eq(sums[:SUM].as_signed()),
            Value.cast(lane.parameters).eq(self._parameter_ring(m, valid, ends_tile)),
            lane.low.eq(d.low), lane.high.eq(d.high), lane.zero_point.eq(d.zero_point),
            self.o.eq(lane.o),
            self.o_valid.eq(later(m, valid & ~d.to_sums, CompactLane.latency, "valid", reset=True)),
        ]
        # The bytes of a vector come one behind the other.
        with m.If(self.o_valid):
            m.d.sync += self.o_group.eq(Mux(self.o_group == self.columns - 1, 0, self.o_group + 1))
        ends = later(m, Value.cast(tag), CompactLane.latency, "tag")
        m.d.comb += Value.cast(self.o_tag).eq(ends)

        # Requantised sums move in from the end, and are complete when the last one comes.
        wide = later(m, lane.wide, self.waiting, "wide")
        collected = Signal(SUM * (self.columns - 1), reset_less=True)
        m.d.sync += collected.eq(Cat(collected, wide)[SUM:])
        m.d.comb += Value.cast(self.ready_sums).eq(Cat(collected, wide))
        last = valid & d.to_sums & (group == self.columns - 1)
        come = later(m, Cat(last, tag.tile_end & tag.final),
                     CompactLane.wide_latency + self.waiting - self.ahead, "come", reset=True)
        m.d.comb += [self.ready.eq(come[0]), self.ready_last.eq(come[1])]
        return m

    def _parameter_ring(self, m: Module, valid: Value, finished: Value) -> Value:
        """Take parameters when the ones before are no longer needed; return a column's in turn."""
        used = Signal(Parameters.size * self.columns, reset_less=True)
        columns = [used.word_select(c, Parameters.size) for c in range(self.columns)]
        with m.If(self.word_valid):
            m.d.sync += used.eq(Cat(Cat(column[8:], self.word.word_select(c, 8))
                                    for c, column in enumerate(columns)))
        with m.Elif(valid):
            m.d.sync += used.eq(used.rotate_right(Parameters.size))
        m.d.sync += self.swapped.eq(finished)
        return columns[0]
