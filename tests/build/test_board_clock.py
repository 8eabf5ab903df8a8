"""The clock at which times are told: which one it is, of which board, and that it is said."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hwgen.arch import boards
from hwgen.arch.boards import BOARDS, presets
from hwgen.arch.design import Design
from hwgen.area.clock import median_clock
from hwgen.build.clock import clock_of, expected_clock
from hwgen.build.record import Record
from hwgen.build.records import board_records
from hwgen.cli import main
from hwgen.errors import UserError

from ..networks import path
from .test_build import SIXTH

KEYWORDS = str(path("kws_dscnn"))
ULX3S = Design.load("ulx3s-85f")
ROOT = Path(__file__).parents[2]


def told(capsys, *words):
    """Run a command that tells times, and return its facts."""
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def another(tmp_path, monkeypatch):
    """A folder, and a second board with a chip."""
    return add_board(tmp_path, monkeypatch)


def add_board(tmp_path, monkeypatch):
    """Add a second board with the chip of the OrangeCrab, of another speed grade and crystal."""
    folder = tmp_path / "boards"
    shutil.copytree(boards.CHECKOUT, folder)
    (folder / "ulx3s-25f.toml").write_text(SIXTH)
    monkeypatch.setattr(BOARDS, "_folder", folder)
    monkeypatch.setattr(BOARDS, "_read", {})
    return tmp_path


NOT_PLACED = {"ecp5-5g-evn", "ecpix5-85f", "orangecrab-85f", "ulx3s-12f"}
"""Boards of which no build is recorded: docs/boards.md says so."""


def test_not_placed():
    assert {at for at in BOARDS if not board_records(at)} == NOT_PLACED


@pytest.mark.parametrize("at", sorted(set(BOARDS) - NOT_PLACED))
def test_recorded(at):
    """Of every Design that was built, the clock that it met, of the presets and of the tuner."""
    assert board_records(at)
    for record in board_records(at):
        clock = clock_of(record.design, at)
        assert (clock.mhz, clock.source) == (record.clock_mhz, "recorded") and at in clock.why
        assert clock_of(record.design, None) == clock  # one board alone has it


def test_cycles(capsys):
    facts = told(capsys, "cycles", KEYWORDS, "--design", "ulx3s-85f")
    assert (facts["clock_mhz"], facts["clock_source"]) == (110, "recorded")
    assert facts["milliseconds"] == facts["predicted_cycles"] / 110 / 1000
    assert main(["cycles", KEYWORDS]) == 0
    assert ("22,193 cycles predicted: 0.20 ms at 110 MHz, which its recorded build for ulx3s-85f "
            "has met") in capsys.readouterr().out


def test_given(capsys):
    """What is asked for is taken, and what is known besides is said."""
    facts = told(capsys, "cycles", KEYWORDS, "--clock", "50")
    assert (facts["clock_mhz"], facts["clock_source"]) == (50, "given")
    assert "110 MHz" in facts["clock_says"]


def test_another_design(capsys):
    """What was recorded of one Design says nothing of another one for the same board."""
    facts = told(capsys, "cycles", KEYWORDS, "--design", "ulx3s-85f", "--columns", "8", "--lanes",
                 "8", "--hard-lanes", "8", "--dsps", "72")
    assert facts["clock_source"] == "expected"
    low, high = facts["clock_bounds_mhz"]
    assert facts["clock_mhz"] == median_clock(ULX3S, "6").mhz and low < facts["clock_mhz"] < high
    assert main(["cycles", KEYWORDS, "--steps", "255"]) == 0
    assert re.search(r"MHz, as \d+ placements of its kind on LFE5U-85F let expect: [\d.]+ to ",
                     capsys.readouterr().out)


def test_crystal():
    """Of a kind that was never placed, the board's own clock, and that this is what it is."""
    clock = clock_of(Design.load("ulx3s-85f:serial"), "ulx3s-85f")
    assert (clock.mhz, clock.source) == (25, "crystal") and "the crystal of ulx3s-85f" in clock.why


