"""How a bench reaches a whole accelerator as its runtime does, through whatever top level."""

from cocotb.task import resume

from hwgen.arch.address_map import BusWindow
from hwgen.arch.registers import Register
from hwgen.golden.links.host import BusAccess
from hwgen.rtl.tops.catalogue import AXI, SPI, STREAM, WISHBONE
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.client import NoMemory

from ..links import bench_axi_lite, bench_wishbone
from .byte_links import ByteStreams, Ports, SerialWires, SpiWires

__all__ = ["TIMEOUT", "Mapped", "host", "link"]

TIMEOUT = 4000
"""Cycles without a byte after which there will be none: no request takes as long."""


def link(dut, top, stall=0.0):
    """Return the link to the ports of a top level, where somebody waits as often as ``stall``."""
    return LINKS[top.name](dut, stall)


def host(link, design, top):
    """Return an accelerator, as the runtime of a host that begins knows it."""
    if top.mapped:
        return Mapped(link, BusWindow.of(design, streams=top.streams))
    # Nothing is lost here, so nothing is sent again.
    return RemoteAccelerator(link, timeout=TIMEOUT, attempts=1)


class Bus(Ports):
    """The ports of a bus, whose accesses ``play`` does."""

    def play(self, asked):
        """Return a coroutine that gives the word of each access, or None for an error."""
        raise NotImplementedError

    async def run(self, count, timeout):
        """Let nothing happen: no bytes come and go here."""


class WishboneBus(Bus):
    """A master of Wishbone."""

    def __init__(self, dut, stall):
        super().__init__(dut, stall)
        self.master = bench_wishbone.master(dut)

    def play(self, asked):
        return bench_wishbone.play(self.master, asked, idle=self.stall)


class AxiBus(Bus):
    """A master of AXI4-Lite; the streams are idle."""

    def __init__(self, dut, stall):
        super().__init__(dut, stall)
        self.master = bench_axi_lite.master(dut, stall)

    def idle(self):
        self.dut.s_axis_tvalid.value = self.dut.m_axis_tready.value = 0

    async def play(self, asked):
        return [await bench_axi_lite.ask(self.master, access) for access in asked]


class Mapped(RemoteAccelerator):
    """An accelerator in the addresses of a system: memory without frames.

    Parameters
    ----------
    link : Bus
    window : BusWindow
    """

    def __init__(self, link, window):
        super().__init__(link)
        self.window = window

    def read_memory(self, space, address, count):
        first, end = address & ~3, address + count
        words = self.ask([BusAccess(False, self.place(space, at), 15)
                          for at in range(first, end, 4)])
        data = b"".join(word.to_bytes(4, "little") for word in words)
        return data[address - first:][:count]

    def write_memory(self, space, address, data):
        first, end = address & ~3, address + len(data)
        whole = bytes(address - first) + bytes(data) + bytes(-end % 4)
        self.ask([BusAccess(True, self.place(space, at), sum(
            1 << lane for lane in range(4) if address <= at + lane < end),
            int.from_bytes(whole[at - first:at - first + 4], "little"))
            for at in range(first, end, 4)])

    def _control(self, value, epoch):
        """Write CONTROL: here are neither turns nor epochs, as nothing is repeated."""
        self.write_register(Register.CONTROL, value)
        return True

    def _ours(self, state):
        return True

    def place(self, space, offset):
        """Return an address in the window."""
        if space >> self.window.space_bits or offset >> self.window.shift:
            raise NoMemory("that is outside the window")
        return self.window.base(space) + offset

    def ask(self, asked):
        """Do accesses, and return their words, as far as there is no error."""
        words = resume(self.link.play)(asked) if asked else []
        if None in words:
            raise NoMemory(f"an error at {asked[words.index(None)]}")
        return words


LINKS = {STREAM.name: ByteStreams, "uart": SerialWires, SPI.name: SpiWires,
         WISHBONE.name: WishboneBus, AXI.name: AxiBus}
