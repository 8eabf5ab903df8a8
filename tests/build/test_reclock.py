# amaranth: UnusedElaboratable=no
"""A routed design that is given another clock is what a build for that clock makes."""

import json
from itertools import pairwise

import pytest

from hwgen.arch.boards import BOARDS, board
from hwgen.build.attempt import BITSTREAMS, pack, place, synthesise
from hwgen.build.bitstream import clocks, fastest
from hwgen.build.constraints import NAMES
from hwgen.build.pins import pins_of
from hwgen.build.reclock import contents, reclock, rewritten
from hwgen.errors import UserError
from hwgen.rtl.links.uart import bit_cycles

from .test_bitstream import verilog_of_echo

pytest.importorskip("amaranth_boards")

BAUD = 1_000_000
PLACED_FOR = {"ecp5": 'FREQUENCY NET "clocks.clock" 50 MHZ;\n', "gowin": "",
              "ice40": "set_frequency clocks.clock 50\n"}
"""What has both builds place for one clock, as else nextpnr takes what it finds that the PLL makes;
but for Gowin's, of whose PLLs it knows nothing."""


class Echoes:
    """The same small design, built for two clocks."""

    def __init__(self, name, folder):
        self.board = board(name)
        known = clocks(self.board, BAUD)
        self.settings = [fastest(known, mhz) for mhz in (200, 37.7)]
        self.divisors = [bit_cycles(float(setting.mhz), BAUD) for setting in self.settings]
        self.folders = [folder / str(divisor) for divisor in self.divisors]
        for setting, divisor, folder in zip(self.settings, self.divisors, self.folders,
                                            strict=True):
            folder.mkdir()
            text = verilog_of_echo(self.board, setting, divisor, self.divisors[0])
            synthesise(self.board, pins_of(self.board), text, folder, "yosys")
            with (folder / NAMES[self.board.family]).open("a") as constraints:
                constraints.write(PLACED_FOR[self.board.family])

    @property
    def contents(self):
        """What the cells of the first shall have to be the second."""
        return contents(self.board.family, self.settings[1], self.divisors[1], self.divisors[0])

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
@pytest.mark.parametrize("name", BOARDS)
def test_same_bitstream(name, tmp_path):
    """Byte by byte that of a build for the second clock, and none of the first one's."""
    echoes = Echoes(name, tmp_path)
    first, second = echoes.folders
    for folder in echoes.folders:
        place(echoes.board, folder, "placed", mhz=50, seed=3, insist=False)
    before = echoes.pack(first, "placed")
    reclock(echoes.board, first, "placed", "again", echoes.contents)
    assert before != echoes.pack(first, "again") == echoes.pack(second, "placed")


@pytest.mark.synth
@pytest.mark.parametrize("name", ["ulx3s-85f", "icebreaker", "tang-nano-9k"])
def test_same_netlist(name, tmp_path):
    """Synthesis makes the same of both clocks, but for what the cells contain that hold it."""
    echoes = Echoes(name, tmp_path)
    first, second = map(echoes.netlist, echoes.folders)
    assert len(first) == len(second) > 150
    other = set()
    for (cell, wires, parameters), (same_cell, same_wires, wanted) in zip(first, second,
                                                                          strict=True):
        assert (cell, wires) == (same_cell, same_wires)
        other |= {cell} if parameters != wanted else set()
    assert "clocks.pll" in other and len(other) > 4 and other <= set(echoes.contents)


WRITTEN = {"a.pll_PLL": {"DIV": "0101", "MODE": "1x"}, "b": {"DIV": "11"},
           "a.bit_0_LC": {"LUT_INIT": "0" * 16, "CIN_SET": "0"}}
WANTED = {"a.pll": {"DIV": 2}, "a.bit_0": {"LUT_INIT": 0xffff}}


def lines_of(cells):
    """Return the lines of a design as nextpnr writes it."""
    return json.dumps({name: {"hide_name": 0, "parameters": values}
                       for name, values in cells.items()}, indent=2).splitlines(keepends=True)


def test_rewritten():
    """What is wanted, in as many bits as before, and nothing else."""
    cells = json.loads("".join(rewritten(lines_of(WRITTEN), WANTED)))
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
        list(rewritten(lines_of(cells), WANTED))


def test_other_tools(tmp_path):
    """Where nextpnr writes something else, the sentence names its file."""
    (tmp_path / "placed.cells").write_text("{}")
    with pytest.raises(UserError, match="placed.cells is not a design as nextpnr .* is missing"):
        reclock(board("icebreaker"), tmp_path, "placed", "again", WANTED)


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
