import importlib

import pytest

from hwgen.arch.boards import BOARDS, board, presets, read_board
from hwgen.arch.design import Design
from hwgen.errors import UserError

GOOD = """\
title = "A board"
platform = "amaranth_boards.some:SomePlatform"
family = "ecp5"
device = "LFE5U-85F"
package = "BG381"
speed_grade = "6"
clock_mhz = 25.5
luts = 10
multipliers = 2
multiplier = "MULT18X18D"
block_rams = 3
block_ram_bits = 18432
[design]
rows = 1
"""


def test_names():
    assert {"ulx3s-85f", "icebreaker", "ice40-hx8k"} <= set(BOARDS)
    assert all(board(name).name == name for name in BOARDS)


@pytest.mark.parametrize("name", presets())
def test_preset(name):
    design = Design.load(name)
    assert design.family == board(name.partition(":")[0]).family
    assert design.rows * design.columns >= 4


def test_presets():
    assert {"icebreaker", "icebreaker:sixteen"} <= set(presets())
    assert Design.load("icebreaker:sixteen").columns == 4
    with pytest.raises(UserError, match="no preset .* 'icebreaker:sixten'.*'icebreaker:sixteen'?"):
        Design.load("icebreaker:sixten")


def test_read_designs(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(GOOD + "[designs.other]\nrows = 2\n")
    assert read_board(path).designs["other"] == {"rows": 2}
    path.write_text("designs = { other = 3 }\n" + GOOD)
    with pytest.raises(UserError, match=r"designs\.other must be a table, not 3"):
        read_board(path)


@pytest.mark.parametrize("name", BOARDS)
def test_matches_platform(name):
    pytest.importorskip("amaranth_boards")
    found = board(name)
    module, _, attribute = found.platform.partition(":")
    platform = getattr(importlib.import_module(module), attribute)
    chip = platform.family if found.family == "gowin" else platform.device
    assert chip == found.device
    clock = next(r for r in platform.resources if r.name == platform.default_clk)
    assert clock.clock.frequency / 1e6 == pytest.approx(found.clock_mhz)


@pytest.mark.parametrize("name", [n for n in BOARDS if BOARDS[n].family != "gowin"])
def test_matches_package(name):
    pytest.importorskip("amaranth_boards")
    found = board(name)
    module, _, attribute = found.platform.partition(":")
    platform = getattr(importlib.import_module(module), attribute)
    assert platform.package == found.package
    assert getattr(platform, "speed", "") == found.speed_grade


def test_unknown():
    with pytest.raises(UserError, match="no board .*; did you mean .ulx3s-85f"):
        board("ulx3s-85")


def test_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    found = read_board(path)
    assert (found.name, found.clock_mhz, found.memory_bits) == ("mine", 25.5, 3 * 18432)
    assert found.to_dict()["design"] == {"rows": 1}


@pytest.mark.parametrize("old, new, sentence", [
    ("luts = 10", "lut = 10", "there is no field 'lut'; did you mean 'luts'"),
    ("luts = 10\n", "", "the field 'luts' is missing"),
    ("luts = 10", "luts = 1.5", "luts must be an integer, not 1.5"),
    ("luts = 10", "luts = true", "luts must be an integer, not True"),
    ("luts = 10", "luts = -1", "luts must not be negative, not -1"),
    ("clock_mhz = 25.5", "clock_mhz = nan", "clock_mhz must be a number, not nan"),
    ("clock_mhz = 25.5", "clock_mhz = 0", "clock_mhz must be from 1 to 1000, not 0"),
    ("clock_mhz = 25.5", "clock_mhz = 1e300", "clock_mhz must be from 1 to 1000, not 1e"),
    ('package = "BG381"', "package = 381", "package must be a text, not 381"),
    ("[design]\nrows = 1", "design = 1", "there is no field|design must be a table, not 1"),
    ('speed_grade = "6"', 'speed_grade = "5"', "speed_grade must be 6 or 7 or 8, as LFE5U-85F has"),
    ('device = "LFE5U-85F"', 'device = "LFE5UM5G-85F"', "speed_grade must be 8, as LFE5UM5G-85F"),
    ('"ecp5"', '"ecp6"', "family must be one of ecp5, ice40, gowin, not 'ecp6'"),
    (":SomePlatform", "", "platform must be of the form module:Class"),
    ("luts = 10", "luts = ", "is not a board file"),
    ("luts = 10", 'luts = 10\npll = "rPLL"', "pll must be EHXPLLL, or left out, not 'rPLL'"),
    ("[design]", '[serial]\nrx = "1"\n[design]', "serial must have the texts rx and tx"),
    ("[design]", '[serial]\nrx = "1"\ntx = 2\n[design]', "serial must have the texts rx and tx"),
    ("[design]", '[serial]\nrx = "1"\ntx = "2"\nattributes = 3\n[design]',
     "serial.attributes must be a table, not 3"),
    ("[design]\nrows = 1\n", "", "the field 'design' is missing"),
])
def test_read_wrong(tmp_path, old, new, sentence):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError, match=f"mine.toml.*({sentence})"):
        read_board(path)


def test_read_binary(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\x00")
    with pytest.raises(UserError, match="is not a board file"):
        read_board(path)
