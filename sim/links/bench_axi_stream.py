"""AXI4-Streams: sources and sinks of another project's beside a host, with random waits."""

import random
from itertools import cycle, product

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from hwgen.arch.registers import MAPPED, Register, Space, StreamRegister
from hwgen.golden.links.axi_stream import AxiStream
from hwgen.golden.links.host import BusAccess
from hwgen.rtl.links.axi_stream import SETTLE

from ..units import unit_under_test
from .system import Bus, start

SHIFT = unit_under_test("axi_stream").shift
ACTIVATIONS = Space.ACTIVATIONS << SHIFT
ADDRESS_BITS = SHIFT + 2
WORD_BITS = 24
"""Of OUTPUT_WORDS."""


class Around:
    """A host, a source and a sink, each of which waits with probability ``stall``."""

    def __init__(self, dut, stall=0.0, bus=None):
        self.dut = dut
        self.stall = stall
        self.bus = Bus(stall) if bus is None else bus
        self.expected = Bus()
        self.golden = AxiStream(self.expected, SHIFT)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk, dut.rst)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
        for end in (self.source, self.sink) if stall else ():
            end.set_pause_generator(cycle([random.random() < stall for _ in range(997)]))

    async def start(self):
        """Reset, with nothing going on, and see from there on that no cycle is lost."""
        for name in ("host__read", "host__write", "busy"):
            getattr(self.dut, name).value = 0
        await start(self.dut, self.bus)
        cocotb.start_soon(self.no_cycle_is_lost())

    async def no_cycle_is_lost(self):
        """Where the bus is free and wanted, an access begins, or a word is lost, at once."""
        dut, due, waits, words, given = self.dut, False, SETTLE, 0, False

        def high(*names):
            return any(getattr(dut, name).value == 1 for name in names)

        while True:
            await RisingEdge(dut.clk)
            under_way = high("bus__read", "bus__write")
            assert under_way or not due, "the bus is free, and yet somebody waits for it"
            valid, address = high("m_axis_tvalid"), int(dut.host__address.value)
            words -= valid and not given
            given = valid and not high("m_axis_tready")
            asked = high("host__read", "host__write")
            own = asked and address >> 4 == StreamRegister.INPUT_ADDRESS >> 4
            moves = not (waits or own or high("busy")) and (
                high("s_axis_tvalid") or words > 0 and not valid)
            due = not under_way and not high("s_axis_tready") and (asked and not own or moves)
            waits = max(waits - 1, 0)
            if high("bus__write") and high("bus__ack") \
                    and dut.bus__address.value == Register.CONTROL:
                waits = SETTLE
            if high("host__write") and high("host__ack") \
                    and address == StreamRegister.OUTPUT_WORDS:
                words = int(dut.host__w_data.value) % (1 << WORD_BITS)

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

    async def both(self, address, value=None):
        """Do an access, and hold what is read to the golden model."""
        word = await self.access(address, value)
        expected = self.golden.access(BusAccess(value is not None, address, 15, value or 0))
        assert value is not None or word == expected

    async def put(self, data, keep=None):
        """Send bytes, of which only some count, if that is said of each."""
        await self.source.send(AxiStreamFrame(data, tkeep=keep))
        keep = keep or [1] * len(data)
        for at in range(0, len(data), 4):
            self.golden.put(int.from_bytes(data[at:at + 4], "little"),
                            sum(bit << lane for lane, bit in enumerate(keep[at:at + 4])))

    async def get(self, count):
        """Take a frame of so many words, and hold it to the golden model."""
        frame = await self.sink.recv()
        given = [self.golden.get() for _ in range(count)]
        assert frame.tdata == b"".join(word.to_bytes(4, "little") for word, _ in given)
        assert [last for _, last in given] == [False] * (count - 1) + [True]

    async def end(self):
        """Compare the registers and the memory with the golden ones, when nothing moves."""
        await self.source.wait()
        await ClockCycles(self.dut.clk, 60)
        for register in StreamRegister:
            await self.both(register)
        assert self.bus.words == self.expected.words
        assert self.golden.get() is None and self.sink.empty()


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.5, 0.8])
async def test_random(dut, stall):
    """In and out, beyond the end of memory, and with bytes that do not count: as golden has it."""
    around = Around(dut, stall)
    await around.start()
    for _ in range(12):
        data = random.randbytes(random.choice([1, 4, 7, 40, 90]))
        first = random.choice(
            [ACTIVATIONS, ACTIVATIONS + 40, Space.PROGRAM << SHIFT, ACTIVATIONS + 88,
             random.randrange(4 << SHIFT) & ~3])
        # What the stream may write to, nobody knows the value of before its end.
        known = first >= 1 << SHIFT and first + len(data) <= 4 << SHIFT
        await around.both(StreamRegister.INPUT_ADDRESS, first)
        await around.put(data)
        for _ in range(3):
            free = random.random() < 0.5 and around.source.idle()
            await around.both((1 << 24) + 4 * random.randrange(25) if free else
                              Register.STATUS if known else 1 << SHIFT)
        await around.source.wait()
        await ClockCycles(dut.clk, 60)
        for register in StreamRegister:
            await around.both(register)
        count = random.randrange(1, 30)
        await around.both(StreamRegister.OUTPUT_ADDRESS, random.choice(
            [ACTIVATIONS, ACTIVATIONS + 60, Space.PROGRAM << SHIFT]))
        await around.both(StreamRegister.OUTPUT_WORDS, count)
        await around.get(count)
        for register in StreamRegister:
            await around.both(register)
        await around.both(StreamRegister.STREAM_STATUS, random.randrange(4))
    await around.end()
    writes, expected = ([access for access in bus.accesses if access.write]
                        for bus in (around.bus, around.expected))
    assert writes == expected, "a word is not written once"
    assert len(around.bus.accesses) == len(around.expected.accesses)


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(before=["host", "input", "output"])
async def test_any_bytes(dut, before):
    """Any bytes of a word, to each space, there or beyond its end, behind each kind of access."""
    around = Around(dut)
    await around.start()
    for space, keep in product(MAPPED, range(16)):
        if before == "host":
            await around.both(Register.STATUS)
        elif before == "input":
            await around.both(StreamRegister.INPUT_ADDRESS, ACTIVATIONS)
            await around.put(random.randbytes(4))
            await around.source.wait()
            await ClockCycles(dut.clk, 3)
        else:
            await around.both(StreamRegister.OUTPUT_WORDS, 1)
            await around.get(1)
        await around.both(StreamRegister.INPUT_ADDRESS,
                          space << SHIFT | random.choice([8, 8, 124]))
        await around.both(StreamRegister.STREAM_STATUS, 3)
        await around.put(random.randbytes(4), [keep >> lane & 1 for lane in range(4)])
        await around.source.wait()
        await ClockCycles(dut.clk, 3)
        await around.both(StreamRegister.STREAM_STATUS)
        await around.both(StreamRegister.INPUT_ADDRESS)
    await around.end()


