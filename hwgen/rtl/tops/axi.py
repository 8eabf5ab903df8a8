# amaranth: UnusedElaboratable=no
"""An accelerator at AXI: AXI4-Lite for registers and memories, AXI4-Stream for data."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..accelerator.frame import Frame
from ..links.axi_lite import AxiLite, axi_lite_ports
from ..links.axi_stream import AxiStream, axi_stream_ports

__all__ = ["AxiAccelerator"]


class AxiAccelerator(wiring.Component):
    """An accelerator whose registers and memories are in the addresses of a system.

    Parameters
    ----------
    accelerator : Frame
        With its bus ``exposed``.
    shift, space_bits : int
        See :class:`hwgen.arch.address_map.BusWindow`.

    Members
    -------
    s_axil_* : see :class:`~hwgen.rtl.links.axi_lite.AxiLite`
    s_axis_*, m_axis_* : see :class:`~hwgen.rtl.links.axi_stream.AxiStream`
    irq : Out(1)
        High from the end of a run until it is acknowledged, or the next run begins.
    """

    irq: Value

    def __init__(self, accelerator: Frame, shift: int, space_bits: int) -> None:
        self.accelerator = accelerator
        self.lite = AxiLite(shift, space_bits)
        self.streams = AxiStream(shift, space_bits)
        self.lite_ports = axi_lite_ports(shift, space_bits)
        super().__init__(self.lite_ports | axi_stream_ports() | {"irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.lite = lite = self.lite
        m.submodules.streams = streams = self.streams
        m.d.comb += [self.irq.eq(accelerator.irq), streams.busy.eq(accelerator.busy)]
        wiring.connect(m, lite.bus, streams.host)
        wiring.connect(m, streams.bus, accelerator.bus)
        for part, ports in ((lite, self.lite_ports), (streams, axi_stream_ports())):
            for name, member in ports.items():
                inner, outer = getattr(part, name), getattr(self, name)
                m.d.comb += inner.eq(outer) if member.flow is wiring.In else outer.eq(inner)
        return m
