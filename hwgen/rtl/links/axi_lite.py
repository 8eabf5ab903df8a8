"""AXI4-Lite: from the reads and writes of a master to the accelerator's own bus."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .bus_address import SPACE_BITS, bus_address, is_partial
from .host import BUS

__all__ = ["OKAY", "SLVERR", "AxiLite"]

OKAY, SLVERR = 0, 2
"""Responses."""


class AxiLite(wiring.Component):
    """Serve reads and writes of 32 bits, one at a time; in turn, where both are there.

    A write is taken when its address and its data are both there. Its response, and that of a read,
    comes ``latency`` cycles after the cycle in which it was taken, and as many as the bus takes. It
    is SLVERR where there is nothing or it may not be reached. A response that is not taken holds
    back its own channels only. ``awprot`` and ``arprot`` do not count.

    Parameters
    ----------
    shift, space_bits : int
        See :class:`hwgen.arch.address_map.BusWindow`.

    Members
    -------
    s_axil_* : the channels AW, W, B, AR and R
    bus : Out(BUS)
        That of the accelerator.
    """

    s_axil_awaddr: Value
    s_axil_awvalid: Value
    s_axil_awready: Value
    s_axil_wdata: Value
    s_axil_wstrb: Value
    s_axil_wvalid: Value
    s_axil_wready: Value
    s_axil_bresp: Value
    s_axil_bvalid: Value
    s_axil_bready: Value
    s_axil_araddr: Value
    s_axil_arvalid: Value
    s_axil_arready: Value
    s_axil_rdata: Value
    s_axil_rresp: Value
    s_axil_rvalid: Value
    s_axil_rready: Value
    bus: Any

    latency = 2
    interval = 2
    """Cycles between responses at best: of reads and writes in turn, with a bus that answers at
    once."""

    def __init__(self, shift: int, space_bits: int = SPACE_BITS) -> None:
        self.shift = shift
        self.refused = Signal()  # a write that is answered without the bus
        wide = shift + space_bits
        super().__init__({
            "s_axil_awaddr": In(wide), "s_axil_awprot": In(3), "s_axil_awvalid": In(1),
            "s_axil_awready": Out(1),
            "s_axil_wdata": In(32), "s_axil_wstrb": In(4), "s_axil_wvalid": In(1),
            "s_axil_wready": Out(1),
            "s_axil_bresp": Out(2), "s_axil_bvalid": Out(1), "s_axil_bready": In(1),
            "s_axil_araddr": In(wide), "s_axil_arprot": In(3), "s_axil_arvalid": In(1),
            "s_axil_arready": Out(1),
            "s_axil_rdata": Out(32), "s_axil_rresp": Out(2), "s_axil_rvalid": Out(1),
            "s_axil_rready": In(1),
            "bus": Out(BUS),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus = self.bus
        refused = self.refused
        read_next = Signal()  # whose turn it is
        idle, write, read = Signal(), Signal(), Signal()
        can_write = self.s_axil_awvalid & self.s_axil_wvalid & ~self.s_axil_bvalid
        can_read = self.s_axil_arvalid & ~self.s_axil_rvalid
        m.d.comb += [
            idle.eq(~bus.read & ~bus.write & ~refused),
            write.eq(idle & can_write & ~(can_read & read_next)),
            read.eq(idle & can_read & ~write),
            self.s_axil_awready.eq(write),
            self.s_axil_wready.eq(write),
            self.s_axil_arready.eq(read),
        ]
        with m.If(bus.ack):  # which may be high while nobody asks
            m.d.sync += [bus.read.eq(0), bus.write.eq(0)]
        with m.If(write):
            m.d.sync += [
                bus.address.eq(bus_address(self.s_axil_awaddr, self.shift)),
                bus.mask.eq(self.s_axil_wstrb),
                bus.w_data.eq(self.s_axil_wdata),
                bus.write.eq(1),
                read_next.eq(1),
            ]
            with m.If(is_partial(self.s_axil_awaddr, self.shift, self.s_axil_wstrb)):
                m.d.sync += [bus.write.eq(0), refused.eq(1)]
        with m.If(read):
            m.d.sync += [
                bus.address.eq(bus_address(self.s_axil_araddr, self.shift)),
                bus.mask.eq(0b1111),
                bus.read.eq(1),
                read_next.eq(0),
            ]

        with m.If(self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)
        with m.If(self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        with m.If(refused | (bus.write & bus.ack)):
            m.d.sync += [refused.eq(0), self.s_axil_bvalid.eq(1),
                         self.s_axil_bresp.eq(Mux(refused | bus.error, SLVERR, OKAY))]
        with m.If(bus.read & bus.ack):
            m.d.sync += [self.s_axil_rvalid.eq(1), self.s_axil_rdata.eq(bus.r_data),
                         self.s_axil_rresp.eq(Mux(bus.error, SLVERR, OKAY))]
        return m
