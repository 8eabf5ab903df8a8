"""What the parts of a binary accelerator promise at their ports, as circuits for a prover.

All inputs are free in every cycle, but that the words of a column tile come in their order, and no
sums while others are still written.
"""

from amaranth import *
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert
from amaranth.lib import enum

from hwgen.rtl.binary.array import SUM

from ...formal import Spec


class Come(enum.Enum, shape=2):
    """What a word of the program memory is."""

    NOTHING = 0
    LOW = 1
    HIGH = 2
    COUNT = 3


class ArraySpec(Spec):
    """A sum is what it starts from, and twice the equal pairs of each word and its inputs."""

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        come, ends, final, started = Signal(Come), Signal(), Signal(), Signal()
        wants_high = Signal()  # a start has its lower bytes
        drawn = Signal(Come)
        m.d.comb += [
            self.sync.rst.eq(0), drawn.eq(AnySeq(2)), ends.eq(AnySeq(1) & (come == Come.COUNT)),
            final.eq(AnySeq(1)), dut.word.eq(AnySeq(8 * dut.columns)),
            dut.positive.eq(AnySeq(dut.rows)),
        ]
        with m.Switch(drawn):
            with m.Case(Come.LOW):
                m.d.comb += come.eq(Mux(wants_high, Come.HIGH, Come.LOW))
            with m.Case(Come.COUNT):
                m.d.comb += come.eq(Mux(started & ~wants_high, Come.COUNT, Come.NOTHING))
        with m.Switch(come):
            with m.Case(Come.LOW):
                m.d.sync += [wants_high.eq(1), started.eq(1)]
            with m.Case(Come.HIGH):
                m.d.sync += wants_high.eq(0)
        with m.If(ends):
            m.d.sync += started.eq(0)
        m.d.comb += [dut.kind.low.eq(come == Come.LOW), dut.kind.high.eq(come == Come.HIGH),
                     dut.kind.count.eq(come == Come.COUNT), dut.kind.ends.eq(ends),
                     dut.kind.final.eq(final)]
        valid, last = Signal(), Signal()
        m.d.sync += [valid.eq(ends), last.eq(final)]
        m.d.comb += Assert(dut.valid == valid, "sums at the wrong time")
        with m.If(valid):
            m.d.comb += Assert(dut.final == last, "another tile is the last")
        for c in range(dut.columns):
            sum_, byte = Signal(SUM, name=f"sum_{c}"), dut.word.word_select(c, 8)
            equal = Signal(range(dut.rows + 1), name=f"equal_{c}")
            m.d.comb += equal.eq(sum(1 ^ byte[r] ^ dut.positive[r] for r in range(dut.rows)))
            with m.Switch(come):
                with m.Case(Come.LOW):
                    m.d.sync += sum_[:8].eq(byte)
                with m.Case(Come.HIGH):
                    m.d.sync += sum_[8:].eq(byte)
                with m.Case(Come.COUNT):
                    m.d.sync += sum_.eq(sum_ + 2 * equal)
            with m.If(valid):
                m.d.comb += Assert(dut.o[c].as_unsigned() == sum_, "wrong sum")
        return m


class StoreSpec(Spec):
    """Each sum is compared with both limits, and written in its turn, to its place or nowhere."""

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        d, columns, lanes = dut.descriptor, dut.columns, dut.lanes
        begun, begin = Signal(), Signal()
        left, last = Signal(range(columns + 1)), Signal()  # outputs to write, of the last tile
        place = Signal(SUM + 2)                            # of the next one
        kept = Signal(SUM * columns)
        sums, final = Signal.like(Value.cast(dut.sums), name="free_sums"), AnySeq(1)
        taken, some_columns = Signal(), AnyConst(range(columns + 1))
        m.d.comb += [
            self.sync.rst.eq(0), sums.eq(AnySeq(len(sums))), Value.cast(dut.sums).eq(sums),
            d.low.eq(AnyConst(8)), d.high.eq(AnyConst(8)), d.output.eq(AnyConst(16) * lanes),
            d.last_columns.eq(Mux(some_columns < columns, some_columns + 1, columns)),
            begin.eq(~begun), dut.begin.eq(begin), dut.clear.eq(0),
            taken.eq(AnySeq(1) & begun & (left <= lanes) & ~(last & (left != 0))),
            dut.take.eq(taken), dut.final.eq(final),
        ]
        m.d.sync += [begun.eq(1), left.eq(Mux(left > lanes, left - lanes, 0)),
                     kept.eq(kept[SUM * lanes:])]
        with m.If(taken):
            m.d.sync += [left.eq(Mux(final, d.last_columns, columns)), last.eq(final),
                         kept.eq(sums)]
        with m.If(begin):
            m.d.sync += place.eq(d.output)

        # What is to be written is so a cycle after its turn.
        for lane in range(lanes):
            wanted, byte = Signal(name=f"wanted_{lane}"), Signal(signed(8), name=f"byte_{lane}")
            value = kept.word_select(lane, SUM).as_signed()
            m.d.sync += [wanted.eq(left > lane), byte.eq(
                Mux(value < d.low, d.low, Mux(value > d.high, d.high, value)))]
            for at in range(4):
                here = (place + lane)[:2] == at
                written = wanted & (place + lane < dut.size)
                with m.If(here):
                    m.d.comb += Assert(dut.mask[at] == written, f"lane {lane} in {at}")
                with m.If(here & written):
                    m.d.comb += Assert(dut.data.word_select(at, 8).as_signed() == byte,
                                       "a sum and its limits")
        some, done = Signal(), Signal()
        m.d.sync += [some.eq(left != 0), done.eq(last & (left != 0) & (left <= lanes))]
        m.d.comb += Assert(dut.error == (some & (place >= dut.size)), "outside of the memory")
        with m.If(some):
            m.d.comb += Assert(dut.address[2:] == place[2:len(dut.address)], "where")
            m.d.sync += place.eq(place + lanes)
        ended = Signal()
        m.d.sync += ended.eq(done)
        m.d.comb += Assert(dut.done == ended, "the end of a step")
        if lanes < 4:  # nothing beside
            shift = place[:2]
            m.d.comb += Assert((dut.mask & ~(((1 << lanes) - 1) << shift)[:4]) == 0, "beside")
        return m
