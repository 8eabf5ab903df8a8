"""Softmax of rows of bytes, from the memory of activations to the same."""

from typing import Any

from amaranth import *
from amaranth.lib import enum
from amaranth.lib.wiring import In, Out

from ...arch.steps import LONGEST_ROW, POWER_BYTES
from ..primitives.pipeline import later
from .moving import ByteMover
from .shares import EVENT, Shares, Turn
from .tables import read_bytes

__all__ = ["SoftmaxRows"]


class Reading(enum.Enum, shape=3):
    """What is read: words of the program, or rows of bytes."""

    IDLE = 0
    FILL = 1
    GREATEST = 2  # of the first row
    SUM = 3
    GAP = 4       # in which the greatest byte of the next row is found
    SHARE = 5


class SoftmaxRows(ByteMover):
    """Do a step of mode SOFTMAX: read its powers of e, and then each row, a byte a cycle.

    Of a row outside the activations nothing is written.

    Parameters
    ----------
    hard : bool
        Whether it multiplies in DSP blocks. The others are those of a :class:`ByteMover`.
    """

    def __init__(self, columns: int, words: int, reading: int, *, hard: bool = False,
                 **sizes: Any) -> None:
        super().__init__(columns, words, reading, busy=Out(1), read_byte=In(signed(8)), **sizes)
        self.shares = Shares(self.family, hard=hard)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        m.submodules.shares = shares = self.shares
        filled = self._fill(m, shares)
        state, gap = Signal(Reading), shares.gap
        # A byte is asked for, the first or the last of its row; a gap lasts longer than a row:
        asks, begins, last = Signal(), Signal(), Signal()
        left, wait = Signal(range(LONGEST_ROW + 1), reset_less=True), Signal(range(gap))
        m.d.comb += last.eq(left == 1)
        rows = Rows(m, self, begins & (state == Reading.SUM))
        turn, address = Signal(Turn), Signal(len(rows.ahead), reset_less=True)
        event: Any = Signal(EVENT)
        m.d.sync += [
            event.turn.eq(Mux(asks, turn, Turn.NONE)), event.first.eq(begins),
            event.last.eq(last), self.reads.eq(state != Reading.IDLE),
            address.eq(Mux(begins, Mux(state == Reading.SHARE, rows.source, rows.ahead),
                           address + 1)),
        ]
        m.d.comb += [
            self.read_address.eq(address),
            Value.cast(shares.event).eq(later(m, Value.cast(event), self.fetching, "event",
                                              reset=True)),
            shares.byte.eq(self.read_byte),
        ]
        with m.If(asks):
            m.d.sync += [left.eq(Mux(last, d.row_bytes, left - 1)), begins.eq(last)]
        with m.Switch(state):
            with m.Case(Reading.IDLE):
                m.d.sync += [left.eq(d.row_bytes), begins.eq(1)]
                with m.If(self.start):
                    m.d.sync += state.eq(Reading.FILL)
            with m.Case(Reading.FILL):
                with m.If(filled):
                    m.d.sync += state.eq(Reading.GREATEST)
            with m.Case(Reading.GREATEST):
                m.d.comb += [asks.eq(1), turn.eq(Turn.GREATEST)]
                with m.If(last):
                    m.d.sync += state.eq(Reading.SUM)
            with m.Case(Reading.SUM):
                m.d.comb += [asks.eq(1), turn.eq(Turn.SUM)]
                m.d.sync += wait.eq(gap - 1)
                with m.If(last):
                    m.d.sync += state.eq(Reading.GAP)
            with m.Case(Reading.GAP):
                found = Signal()  # the greatest byte of the next row has been asked for
                m.d.comb += [asks.eq(~found & ~rows.final), turn.eq(Turn.GREATEST)]
                m.d.sync += [found.eq((found | last) & ~rows.final), wait.eq(wait - wait.any())]
                with m.If((wait == 0) & (last | found | rows.final)):
                    m.d.sync += [found.eq(0), state.eq(Mux(rows.bad, Reading.IDLE, Reading.SHARE)),
                                 self.fetch_error.eq(rows.misses),
                                 self.store_error.eq(rows.bad)]
            with m.Case(Reading.SHARE):
                m.d.comb += [asks.eq(1), turn.eq(Turn.SHARE)]
                with m.If(last):
                    m.d.sync += state.eq(Mux(rows.final, Reading.IDLE, Reading.SUM))
        self._write(m, rows, begins & (state == Reading.SHARE))
        return m

    def _fill(self, m: Module, shares: Shares) -> Value:
        """Read the powers of a step, and return whether all are there."""
        byte, at, write = read_bytes(m, self, POWER_BYTES)
        low = Signal(24, reset_less=True)  # bytes of a power
        with m.If(write):
            m.d.sync += low.eq(Cat(low[8:], byte))
        whole = write & at[:2].all()
        m.d.comb += Cat(shares.power, shares.index).eq(later(m, Cat(low, byte[:7], at[2:]), 1,
                                                             "power"))
        m.d.sync += shares.write.eq(whole)
        return whole & at.all()

    def _write(self, m: Module, rows: "Rows", begins: Value) -> None:
        """Write each share, from the first byte of its row on."""
        shares, place = self.shares, Signal(len(rows.target), reset_less=True)
        first, wraps, final = Signal(init=1), Signal(), Signal()
        with m.If(begins):
            m.d.sync += [wraps.eq(rows.wraps), final.eq(rows.final)]
        with m.If(shares.valid):
            m.d.sync += [place.eq(self.write_address + 1), first.eq(shares.last)]
            with m.If(shares.last):
                rows.next_target(wraps)
        m.d.comb += [
            self.write.eq(shares.valid), self.write_byte.eq(shares.share),
            self.write_address.eq(Mux(first, rows.target, place)),
        ]
        m.d.comb += self.done.eq(later(m, shares.valid & shares.last & final, self.storing,
                                       "done", reset=True))


