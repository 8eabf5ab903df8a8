"""The states of a sequencer that walks the steps of a Program."""

from typing import Any

from amaranth import *
from amaranth.lib import enum

from ..primitives.adders import multiple
from ..step import Error

__all__ = ["State", "Walk"]

FLUSH = 255
"""Cycles less one of a reset after an error, where nobody says less: more than the longest pipeline
has."""


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


class Walk:
    """Where a sequencer is in its walk over the steps, and statements for its states.

    Parameters
    ----------
    control : Controlled
        Whose ports they drive; with ``words``, ``descriptor_words``.
    flush : int
        Cycles, less one, in which everything is held in reset after an error.
    checks : bool
        Whether a descriptor has a cycle in which what follows from it gets into registers.
    beyond : int
        Words beyond the memory that can be told from those in it.
    """

    first = State.READ
    """Behind a start."""

    def __init__(self, m: Module, control: Any, *, flush: int = FLUSH, checks: bool = True,
                 beyond: int = 0) -> None:
        self.m, self.control = m, control
        self.flushing = flush
        self.checks = checks
        self.state = Signal(State)
        self.beginning = Signal()  # the loops begin in the next cycle,
        self.begin = Signal()      # or in this one: much begins with it
        self.ended = Signal()  # the last slot of a step ends
        # Steps, with this one, which is the last one:
        self.left, self.last = Signal(16, reset_less=True), Signal(name="last", reset_less=True)
        self.none = Signal(reset_less=True)
        m.d.sync += [self.last.eq(self.left == 1), self.none.eq(control.count == 0)]
        self.wait = Signal(range(flush + 1))  # cycles of a reset after an error
        # The step will stop, and why:
        self.fails, self.failed = Signal(), Signal(Error)
        self.done = Signal()
        self.read = Signal()                  # a descriptor shall be read, from
        self.place = Signal(range(control.words + max(beyond, control.descriptor_words)),
                            reset_less=True)

    def follow(self, complete: Value) -> None:
        """Walk, and count the cycles; ``complete`` says that a descriptor has come."""
        m, control = self.m, self.control
        with m.If(control.busy):
            m.d.sync += control.cycles.eq(control.cycles + 1)
        begins = Value.cast(self.state) <= State.PLACE.value
        m.d.sync += control.step_cycles.eq(
            Mux(begins | control.counted, 0, control.step_cycles + 1))
        m.d.sync += self.begin.eq(self.beginning)
        with m.Switch(self.state):
            self._start()
            self._run_step(complete)
            self._end_step()
            self._flush()

    def _start(self) -> None:
        """Wait for a start, and find the first descriptor."""
        m, control = self.m, self.control
        with m.Case(State.IDLE):
            m.d.sync += [self.place.eq(multiple(control.first, control.descriptor_words)),
                         self.left.eq(control.count)]
            with m.If(control.start):
                m.d.sync += [control.busy.eq(1), control.error.eq(Error.NONE),
                             control.step.eq(control.first), self.state.eq(State.PLACE)]
        with m.Case(State.PLACE):
            m.d.sync += control.cycles.eq(0)
            with m.If(~self.none):
                m.d.comb += self.read.eq(1)
                m.d.sync += self.state.eq(self.first)
            with m.Else():
                m.d.sync += [control.busy.eq(0), self.state.eq(State.IDLE)]

    def _run_step(self, complete: Value) -> None:
        """Run the slots of a step when its descriptor is there."""
        m = self.m
        with m.Case(State.READ):
            with m.If(complete):
                m.d.sync += self.state.eq(State.CHECK if self.checks else State.BEGIN)
                if not self.checks:
                    m.d.comb += self.beginning.eq(1)
        with m.Case(State.CHECK):
            m.d.comb += self.beginning.eq(1)
            m.d.sync += self.state.eq(State.BEGIN)
        with m.Case(State.BEGIN):
            m.d.sync += self.state.eq(State.RUN)
        with m.Case(State.RUN):
            with m.If(self.ended):
                m.d.sync += self.state.eq(State.DRAIN)

    def _end_step(self) -> None:
        """Wait for the last value of a step, and go on to the next one."""
        m, control = self.m, self.control
        with m.Case(State.DRAIN):
            with m.If(self.done & ~self.fails):
                m.d.comb += control.counted.eq(1)
                m.d.sync += self.left.eq(self.left - 1)
                with m.If(self.last):
                    m.d.sync += [control.busy.eq(0), self.state.eq(State.IDLE)]
                with m.Else():
                    m.d.comb += self.read.eq(1)
                    m.d.sync += [control.step.eq(control.step + 1), self.state.eq(State.READ)]

    def _flush(self) -> None:
        """Hold everything in reset for a while."""
        m, control = self.m, self.control
        with m.Case(State.FLUSH):
            m.d.sync += self.wait.eq(self.wait - 1)
            with m.If(self.wait == 0):
                m.d.sync += [control.busy.eq(0), control.clear.eq(0), self.state.eq(State.IDLE)]

    def stop(self, failure: Value) -> None:
        """Stop the step at a failure."""
        m, control = self.m, self.control
        # Both a cycle later, so that neither overtakes the other.
        found = Signal(Error)
        m.d.sync += [self.done.eq(control.done), found.eq(failure), self.failed.eq(found),
                     self.fails.eq(control.busy & ~control.clear & ~self.done
                                   & (found != Error.NONE))]
        self._hold()

    def stop_at_once(self, failure: Value) -> None:
        """Stop the step in the very cycle of a failure: where a slow clock leaves time for that."""
        control = self.control
        self.m.d.comb += [self.done.eq(control.done), self.failed.eq(failure),
                          self.fails.eq(control.busy & ~control.clear & (failure != Error.NONE))]
        self._hold()

    def _hold(self) -> None:
        """Hold everything in reset for a while where a step has failed."""
        m, control = self.m, self.control
        with m.If(self.fails & ~control.clear):
            m.d.sync += [control.error.eq(self.failed), self.wait.eq(self.flushing),
                         control.busy.eq(1), control.clear.eq(1), self.state.eq(State.FLUSH)]
