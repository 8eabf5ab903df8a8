"""Accumulators with one adder per column, for small chips."""

from typing import Any

from amaranth import *

from ..accelerator.accumulators import SUM, Accumulators
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import later
from ..step import Mode

__all__ = ["CompactAccumulators"]

BYTE = 9
"""Bits that are enough to compare bytes: the difference of two."""


class Word(Ram):
    """As :class:`Ram`, of a single word: a register, which is seen in every cycle."""

    latency = 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stored = Signal(self.width, reset_less=True)
        with m.If(self.write):
            m.d.sync += stored.eq(self.write_data)
        m.d.comb += self.read_data.eq(stored)
        return m


class CompactAccumulators(Accumulators):
    """As :class:`Accumulators`, but requantised sums take the way of the values.

    Whoever gives them must leave out the cycles in which values come. A sum is read, added to and
    written within three cycles. ``maximum`` compares bytes.
    """

    ahead = 1
    latency = 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        n, kept = self._sum_and_kept(m)
        m.d.sync += self.error.eq(self.tag.value & kept & (n == self.depth))
        back = self._next_requantised(m)

        # Cycle 0: the sum is asked for; 1: it is added to; 2: it is written.
        at = Mux(self.ready, back, n[:len(back)])
        only = d.mode == Mode.SUMS  # the sum gets no value
        tag = later(m, self.tag, 1, "tag", reset=True)
        ready = later(m, self.ready, 1, "ready", reset=True)
        alone, adds, larger = (Signal(name=name, reset_less=True)
                               for name in ("alone", "adds", "larger"))
        m.d.sync += [
            alone.eq(Mux(self.ready, ~d.add_to_sums, self._alone(self.tag.first & ~only))),
            adds.eq(self.ready | ~only),
            larger.eq(d.maximum & ~self.ready & ~only),
            self.o_tag.eq(tag),
        ]
        write = Signal()
        m.d.sync += write.eq(ready | (tag.value & ~tag.last))
        row = later(m, at, 1, "row")
        kind = Ram if self.depth > 1 else Word
        rows: Any = place(m, platform, "sums", kind, SUM * self.columns, self.depth, quick=True)
        totals = []
        for c in range(self.columns):
            old = rows.read_data.word_select(c, SUM)
            value = Mux(ready, Value.cast(self.ready_sums).word_select(c, SUM),
                        Value.cast(self.values).word_select(c, SUM))
            less = (old[:BYTE].as_signed() - value[:BYTE].as_signed())[-1]
            given, replaces = Signal(SUM, name=f"given_{c}"), Signal(name=f"replaces_{c}")
            total = Signal(SUM, name=f"total_{c}", reset_less=True)
            m.d.comb += [
                replaces.eq(alone | (larger & less)),
                given.eq(value & (adds & (replaces | ~larger)).replicate(SUM)),
            ]
            m.d.sync += total.eq(Mux(replaces, given, old + given))
            totals.append(total)
        m.d.comb += [
            Value.cast(self.o).eq(Cat(totals)),
            rows.read_address.eq(at),
            rows.write_address.eq(later(m, row, 1, "late_row")),
            rows.write_data.eq(Cat(totals)),
            rows.write.eq(write),
        ]
        m.d.sync += self.done.eq(later(m, self.ready & self.ready_last, 2, "ready_last",
                                       reset=True))
        return m
