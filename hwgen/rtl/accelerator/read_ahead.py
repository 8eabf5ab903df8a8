"""A sequencer that reads what a step begins with while the step before is at its end."""

from functools import reduce
from operator import or_
from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from ..primitives.pipeline import later
from ..step import PARAMETER_WORDS, PLACES, KeepingDescriptor, Mode, has_pairs
from .arrays import Pace
from .sequencer import Sequencer
from .slots import Loops, NextPass, Slot
from .taking import GAP
from .walk import State, Walk
from .wide_slot import WideSlot

__all__ = ["ReadAheadSequencer"]

ISSUED = data.StructLayout({name: PLACES[name][1] for name in (
    "mode", "x", "y", "prime_x", "stride_x", "prime_y", "stride_y")})
"""What of a descriptor is wanted until the last vector of its step has been issued."""


class ReadAheadWalk(Walk):
    """As :class:`Walk`: while steps run it is in state RUN, and descriptors are read meanwhile."""

    first = State.RUN

    def __init__(self, m: Module, control: Any) -> None:
        super().__init__(m, control)
        self.rests = Signal()    # all words of a step have been asked for
        self.own = Signal()      # it is a part's, which may write words
        self.waits = Signal()    # the first pass of a step is there, or comes; none of it runs yet
        self.runs = Signal()     # vectors of a step have been issued, and it has not ended,
        self.second = Signal()   # and those of the next one, too
        self.streams = Signal()  # its vectors go the whole way, and so does the descriptor
        self.starts = Signal()   # the first vector of a step is issued in the next cycle,
        self.started = Signal()  # or in this one: what has time knows it so
        self.spread = Signal(init=1)  # everybody has the descriptor
        self.final = Signal()    # the step that has ended is the last one
        # No pass of the step that waits may run yet, as `waits & runs` would tell:
        self.blocked = Signal()
        m.d.sync += [self.last.eq(self.left == 0),  # which has begun
                     self.final.eq(self.last & ~self.second)]

    def follow(self, complete: Value) -> None:
        m, control = self.m, self.control
        super().follow(complete)
        checks = Signal()
        m.d.sync += checks.eq(complete & ~control.clear)
        m.d.comb += self.beginning.eq(checks & ~control.clear)
        with m.If(self.begin):
            m.d.sync += self.waits.eq(1)
        with m.If(self.starts):
            m.d.sync += [self.waits.eq(0), self.runs.eq(1), self.blocked.eq(0),
                         self.second.eq(self.runs & ~control.done)]
        with m.Elif(control.done):
            m.d.sync += [self.second.eq(0), self.runs.eq(self.second),
                         self.blocked.eq((self.begin | self.waits) & self.second)]
        with m.Elif(self.begin):
            m.d.sync += self.blocked.eq(self.runs)
        m.d.sync += self.started.eq(self.starts)
        with m.If(self.started):
            m.d.sync += [self.left.eq(self.left - 1), self.spread.eq(~self.streams)]
        with m.If(control.followed):
            m.d.sync += self.spread.eq(1)
        with m.If(self.read):
            m.d.sync += self.rests.eq(0)
        with m.If(control.clear):
            m.d.sync += [self.waits.eq(0), self.runs.eq(0), self.second.eq(0),
                         self.blocked.eq(0)]

    def _run_step(self, complete: Value) -> None:
        """End a step, and read the next one's descriptor as soon as nobody wants the last one."""
        m, control = self.m, self.control
        with m.Case(State.RUN):
            m.d.comb += self.read.eq(self._wants())
            with m.If(self.done & ~self.fails):
                m.d.comb += control.counted.eq(1)
                with m.If(self.final):
                    m.d.sync += [control.busy.eq(0), self.state.eq(State.IDLE)]
                with m.Else():
                    m.d.sync += control.step.eq(control.step + 1)

    def _wants(self) -> Value:
        """Return whether a descriptor is to be read."""
        return self.rests & self.spread & ~self.last & ~(self.own & self.runs)

    def _end_step(self) -> None:
        """Nothing is left to do."""


