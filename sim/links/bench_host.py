"""The host: golden bytes and accesses, each in its cycle, whatever comes in and whoever waits."""

import random
from collections import deque

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.arch.frames import (
    CRC_SIZE,
    EPOCH_BITS,
    EPOCH_LOW,
    EPOCHS,
    HEAD_SIZE,
    HEADER_SIZE,
    LARGEST,
    REQUEST_SYNC,
    Command,
    write_code,
)
from hwgen.golden.links import host as golden

from .. import PERIOD_NS
from ..units import unit_under_test
from .traffic import Memory, Traffic, request

CHECK = 14
"""Cycles that what may be a header takes."""

FETCH = 2 if unit_under_test("host").near else 3
"""Cycles until the first data come from the buffer."""

JUNK = 0.3
"""How often an input that counts for nothing changes."""

PINS = ("rx__valid", "rx__payload", "rx__ready", "tx__valid", "tx__payload", "tx__ready",
        "bus__read", "bus__write", "bus__address", "bus__mask", "bus__w_data", "bus__r_data",
        "bus__ack", "bus__error", "epoch")

LINES = ("rx", "tx", "bus")
"""Where somebody may wait."""


class Timed:
    """The golden host, and what its ports show in each cycle.

    Parameters
    ----------
    bus : hwgen.golden.links.host.Bus
        Where memory is.
    epoch : int
        The present one.
    choose : function
        Returns the epoch that there is after a write that is done, of the present one.

    Members
    -------
    ready : bool
        Whether a byte is taken.
    offer : int or None
        The byte that is given.
    access, answer : BusAccess or None, int or None
        What is on the bus, and what it will give.
    idle : bool
        Whether it waits for a request, and for nobody to take a byte.
    """

    def __init__(self, bus, epoch=0, choose=lambda epoch: epoch):
        self.bus, self.epoch, self.choose = bus, epoch, choose
        self.host = golden.Host(self.ask, epoch)
        self.asked = []  # accesses, what they give, and the epoch after each
        self.offer = self.access = self.answer = None
        self.idle = True
        self.states = self.live()
        self.ready = next(self.states)

    def ask(self, access):
        """Be the memory of the golden host, which asks for a request's words all at once."""
        word = self.bus(access)
        if access.write and word is not None:
            self.host.epoch = self.choose(self.host.epoch)
        self.asked.append((access, word, self.host.epoch))
        return word

    def step(self, byte, taken, done):
        """Let a cycle pass: a byte may come, what is offered be taken, the access be done."""
        self.byte, self.done = byte, done
        self.space = self.offer is None or taken
        if taken:
            self.offer = None
        self.ready = next(self.states)

    def live(self):
        """Yield in each cycle whether a byte is taken."""
        window = deque(bytes(HEADER_SIZE), HEADER_SIZE)
        while True:
            self.idle = self.offer is None
            yield self.offer is None
            if self.byte is None:
                continue
            self.idle = False
            reply = self.take(window)
            if window[0] != REQUEST_SYNC:
                continue
            yield from [False] * CHECK
            if self.host.request:
                reply = yield from self.receive(self.host.request.count)
            if reply:
                window.extend(bytes(HEADER_SIZE))
                yield from self.serve(reply)

    def take(self, window):
        """Give the golden host the byte that has come, and return its reply."""
        window.append(self.byte)
        return self.host.receive(bytes([self.byte]))

    def receive(self, count):
        """Take data, and their CRC once their last byte is in it; return the reply."""
        for place in range(count + CRC_SIZE):
            if place == count:
                yield False
            yield True
            while self.byte is None:
                yield True
            reply = self.host.receive(bytes([self.byte]))
        yield False
        return reply

    def serve(self, reply):
        """Do the accesses, and send a reply, each of whose CRCs comes a cycle late."""
        writes = any(access.write for access, *_ in self.asked)
        if writes:
            yield from [False] * FETCH
        for access, answer, epoch in self.asked:
            self.access, self.answer = access, answer
            yield False
            while not self.done:
                yield False
            self.epoch = epoch
        self.access = None
        self.asked.clear()
        if len(reply) > HEADER_SIZE:
            yield from [False] * (1 + FETCH)
        for place, byte in enumerate(reply):
            if place in (HEAD_SIZE, len(reply) - CRC_SIZE):
                yield False
            yield False
            while not self.space:
                yield False
            self.offer = byte


