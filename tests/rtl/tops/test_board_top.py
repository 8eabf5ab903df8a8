# amaranth: UnusedElaboratable=no
"""A board's top level at its pins, PLL and all, behind the host's runtime as it is."""

import random

import pytest
from amaranth.sim import Simulator

from hwgen.arch.design import Design
from hwgen.generate.conversion import to_verilog
from hwgen.generate.design import component
from hwgen.rtl.primitives.library import Library
from hwgen.rtl.primitives.plls import settings
from hwgen.rtl.tops.board import BoardTop, Reset
from hwgen.rtl.tops.catalogue import uart
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.client import Client
from hwgen.runtime.serial_port import SerialLink
from sim.boards.pins import Pins
from sim.cells import models_of_cells

from ...build.test_pins import DIVISOR, SLOW, SerialBoard

SMALL = {"rows": 4, "columns": 4, "activation_memory": 512, "program_memory": 512,
         "partial_sums": 8, "lanes": 1, "steps": 4}
PLLS = [("ecp5", "EHXPLLL"), ("ice40", "SB_PLL40_PAD"), ("ice40", "SB_PLL40_CORE"),
        ("gowin", "rPLL")]


def verilog_of(serial, cell, host=None):
    """Return the Verilog of a top level, at the fastest clock that there is."""
    top = BoardTop(serial, settings(cell, 25)[-1], host=host)
    return to_verilog(Library().convert(top, "top"))


def test_reset():
    """It ends when it says so, and comes again with every loss of the clock."""
    dut = Reset()
    seen = []

    async def bench(ctx):
        for locked, cycles in ((0, 20), (1, dut.latency + 9), (0, 1), (1, dut.latency + 9)):
            ctx.set(dut.locked, locked)
            for _ in range(cycles):
                await ctx.tick()
                seen.append(ctx.get(dut.reset))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    first = 20 + dut.latency
    assert seen == ([1] * (first - 1) + [0] * (9 + 4)
                    + [1] * (dut.latency - 3) + [0] * (len(seen) - first - 9 - dut.latency))
    assert seen[-1] == 0 and len(seen) == 20 + 2 * dut.latency + 18 + 1


@pytest.mark.parametrize("family, cell", [
    PLLS[0], *(pytest.param(*pll, marks=pytest.mark.slow) for pll in [*PLLS[1:], ("generic", "")])])
def test_memory_at_the_pins(family, cell, tmp_path):
    """What is behind the top level is clocked, is not in reset for ever, and has its wires.

    The cycles of its bits are in cells of their own, as in what is built for a board.
    """
    text = verilog_of(SerialBoard(most=200, family=family), cell)
    models = models_of_cells(text, family, tmp_path)
    assert len(models) == 2 * bool(cell)  # the PLL's and the LUT's
    data = random.Random(1).randbytes(60)
    with (Pins(text, top="top", divisor=DIVISOR, reset=False, extra_sources=models) as pins,
          SerialLink(pins.port, **SLOW) as link):
        client = Client(link)
        client.write(100, data)
        assert client.read(100, len(data)) == data


@pytest.mark.slow
@pytest.mark.parametrize("family, cell, host", [
    *(("ecp5", cell, host) for cell in ("EHXPLLL", "") for host in ("EHXPLLL", "")),
    *((*pll, None) for pll in PLLS[1:])])
def test_accelerator_at_the_pins(family, cell, host, tmp_path):
    """The Design is the one that was asked for, and its memory keeps what is written.

    Its host's side may have a PLL of its own, the crystal's clock, or the accelerator's.
    """
    design = Design(**SMALL, family=family)
    text = verilog_of(component(design, uart(DIVISOR)), cell,
                      None if host is None else settings(host, 25)[0])
    data = random.Random(1).randbytes(300)
    with (Pins(text, top="top", divisor=DIVISOR, reset=False,
               extra_sources=models_of_cells(text, family, tmp_path)) as pins,
          SerialLink(pins.port, **SLOW) as link):
        accelerator = RemoteAccelerator(link)
        accelerator.identify(design.fingerprint)
        accelerator.write_activations(100, data)
        assert accelerator.read_activations(100, len(data)) == data
