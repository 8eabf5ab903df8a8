"""Walk the steps of a Program: read descriptors, count loops, say when what moves."""

from typing import Any

from amaranth import *
from amaranth.lib import data, enum
from amaranth.lib.wiring import In, Out

from ..step import DESCRIPTOR_BYTES, MAGIC, PARAMETER_WORDS, Descriptor, Error, Mode, Tag
from .bitserial_pace import Pace
from .control import CONTROL, Controlled

__all__ = ["EVENT", "LOAD", "Sequencer"]

LEAST = 5
"""Cycles a pass takes at least: so long does a sum need through the accumulators."""

FLUSH = 255
"""Cycles in which everything is held in reset after an error: more than the longest pipeline."""

EVENT = data.StructLayout({
    "valid": 1,
    "slot": 1,          # the first vector of its pass
    "row_end": 1,
    "last": 1,          # the last vector of its pass
    "piece_last": 1,    # the pass is the last piece,
    "taps_x_last": 1,   # the last along x,
    "taps_y_last": 1,   # the last along y
    "tag": Tag,
})
"""A vector that shall be fetched."""

LOAD = data.StructLayout({"weights": 1, "parameters": 1})
"""What a word of the program memory is."""


class State(enum.Enum, shape=3):
    """What the sequencer is doing."""

    IDLE = 0
    PLACE = 1   # finds the first descriptor
    READ = 2    # a descriptor
    CHECK = 3   # what follows from a descriptor gets into registers
    BEGIN = 4
    RUN = 5     # slots
    DRAIN = 6   # until the last value is written
    FLUSH = 7   # after an error


class Countdown:
    """A loop counter that knows in a register whether its turn is the last."""

    def __init__(self, m: Module, width: int, limit: Value, name: str) -> None:
        self.m = m
        self.limit = limit
        self.left = Signal(width, name=f"{name}_left", reset_less=True)
        self.last = Signal(name=f"{name}_last", reset_less=True)
        self.single = Signal(name=f"{name}_single", reset_less=True)  # a loop of one turn
        m.d.sync += self.single.eq(limit == 1)

    def load(self) -> list[Any]:
        """Begin the loop."""
        return [self.left.eq(self.limit), self.last.eq(self.single)]

    @property
    def penultimate(self) -> Value:
        """Whether the turn behind this one is the last, of more than one."""
        return self.left == 2

    @property
    def next_last(self) -> Value:
        """Whether the turn behind this one is the last; behind the last one the first follows."""
        return Mux(self.last, self.single, self.penultimate)

    def step(self) -> list[Any]:
        """Take a turn; behind the last one the loop begins again."""
        return [self.left.eq(Mux(self.last, self.limit, self.left - 1)),
                self.last.eq(self.next_last)]


