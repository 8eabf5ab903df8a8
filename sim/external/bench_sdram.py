"""The controller of a memory chip: every pin as the golden model has it, in every cycle."""

import random

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.arch.sdram import BURST, CAPTURES, CAS_LATENCY
from hwgen.arch.sdram import SdramCommand as Command
from hwgen.golden.external.sdram import Sdram

from .. import PERIOD_NS
from ..cycles import LONG, pass_cycles
from ..units import unit_under_test

UNIT = unit_under_test("sdram")
SIZES = {name: getattr(UNIT, name) for name in (
    "width", "words", "row_bits", "column_bits", "activate", "precharge", "refresh", "recovery",
    "mode", "refresh_every", "power_up")}
REQUEST = UNIT.request.p.shape()
PAGES = 1 << UNIT.page_bits
COUNT = max(6, min(60, 12000 // UNIT.words))
"""Requests of a test."""
MEANT = {Command.ACTIVATE: (3, -1), Command.READ: (3, -1), Command.WRITE: (3, -1),
         Command.PRECHARGE: (0, 1 << 10), Command.MODE: (3, -1), Command.REFRESH: (0, 0)}
"""The bits of bank and address that count, of each command: PRECHARGE is of all banks."""


class Bench:
    """The controller, its golden model, and a chip that knows no time.

    Members
    -------
    cycle : int
        Since the reset.
    given, driven, taken, come : list of tuple
        What was seen, in which cycle: commands, words for the chip, takes of words, words.
    """

    def __init__(self, dut, capture=0):
        self.dut = dut
        self.capture = capture
        self.rng = np.random.default_rng(random.getrandbits(32))

    async def begin(self, clock=True):
        """Reset, and let most of a long pause at power-up pass, but for its first cycles."""
        dut = self.dut
        if clock:
            Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        self.golden = Sdram(**SIZES, capture=self.capture)
        self.given, self.driven, self.taken, self.come = [], [], [], []
        self.expected = [], [], []
        self.offered, self.on_bus = {}, {}  # words, by the cycle
        self.chip, self.rows, self.written = {}, {}, None
        self.cycle = 0
        self.wanted = None  # the request that is there
        dut.restart.value = 0
        dut.capture.value = self.capture
        dut.rst.value = 1
        await RisingEdge(dut.clk)
        dut.rst.value = 0
        for _ in range(3):
            await self.tick()
        passed = max(0, UNIT.power_up - LONG)
        await pass_cycles(dut, passed)
        self.cycle += passed

    def word(self):
        """Return any word."""
        return random.getrandbits(UNIT.width)

    async def tick(self):
        """Let a cycle pass; return whether a request could be taken in it, and whether it is idle.

        Note what else is to be seen of it.
        """
        dut = self.dut
        for port, words in ((dut.i, self.offered), (dut.dq_i, self.on_bus)):
            port.value = words.pop(self.cycle) if self.cycle in words else self.word()
        dut.request__valid.value = self.wanted is not None
        dut.request__payload.value = random.getrandbits(len(dut.request__payload)) \
            if self.wanted is None else REQUEST.const(self.wanted).as_bits()
        await RisingEdge(dut.clk)
        command = Command(sum(int(pin.value) << place for place, pin in enumerate(
            (dut.ras_n, dut.cas_n, dut.we_n))))
        if command is not Command.NONE:
            self.see(command, int(dut.bank.value), int(dut.address.value))
        if dut.dq_oe.value == 1:
            self.driven.append((self.cycle, int(dut.dq_o.value)))
            self.chip[self.written] = int(dut.dq_o.value)
            self.written = self.written and (*self.written[:2], self.written[2] + 1)
        if dut.i_take.value == 1:
            self.taken.append(self.cycle)
        if dut.o_valid.value == 1:
            self.come.append((self.cycle, int(dut.o.value)))
        assert dut.dqm.value == (len(self.given) < 10), "dqm"
        self.cycle += 1
        return dut.request__ready.value == 1, dut.idle.value == 1

    def see(self, command, bank, address):
        """Be the chip: take a command, and have the words of a READ on the bus in their cycles."""
        banks, bits = MEANT[command]
        self.given.append((self.cycle, command, bank & banks, address & bits))
        if command is Command.ACTIVATE:
            self.rows[bank] = address
        elif command is Command.WRITE:
            self.written = bank, self.rows[bank], address
        elif command is Command.READ:
            for number in range(BURST):
                self.on_bus[self.cycle + CAS_LATENCY + self.capture + number] = self.chip.get(
                    (bank, self.rows[bank], address + number), 0)

    def now(self):
        """Return what :meth:`tick` is to find in this cycle, if nothing is requested before it."""
        return self.golden.free_from(self.cycle) == self.cycle, self.golden.idle(self.cycle)

    async def wait(self, cycles):
        """Request nothing for so many cycles; where nothing can happen, many pass at once."""
        until = self.cycle + cycles
        while self.cycle < until:
            expected = self.now()
            passed = min(self.golden.due, until) - self.cycle - LONG
            if all(expected) and passed > LONG:
                await pass_cycles(self.dut, passed)
                self.cycle += passed
            assert await self.tick() == expected, f"cycle {self.cycle - 1}"

    async def request(self, page, words=None):
        """Request a page, to be read unless there are words for it; see it taken in its cycle."""
        golden = self.golden
        idle = golden.idle(golden.free_from(self.cycle))
        taken, first, held = golden.request(page, words, at=self.cycle)
        timed = [(first + number, int(word)) for number, word in enumerate(held)]
        if words is None:
            self.expected[2].extend(timed)
        else:
            self.offered.update(timed)
            self.expected[1].extend(cycle for cycle, _ in timed)
            self.expected[0].extend((cycle + 1, word) for cycle, word in timed)
        self.wanted = {"page": page, "write": words is not None}
        while self.cycle < taken:
            assert await self.tick() == (False, False), f"cycle {self.cycle - 1}"
        assert await self.tick() == (True, idle), f"cycle {self.cycle - 1}"
        self.wanted = None

    async def restart(self):
        """Ask for a restart until there is one; no request is taken meanwhile."""
        when = self.golden.restart(at=self.cycle)
        self.dut.restart.value = 1
        while self.cycle < when:
            assert await self.tick() == (False, False), f"cycle {self.cycle - 1}"
        assert await self.tick() == (False, True), f"cycle {self.cycle - 1}"
        self.dut.restart.value = 0

    async def check(self):
        """Wait until all is done, and compare what was seen with the golden model."""
        await self.wait(UNIT.interval + UNIT.recovery + 30)
        assert (self.driven, self.taken, self.come) == self.expected
        assert self.given == [
            (given.cycle, given.command, *(found & bits for found, bits in zip(
                (given.bank, given.address), MEANT[given.command], strict=True)))
            for given in self.golden.commands(self.cycle)]

    async def any_requests(self, count):
        """Request any pages, written ones more often, with pauses of all lengths."""
        for _ in range(count):
            await self.wait(random.choice([0, 0, 0, random.randrange(UNIT.interval + 20),
                                           random.randrange(3 * UNIT.refresh_every)]))
            known = [*self.golden.contents]
            if random.random() < 0.1:
                await self.restart()
            elif known and random.random() < 0.6:
                await self.request(random.choice(known))
            else:
                page = random.choice([0, PAGES - 1, random.randrange(PAGES), *known[-1:]])
                await self.request(page, self.words())

    def words(self):
        """Return the words of any page."""
        return np.array([self.word() for _ in range(UNIT.words)], object)


@cocotb.test()
@cocotb.parametrize(capture=[0, CAPTURES - 1])
async def test_pages(dut, capture):
    """Pages written and read in any order, and refreshes between them."""
    bench = Bench(dut, capture)
    await bench.begin()
    await bench.any_requests(COUNT)
    await bench.check()


@cocotb.test()
async def test_without_a_pause(dut):
    """Requests that wait for one another; each page lies where no other one does."""
    bench = Bench(dut, random.randrange(CAPTURES))
    await bench.begin()
    bits = [0, *(1 << bit for bit in range(UNIT.page_bits))]
    for page in bits[:COUNT]:
        await bench.request(page, bench.words())
    for page in bits[:COUNT]:
        await bench.request(page)
    await bench.check()


@cocotb.test()
async def test_restart(dut):
    """What follows a restart takes the same cycles, whenever it comes."""
    bench = Bench(dut)
    await bench.begin()
    await bench.request(0, bench.words())
    found = set()
    for _ in range(4):
        await bench.wait(random.randrange(2 * UNIT.refresh_every))
        await bench.restart()
        begun = bench.cycle
        for page in (0, 0, 0):
            await bench.request(page)
        found.add(bench.cycle - begun)
    assert len(found) == 1
    await bench.check()


@cocotb.test()
async def test_reset(dut):
    """A reset in the middle of anything leaves nothing behind: power-up begins again."""
    bench = Bench(dut)
    await bench.begin()
    for _ in range(6):
        for _ in range(random.randrange(3)):
            await bench.request(random.randrange(PAGES), bench.words())
        await bench.wait(random.randrange(UNIT.interval))
        await bench.begin(clock=False)
    await bench.any_requests(3)
    await bench.check()


@cocotb.test()
async def test_restart_goes_before_requests(dut):
    """Together with a restart that does not count, as words are still to come, none is taken."""
    bench = Bench(dut)
    await bench.begin()
    await bench.request(0, bench.words())
    await bench.restart()
    await bench.request(0)
    await bench.wait(UNIT.interval - 1)
    bench.wanted = {"page": 0, "write": 1}
    when = bench.golden.restart(at=bench.cycle)
    dut.restart.value = 1
    while bench.cycle < when:
        assert await bench.tick() == (False, False)
    assert await bench.tick() == (False, True)
    dut.restart.value, bench.wanted = 0, None
    await bench.check()
