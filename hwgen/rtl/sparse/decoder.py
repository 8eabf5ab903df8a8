"""The decoder of compressed sparse columns."""

from typing import Any

from amaranth import *
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..primitives import UNCHECKED

__all__ = ["Decoder"]

WEIGHT_BITS = 8
"""Bits of a weight that comes out of a codebook."""


class Decoder(wiring.Component):
    """Turn a stream of entries into a stream of weights, each with its row.

    An entry is taken in every cycle in which the output does not wait, and its weight is on ``o``
    :attr:`latency` cycles later; padding is taken and gives nothing. A column without entries is
    one transfer of ``i`` with ``last`` alone. Every column ends with a transfer of ``o`` that is
    marked ``last``, which has a weight unless the column is empty or ends with padding. Entries
    mean what :class:`hwgen.golden.sparse.decoder.EntryFormat` says. While ``o`` waits, nothing
    moves.

    Parameters
    ----------
    rows : int
        Rows of a column; beyond the power of two that holds them, rows count from 0 again.
    index_bits, value_bits : int
        Bits of a relative row index, and of a value.
    codebook : bool
        Whether a value chooses a weight from a codebook; else it is one, with a sign.

    Members
    -------
    i : In(stream.Signature(StructLayout))
        ``entry`` (index in the low bits, value in the high ones); ``some``, whether there is an
        entry; ``last``, whether the column ends.
    o : Out(stream.Signature(StructLayout))
        ``row``, ``weight``, ``some`` and ``last``. Without ``some``, row and weight are 0.
    book : In(StructLayout)
        ``weight`` is written at ``value`` in a cycle with ``write``; only with a codebook. An entry
        with that value must not be taken in the same cycle; later ones find the weight.
    """

    i: Any
    o: Any
    book: Any

    latency = 2
    interval = 1

    def __init__(self, rows: int, *, index_bits: int = 4, value_bits: int = 8,
                 codebook: bool = False) -> None:
        if not isinstance(rows, int) or rows < 1:
            raise TypeError(f"Rows must be a positive integer, not {rows!r}")
        for name, value, low in (("Index", index_bits, 2), ("Value", value_bits, 1)):
            if not isinstance(value, int) or not low <= value <= 8:
                raise ValueError(f"{name} bits must be {low} to 8, not {value!r}")
        self.rows = rows
        self.index_bits = index_bits
        self.value_bits = value_bits
        self.codebook = codebook
        self.weight = signed(WEIGHT_BITS if codebook else value_bits)
        ports: dict[str, Any] = {
            "i": In(stream.Signature(data.StructLayout(
                {"entry": index_bits + value_bits, "some": 1, "last": 1}))),
            "o": Out(stream.Signature(data.StructLayout(
                {"row": range(rows), "weight": self.weight, "some": 1, "last": 1}))),
        }
        if codebook:
            ports["book"] = In(data.StructLayout(
                {"value": value_bits, "weight": signed(WEIGHT_BITS), "write": 1}))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        moves = Signal()
        m.d.comb += [moves.eq(~self.o.valid | self.o.ready), self.i.ready.eq(moves)]
        p = self.i.p
        index, value = p.entry[:self.index_bits], p.entry[self.index_bits:]
        padding = index.all()
        taken = self.i.valid & moves

        # The row after the last one that an entry stood for; the row of this entry, when it has a
        # weight, is found in the same adder.
        following = Signal(range(self.rows))
        reached = Signal(range(self.rows))
        m.d.comb += reached.eq(following + Mux(padding, p.entry, index))
        with m.If(taken & p.last):
            m.d.sync += following.eq(0)
        with m.Elif(taken & p.some):
            m.d.sync += following.eq(reached + ~padding)

        weighs = p.some & ~padding
        weight = self._weight(m, value, moves)
        valid, some, last = Signal(), Signal(reset_less=True), Signal(reset_less=True)
        row = Signal(range(self.rows), reset_less=True)
        with m.If(moves):
            m.d.sync += [valid.eq(self.i.valid & (weighs | p.last)), some.eq(weighs),
                         last.eq(p.last), row.eq(reached),
                         self.o.valid.eq(valid), self.o.p.some.eq(some), self.o.p.last.eq(last),
                         self.o.p.row.eq(Mux(some, row, 0)),
                         self.o.p.weight.eq(Mux(some, weight, 0))]
        return m

    def _weight(self, m: Module, value: Value, moves: Value) -> Value:
        """Return the weight that ``value`` stood for in the last cycle in which all moved."""
        if self.codebook:
            rows: memory.Memory = memory.Memory(shape=WEIGHT_BITS, depth=1 << self.value_bits,
                                                init=[], attrs=UNCHECKED)
            m.submodules.rows = rows
            write, read = rows.write_port(), rows.read_port()
            m.d.comb += [write.addr.eq(self.book.value), write.data.eq(self.book.weight),
                         write.en.eq(self.book.write), read.addr.eq(value), read.en.eq(moves)]
            weight: Value = read.data.as_signed()
            return weight
        weight = Signal(self.weight, reset_less=True)
        with m.If(moves):
            m.d.sync += weight.eq(value.as_signed())
        return weight
