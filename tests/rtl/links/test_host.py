# amaranth: UnusedElaboratable=no
import random
import re
from binascii import crc32
from pathlib import Path

import pytest
from amaranth import *
from amaranth.back import verilog
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hwgen.arch.frames import (
    EPOCHS,
    FLUSH,
    LARGEST,
    REPLY_SYNC,
    REQUEST_SYNC,
    Command,
    Status,
    write_code,
)
from hwgen.golden.links import host as golden
from hwgen.rtl.links.host import Host
from hwgen.runtime.simulation import SimulatedLink
from hwgen.tools.find import compiler, verilator
from sim.links.traffic import MEMORY, Memory, Traffic, request

from ...bench import simulate
from ...formal import prove
from .spec_host import HostOfReachableStates, HostSpec

simulated = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")


EPOCH_AT = MEMORY - 4
"""The word of memory whose lowest bits are the epoch, where a board has one."""


class Board(wiring.Component):
    """The host and a memory that answers at once, in whose last word the epoch may be."""

    def __init__(self, *, epochs=False):
        self.epochs = epochs
        super().__init__({"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        m.submodules.host = host = Host()
        m.submodules.memory = cells = memory.Memory(shape=32, depth=MEMORY // 4, init=[])
        store = cells.write_port(granularity=8)
        load = cells.read_port(domain="comb")
        wiring.connect(m, wiring.flipped(self.rx), host.rx)
        wiring.connect(m, wiring.flipped(self.tx), host.tx)
        m.d.comb += [
            store.addr.eq(host.bus.address[2:]),
            load.addr.eq(host.bus.address[2:]),
            store.data.eq(host.bus.w_data),
            host.bus.r_data.eq(load.data),
            host.bus.ack.eq(1),
            host.bus.error.eq(host.bus.address >= MEMORY),
        ]
        with m.If(host.bus.write & ~host.bus.error):
            m.d.comb += store.en.eq(host.bus.mask)
            if self.epochs:
                with m.If((host.bus.address == EPOCH_AT) & host.bus.mask[0]):
                    m.d.sync += host.epoch.eq(host.bus.w_data)
        return m


def board(**options):
    """Return the Verilog of a board."""
    return verilog.convert(Board(**options), name="top", emit_src=False, strip_internal_attrs=True)


def serve(data, memory=None):
    """Return what the golden host answers, and the memory afterwards."""
    memory = memory or Memory()
    return golden.Host(memory).receive(data), memory


def sealed(head):
    return head + crc32(head).to_bytes(4, "little")


def test_model():
    """Frames put together by hand, as docs/protocol.md has them."""
    write, data = bytes.fromhex("a5 02 07 02 0c 00 00 01"), b"abc"
    done = bytes.fromhex("5a 00 07 02 0c 00 00 01")
    check = crc32(write + data).to_bytes(4, "little")
    accesses = []

    def bus(access):
        accesses.append((access.write, access.address, access.mask, access.data))
        return 0x44332211

    host = golden.Host(bus)
    assert host.receive(sealed(write) + data + check) == sealed(done)
    assert accesses == [(True, 0x0100000C, 0b0111, 0x00636261)]
    read = bytes.fromhex("a5 01 08 01 01 00 00 00")
    reply = bytes.fromhex("5a 01 08 01 01 00 00 00")
    check = crc32(reply + b"\x22\x33").to_bytes(4, "little")
    assert host.receive(sealed(read)) == sealed(reply) + b"\x22\x33" + check


def test_example():
    """That of docs/protocol.md."""
    text = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
    lines = re.findall(r"^([<>]) ([0-9a-f ]+)$", text, re.MULTILINE)
    sent, answered = (b"".join(bytes.fromhex(line) for way, line in lines if way == wanted)
                      for wanted in "><")
    assert len(lines) == 4
    assert golden.Host(lambda access: 0x44332211).receive(sent) == answered


@pytest.mark.parametrize("start", range(4))
def test_model_memory(start):
    """What was written is read, and nothing beside it has changed."""
    data = random.Random(start).randbytes(LARGEST)
    for count in (1, 2, 3, 4, 5, 255, 256):
        replies, memory = serve(request(Command.WRITE, 8 + start, count, data=data[:count])
                                + request(Command.READ, 8 + start, count))
        assert replies[1] == Status.DONE
        assert replies[24:-4] == data[:count]
        assert memory.data == bytes(8 + start) + data[:count] + bytes(MEMORY - 8 - start - count)


@pytest.mark.parametrize("place", range(12 + 8 + 4))
def test_damage_writes_nothing(place):
    frame = bytearray(request(Command.WRITE, 0, 8, data=b"12345678"))
    for bit in range(8):
        frame[place] ^= 1 << bit
        replies, memory = serve(bytes(frame) + FLUSH)
        assert not memory.accesses
        assert replies == b"" or replies[1] == Status.DAMAGED
        frame[place] ^= 1 << bit


@pytest.mark.parametrize("address, count, status", [
    (MEMORY - 4, 4, Status.DATA), (MEMORY - 4, 5, Status.REFUSED), (MEMORY, 1, Status.REFUSED),
    (0xFFFFFFFF, 1, Status.REFUSED),
])
def test_model_refuses(address, count, status):
    replies, _ = serve(request(Command.READ, address, count))
    assert replies[1] == status


def test_model_unknown():
    replies, _ = serve(request(3, 0, 1))
    assert replies[1] == Status.UNKNOWN and len(replies) == 12


@pytest.mark.parametrize("size", range(0, 272, 7))
def test_flush(size):
    """Whatever came before, after the idle bytes a request is served."""
    rng = random.Random(size)
    read = request(Command.READ, 0, 4, tag=99)
    cut = request(Command.WRITE, 0, LARGEST, data=rng.randbytes(LARGEST))[:size]
    for garbage in (cut, rng.randbytes(size), cut + bytes([REQUEST_SYNC])):
        replies, _ = serve(garbage + FLUSH + read)
        assert replies.endswith(serve(read)[0])


@pytest.mark.parametrize("size", range(12))
def test_header_is_never_hidden(size):
    """The start of a header before a request takes none of it."""
    read = request(Command.READ, 0, 4)
    for start in (read[:size], bytes([REQUEST_SYNC]) * size):
        replies, _ = serve(start + read)
        assert replies == serve(read)[0]


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_matches_model(stall):
    """In Python's simulator; the bench has more."""
    dut, rng = Host(), random.Random(1)
    data = Traffic(int(10 * stall)).bytes(1200)
    replies, expected = serve(data)
    found, answers = Memory(), bytearray()

    def waits():
        return rng.random() < stall

    async def sender(ctx):
        for byte in data:
            while waits():
                await ctx.tick()
            ctx.set(dut.rx.payload, byte)
            ctx.set(dut.rx.valid, 1)
            await ctx.tick().until(dut.rx.ready)
            ctx.set(dut.rx.valid, 0)

    async def listener(ctx):
        while len(answers) < len(replies):
            ctx.set(dut.tx.ready, not waits())
            _, _, taken, byte = await ctx.tick().sample(dut.tx.valid & dut.tx.ready,
                                                        dut.tx.payload)
            answers.extend([byte] * taken)

    async def server(ctx):
        while True:
            wants = ctx.get(dut.bus.read | dut.bus.write) and not waits()
            ctx.set(dut.bus.ack, wants)
            if wants:
                access = accessed(ctx, dut.bus)
                word = found(access)
                ctx.set(dut.bus.error, word is None)
                ctx.set(dut.bus.r_data, word or 0)
            await ctx.tick()

    simulate(dut, sender, listener, background=[server], budget=60_000)
    assert answers == replies
    assert found.accesses == expected.accesses


def accessed(ctx, bus):
    """Return the access on the bus."""
    mask, write = ctx.get(bus.mask), ctx.get(bus.write)
    data = sum(0xFF << 8 * lane for lane in range(4) if mask >> lane & write)
    return golden.BusAccess(bool(write), ctx.get(bus.address), mask, ctx.get(bus.w_data) & data)


class Epochs:
    """The memory, in whose last word the epoch of a golden host is."""

    def __init__(self):
        self.memory = Memory()
        self.host = golden.Host(self)

    def __call__(self, access):
        word = self.memory(access)
        if access.write and access.address == EPOCH_AT and access.mask & 1:
            self.host.epoch = word % EPOCHS
        return word


def test_model_epochs():
    """A write that begins another epoch is done once, however often it comes."""
    bus = Epochs()
    frame = request(write_code(0), EPOCH_AT, 4, data=(5).to_bytes(4, "little"))
    replies = bus.host.receive(frame * 3)
    assert [replies[place] for place in (1, 13, 25)] == [Status.DONE, Status.STALE, Status.STALE]
    assert len(bus.memory.accesses) == 1
    read = bus.host.receive(request(Command.READ, EPOCH_AT, 1))
    assert read[1] == Status.DATA and read[12] == 5


@simulated
def test_every_epoch():
    """Writes of all epochs in each of them: what is done is what the model does, and no more."""
    bus, rng = Epochs(), random.Random(3)
    frames, at = [], 0
    for present in rng.sample(range(EPOCHS), EPOCHS):
        frames.append(request(write_code(at), EPOCH_AT, 4, data=present.to_bytes(4, "little")))
        at = present
        frames += [request(write_code(epoch), 4 * epoch, 1, tag=present,
                           data=bytes([rng.randrange(256)])) for epoch in range(EPOCHS)]
    frames.append(request(Command.READ, 0, LARGEST))
    data = b"".join(frames)
    replies = bus.host.receive(data)
    assert replies.count(bytes([REPLY_SYNC, Status.STALE])) >= EPOCHS * (EPOCHS - 1)
    with SimulatedLink(board(epochs=True)) as link:
        link.write(data)
        assert link.read(len(replies), 1000) == replies


def test_bench(tmp_path):
    """That of one whose buffer is near; :mod:`tests.sim.test_any_unit` has the other one."""
    regression = pytest.importorskip("sim.regression")
    regression.simulate_unit("host", tmp_path, near=True).check()


@simulated
@pytest.mark.parametrize("kind", ["random", "likely"])
@pytest.mark.parametrize("size", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_fuzz(size, kind):
    """Bytes at random, or such as are likely to be misunderstood: always what the model does."""
    rng = random.Random(size)
    data = {"random": rng.randbytes(size), "likely": Traffic(size).bytes(size, damage=0.7)}[kind]
    data += FLUSH + request(Command.READ, 0, 4) + b"".join(
        request(Command.READ, place, LARGEST) for place in range(0, MEMORY, LARGEST))
    replies, _ = serve(data)
    with SimulatedLink(board()) as link:
        link.write(data)
        assert link.read(len(replies), 1000) == replies
        assert link.read(1, 1000) == b""


@pytest.mark.formal
def test_contract(tmp_path):
    """What is offered is held until it is taken: always, whatever comes in."""
    prove(HostSpec(HostOfReachableStates()), tmp_path, depth=4, always=True)