class Sequencer(Controlled):
    """Walk the steps from ``first`` on, ``count`` of them.

    Time is cut into slots. In a slot the vectors of one pass are issued, while the weights and
    parameters of the next pass are read; the slot ends when both are done. So a slot takes as many
    cycles as the longer of the two, and the next one begins in the very next cycle.

    Parameters
    ----------
    rows, columns : int
        Of the array.
    interval : int
        Cycles that the lanes need for a vector.
    words : int
        Words of the program memory.
    address_bits : int
        Bits of an address of the memory of activations.
    serial : bool
        The array is bit-serial: how many words of weights a pass has, and how many cycles a vector
        takes, is as the formats of the step say.

    Members
    -------
    start, stop, first, count, limit, busy, error, step, cycles, counted, step_cycles, clear
        See :class:`Controlled`.
    descriptor : Out(Descriptor)
    event : Out(EVENT)
    load : Out(LOAD)
        What is read from ``address``.
    address : Out(range(words))
        Of the program memory, for weights and parameters.
    head, head_address : Out
        Whether, and from where, a word of a descriptor is read.
    word : In(8 * columns), word_valid : In(1)
        A word of a descriptor.
    swapped : In(1)
        The lanes have begun to use the parameters that were read last.
    done : In(1)
        The last value of the step is written.
    fetch_error, store_error, sums_error : In(1)
    """

    countdown = Countdown
    last_mode = Mode.SUMS
    """The last one that there is."""

    descriptor: Any
    event: Any
    load: Any
    address: Value
    head: Value
    head_address: Value
    word: Value
    word_valid: Value
    swapped: Value
    done: Value
    fetch_error: Value
    store_error: Value
    sums_error: Value

    def __init__(self, rows: int, columns: int, interval: int, words: int,
                 address_bits: int, *, serial: bool = False) -> None:
        self.address_bits = address_bits
        self.rows = rows
        self.columns = columns
        self.interval = interval
        self.words = words
        self.serial = serial
        self.descriptor_words = -(-DESCRIPTOR_BYTES // columns)
        super().__init__({
            **CONTROL,
            "descriptor": Out(Descriptor), "event": Out(EVENT),
            "load": Out(LOAD), "address": Out(range(words)),
            "head": Out(1), "head_address": Out(range(words)),
            "word": In(8 * columns), "word_valid": In(1),
            "swapped": In(1), "done": In(1),
            "fetch_error": In(1), "store_error": In(1), "sums_error": In(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(State)
        begin = Signal()  # of the loops of a step
        ended = Signal()  # the last slot of a step ends
        left, last = Signal(16, reset_less=True), Signal(reset_less=True)  # steps
        m.d.sync += last.eq(left == 1)
        wait = Signal(range(FLUSH + 1))
        failed = Signal(Error)  # why the step will stop
        done = Signal()
        read = Signal()   # a descriptor, from `place` on
        place = Signal(range(self.words + self.descriptor_words), reset_less=True)
        complete = self._read_descriptor(m, read, place)
        pace = Pace(m, self.descriptor, self.rows, self.interval) if self.serial else None
        bad_address = self._slots(m, begin, state == State.RUN, ended, pace)

        with m.If(self.busy):
            m.d.sync += [self.cycles.eq(self.cycles + 1),
                         self.step_cycles.eq(self.step_cycles + 1)]
        m.d.sync += begin.eq(0)  # in a register of its own, as much begins with it
        with m.Switch(state):
            with m.Case(State.IDLE):
                m.d.sync += [place.eq(_times(self.first, self.descriptor_words)),
                             left.eq(self.count)]
                with m.If(self.start):
                    m.d.sync += [self.busy.eq(1), self.error.eq(Error.NONE),
                                 self.step_cycles.eq(0), self.step.eq(self.first),
                                 state.eq(State.PLACE)]
            with m.Case(State.PLACE):
                m.d.sync += [self.cycles.eq(0), self.step_cycles.eq(0)]
                with m.If(left.any()):
                    m.d.comb += read.eq(1)
                    m.d.sync += state.eq(State.READ)
                with m.Else():
                    m.d.sync += [self.busy.eq(0), state.eq(State.IDLE)]
            with m.Case(State.READ):
                with m.If(complete):
                    m.d.sync += state.eq(State.CHECK)
            with m.Case(State.CHECK):
                m.d.sync += [begin.eq(1), state.eq(State.BEGIN)]
            with m.Case(State.BEGIN):
                m.d.sync += state.eq(State.RUN)
            with m.Case(State.RUN):
                with m.If(ended):
                    m.d.sync += state.eq(State.DRAIN)
            with m.Case(State.DRAIN):
                with m.If(done & (failed == Error.NONE)):
                    m.d.comb += self.counted.eq(1)
                    m.d.sync += left.eq(left - 1)
                    with m.If(last):
                        m.d.sync += [self.busy.eq(0), state.eq(State.IDLE)]
                    with m.Else():
                        m.d.comb += read.eq(1)
                        m.d.sync += [self.step.eq(self.step + 1), self.step_cycles.eq(0),
                                     state.eq(State.READ)]
            with m.Case(State.FLUSH):
                m.d.comb += self.clear.eq(1)
                m.d.sync += wait.eq(wait - 1)
                with m.If(wait == 0):
                    m.d.sync += [self.busy.eq(0), state.eq(State.IDLE)]

        begun = Signal()
        m.d.sync += begun.eq(begin)
        late = Signal()
        m.d.sync += late.eq(self.busy & self._at_limit())
        failure = Signal(Error)
        for signal, code in ((self.stop, Error.STOPPED), (late, Error.WATCHDOG),
                             (self.sums_error, Error.SUMS),
                             (bad_address, Error.PROGRAM), (self.store_error, Error.STORE),
                             (self.fetch_error, Error.FETCH),
                             (begun & self._bad(m, pace), Error.DESCRIPTOR)):
            with m.If(signal):
                m.d.comb += failure.eq(code)
        # Both a cycle later, so that neither overtakes the other.
        found = Signal(Error)
        m.d.sync += [done.eq(self.done), found.eq(failure),
                     failed.eq(Mux(self.busy & ~self.clear & ~done, found, Error.NONE))]
        with m.If((failed != Error.NONE) & ~self.clear):
            m.d.sync += [self.error.eq(failed), wait.eq(FLUSH), self.busy.eq(1),
                         state.eq(State.FLUSH)]
        return m

    def _at_limit(self) -> Value:
        """Return whether the step has taken as many cycles as it may."""
        return self.step_cycles >= self.limit

    def _read_descriptor(self, m: Module, read: Value, place: Value) -> Value:
        """Collect the words of a descriptor, and return whether all have come."""
        size = self.descriptor_words * self.columns * 8
        words = Signal(size, reset_less=True)  # the first one comes to lie in the lowest bits
        asked = Countdown(m, 8, Const(self.descriptor_words, 8), "asked")
        come = Countdown(m, 8, Const(self.descriptor_words, 8), "come")
        m.d.comb += self.head_address.eq(place)
        with m.If(read):
            m.d.sync += [self.head.eq(1), *asked.load(), *come.load()]
        with m.Elif(self.head):
            m.d.sync += [place.eq(place + 1), self.head.eq(~asked.last), *asked.step()]
        with m.If(self.word_valid):
            m.d.sync += [words.eq(Cat(words[self.columns * 8:], self.word)), *come.step()]
        m.d.comb += Value.cast(self.descriptor).eq(words[:Descriptor.size])
        return self.word_valid & come.last

    def _bad(self, m: Module, pace: Pace | None) -> Value:
        """Return whether the descriptor cannot be one, two cycles after it has come."""
        d = self.descriptor
        counts = [d.tiles, d.pieces, d.taps_x, d.taps_y, d.x, d.y, d.last_columns, d.stride_x,
                  d.stride_y]
        others = self._wrong(pace)
        wrong = Signal(3 + len(counts) + len(others), reset_less=True)
        bad = Signal(reset_less=True)
        m.d.sync += [wrong.eq(Cat(d.magic != MAGIC, self._unknown(d.mode),
                                  d.last_columns > self.columns,
                                  *(count == 0 for count in counts), *others)),
                     bad.eq(wrong.any())]
        return bad

    def _unknown(self, mode: Value) -> Value:
        """Return whether there is no such mode."""
        return mode > self.last_mode

    def _wrong(self, pace: Pace | None) -> list[Value]:
        """Return what else may be wrong with a descriptor."""
        return [pace.bad] if pace else []

    def _first_slot(self) -> tuple[Value, Value]:
        """Return whether parameters are read before the first vectors; else, whether time passes.

        What follows from the counters is in registers only then.
        """
        return Const(1, 1), Const(0, 1)

    def _slots(self, m: Module, begin: Value, running: Value, ended: Value,
               pace: Pace | None) -> Value:
        """Add the loops of a step, and return whether an address is outside the memory.

        The counters of tiles and passes are a slot ahead of the vectors: they tell what is read.
        They move on after a slot has begun, and what follows from them is in registers before it
        ends, for a slot is no shorter than that takes.
        """
        d = self.descriptor
        matrix = d.mode <= Mode.DEPTHWISE  # weights are needed
        tiles = self.countdown(m, 16, d.tiles, "tiles")
        taps_y = self.countdown(m, 16, d.taps_y, "taps_y")
        taps_x = self.countdown(m, 16, d.taps_x, "taps_x")
        pieces = self.countdown(m, 16, d.pieces, "pieces")
        x = self.countdown(m, 16, d.x, "x")
        y = self.countdown(m, 16, d.y, "y")
        rows = self.countdown(m, 8, pace.weight_words if pace else Const(self.rows, 8), "rows")
        words = self.countdown(m, 8, Const(PARAMETER_WORDS, 8), "words")
        least = self.countdown(m, 8, Const(LEAST, 8), "least")

        ahead = Signal()      # there is a pass to be read
        first = Signal()      # it is the first of its column tile
        pass_last = Signal()  # it is the last of its column tile
        m.d.comb += pass_last.eq(pieces.last & taps_x.last & taps_y.last)
        more, more_weights, more_parameters = Signal(), Signal(), Signal()  # behind that one
        coming: Any = Signal(EVENT, name="coming")  # what its vectors will have in common
        moving_on = Signal()
        step_x, step_y, step_tiles = Signal(), Signal(), Signal()  # of the loops outside, then
        m.d.sync += [
            more.eq(~(pass_last & tiles.last)),
            more_weights.eq(~(pass_last & tiles.last) & matrix),
            more_parameters.eq(~tiles.last & pass_last & d.parameters_per_tile),
            coming.piece_last.eq(pieces.last), coming.taps_x_last.eq(taps_x.last),
            coming.taps_y_last.eq(taps_y.last), coming.tag.first.eq(first),
            coming.tag.last.eq(pass_last), coming.tag.final.eq(tiles.last),
        ]
        m.d.sync += [
            step_x.eq(moving_on & pieces.last),
            step_y.eq(moving_on & pieces.last & taps_x.last),
            step_tiles.eq(moving_on & pass_last),
        ]
        for move, loop in ((moving_on, pieces), (step_x, taps_x), (step_y, taps_y),
                           (step_tiles, tiles)):
            with m.If(move):
                m.d.sync += loop.step()
        with m.If(moving_on):
            m.d.sync += first.eq(pass_last)

        # What remains of this slot.
        vectors, weights, parameters, short = Signal(), Signal(), Signal(), Signal()
        slot: Any = Signal(EVENT, name="slot")  # what all vectors of this slot have in common
        opening = Signal()     # no vector has been issued yet
        fresh = Signal()       # no value has come yet
        spare = Signal(init=1)  # the lanes can take parameters
        begun = Signal()       # they have taken some of them
        place = Signal(range(2 * self.words), reset_less=True)

        last_vector = Signal()  # in a register of its own: much hangs on it
        completes = Signal()  # a value comes of the vector
        turn_first, turn_last = self._turns(m, vectors, slot.tag.last, pace, completes)
        issue, take, slot_end = Signal(), Signal(), Signal()
        value = self._values(m, begin, issue, x.last, last_vector)
        if pace:
            m.d.comb += completes.eq(value)
        m.d.comb += [
            issue.eq(vectors & turn_first),
            take.eq(parameters & ~weights & (begun | spare)),
            # Parameters follow the weights; their last word is never their first.
            slot_end.eq((~vectors | (turn_last & last_vector))
                        & Mux(parameters, ~weights & words.last, ~weights | rows.last)
                        & (~short | least.last)),
            ended.eq(running & slot_end & ~ahead),
        ]
        with m.If(issue):
            m.d.sync += [opening.eq(0), fresh.eq(fresh & ~value)]
        with m.If(vectors & turn_last):
            m.d.sync += [*x.step(), last_vector.eq(Mux(
                x.last, x.single & y.next_last, x.penultimate & y.last))]
            with m.If(x.last):
                m.d.sync += y.step()
            with m.If(last_vector):
                m.d.sync += vectors.eq(0)
        with m.If(weights):
            m.d.sync += [*rows.step(), weights.eq(~rows.last)]
        with m.If(take):
            m.d.sync += [*words.step(), parameters.eq(~words.last), begun.eq(~words.last),
                         spare.eq(0)]
        with m.If(self.swapped):
            m.d.sync += spare.eq(1)
        with m.If(weights | take):
            m.d.sync += place.eq(place + 1)
        with m.If(short):
            m.d.sync += [*least.step(), short.eq(~least.last)]

        m.d.sync += moving_on.eq(slot_end & ahead)
        with m.If(slot_end & ahead):
            m.d.sync += [
                vectors.eq(1), opening.eq(1), fresh.eq(1), short.eq(1), slot.eq(coming),
                ahead.eq(more), weights.eq(more_weights), parameters.eq(more_parameters),
            ]
        parameters_first, pauses = self._first_slot()
        with m.If(begin):
            m.d.sync += [
                *(statement for loop in (tiles, taps_y, taps_x, pieces, y, x, rows, words, least)
                  for statement in loop.load()),
                last_vector.eq(x.single & y.single), ahead.eq(1), first.eq(1), vectors.eq(0),
                short.eq(pauses), weights.eq(matrix), parameters.eq(parameters_first),
                place.eq(d.program),
            ]
        with m.If(self.clear):
            m.d.sync += [spare.eq(1), begun.eq(0), vectors.eq(0), weights.eq(0),
                         parameters.eq(0), ahead.eq(0)]

        tag = self.event.tag
        m.d.sync += [
            self.event.eq(slot),
            self.event.valid.eq(issue),
            self.event.slot.eq(opening),
            self.event.row_end.eq(x.last),
            self.event.last.eq(last_vector),
            tag.value.eq(issue & value),
            tag.start.eq(fresh),
            tag.tile.eq(fresh & slot.tag.first),
            tag.row_end.eq(x.last),
            tag.tile_end.eq(last_vector & slot.tag.last),
            self.load.weights.eq(weights),
            self.load.parameters.eq(take),
            self.address.eq(place),
        ]
        outside = Signal()
        m.d.sync += outside.eq(((weights | take) & (place >= self.words))
                               | (begin & (d.program >= self.words)))
        return outside

    def _turns(self, m: Module, vectors: Value, last: Value, pace: Pace | None,
               completes: Value) -> tuple[Value, Value]:
        """Return whether this is the first, and the last, of the cycles of a vector.

        Those of the last pass go to the lanes, which take ``interval`` cycles for each. A pixel
        that completes no window takes a bit-serial array one cycle.
        """
        end = Signal()
        if pace:
            turn = Signal(range(64))
            m.d.comb += end.eq((turn == Mux(last, pace.last_wait, pace.wait))
                               | ((turn == 0) & ~completes))
            m.d.sync += turn.eq(Mux(vectors & ~end, turn + 1, 0))
            return turn == 0, end
        if self.interval == 1:
            return Const(1, 1), Const(1, 1)
        turn = Signal(range(self.interval))
        m.d.comb += end.eq(~last | (turn == self.interval - 1))
        m.d.sync += turn.eq(Mux(vectors & ~end, turn + 1, 0))  # 0 again where a step was stopped
        return turn == 0, end

    def _values(self, m: Module, begin: Value, issue: Value, row_end: Value, last: Value,
                ) -> Value:
        """Return whether a value comes of the vector: in a depthwise step, not of each."""
        d = self.descriptor
        # Vectors, and rows, before the next value.
        left_x, left_y = Signal(8, reset_less=True), Signal(8, reset_less=True)
        with m.If(issue):
            m.d.sync += left_x.eq(Mux(left_x == 0, d.stride_x - 1, left_x - 1))
            with m.If(row_end):
                m.d.sync += [left_x.eq(d.prime_x),
                             left_y.eq(Mux(left_y == 0, d.stride_y - 1, left_y - 1))]
            with m.If(last):
                m.d.sync += left_y.eq(d.prime_y)
        with m.If(begin):
            m.d.sync += [left_x.eq(d.prime_x), left_y.eq(d.prime_y)]
        return (d.mode != Mode.DEPTHWISE) | ((left_x == 0) & (left_y == 0))


def _times(value: Value, factor: int) -> Value:
    """Return a product without a multiplier: those of the chip are the array's."""
    terms = [value << bit for bit in range(factor.bit_length()) if factor >> bit & 1]
    return sum(terms[1:], terms[0])
