"""What the unpacker promises, for the solver: a memory of any contents, and a step of a few words.

From any state, one reset later: each word of the step is written once, with what the memory's
packed words say, at its place, and the last one in the golden cycle; and no other word is.
"""

from amaranth import *
from amaranth.asserts import AnySeq, Initial
from amaranth.hdl import Assert
from amaranth.lib import data

from hwgen.golden.unpack import Packing
from hwgen.rtl.unpack import Unpack
from hwgen.steps import INDEX_BITS, PARAMETER_WORDS

READING = 1
"""Cycles of this memory from an address to its word."""


class UnpackSpec(Elaboratable):
    """Every word comes out once, right, and in time, in whatever cycles what is read stands still.

    Parameters
    ----------
    unpacker : type
        :class:`Unpack`, or one with a defect.
    rows, columns : int
        Of the array.
    tiles, length : int
        Column tiles of the step, and words of weights of each.
    per_tile : bool
        Whether each has parameters of its own.
    entries : int
        How many the step has.
    packing : Packing
        Of them.
    """

    def __init__(self, unpacker=Unpack, *, rows=1, columns=2, tiles=1, length=2, per_tile=True,
                 entries=3, value_bits=4):
        self.sync = ClockDomain("sync")
        self.rows, self.columns = rows, columns
        self.tiles, self.length, self.per_tile, self.entries = tiles, length, per_tile, entries
        self.packing = Packing(columns, value_bits, book=False)
        # The packed words, and behind them those that are written: to the end of the memory.
        self.parameters = PARAMETER_WORDS * (tiles if per_tile else 1)
        self.reads = self.parameters + self.packing.entry_words(entries)
        self.words = self.reads + self.parameters + tiles * length
        self.dut = unpacker(rows, columns, self.words, READING)

    @property
    def cycles(self):
        """Cycles from the start to the end: as in the golden model, with a faster memory."""
        per_word, due = self.packing.per_word, READING + 2
        words = self.packing.entry_words(self.entries)
        rest = self.entries - (words - 1) * per_word
        return (due + self.parameters * due + (words - 1) * max(per_word, due) + rest
                + self.tiles * self.length + self.dut.latency)

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        m.submodules.dut = dut = self.dut
        d, width = dut.descriptor, 8 * self.columns
        for name, value in {"slots": self.tiles, "tile_step": self.length,
                            "row_bytes": self.entries, "parameters_per_tile": self.per_tile,
                            "weight_format": self.packing.code, "program": 0,
                            "output": self.reads}.items():
            m.d.comb += d[name].eq(value)
        past = Signal()  # the first cycle, that of a reset
        m.d.comb += [past.eq(~Initial()), self.sync.rst.eq(AnySeq(1) | Initial())]

        # The memory: constant where it is read; a word that is read while one is written, or from
        # where one may have been, is anything.
        packed = [Signal(width, name=f"packed_{n}", reset_less=True) for n in range(self.reads)]
        m.d.sync += [word.eq(word) for word in packed]
        writes, late_write = Signal(), Signal()
        m.d.sync += [writes.eq(dut.write), late_write.eq(writes)]
        address = Signal.like(dut.address)
        m.d.sync += address.eq(dut.address)
        anything = Signal(width)
        m.d.comb += [anything.eq(AnySeq(width)), dut.word.eq(
            Mux(late_write | (address >= self.reads), anything, Array(packed)[address]))]

        # A step may begin in any cycle in which there is none, and be left by a reset in any.
        running, count = Signal(), Signal(range(self.cycles + 2))
        rested = Signal(2)  # cycles since a reset; the descriptor is there for as long
        m.d.sync += rested.eq(Cat(1, rested))
        m.d.comb += dut.start.eq(AnySeq(1) & rested[-1] & ~running)
        m.d.sync += count.eq(count + running)
        ended = running & (count == self.cycles - 1)
        with m.If(ended):
            m.d.sync += running.eq(0)
        with m.If(dut.start):
            m.d.sync += [running.eq(1), count.eq(0)]

        # Worked out once, so that the solver need not see in every cycle that it is the same.
        found, kinds = self.expected(m, packed)
        expected = [Signal(width, name=f"expected_{n}", reset_less=True)
                    for n in range(len(found))]
        with m.If(~past):
            m.d.sync += [kept.eq(word) for kept, word in zip(expected, found, strict=True)]
        seen = Signal(len(expected))
        at = Signal(range(max(len(expected), 2)))
        m.d.comb += at.eq(dut.address - self.reads)
        with m.If(writes):
            m.d.sync += seen.eq(seen | 1 << at)
        with m.If(dut.start):
            m.d.sync += seen.eq(0)
        with m.If(past):
            with m.If(writes):
                inside = (dut.address >= self.reads) & (dut.address < self.words)
                m.d.comb += [Assert(running, "a write of no step"),
                             Assert(inside, "a word outside is written"),
                             Assert(~seen.bit_select(at, 1), "a word is written twice"),
                             Assert(dut.data == Array(expected)[at], "another word")]
                # Words of weights in their order, and those of parameters in theirs.
                for word, kind in enumerate(kinds):
                    earlier = [seen[n] for n in range(word) if kinds[n] == kind]
                    m.d.comb += Assert((at != word) | Cat(earlier).all(), "out of order")
            m.d.comb += [Assert(~dut.error, "an error"),
                         Assert(dut.done == ended, "the end is not in its cycle"),
                         Assert(~dut.done | seen.all(), "a word is not written")]
        return m

    def expected(self, m, packed):
        """Return the words that shall be written, and of each whether it is one of weights.

        Entry by entry, as :mod:`hwgen.golden.unpack` has it.
        """
        form, low = self.packing, self.packing.low
        bits = (self.words - 1).bit_length()
        count = self.tiles * self.length
        there = data.ArrayLayout(8, self.columns)
        weights = [Const(0, width) for width in [8 * self.columns] * count]
        following, before, word = Const(0, bits + low), Const(0, bits), Const(0, bits + 3)
        for number in range(self.entries):
            source = packed[self.parameters + number // form.per_word]
            first = number % form.per_word * form.width
            entry = source[first:first + form.width]
            index, value = entry[:INDEX_BITS], entry[INDEX_BITS:].as_signed()
            padding, row = index.all(), Signal(bits + low, name=f"row_{number}")
            reached = Signal(bits + 3, name=f"word_{number}")
            m.d.comb += [row.eq(following + index),
                         reached.eq(word + (row[low:] - before)[:bits])]
            weight = Signal(signed(8), name=f"weight_{number}")
            m.d.comb += weight.eq(value)
            changed = []
            for n, old in enumerate(weights):
                new = Signal(there, name=f"placed_{number}_{n}")
                m.d.comb += Value.cast(new).eq(old)
                for byte in range(self.columns):
                    with m.If(~padding & (reached == n) & (row[:low] == byte)):
                        m.d.comb += new[byte].eq(weight)
                changed.append(Value.cast(new))
            weights = changed
            following = Mux(padding, following + entry, row + 1)[:bits + low]
            before, word = Mux(padding, before, row[low:]), Mux(padding, word, reached)
        found, kinds = [], []
        for tile in range(self.tiles):
            of_tile = weights[tile * self.length:(tile + 1) * self.length]
            first = tile * PARAMETER_WORDS
            others = packed[first:first + PARAMETER_WORDS] if tile == 0 or self.per_tile else []
            found += [*of_tile[:self.rows], *others, *of_tile[self.rows:]]
            kinds += [*[True] * self.rows, *[False] * len(others),
                      *[True] * (self.length - self.rows)]
        return found, kinds