class Refusing(Bus):
    """Memory that cannot be reached while steps run, which they do now and then."""

    def __init__(self, dut, stall):
        super().__init__(stall)
        self.dut = dut
        self.met = False
        self.answers = []

    def __call__(self, access):
        """Refuse an access that steps have met in any of its cycles."""
        word = None if self.met or self.dut.busy.value else super().__call__(access)
        self.answers.append((access.address, word))
        return word

    async def run(self, share):
        """Let steps run in so many of the cycles."""
        dut = self.dut
        while True:
            dut.busy.value = random.random() < share
            await RisingEdge(dut.clk)
            waits = (dut.bus__read.value or dut.bus__write.value) and not dut.bus__ack.value
            self.met = bool(waits and (self.met or dut.busy.value))


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(share=[0.1, 0.4], stall=[0.1, 0.6])
async def test_meets_runs(dut, share, stall):
    """A word whose access meets a run comes again behind it; what is asked by the host does not."""
    bus = Refusing(dut, stall)
    around = Around(dut, bus=bus)
    await around.start()
    cocotb.start_soon(bus.run(share))
    for _ in range(5):
        data = random.randbytes(24)
        await around.both(StreamRegister.INPUT_ADDRESS, ACTIVATIONS + random.choice([0, 88]))
        await around.both(StreamRegister.OUTPUT_ADDRESS, ACTIVATIONS + random.choice([0, 88]))
        await around.put(data)
        await around.source.wait()
        await ClockCycles(dut.clk, 60)
        await around.both(StreamRegister.OUTPUT_WORDS, 6)
        asked = [(Register.STATUS, await around.access(Register.STATUS)) for _ in range(4)]
        assert asked == [answer for answer in bus.answers if answer[0] == Register.STATUS][-4:]
        await around.get(6)
    bus.met = False
    await around.end()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def test_each_bit(dut):
    """A word moves each address and the count by one, whatever they are."""
    around = Around(dut)
    await around.start()
    around.sink.pause = True
    for bit in range(WORD_BITS):
        for value in (1 << bit, random.getrandbits(WORD_BITS) | 1):
            await around.both(StreamRegister.OUTPUT_ADDRESS, value << 2)
            await around.both(StreamRegister.INPUT_ADDRESS, ~value << 2 & (1 << ADDRESS_BITS) - 1)
            await around.both(StreamRegister.OUTPUT_WORDS, value)
            await around.put(random.randbytes(4))
            await ClockCycles(dut.clk, 12)
            word, last = around.golden.get()
            assert dut.m_axis_tvalid.value and dut.m_axis_tlast.value == last
            assert dut.m_axis_tdata.value == word
            for register in StreamRegister:
                await around.both(register)
            await around.both(StreamRegister.OUTPUT_WORDS, 0)
            around.sink.pause = False
            await ClockCycles(dut.clk, 3)
            around.sink.pause = True
    assert around.bus.words == around.expected.words


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
        for register, bits in ((StreamRegister.INPUT_ADDRESS, ADDRESS_BITS),
                               (StreamRegister.OUTPUT_ADDRESS, ADDRESS_BITS),
                               (StreamRegister.OUTPUT_WORDS, WORD_BITS)):
            value = random.getrandbits(32)
            await around.access(register, value)
            assert await around.access(register) == value % (1 << bits)
            between = random.choice(list(StreamRegister)) + random.randrange(1, 4)
            await around.access(between, random.getrandbits(32))
            assert await around.access(between) == 0
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
            address = random.getrandbits(32)
            if address >> 4 == StreamRegister.INPUT_ADDRESS >> 4 or address == Register.CONTROL:
                continue
            value = random.choice([None, random.getrandbits(32)])
            asked.append(BusAccess(value is not None, address, random.randrange(16), value or 0))
            await around.access(address, value, asked[-1].mask)
        await around.source.wait()
        if moving:
            await around.sink.recv()
    assert [access for access in around.bus.accesses if access.address >> 24 != Space.ACTIVATIONS] \
        == [access for access in asked if access.address >> 24 != Space.ACTIVATIONS]
