# amaranth: UnusedElaboratable=no
"""An accelerator at AXI: AXI4-Lite for registers and memories, AXI4-Stream for data."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from .accelerator import Accelerator
from .axi_lite import AxiLite, axi_lite_ports
from .axi_stream import AxiStream, axi_stream_ports

__all__ = ["AxiAccelerator"]


class AxiAccelerator(wiring.Component):
    """An accelerator whose registers and memories are in the addresses of a system.

    Parameters
    ----------
    accelerator : Accelerator
        With its bus ``exposed``.
    shift : int
        See :class:`hwgen.window.Window`.

    Members
    -------
    s_axil_* : see :class:`~hwgen.rtl.axi_lite.AxiLite`
    s_axis_*, m_axis_* : see :class:`~hwgen.rtl.axi_stream.AxiStream`
    irq : Out(1)
        High from the end of a run until it is acknowledged, or the next run begins.
    """

    irq: Value

    def __init__(self, accelerator: Accelerator, shift: int) -> None:
        self.accelerator = accelerator
        self.lite = AxiLite(shift)
        self.streams = AxiStream(shift)
        super().__init__(axi_lite_ports(shift) | axi_stream_ports() | {"irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.accelerator = accelerator = self.accelerator
        m.submodules.lite = lite = self.lite
        m.submodules.streams = streams = self.streams
        m.d.comb += [self.irq.eq(accelerator.irq), streams.busy.eq(accelerator.busy)]
        wiring.connect(m, lite.bus, streams.host)
        wiring.connect(m, streams.bus, accelerator.bus)
        for part, ports in ((lite, axi_lite_ports(lite.shift)), (streams, axi_stream_ports())):
            for name, member in ports.items():
                inner, outer = getattr(part, name), getattr(self, name)
                m.d.comb += inner.eq(outer) if member.flow is wiring.In else outer.eq(inner)
        return m
