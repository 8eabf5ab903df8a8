"""A whole accelerator at AXI, with a master, a source and a sink of another project's."""

import random

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from hwgen.arch.registers import GO, Register, Space, StreamRegister
from hwgen.golden.links.axi_stream import AxiStream
from hwgen.golden.links.host import BusAccess

from ..links.bench_axi_lite import ask, in_runs, master
from .window_top import check_random, check_run, start, window

NO_STREAMS = ("s_axis_tvalid", "m_axis_tready")


def player(dut, stall=0.0):
    """Return what asks for accesses, one after the other."""
    axi = master(dut, stall)

    async def play(asked):
        return [await ask(axi, access) for access in asked]

    return play


@cocotb.test(timeout_time=50, timeout_unit="ms")
@cocotb.parametrize(stall=[0.0, 0.5])
async def test_window(dut, stall):
    """All that there is, and what is not, with pauses and without."""
    for name in NO_STREAMS:
        getattr(dut, name).value = 0
    play = player(dut, stall)
    await start(dut)
    place = window()

    def usable(access):
        return in_runs(access) and not (access.write
                                        and access.address == StreamRegister.OUTPUT_WORDS)

    await check_random(play, 400, usable=usable,
                       before=lambda bus: AxiStream(bus, place.shift, place.space_bits).access)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_run(dut):
    for name in NO_STREAMS:
        getattr(dut, name).value = 0
    play = player(dut)
    await start(dut)
    await check_run(dut, play)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def test_streams(dut):
    """What goes in comes out, and none of it moves while steps run."""
    source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    play = player(dut)
    await start(dut)
    place = window().base(Space.ACTIVATIONS)
    moved = []

    async def watch():
        while True:
            await RisingEdge(dut.clk)
            moved.append(int(dut.s_axis_tvalid.value) & int(dut.s_axis_tready.value))

    cocotb.start_soon(watch())
    for _ in range(5):
        data = random.randbytes(64)
        await play([BusAccess(True, StreamRegister.INPUT_ADDRESS, 15, place),
                    BusAccess(True, StreamRegister.OUTPUT_ADDRESS, 15, place),
                    BusAccess(True, Register.COUNT, 15, 1),
                    BusAccess(True, Register.CONTROL, 15, GO)])
        await source.send(AxiStreamFrame(data))
        start_of_run = len(moved)
        while dut.irq.value == 0:
            await ClockCycles(dut.clk, 1)
        assert not any(moved[start_of_run:-1])
        await source.wait()
        await ClockCycles(dut.clk, 20)
        await play([BusAccess(True, StreamRegister.OUTPUT_WORDS, 15, 16)])
        assert (await sink.recv()).tdata == data
        assert await play([BusAccess(False, StreamRegister.STREAM_STATUS, 15)]) == [0]
    assert sum(moved) == 5 * 16
