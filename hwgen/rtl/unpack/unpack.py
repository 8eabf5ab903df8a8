# amaranth: UnusedElaboratable=no
"""The unpacker of an accelerator: packed weights of the program memory, as the array reads them.

What is packed how is in :mod:`hwgen.golden.unpack.unpack`.
"""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...arch.steps import INDEX_BITS
from ..sparse.decoder import Decoder
from ..step import PARAMETER_WORDS, Descriptor
from .words import VALUE_BITS, PackedWords

__all__ = ["Unpack"]


class Unpack(wiring.Component):
    """Do a step of mode UNPACK: read packed weights, and write the words that they stand for.

    All that is on its way from the packed words to those that are written stands still in a cycle
    in which one of the latter is. So the memory is never read and written at once, and the cycles
    from ``start`` to ``done`` are a sum: :meth:`hwgen.golden.unpack.unpack.Packing.cycles`, and
    :attr:`latency`.

    Parameters
    ----------
    rows, columns : int
        Of the array: words of a pass, and bytes of a word.
    words : int
        Of the program memory.
    reading : int
        Cycles from an address to its word.

    Members
    -------
    descriptor : In(Descriptor)
        Its ``program`` is inside the memory.
    start : In(1)
        Of the step, two cycles or more behind its descriptor.
    address : Out(range(words)), word : In(8 * columns)
        ``reading`` cycles later.
    data : Out(8 * columns), write : Out(1)
        To be written at ``address``; ``write`` is a cycle ahead of both.
    busy : Out(1)
    done : Out(1)
        All is written.
    error : Out(1)
        A word outside the memory was to be read or written. Nothing follows.
    """

    descriptor: Any
    start: Value
    address: Value
    word: Value
    data: Value
    write: Value
    busy: Value
    done: Value
    error: Value

    latency = Decoder.latency + 2

    def __init__(self, rows: int, columns: int, words: int, reading: int) -> None:
        self.rows = rows
        self.columns = columns
        self.words = words
        self.reading = reading
        super().__init__({
            "descriptor": In(Descriptor), "start": In(1),
            "address": Out(range(max(words, 2))), "word": In(8 * columns),
            "data": Out(8 * columns), "write": Out(1),
            "busy": Out(1), "done": Out(1), "error": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d, low = self.descriptor, ceil_log2(self.columns)
        m.submodules.packed = packed = PackedWords(self.columns, self.words, self.reading)
        decoder = Decoder(1 << (len(self.address) + low), index_bits=INDEX_BITS,
                          value_bits=VALUE_BITS[1], codebook=True)
        m.submodules.decoder = ResetInserter(self.start)(decoder)
        moves = Signal()
        m.d.comb += [
            moves.eq(decoder.i.ready & self.busy), packed.moves.eq(moves),
            packed.start.eq(self.start),
            Value.cast(packed.descriptor).eq(Value.cast(d)), packed.word.eq(self.word),
            decoder.i.valid.eq(packed.entries & self.busy), decoder.i.p.some.eq(1),
            decoder.i.p.last.eq(packed.last), decoder.i.p.entry.eq(self._entry(packed)),
        ]

        at = NextWord(self.rows, self.words, len(self.address))
        ends, over = Signal(), Signal()  # the last entry has come; the last word is written

        o, bytes_ = decoder.o.p, Signal(8 * self.columns, reset_less=True)
        other, put = Signal(), Signal()
        m.d.comb += [
            other.eq(o.some & (o.row[low:] != at.word) & ~over),
            decoder.o.ready.eq(~other),
            put.eq(self.busy & ~over & (ends | (decoder.o.valid & other))),
        ]
        weight = self._weight(m, packed, decoder)
        with m.If(decoder.o.valid & ~other):
            m.d.sync += ends.eq(o.last)
            for c in range(self.columns):
                with m.If(o.some & (o.row[:low] == c)):
                    m.d.sync += bytes_.word_select(c, 8).eq(weight)
        with m.If(put):
            m.d.sync += bytes_.eq(0)
            at.next(m, d, over)

        copy, beside = self._copy(m, packed)
        beyond = Signal()
        m.d.comb += [
            beyond.eq((put & (at.place >= self.words)) | (copy & (beside >= self.words))
                      | packed.outside | (self.start & (d.output >= self.words))),
            # In a reset, whose address would come behind it, nothing is written.
            self.write.eq((put | copy) & ~beyond & ~ResetSignal(allow_reset_less=True)),
        ]
        m.d.sync += [
            self.data.eq(Mux(put, bytes_, packed.held)),
            self.address.eq(Mux(put, at.place, Mux(copy, beside, packed.address))),
            self.done.eq(self.busy & ends & over), self.error.eq(beyond),
        ]
        with m.If((ends & over) | beyond):
            m.d.sync += self.busy.eq(0)
        with m.If(self.start):
            m.d.sync += [
                self.busy.eq(d.output < self.words), ends.eq(0), over.eq(0), *at.load(d),
                bytes_.eq(0),
            ]
        return m

    def _entry(self, packed: PackedWords) -> Value:
        """Return the entry that comes next, as wide as entries may be.

        Values that are weights keep their sign; what is padding is a number without one, and those
        that choose from a codebook are, too.
        """
        narrow, index = INDEX_BITS + VALUE_BITS[0], packed.held[:INDEX_BITS]
        wide, signed = self.descriptor.weight_format[2], self.descriptor.weight_format[3]
        sign = packed.held[narrow - 1] & signed & ~index.all()
        above = Mux(wide, packed.held[narrow:INDEX_BITS + VALUE_BITS[1]], sign.replicate(4))
        return Cat(packed.held[:narrow], above)

    def _weight(self, m: Module, packed: PackedWords, decoder: Decoder) -> Value:
        """Return what a value stands for that has passed the decoder, and fill its codebook."""
        code = Signal(VALUE_BITS[1] + 1, reset_less=True)
        m.d.comb += [
            decoder.book.value.eq(code), decoder.book.weight.eq(packed.held[:8]),
            decoder.book.write.eq(packed.code & ~code[-1]),
        ]
        with m.If(packed.code):
            m.d.sync += code.eq(code + ~code[-1])
        with m.If(self.start):
            m.d.sync += code.eq(0)
        value = decoder.i.p.entry[INDEX_BITS:]
        for cycle in range(Decoder.latency):
            stage = Signal(VALUE_BITS[1], name=f"value_{cycle + 1}", reset_less=True)
            with m.If(decoder.i.ready):
                m.d.sync += stage.eq(value)
            value = stage
        return Mux(self.descriptor.weight_format[3], value, decoder.o.p.weight.as_unsigned())

    def _copy(self, m: Module, packed: PackedWords) -> tuple[Value, Value]:
        """Return whether a word of parameters is there, and where it is written."""
        place = Signal(max(len(self.address) + 2, 18), reset_less=True)
        left = Signal(range(PARAMETER_WORDS + 1), reset_less=True)
        d, copy = self.descriptor, Signal()
        m.d.comb += copy.eq(packed.parameters & self.busy)
        with m.If(copy):
            m.d.sync += [place.eq(place + Mux(left == 1, d.tile_step + 1, 1)),
                         left.eq(Mux(left == 1, PARAMETER_WORDS, left - 1))]
        with m.If(self.start):
            m.d.sync += [place.eq(d.output + self.rows), left.eq(PARAMETER_WORDS)]
        return copy, place


class NextWord:
    """Where the next word of weights is written.

    Between the first words of a tile and its others there are parameters.
    """

    def __init__(self, rows: int, words: int, bits: int) -> None:
        self.rows = rows
        self.place = Signal(range(2 * words), reset_less=True)
        self.word = Signal(bits, reset_less=True)  # of the weights, from the first tile on
        self.first, self.rest = (
            Signal(range(rows + 1), reset_less=True), Signal(16, name="rest", reset_less=True))
        self.tiles, self.gap = Signal(16, reset_less=True), Signal(name="gap")

    def load(self, d: Any) -> list[Any]:
        """Begin with the first word of a step."""
        return [self.gap.eq(1), self.place.eq(d.output), self.word.eq(0),
                self.first.eq(self.rows), self.rest.eq(d.tile_step), self.tiles.eq(d.slots)]

    def next(self, m: Module, d: Any, over: Signal) -> None:
        """Go on to the next word; behind the last one it is ``over``."""
        first, rest = self.first, self.rest
        m.d.sync += [self.word.eq(self.word + 1), rest.eq(rest - 1),
                     first.eq(first - first.any()),
                     self.place.eq(self.place
                                   + Mux((first == 1) & self.gap, 1 + PARAMETER_WORDS, 1))]
        with m.If(rest == 1):
            m.d.sync += [rest.eq(d.tile_step), first.eq(self.rows),
                         self.tiles.eq(self.tiles - 1), self.gap.eq(d.parameters_per_tile),
                         over.eq(self.tiles == 1)]
