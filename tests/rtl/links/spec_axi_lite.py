"""What a slave of AXI4-Lite promises, as a circuit that a prover can check."""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.rtl.links.axi_lite import OKAY, SLVERR
from hwgen.rtl.links.bus_address import bus_address, is_partial

from ...formal import Held, Spec

PATIENCE = 2
"""Cycles after which the bus answers at last, so that there is an end to wait for."""


class AxiLiteSpec(Spec):
    """Each read and write that is taken has one response, the bus's, in time, held until taken.

    The master is any that holds what it offers; the bus is any that answers within
    :data:`PATIENCE` cycles, and says anything while nobody asks.
    """

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        bus = dut.bus
        m.d.comb += [self.sync.rst.eq(0), bus.r_data.eq(AnySeq(32)), bus.error.eq(AnySeq(1)),
                     dut.s_axil_bready.eq(AnySeq(1)), dut.s_axil_rready.eq(AnySeq(1))]
        for channel, values in (("aw", ["awaddr"]), ("w", ["wdata", "wstrb"]), ("ar", ["araddr"])):
            self.offer(m, channel, values)
        waited, asked = Signal(range(PATIENCE + 1)), bus.read | bus.write
        m.d.comb += [bus.ack.eq(AnySeq(1) | (waited == PATIENCE)),
                     Assert(waited <= PATIENCE)]
        m.d.sync += waited.eq(Mux(asked & ~bus.ack, waited + 1, 0))

        held = Held(m)
        held("bus", asked & ~bus.ack,
             Cat(bus.read, bus.write, bus.address, bus.mask, bus.w_data))
        held("b", dut.s_axil_bvalid & ~dut.s_axil_bready,
             Cat(dut.s_axil_bvalid, dut.s_axil_bresp))
        held("r", dut.s_axil_rvalid & ~dut.s_axil_rready,
             Cat(dut.s_axil_rvalid, dut.s_axil_rresp, dut.s_axil_rdata))
        m.d.comb += [
            Assert(dut.s_axil_awready == dut.s_axil_wready, "half a write"),
            Assert(~dut.s_axil_awready | (dut.s_axil_awvalid & dut.s_axil_wvalid), "taken early"),
            # Without these an induction would begin in states that never are.
            Assert(~(bus.read & bus.write) & ~(dut.refused & (bus.read | bus.write)), "one"),
            Assert(~((dut.refused | bus.write) & dut.s_axil_bvalid), "a response in the way"),
            Assert(~(bus.read & dut.s_axil_rvalid), "data in the way"),
        ]
        self.follow(m, "write", dut.s_axil_awready & dut.s_axil_awvalid, bus.write,
                    Cat(bus_address(dut.s_axil_awaddr, dut.shift), dut.s_axil_wstrb,
                        dut.s_axil_wdata), Cat(bus.address, bus.mask, bus.w_data),
                    is_partial(dut.s_axil_awaddr, dut.shift, dut.s_axil_wstrb),
                    dut.s_axil_bvalid, dut.s_axil_bready, dut.s_axil_bresp, None)
        self.follow(m, "read", dut.s_axil_arready & dut.s_axil_arvalid, bus.read,
                    Cat(bus_address(dut.s_axil_araddr, dut.shift), C(0b1111, 4)),
                    Cat(bus.address, bus.mask), C(0, 1),
                    dut.s_axil_rvalid, dut.s_axil_rready, dut.s_axil_rresp, dut.s_axil_rdata)
        return m

    def offer(self, m, channel, values):
        """Drive a channel of a master: what it offers stays until it is taken."""
        dut = self.dut
        valid, ready = (getattr(dut, f"s_axil_{channel}{end}") for end in ("valid", "ready"))
        payload = Cat(getattr(dut, f"s_axil_{value}") for value in values)
        waits = Signal(name=f"{channel}_waits")
        before = Signal(len(payload), name=f"{channel}_before")
        m.d.comb += [valid.eq(waits | AnySeq(1)),
                     payload.eq(Mux(waits, before, AnySeq(len(payload))))]
        m.d.sync += [waits.eq(valid & ~ready), before.eq(payload)]

    def follow(self, m, name, taken, on_bus, asked, seen, refused, valid, ready, response, data):
        """Assert that what is taken is asked of the bus, unless refused, and answered with that."""
        dut = self.dut

        def signal(what, width=1):
            return Signal(width, name=f"{name}_{what}")

        pending, wanted = signal("pending"), signal("wanted", len(asked))
        refuses, served, error = signal("refuses"), signal("served"), signal("error")
        word, waited = signal("word", 32), signal("waited", 4)
        m.d.sync += waited.eq(waited + 1)
        with m.If(taken):
            m.d.comb += Assert(~pending, f"two {name}s at once")
            m.d.sync += [pending.eq(1), wanted.eq(asked), refuses.eq(refused), served.eq(0),
                         waited.eq(1)]
        with m.If(on_bus):
            m.d.comb += Assert(pending & ~served & ~refuses & (seen == wanted), f"{name}: bus")
            with m.If(dut.bus.ack):
                m.d.sync += [served.eq(1), error.eq(dut.bus.error), word.eq(dut.bus.r_data)]
        with m.If(valid):
            m.d.comb += Assert(pending & (served | refuses) & (response == Mux(
                refuses | error, SLVERR, OKAY)), f"{name}: response")
            if data is not None:
                m.d.comb += Assert(data == word, "other data")
            m.d.sync += waited.eq(waited)
            with m.If(ready):
                m.d.sync += pending.eq(0)
        with m.Elif(pending):
            m.d.comb += Assert(waited <= PATIENCE + 1, f"{name}: a response too late")
