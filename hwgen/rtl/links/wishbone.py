"""Wishbone B4: from the classic cycles of a master to the accelerator's own bus."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .bus_address import SPACE_BITS, bus_address, is_partial
from .host import BUS

__all__ = ["Wishbone"]


class Wishbone(wiring.Component):
    """Serve classic cycles of 32 bits, single and in blocks.

    Each is answered for one clock cycle, with ``wb_ack``, or with ``wb_err`` where there is nothing
    or it may not be reached; and only while ``wb_cyc`` and ``wb_stb`` are high. A master that goes
    away before it is answered has, or has not, written; its answer reaches nobody.

    A master that waits for nothing has its answer ``latency`` cycles after the one in which its
    request came, and as many as the bus takes.

    Parameters
    ----------
    shift, space_bits : int
        See :class:`hwgen.arch.address_map.BusWindow`.

    Members
    -------
    wb_cyc, wb_stb, wb_we : In(1)
    wb_adr : In(shift + space_bits - 2)
        Of a word: the byte's address without its two lowest bits.
    wb_sel : In(4), wb_dat_w : In(32)
    wb_dat_r : Out(32), wb_ack : Out(1), wb_err : Out(1)
    bus : Out(BUS)
        That of the accelerator.
    """

    wb_cyc: Value
    wb_stb: Value
    wb_we: Value
    wb_adr: Value
    wb_sel: Value
    wb_dat_w: Value
    wb_dat_r: Value
    wb_ack: Value
    wb_err: Value
    bus: Any

    latency = 2
    interval = 3
    """Cycles between answers at best: with a bus that answers at once."""

    def __init__(self, shift: int, space_bits: int = SPACE_BITS) -> None:
        self.shift = shift
        super().__init__({
            "wb_cyc": In(1), "wb_stb": In(1), "wb_we": In(1), "wb_adr": In(shift + space_bits - 2),
            "wb_sel": In(4), "wb_dat_w": In(32), "wb_dat_r": Out(32), "wb_ack": Out(1),
            "wb_err": Out(1),
            "bus": Out(BUS),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus = self.bus
        wanted = Signal()
        address = Cat(Const(0, 2), self.wb_adr)
        done, failed = Signal(), Signal()
        m.d.comb += [
            wanted.eq(self.wb_cyc & self.wb_stb),
            self.wb_ack.eq(done & wanted),
            self.wb_err.eq(failed & wanted),
        ]
        m.d.sync += [done.eq(0), failed.eq(0)]
        left = Signal()  # whoever asked has gone; the bus must be served to its end all the same

        with m.If(bus.read | bus.write):
            with m.If(~wanted):
                m.d.sync += left.eq(1)
            with m.If(bus.ack):
                m.d.sync += [bus.read.eq(0), bus.write.eq(0), self.wb_dat_r.eq(bus.r_data)]
                with m.If(wanted & ~left):
                    m.d.sync += [done.eq(~bus.error), failed.eq(bus.error)]
        with m.Elif(wanted & ~done & ~failed):
            m.d.sync += [
                bus.address.eq(bus_address(address, self.shift)),
                bus.mask.eq(Mux(self.wb_we, self.wb_sel, 0b1111)),
                bus.w_data.eq(self.wb_dat_w),
                left.eq(0),
            ]
            with m.If(self.wb_we & is_partial(address, self.shift, self.wb_sel)):
                m.d.sync += failed.eq(1)
            with m.Else():
                m.d.sync += [bus.read.eq(~self.wb_we), bus.write.eq(self.wb_we)]
        return m
