"""How bytes reach a whole accelerator in its bench: streams, a serial port, SPI.

The runtime blocks, so it is called behind ``cocotb.task.bridge``; what drives the ports are
coroutines, which are called by ``resume`` from there.
"""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.task import resume
from cocotb.triggers import FallingEdge, First, RisingEdge, Timer
from cocotb.utils import get_sim_time

from hwgen.arch.frames import WIRE_BITS
from hwgen.rtl.links.spi import LEAST_RATIO
from hwgen.runtime.link import Link

from .. import PERIOD_NS
from ..links import bench_spi
from .units import DIVISOR

__all__ = ["ByteStreams", "Ports", "SerialWires", "SpiWires"]

FLOOD = 100_000
"""Bytes that nobody reads."""


class Ports(Link):
    """Ports that a bench drives: the clock and the reset, and bytes that come and go.

    If the host's side has a clock of its own, that is the one whose cycles are counted here; the
    other one is up to three times as fast, in any phase.

    Parameters
    ----------
    dut
    stall : float
    """

    name = "the accelerator in the bench"

    def __init__(self, dut, stall):
        self.dut = dut
        self.clock = getattr(dut, "host_clk", dut.clk)
        self.stall = stall
        self.going, self.come = bytearray(), bytearray()

    async def start(self):
        """Start the clock, with nothing at the ports, and reset."""
        Clock(self.clock, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        if self.two_clocks:
            self.dut.clk.value = 0
            period = 2 * random.randrange(500 * PERIOD_NS // 3, 500 * PERIOD_NS)
            await Timer(random.randrange(1, period), unit="ps")
            Clock(self.dut.clk, period, unit="ps", impl="gpi").start(start_high=False)
        self.idle()
        await self.reset(3)

    async def reset(self, cycles):
        """Hold reset, and forget what was under way."""
        self.going.clear()
        self.come.clear()
        for level in (1, 0):
            self.dut.rst.value = level
            if self.two_clocks:
                self.dut.host_rst.value = level
                await self.cycles(3)  # enough for an edge of the other clock
            await self.cycles(cycles if level else 1)

    @property
    def two_clocks(self):
        """Whether the host's side has a clock of its own."""
        return self.clock is not self.dut.clk

    async def cycles(self, count):
        """Let so many cycles pass; the simulator need not stop in each of them."""
        if count > 1:
            await Timer((2 * count - 1) * PERIOD_NS // 2, unit="ns")
        await RisingEdge(self.clock)

    def waits(self):
        """Return whether somebody waits this time."""
        return random.random() < self.stall

    def idle(self):
        """Have nothing at the ports."""

    def write(self, data):
        self.going += data

    def read(self, count, timeout):
        resume(self.run)(count, timeout)
        data = bytes(self.come[:count])
        del self.come[:count]
        return data

    def wait(self, cycles):
        resume(self.pause)(cycles)

    async def pause(self, cycles):
        """Let time pass when what is to go has gone."""
        await self.run(0, cycles)
        await self.cycles(cycles)

    async def run(self, count, timeout):
        """Send all that is to go, until so many bytes have come, or none moved for so long."""
        raise NotImplementedError

    def close(self):
        pass


class ByteStreams(Ports):
    """The streams ``rx`` and ``tx``; a host that waits for no reply as often as for each."""

    def __init__(self, dut, stall):
        super().__init__(dut, stall)
        self.ahead = random.choice([0, 600])

    def idle(self):
        self.dut.rx__valid.value = self.dut.tx__ready.value = 0
        self.offering = False
        self.held = None  # a byte that the accelerator offers, and nobody has taken

    async def run(self, count, timeout):
        going, quiet = iter(self.going), 0
        byte = next(going, None)
        while quiet < timeout and (byte is not None or len(self.come) < count):
            if byte is None and self.dut.tx__valid.value == 0:  # the simulator need not stop
                quiet += await self.something(timeout - quiet)
                continue
            sent, come = await self.cycle(byte)
            assert len(self.come) < FLOOD, "bytes come without end"
            if sent:
                byte = next(going, None)
            quiet = 0 if sent or come else quiet + 1
        self.going.clear()  # what was not taken in so long never will be
        self.idle()

    async def something(self, cycles):
        """Wait until a byte is offered, or for so many cycles; return how many passed."""
        begin = get_sim_time("ns")
        await First(RisingEdge(self.dut.tx__valid), Timer(cycles * PERIOD_NS, unit="ns"))
        return round((get_sim_time("ns") - begin) / PERIOD_NS)

    async def cycle(self, byte):
        """Let a cycle pass, in which a byte may go; return whether one went, and one came."""
        dut = self.dut
        if byte is not None and not self.offering and not self.waits():
            self.offering = True
            dut.rx__payload.value = byte
        dut.rx__valid.value = self.offering
        ready = not self.waits()
        dut.tx__ready.value = ready
        await RisingEdge(self.clock)
        sent = self.offering and dut.rx__ready.value == 1
        self.offering &= not sent
        offered = int(dut.tx__payload.value) if dut.tx__valid.value == 1 else None
        assert self.held in (None, offered), "a byte was not held"
        self.held = None if ready else offered
        if ready and offered is not None:
            self.come.append(offered)
        return sent, ready and offered is not None


class SerialWires(Ports):
    """The wires of a serial port, whose bytes come at any time; nobody can wait."""

    listening = None

    def idle(self):
        self.dut.rx.value = 1

    async def reset(self, cycles):
        if self.listening is not None:
            self.listening.cancel()
        await super().reset(cycles)
        self.listening = cocotb.start_soon(self.listen())

    async def listen(self):
        """Keep the bytes on the wire, whose bits are looked at in their middle."""
        tx = self.dut.tx
        while True:
            await FallingEdge(tx)
            bits = []
            for bit in range(WIRE_BITS):
                await Timer((DIVISOR if bit else DIVISOR / 2) * PERIOD_NS, unit="ns")
                bits.append(int(tx.value))
            assert (bits[0], bits[-1]) == (0, 1), "a byte without its first or last bit"
            self.come.append(sum(level << n for n, level in enumerate(bits[1:-1])))

    async def run(self, count, timeout):
        for byte in self.going:
            for level in (0, *(byte >> n & 1 for n in range(8)), 1):
                self.dut.rx.value = level
                await Timer(DIVISOR * PERIOD_NS, unit="ns")
        self.going.clear()
        seen, quiet = len(self.come), 0
        while len(self.come) < count and quiet < timeout:
            await self.cycles(WIRE_BITS * DIVISOR)
            quiet = 0 if len(self.come) > seen else quiet + WIRE_BITS * DIVISOR
            seen = len(self.come)


class SpiWires(Ports):
    """The wires of SPI: a byte goes each way at once; zeros are clocked until a reply begins."""

    def idle(self):
        self.dut.spi_cs_n.value = 1
        self.dut.spi_sck.value = self.dut.spi_mosi.value = 0

    async def run(self, count, timeout):
        self.come += await self.exchange(bytes(self.going))
        self.going.clear()
        self.come = self.come.lstrip(b"\0")
        for _ in range(timeout // (8 * LEAST_RATIO)):
            if self.come or not count:
                break
            self.come += (await self.exchange(b"\0")).lstrip(b"\0")
        if self.come and len(self.come) < count:
            self.come += await self.exchange(bytes(count - len(self.come)))

    async def exchange(self, data):
        """Clock bytes, and return those that came; nobody is selected now and then."""
        come, ratio = bytearray(), LEAST_RATIO + 2 * self.stall * random.random()
        while data:
            size = random.randrange(1, 30) if self.stall else len(data)
            bits = [byte >> 7 - place & 1 for byte in data[:size] for place in range(8)]
            found = await bench_spi.select(self.dut, bits, round(ratio * PERIOD_NS * 500))
            come += bytes(sum(bit << 7 - place for place, bit in enumerate(found[at:at + 8]))
                          for at in range(0, len(found), 8))
            data = data[size:]
        return bytes(come)