class Board:
    """What surrounds the host, and holds it to a :class:`Timed` in every cycle.

    What counts for nothing is anything: a byte that is not offered, the word and the error of an
    access that is not done, and whether what is not on the bus is done.

    Parameters
    ----------
    dut
        The host.
    bus
        Where memory is; by default a :class:`Memory`.
    choose
        As that of :class:`Timed`.
    """

    def __init__(self, dut, stall=0.0, bus=None, choose=lambda epoch: epoch):
        self.dut = dut
        self.pins = {name: getattr(dut, name) for name in PINS}
        self.bus, self.choose = bus or Memory(), choose
        self.stall = dict.fromkeys(LINES, stall)
        """How often each of the others waits."""
        self.inputs = {}  # what was put there last
        self.cycle = 0
        self.queue = deque()  # bytes to send
        self.offered = False
        self.took, self.gave = [], []  # the cycle of each byte
        self.model = Timed(self.bus)

    async def start(self):
        """Start the clock, and reset."""
        Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        self.dut.rst.value = 1
        self.drive()
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    def waits(self, line):
        """Return whether somebody waits this time."""
        return random.random() < self.stall[line]

    def drive(self):
        """Put values at all inputs; return whether a byte is offered, taken, an access done."""
        model = self.model
        self.offered = bool(self.queue) and (self.offered or not self.waits("rx"))
        taken, done = not self.waits("tx"), not self.waits("bus")
        counts = done and model.access is not None
        self.put(rx__valid=self.offered, tx__ready=taken, bus__ack=done, epoch=model.epoch)
        if self.offered:
            self.put(rx__payload=self.queue[0])
        elif random.random() < JUNK:
            self.put(rx__payload=random.getrandbits(8))
        if counts:
            self.put(bus__error=model.answer is None)
        elif random.random() < JUNK:
            self.put(bus__error=random.getrandbits(1))
        if counts and model.answer is not None:
            self.put(bus__r_data=model.answer)
        elif counts or random.random() < JUNK:
            self.put(bus__r_data=random.getrandbits(32))
        return self.offered, taken, counts

    def put(self, **values):
        """Put values at inputs, where they are not there."""
        for name, value in values.items():
            if self.inputs.get(name) != value:
                self.inputs[name] = value
                self.pins[name].value = value

    def compare(self):
        """Hold the outputs to those of the model."""
        pins, model = self.pins, self.model
        assert bool(pins["rx__ready"].value) == model.ready, "rx.ready"
        offer = pins["tx__payload"].value.to_unsigned() if pins["tx__valid"].value else None
        assert offer == model.offer, "tx"
        write, read, access = bool(pins["bus__write"].value), bool(pins["bus__read"].value), None
        if write or read:
            assert not (write and read), "two accesses in one"
            address, mask, data = (pins[f"bus__{name}"].value.to_unsigned()
                                   for name in ("address", "mask", "w_data"))
            access = golden.BusAccess(write, address, mask, data & lanes(mask) * write)
        assert access == model.access, "bus"

    async def run(self, cycles=1):
        """Let cycles pass."""
        for _ in range(cycles):
            offered, taken, done = self.drive()
            await RisingEdge(self.dut.clk)
            self.compare()
            byte = None
            if offered and self.model.ready:
                byte, self.offered = self.queue.popleft(), False
                self.took.append(self.cycle)
            if taken and self.model.offer is not None:
                self.gave.append(self.cycle)
            self.model.step(byte, taken, done)
            self.cycle += 1

    async def reset(self):
        """Hold reset for one cycle, with whatever is at the inputs; what is to be sent is gone."""
        self.dut.rst.value = 1
        self.drive()
        await RisingEdge(self.dut.clk)
        self.compare()
        self.dut.rst.value = 0
        self.queue.clear()
        self.offered = False
        self.model = Timed(self.bus, self.model.epoch, self.choose)

    async def check(self, data, *, epoch=None):
        """Send bytes, until the host waits for more."""
        if epoch is not None:
            self.model.epoch = self.model.host.epoch = epoch
        self.queue.extend(data)
        while self.queue or not self.model.idle:
            await self.run()
        await self.run(3)


def lanes(mask):
    """Return the bits of the bytes of a word that a mask means."""
    return sum(0xFF << 8 * lane for lane in range(4) if mask >> lane & 1)


def anything(access):
    """Be a memory that is everywhere, and at times nowhere."""
    return None if random.random() < 0.02 else random.getrandbits(32)


def any_epoch(epoch):
    """Return the epoch after a write, which is often another one, by one bit or by any."""
    return random.choice([epoch, epoch, epoch ^ 1 << random.randrange(EPOCH_BITS),
                          random.randrange(EPOCHS)])


def write(address, count, *, epoch=0, tag=0):
    """Return a request to write random data."""
    return request(write_code(epoch), address, count, tag=tag, data=random.randbytes(count))


def any_request(epoch, longest):
    """Return a request for anything anywhere."""
    address, count = random.getrandbits(32), random.randint(1, longest)
    tag = random.randrange(256)
    if random.random() < 0.6:
        return write(address, count, epoch=epoch, tag=tag)
    return request(Command.READ, address, count, tag=tag)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3, 0.7])
