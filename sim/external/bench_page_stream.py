"""The stream of pages: steps begin, pages are asked for and words written as the golden model says.

The bench is the memory, in the cycles of the golden model of its controller.
"""

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from hwgen.golden.external.page_stream import PageStream
from hwgen.golden.external.page_stream import RingStep as Step
from hwgen.golden.external.sdram import Sdram

from .. import PERIOD_NS
from ..units import unit_under_test
from .streams import Asked, any_run

UNIT = unit_under_test("page_stream")
WRITE = UNIT.write.shape()
CONTROLLER = {"width": UNIT.width, "words": UNIT.words, "row_bits": 4, "column_bits": 10,
              "activate": 2, "precharge": 2, "refresh": 3, "recovery": 1, "mode": 1,
              "refresh_every": 2 * UNIT.words + 7, "power_up": 1}
PAGES = min(1 << UNIT.page_bits, 12)
RUNS = max(2, min(12, 3000 // UNIT.words))


class Bench:
    """The stream and its memory.

    Members
    -------
    taken, written : list
        The cycles in which pages were taken, and words were written, with address and data.
    given : list
        What should be written.
    """

    def __init__(self, dut):
        self.dut = dut

    async def begin(self, clock=True):
        """Reset."""
        dut = self.dut
        if clock:
            Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        self.memory = Sdram(**CONTROLLER)
        self.golden = PageStream(Sdram(**CONTROLLER), ratio=UNIT.ratio, ring=UNIT.ring)
        self.cycle, self.words, self.first = 0, {}, 0
        self.taken, self.written, self.given = [], [], []
        for name in ("start", "stop", "following", "request__ready", "i_valid"):
            getattr(dut, name).value = 0
        dut.rst.value = 1
        await RisingEdge(dut.clk)
        dut.rst.value = 0

    async def tick(self, strobe="", **inputs):
        """Let a cycle pass, in which the memory does what is due; return ``there``."""
        dut = self.dut
        for name in ("start", "stop", "following"):
            getattr(dut, name).value = name == strobe
        for name in ("first", "pages", "brings", "releases"):
            port = getattr(dut, name)
            port.value = inputs[name] if name in inputs else random.getrandbits(len(port))
        word = self.words.pop(self.cycle, None)
        dut.i_valid.value = word is not None
        dut.i.value = random.getrandbits(UNIT.width) if word is None else word
        ready = strobe != "start" and self.memory.free_from(self.cycle) == self.cycle
        dut.request__ready.value = ready
        await RisingEdge(dut.clk)
        if ready and dut.request__valid.value == 1:
            self.give(UNIT.request.p.shape().from_bits(int(dut.request__payload.value)))
        written = WRITE.from_bits(int(dut.write.value))
        if written.enable:
            self.written.append((self.cycle, written.address, written.data))
        self.cycle += 1
        return dut.there.value == 1

    def give(self, request):
        """Take a page, and let its words come when they do."""
        assert not request.write and request.page == self.first + len(self.taken)
        self.taken.append(self.cycle)
        cycle = self.memory.request(request.page, at=self.cycle).first
        for _ in range(UNIT.words // UNIT.ratio):
            word = 0
            for part in range(UNIT.ratio):
                self.words[cycle] = random.getrandbits(UNIT.width)
                word |= self.words[cycle] << part * UNIT.width
                cycle += 1
            self.given.append((cycle, len(self.given) % UNIT.ring, word))

    async def run(self, asked):
        """Play a run, each of whose steps begins as predicted, and stop it."""
        self.first, self.taken, self.written, self.given = asked.first, [], [], []
        expected = self.golden.run(*asked[1:], at=self.cycle + asked.pause)
        while self.cycle < expected.started:
            await self.tick()
        assert self.memory.restart(at=self.cycle) == self.cycle
        await self.tick("start", first=asked.first, pages=asked.pages, brings=asked.steps[0].brings)
        for number, (step, begins) in enumerate(zip(asked.steps, expected.begins, strict=True)):
            while self.cycle < begins:
                assert not await self.tick(), f"step {number} began in cycle {self.cycle - 1}"
            following = asked.steps[number + 1:number + 2]
            for left in range(step.cycles, 0, -1):
                there = await self.tick(*["following"] * (left == 1), releases=step.releases,
                                        brings=following[0].brings if following else 0)
                assert there, f"step {number}: its words are not there"
        assert self.cycle == expected.ends + 1
        await self.tick("stop")
        while self.words:
            await self.tick()
        for _ in range(3):
            await self.tick()
        assert self.taken == expected.pages and self.written == self.given


@cocotb.test()
async def test_runs(dut):
    """Steps of all kinds, one run after the other."""
    bench = Bench(dut)
    await bench.begin()
    rng = random.Random(random.getrandbits(32))
    for _ in range(RUNS):
        asked = any_run(rng, UNIT.ring, UNIT.page, PAGES)
        await bench.run(asked._replace(pause=asked.pause % (3 * UNIT.words)))


@cocotb.test()
async def test_full(dut):
    """The ring is filled to its end; no page is asked for before there is room for all of it."""
    bench = Bench(dut)
    await bench.begin()
    step = [Step(min(UNIT.most, PAGES * UNIT.page), 7, 1)] if UNIT.ring < 4000 // UNIT.ratio else [
        Step(1, 7, 1)]
    await bench.run(Asked(0, 0, PAGES, step))
    await bench.run(Asked(0, 0, PAGES, [Step(1, UNIT.words // 2, 1)] * 4))


@cocotb.test()
async def test_reset(dut):
    """After a reset in the middle there is nothing, until a run starts."""
    bench = Bench(dut)
    await bench.begin()
    for _ in range(3):
        for _ in range(random.randrange(60)):
            await bench.tick(random.choice(["", "", "start"]), first=0, pages=1, brings=3)
            bench.taken = []
        await bench.begin(clock=False)
        for _ in range(20):
            await bench.tick()
        assert not bench.taken
        await bench.run(Asked(0, 0, 1, [Step(1, 5, 1)]))
