# amaranth: UnusedElaboratable=no
"""Latency and interval of what stands between a host and an accelerator."""

import pytest
from amaranth import *

from hwgen.arch.frames import WIRE_BITS, Command, write_code
from hwgen.arch.registers import StreamRegister
from hwgen.rtl.links.axi_lite import AxiLite
from hwgen.rtl.links.axi_stream import AxiStream
from hwgen.rtl.links.flash import Flash
from hwgen.rtl.links.host import Host
from hwgen.rtl.links.spi import LEAST_RATIO, Spi
from hwgen.rtl.links.turns import Turns
from hwgen.rtl.links.uart import Receiver, Transmitter, Uart
from hwgen.rtl.links.wishbone import Wishbone
from sim.links.traffic import request

from ...bench import simulate
from ..timing import Case, play

COUNT = 4


def expected(dut, first=0):
    """Return the cycles of results if the first one was asked for in a cycle."""
    return [first + dut.latency + dut.interval * item for item in range(COUNT)]


def watch(dut, output, cycles, *, before=None, drive=lambda ctx, cycle: None):
    """Return the cycles in which an output is high, while something is driven."""
    found = []

    async def bench(ctx):
        if before:
            await before(ctx)
        for cycle in range(cycles):
            drive(ctx, cycle)
            if ctx.get(output):
                found.append(cycle)
            await ctx.tick()

    simulate(dut, bench)
    return found


def test_turns():
    dut = Turns()

    def drive(ctx, item):
        ctx.set(dut.turn, 1)
        ctx.set(dut.number, 7 * (item is not None))

    played = play(Case(dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.owner) != 0))
    assert played.latencies == {dut.latency} and played.intervals == {dut.interval}


REQUESTS = {
    "read": request(Command.READ, 0, 1), "write": request(write_code(0), 0, 1, data=bytes(1)),
    "other epoch": request(write_code(1), 0, 4, data=bytes(4)),
}


@pytest.mark.parametrize("near", [False, True])
def test_host(near):
    """No reply comes sooner than that to a write that does not count; its bytes follow at once."""
    first, apart = [], []
    for frame in REQUESTS.values():
        dut = Host(near=near)
        sent = []

        def drive(ctx, cycle, dut=dut, frame=frame, sent=sent):
            more = len(sent) < len(frame)
            ctx.set(dut.bus.ack, 1)
            ctx.set(dut.tx.ready, 1)
            ctx.set(dut.rx.valid, more)
            ctx.set(dut.rx.payload, frame[len(sent)] if more else 0)
            sent += [cycle] * (more and ctx.get(dut.rx.ready))

        given = watch(dut, dut.tx.valid, 100, drive=drive)
        assert len(given) >= 12
        first.append(given[0] - sent[-1])
        apart += [later - cycle for cycle, later in zip(given, given[1:], strict=False)]
    assert min(first) == dut.latency and min(apart) == dut.interval


def test_axi_lite():
    """Writes and reads in turn, at a bus that answers at once."""
    dut = AxiLite(6)

    def drive(ctx, item):
        write = item is not None and item % 2 == 0
        for port, value in ((dut.s_axil_bready, 1), (dut.s_axil_rready, 1), (dut.s_axil_wstrb, 15),
                            (dut.s_axil_awvalid, write), (dut.s_axil_wvalid, write),
                            (dut.s_axil_arvalid, item is not None and not write),
                            (dut.bus.ack, ctx.get(dut.bus.read | dut.bus.write))):
            ctx.set(port, value)

    played = play(Case(
        dut=dut, drive=drive, gives=lambda ctx: ctx.get(dut.s_axil_bvalid | dut.s_axil_rvalid),
        takes=lambda ctx: ctx.get(dut.s_axil_awready | dut.s_axil_arready)))
    assert played.latencies == {dut.latency} and played.intervals == {dut.interval}


