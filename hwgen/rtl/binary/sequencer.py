"""Walk the steps of a binary accelerator: read descriptors, ask for words and inputs."""

from typing import Any

from amaranth import *
from amaranth.lib.wiring import In, Out

from ...arch.steps import MAGIC
from ..accelerator.control import CONTROL, Controlled
from ..accelerator.walk import State, Walk
from ..primitives.pipeline import later
from ..step import Error
from .step import WORD, Descriptor

__all__ = ["BinarySequencer"]

FLUSH = 7
"""Cycles less one of a reset after an error, in which what is under way comes to its end."""
WIDTH = 17
"""Bits of an address of any memory, and one more."""


class BinarySequencer(Controlled):
    """Walk the steps from ``first`` on, ``count`` of them.

    Of each column tile two words to start from are asked for, then one with the weights of each
    vector, one a cycle; the last one waits until the outputs of the column tile before are gone.

    Parameters
    ----------
    rows, columns : int
        Of the array.
    interval : int
        Cycles that the outputs of a column tile take.
    size, words : int
        Bytes of the activations, words of the program memory.
    descriptor_words : int
    lanes : int
        Outputs that are written together.

    Members
    -------
    start, stop, first, count, limit, busy, error, step, cycles, counted, step_cycles, clear
        See :class:`Controlled`.
    descriptor : Out(Descriptor)
    begin : Out(1)
        It has come, and is a step's that begins.
    address : Out(unsigned), inside : Out(rows)
        Of the activations that are asked for, and which of them there are, a cycle later.
    place : Out(range(words))
        Of the program memory.
    kind : Out(WORD)
        What comes from there in the next cycle.
    word : In(8 * columns)
    store_error, done : In(1)
    """

    descriptor: Any
    begin: Value
    address: Value
    inside: Value
    place: Value
    kind: Any
    word: Value
    store_error: Value
    done: Value

    def __init__(self, rows: int, columns: int, interval: int, size: int, words: int,
                 descriptor_words: int, lanes: int) -> None:
        self.rows = rows
        self.columns = columns
        self.interval = interval
        self.size = size
        self.words = words
        self.descriptor_words = descriptor_words
        self.lanes = lanes
        super().__init__({
            **CONTROL,
            "descriptor": Out(Descriptor), "begin": Out(1),
            "address": Out(WIDTH), "inside": Out(rows), "place": Out(range(max(words, 2))),
            "kind": Out(WORD), "word": In(8 * columns), "store_error": In(1), "done": In(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # A descriptor that should be beyond the memory is not taken for one that is in it.
        walk = Walk(m, self, flush=FLUSH, checks=False, beyond=self.descriptor_words << 17)
        reading, complete = self._read_descriptor(m, walk)
        outside = self._run(m, walk, reading)

        m.d.comb += self.begin.eq(walk.begin)
        walk.follow(complete)

        late, failure = Signal(), Signal(Error)
        m.d.sync += late.eq(self.busy & (self.step_cycles == self.limit) & ~self.counted)
        others = [(late, Error.WATCHDOG), (self.stop, Error.STOPPED)]
        none = reading & (walk.place >= self.words)
        for signal, code in self._faults(m, outside, none) + others:
            with m.If(signal):
                m.d.comb += failure.eq(code)
        walk.stop_at_once(failure)
        return m

    def _read_descriptor(self, m: Module, walk: Walk) -> tuple[Value, Value]:
        """Return whether a word of a descriptor is asked for, and whether the last one comes."""
        asked = Signal(range(self.descriptor_words + 1))
        reads, complete = walk.state == State.READ, asked == self.descriptor_words
        with m.If(reads):
            m.d.sync += asked.eq(Mux(complete, 0, asked + 1))
            with m.If(~complete):
                m.d.sync += walk.place.eq(walk.place + 1)
        with m.If(self.clear):
            m.d.sync += asked.eq(0)

        bits = len(Value.cast(self.descriptor))
        if self.descriptor_words == 1:
            kept = Signal(bits, reset_less=True)
            following = self.word[:bits]
        else:
            kept = Signal(self.descriptor_words * len(self.word), reset_less=True)
            following = Cat(kept[len(self.word):], self.word)
        with m.If(reads & (asked != 0)):
            m.d.sync += kept.eq(following)
        m.d.comb += Value.cast(self.descriptor).eq(kept[:bits])
        return reads & ~complete, complete

    def _run(self, m: Module, walk: Walk, reading: Value) -> Value:
        """Ask for words and inputs; return whether a word is outside the memory."""
        d, running = self.descriptor, walk.state == State.RUN
        low, high = Signal(), Signal()  # of the words to start from, whichever is next
        tiles, pieces = Signal(16, reset_less=True), Signal(16, reset_less=True)
        room = Signal(range(max(self.interval, 2)))  # cycles until a column tile may end
        inputs = Signal(WIDTH, reset_less=True)      # that have not been read
        word: Any = Signal(WORD, name="asked_word")
        m.d.comb += [
            word.low.eq(running & low), word.high.eq(running & high),
            word.ends.eq(running & ~low & ~high & (pieces == 1) & (room == 0)),
            word.count.eq(running & ~low & ~high & ((pieces != 1) | (room == 0))),
            word.final.eq(tiles == 1),
        ]
        m.d.sync += room.eq(Mux(room == 0, 0, room - 1))
        with m.If(self.begin):
            m.d.sync += [tiles.eq(d.tiles), low.eq(1), high.eq(0), room.eq(0)]
        with m.If(word.low):
            m.d.sync += [low.eq(0), high.eq(1), pieces.eq(d.pieces), inputs.eq(d.row_bytes),
                         self.address.eq(d.base)]
        with m.If(word.high):
            m.d.sync += high.eq(0)
        with m.If(word.count):
            m.d.sync += [pieces.eq(pieces - 1), self.address.eq(self.address + self.rows),
                         inputs.eq(Mux(inputs < self.rows, 0, inputs - self.rows))]
        with m.If(word.ends):
            m.d.sync += [low.eq(1), tiles.eq(tiles - 1), room.eq(self.interval - 1)]
        many = inputs[self.rows.bit_length():].any()
        m.d.sync += self.inside.eq(Cat(many | (inputs[:self.rows.bit_length()] > row)
                                       for row in range(self.rows)))

        # Words are asked for a cycle later, so that both come together to the array.
        asking: Any = later(m, word, 1, "asking", reset=True)
        place = Signal(WIDTH, reset_less=True)
        asks = asking.low | asking.high | asking.count
        with m.If(asks):
            m.d.sync += place.eq(place + 1)
        with m.If(self.begin):
            m.d.sync += place.eq(d.program)
        m.d.comb += [self.place.eq(Mux(reading, walk.place, place)[:len(self.place)]),
                     self.kind.eq(asking)]
        m.d.comb += walk.ended.eq(word.ends & word.final)
        return asks & (place >= self.words)

    def _faults(self, m: Module, outside: Value, none: Value) -> list[tuple[Value, Error]]:
        """Return what may stop a step, the least important first.

        A word is ``outside`` the memory, or there is ``none``, for its descriptor is.
        """
        d = self.descriptor
        begun = later(m, self.begin, 1, "begun", reset=True)
        counts = [d.tiles, d.pieces, d.last_columns, d.row_bytes]
        wrong, beyond = Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [
            wrong.eq(Cat(d.magic != MAGIC, d.last_columns > self.columns,
                         d.output & (self.lanes - 1) != 0,
                         *(count == 0 for count in counts)).any()),
            beyond.eq(d.base + d.row_bytes > self.size),
        ]
        found = [(outside, Error.PROGRAM), (self.store_error, Error.STORE),
                 (begun & beyond, Error.FETCH), ((begun & wrong) | none, Error.DESCRIPTOR)]
        return [(later(m, signal, 1, f"{code.name.lower()}_wrong", reset=True), code)
                for signal, code in found]
