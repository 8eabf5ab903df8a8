"""The vectors that weights of an LSTM are multiplied by: filled byte by byte, read in words."""

from typing import Any

from amaranth import *

from ... import primitives
from ...primitives.pipeline import later

__all__ = ["Vectors"]


class Vectors:
    """A memory of two vectors: what comes in at a time, and what the cells gave before.

    Parameters
    ----------
    m : Module
    unit : LstmSteps
    platform : object
    address : Value
        Of the word that is read: its number, and which vector.

    Members
    -------
    asks : Signal
        A byte is asked for in this cycle, of the former vector first.
    word : Value
        At the address, ``unit.reading + waits`` cycles later.
    waits : int
        Cycles that words of the program wait for those of vectors.
    last_input, last_given : Signal
        Numbers of the last words of both.
    """

    latency = 2

    def __init__(self, m: Module, unit: Any, platform: object, address: Value) -> None:
        d, columns, bits = unit.descriptor, unit.columns, unit.index_bits
        self.asks = Signal(name="asks")
        self.waits = max(self.latency - unit.reading, 0)
        ram = primitives.add_ram(m, platform, "vectors", unit.family, 8 * columns, 2 << bits)
        m.d.comb += ram.read_address.eq(
            later(m, address, max(unit.reading - self.latency, 0), "vector_address"))
        self.word = ram.read_data

        comes = later(m, self.asks, unit.fetching, "byte_comes", reset=True)
        byte, index, part = Signal(range(columns)), Signal(bits), Signal(name="part_written")
        left = Signal(16, reset_less=True)
        word, write = Signal(8 * columns, reset_less=True), Signal(name="vector_write")
        self.last_input, self.last_given = (Signal(bits, name=name, reset_less=True)
                                            for name in ("last_input", "last_given"))
        last, full = left == 1, byte == columns - 1
        place = Signal(bits + 1, name="place_written", reset_less=True)
        m.d.sync += [write.eq(comes), place.eq(Cat(index, part))]
        m.d.comb += [ram.write.eq(write), ram.write_address.eq(place), ram.write_data.eq(word)]
        with m.If(comes):
            with m.If(byte == 0):  # what is behind the last byte is 0
                m.d.sync += word.eq(unit.read_byte)
            with m.Else():
                m.d.sync += word.word_select(byte, 8).eq(unit.read_byte)
            m.d.sync += [byte.eq(Mux(last | full, 0, byte + 1)),
                         index.eq(Mux(last, 0, index + full)), left.eq(left - 1)]
            with m.If(last):
                m.d.sync += [part.eq(~part), left.eq(Mux(part, d.row_bytes, d.height))]
                with m.If(part):
                    m.d.sync += self.last_given.eq(index)
                with m.Else():
                    m.d.sync += self.last_input.eq(index)
        with m.If(unit.start):
            m.d.sync += [left.eq(d.row_bytes), part.eq(0), byte.eq(0), index.eq(0)]
