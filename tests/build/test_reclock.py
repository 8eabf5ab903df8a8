# amaranth: UnusedElaboratable=no
"""A routed design that is given another clock is what a build for that clock makes."""

import json
from itertools import pairwise

import pytest

from hwgen.arch.boards import BOARDS, board
from hwgen.arch.design import Design
from hwgen.build.attempt import BITSTREAMS, pack, place, source
from hwgen.build.bitstream import clocks, fastest, host_clock
from hwgen.build.constraints import constraints
from hwgen.build.pins import pins_of
from hwgen.build.reclock import contents, reclock, rewrite_configuration, rewrite_design
from hwgen.errors import UserError
from hwgen.measure.place_and_route import CONSTRAINTS, Flow
from hwgen.rtl.links.uart import bit_cycles

from ..rtl.tops.test_board_top import SMALL
from .test_bitstream import verilog_of_echo

pytest.importorskip("amaranth_boards")

BAUD = 1_000_000
PLACED_FOR = {"ecp5": 'FREQUENCY NET "clocks.clock" 50 MHZ;\n', "gowin": "",
              "ice40": "set_frequency clocks.clock 50\n"}
"""What has both builds place for one clock, as else nextpnr takes what it finds that the PLL makes;
but for Gowin's, of whose PLLs it knows nothing."""


def verilog_of_accelerator(board, setting, divisor, most):
    """Return the Verilog of an accelerator, with multipliers and block RAMs of the chip."""
    design = Design(**SMALL, family=board.family, device=board.device)
    return source(design, board, setting, bit_cycles(board.clock_mhz, BAUD), 0,
                  host=host_clock(board, BAUD))


class Twice:
    """The same small design, built for two clocks; that of its serial port may be another one."""

    def __init__(self, name, folder, verilog=verilog_of_echo):
        self.board = board(name)
        known = clocks(self.board, BAUD)
        pins = constraints(self.board.family, pins_of(self.board), self.board.clock_mhz)
        self.flow = Flow.of(self.board, pins)
        self.settings = [fastest(known, mhz) for mhz in (200, 37.7)]
        self.divisors = [bit_cycles(float(setting.mhz), BAUD) for setting in self.settings]
        self.most = 0 if verilog is verilog_of_accelerator else self.divisors[0]
        self.folders = [folder / str(divisor) for divisor in self.divisors]
        for setting, divisor, folder in zip(self.settings, self.divisors, self.folders,
                                            strict=True):
            folder.mkdir()
            text = verilog(self.board, setting, divisor, self.divisors[0])
            self.flow.synthesise(text, folder)
            with (folder / CONSTRAINTS[self.board.family]).open("a") as file:
                file.write(PLACED_FOR[self.board.family])

    @property
    def contents(self):
        """What the cells of the first shall have to be the second."""
        return contents(self.board.family, self.settings[1], self.divisors[1], self.most)

    def netlist(self, folder):
        """Return the cells that synthesis made, without the names that it makes up."""
        top = json.loads((folder / "top.json").read_text())["modules"]["top"]
        return [(name if name[0] != "$" else "", cell["connections"], cell["parameters"])
                for name, cell in top["cells"].items()]

    def pack(self, folder, log):
        """Return a bitstream."""
        pack(self.board, folder, log)
        return (folder / BITSTREAMS[self.board.family]).read_bytes()


@pytest.mark.synth
@pytest.mark.parametrize("name, verilog", [
    *((name, verilog_of_echo) for name in BOARDS), ("orangecrab-25f", verilog_of_accelerator)])
def test_same_bitstream(name, verilog, tmp_path):
    """Byte by byte that of a build for the second clock, and none of the first one's."""
    twice = Twice(name, tmp_path, verilog)
    first, second = twice.folders
    for folder in twice.folders:
        place(twice.flow, folder, "placed", mhz=50, seed=3, insist=False)
    before = twice.pack(first, "placed")
    reclock(twice.board, first, "placed", "again", twice.contents)
    assert before != twice.pack(first, "again") == twice.pack(second, "placed")


@pytest.mark.synth
@pytest.mark.parametrize("name", ["ulx3s-85f", "icebreaker", "tang-nano-9k"])
def test_same_netlist(name, tmp_path):
    """Synthesis makes the same of both clocks, but for what the cells contain that hold it."""
    twice = Twice(name, tmp_path)
    first, second = map(twice.netlist, twice.folders)
    assert len(first) == len(second) > 150
    other = set()
    for (cell, wires, parameters), (same_cell, same_wires, wanted) in zip(first, second,
                                                                          strict=True):
        assert (cell, wires) == (same_cell, same_wires)
        other |= {cell} if parameters != wanted else set()
    assert "clocks.pll" in other and len(other) > 4 and other <= set(twice.contents)


WRITTEN = {"a.pll_PLL": {"DIV": "0101", "MODE": "1x"}, "b": {"DIV": "11"},
           "a.bit_0_LC": {"LUT_INIT": "0" * 16, "CIN_SET": "0"}}
