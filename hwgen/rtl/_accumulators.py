"""Accumulators: add up the values of a column tile's passes."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ._library import place
from ._memories import Ram, later
from ._step import Descriptor, Mode, Tag

__all__ = ["Accumulators"]

SUM = 32
"""Bits of a sum: as in the reference, it wraps."""


class Accumulators(wiring.Component):
    """Add up vectors of values, and keep vectors of sums.

    A sum is read, added to and written within four cycles, so that no pass may come back to the
    same sum any sooner.

    Parameters
    ----------
    columns : int
        Values of a vector.
    depth : int
        Vectors of sums.

    Members
    -------
    descriptor : In(Descriptor)
    tag : In(Tag)
    values : In(ArrayLayout(signed(32), columns))
    o_tag : Out(Tag), o : Out(ArrayLayout(signed(32), columns))
        Sums of the last pass, :attr:`latency` cycles after their last values.
    ready : In(1), ready_sums : In(ArrayLayout(signed(32), columns))
        Requantised sums that shall be stored, or added to what is stored.
    ready_last : In(1)
        They are the last ones.
    done : Out(1)
        Those are stored.
    error : Out(1)
        There are more values in a pass than vectors of sums.
    """

    descriptor: Any
    tag: Any
    values: Any
    o_tag: Any
    o: Any
    ready: Value
    ready_sums: Any
    ready_last: Value
    done: Value
    error: Value

    latency = 3

    def __init__(self, columns: int, depth: int) -> None:
        self.columns = columns
        self.depth = depth
        vector = data.ArrayLayout(signed(SUM), columns)
        super().__init__({
            "descriptor": In(Descriptor), "tag": In(Tag), "values": In(vector),
            "o_tag": Out(Tag), "o": Out(vector),
            "ready": In(1), "ready_sums": In(vector), "ready_last": In(1),
            "done": Out(1), "error": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        rows = place(m, platform, "sums", Ram, SUM * self.columns, self.depth)

        # Which sum a value belongs to: counted anew in each pass.
        following, n = Signal(range(self.depth + 1)), Signal(range(self.depth + 1))
        m.d.comb += n.eq(Mux(self.tag.start, 0, following))
        with m.If(self.tag.value):
            m.d.sync += following.eq(Mux(n == self.depth, n, n + 1))
        kept = ~self.tag.first | ~self.tag.last | d.to_sums | (d.mode == Mode.SUMS)
        m.d.sync += self.error.eq(self.tag.value & kept & (n == self.depth))

        # Requantised sums come many cycles later and are counted by themselves.
        back = Signal(range(self.depth))
        with m.If(self.ready):
            m.d.sync += back.eq(Mux(self.ready_last | (back == self.depth - 1), 0, back + 1))
        m.d.comb += rows.read_address.eq(Mux(d.to_sums & d.add_to_sums, back, n))

        tag = later(m, self.tag, 2, "tag", reset=True)
        at = later(m, n, 3, "n")
        stored = Signal(SUM * self.columns, reset_less=True)
        values = later(m, Value.cast(self.values), 2, "values")
        totals = Signal(SUM * self.columns, reset_less=True)
        m.d.sync += [stored.eq(rows.read_data), self.o_tag.eq(tag)]
        alone = Signal()  # the value is not added to anything
        only = Signal()   # the sum gets no value
        m.d.comb += [only.eq(d.mode == Mode.SUMS), alone.eq(tag.first & ~only)]
        for c in range(self.columns):
            value = values.word_select(c, SUM).as_signed()
            old = stored.word_select(c, SUM).as_signed()
            total = totals.word_select(c, SUM)
            with m.If(alone | (d.maximum & (value > old) & ~only)):
                m.d.sync += total.eq(value)
            with m.Else():
                m.d.sync += total.eq(old + Mux(only | d.maximum, 0, value))
        m.d.comb += Value.cast(self.o).eq(totals)

        late = later(m, self.ready, 2, "ready", reset=True)
        late_sums = later(m, Value.cast(self.ready_sums), 2, "ready_sums")
        ready = later(m, late, 1, "ready_again", reset=True)
        ready_sums = Signal(SUM * self.columns, reset_less=True)
        for c in range(self.columns):
            old = stored.word_select(c, SUM)
            m.d.sync += ready_sums.word_select(c, SUM).eq(
                late_sums.word_select(c, SUM) + Mux(d.add_to_sums, old, 0))
        m.d.comb += [
            rows.write_address.eq(Mux(ready, later(m, back, 3, "back"), at)),
            rows.write_data.eq(Mux(ready, ready_sums, totals)),
            rows.write.eq(ready | (self.o_tag.value & ~self.o_tag.last)),
        ]
        m.d.sync += self.done.eq(later(m, self.ready & self.ready_last, 3, "ready_last",
                                       reset=True))
        return m
