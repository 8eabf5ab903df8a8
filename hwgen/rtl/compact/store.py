"""Store for a compact accelerator: what comes is in the memory with the next cycle."""

from amaranth import *

from ..accelerator.store import Store
from ..primitives.pipeline import at_least

__all__ = ["CompactStore"]


class CompactStore(Store):
    """As :class:`Store`, for one lane, and without registers on the way to the memory."""

    latency = 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d, tag = self.descriptor, self.tag
        width = len(self.address) + 2
        idle = Signal(init=1)
        # Where the next byte goes, and where its vector, its row and its column tile begin.
        here, vector, row, tile = (Signal(width, name=name)
                                   for name in ("here", "vector", "row", "tile"))
        advance = self.valid & (self.group == self.interval - 1)
        finish = advance & tag.tile_end & tag.final
        begin, step = Signal(width), Signal(width)
        next_vector = Signal(width)
        m.d.comb += [
            begin.eq(Mux(tag.tile_end, tile, Mux(tag.row_end, row, vector))),
            step.eq(Mux(tag.tile_end, self.columns,
                        Mux(tag.row_end, d.output_row_step, d.output_x_step))),
            next_vector.eq(begin + step),
        ]
        with m.If(idle & ~self.valid):
            m.d.sync += [register.eq(d.output) for register in (here, vector, row, tile)]
        with m.Elif(advance):
            m.d.sync += [here.eq(next_vector), vector.eq(next_vector)]
            with m.If(tag.tile_end | tag.row_end):
                m.d.sync += row.eq(next_vector)
            with m.If(tag.tile_end):
                m.d.sync += tile.eq(next_vector)
        with m.Elif(self.valid):
            m.d.sync += here.eq(here + 1)
        with m.If(self.valid):
            m.d.sync += idle.eq(finish)

        # Of the last column tile's bytes, the last ones may be none.
        wanted = self.valid & (~tag.final | (self.group < d.last_columns))
        outside = at_least(here, self.size) | d.output[width:].any()
        m.d.comb += [
            self.address.eq(here),
            self.data.eq(self.bytes),
            self.mask.eq(wanted & ~outside),
            self.error.eq(wanted & outside),
        ]
        m.d.sync += self.done.eq(finish)  # no sooner than an error with the last byte
        return m
