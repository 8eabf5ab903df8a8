"""Walk the steps of a Program: read descriptors, count loops, say when what moves."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from amaranth import *
from amaranth.lib.wiring import In, Out

from ...arch.steps import descriptor_words
from .. import primitives
from ..primitives.pipeline import later
from ..step import MAGIC, Descriptor, Error, Mode, has_pairs
from .accumulators import Accumulators
from .arrays import Pace
from .control import CONTROL, Controlled
from .pairs import tile_columns, turns_of_pairs
from .part import Part
from .slots import EVENT, LOAD, Countdown, Loops, NextPass, Slot, turns
from .walk import State, Walk

__all__ = ["EVENT", "LOAD", "Sequencer"]


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
    pace : type of Pace, or None
        How many words of weights a pass has, and how many cycles a vector takes, is as the formats
        of the step say: the array is bit-serial.
    parts : sequence of Part
        What does steps of modes of its own.
    family : str

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
    slot = Slot
    shortest = Accumulators.turn
    """Cycles that a pass takes at least."""
    more: dict[str, Any] = {}
    """Ports that only others of its kind have."""
    tables: Any = None
    """See :class:`hwgen.rtl.accelerator.keeping.TableMaker`; None where no step needs a table."""
    int4_weights, lanes = False, 1
    issues_pairs: Value
    """Whether the step has some whose vectors are issued."""
    more_fields: tuple[str, ...] = ()
    """Fields of a descriptor besides those of parts and frame."""
    more_bytes = 0
    """Bytes of a descriptor behind its fields: :attr:`behind`, when it has come."""
    behind: Value
    words_ahead: int
    """Cycles that words at ``address`` come later than those at ``head_address``."""

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
                 address_bits: int, *, pace: type[Pace] | None = None,
                 parts: Sequence[Part] = (), family: str = "generic") -> None:
        self.address_bits = address_bits
        self.family = family
        self.rows = rows
        self.columns = columns
        self.interval = interval
        self.words = words
        self.pace = pace
        self.parts = parts
        self.descriptor_words = descriptor_words(columns, self.more_bytes)
        super().__init__({
            **CONTROL,
            "descriptor": Out(Descriptor), "event": Out(EVENT),
            "load": Out(LOAD), "address": Out(range(words)),
            "head": Out(1), "head_address": Out(range(words)),
            "word": In(8 * columns), "word_valid": In(1),
            "swapped": In(1), "done": In(1),
            "fetch_error": In(1), "store_error": In(1), "sums_error": In(1), **self.more,
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        walk = Walk(m, self)
        complete = self._read_descriptor(m, walk.read, walk.place)
        pace = self.pace(m, self.descriptor, self.rows, self.interval) if self.pace else None
        bad_address = self._slots(m, walk, pace)

        walk.follow(complete)
        begun = Signal()
        m.d.sync += begun.eq(walk.begin)
        walk.stop(self._failure(m, begun, bad_address, pace))
        return m

    def _failure(self, m: Module, begun: Value, bad_address: Value, pace: Pace | None) -> Value:
        """Return what has failed; of several failures the last one here."""
        late = Signal()
        m.d.sync += late.eq(self.busy & self._at_limit())
        failure = Signal(Error)
        for signal, code in ((self.stop, Error.STOPPED), (late, Error.WATCHDOG),
                             (self.sums_error, Error.SUMS),
                             (bad_address, Error.PROGRAM), (self.store_error, Error.STORE),
                             (self.fetch_error, Error.FETCH),
                             (begun & self._is_bad(m, pace), Error.DESCRIPTOR)):
            with m.If(signal):
                m.d.comb += failure.eq(code)
        return self.or_damage(m, failure)

    def _at_limit(self) -> Value:
        """Return whether the step has taken as many cycles as it may."""
        return self.step_cycles >= self.limit

    def _read_descriptor(self, m: Module, read: Value, place: Value) -> Value:
        """Collect the words of a descriptor, and return whether all have come."""
        size = self.descriptor_words * self.columns * 8
        words = Signal(size, reset_less=True)  # the first one comes to lie in the lowest bits
        asked = Countdown(m, 8, Const(self.descriptor_words, 8), "asked")
        self.come = come = Countdown(m, 8, Const(self.descriptor_words, 8), "come")
        m.d.comb += self.head_address.eq(place)
        read = later(m, read, 1, "read", reset=True)
        with m.If(read):
            m.d.sync += [self.head.eq(1), *asked.load(), *come.load()]
        with m.Elif(self.head):
            m.d.sync += [place.eq(place + 1), self.head.eq(~asked.last), *asked.step()]
        with m.If(self.word_valid):
            m.d.sync += come.step()
        # The words lie far apart: each knows by itself when the next one comes.
        width = self.columns * 8
        word = later(m, self.word, 1, "word")
        for index in range(self.descriptor_words):
            comes = primitives.local_register(m, self.family, self.word_valid, f"comes_{index}")
            with m.If(comes):
                m.d.sync += words.word_select(index, width).eq(
                    words.word_select(index + 1, width)
                    if index + 1 < self.descriptor_words else word)
        m.d.comb += Value.cast(self.descriptor).eq(words[:Descriptor.size])
        self.behind = words[Descriptor.size:]
        return later(m, self.word_valid & come.last, 1, "complete", reset=True)

    def _is_bad(self, m: Module, pace: Pace | None) -> Value:
        """Return whether the descriptor cannot be one, two cycles after it has come."""
        d = self.descriptor
        counts = [d.tiles, d.pieces, d.taps_x, d.taps_y, d.x, d.y, d.last_columns, d.stride_x,
                  d.stride_y]
        others, bad = self._faults(pace), Signal(reset_less=True)
        wrong = Signal(3 + len(counts) + len(others), reset_less=True)
        m.d.sync += [wrong.eq(Cat(d.magic != MAGIC, self._is_unknown(d.mode),
                                  d.last_columns > tile_columns(self, d),
                                  *(count == 0 for count in counts), *others)),
                     bad.eq(wrong.any())]
        return bad

    def _is_unknown(self, mode: Value) -> Value:
        """Return whether there is no such mode."""
        unknown: Value = mode > Mode.SUMS
        for part in self.parts:
            unknown &= mode != part.mode
        return unknown

    def _faults(self, pace: Pace | None) -> list[Value]:
        """Return what else may be wrong with a descriptor."""
        d = self.descriptor
        return [*([pace.bad] if pace else []),
                *([has_pairs(d) & d.to_sums] * self.int4_weights),
                *((d.mode == part.mode) & bad for part in self.parts for bad in part.faults(d))]

    def _begin_own(self, m: Module, begin: Value, slot: Slot) -> None:
        """Begin a step that is a part's.

        It reads no words, and pauses first, in which what follows from the counters gets into
        registers. A part that does the step by itself starts as late as `_is_bad` says that there
        is no such step.
        """
        for part in self.parts:
            own = begin & (self.descriptor.mode == part.mode)
            with m.If(own):
                m.d.sync += [slot.short.eq(1), slot.parameters.eq(0)]
            if part.start is not None:
                begun = Signal(3, name=f"begun_{part.name}")
                m.d.sync += begun.eq(Cat(own, begun))
                m.d.comb += part.start.eq(begun[-1] & ~self.clear)

    def _begin(self, m: Module, walk: Walk, name: str) -> Value:
        """Return whether a step begins: much does with it, each from a register of its own."""
        return primitives.local_register(m, self.family, walk.beginning, f"begin_{name}")

    def _slots(self, m: Module, walk: Walk, pace: Pace | None) -> Value:
        """Add the loops of a step, and return whether an address is outside the memory."""
        d = self.descriptor
        loops = Loops(m, d, self.countdown,
                      pace.weight_words if pace else Const(self.rows, 8), self.shortest)
        coming = NextPass(m, d, loops)
        slot = self.slot(self.words)
        completes = Signal()  # a value comes of the vector
        turn_first, turn_last = self._own_turns(m, slot, pace, completes)
        issue, take, slot_end = Signal(), Signal(), Signal()
        value = self._values(m, self._begin(m, walk, "values"), issue, loops.x.last,
                             slot.last_vector)
        m.d.comb += [
            completes.eq(value),
            issue.eq(slot.vectors & turn_first),
            take.eq(slot.takes_parameters()),
            slot_end.eq(slot.ends(loops, turn_last)),
            walk.ended.eq((walk.state == State.RUN) & slot_end & ~coming.there),
        ]
        slot.issue_vectors(m, loops, issue, turn_last, value)
        slot.read_words(m, loops, take, self.swapped)
        slot.pause(m, loops)
        slot.follow(m, slot_end, coming)
        for index, group in enumerate(loops.groups):
            with m.If(self._begin(m, walk, f"loops_{index}")):
                m.d.sync += [loop.load() for loop in group]
        begin = self._begin(m, walk, "slots")
        with m.If(begin):
            m.d.sync += [
                slot.last_vector.eq(loops.x.single & loops.y.single),
                coming.there.eq(1), coming.first.eq(1), slot.vectors.eq(0), slot.short.eq(0),
                slot.weights.eq(coming.weights_first), slot.parameters.eq(1),
                slot.place.eq(d.program),
            ]
        self._begin_own(m, begin, slot)
        with m.If(self.clear):
            m.d.sync += [*slot.clear(), coming.there.eq(0)]
        self._issue(m, loops, slot, issue, take, value)
        outside = Signal()
        m.d.sync += outside.eq((slot.reads(take) & (slot.place >= self.words))
                               | (begin & (d.program >= self.words)))
        return reduce(or_, (part.outside for part in self.parts), outside)

    def _issue(self, m: Module, loops: Loops, slot: Slot, issue: Value, take: Value,
               value: Value) -> None:
        """Say which vector is issued and which word is read, a cycle later."""
        tag = self.event.tag
        m.d.sync += [
            self.event.eq(slot.common),
            self.event.valid.eq(issue),
            self.event.slot.eq(slot.opening),
            self.event.row_end.eq(loops.x.last),
            self.event.last.eq(slot.last_vector),
            tag.value.eq(issue & value),
            tag.start.eq(slot.fresh),
            tag.tile.eq(slot.fresh & self._begins_tile(slot)),
            tag.row_end.eq(loops.x.last),
            tag.tile_end.eq(slot.last_vector & slot.common.tag.last),
            self.load.weights.eq(slot.reads_weights),
            self.load.parameters.eq(take),
            self.address.eq(slot.place),
        ]

    def _own_turns(self, m: Module, slot: Slot, pace: Pace | None, completes: Value,
                   ) -> tuple[Value, Value]:
        """Return as :meth:`_turns`, but for a step of a part as that says."""
        turn_first, turn_last = self._turns(m, slot.vectors, slot.common.tag.last, pace, completes)
        for part in self.parts:
            turn_first = Mux(part.selected, part.issues, turn_first)
            turn_last = Mux(part.selected, part.ends, turn_last)
        return turn_first, turn_last

    def _begins_tile(self, slot: Slot) -> Value:
        """Return whether the pass is the first of its column tile."""
        return slot.common.tag.first

    @property
    def _issuing(self) -> Any:
        """The descriptor of the step whose vectors are issued."""
        return self.descriptor

    def _turns(self, m: Module, vectors: Value, last: Value, pace: Pace | None,
               completes: Value) -> tuple[Value, Value]:
        """Return whether this is the first, and the last, of the cycles of a vector.

        Those of the last pass go to the lanes, which take ``interval`` cycles for each. A pixel
        that completes no window takes a bit-serial array one cycle.
        """
        if self.int4_weights:
            return turns_of_pairs(m, self, vectors, last)
        if pace:
            return turns(m, vectors, range(64), lambda turn: (
                turn == Mux(last, pace.last_wait, pace.wait)) | ((turn == 0) & ~completes))
        if self.interval == 1:
            return Const(1, 1), Const(1, 1)
        return turns(m, vectors, range(self.interval),
                     lambda turn: ~last | (turn == self.interval - 1))

    def _values(self, m: Module, begin: Value, issue: Value, row_end: Value, last: Value,
                ) -> Value:
        """Return whether a value comes of the vector: in a depthwise step, not of each."""
        d = self._issuing
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
