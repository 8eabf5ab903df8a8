# amaranth: UnusedElaboratable=no
"""An accelerator as a slave of Wishbone: a memory-mapped top level with an interrupt."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..accelerator.frame import Frame
from ..links.wishbone import Wishbone, wishbone_ports

__all__ = ["WishboneAccelerator"]


class WishboneAccelerator(wiring.Component):
    """An accelerator whose registers and memories are in the addresses of a system.

    Parameters
    ----------
    accelerator : Frame
        With its bus ``exposed``.
    shift, space_bits : int
        See :class:`hwgen.arch.address_map.BusWindow`.

    Members
    -------
    wb_cyc, wb_stb, ... : see :class:`~hwgen.rtl.links.wishbone.Wishbone`
    irq : Out(1)
        High from the end of a run until it is acknowledged, or the next run begins.
    """

    irq: Value

    def __init__(self, accelerator: Frame, shift: int, space_bits: int) -> None:
        self.accelerator = accelerator
        self.wishbone = Wishbone(shift, space_bits)
        self.bus_ports = wishbone_ports(shift, space_bits)
        super().__init__(self.bus_ports | {"irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.wishbone = wishbone = self.wishbone
        m.d.comb += self.irq.eq(accelerator.irq)
        wiring.connect(m, wishbone.bus, accelerator.bus)
        for name, member in self.bus_ports.items():
            inner, outer = getattr(wishbone, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow is wiring.In else outer.eq(inner)
        return m
