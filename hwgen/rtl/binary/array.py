"""Columns that count products of -1 and 1, each with its sum."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..primitives.library import place
from ..primitives.pipeline import later
from .step import WORD

__all__ = ["SUM", "BinaryArray"]

SUM = 16
"""Bits of a sum; it wraps."""
BYTE = 8


class Column(wiring.Component):
    """Add to a sum twice the number of rows whose input and weight are equal.

    Parameters
    ----------
    rows : int

    Members
    -------
    positive : In(rows)
        Which inputs are 1, and not -1.
    byte : In(8)
        Of the program memory: weights, the first row's lowest, or a byte to start from.
    low, high : In(1)
        The sum gets that byte.
    count : In(1)
        The sum gets what there is to be added for the inputs of the cycle before.
    total : Out(signed(16))
        What it is to become then.
    """

    positive: Value
    byte: Value
    low: Value
    high: Value
    count: Value
    total: Value

    latency = 1
    interval = 1

    def __init__(self, rows: int) -> None:
        self.rows = rows
        super().__init__({"positive": In(rows), "byte": In(BYTE), "low": In(1), "high": In(1),
                          "count": In(1), "total": Out(signed(SUM))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        equal = [self.positive[row] == self.byte[row] for row in range(self.rows)]
        while len(equal) > 1:
            equal = [sum(equal[i + 1:i + 2], equal[i]) for i in range(0, len(equal), 2)]
        equals = Signal(range(self.rows + 1), reset_less=True)
        m.d.sync += equals.eq(equal[0])
        stored = Signal(SUM, reset_less=True)
        m.d.comb += self.total.eq(Cat(stored[0], stored[1:] + equals))
        with m.If(self.count):
            m.d.sync += stored.eq(self.total)
        with m.If(self.low):
            m.d.sync += stored[:BYTE].eq(self.byte)
        with m.If(self.high):
            m.d.sync += stored[BYTE:].eq(self.byte)
        return m


class BinaryArray(wiring.Component):
    """Sums of a column tile, of a word of the program memory a cycle.

    Parameters
    ----------
    rows, columns : int

    Members
    -------
    kind : In(WORD)
        What the word is.
    word : In(8 * columns)
    positive : In(rows)
        Which inputs are 1, and not -1.
    o : Out(ArrayLayout(signed(16), columns)), valid, final : Out(1)
        The sums of a column tile, in the cycle after its last word, and whether it is the last.
    """

    kind: Any
    word: Value
    positive: Value
    o: Any
    valid: Value
    final: Value

    latency = 1
    """Cycles from the last word of a column tile to its sums."""
    interval = 1
    """Cycles between words; a column tile has as many as it has pieces of inputs."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows = rows
        self.columns = columns
        super().__init__({"kind": In(WORD), "word": In(BYTE * columns), "positive": In(rows),
                          "o": Out(data.ArrayLayout(signed(SUM), columns)), "valid": Out(1),
                          "final": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        counted: Any = later(m, self.kind, 1, "counted", reset=True)
        for index in range(self.columns):
            column: Any = place(m, platform, f"column_{index}", Column, self.rows)
            m.d.comb += [
                column.positive.eq(self.positive),
                column.byte.eq(self.word.word_select(index, BYTE)),
                column.low.eq(self.kind.low), column.high.eq(self.kind.high),
                column.count.eq(counted.count), self.o[index].eq(column.total),
            ]
        m.d.comb += [self.valid.eq(counted.ends), self.final.eq(counted.final)]
        return m
