# amaranth: UnusedElaboratable=no
"""An accelerator behind each of the links: serial port, SPI, Wishbone, AXI."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..accelerator.frame import Frame
from ..links.flash import Flash
from ..links.spi import Spi
from ..links.uart import IDLE_IN, IDLE_OUT, Uart

__all__ = ["AxiAccelerator", "SerialAccelerator", "SpiAccelerator", "WishboneAccelerator"]


def outer_ports(link: wiring.Component) -> dict[str, Any]:
    """Return those ports of a link that lead outside: their names have a prefix, as ``wb_``."""
    return {name: member for name, member in link.signature.members.items() if "_" in name}


def pass_on(m: Module, top: wiring.Component, link: wiring.Component) -> None:
    """Connect the ports of a link that lead outside with those of a top level."""
    for name, member in outer_ports(link).items():
        inner, outer = getattr(link, name), getattr(top, name)
        m.d.comb += inner.eq(outer) if member.flow is wiring.In else outer.eq(inner)


def chip_ports(accelerator: Frame) -> dict[str, Any]:
    """Return the port that leads to an accelerator's memory chip, if it has one."""
    return {name: member for name, member in accelerator.signature.members.items()
            if name == "chip"}


def pass_on_chip(m: Module, top: Any, accelerator: Frame) -> None:
    """Connect the memory chip of an accelerator, if it has one, with the port of a top level."""
    if accelerator.external:
        wiring.connect(m, wiring.flipped(top.chip), accelerator.chip)


class SerialAccelerator(wiring.Component):
    """An accelerator whose host is at the other end of a serial port.

    Parameters
    ----------
    accelerator : Frame
    port : Uart
    flash : Flash, optional
        Of whose bytes the accelerator takes those of a host that it would have to wait for; while
        they come, the serial port is not heard.

    Members
    -------
    rx : In(1), tx : Out(1)
        The wires, from and to the host.
    chip : Out
        The memory chip, if the accelerator has one.
    """

    rx: Value
    tx: Value

    def __init__(self, accelerator: Frame, port: Uart, flash: Flash | None = None) -> None:
        self.accelerator = accelerator
        self.flash = flash
        self.uart = port
        self.host_domain = accelerator.host_domain
        super().__init__({"rx": IDLE_IN, "tx": IDLE_OUT, **chip_ports(accelerator)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        pass_on_chip(m, self, accelerator)
        uart = self.uart
        m.submodules.uart = DomainRenamer(self.host_domain)(uart)
        m.d.comb += [uart.rx.eq(self.rx), self.tx.eq(uart.tx)]
        if self.flash is None:
            wiring.connect(m, uart.o, accelerator.rx)
        else:
            flash = self.flash
            m.submodules.flash = DomainRenamer(self.host_domain)(flash)
            m.d.comb += [
                accelerator.rx.valid.eq(Mux(flash.busy, flash.o.valid, uart.o.valid)),
                accelerator.rx.payload.eq(Mux(flash.busy, flash.o.payload, uart.o.payload)),
                flash.o.ready.eq(accelerator.rx.ready & flash.busy),
                uart.o.ready.eq(accelerator.rx.ready | flash.busy),
            ]
        wiring.connect(m, accelerator.tx, uart.i)
        return m


class SpiAccelerator(wiring.Component):
    """An accelerator whose host is a master of SPI.

    Parameters
    ----------
    accelerator : Frame

    Members
    -------
    spi_sck, spi_cs_n, ... : see :class:`~hwgen.rtl.links.spi.Spi`
    chip : Out
        The memory chip, if the accelerator has one.
    """

    def __init__(self, accelerator: Frame) -> None:
        self.accelerator = accelerator
        self.spi = Spi()
        self.host_domain = accelerator.host_domain
        super().__init__({**outer_ports(self.spi), **chip_ports(accelerator)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        pass_on_chip(m, self, accelerator)
        spi = self.spi
        m.submodules.spi = DomainRenamer(self.host_domain)(spi)
        pass_on(m, self, spi)
        wiring.connect(m, spi.o, accelerator.rx)
        wiring.connect(m, accelerator.tx, spi.i)
        return m


class BusAccelerator(wiring.Component):
    """An accelerator whose registers and memories are in the addresses of a system.

    Parameters
    ----------
    accelerator : Frame
        With its bus ``exposed``.
    links : wiring.Component
        What leads outside.

    Members
    -------
    irq : Out(1)
        High from the end of a run until it is acknowledged, or the next run begins.
    """

    irq: Value

    def __init__(self, accelerator: Frame, *links: Any) -> None:
        self.accelerator = accelerator
        self.links = links
        super().__init__({name: port for link in links
                          for name, port in outer_ports(link).items()} | {"irq": Out(1)})


class WishboneAccelerator(BusAccelerator):
    """An accelerator behind a :class:`~hwgen.rtl.links.wishbone.Wishbone`.

    Members
    -------
    wb_cyc, wb_stb, ... : those of the link
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        wishbone, = self.links
        m.submodules.wishbone = wishbone
        m.d.comb += self.irq.eq(accelerator.irq)
        wiring.connect(m, wishbone.bus, accelerator.bus)
        pass_on(m, self, wishbone)
        return m


class AxiAccelerator(BusAccelerator):
    """An accelerator behind AXI, and streams beside it.

    Its links are an :class:`~hwgen.rtl.links.axi_lite.AxiLite` and an
    :class:`~hwgen.rtl.links.axi_stream.AxiStream`.

    Members
    -------
    s_axil_*, s_axis_*, m_axis_* : those of the links
    """

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.lite, m.submodules.streams = lite, streams = self.links
        m.d.comb += [self.irq.eq(accelerator.irq), streams.busy.eq(accelerator.busy)]
        wiring.connect(m, lite.bus, streams.host)
        wiring.connect(m, streams.bus, accelerator.bus)
        pass_on(m, self, lite)
        pass_on(m, self, streams)
        return m