class Rows:
    """Where the rows of a step lie: the next one and this one, and where this one goes.

    Parameters
    ----------
    unit : SoftmaxRows
    moves : Value
        This one is the next one from now on.
    """

    def __init__(self, m: Module, unit: SoftmaxRows, moves: Value) -> None:
        self.m, self.unit = m, unit
        d, width = unit.descriptor, max(unit.address_bits, LONGEST_ROW.bit_length()) + 3
        self.ahead, self.line, self.source, self.target, self.target_line = (
            Signal(signed(width), name=name, reset_less=True)
            for name in ("ahead", "line", "source", "target", "target_line"))
        left_x, left_y = Signal(16, reset_less=True), Signal(16, reset_less=True)
        self.final, self.wraps = Signal(), Signal()  # of all rows, and of those along x, the last
        ends, below = left_x == 1, self.line + d.row_step_bytes
        with m.If(moves):
            m.d.sync += [
                self.source.eq(self.ahead), self.final.eq(ends & (left_y == 1)),
                self.wraps.eq(ends), self.ahead.eq(Mux(ends, below, self.ahead + d.x_step)),
                left_x.eq(Mux(ends, d.x, left_x - 1))]
            with m.If(ends):
                m.d.sync += [self.line.eq(below), left_y.eq(left_y - 1)]
        with m.If(unit.start):
            m.d.sync += [self.ahead.eq(d.base), self.line.eq(d.base), self.target.eq(d.output),
                         self.target_line.eq(d.output), left_x.eq(d.x), left_y.eq(d.y),
                         self.final.eq(0)]
        self.misses, self.bad = Signal(), Signal()  # a row cannot be read, or be done
        m.d.comb += [
            self.misses.eq(self._outside(self.source) | (self._outside(self.ahead) & ~self.final)),
            self.bad.eq(self.misses | self._outside(self.target))]

    def _outside(self, start: Signal) -> Value:
        """Return whether a row that starts there is outside the memory, two cycles later."""
        m, unit = self.m, self.unit
        end = Signal(len(start) + 1, name=f"{start.name}_end", reset_less=True)
        outside = Signal(name=f"{start.name}_outside", reset_less=True)
        m.d.sync += [end.eq(start.as_unsigned() + unit.descriptor.row_bytes),
                     outside.eq(start[-1] | (end > unit.size))]
        return outside

    def next_target(self, wraps: Value) -> None:
        """Go on to where the next row is written."""
        d, below = self.unit.descriptor, self.target_line + self.unit.descriptor.output_row_step
        self.m.d.sync += self.target.eq(Mux(wraps, below, self.target + d.output_x_step))
        with self.m.If(wraps):
            self.m.d.sync += self.target_line.eq(below)
