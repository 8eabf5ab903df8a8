"""Wishbone: a master of another project's, random waits, and accesses that are to be refused."""

import random

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.wishbone.driver import WBOp, WishboneMaster

from hwgen.golden.links.host import BusAccess
from hwgen.golden.links.system_bus import serve
from hwgen.rtl.links.wishbone import Wishbone

from .system import Bus, accesses, shift, start

NAMES = {name: name for name in ("cyc", "stb", "we", "adr", "sel", "ack", "err")}
NAMES |= {"datwr": "dat_w", "datrd": "dat_r"}

ACK, ERR = 1, 2


def master(dut):
    """Return the master."""
    return WishboneMaster(dut, "wb", dut.clk, width=32, timeout=200, signals_dict=NAMES)


async def play(wishbone, found, *, idle=0.0):
    """Ask for accesses in one cycle, and return for each the word, or None for an error."""
    answers = await wishbone.send_cycle([
        WBOp(access.address >> 2, access.data if access.write else None, sel=access.mask,
             idle=random.randrange(1, 5) if random.random() < idle else 0) for access in found])
    assert len(answers) == len(found)
    assert all(answer.ack in (ACK, ERR) for answer in answers)
    return [int(answer.datrd) if answer.ack == ACK else None for answer in answers]


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.5, 0.9])
async def test_random(dut, stall):
    """Words, errors, and what reaches the bus, as the golden model has it."""
    bus, expected = Bus(stall), Bus()
    wishbone = master(dut)
    await start(dut, bus)
    for _ in range(50):
        found = accesses(random.randrange(1, 20), shift=shift())
        words = await play(wishbone, found, idle=stall)
        for access, word in zip(found, words, strict=True):
            golden = serve(expected, shift(), access)
            if access.write or golden is None:
                assert (word is None) == (golden is None), access
            else:
                assert word == golden, access
        await ClockCycles(dut.clk, random.randrange(1, 5))
    assert bus.accesses == expected.accesses and bus.words == expected.words
    assert len({access.address for access in bus.accesses}) > 50


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_latency(dut):
    """As long as it says."""
    await start(dut, Bus())
    dut.wb_cyc.value = dut.wb_stb.value = 1
    dut.wb_we.value = 0
    dut.wb_adr.value = 0
    for cycle in range(3 * (Wishbone.latency + 1)):
        await RisingEdge(dut.clk)
        assert int(dut.wb_ack.value) == (cycle % (Wishbone.latency + 1) == Wishbone.latency)


@cocotb.test(timeout_time=500, timeout_unit="us")
async def test_master_goes_away(dut):
    """Whatever is left on the bus, the next request has its own answer, and only one."""
    bus = Bus(0.7)
    await start(dut, bus)
    dut.wb_sel.value = 15
    dut.wb_we.value = 0
    for _ in range(200):
        for patience in (random.randrange(1, 6), None):
            word = random.randrange(8)
            dut.wb_adr.value = word
            dut.wb_cyc.value = dut.wb_stb.value = 1
            cycle = 0
            while patience is None or cycle < patience:
                await RisingEdge(dut.clk)
                if dut.wb_ack.value == 1:
                    assert int(dut.wb_dat_r.value) == Bus()(BusAccess(False, 4 * word, 15))
                    break
                cycle += 1
            dut.wb_stb.value = 0
            await RisingEdge(dut.clk)
            assert dut.wb_ack.value == 0
