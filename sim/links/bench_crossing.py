"""A crossing of two clocks: golden answers, each access once, whatever clocks and resets do."""

import random
from types import SimpleNamespace

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer
from cocotb.utils import get_sim_time

from hwgen.golden.links.host import BusAccess
from hwgen.rtl.links.crossing import SETTLE

from .. import PERIOD_NS
from .system import Bus, accesses

RATIOS = [1 / 8, 1 / 3, 0.9, 1, 1.01, 2, 3.4, 8]
"""Periods of the host's clock in those of the accelerator's."""
SHIFT = 24
"""Bits of an address within a space."""
BUS = ("read", "write", "address", "mask", "w_data", "r_data", "error", "ack")

HOST_EDGES, EDGES = 5, 5 + SETTLE
"""Edges of each clock that an answer takes at most, of a bus that takes one itself."""

TAKEN_BACK = "taken back"


class Numbered(Bus):
    """Memory that is everywhere, but for every eighth word."""

    def word(self, access):
        """Return the word of an access, or None for an error."""
        return access.address * 0x9E3779B1 & 0xFFFFFFFF if access.address & 28 else None

    def __call__(self, access):
        self.accesses.append(access)
        return self.word(access)


class Crossing:
    """A crossing between a host and a bus, whose clocks begin at any time.

    Parameters
    ----------
    dut
    ratio : float
    stall : float
        How often nothing is asked for.
    bus : Bus, optional
        What is behind it; without, one that waits as often.
    """

    def __init__(self, dut, ratio, stall, bus=None):
        self.dut, self.stall = dut, stall
        self.bus = bus or Bus(stall)
        shortest = 1000 * PERIOD_NS
        self.period, self.host_period = (
            2 * round(shortest * each / 2) for each in (max(1, 1 / ratio), max(1, ratio)))

    async def start(self):
        """Start both clocks, and reset both sides."""
        dut = self.dut
        for port in ("i__read", "i__write", "present", "o__ack"):
            getattr(dut, port).value = 0
        dut.rst.value = dut.host_rst.value = 1
        for clock, period in ((dut.clk, self.period), (dut.host_clk, self.host_period)):
            cocotb.start_soon(self.tick(clock, period))
        await Timer(4 * max(self.period, self.host_period), unit="ps")
        dut.rst.value = dut.host_rst.value = 0
        self.serving = cocotb.start_soon(self.serve())
        await FallingEdge(dut.host_clk)

    async def tick(self, clock, period):
        """Start a clock, in any phase."""
        clock.value = 0
        await Timer(random.randrange(1, period), unit="ps")
        Clock(clock, period, unit="ps", impl="gpi").start(start_high=False)

    def serve(self):
        """Return the coroutine that is the bus."""
        ports = {f"bus__{name}": getattr(self.dut, f"o__{name}") for name in BUS}
        return self.bus.serve(SimpleNamespace(clk=self.dut.clk, **ports))

    def offer(self, access):
        """Ask for an access, or for nothing."""
        dut = self.dut
        dut.i__read.value = access is not None and not access.write
        dut.i__write.value = access is not None and access.write
        for name in ("address", "mask", "w_data"):
            value = {"w_data": "data"}.get(name, name)
            getattr(dut, f"i__{name}").value = getattr(access, value) if access else \
                random.getrandbits(4)

    async def ask(self, access):
        """Ask until there is an answer, and return the word, or None for an error."""
        self.offer(access)
        while True:
            await FallingEdge(self.dut.host_clk)
            if self.dut.host_rst.value == 1:
                return TAKEN_BACK
            if self.dut.i__ack.value == 1:
                break
        word = None if self.dut.i__error.value == 1 else int(self.dut.i__r_data.value)
        await FallingEdge(self.dut.host_clk)
        return word

    async def change_epoch(self):
        """Change the epoch behind each access, as late as may be or sooner."""
        count = 0
        while True:
            await RisingEdge(self.dut.clk)
            if self.dut.o__ack.value == 1:
                count += 1
                await ClockCycles(self.dut.clk, random.choice([0, SETTLE - 1]))
                self.dut.present.value = count

    async def resets(self, side):
        """Reset a side now and then, for some cycles: it has forgotten the access."""
        dut = self.dut
        clock, reset, edge = {"host": (dut.host_clk, dut.host_rst, FallingEdge),
                              "bus": (dut.clk, dut.rst, RisingEdge)}[side]
        while True:
            await Timer(random.randrange(1, 40 * max(self.period, self.host_period)), unit="ps")
            await edge(clock)
            reset.value = 1
            if side == "host":
                self.offer(None)
            else:
                self.serving.cancel()
                dut.o__ack.value = 0
            await ClockCycles(clock, random.choice([1, 1, 9]), edge)
            reset.value = 0
            if side == "bus":
                self.serving = cocotb.start_soon(self.serve())

    async def pause(self):
        """Ask for nothing, now and then."""
        while random.random() < self.stall:
            self.offer(None)
            await FallingEdge(self.dut.host_clk)
            assert self.dut.i__ack.value == 0, "an answer to nothing"


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(ratio=RATIOS, stall=[0.0, 0.5])
async def test_random(dut, ratio, stall):
    """Words and errors, and the order of accesses, as if there were no crossing."""
    crossing = Crossing(dut, ratio, stall)
    await crossing.start()
    expected = Bus()
    for access in accesses(60, shift=SHIFT):
        golden = expected(access)
        assert await crossing.ask(access) == golden, access
        await crossing.pause()
    assert crossing.bus.accesses == expected.accesses and crossing.bus.words == expected.words


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(ratio=RATIOS)
async def test_time(dut, ratio):
    """An answer takes few edges of either clock, at a bus that takes one."""
    crossing = Crossing(dut, ratio, 0)
    await crossing.start()
    most = EDGES * crossing.period + HOST_EDGES * crossing.host_period
    for access in accesses(40, shift=SHIFT):
        begin = get_sim_time("ps")
        await crossing.ask(access)
        taken = get_sim_time("ps") - begin - crossing.host_period  # it sees the answer until then
        assert taken <= most


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(ratio=RATIOS)
async def test_epoch(dut, ratio):
    """What a write makes of the epoch is there before its answer."""
    crossing = Crossing(dut, ratio, 0)
    await crossing.start()
    cocotb.start_soon(crossing.change_epoch())
    for count, access in enumerate(accesses(40, shift=SHIFT)):
        crossing.offer(access)
        while dut.i__ack.value == 0:
            await FallingEdge(dut.host_clk)
        assert dut.epoch.value == dut.present.value == count + 1
        await FallingEdge(dut.host_clk)


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(ratio=RATIOS, sides=[("host",), ("bus",), ("host", "bus")])
async def test_resets(dut, ratio, sides):
    """Accesses are done once at most, in their order, and are answered if the host is there."""
    crossing = Crossing(dut, ratio, 0.3, bus=Numbered(0.3))
    await crossing.start()
    done, number = crossing.bus.accesses, 0
    missing = {"host": {(TAKEN_BACK, False), (TAKEN_BACK, True)}, "bus": {(None, False)}}
    missing = set().union(*(missing[side] for side in sides))
    for side in sides:
        cocotb.start_soon(crossing.resets(side))
    while number < 60 or missing:
        number += 1
        access = BusAccess(random.random() < 0.5, 4 * number, 15, number)
        word = await crossing.ask(access)
        known = BusAccess(access.write, access.address, 15, number * access.write)
        found = known in done
        missing -= {(word, found)}
        golden = crossing.bus.word(access) if found else None
        assert word in (golden, TAKEN_BACK) and (found or len(sides) > 1 or word == {
            "host": TAKEN_BACK, "bus": None}[sides[0]]), access
        await crossing.pause()
    addresses = [access.address for access in done]
    assert addresses == sorted({*addresses}), "twice, or one before the other"
