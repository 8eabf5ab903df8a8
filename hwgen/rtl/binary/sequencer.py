"""Walk the steps of a binary accelerator: read descriptors, ask for words and inputs."""

from typing import Any

from amaranth import *
from amaranth.lib import enum
from amaranth.lib.wiring import In, Out

from ...arch.steps import MAGIC
from ..accelerator.control import CONTROL, Controlled
from ..primitives.adders import multiple
from ..primitives.pipeline import later
from ..step import Error
from .step import WORD, Descriptor

__all__ = ["BinarySequencer"]

FLUSH = 7
"""Cycles less one after an error, in which what is under way comes to its end."""
WIDTH = 17
"""Bits of an address of any memory, and one more."""


class State(enum.Enum, shape=3):
    """What the sequencer is doing."""

    IDLE = 0
    NEXT = 1    # whether there is a step
    READ = 2    # a descriptor
    BEGIN = 3
    RUN = 4     # words
    DRAIN = 5   # until the last output is written
    FLUSH = 6   # after an error


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
        state, failure = Signal(State), Signal(Error)
        left, wait = Signal(16, reset_less=True), Signal(range(FLUSH + 1))
        asked = Signal(range(self.descriptor_words + 1))
        # Where the next word of a descriptor is, be that beyond the memory.
        head = Signal(range(self.descriptor_words << 17), reset_less=True)
        reading = (state == State.READ) & (asked != self.descriptor_words)
        ended, outside = self._run(m, state == State.RUN, head, state == State.READ)
        self._take(m, (state == State.READ) & (asked != 0))

        with m.If(self.busy):
            m.d.sync += [self.cycles.eq(self.cycles + 1),
                         self.step_cycles.eq(self.step_cycles + 1)]
        m.d.comb += [self.begin.eq(state == State.BEGIN), self.clear.eq(state == State.FLUSH)]
        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.sync += [head.eq(multiple(self.first, self.descriptor_words)),
                             left.eq(self.count)]
                with m.If(self.start):
                    m.d.sync += [self.busy.eq(1), self.error.eq(Error.NONE),
                                 self.step_cycles.eq(0), self.step.eq(self.first),
                                 state.eq(State.NEXT)]
            with m.Case(State.NEXT):
                m.d.sync += [self.cycles.eq(0), self.step_cycles.eq(0), state.eq(State.READ)]
                with m.If(~left.any()):
                    m.d.sync += [self.busy.eq(0), state.eq(State.IDLE)]
            with m.Case(State.READ):
                m.d.sync += [head.eq(head + 1), asked.eq(asked + 1)]
                with m.If(asked == self.descriptor_words):
                    m.d.sync += [head.eq(head), asked.eq(0), state.eq(State.BEGIN)]
            with m.Case(State.BEGIN):
                m.d.sync += state.eq(State.RUN)
            with m.Case(State.RUN):
                with m.If(ended):
                    m.d.sync += state.eq(State.DRAIN)
            with m.Case(State.DRAIN):
                with m.If(self.done & (failure == Error.NONE)):
                    m.d.comb += self.counted.eq(1)
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.d.sync += [self.busy.eq(0), state.eq(State.IDLE)]
                    with m.Else():
                        m.d.sync += [self.step.eq(self.step + 1), self.step_cycles.eq(0),
                                     state.eq(State.READ)]
            with m.Case(State.FLUSH):
                m.d.sync += [wait.eq(wait - 1), asked.eq(0)]
                with m.If(wait == 0):
                    m.d.sync += [self.busy.eq(0), state.eq(State.IDLE)]

        late = Signal()
        m.d.sync += late.eq(self.busy & (self.step_cycles == self.limit) & ~self.counted)
        others = [(late, Error.WATCHDOG), (self.stop, Error.STOPPED)]
        for signal, code in self._wrong(m, outside, reading & (head >= self.words)) + others:
            with m.If(signal):
                m.d.comb += failure.eq(code)
        with m.If(self.busy & ~self.clear & (failure != Error.NONE)):
            m.d.sync += [self.error.eq(failure), wait.eq(FLUSH), state.eq(State.FLUSH)]
        return m

    def _take(self, m: Module, come: Value) -> None:
        """Keep the words of a descriptor."""
        bits = len(Value.cast(self.descriptor))
        if self.descriptor_words == 1:
            kept = Signal(bits, reset_less=True)
            following = self.word[:bits]
        else:
            kept = Signal(self.descriptor_words * len(self.word), reset_less=True)
            following = Cat(kept[len(self.word):], self.word)
        with m.If(come):
            m.d.sync += kept.eq(following)
        m.d.comb += Value.cast(self.descriptor).eq(kept[:bits])

    def _run(self, m: Module, running: Value, head: Value, reading: Value,
             ) -> tuple[Value, Value]:
        """Ask for words and inputs.

        Return whether these are the last ones of a step, and whether a word is outside the memory.
        """
        d = self.descriptor
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
        m.d.comb += [self.place.eq(Mux(reading, head, place)[:len(self.place)]),
                     self.kind.eq(asking)]
        return word.ends & word.final, asks & (place >= self.words)

    def _wrong(self, m: Module, outside: Value, none: Value) -> list[tuple[Value, Error]]:
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
