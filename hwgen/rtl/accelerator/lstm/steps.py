"""An LSTM, from the memory of activations to the same, with weights from the program memory."""

from typing import Any

from amaranth import *
from amaranth.lib import data, enum
from amaranth.utils import ceil_log2

from ....arch.lstm import CELL, GATES, head_words
from ...primitives.pipeline import later
from ..moving import ByteMover
from .cells import Cells
from .places import Places
from .sums import WORD, GateSums
from .vectors import Vectors

__all__ = ["LstmSteps"]


class Doing(enum.Enum, shape=3):
    """What is read: words of the program, or the bytes of two vectors."""

    IDLE = 0
    OPEN = 1     # what is before all weights
    VECTORS = 2  # what comes in at a time, and what cells gave before
    SETTLE = 3   # they are on their way
    HEAD = 4     # what is before the weights of a sum
    WEIGHTS = 5
    WAIT = 6     # for the cell before, or for the last one


class LstmSteps(ByteMover):
    """Do a step of mode LSTM: for each time read two vectors, then all weights, cell by cell.

    Of a cell with a byte outside the activations nothing is written. A word has as many bytes as
    are multiplied in a cycle.

    Parameters
    ----------
    most : int
        Cells, or inputs, at most. The others are those of a :class:`ByteMover`.
    """

    def __init__(self, columns: int, words: int, reading: int, *, most: int,
                 **sizes: Any) -> None:
        super().__init__(columns, words, reading, **sizes)
        self.most = most
        self.busy = self.reads

    @property
    def index_bits(self) -> int:
        """Of the number of a word of a vector."""
        return max(ceil_log2(-(-self.most // self.columns)), 1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state, tag = Signal(Doing), Signal(WORD)
        part = Signal()  # of cells, and not of inputs
        index = Signal(self.index_bits)
        vectors = Vectors(m, self, platform, Cat(index, part))
        held = Signal(signed(16), reset_less=True)
        come = data.View(WORD, later(m, Value.cast(tag), self.reading + vectors.waits, "come",
                                     reset=True))
        sums = GateSums(m, platform, self.columns, self.family, come,
                        later(m, self.word, vectors.waits, "word"), vectors.word)
        cells = Cells(m, platform, self.family, sums, held)
        places = Places(m, self, cells, vectors.asks)
        running = state != Doing.IDLE
        m.d.comb += self.read_address.eq(places.here)
        with m.If(cells.turn == 1 + self.fetching):
            m.d.sync += held[:8].eq(self.read_byte)
        with m.If(cells.turn == 2 + self.fetching):
            m.d.sync += held[8:].eq(self.read_byte)
        places.write(running, cells)
        self._walk(m, state, tag, part, index, vectors, cells, places)
        return m

    def _walk(self, m: Module, state: Any, tag: Any, part: Value, index: Value, vectors: Vectors,
              cells: Cells, places: Places) -> None:
        """Read what is read, one thing after the other."""
        d = self.descriptor
        heads, gate = Signal(range(head_words(self.columns))), Signal(range(GATES))
        left, wait = Signal(16, reset_less=True), Signal(range(self.fetching + 4))
        first = Signal.like(self.address)
        last_head = heads == head_words(self.columns) - 1
        final = index == Mux(part, vectors.last_given, vectors.last_input)
        pace = Signal(range(CELL + 1))
        m.d.sync += pace.eq(pace - pace.any())
        beyond = Signal(reset_less=True)
        wrong = self.start & beyond
        m.d.sync += [beyond.eq(d.program + d.offset.as_unsigned() > self.words),
                     self.error.eq(wrong)]
        with m.Switch(state):
            with m.Case(Doing.IDLE):
                m.d.sync += [self.address.eq(d.program), heads.eq(0)]
                with m.If(self.start & ~wrong):
                    m.d.sync += [state.eq(Doing.OPEN), self.reads.eq(1)]
            with m.Case(Doing.OPEN):
                m.d.comb += [tag.head.eq(1), tag.own.eq(last_head)]
                m.d.sync += [self.address.eq(self.address + 1), first.eq(self.address + 1),
                             heads.eq(Mux(last_head, 0, heads + 1))]
                with m.If(last_head):
                    m.d.sync += state.eq(Doing.VECTORS)
            with m.Case(Doing.VECTORS):
                m.d.comb += vectors.asks.eq(1)
                m.d.sync += [wait.eq(self.fetching + 3), left.eq(d.height), part.eq(0),
                             gate.eq(0), index.eq(0)]
                with m.If(places.misses):
                    m.d.sync += self.fetch_error.eq(1)
                with m.If(places.read):
                    m.d.sync += state.eq(Doing.SETTLE)
            with m.Case(Doing.SETTLE):
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += state.eq(Doing.HEAD)
            self._walk_cells(m, state, tag, part, index, gate, heads, left, final, pace)
        with m.If(places.again):
            m.d.sync += [self.address.eq(first), state.eq(Doing.VECTORS)]
        with m.If(cells.begins & (places.misses_cell | places.overruns_cell)):
            m.d.sync += [self.fetch_error.eq(places.misses_cell),
                         self.store_error.eq(places.overruns_cell)]
        m.d.comb += self.done.eq(places.over)
        with m.If(self.done | self.fetch_error | self.store_error):
            m.d.sync += [state.eq(Doing.IDLE), self.reads.eq(0), self.fetch_error.eq(0),
                         self.store_error.eq(0)]

    def _walk_cells(self, m: Module, state: Any, tag: Any, part: Value, index: Value, gate: Value,
                    heads: Value, left: Value, final: Value, pace: Value) -> None:
        """Read the words of all cells, no cell sooner than the one before can be updated."""
        last_head = heads == head_words(self.columns) - 1
        with m.Case(Doing.HEAD):
            m.d.comb += tag.head.eq(1)
            m.d.sync += [self.address.eq(self.address + 1), heads.eq(Mux(last_head, 0, heads + 1))]
            with m.If(last_head):
                m.d.sync += state.eq(Doing.WEIGHTS)
            with m.If((gate == 0) & ~part & (heads == 0)):
                m.d.sync += pace.eq(CELL - 1)
        with m.Case(Doing.WEIGHTS):
            m.d.comb += [tag.adds.eq(1), tag.first.eq(index == 0), tag.last.eq(final)]
            m.d.sync += [self.address.eq(self.address + 1), index.eq(index + 1)]
            with m.If(final):
                m.d.sync += [index.eq(0), part.eq(~part), gate.eq(gate + part),
                             state.eq(Doing.HEAD)]
                with m.If(part & gate.all()):
                    m.d.sync += left.eq(left - 1)
                    with m.If((left == 1) | (pace > 1)):
                        m.d.sync += state.eq(Doing.WAIT)
        with m.Case(Doing.WAIT):
            with m.If(left.any() & (pace <= 1)):
                m.d.sync += state.eq(Doing.HEAD)