class ReadAheadSequencer(Sequencer):
    """As :class:`Sequencer`; it has a ``descriptor`` before the step before has ended.

    In the last slot of a step nothing is left to be read of it. So the next step's descriptor is
    read, and then the weights and parameters of its first pass; its vectors follow when the step
    before has ended, or as soon as nothing is left to be issued of that, where the descriptor says
    so. Errors of what is read come to light when that step's turn comes. Behind a step that is a
    part's nothing is read until it has ended, as it may write words.

    Members
    -------
    take : Out(1)
        The first vector of a step is issued in the next cycle, of which ``descriptor`` is, and no
        other step is under way.
    follow : Out(1)
        The same, whether or not one is: the descriptor is to go along with the vector.
    followed : In(1)
        The last place on the way has taken it.
    second : Out(1)
        There are vectors under way of a step behind ``step``.
    """

    walk_kind = ReadAheadWalk
    more = {"take": Out(1), "follow": Out(1), "followed": In(1), "second": Out(1)}

    take: Value
    follow: Value
    followed: Value
    second: Value

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.issued: Any = Signal(ISSUED, reset_less=True)
        self.walk = walk = self.walk_kind(m, self)
        m.d.comb += self.second.eq(walk.second)
        complete = self._read_descriptor(m, walk.read, walk.place)
        self.bad = super()._is_bad(m, None)
        missing = self._walk_slots(m, walk)
        walk.follow(complete)
        # Words of a step are all there before the next one begins, so they are of the last step.
        missing &= ~(walk.waits & walk.runs) & ~walk.second
        walk.stop(self._failure(m, walk.waits & ~walk.runs, missing, None))
        return m

    def _is_bad(self, m: Module, pace: Pace | None) -> Value:
        return self.bad

    def _overlaps(self, m: Module, vectors: Value, walk: ReadAheadWalk, missing: Value) -> Value:
        """Return whether vectors of the step that waits may follow those that are under way.

        Two steps may be under way at once if both go the whole way, in step.
        """
        d, ran = self.descriptor, Signal()
        with m.If(walk.started):
            m.d.sync += ran.eq(walk.streams)
        recent, right, overlaps = Signal(GAP - 3), Signal(), Signal()
        m.d.sync += [
            recent.eq(Cat(vectors, recent)),
            walk.streams.eq(self._streams(d)),
            right.eq(d.overlaps & walk.streams & ran & ~missing & ~self.bad & ~walk.second),
            overlaps.eq(right & ~vectors & ~recent.any()),
        ]
        return overlaps

    @property
    def _issuing(self) -> Any:
        return self.issued

    def _streams(self, d: Any) -> Value:
        """Return whether the vectors of a step go the whole way, and may follow those of another.

        Those that are multiplied by weights of 4 bits go alone.
        """
        streams = (d.mode <= Mode.DEPTHWISE) & ~d.to_sums
        return streams & ~has_pairs(d) if self.int4_weights else streams

    def _note_pairs(self, m: Module, slot: Slot) -> None:
        """Note whether the step whose vectors are issued next has weights of 4 bits."""
        if self.int4_weights:
            self.issues_pairs = Signal(reset_less=True)
            with m.If(~slot.vectors):
                m.d.sync += self.issues_pairs.eq(has_pairs(self.descriptor))

    def _parameter_words(self, d: Any) -> Value | None:
        """Return the words of the parameters of a column tile, if they are not always as many."""
        if not self.int4_weights:
            return None
        return Mux(has_pairs(d), Const(2 * PARAMETER_WORDS, 8), Const(PARAMETER_WORDS, 8))

    def _walk_slots(self, m: Module, walk: ReadAheadWalk) -> Value:
        """Add the loops of steps, and return whether an address is outside the memory."""
        d = self.descriptor
        at_once = max((part.words for part in self.parts), default=1)
        slot = Slot(self.words) if at_once == 1 else WideSlot(
            m, d, self.issued, self.words, at_once, self.interval)
        loops = Loops(m, d, self.countdown, Const(self.rows, 8), slot.shortest(self.shortest),
                      self.issued, self._parameter_words(d))
        coming = NextPass(m, d, loops)
        self._note_pairs(m, slot)
        turn_first, turn_last = self._own_turns(m, slot, None, Const(0))
        issue, take, ends = Signal(), Signal(), Signal()
        value = slot.gives_value(
            self._values(m, ~slot.vectors, issue, loops.x.last, slot.last_vector))
        missing = self._missing(m, walk, slot, take)
        free = ~walk.blocked | self._overlaps(m, slot.vectors, walk, missing)
        if self.tables is not None:
            free &= ~walk.waits | self._make_tables(m, walk, self.tables)
        over, held = slot.ends(loops, turn_last) & free, self._waits(coming)
        m.d.comb += [
            issue.eq(slot.vectors & turn_first),
            take.eq(slot.takes_parameters()),
            ends.eq(over if held is None else over & ~held),
        ]
        slot.issue_vectors(m, loops, issue, turn_last, value)
        slot.read_words(m, loops, take, self.swapped)
        slot.pause(m, loops)
        slot.follow(m, ends, coming)
        begins = ends & coming.there
        m.d.comb += [walk.starts.eq(begins & walk.waits), self.take.eq(walk.starts & ~walk.runs),
                     self.follow.eq(walk.starts & walk.streams)]
        # Words that were asked for last are still to be read.
        asked = slot.asks_last(m, begins & ~coming.more, loops, turn_last)
        rests = later(m, asked, self.words_ahead, "rests", reset=True)
        with m.If(rests):
            m.d.sync += walk.rests.eq(1)
        with m.If(~slot.vectors):  # those of a new step, or of the same one, begin anew
            m.d.sync += [*(self.issued[name].eq(d[name]) for name in ISSUED.members),
                         *loops.x.load(), *loops.y.load(),
                         slot.last_vector.eq(loops.x.single & loops.y.single)]
        for index, group in enumerate(loops.groups):
            if loops.x not in group:
                with m.If(self._begin(m, walk, f"loops_{index}")):
                    m.d.sync += [loop.load() for loop in group]
        with m.If(walk.begin):
            m.d.sync += [
                coming.there.eq(1), coming.first.eq(1), slot.short.eq(0),
                slot.weights.eq(coming.weights_first), slot.parameters.eq(1),
                slot.place.eq(d.program), walk.own.eq(slot.writes(d.mode > Mode.SUMS)),
            ]
        if held is not None:
            self._follow_words(m, walk, slot, take, over & held & coming.there, rests)
        self._mark_tiles(m, walk.begin, coming)
        self._begin_parts(m, walk, slot)
        with m.If(self.clear):
            m.d.sync += [*slot.clear(), coming.there.eq(0)]
        self._issue(m, loops, slot, issue, self._take_whole(m, slot, take), value)
        return missing

    def _waits(self, coming: NextPass) -> Value | None:
        """Return whether the next slot waits for its words; None where all are there always."""
        return None

    def _follow_words(self, m: Module, walk: ReadAheadWalk, slot: Slot, take: Value, held: Value,
                      rests: Value) -> None:
        """Tell of words that are read; a slot is ``held`` up, all words of a step are asked for."""

    def _take_whole(self, m: Module, slot: Slot, take: Value) -> Value:
        """Tell a part that its parameters are read, and return whether others' are."""
        for part in self.parts:
            if part.whole is not None:
                m.d.sync += part.whole.eq(slot.takes_whole(take))
                take &= ~slot.takes_whole(take)
        return take

    def _make_tables(self, m: Module, walk: ReadAheadWalk, tables: Any) -> Value:
        """Begin to make the table that a step needs as soon as that waits; return if none is made.

        The step before has no use for a table.
        """
        joined = KeepingDescriptor(Value.cast(self.descriptor)).joined
        m.d.comb += tables.start.eq(walk.begin & joined)
        return ~tables.making

    def _mark_tiles(self, m: Module, begin: Value, coming: NextPass) -> None:
        """Mark the column tiles that have parameters: those of the next step may be there."""
        opening = Signal()  # the first column tile of a step
        m.d.sync += coming.common.tag.tile.eq(
            coming.first & (opening | self.descriptor.parameters_per_tile))
        with m.If(coming.moving_on & coming.last):
            m.d.sync += opening.eq(0)
        with m.If(begin):
            m.d.sync += opening.eq(1)

    def _begins_tile(self, slot: Slot) -> Value:
        return slot.common.tag.tile

    def _begin_parts(self, m: Module, walk: ReadAheadWalk, slot: Slot) -> None:
        """Begin a step that is a part's: it reads no words.

        A part that does the step by itself starts when it has the descriptor, and as late as an
        error of that has stopped the step.
        """
        for part in self.parts:
            own = self.descriptor.mode == part.mode
            with m.If(walk.begin & own):
                m.d.sync += [slot.short.eq(1), slot.parameters.eq(0)]
            if part.start is not None:
                begun = Signal(4, name=f"begun_{part.name}")
                m.d.sync += begun.eq(Cat(walk.starts & own, begun))
                m.d.comb += part.start.eq(begun[-1] & ~self.clear)

    def _missing(self, m: Module, walk: ReadAheadWalk, slot: Slot, take: Value) -> Value:
        """Return whether a word of a step is outside the memory, until all is cleared."""
        missing = Signal()
        with m.If((slot.reads(take) & (slot.place >= self.words))
                  | (walk.begin & (self.descriptor.program >= self.words))):
            m.d.sync += missing.eq(1)
        with m.If(self.clear):
            m.d.sync += missing.eq(0)
        return reduce(or_, (part.outside for part in self.parts), missing)
