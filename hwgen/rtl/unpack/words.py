"""What packed weights are read as: words of parameters, bytes of a codebook, entries."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arch.steps import INDEX_BITS
from ..primitives.pipeline import later
from ..step import PARAMETER_WORDS, Descriptor

__all__ = ["VALUE_BITS", "PackedWords"]

VALUE_BITS = 4, 8
"""Bits that a value may have."""
NARROW, WIDE = (INDEX_BITS + bits for bits in VALUE_BITS)


class PackedWords(wiring.Component):
    """Read the words of a step of mode UNPACK, and say what they are, in the cycles that move.

    A word of parameters takes a cycle, a word of the codebook one for each byte, and one of entries
    one for each entry that there is. The next word is asked for when one is taken, and held
    :attr:`latency` cycles later at the earliest, of those that move.

    Parameters
    ----------
    columns : int
        Bytes of a word.
    words : int
        Of the program memory.
    reading : int
        Cycles from an address to its word.

    Members
    -------
    descriptor : In(Descriptor)
        Its ``program`` is inside the memory.
    start : In(1)
    moves : In(1)
    ask : Out(1), address : Out(range(2 * words))
        A word is wanted ``reading + 1`` cycles later.
    word : In(8 * columns)
    parameters, code, entries : Out(1)
        What ``held`` begins with: a word of parameters, a byte of the codebook, or an entry. It is
        taken in a cycle that moves.
    held : Out(8 * columns)
    last : Out(1)
        The entry is the last one.
    outside : Out(1)
        A word is needed that is behind the end of the memory.
    """

    descriptor: Any
    start: Value
    moves: Value
    ask: Value
    address: Value
    word: Value
    parameters: Value
    code: Value
    entries: Value
    held: Value
    last: Value
    outside: Value

    def __init__(self, columns: int, words: int, reading: int) -> None:
        self.columns = columns
        self.words = words
        self.reading = reading
        super().__init__({
            "descriptor": In(Descriptor), "start": In(1), "moves": In(1),
            "ask": Out(1), "address": Out(range(2 * words)), "word": In(8 * columns),
            "parameters": Out(1), "code": Out(1), "entries": Out(1), "held": Out(8 * columns),
            "last": Out(1), "outside": Out(1),
        })

    @property
    def latency(self) -> int:
        """Cycles from asking for a word to holding it."""
        return self.reading + 3

    @property
    def interval(self) -> int:
        """Cycles between words that are held at best: one is asked for when another is taken."""
        return self.reading + 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        wide, of_book = Signal(), Signal()  # values of 8 bits; they choose from a codebook
        every = Signal(20, reset_less=True)  # words of parameters, of all tiles: nine each
        m.d.sync += [wide.eq(d.weight_format[2]), of_book.eq(~d.weight_format[3]),
                     every.eq((d.slots << 3) + d.slots)]

        rest = Remaining(self.columns)
        most = 8 * self.columns // NARROW
        left = Signal(range(max(most, self.columns) + 1))  # uses of the word that is held
        per_word = Mux(wide, 8 * self.columns // WIDE, most)
        narrow_book, wide_book = (book_words(bits, self.columns) for bits in VALUE_BITS)

        # The word that was asked for last is there from the cycle on in which `due` is 0.
        due = Signal(range(self.reading + 2))
        come = Signal(8 * self.columns, reset_less=True)
        with m.If(later(m, self.ask, self.reading + 1, "asked", reset=True)):
            m.d.sync += come.eq(self.word)
        place = Signal(range(2 * self.words), reset_less=True)  # of the next one
        missing = Signal()  # the one that was asked for is behind the end

        ready, load = Signal(), Signal()
        m.d.comb += [
            ready.eq(self.moves & (left <= 1) & (due == 0) & rest.any()),
            load.eq(ready & ~missing), self.outside.eq(ready & missing),
            self.ask.eq(self.start | load), self.address.eq(Mux(self.start, d.program, place)),
            self.last.eq((left == 1) & (rest.of_entries == 0)),
        ]
        with m.If(self.moves):
            m.d.sync += due.eq(Mux(due == 0, 0, due - 1))
            with m.If(left > 0):
                m.d.sync += [left.eq(left - 1), self.held.eq(
                    Mux(self.entries & wide, self.held >> WIDE, self.held >> NARROW))]
            with m.If(left <= 1):
                m.d.sync += [self.parameters.eq(0), self.code.eq(0), self.entries.eq(0)]
        with m.If(self.ask):
            m.d.sync += [due.eq(self.reading + 1), place.eq(self.address + 1),
                         missing.eq(self.address >= self.words)]
        with m.If(load):
            m.d.sync += self.held.eq(come)
            self._take(m, rest, left, per_word)
        with m.If(self.start):
            m.d.sync += [
                rest.of_parameters.eq(Mux(d.parameters_per_tile, every, PARAMETER_WORDS)),
                rest.of_entries.eq(d.row_bytes),
                rest.of_book_words.eq(Mux(of_book, Mux(wide, wide_book, narrow_book), 0)),
                left.eq(0), self.parameters.eq(0), self.code.eq(0), self.entries.eq(0),
            ]
        return m

    def _take(self, m: Module, rest: "Remaining", left: Signal, per_word: Value) -> None:
        """Say what the word that is held now has, and how many uses of it are left."""
        fewer = rest.of_entries <= per_word
        with m.If(rest.of_parameters.any()):
            m.d.sync += [rest.of_parameters.eq(rest.of_parameters - 1), self.parameters.eq(1),
                         left.eq(1)]
        with m.Elif(rest.of_book_words.any()):
            m.d.sync += [rest.of_book_words.eq(rest.of_book_words - 1), self.code.eq(1),
                         left.eq(self.columns)]
        with m.Else():
            m.d.sync += [rest.of_entries.eq(Mux(fewer, 0, rest.of_entries - per_word)),
                         self.entries.eq(1), left.eq(Mux(fewer, rest.of_entries, per_word))]


class Remaining:
    """What is still to come: words of parameters and of the codebook, and entries."""

    def __init__(self, columns: int) -> None:
        self.of_parameters = Signal(20, reset_less=True)
        self.of_book_words = Signal(range(book_words(VALUE_BITS[1], columns) + 1), reset_less=True)
        self.of_entries = Signal(32, reset_less=True)

    def any(self) -> Value:
        """Return whether anything is."""
        return self.of_parameters.any() | self.of_book_words.any() | self.of_entries.any()


def book_words(bits: int, columns: int) -> int:
    """Return the words of a codebook for values of so many bits."""
    return -(-(1 << bits) // columns)
