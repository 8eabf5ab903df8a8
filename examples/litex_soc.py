"""A LiteX system with an accelerator: what `hwgen generate --top wishbone` wrote, at its bus.

    hwgen generate --design ulx3s-85f --top wishbone -o accelerator
    python examples/litex_soc.py accelerator

It needs `pip install litex migen`. The system is one for the ULX3S without a processor, whose bus
is reached by a serial port (`litex_server`); put the class Accelerator into your own.
"""

import argparse
import json
from pathlib import Path

from litex.build.generic_platform import IOStandard, Pins, Subsignal
from litex.build.lattice import LatticePlatform
from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal
from migen.genlib.io import CRG

CLOCK = 25e6
ORIGIN = 0x3000_0000
"""Where the window is in the system: at a multiple of its size."""

IO = [
    ("clk25", 0, Pins("G2"), IOStandard("LVCMOS33")),
    ("serial", 0, Subsignal("tx", Pins("L4")), Subsignal("rx", Pins("M1")),
     IOStandard("LVCMOS33")),
]


class Accelerator(LiteXModule):
    """An accelerator, with its bus and its interrupt.

    Parameters
    ----------
    platform
        Gets the Verilog.
    folder : Path
        What `hwgen generate --top wishbone` wrote.

    Members
    -------
    bus : wishbone.Interface
    ev : EventManager
        Its event ``done`` is there while a run has ended and is not acknowledged.
    size : int
        Bytes of the window.
    """

    def __init__(self, platform, folder):
        facts = json.loads((folder / "registers.json").read_text())
        self.size = facts["size"]
        self.bus = bus = wishbone.Interface(data_width=32, adr_width=30, addressing="word")
        self.ev = EventManager()
        self.ev.done = EventSourceLevel()
        self.ev.finalize()
        address = bus.adr[:(self.size // 4 - 1).bit_length()]
        self.specials += Instance(
            facts["name"], i_clk=ClockSignal(), i_rst=ResetSignal(),
            i_wb_cyc=bus.cyc, i_wb_stb=bus.stb, i_wb_we=bus.we, i_wb_adr=address,
            i_wb_sel=bus.sel, i_wb_dat_w=bus.dat_w, o_wb_dat_r=bus.dat_r, o_wb_ack=bus.ack,
            o_wb_err=bus.err, o_irq=self.ev.done.trigger)
        platform.add_source(str(folder / f"{facts['name']}.v"))


class System(SoCMini):
    """A serial port as the bus's master, and an accelerator as its slave."""

    def __init__(self, platform, folder):
        self.crg = CRG(platform.request("clk25"))
        SoCMini.__init__(self, platform, CLOCK, ident="an accelerator of hwgen")
        self.add_uartbone()
        self.accelerator = Accelerator(platform, folder)
        self.bus.add_slave("accelerator", self.accelerator.bus,
                           SoCRegion(origin=ORIGIN, size=self.accelerator.size, cached=False))
        if self.irq.enabled:  # there is a processor
            self.irq.add("accelerator", use_loc_if_exists=True)


def main():
    """Write the system's Verilog, and the accelerator's beside it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what `hwgen generate --top wishbone` wrote")
    parser.add_argument("-o", "--output", type=Path, default=Path("litex_soc.v"))
    options = parser.parse_args()
    platform = LatticePlatform("LFE5U-85F-6BG381C", IO, toolchain="trellis")
    system = System(platform, options.folder)
    system.finalize()
    platform.get_verilog(system, name="litex_soc").write(str(options.output))


if __name__ == "__main__":
    main()
