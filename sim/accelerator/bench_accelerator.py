"""The whole accelerator, behind any top level: what it computes, and all that a host sees of it."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.task import bridge

from hwgen.arch.address_map import BusWindow
from hwgen.arch.design import Design

from ..dot.piece_bench import rng
from . import host_view as whole_host
from . import hosts
from . import runs as whole_runs
from . import stops as whole_stops
from .dut import Bench
from .units import top_level

DESIGN = Design.load(Path(os.environ["DESIGN"]))
TOP = top_level(json.loads(os.environ["UNIT"])["top"])
SHARE = {"uart": 0.2, "spi": 0.1}
"""How much is done where a byte takes many cycles."""


async def check(dut, what, *arguments, stall=0.0):
    """Check something of an accelerator behind a reset."""
    ports = hosts.link(dut, TOP, stall)
    await ports.start()
    bench = Bench(lambda: hosts.host(ports, DESIGN, TOP), DESIGN,
                  BusWindow.of(DESIGN, streams=TOP.streams), rng(), SHARE.get(TOP.name, 1.0))
    await bridge(what)(bench, *arguments)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3])
async def test_steps(dut, stall):
    await check(dut, whole_runs.steps, 40, stall=stall)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.4])
async def test_networks(dut, stall):
    await check(dut, whole_runs.networks, 3, stall=stall)


@cocotb.test(skip=TOP.name != "stream")
@cocotb.parametrize(stall=[0.0, 0.5])
async def test_frames(dut, stall):
    await check(dut, whole_host.frames, 200, stall=stall)


@cocotb.test()
async def test_registers(dut):
    await check(dut, whole_host.registers)


@cocotb.test()
async def test_memories(dut):
    await check(dut, whole_host.memories, stall=0.3)


@cocotb.test()
async def test_refusals(dut):
    await check(dut, whole_host.refusals)


@cocotb.test(skip=TOP.mapped)
async def test_turns(dut):
    await check(dut, whole_host.turns)


@cocotb.test()
async def test_errors(dut):
    await check(dut, whole_stops.errors)


@cocotb.test()
async def test_watchdog(dut):
    await check(dut, whole_stops.watchdog)


@cocotb.test()
async def test_stop(dut):
    await check(dut, whole_stops.stop)


@cocotb.test()
async def test_ends(dut):
    await check(dut, whole_stops.ends)


@cocotb.test()
async def test_reset(dut):
    await check(dut, whole_stops.reset)


@cocotb.test(skip=not TOP.mapped)
async def test_interrupt(dut):
    await check(dut, whole_stops.interrupt)


@cocotb.test(skip=DESIGN.engine == "binary")
async def test_long_steps(dut):
    await check(dut, whole_runs.long_steps)


@cocotb.test(skip=DESIGN.engine == "binary")
async def test_sums(dut):
    await check(dut, whole_runs.sums, 12)
