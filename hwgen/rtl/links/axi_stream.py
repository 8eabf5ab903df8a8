"""AXI4-Stream: words into an accelerator's memories and out of them, beside a bus."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...arch.registers import FACTS, Register, StreamRegister
from .bus_address import SPACE_BITS, bus_address, is_partial
from .host import BUS

__all__ = ["AxiStream"]

HOST, INPUT, OUTPUT = range(3)
"""Who wants something of the memories."""

SETTLE = 8
"""Cycles after a write of CONTROL in which a run may begin: streams wait until it is to be seen."""


class AxiStream(wiring.Component):
    """Let two streams and a host share the bus of an accelerator, word by word and in turn.

    Words that come on ``s_axis`` are written from INPUT_ADDRESS on, those bytes that ``tkeep`` has;
    OUTPUT_WORDS words from OUTPUT_ADDRESS on are given on ``m_axis``. Both wait while steps run.
    ``s_axis_tlast`` does not count. What cannot be written or read is told in STREAM_STATUS, and
    holds up nothing. These four registers are here; all others are the accelerator's.

    Parameters
    ----------
    shift, space_bits : int
        See :class:`hwgen.arch.address_map.BusWindow`.

    Members
    -------
    host : In(BUS)
        From where registers and memories are read and written besides.
    busy : In(1)
        Steps run.
    bus : Out(BUS)
        That of the accelerator.
    s_axis_* : the stream in
    m_axis_* : the stream out
    """

    host: Any
    busy: Value
    bus: Any
    s_axis_tdata: Value
    s_axis_tkeep: Value
    s_axis_tvalid: Value
    s_axis_tready: Value
    m_axis_tdata: Value
    m_axis_tkeep: Value
    m_axis_tlast: Value
    m_axis_tvalid: Value
    m_axis_tready: Value

    latency = 1
    """Cycles from a word on ``s_axis`` to its write, if no other access is under way. A word for
    ``m_axis`` takes one more: it is there two cycles after its read may begin."""
    interval = 2
    """Cycles between words on ``s_axis`` at best: with a bus that answers at once, and nobody else
    at it. Those on ``m_axis`` take one more."""

    def __init__(self, shift: int, space_bits: int = SPACE_BITS) -> None:
        self.shift = shift
        wide = shift + space_bits
        bits = {StreamRegister.INPUT_ADDRESS: wide, StreamRegister.OUTPUT_ADDRESS: wide}
        self.registers = {which: Signal(bits.get(which, FACTS[which].bits), name=which.name.lower())
                          for which in StreamRegister}
        self.owner, self.last = Signal(2), Signal(2)  # whose access is under way, and was before
        self.ran = Signal()                           # steps have run since it began
        self.settled = Signal(range(SETTLE + 1))
        super().__init__({
            "s_axis_tdata": In(32), "s_axis_tkeep": In(4), "s_axis_tlast": In(1),
            "s_axis_tvalid": In(1), "s_axis_tready": Out(1),
            "m_axis_tdata": Out(32), "m_axis_tkeep": Out(4), "m_axis_tlast": Out(1),
            "m_axis_tvalid": Out(1), "m_axis_tready": In(1),
            "host": In(BUS), "busy": In(1), "bus": Out(BUS),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        host, bus = self.host, self.bus
        registers, owner, ran, settled = self.registers, self.owner, self.ran, self.settled
        from_, to, words, status = (registers[which] for which in (
            StreamRegister.OUTPUT_ADDRESS, StreamRegister.INPUT_ADDRESS,
            StreamRegister.OUTPUT_WORDS, StreamRegister.STREAM_STATUS))

        asked, own = Signal(), Signal()  # the host wants something, or one of these registers
        wanted = Signal(3)
        free, lost = Signal(), Signal()
        m.d.comb += [
            asked.eq(host.read | host.write),
            own.eq(asked & (host.address[4:] == StreamRegister.INPUT_ADDRESS >> 4)),
            # A register of a stream does not change while that reads it.
            free.eq(~self.busy & (settled == 0) & ~own),
            wanted.eq(Cat(asked & ~own, free & self.s_axis_tvalid,
                          free & words.any() & ~self.m_axis_tvalid)),
        ]
        with m.If(settled != 0):
            m.d.sync += settled.eq(settled - 1)

        under_way = bus.read | bus.write
        with m.If(~under_way):
            self._serve_own(m, own)
            self._begin(m, wanted, lost, to, from_)
            m.d.sync += ran.eq(0)
        with m.Else():
            m.d.sync += ran.eq(ran | self.busy)
            with m.If(bus.ack):
                m.d.sync += [bus.read.eq(0), bus.write.eq(0), self.last.eq(owner)]

        # An access of a stream that met a run is not done, and comes again when that has ended.
        again = bus.error & (ran | self.busy)
        finished = Signal(3)
        m.d.comb += finished.eq(Mux(under_way & bus.ack, Mux(
            owner == HOST, 1 << HOST, Mux(again, 0, 1 << owner)), 0))
        with m.If(finished[HOST]):
            m.d.comb += [host.ack.eq(1), host.r_data.eq(bus.r_data), host.error.eq(bus.error)]
            with m.If(bus.write & (bus.address == Register.CONTROL)):
                m.d.sync += settled.eq(SETTLE)
        m.d.comb += [self.s_axis_tready.eq(finished[INPUT] | lost), self.m_axis_tkeep.eq(0b1111)]
        with m.If(self.s_axis_tready):
            m.d.sync += [to.eq(to + 4), status[0].eq(status[0] | lost | bus.error)]
        with m.If(self.m_axis_tready):
            m.d.sync += self.m_axis_tvalid.eq(0)
        with m.If(finished[OUTPUT]):
            m.d.sync += [
                from_.eq(from_ + 4), words.eq(words - 1), status[1].eq(status[1] | bus.error),
                self.m_axis_tvalid.eq(1), self.m_axis_tlast.eq(words == 1),
                self.m_axis_tdata.eq(Mux(bus.error, 0, bus.r_data)),
            ]
        return m

    def _begin(self, m: Module, wanted: Value, lost: Value, to: Value, from_: Value) -> None:
        """Begin an access of the next one in turn that wants one, or say that it is lost."""
        host, bus = self.host, self.bus

        def begin(who: int) -> None:
            m.d.sync += self.owner.eq(who)
            if who == HOST:
                m.d.sync += [bus.read.eq(host.read), bus.write.eq(host.write),
                             bus.address.eq(host.address), bus.mask.eq(host.mask),
                             bus.w_data.eq(host.w_data)]
            elif who == OUTPUT:
                m.d.sync += [bus.read.eq(1), bus.mask.eq(0b1111),
                             bus.address.eq(bus_address(from_, self.shift))]
            else:
                whole = ~is_partial(to, self.shift, self.s_axis_tkeep)
                m.d.comb += lost.eq(~whole)
                m.d.sync += [bus.write.eq(whole), bus.mask.eq(self.s_axis_tkeep),
                             bus.w_data.eq(self.s_axis_tdata), self.last.eq(INPUT),
                             bus.address.eq(bus_address(to, self.shift))]

        with m.Switch(self.last):
            for before in (HOST, INPUT, OUTPUT):
                with m.Case(before):
                    first, second, third = ((before + i) % 3 for i in (1, 2, 3))
                    with m.If(wanted[first]):
                        begin(first)
                    with m.Elif(wanted[second]):
                        begin(second)
                    with m.Elif(wanted[third]):
                        begin(third)

    def _serve_own(self, m: Module, wanted: Value) -> None:
        """Read or write one of the registers that are here, at once."""
        host = self.host
        with m.If(wanted):
            m.d.comb += host.ack.eq(1)
            with m.Switch(host.address[:4]):
                for which, register in self.registers.items():
                    with m.Case(which & 0xF):
                        m.d.comb += host.r_data.eq(register)
                        with m.If(host.write):
                            keep = register & ~host.w_data
                            m.d.sync += register.eq(
                                keep if which is StreamRegister.STREAM_STATUS else host.w_data)
