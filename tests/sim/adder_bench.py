"""What test_runner runs: one test that passes, and what ``FAULT`` asks for."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Event

FAULT = os.environ.get("FAULT", "")


@cocotb.test()
async def test_sums(dut):
    Clock(dut.clk, 10, unit="ns", impl="gpi").start(start_high=False)
    dut.rst.value = 0
    for _ in range(10):
        a, b = random.randrange(256), random.randrange(256)
        dut.a.value, dut.b.value = a, b
        await ClockCycles(dut.clk, 2)
        assert dut.o.value.to_unsigned() == a + b
    print("drawn", a, b)


@cocotb.test(skip=FAULT != "wrong")
async def test_wrong(dut):
    assert not dut.o.value.is_resolvable, "the sum is a number"


@cocotb.test(skip=FAULT != "endless")
async def test_endless(dut):
    Clock(dut.clk, 10, unit="ns", impl="gpi").start(start_high=False)
    await Event().wait()


@cocotb.test(skip=FAULT != "crash")
async def test_crash(dut):
    os.abort()


@cocotb.test(skip=FAULT != "inside")
async def test_inside(dut):
    assert dut.child.o.value.is_resolvable
