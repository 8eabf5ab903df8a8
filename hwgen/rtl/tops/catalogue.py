# amaranth: UnusedElaboratable=no
"""What an accelerator is put into: the top levels by which a host or a system reaches it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from amaranth.lib import wiring

from ...arch.address_map import BusWindow
from ..accelerator.frame import Frame
from ..links.axi_lite import AxiLite
from ..links.axi_stream import AxiStream
from ..links.flash import Flash
from ..links.spi import LEAST_RATIO
from ..links.uart import Uart
from ..links.wishbone import Wishbone
from .links import AxiAccelerator, SerialAccelerator, SpiAccelerator, WishboneAccelerator

__all__ = ["AXI", "SPI", "STREAM", "TOPS", "WISHBONE", "Top", "uart"]


@dataclass(frozen=True)
class Top:
    """A top level.

    Parameters
    ----------
    name : str
        What ``hwgen generate --top`` calls it.
    module : str
        Of the Verilog.
    about : str
        What its ports are, in a sentence or two.
    wrap : function
        Puts an accelerator into it.
    mapped : bool
        Whether registers and memories are in the addresses of a system: then there is a register
        map, and a driver.
    streams : bool
        Whether it has the registers of AXI4-Streams.
    prefix : str
        What the names of all modules, and those in C, begin with; none: modules have names of their
        own, and those in C begin with ``hwgen``.
    """

    name: str
    module: str
    about: str
    wrap: Callable[[Frame, BusWindow], wiring.Component]
    mapped: bool = False
    streams: bool = False
    prefix: str = ""

    def with_names(self, name: str) -> Self:
        """Return the same top level with names that no other accelerator's have.

        ``name`` is that of the top module, and the others begin with it.
        """
        return replace(self, module=name, prefix=name)


STREAM = Top("stream", "accelerator", "Bytes from and to a host: docs/protocol.md says what they "
             "mean.", lambda accelerator, window: accelerator)


def uart(divisor: int, flash: Flash | None = None, *, most: int = 0, family: str = "generic",
         ) -> Top:
    """Return the top level with a serial port, of which a bit takes ``divisor`` cycles.

    A ``flash`` memory is heard before the port is. ``most`` and ``family`` are for :class:`Uart`.
    """
    return Top("uart", "serial_accelerator",
               "A serial port: eight bits, no parity, one stop bit, each bit as long as "
               f"{divisor} cycles of its clock. docs/protocol.md says what the bytes mean.",
               lambda accelerator, window: SerialAccelerator(
                   accelerator, Uart(divisor, most, family), flash))


WISHBONE = Top("wishbone", "wishbone_accelerator",
               "A slave of Wishbone B4 for classic cycles of 32 bits; `wb_adr` counts words. "
               "`irq` is high from the end of a run until it is acknowledged. registers.md has the "
               "addresses.", lambda accelerator, window: WishboneAccelerator(
                   accelerator, Wishbone(window.shift, window.space_bits)), mapped=True)

SPI = Top("spi", "spi_accelerator",
          f"A slave of SPI, mode 0, the highest bit first; a bit takes {LEAST_RATIO} cycles of its "
          "clock at least. `spi_miso` is to be driven while `spi_miso_oe` is high. "
          "docs/protocol.md says what the bytes mean.",
          lambda accelerator, window: SpiAccelerator(accelerator))

AXI = Top("axi", "axi_accelerator",
          "A slave of AXI4-Lite (`s_axil_`), and AXI4-Streams for data in (`s_axis_`) and out "
          "(`m_axis_`), all of 32 bits; `clk` and `rst`, which is high to reset, are for all of "
          "them. `irq` is high from the end of a run until it is acknowledged. registers.md has "
          "the addresses.", lambda accelerator, window: AxiAccelerator(accelerator, *(
              link(window.shift, window.space_bits) for link in (AxiLite, AxiStream))),
          mapped=True, streams=True)

TOPS = {top.name: top for top in (STREAM, SPI, WISHBONE, AXI)}
"""The top levels that need to know nothing but the Design."""