WANTED = {"a.pll": {"DIV": 2}, "a.bit_0": {"LUT_INIT": 0xffff}}


def lines_of(cells):
    """Return the lines of a design as nextpnr writes it."""
    return json.dumps({name: {"hide_name": 0, "parameters": values}
                       for name, values in cells.items()}, indent=2).splitlines(keepends=True)


def test_rewritten():
    """What is wanted, in as many bits as before, and nothing else."""
    cells = json.loads("".join(rewrite_design(lines_of(WRITTEN), WANTED)))
    assert {name: cell["parameters"] for name, cell in cells.items()} == {
        "a.pll_PLL": {"DIV": "0010", "MODE": "1x"}, "b": {"DIV": "11"},
        "a.bit_0_LC": {"LUT_INIT": "1" * 16, "CIN_SET": "0"}}


@pytest.mark.parametrize("cells, missing", [
    ({"a.pll": {"DIV": "0101"}}, "a.bit_0"),
    (WRITTEN | {"a.pll_PLL": {"MODE": "0"}}, "DIV"),
    (WRITTEN | {"a.pll": {"DIV": "0101"}}, "DIV"),
])
def test_rewritten_wrong(cells, missing):
    """Whatever is not there, or is there twice, is no such design."""
    with pytest.raises(KeyError, match=missing):
        list(rewrite_design(lines_of(cells), WANTED))


@pytest.mark.parametrize("name, file", [("icebreaker", "placed.cells"),
                                        ("ulx3s-85f", "placed.config")])
def test_other_tools(name, file, tmp_path):
    """Where nextpnr writes something else, the sentence names its file."""
    for suffix in ("cells", "config"):
        (tmp_path / f"placed.{suffix}").write_text("{}")
    with pytest.raises(UserError, match=f"{file} is not a design as nextpnr .* is missing"):
        reclock(board(name), tmp_path, "placed", "again", WANTED)


BELS = {"clocks.pll": "X1/Y4/EHXPLL_LR", "a": "X3/Y14/SLICEB.K1"}
CONFIG = """\
.tile R14C3:PLC2
word: SLICEB.K0.INIT 0000000000000000
word: SLICEB.K1.INIT 0000000000000000
.tile R3C14:PLC2
word: SLICEB.K1.INIT 0000000000000000
.tile_group MIB_R4C0:PLL0_UL MIB_R5C0:PLL1_UL
word: CLKOS_DIV 0000001
.tile_group MIB_R71C4:PLL0_LR MIB_R71C5:PLL1_LR
word: CLKOS_DIV 0000001
word: CLKOS_CPHASE 0000001
"""


def test_configured():
    """The words of those places, a PLL's divisors counted from 1."""
    wanted = {"clocks.pll": {"CLKOS_DIV": 6, "CLKOS_CPHASE": 5}, "a": {"INITVAL": 0xffff}}
    lines = list(rewrite_configuration(CONFIG.splitlines(keepends=True), BELS, wanted))
    assert lines[2] == "word: SLICEB.K1.INIT 1111111111111111\n"
    assert lines[8:] == ["word: CLKOS_DIV 0000101\n", "word: CLKOS_CPHASE 0000101\n"]
    assert lines[:2] + lines[3:8] == [line for index, line in enumerate(
        CONFIG.splitlines(keepends=True)) if index not in (2, 8, 9)]
    with pytest.raises(KeyError, match="CLKI_DIV"):
        list(rewrite_configuration(lines, BELS, {"clocks.pll": {"CLKI_DIV": 1}}))
    with pytest.raises(KeyError, match="b"):
        list(rewrite_configuration(lines, BELS, {"b": {"INITVAL": 0}}))


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("baud", [115_200, 1_000_000, 3_000_000])
def test_contents(name, baud):
    """Of every clock of a board: the cells are the same, and what they hold is that clock's."""
    found = board(name)
    known = [setting for setting in clocks(found, baud) if setting.cell]
    most = bit_cycles(float(known[-1].mhz), baud)
    every = []
    for setting in known:
        divisor = bit_cycles(float(setting.mhz), baud)
        assert contents(found.family, setting, divisor, 0).keys() == {"clocks.pll"}
        cells = contents(found.family, setting, divisor, most)
        assert cells.pop("clocks.pll").items() <= {
            key: getattr(value, "value", value) for key, value in setting.parameters.items()
        }.items()
        for count, wanted in (("bit", divisor - 1), ("half", divisor // 2 - 1)):
            bits = [next(iter(cells[name].values())) == 0xffff for name in sorted(
                (cell for cell in cells if f".{count}." in cell),
                key=lambda cell: int(cell.rpartition("_")[2]))]
            assert sum(bit << index for index, bit in enumerate(bits)) == wanted
        every.append(cells.keys())
    assert len(every) > 20 and all(one == other for one, other in pairwise(every))
