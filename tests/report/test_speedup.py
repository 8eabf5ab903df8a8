import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hwgen.report.docs_tables.speedup import DENSITIES, DEPTHS, SHARES, measure, page
from hwgen.report.plot import line_plot, ticks

RESULTS = Path(__file__).parents[2] / "docs" / "results"
KNOWN = json.loads((RESULTS / "speedup.json").read_text())


def test_ticks():
    assert ticks(0.05, 1) == [0.05, 0.1, 0.2, 0.5, 1]
    assert ticks(3, 30) == [3, 5, 10, 20, 30]


def test_plot():
    """Lines from corner to corner, names that need escaping."""
    root = ElementTree.fromstring(line_plot("a & b", "x", "y", {"<": [(1, 1), (10, 100)],
                                                                "z": [(1, 10)]}))
    space = {"svg": "http://www.w3.org/2000/svg"}
    line, single = root.findall("svg:polyline", space)
    assert line.get("points") == "60.0,370.0 530.0,40.0"
    assert single.get("points") == "60.0,205.0"
    assert {text.text for text in root.findall("svg:text", space)} >= {"a & b", "x", "y", "<", "z"}


def test_plots_are_of_the_figures():
    assert len(KNOWN) == len(DENSITIES) * len(DEPTHS) * len(SHARES)
    for share in SHARES:
        text = (RESULTS / f"speedup_{share * 100:.0f}.svg").read_text()
        assert text == page(KNOWN, share)


@pytest.mark.parametrize("share", SHARES)
def test_never_faster_than_theory(share):
    chosen = [figure for figure in KNOWN if figure["activations"] == share]
    assert chosen and all(figure["speedup"] <= figure["theory"] for figure in chosen)


@pytest.mark.slow
def test_figures_are_current():
    assert measure() == KNOWN
