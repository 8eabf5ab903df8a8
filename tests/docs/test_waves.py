# amaranth: UnusedElaboratable=no
"""The timing diagrams are what the simulation of each example in rtl_out/ gives, byte for byte."""

from pathlib import Path

import pytest

from sim.waves.diagram import Row, lane, picture, wave_json
from sim.waves.examples import WAVES

from .test_rtl_out import COMMANDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "waves"


def test_every_example_has_one():
    assert {*WAVES} == {*COMMANDS}
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{name}.{ending}" for name in WAVES for ending in ("json", "svg")}


@pytest.mark.parametrize("name", WAVES)
def test_is_simulated(name):
    assert (FOLDER / f"{name}.json").read_text("utf-8") == wave_json(WAVES[name]())


@pytest.mark.parametrize("name", WAVES)
def test_picture(name):
    pytest.importorskip("yowasp_wavedrom")
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == picture(text)


@pytest.mark.parametrize("name", WAVES)
def test_is_shown(name):
    """On a page of the docs, and where the Verilog is."""
    pages = [page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md")]
    assert any(f"](waves/{name}.svg)" in page for page in pages)
    assert f"](../docs/waves/{name}.svg)" in (ROOT / "rtl_out" / "README.md").read_text("utf-8")


def cycles(*values, taken=True):
    return [(value, taken) for value in values]


@pytest.mark.parametrize("row, seen, cut, drawn", [
    (Row(None), cycles(False, True, True, False), range(0), {"wave": "01.0"}),
    (Row(None), cycles(None, "5", "5", None), range(0), {"wave": "x==x", "data": ["5", "5"]}),
    (Row(None), cycles("5", "5", "6", taken=False), range(0), {"wave": "=.=", "data": ["5", "6"]}),
    (Row(None), cycles(True, True, True, False), range(1, 3), {"wave": "1|0"}),
    (Row(None, None, 2), cycles("1", "2", "3", "4"), range(0),
     {"wave": "=.=.", "data": ["12", "34"]}),
])
def test_lane(row, seen, cut, drawn):
    assert lane("o", row, seen, cut) == {"name": "o", **drawn}


@pytest.mark.parametrize("row, seen, cut, message", [
    (Row(None), cycles(True, True, False, False), range(1, 3), "^o changes in the cycles that "),
    (Row(None, None, 2), cycles("1", None, "2"), range(0), "^o pauses within words that "),
])
def test_nothing_is_hidden(row, seen, cut, message):
    with pytest.raises(ValueError, match=message):
        lane("o", row, seen, cut)
