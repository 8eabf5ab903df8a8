# amaranth: UnusedElaboratable=no
"""An accelerator at SPI: for a microcontroller beside it."""

from amaranth import *
from amaranth.lib import wiring

from ..accelerator.frame import Frame
from ..links.spi import SPI_PORTS, Spi

__all__ = ["SpiAccelerator"]


class SpiAccelerator(wiring.Component):
    """An accelerator whose host is a master of SPI.

    Parameters
    ----------
    accelerator : Frame

    Members
    -------
    spi_sck, spi_cs_n, ... : see :class:`~hwgen.rtl.links.spi.Spi`
    """

    def __init__(self, accelerator: Frame) -> None:
        self.accelerator = accelerator
        self.spi = Spi()
        super().__init__(SPI_PORTS)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.spi = spi = self.spi
        for name, member in SPI_PORTS.items():
            inner, outer = getattr(spi, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow is wiring.In else outer.eq(inner)
        wiring.connect(m, spi.o, accelerator.rx)
        wiring.connect(m, accelerator.tx, spi.i)
        return m