@pytest.mark.parametrize("write", [0, 1])
def test_wishbone(write):
    """A master that asks again as soon as it has its answer, at a bus that answers at once."""
    dut = Wishbone(6)

    async def before(ctx):
        await ctx.tick().repeat(3)
        for port, value in ((dut.bus.ack, 1), (dut.wb_cyc, 1), (dut.wb_stb, 1), (dut.wb_sel, 15),
                            (dut.wb_we, write)):
            ctx.set(port, value)

    assert watch(dut, dut.wb_ack, 20, before=before)[:COUNT] == expected(dut)


def test_axi_stream_in():
    dut = AxiStream(6)

    async def before(ctx):
        await ctx.tick().repeat(3)
        for port, value in ((dut.bus.ack, 1), (dut.s_axis_tvalid, 1), (dut.s_axis_tkeep, 15)):
            ctx.set(port, value)

    assert watch(dut, dut.bus.write, 20, before=before)[:COUNT] == expected(dut)


def test_axi_stream_out():
    """Words may be read from the cycle on in which OUTPUT_WORDS says so; each takes one longer."""
    dut = AxiStream(6)

    async def before(ctx):
        for port, value in ((dut.bus.ack, 1), (dut.m_axis_tready, 1), (dut.host.write, 1),
                            (dut.host.address, int(StreamRegister.OUTPUT_WORDS)),
                            (dut.host.mask, 15), (dut.host.w_data, COUNT)):
            ctx.set(port, value)
        await ctx.tick()
        ctx.set(dut.host.write, 0)

    assert watch(dut, dut.m_axis_tvalid, 30, before=before) == [
        2 + (dut.interval + 1) * item for item in range(COUNT)]


@pytest.mark.parametrize("address, count", [(0, COUNT), (0x5A5A5A, COUNT + 3)])
def test_flash(address, count):
    dut = Flash(address, count)

    async def before(ctx):
        ctx.set(dut.o.ready, 1)

    assert watch(dut, dut.o.valid, 300, before=before)[:COUNT] == expected(dut)


def test_spi():
    """The fastest master: the last of eight rising edges, and the byte."""
    dut, half = Spi(), LEAST_RATIO // 2

    def drive(ctx, cycle):
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.spi_cs_n, 0)
        ctx.set(dut.spi_sck, cycle // half % 2)

    last = 7 * LEAST_RATIO + half
    assert watch(dut, dut.o.valid, 8 * COUNT * LEAST_RATIO + 9, drive=drive) == expected(dut, last)


def bytes_of_ones(dut):
    """Return what drives bytes of ones into a wire, without a pause from cycle 0 on."""
    def drive(ctx, cycle):
        ctx.set(dut.o.ready, 1)
        byte, at = divmod(cycle, WIRE_BITS * dut.divisor)
        ctx.set(dut.rx, byte >= COUNT or at >= dut.divisor)
    return drive


@pytest.mark.parametrize("divisor", [4, 5, 12])
@pytest.mark.parametrize("kind", [Receiver, Uart])
def test_receiver(kind, divisor):
    dut = kind(divisor)
    found = watch(dut, dut.o.valid, WIRE_BITS * divisor * COUNT + 20, drive=bytes_of_ones(dut))
    assert found == expected(dut)


@pytest.mark.parametrize("divisor", [4, 5, 12])
@pytest.mark.parametrize("kind, more", [(Transmitter, 0), (Uart, 1)])
def test_transmitter(kind, more, divisor):
    """Bytes of ones, which are taken where the one before has gone; their start bits are low."""
    dut = kind(divisor)

    def drive(ctx, cycle):
        ctx.set(dut.i.valid, 1)
        ctx.set(dut.i.payload, 255)

    low = watch(dut, ~dut.tx, WIRE_BITS * divisor * COUNT, drive=drive)
    begin = [1 + (dut.interval + more) * item for item in range(COUNT)]
    assert low == [first + cycle for first in begin for cycle in range(divisor)]
    assert Transmitter.latency == 1
