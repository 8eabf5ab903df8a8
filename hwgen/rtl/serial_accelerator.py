# amaranth: UnusedElaboratable=no
"""An accelerator at a serial port: the top level of a board with nothing but two wires."""

from amaranth import *
from amaranth.lib import wiring

from .accelerator import Accelerator
from .uart import IDLE_IN, IDLE_OUT, Uart

__all__ = ["SerialAccelerator"]


class SerialAccelerator(wiring.Component):
    """An accelerator whose host is at the other end of a serial port.

    Parameters
    ----------
    accelerator : Accelerator
    divisor : int
        Cycles of a bit: the clock over the baud rate.

    Members
    -------
    rx : In(1), tx : Out(1)
        The wires, from and to the host.
    """

    rx: Value
    tx: Value

    def __init__(self, accelerator: Accelerator, divisor: int) -> None:
        self.accelerator = accelerator
        self.uart = Uart(divisor)
        super().__init__({"rx": IDLE_IN, "tx": IDLE_OUT})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.uart = uart = self.uart
        m.d.comb += [uart.rx.eq(self.rx), self.tx.eq(uart.tx)]
        wiring.connect(m, uart.o, accelerator.rx)
        wiring.connect(m, accelerator.tx, uart.i)
        return m
