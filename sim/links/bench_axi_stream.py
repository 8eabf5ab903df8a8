"""AXI4-Streams: sources and sinks of another project's beside a host, with random waits."""

import random
from itertools import cycle

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from hwgen.arch.registers import Register, Space, StreamRegister
from hwgen.golden.links.axi_stream import AxiStream
from hwgen.golden.links.host import Access
from hwgen.rtl.links.axi_stream import SETTLE

from ..units import driven
from .system import Bus, start

SHIFT = driven("axi_stream").shift
ACTIVATIONS = Space.ACTIVATIONS << SHIFT


class Around:
    """A host, a source and a sink, each of which waits with probability ``stall``."""

    def __init__(self, dut, stall=0.0):
        self.dut = dut
        self.stall = stall
        self.bus = Bus(stall)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
        for end in (self.source, self.sink) if stall else ():
            end.set_pause_generator(cycle([random.random() < stall for _ in range(997)]))

    async def start(self):
        """Reset, with nothing going on."""
        for name in ("host__read", "host__write", "busy"):
            getattr(self.dut, name).value = 0
        await start(self.dut, self.bus)

    async def access(self, address, value=None, mask=15):
        """Read or write a word of the accelerator's bus, and return what was read."""
        dut = self.dut
        while random.random() < self.stall:
            await RisingEdge(dut.clk)
        dut.host__address.value = address
        dut.host__mask.value = mask
        dut.host__w_data.value = value or 0
        (dut.host__read if value is None else dut.host__write).value = 1
        await RisingEdge(dut.clk)
        while not dut.host__ack.value:
            await RisingEdge(dut.clk)
        dut.host__read.value = dut.host__write.value = 0
        return None if dut.host__error.value == 1 else int(dut.host__r_data.value)


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.5, 0.8])
async def test_random(dut, stall):
    """In and out, beyond the end of memory, and with bytes that do not count: as golden has it."""
    around = Around(dut, stall)
    await around.start()
    expected = Bus()
    golden = AxiStream(expected, SHIFT)

    async def both(address, value=None):
        word = await around.access(address, value)
        assert value is not None or word == golden.access(Access(False, address, 15))
        if value is not None:
            golden.access(Access(True, address, 15, value))

    for _ in range(12):
        data = random.randbytes(random.choice([1, 4, 7, 40, 90]))
        first = random.choice(
            [ACTIVATIONS, ACTIVATIONS + 40, Space.PROGRAM << SHIFT, ACTIVATIONS + 88,
             random.randrange(4 << SHIFT) & ~3])
        # What the stream may write to, nobody knows the value of before its end.
        known = first >= 1 << SHIFT and first + len(data) <= 4 << SHIFT
        await both(StreamRegister.INPUT_ADDRESS, first)
        await around.source.send(AxiStreamFrame(data))
        for at in range(0, len(data), 4):
            part = data[at:at + 4]
            golden.put(int.from_bytes(part, "little"), (1 << len(part)) - 1)
        for _ in range(3):
            await both((1 << 24) + 4 * random.randrange(25) if random.random() < 0.5
                       and around.source.idle() else Register.STATUS if known else 1 << SHIFT)
        await around.source.wait()
        await ClockCycles(dut.clk, 60)
        for register in StreamRegister:
            await both(register)
        count = random.randrange(1, 30)
        await both(StreamRegister.OUTPUT_ADDRESS, random.choice(
            [ACTIVATIONS, ACTIVATIONS + 60, Space.PROGRAM << SHIFT]))
        await both(StreamRegister.OUTPUT_WORDS, count)
        frame = await around.sink.recv()
        given = [golden.get() for _ in range(count)]
        assert frame.tdata == b"".join(word.to_bytes(4, "little") for word, _ in given)
        assert [last for _, last in given] == [False] * (count - 1) + [True]
        for register in StreamRegister:
            await both(register)
        await both(StreamRegister.STREAM_STATUS, random.randrange(4))
    assert around.bus.words == expected.words
    assert golden.get() is None and around.sink.empty()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def test_waits_for_a_run(dut):
    """Between GO and the end of the run nothing moves, and nothing is lost; the host is served."""
    around = Around(dut)
    await around.start()
    for gap in range(1, SETTLE):
        await around.access(StreamRegister.INPUT_ADDRESS, ACTIVATIONS)
        await around.access(StreamRegister.OUTPUT_ADDRESS, ACTIVATIONS)
        data = random.randbytes(12)
        await around.access(Register.CONTROL, 1)
        done = len(around.bus.accesses)
        await around.source.send(AxiStreamFrame(data))
        await around.access(StreamRegister.OUTPUT_WORDS, 3)
        await ClockCycles(dut.clk, max(gap - 4, 0))
        dut.busy.value = 1
        await ClockCycles(dut.clk, 30)
        assert len(around.bus.accesses) == done
        await around.access(Register.STATUS)
        assert len(around.bus.accesses) == done + 1
        dut.busy.value = 0
        assert len((await around.sink.recv()).tdata) == 12
        await around.source.wait()
        await ClockCycles(dut.clk, 20)
        await around.access(StreamRegister.OUTPUT_ADDRESS, ACTIVATIONS)
        await around.access(StreamRegister.OUTPUT_WORDS, 3)
        assert (await around.sink.recv()).tdata == data
        assert await around.access(StreamRegister.STREAM_STATUS) == 0