def test_a_board_and_not_its_chip(another, capsys):
    """A preset is of its board, though another has the same chip and comes first."""
    facts = told(capsys, "cycles", KEYWORDS, "--design", "ulx3s-25f", "--activation-memory",
                 "65536")
    assert (facts["clock_mhz"], facts["clock_source"]) == (25, "crystal")
    file = another / "mine.toml"
    file.write_text(Design.load("ulx3s-25f").replace(activation_memory=65536).to_toml())
    facts = told(capsys, "cycles", KEYWORDS, "--design", str(file))
    assert facts["clock_source"] == "unknown" and facts["milliseconds"] is None
    assert "orangecrab-25f and ulx3s-25f; --board names one" in facts["clock_says"]
    for at, source in (("ulx3s-25f", "crystal"), ("orangecrab-25f", "expected")):
        assert told(capsys, "cycles", KEYWORDS, "--design", str(file), "--board", at)[
            "clock_source"] == source
    assert told(capsys, "cycles", KEYWORDS, "--design", str(file), "--clock", "30")[
        "clock_mhz"] == 30
    assert clock_of(Design.load("orangecrab-25f"), None).mhz == 90  # who has it is recorded


def test_no_board(capsys):
    """Of a Design without a chip no time is made up."""
    words = ["cycles", KEYWORDS, "--family", "generic", "--hard-lanes", "0"]
    assert told(capsys, *words)["milliseconds"] is None
    assert main(words) == 0
    assert "no time is known: the Design is for no board; --clock says" in capsys.readouterr().out
    assert told(capsys, *words, "--clock", "10")["clock_mhz"] == 10


def test_build(tmp_path, capsys):
    """The record of a build that is named has its Design and its clock."""
    record = board_records("icebreaker")[0]
    record.write(tmp_path)
    facts = told(capsys, "cycles", KEYWORDS, "--build", str(tmp_path))
    assert (facts["clock_mhz"], facts["clock_source"]) == (record.clock_mhz, "built")
    assert facts["design"] == record.design.name
    for words, text in (("--clock 5", "--clock must be left out with --build"),
                        ("--rows 5", "--rows must be left out with --build"),
                        ("--design icebreaker", "leave --design and --board out")):
        assert main(["cycles", KEYWORDS, "--build", str(tmp_path), *words.split()]) == 2
        assert text in capsys.readouterr().err


def test_wrong_board(capsys):
    assert main(["cycles", KEYWORDS, "--board", "icebreaker"]) == 2
    assert "device must be 'iCE40UP5K' of family 'ice40'" in capsys.readouterr().err


