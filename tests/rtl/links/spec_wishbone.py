"""What a slave of Wishbone promises, as a circuit that a prover can check."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.rtl.links.bus_address import bus_address, is_partial

from ...formal import Held, Spec

PATIENCE = 2
"""Cycles after which the bus answers at last, so that there is an end to wait for."""


class WishboneSpec(Spec):
    """Every request is answered once, in time, with what the bus said of it, and of nothing else.

    The master is any that holds its request until it is answered or goes away; the bus is any that
    answers within :data:`PATIENCE` cycles.
    """

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        bus = dut.bus
        m.d.comb += [self.sync.rst.eq(0), bus.r_data.eq(AnySeq(32)), bus.error.eq(AnySeq(1))]
        held = Held(m)
        wanted = self.master(m)
        self.memory(m)

        answered = dut.wb_ack | dut.wb_err
        m.d.comb += [
            Assert(~answered | wanted, "an answer to nobody"),
            Assert(~(dut.wb_ack & dut.wb_err), "two answers"),
            Assert(~(bus.read & bus.write), "two accesses in one"),
        ]
        held("bus", (bus.read | bus.write) & ~bus.ack,
             Cat(bus.read, bus.write, bus.address, bus.mask, bus.w_data))

        # The request that is there, and what has become of it on the bus.
        address = Cat(Const(0, 2), dut.wb_adr)
        refused = dut.wb_we & is_partial(address, dut.shift, dut.wb_sel)
        access = Cat(dut.wb_we, bus_address(address, dut.shift),
                     Mux(dut.wb_we, Cat(dut.wb_sel, dut.wb_dat_w), 0b1111))
        seen = Cat(bus.write, bus.address, bus.mask, Mux(bus.write, bus.w_data, 0))
        stale, served, error = Signal(), Signal(), Signal()
        data, waited = Signal(32), Signal(range(16))
        m.d.sync += stale.eq((bus.read | bus.write) & ~bus.ack & (stale | ~wanted))
        with m.If((bus.read | bus.write) & ~stale & wanted):
            m.d.comb += [Assert(seen == access, "another access"),
                         Assert(~served, "a second access"),
                         Assert(~refused, "an access that is to be refused")]
            with m.If(bus.ack):
                m.d.sync += [served.eq(1), error.eq(bus.error), data.eq(bus.r_data)]
        with m.If(dut.wb_ack):
            m.d.comb += [Assert(served & ~error, "done without an access"),
                         Assert(dut.wb_we | (dut.wb_dat_r == data), "other data")]
        with m.If(dut.wb_err):
            m.d.comb += Assert(refused | (served & error), "an error from nowhere")
        m.d.sync += waited.eq(waited + 1)
        with m.If(~wanted | answered):
            m.d.sync += [served.eq(0), waited.eq(0)]
        # One access may be under way that nobody waits for any more.
        m.d.comb += Assert(waited <= 2 * (PATIENCE + 1) + dut.latency, "an answer too late")
        return m

    def master(self, m):
        """Drive a request that stays until it is answered, or goes; return whether it is there."""
        dut = self.dut
        request = [dut.wb_we, dut.wb_adr, dut.wb_sel, dut.wb_dat_w]
        width = sum(map(len, request))
        waits, before, wanted = Signal(), Signal(width), Signal()
        m.d.comb += [
            Cat(*request).eq(Mux(waits, before, AnySeq(width))),
            wanted.eq(AnySeq(1)),
            dut.wb_cyc.eq(wanted | AnySeq(1)),
            dut.wb_stb.eq(wanted | (~dut.wb_cyc & AnySeq(1))),
        ]
        m.d.sync += [waits.eq(wanted & ~dut.wb_ack & ~dut.wb_err), before.eq(Cat(*request))]
        return wanted

    def memory(self, m):
        """Answer on the bus, in some cycle."""
        bus = self.dut.bus
        waited = Signal(range(PATIENCE + 1))
        asked = bus.read | bus.write
        m.d.comb += bus.ack.eq(asked & (AnySeq(1) | (waited == PATIENCE)))
        m.d.sync += waited.eq(Mux(asked & ~bus.ack, waited + 1, 0))
        m.d.comb += Assert(waited <= PATIENCE)
