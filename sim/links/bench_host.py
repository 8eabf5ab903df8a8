"""The host: golden replies and accesses, whatever comes in and however everybody waits."""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hwgen.arch.frames import EPOCHS, LARGEST, REQUEST_SYNC, Command, write_code
from hwgen.golden.links import host as golden

from .. import PERIOD_NS
from .traffic import Memory, Traffic, request

BUS = ("read", "write", "address", "mask", "w_data")
BUDGET = 60_000


class Board:
    """What surrounds the host, and what it saw.

    Parameters
    ----------
    dut
        The host.
    stall : float
        How often everybody waits.
    """

    def __init__(self, dut, stall=0.0):
        self.dut = dut
        self.stall = stall
        self.memory = Memory()
        self.cycle = 0
        self.replies = bytearray()
        self.replied = []  # the cycle of each byte
        self.sent = []
        self.offered = self.access = None  # what must be there again

    async def start(self):
        """Start the clock, reset, and start everything that answers the host."""
        dut = self.dut
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        dut.rx__valid.value = 0
        dut.tx__ready.value = 0
        dut.bus__ack.value = 0
        dut.epoch.value = 0
        await self.reset()
        cocotb.start_soon(self.count())
        cocotb.start_soon(self.listen())
        cocotb.start_soon(self.serve())

    async def reset(self):
        """Hold reset for one cycle."""
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0
        self.offered = self.access = None

    def waits(self):
        """Return whether somebody waits this time."""
        return random.random() < self.stall

    async def count(self):
        """Number the cycles."""
        while True:
            await RisingEdge(self.dut.clk)
            self.cycle += 1

    async def send(self, data):
        """Put bytes into ``rx``."""
        dut = self.dut
        for byte in data:
            while self.waits():
                dut.rx__valid.value = 0
                await RisingEdge(dut.clk)
            dut.rx__valid.value = 1
            dut.rx__payload.value = byte
            await RisingEdge(dut.clk)
            while not dut.rx__ready.value:
                await RisingEdge(dut.clk)
                assert self.cycle < BUDGET, "a byte is not taken"
            self.sent.append(self.cycle)
        dut.rx__valid.value = 0

    async def listen(self):
        """Take bytes from ``tx``, and see that each is held until it is taken."""
        dut = self.dut
        while True:
            ready = not self.waits()
            dut.tx__ready.value = ready
            await RisingEdge(dut.clk)
            offer = int(dut.tx__payload.value) if dut.tx__valid.value else None
            assert self.offered in (None, offer), "a byte was not held"
            self.offered = None if ready else offer
            if ready and offer is not None:
                self.replies.append(offer)
                self.replied.append(self.cycle)

    async def serve(self):
        """Be the memory, and see that each access is held until it is done."""
        dut = self.dut
        while True:
            await FallingEdge(dut.clk)  # the host's registers have their new values
            read, write, address, mask, data = (
                int(getattr(dut, f"bus__{name}").value) for name in BUS)
            access = None
            if read or write:
                access = golden.Access(bool(write), address, mask, data & lanes(mask) * write)
            assert not (read and write), "two accesses in one"
            assert self.access in (None, access), "an access was not held"
            done = access is not None and not self.waits()
            self.access = None if done else access
            dut.bus__ack.value = done
            if done:
                word = self.memory(access)
                dut.bus__error.value = word is None
                dut.bus__r_data.value = random.getrandbits(32) if word is None else word

    async def finish(self, replies):
        """Wait until so many bytes have come, and see that no more do."""
        while len(self.replies) < replies:
            await RisingEdge(self.dut.clk)
            assert self.cycle < BUDGET, f"{len(self.replies)} of {replies} bytes came"
        for _ in range(50):
            await RisingEdge(self.dut.clk)


def lanes(mask):
    """Return the bits of the bytes of a word that a mask means."""
    return sum(0xFF << 8 * lane for lane in range(4) if mask >> lane & 1)


async def check(board, data, *, epoch=0):
    """Send bytes, and check what comes back and what happens to the memory."""
    expected = Memory(bytearray(board.memory.data), base=board.memory.base)
    replies = golden.Host(expected, epoch).receive(data)
    board.dut.epoch.value = epoch
    board.memory.accesses.clear()
    board.replies.clear()
    await board.send(data)
    await board.finish(len(replies))
    assert board.replies == replies
    assert board.memory.accesses == expected.accesses
    assert board.memory.data == expected.data


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.7])
async def test_random(dut, stall):
    board = Board(dut, stall)
    await board.start()
    await check(board, Traffic(round(10 * stall)).bytes(3000))


@cocotb.test()
async def test_alignment(dut):
    """Every place in a word, with as much data as can be and with little."""
    board = Board(dut)
    await board.start()
    for start in range(4):
        for count in (1, 2, 3, 4, 5, LARGEST - 1, LARGEST):
            data = random.randbytes(count)
            await check(board, request(Command.WRITE, start, count, data=data)
                        + request(Command.READ, start, count))


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.8])
async def test_each_address(dut, stall):
    """Across every power of two, however late an access is done: no bit is lost, and all carry."""
    board = Board(dut, stall)
    await board.start()
    for bit in range(3, 32):
        board.memory.base = max((1 << bit) - 512, 0)
        at = (1 << bit) - random.randrange(5, 9)
        await check(board, request(Command.WRITE, at, 13, data=random.randbytes(13))
                    + request(Command.READ, at, 13))


@cocotb.test()
@cocotb.parametrize(count=[1, 4, 64, 256])
async def test_cycles(dut, count):
    """From the first byte of a request to the last of its reply."""
    board = Board(dut)
    await board.start()
    words = -(-count // 4)
    receive, check_header, send = 12, 14, 14
    for frame, cycles in (
            (request(Command.WRITE, 0, count, data=random.randbytes(count)),
             receive + check_header + count + 5 + 4 + words + send),
            (request(Command.READ, 0, count),
             receive + check_header + words + 4 + send + count + 5)):
        first = len(board.sent)
        await check(board, frame)
        assert board.replied[-1] - board.sent[first] == cycles


@cocotb.test()
async def test_false_header(dut):
    """What may be the first byte of a header holds up the wire, and nothing else."""
    board = Board(dut)
    await board.start()
    for garbage in range(14):
        await check(board, bytes([REQUEST_SYNC]) * garbage + request(Command.READ, 0, 4))


@cocotb.test()
async def test_epochs(dut):
    """A write is done in its own epoch, and in none that differs in any bit."""
    board = Board(dut, 0.2)
    await board.start()
    for epoch in [0, EPOCHS - 1, *random.sample(range(EPOCHS), 4)]:
        for bit in range(EPOCHS.bit_length()):
            other = epoch ^ (1 << bit) % EPOCHS
            frame = request(write_code(other), bit, 5, data=random.randbytes(5))
            await check(board, frame, epoch=epoch)
            assert bool(board.memory.accesses) == (other == epoch)


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    board = Board(dut)
    await board.start()
    frame = request(Command.WRITE, 1, 9, data=bytes(range(9))) + request(Command.READ, 1, 9)
    for cycles in range(1, 150, 7):
        sending = cocotb.start_soon(board.send(frame))
        for _ in range(cycles):
            await RisingEdge(dut.clk)
        sending.cancel()
        dut.rx__valid.value = 0
        await board.reset()
        await RisingEdge(dut.clk)
        await check(board, frame)