@cocotb.test(timeout_time=200, timeout_unit="us")
async def test_in_turn(dut):
    """A host that asks without a pause does not keep the streams from moving."""
    around = Around(dut)
    await around.start()
    await around.access(StreamRegister.INPUT_ADDRESS, ACTIVATIONS)
    await around.access(StreamRegister.OUTPUT_ADDRESS, ACTIVATIONS)
    await around.access(StreamRegister.OUTPUT_WORDS, 20)
    await around.source.send(AxiStreamFrame(random.randbytes(80)))
    for _ in range(60):
        await around.access(Register.STATUS)
    assert around.source.idle() and len((await around.sink.recv()).tdata) == 80
    first = [(access.write, access.address >> 24) for access in around.bus.accesses[:12]]
    assert {first.count(kind) for kind in ((False, 0), (False, 1), (True, 1))} <= {3, 4, 5}


@cocotb.test(timeout_time=200, timeout_unit="us")
async def test_registers(dut):
    """All bits of the registers, while a run holds the streams back."""
    around = Around(dut)
    await around.start()
    dut.busy.value = 1
    for _ in range(50):
        for register, bits in ((StreamRegister.INPUT_ADDRESS, SHIFT + 2),
                               (StreamRegister.OUTPUT_ADDRESS, SHIFT + 2),
                               (StreamRegister.OUTPUT_WORDS, 24)):
            value = random.getrandbits(32)
            await around.access(register, value)
            assert await around.access(register) == value % (1 << bits)


@cocotb.test(timeout_time=200, timeout_unit="us")
async def test_host(dut):
    """Whatever address, bytes and data the host has reach the bus, between the streams' words."""
    around = Around(dut, 0.3)
    await around.start()
    asked = []
    for moving in range(25):
        await around.access(StreamRegister.INPUT_ADDRESS, ACTIVATIONS)
        await around.access(StreamRegister.OUTPUT_ADDRESS, ACTIVATIONS)
        if moving:
            await around.access(StreamRegister.OUTPUT_WORDS, moving)
            await around.source.send(AxiStreamFrame(random.randbytes(4 * moving)))
        for _ in range(10):
            address = random.getrandbits(32) & ~3
            if address >> 4 == StreamRegister.INPUT_ADDRESS >> 4 or address == Register.CONTROL:
                continue
            value = random.choice([None, random.getrandbits(32)])
            asked.append(Access(value is not None, address, random.randrange(16), value or 0))
            await around.access(address, value, asked[-1].mask)
        await around.source.wait()
        if moving:
            await around.sink.recv()
    assert [access for access in around.bus.accesses if access.address >> 24 != Space.ACTIVATIONS] \
        == [access for access in asked if access.address >> 24 != Space.ACTIVATIONS]
