"""Accumulators: add up the values of a column tile's passes."""

from collections.abc import Callable
from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives.pipeline import later
from ..step import Descriptor, Mode, ProductDescriptor, Tag
from .factors import factors_of
from .sum_index import every_sum

__all__ = ["Accumulators"]

SUM = 32
"""Bits of a sum: as in the reference, it wraps."""

TOGETHER = 4
"""Columns whose sums share a memory, and so one place on the chip."""


Index = Callable[[Module, Any, Any, int], Value]


class Accumulators(wiring.Component):
    """Add up vectors of values, and keep vectors of sums.

    A sum is read, added to and written within :attr:`turn` cycles, so that no pass may come back to
    the same sum any sooner.

    Parameters
    ----------
    columns : int
        Values of a vector.
    depth : int
        Vectors of sums.
    family : str
        FPGA family.
    index : function
        Which sum a value belongs to: :func:`every_sum`, or :func:`strided_sum` where steps leave
        several sums a pixel.
    products : bool
        Whether steps may add to sums that one before has left, for lanes that multiply.

    Members
    -------
    descriptor : In(Descriptor)
    tag : In(Tag)
    values : In(ArrayLayout(signed(32), columns))
        :attr:`ahead` cycles after their tag, so that the sums are read meanwhile.
    o_tag : Out(Tag), o : Out(ArrayLayout(signed(32), columns))
        Sums of the last pass, :attr:`latency` cycles after their tag.
    o_tag_early : Out(Tag)
        What ``o_tag`` will be three cycles later.
    ready : In(1), ready_sums : In(ArrayLayout(signed(32), columns))
        Requantised sums that shall be stored, or added to what is stored, :attr:`ahead` cycles
        after ``ready``.
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
    o_tag_early: Any
    o: Any
    ready: Value
    ready_sums: Any
    ready_last: Value
    done: Value
    error: Value

    ahead = 3
    latency = 7
    interval = 1
    turn = 7
    failing = 2
    """Cycles from a tag to its error."""
    holds = 4
    """Cycles for which a tag wants the descriptor of a step whose sums do not come back."""

    def __init__(self, columns: int, depth: int, family: str = "generic",
                 index: Index = every_sum, *, products: bool = False) -> None:
        self.columns = columns
        self.depth = depth
        self.index = index
        self.products = products
        self.family = family
        vector = data.ArrayLayout(signed(SUM), columns)
        super().__init__({
            "descriptor": In(ProductDescriptor if products else Descriptor),
            "tag": In(Tag), "values": In(vector),
            "o_tag": Out(Tag), "o_tag_early": Out(Tag), "o": Out(vector),
            "ready": In(1), "ready_sums": In(vector), "ready_last": In(1),
            "done": Out(1), "error": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor

        n, kept = self._sum_and_kept(m)
        too_many = Signal(reset_less=True)
        m.d.sync += [too_many.eq(n == self.depth),
                     self.error.eq(later(m, self.tag.value & kept, 1, "kept") & too_many)]

        back = self._next_requantised(m)
        read = Signal(range(self.depth), reset_less=True)
        m.d.sync += read.eq(Mux(d.to_sums & d.add_to_sums, back, n))

        # Cycle 0: n; 1: read; 2 and 3: beside the memories; 4 and 5: beside the adders; 6: added
        # up; 7: chosen; 8: written.
        early = later(m, self.tag, 3, "early", reset=True)
        m.d.comb += self.o_tag_early.eq(later(m, early, 1, "next", reset=True))
        tag = later(m, self.o_tag_early, 1, "tag", reset=True)
        m.d.sync += self.o_tag.eq(later(m, tag, 1, "late", reset=True))
        at, back = later(m, n, 5, "n"), later(m, back, 5, "back")
        ready = later(m, self.ready, 5, "ready", reset=True)
        values = later(m, Value.cast(self.values), 2, "values")
        ready_sums = later(m, Value.cast(self.ready_sums), 3, "ready_sums")
        only, adds = Signal(reset_less=True), Signal(reset_less=True)
        flags, writing = Signal(4, reset_less=True), Signal(2 + len(read), reset_less=True)
        m.d.sync += [
            only.eq(d.mode == Mode.SUMS),  # the sum gets no value
            adds.eq(d.add_to_sums),
            flags.eq(Cat(self._alone(early.first & ~only),   # the value is not added to anything,
                         d.maximum & ~only,     # or replaces a smaller one,
                         ~(only | d.maximum),   # or is added;
                         adds)),                # the requantised sum is added
            writing.eq(Cat(ready, ready | (tag.value & ~tag.last), Mux(ready, back, at))),
        ]
        for low in range(0, self.columns, TOGETHER):
            self._add_columns(m, platform, low, read, writing, flags, values, ready_sums)
        m.d.sync += self.done.eq(later(m, self.ready & self.ready_last, self.latency + 1,
                                       "ready_last", reset=True))
        return m

    def _add_columns(self, m: Module, platform: object, low: int, read: Value, writing: Value,
                     flags: Value, values: Value, ready_sums: Value) -> None:
        """Add up the columns from ``low`` on whose sums share a memory."""
        columns = range(low, min(low + TOGETHER, self.columns))
        bits = slice(SUM * columns.start, SUM * columns.stop)
        rows = primitives.add_ram(m, platform, f"sums_{low}", self.family,
                                  bits.stop - bits.start, self.depth)

        def near(value: Value, name: str) -> Value:
            return primitives.local_register(m, self.family, value, f"{name}_{low}")

        where = near(writing[1:], "writing")
        stored = later(m, rows.read_data, 1, f"stored_{low}")
        was_stored = later(m, stored, 1, f"was_stored_{low}")
        requantised = Signal(len(stored), name=f"requantised_{low}", reset_less=True)
        kept = later(m, values[bits], 1, f"kept_{low}")
        totals, written = [], []
        for c in columns:
            alone, larger, added, adds_again = near(flags, f"flags_{c}")
            value = values.word_select(c, SUM).as_signed()
            old = stored.word_select(c - low, SUM).as_signed()
            # Sum and comparison are made side by side, and the choice between them last.
            total = Signal(SUM, name=f"total_{c}", reset_less=True)
            replaced = Signal(name=f"replaced_{c}", reset_less=True)
            m.d.sync += [
                total.eq(old + Mux(added, value, 0)),
                # The sign of a difference comes straight out of the carry chain.
                replaced.eq(alone | (larger & (old - value)[-1])),
                requantised.word_select(c - low, SUM).eq(
                    ready_sums.word_select(c, SUM)
                    + Mux(adds_again, was_stored.word_select(c - low, SUM), 0)),
            ]
            totals.append(Mux(replaced, kept.word_select(c - low, SUM), total))
        chosen = later(m, Cat(totals), 1, f"chosen_{low}")
        for c in columns:
            written.append(Mux(near(writing[0], f"back_again_{c}"),
                               *(row.word_select(c - low, SUM) for row in (requantised, chosen))))
        m.d.comb += [
            Value.cast(self.o)[bits].eq(chosen),
            rows.read_address.eq(near(read, "read")),
            Cat(rows.write, rows.write_address).eq(later(m, where, 1, f"where_{low}")),
            rows.write_data.eq(later(m, Cat(written), 1, f"written_{low}")),
        ]

    def _alone(self, first: Value) -> Value:
        """Return whether a value, of the ``first`` pass, is added to no sum that is there."""
        return first & ~factors_of(self.descriptor)[0] if self.products else first

    def _sum_and_kept(self, m: Module) -> tuple[Value, Value]:
        """Return which sum a value belongs to, and if it is kept there: it needs room then."""
        d, tag = self.descriptor, self.tag
        kept = ~tag.first | ~tag.last | d.to_sums | (d.mode == Mode.SUMS)
        if self.products:
            kept |= factors_of(d)[0]
        return self.index(m, tag, d, self.depth), kept

    def _next_requantised(self, m: Module) -> Value:
        """Return which requantised sum is next: they come many cycles later than values."""
        back = Signal(range(self.depth))
        with m.If(self.ready):
            m.d.sync += back.eq(Mux(self.ready_last | (back == self.depth - 1), 0, back + 1))
        return back
