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
LONGEST = 1 + 5200 // (UNIT.words + 16)
"""Pages of a run, at most."""
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
    """After a reset in the middle no page is asked for until a run starts; words begin anew."""
    bench = Bench(dut)
    await bench.begin()
    for _ in range(3):
        for _ in range(random.randrange(60)):
            await bench.tick(random.choice(["", "", "start"]), first=0, pages=1, brings=3)
            bench.taken = []
        await bench.begin(clock=False)
        words = [[random.getrandbits(UNIT.width) for _ in range(UNIT.ratio)] for _ in range(2)]
        bench.words = dict(enumerate(sum(words, [])))
        for _ in range(20 + 2 * UNIT.ratio):
            await bench.tick()
        assert not bench.taken and bench.written == [
            ((number + 1) * UNIT.ratio, number, sum(
                part << place * UNIT.width for place, part in enumerate(word)))
            for number, word in enumerate(words)]
        await bench.run(Asked(0, 0, 1, [Step(1, 5, 1)]))


class Counts:
    """What the stream counts, and what follows from it at its ports in every cycle."""

    def __init__(self):
        self.left = self.page = self.part = self.address = 0
        self.have = self.needed = self.free = 0
        self.word, self.written = [], None

    def check(self, dut):
        """Compare the outputs of a cycle; return whether a page is taken in it."""
        asks = self.left > 0 and self.free >= UNIT.page
        assert dut.there.value == (self.have >= self.needed)
        assert dut.request__valid.value == asks
        if asks:
            request = UNIT.request.p.shape().from_bits(int(dut.request__payload.value))
            assert (request.page, request.write) == (self.page, 0)
        written = WRITE.from_bits(int(dut.write.value))
        assert bool(written.enable) == (self.written is not None)
        if written.enable:
            assert (written.address, written.data) == (self.address, self.written)
        return asks and dut.request__ready.value == 1

    def follow(self, inputs, taken, word):
        """Count what happens at the end of a cycle."""
        if taken:
            self.page, self.left, self.free = self.page + 1, self.left - 1, self.free - UNIT.page
        if inputs["following"]:
            self.needed += inputs["brings"]
            self.free += inputs["releases"]
        if self.written is not None:
            self.have, self.address = self.have + 1, (self.address + 1) % UNIT.ring
        self.written = None
        if word is not None:
            self.word.append(word)
        if len(self.word) == UNIT.ratio:
            self.written = sum(part << place * UNIT.width for place, part in enumerate(self.word))
            self.word = []
        if inputs["stop"]:
            self.left = 0
        if inputs["start"]:
            self.page, self.left, self.needed = inputs["first"], inputs["pages"], inputs["brings"]
            self.have, self.free, self.address = 0, UNIT.ring, 0


class AnyRuns:
    """Draws what a host and steps do, of all that they may, up to the greatest numbers."""

    def __init__(self, counts, rng):
        self.counts, self.rng = counts, rng
        self.brought = self.patience = 0
        self.runs = False

    def number(self, most):
        """Return a number up to ``most``, which is often there."""
        return self.rng.choice([0, 1, most, self.rng.randrange(most + 1)]) if most > 0 else 0

    def inputs(self, under_way):
        """Return the inputs of a cycle, in which a page is under way or not."""
        counts, rng, found = self.counts, self.rng, dict.fromkeys(("start", "stop", "following"), 0)
        values = {name: rng.getrandbits(len(getattr(UNIT, name)))
                  for name in ("first", "pages", "brings", "releases")}
        self.patience -= 1
        if not self.runs and not under_way and not rng.randrange(4):
            pages = min(self.number(1 << UNIT.page_bits), 1 + 4000 // UNIT.words)
            values |= {"pages": pages, "first": self.number((1 << UNIT.page_bits) - max(pages, 1)),
                       "brings": self.number(min(UNIT.most, pages * UNIT.page))}
            found["start"], self.runs, self.brought = 1, True, values["brings"]
            self.total, self.unreleased = values["brings"], values["brings"]
            self.patience = 40 * UNIT.words
        elif self.runs and (self.patience < 0 or not rng.randrange(30 * UNIT.words)):
            found["stop"], self.runs = 1, False
        elif self.runs and counts.have >= counts.needed and not rng.randrange(4):
            releases = self.number(self.unreleased)
            self.unreleased -= releases
            there = counts.page + counts.left - self.first_page
            brings = self.number(min(UNIT.most - self.unreleased, there * UNIT.page - self.total))
            self.unreleased, self.total = self.unreleased + brings, self.total + brings
            values |= {"brings": brings, "releases": releases}
            found["following"] = 1
            if rng.randrange(8):
                self.patience = 40 * UNIT.words
        if found["start"]:
            self.first_page = values["first"]
        return found | values


class AllPages:
    """Asks for as many pages as there may be, then for some anywhere, up to the last one.

    Steps wait until the ring is full, and then release all words of a page but one, and that one.
    """

    def __init__(self, counts, rng):
        self.counts, count = counts, 1 << UNIT.page_bits
        most = min(count, LONGEST)
        pages = [most, rng.randrange(most // 2, most) or 1,
                 *(rng.randrange(1, min(count, 9) + 1) for _ in range(6))]
        firsts = [count - pages[0], *(rng.randrange(count - some + 1) for some in pages[1:])]
        nothing = {"start": 0, "following": 0, "stop": 0, "first": 0, "pages": 0, "brings": 0,
                   "releases": 0}
        page = [{"brings": UNIT.page}, {"releases": UNIT.page - 1}, {"releases": 1}]
        self.nothing = nothing
        self.left = [nothing | each for first, some in zip(firsts, pages, strict=True) for each in (
            {"start": 1, "first": first, "pages": some},
            *(step | {"following": 1} for step in page * some), {"stop": 1})]
        self.cycles = sum(pages) * (2 * UNIT.words + 20)

    def inputs(self, under_way):
        """Return the inputs of a cycle, in which a page is under way or not."""
        counts = self.counts
        waits = under_way or counts.have < counts.needed or (
            counts.left and counts.free >= UNIT.page)
        return self.left.pop(0) if self.left and not waits else self.nothing


async def check_cycles(dut, host, counts, rng, cycles):
    """Compare every output in so many cycles, with pages and words that come when they like."""
    coming = 0
    for _ in range(cycles):
        inputs = host.inputs(coming > 0)
        word = rng.getrandbits(UNIT.width) if coming and rng.randrange(5) else None
        for name, value in inputs.items():
            getattr(dut, name).value = value
        dut.i_valid.value = word is not None
        dut.i.value = rng.getrandbits(UNIT.width) if word is None else word
        dut.request__ready.value = not coming and not inputs["start"] and rng.randrange(3) > 0
        await RisingEdge(dut.clk)
        taken = counts.check(dut)
        coming += UNIT.words * taken - (word is not None)
        counts.follow(inputs, taken, word)


@cocotb.test()
async def test_any_cycles(dut):
    """Whatever may be asked for: every output."""
    rng, counts = random.Random(random.getrandbits(32)), Counts()
    await Bench(dut).begin()
    await check_cycles(dut, AnyRuns(counts, rng), counts, rng, max(6000, 60 * UNIT.words))


@cocotb.test()
async def test_all_pages(dut):
    """Runs of all pages, or up to the last one: every output."""
    rng, counts = random.Random(random.getrandbits(32)), Counts()
    await Bench(dut).begin()
    host = AllPages(counts, rng)
    await check_cycles(dut, host, counts, rng, host.cycles)
    assert not host.left
