"""The whole accelerator, behind any top level: what it computes, and all that a host sees of it."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.task import bridge

from hwgen.design import Design
from hwgen.window import Window

from .accelerators import top_level
from .hosts import connect
from .piece_bench import rng
from .whole import Whole

DESIGN = Design.load(Path(os.environ["DESIGN"]))
TOP = top_level(json.loads(os.environ["UNIT"])["top"])
SHARE = {"uart": 0.2, "spi": 0.1}
"""How much is done where a byte takes many cycles."""


async def started(dut, stall=0.0):
    """Return an accelerator behind a reset."""
    board = connect(dut, DESIGN, TOP, stall)
    await board.link.start()
    return Whole(board, DESIGN, Window.of(DESIGN, streams=TOP.streams), rng(),
                 SHARE.get(TOP.name, 1.0))


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.3])
async def test_steps(dut, stall):
    await bridge((await started(dut, stall)).steps)(40)


@cocotb.test()
@cocotb.parametrize(stall=[0.0, 0.4])
async def test_networks(dut, stall):
    await bridge((await started(dut, stall)).networks)(3)


@cocotb.test(skip=TOP.name != "stream")
@cocotb.parametrize(stall=[0.0, 0.5])
async def test_frames(dut, stall):
    await bridge((await started(dut, stall)).frames)(200)


@cocotb.test()
async def test_registers(dut):
    await bridge((await started(dut)).registers)()


@cocotb.test()
async def test_memories(dut):
    await bridge((await started(dut, 0.3)).memories)()


@cocotb.test()
async def test_refusals(dut):
    await bridge((await started(dut)).refusals)()


@cocotb.test()
async def test_errors(dut):
    await bridge((await started(dut)).errors)()


@cocotb.test()
async def test_watchdog(dut):
    await bridge((await started(dut)).watchdog)()


@cocotb.test()
async def test_stop(dut):
    await bridge((await started(dut)).stop)()


@cocotb.test(skip=TOP.mapped)
async def test_turns(dut):
    await bridge((await started(dut)).turns)()