async def test_random(dut, stall):
    board = Board(dut, stall)
    await board.start()
    await board.check(Traffic(round(10 * stall)).bytes(3000))


@cocotb.test()
async def test_anything(dut):
    """Every request, address and epoch, with errors anywhere, while each waits as it likes."""
    board = Board(dut, bus=anything, choose=any_epoch)
    await board.start()
    for _ in range(120):
        board.stall = {line: random.choice([0, 0, 0.5, 0.8]) for line in LINES}
        epoch = board.model.epoch ^ random.choice([0, 0, 0, 1 << random.randrange(EPOCH_BITS)])
        await board.check(any_request(epoch, random.choice([4, 12, 40])))


@cocotb.test()
async def test_alignment(dut):
    """Every place in a word, with as much data as can be and with little."""
    board = Board(dut)
    await board.start()
    for start in range(4):
        for count in (*range(1, 10), LARGEST - 1, LARGEST):
            await board.check(write(start, count) + request(Command.READ, start, count))


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.8])
async def test_each_address(dut, stall):
    """Across every power of two, however late an access is done: no bit is lost, and all carry."""
    board = Board(dut, stall)
    await board.start()
    for bit in range(3, 32):
        board.bus.base = max((1 << bit) - 512, 0)
        at = (1 << bit) - random.randrange(5, 9)
        await board.check(write(at, 13) + request(Command.READ, at, 13))


@cocotb.test()
@cocotb.parametrize(count=[1, 4, 64, 256])
async def test_cycles(dut, count):
    """From the first byte of a request to the last of its reply."""
    board = Board(dut)
    await board.start()
    words = -(-count // 4)
    receive, check_header, send = 12, 14, 14
    for frame, cycles in (
            (write(0, count), receive + check_header + count + 5 + 1 + FETCH + words + send),
            (request(Command.READ, 0, count),
             receive + check_header + words + 1 + FETCH + send + count + 5)):
        first = len(board.took)
        await board.check(frame)
        assert board.gave[-1] - board.took[first] + 1 == cycles


@cocotb.test()
async def test_false_header(dut):
    """What may be the first byte of a header holds up the wire, and nothing else."""
    board = Board(dut)
    await board.start()
    for garbage in range(14):
        await board.check(bytes([REQUEST_SYNC]) * garbage + request(Command.READ, 0, 4))


@cocotb.test()
async def test_each_bit_wrong(dut):
    """A write and a read, each bit of which is wrong once: nothing is done."""
    board = Board(dut)
    await board.start()
    for frame in (write(1, 2), request(Command.READ, 1, 2)):
        for bit in range(8 * len(frame)):
            wrong = int.from_bytes(frame, "little") ^ 1 << bit
            await board.check(wrong.to_bytes(len(frame), "little"))
            assert not board.bus.accesses
        await board.check(frame)
        board.bus.accesses.clear()


@cocotb.test()
async def test_codes(dut):
    """Every command in every epoch."""
    board = Board(dut)
    await board.start()
    for code in random.sample(range(256), 256):
        data = random.randbytes(3) if code % (1 << EPOCH_LOW) == Command.WRITE else None
        await board.check(request(code, code, 3, data=data), epoch=code >> EPOCH_LOW)


@cocotb.test()
async def test_epochs(dut):
    """A write is done in its own epoch, and in none that differs in any bit."""
    board = Board(dut, 0.2)
    await board.start()
    for epoch in [0, EPOCHS - 1, *random.sample(range(EPOCHS), 6)]:
        for bit in range(EPOCHS.bit_length()):
            other = epoch ^ (1 << bit) % EPOCHS
            board.bus.accesses.clear()
            await board.check(write(bit, 5, epoch=other), epoch=epoch)
            assert bool(board.bus.accesses) == (other == epoch)


@cocotb.test()
async def test_reset(dut):
    """A reset of one cycle in the middle of everything leaves nothing behind."""
    board = Board(dut)
    await board.start()
    frame = request(Command.WRITE, 1, 9, data=bytes(range(9))) + request(Command.READ, 1, 9)
    for cycles in range(1, 150, 7):
        board.queue.extend(frame)
        await board.run(cycles)
        await board.reset()
        await board.check(frame)


@cocotb.test()
async def test_any_reset(dut):
    """Resets whenever, of which some are in a row."""
    board = Board(dut, bus=anything, choose=any_epoch)
    await board.start()
    for _ in range(250):
        board.stall = {line: random.choice([0, 0, 0.5, 0.8]) for line in LINES}
        for _ in range(2):
            board.queue.extend(any_request(board.model.epoch, 12))
        await board.run(random.choice([0, random.randrange(100)]))
        await board.reset()
