"""What a system asks of an accelerator's window, and what is behind it in benches of bridges."""

import json
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from hwgen.arch.registers import SPACE_SHIFT, Space
from hwgen.golden.links.host import BusAccess

from .. import PERIOD_NS

__all__ = ["Bus", "accesses", "shift", "start"]

SIZES = {Space.REGISTERS: 32, Space.ACTIVATIONS: 100, Space.PROGRAM: 128, Space.COUNTERS: 20}
"""Bytes that are there of each space; accesses beyond them are errors."""


class Bus:
    """Memory on the accelerator's own bus: golden, and at the ports ``bus__*`` of a bridge.

    Parameters
    ----------
    stall : float
        How often it waits.
    """

    def __init__(self, stall=0.0):
        self.stall = stall
        self.words = {}
        self.accesses = []

    def __call__(self, access):
        """Do an access, and return the word, or None for an error."""
        self.accesses.append(access)
        space, offset = access.address >> SPACE_SHIFT, access.address & (1 << SPACE_SHIFT) - 1
        if offset >= SIZES.get(space, 0):
            return None
        old = self.words.get(access.address, access.address * 0x9E3779B1 & 0xFFFFFFFF)
        if access.write:
            lanes = sum(0xFF << 8 * lane for lane in range(4) if access.mask >> lane & 1)
            self.words[access.address] = old & ~lanes | access.data & lanes
        return old

    async def serve(self, dut):
        """Be at the ports of a bridge, and see that each access is held until it is done."""
        waited = None
        while True:
            await FallingEdge(dut.clk)
            read, write = int(dut.bus__read.value), int(dut.bus__write.value)
            assert not (read and write), "two accesses in one"
            access = None
            if read or write:
                access = BusAccess(
                    bool(write), int(dut.bus__address.value), int(dut.bus__mask.value),
                    int(dut.bus__w_data.value) if write else 0)
            assert waited in (None, access), "an access was not held"
            done = access is not None and random.random() >= self.stall
            waited = None if done else access
            dut.bus__ack.value = done
            word = self(access) if done else None
            dut.bus__error.value = word is None
            dut.bus__r_data.value = random.getrandbits(32) if word is None else word


async def start(dut, bus):
    """Start the clock, reset, and put memory behind the bridge."""
    Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
    dut.bus__ack.value = 0
    dut.rst.value = 1
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    cocotb.start_soon(bus.serve(dut))


def shift():
    """Return how many bits an address has within a space, in the bridge that a bench drives."""
    return json.loads(os.environ["UNIT"])["shift"]


def accesses(count, *, shift, sizes=SIZES):
    """Return random accesses to the window, some of them to what is not there, or in part."""
    found = []
    for _ in range(count):
        space = random.choice(list(sizes))
        end = sizes[space]
        offset = random.choice([random.randrange(1 << shift), random.randrange(end + 1), end - 1,
                                end])
        offset = min(max(offset, 0), (1 << shift) - 1) & ~3
        write = random.random() < 0.5
        mask = random.choice([15, 15, random.randrange(1, 16)]) if write else 15
        found.append(BusAccess(write, space << shift | offset, mask,
                               random.getrandbits(32) if write else 0))
    return found
