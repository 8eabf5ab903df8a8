# amaranth: UnusedElaboratable=no
"""An accelerator at a serial port: the top level of a board with nothing but two wires."""

from amaranth import *
from amaranth.lib import wiring

from ..accelerator.frame import Frame
from ..links.flash import Flash
from ..links.uart import IDLE_IN, IDLE_OUT, Uart

__all__ = ["SerialAccelerator"]


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
    """

    rx: Value
    tx: Value

    def __init__(self, accelerator: Frame, port: Uart, flash: Flash | None = None) -> None:
        self.accelerator = accelerator
        self.flash = flash
        self.uart = port
        super().__init__({"rx": IDLE_IN, "tx": IDLE_OUT})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.uart = uart = self.uart
        m.d.comb += [uart.rx.eq(self.rx), self.tx.eq(uart.tx)]
        if self.flash is None:
            wiring.connect(m, uart.o, accelerator.rx)
        else:
            m.submodules.flash = flash = self.flash
            m.d.comb += [
                accelerator.rx.valid.eq(Mux(flash.busy, flash.o.valid, uart.o.valid)),
                accelerator.rx.payload.eq(Mux(flash.busy, flash.o.payload, uart.o.payload)),
                flash.o.ready.eq(accelerator.rx.ready & flash.busy),
                uart.o.ready.eq(accelerator.rx.ready | flash.busy),
            ]
        wiring.connect(m, accelerator.tx, uart.i)
        return m