@pytest.mark.parametrize("words, cycles, says", [
    ("--design icebreaker", 24, "24 MHz, which its recorded build for icebreaker has met"),
    ("--design icebreaker --clock 12", 12, "12 MHz, as --clock says (24 MHz is the clock"),
    ("--design icebreaker --steps 1", 26, "26.2 MHz, as 4 placements of its kind"),
])
def test_bit_cycles(words, cycles, says, capsys, tmp_path, monkeypatch):
    """Whoever makes a serial port says of which clock its bits are."""
    monkeypatch.setattr("hwgen.generate.hardware.write", lambda design, folder, top: [])
    assert main(["generate", *words.split(), "--top", "uart", "-o", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert f"a bit takes {cycles} cycles: 1000000 baud at {says}" in text
    facts = told(capsys, "generate", *words.split(), "--top", "uart", "-o", str(tmp_path))
    assert facts["bit_cycles"] == cycles and facts["clock_source"]


def test_bit_cycles_of_no_clock(capsys, tmp_path):
    (tmp_path / "a.toml").write_text(ULX3S.replace(family="generic", device=None, dsps=None,
                                                   hard_lanes=0).to_toml())
    assert main(["generate", "--design", str(tmp_path / "a.toml"), "--top", "uart"]) == 2
    assert "--clock is missing, of which the baud is made" in capsys.readouterr().err


def test_grades():
    """What was placed on a board tells the clock of its speed grade, and of no other."""
    for at in set(BOARDS) - NOT_PLACED:
        for record in board_records(at):
            assert record.design.device == BOARDS[at].device
            assert median_clock(record.design, BOARDS[at].speed_grade)
    assert median_clock(ULX3S, "7") is None


@pytest.mark.parametrize("at", sorted(NOT_PLACED))
def test_other_grade(at):
    """What was placed on a slower grade, or on another chip, says nothing of these."""
    clock = clock_of(Design.load(at), at)
    assert (clock.mhz, clock.source) == (BOARDS[at].clock_mhz, "crystal")


def test_damaged_record(tmp_path, monkeypatch):
    """One that came with hwgen is named, and not passed over."""
    (tmp_path / "x.json").write_text("{")
    monkeypatch.setattr("hwgen.build.records.FOLDERS", (tmp_path,))
    with pytest.raises(UserError, match="x.json is not what `hwgen build` writes"):
        board_records.__wrapped__("icebreaker")


def test_clock_of_a_memory_chip():
    """It is that of the accelerator, and no other one will do."""
    design = Design.load("ulx3s-85f:stream")
    for given in (None, 110):
        assert clock_of(design, "ulx3s-85f", given).mhz == 110
    with pytest.raises(UserError, match="^--clock must be 110, as external says, not 100$"):
        clock_of(design, "ulx3s-85f", 100)


def test_presets_without_a_build():
    """Every preset with an accelerator has a clock, and it says where from."""
    for name, fields in presets().items():
        design = Design.from_dict(fields)
        clock = clock_of(design, name.partition(":")[0])
        assert clock.mhz and clock.source in ("recorded", "expected", "crystal") and clock.why
        assert expected_clock(design, name.partition(":")[0]).source in ("expected", "crystal")


@pytest.mark.slow
def test_wheel(tmp_path):
    """An installed wheel has the records, too."""
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-deps", "-q",
                    "-w", str(tmp_path), str(ROOT)], check=True)
    wheel, = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    names = sorted(file.name for file in (tmp_path / "site" / "hwgen" / "_records").rglob("*.*"))
    assert "ulx3s-85f.json" in names and not any(name.endswith(".svg") for name in names)
    script = ("from hwgen.build.clock import clock_of; from hwgen.arch.design import Design; "
              "print(clock_of(Design.load('ulx3s-85f'), 'ulx3s-85f').mhz)")
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "site", text=True,
                         capture_output=True, check=True)
    assert run.stdout == "110.0\n"


def test_old_records():
    """Those that were written before they said where their clock comes from."""
    for file in ROOT.glob("docs/results/boards/**/*.json"):
        assert Record.parse(file).clock_source == "built"


def test_tune(tmp_path, capsys):
    """Each Design of the front has its own clock, and time is what --within counts."""
    topology = tmp_path / "a.csv"
    topology.write_text("Layer, M, N, K,\na, 40, 20, 10,\n")
    words = ["tune", str(topology), "--board", "icebreaker"]
    facts = told(capsys, *words)
    clocks = {"systolic": 26.2, "bitserial": 25.2}
    assert facts["clock_source"] == "expected"
    assert facts["milliseconds"] == facts["cycles"][0] / facts["clock_mhz"] / 1000
    assert all(row["clock_mhz"] == clocks[row["engine"]] for row in facts["front"])
    given = told(capsys, *words, "--clock", "12", "--within", "1")
    assert given["clock_source"] == "given" and given["clock_mhz"] == 12
    assert {row["clock_mhz"] for row in given["front"]} == {12}
    most = facts["milliseconds"] * 1.01
    assert told(capsys, *words, "--within", str(most))["cycles"] == facts["cycles"]
    assert main([*words, "--within", str(most), "--clock", "12"]) == 2
    assert "are allowed at its clock" in capsys.readouterr().err


def test_tune_finds_what_was_built(capsys):
    """The preset of the Tang Nano 9K is what the tuner finds, and so its clock is recorded."""
    record = board_records("ice40-hx8k")[0]
    facts = told(capsys, "tune", str(path("kws_dscnn").with_name("tfc_1w1a.onnx")), "--board",
                 "ice40-hx8k", "--engine", "binary")
    assert facts["clock_source"] == "recorded" and facts["clock_mhz"] == record.clock_mhz
    assert record.clock_mhz in {row["clock_mhz"] for row in facts["front"]}
