"""Fetch for a compact accelerator: a vector comes in the cycle behind its event."""

from typing import Any

from amaranth import *

from ..accelerator.fetch import Fetch
from ..primitives.pipeline import at_least, later
from ..step import Mode
from .accumulators import CompactAccumulators

__all__ = ["CompactFetch"]


class CompactFetch(Fetch):
    """As :class:`Fetch`, for one line at most, and without registers on the way."""

    ahead = CompactAccumulators.ahead

    @property
    def latency(self) -> int:
        """Cycles from an event to its vector."""
        return self.memory_latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        position: Any = self._loops(m, self.event)
        offset, row = position.offset, position.row
        address = Signal.like(offset, name="address")
        inside = Signal(Shape(len(offset) + 1, True))
        m.d.comb += [address.eq(position.base + offset), inside.eq(d.row_bytes - offset),
                     self.address.eq(address)]
        # Bytes between the row's begin and `inside` are in the row, if that is inside the image.
        of_row = Signal()
        m.d.comb += of_row.eq((row >= 0) & (row < d.height))
        bytes_inside = Cat(_not_negative(offset, i) & _is_above(inside, i)
                           for i in range(self.window))
        masks = Signal(self.window)
        m.d.sync += masks.eq(bytes_inside & of_row.replicate(self.window))
        reading = self.event.valid & (d.mode != Mode.SUMS)
        outside = at_least(address, self.size) | (address < 0)
        m.d.sync += self.error.eq(reading & outside & bytes_inside[0] & of_row)

        early = later(m, self.event, self.latency - self.ahead, "early", reset=True)
        m.d.comb += [
            self.early.eq(early),
            self.o.eq(later(m, early, self.ahead, "event", reset=True)),
            self.vector.eq(Cat(
                Mux(masks[i], self.bytes.word_select(i, 8), d.pad.as_unsigned())
                for i in range(self.window))),
            self.next_vector.eq(0),  # nobody could see it a cycle earlier
            Value.cast(self.pixels).eq(self.vector),
        ]
        return m


    def _loops(self, m: Module, event: Any) -> Any:
        """Follow the loops, as in :class:`Fetch`.

        Only one of those outside the pass moves at a time, and so one adder serves them all.
        """
        d = self.descriptor
        step_piece, step_x, step_y, step_tile = self._steps(m)
        idle = Signal(init=1)  # no step: the first pass begins where the descriptor says
        with m.If(event.valid):
            m.d.sync += idle.eq(event.last & event.tag.tile_end & event.tag.final)
        start = idle & ~event.valid

        # Where the next pass begins, and where its loops outside began.
        width, places = self._places()
        following: Any = Signal(places, reset_less=True)
        of_x, of_tile = (Signal(width, name=name, reset_less=True) for name in ("of_x", "of_tile"))
        begun, by, offset = (Signal(width, name=name) for name in ("begun", "by", "offset"))
        m.d.comb += [
            begun.eq(Mux(step_piece, following.offset, Mux(step_x, of_x, of_tile))),
            by.eq(Mux(step_piece, d.piece_step, Mux(step_x, d.taps_x_step, d.tile_step))),
            offset.eq(Mux(start, d.offset, Mux(step_y, of_tile, begun + by))),
        ]
        with m.If(start | step_piece | step_x | step_y | step_tile):
            m.d.sync += following.offset.eq(offset)
        with m.If(start | step_x | step_y | step_tile):
            m.d.sync += of_x.eq(offset)
        with m.If(start | step_tile):
            m.d.sync += of_tile.eq(offset)
        with m.If(start | step_y | step_tile):
            m.d.sync += [
                following.row.eq(Mux(step_y, following.row + d.taps_y_step, d.row0)),
                following.base.eq(Mux(step_y, following.base + d.taps_y_step_bytes, d.base)),
            ]

        # Where the next vector is, and where its row began.
        here: Any = Signal(places, reset_less=True)
        of_pass, begin = Signal(width, reset_less=True), Signal(width)
        used: Any = Signal(places)
        m.d.comb += [
            used.eq(Mux(event.slot, Value.cast(following), Value.cast(here))),
            begin.eq(Mux(event.slot, following.offset, of_pass)),
        ]
        with m.If(event.valid):
            m.d.sync += [
                of_pass.eq(begin),
                here.offset.eq(Mux(event.row_end, begin, used.offset + d.x_step)),
                here.row.eq(used.row + Mux(event.row_end, d.row_step, 0)),
                here.base.eq(used.base + Mux(event.row_end, d.row_step_bytes, 0)),
            ]
        return used


def _not_negative(offset: Value, small: int) -> Value:
    """Return whether ``offset + small`` is not negative, without adding them."""
    bits = max(small.bit_length(), 1)
    return ~offset[-1] | (offset[bits:-1].all() & (offset[:bits] >= (1 << bits) - small))


def _is_above(value: Value, small: int) -> Value:
    """Return whether a number with a sign is above a small one, without a long chain of carries."""
    bits = max(small.bit_length(), 1)
    return ~value[-1] & (value[bits:-1].any() | (value[:bits] > small))
