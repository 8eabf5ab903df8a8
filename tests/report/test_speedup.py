import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hwgen.errors import UserError
from hwgen.report.docs_tables.speedup import DENSITIES, DEPTHS, SHARES, measure, page

charts = pytest.importorskip("hwgen.report.charts")
pytest.importorskip("altair")
pytest.importorskip("vl_convert")

RESULTS = Path(__file__).parents[2] / "docs" / "results"
KNOWN = json.loads((RESULTS / "speedup.json").read_text())


def shown(text):
    """Return what a picture shows: its words, and the lines of its marks."""
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    return ([each.text for each in root.iter(f"{space}text")],
            [each.get("d") for each in root.iter(f"{space}path")
             if each.get("aria-roledescription") == "line mark"])


def test_plot():
    """Lines from corner to corner, names that need escaping."""
    words, lines = shown(charts.line_plot("a & b", "x", "y", {
        "<": [(1, 1), (10, 100)], "z": [(1, 10), (10, 10)]}))
    assert lines == ["M0,340L560,0", "M0,170L560,170"]
    assert {*words} >= {"a & b", "x", "y", "<", "z", "1", "10", "100"}


def test_plots_are_of_the_figures():
    """Fonts may differ from machine to machine, and move what is around the lines."""
    assert len(KNOWN) == len(DENSITIES) * len(DEPTHS) * len(SHARES)
    for share in SHARES:
        text = (RESULTS / f"speedup_{share * 100:.0f}.svg").read_text()
        assert shown(text) == shown(page(KNOWN, share))
        assert len(shown(text)[1]) == len(DEPTHS) + 1


def test_scatter():
    """Points, those that are marked with their names, and the bound."""
    root = ElementTree.fromstring(charts.scatter(
        "a <b>", "x", "y", [(0.0, 0.0), (2.0, 1.0)], [(2.0, 1.0, "chosen <c>")], 0.5))
    kinds = [each.get("aria-roledescription") for each in root.iter()]
    assert (kinds.count("circle"), kinds.count("rule mark")) == (3, 1)
    assert {"a <b>", "chosen <c>"} <= {each.text for each in root.iter()}
    single = charts.scatter("a", "x", "y", [(0.0, 0.0)])
    assert single.count('aria-roledescription="circle"') == 1 and "NaN" not in single


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(UserError, match=r"charts need Altair: `pip install .*charts.*` brings it"):
        charts.scatter("a", "x", "y", [(0.0, 0.0)])


@pytest.mark.parametrize("share", SHARES)
def test_never_faster_than_theory(share):
    chosen = [figure for figure in KNOWN if figure["activations"] == share]
    assert chosen and all(figure["speedup"] <= figure["theory"] for figure in chosen)


@pytest.mark.slow
def test_figures_are_current():
    assert measure() == KNOWN
