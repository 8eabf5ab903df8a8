"""A sequencer whose program streams: descriptors and words come one behind the other."""

from typing import Any

from amaranth import *
from amaranth.lib.wiring import In, Out

from ..step import StreamDescriptor
from .read_ahead import ReadAheadSequencer, ReadAheadWalk
from .slots import NextPass, Slot
from .walk import State

__all__ = ["StreamingSequencer"]


class StreamingWalk(ReadAheadWalk):
    """As :class:`.read_ahead.ReadAheadWalk`: a run begins when the stream does."""

    def _start(self) -> None:
        m, control = self.m, self.control
        with m.Case(State.IDLE):
            m.d.sync += [self.place.eq(control.page), self.left.eq(control.count)]
            with m.If(control.start):
                m.d.sync += [control.busy.eq(1), control.error.eq(0),
                             control.step.eq(control.first), self.state.eq(State.PLACE)]
        with m.Case(State.PLACE):
            m.d.comb += control.begins.eq(~control.clear)
            m.d.sync += control.cycles.eq(0)
            with m.If(control.ready):
                m.d.sync += [self.rests.eq(1), self.state.eq(State.RUN)]
                with m.If(self.none):
                    m.d.sync += [control.busy.eq(0), self.state.eq(State.IDLE)]

    def _wants(self) -> Value:
        control = self.control
        wants = super()._wants()
        self.m.d.comb += control.lacks_descriptor.eq(
            (self.state == State.RUN) & wants & ~control.there)
        return wants & control.there


class StreamingSequencer(ReadAheadSequencer):
    """As :class:`.read_ahead.ReadAheadSequencer`; it waits for words of a stream.

    The words of a step follow its descriptor, and the next descriptor follows these; a step with
    the flag ``again`` has those of an earlier one. Before a descriptor is read, and before a slot
    begins in which words of the stream are read, all of them must be ``there``.

    Members
    -------
    there : In(1)
    page : In(range(words))
        Where the first descriptor is.
    begins : Out(1), ready : In(1)
        A run is to begin, and has.
    reads, holds, rests, stalls : Out(1)
        See :class:`.program_stream.ProgramStream`.
    """

    there: Value
    page: Value
    begins: Value
    ready: Value
    reads: Value
    holds: Value
    rests: Value
    stalls: Value

    walk_kind = StreamingWalk

    def __init__(self, rows: int, columns: int, interval: int, words: int, *others: Any,
                 **options: Any) -> None:
        self.more = ReadAheadSequencer.more | {
            "there": In(1), "page": In(range(words)), "begins": Out(1), "ready": In(1),
            **dict.fromkeys(("reads", "holds", "rests", "stalls"), Out(1))}
        super().__init__(rows, columns, interval, words, *others, **options)
        self.again = Signal(name="again")
        self.lacks_descriptor, self.lacks_words = Signal(), Signal()

    def _waits(self, coming: NextPass) -> Value:
        """Return whether the next slot reads words that are not there yet."""
        return ~self.there & coming.more & ~self.again

    def _follow_words(self, m: Module, walk: ReadAheadWalk, slot: Slot, take: Value, held: Value,
                      rests: Value) -> None:
        d = StreamDescriptor(Value.cast(self.descriptor))
        with m.If(walk.begin):
            m.d.sync += [self.again.eq(d.again), self.holds.eq(d.holds)]
        with m.If(rests & ~self.again):
            m.d.sync += walk.place.eq(slot.place)
        m.d.comb += [self.reads.eq(self.head | (slot.reads(take) & ~self.again)),
                     self.rests.eq(rests), self.stalls.eq(self.lacks_descriptor | held)]

    def _missing(self, m: Module, walk: ReadAheadWalk, slot: Slot, take: Value) -> Value:
        return Const(0)  # addresses count modulo the ring
