"""The pages of `hwgen report` and `hwgen tune`, in a real browser, without a network."""

import json
import re

import pytest

from docs.site.scripts import bring
from hwgen.cli import main
from hwgen.tune import search as searching
from hwgen.tune.space import space

from ..networks import path
from .browser import PROGRAM, Browser

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no Chromium here: apt-get install chromium-headless-shell")

GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(24, 26, 27)"}
INKS = {"light": "#222", "dark": "#e4e4e4"}
CHARTS = ("pareto", "layers", "roof", "memory")
pytest.importorskip("altair")
pytest.importorskip("vl_convert")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser."""
    with Browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """A page of the tuner, of a space that is soon searched."""
    file = tmp_path_factory.mktemp("page") / "front.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "space", lambda at, engine, workloads: (
            each for each in space(at, engine, workloads) if each.columns[0] in (4, 16)))
        assert main(["tune", str(path("kws_dscnn")), "--report", str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """A page of one Design."""
    file = tmp_path_factory.mktemp("page") / "one.html"
    assert main(["report", str(path("ic_resnet8")), "--output", str(file)]) == 0
    return file


def data_of(file):
    """Return what a page was given to show."""
    return json.loads(re.search(r'id="data">(.*?)</script>', file.read_text(), re.S)[1])


def count(browser, selector):
    """Return how many elements a page has."""
    return browser.value(f"document.querySelectorAll({selector!r}).length")


def opened(browser, file, colours="light", width=1280):
    """Open a page in a window of some width, and wait until all is drawn."""
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=False)
    browser.show(file, colours)
    browser.wait("document.body.dataset.ready === 'yes'")


def marks(browser, chart, kind):
    """Return how many marks of a kind a chart has."""
    return count(browser, f'#{chart} [aria-roledescription="{kind}"]')


@pytest.mark.parametrize("width", [390, 1280, 2560])
@pytest.mark.parametrize("colours", GROUNDS)
@pytest.mark.parametrize("name", ["one", "front"])
def test_opens(browser, name, colours, width, request):
    """A page shows all of its data, asks for nothing else, and has nothing to complain of.

    No window is so narrow that the page is wider.
    """
    file = request.getfixturevalue(name)
    data = data_of(file)
    assert file.stat().st_size < 5 << 20
    opened(browser, file, colours, width)
    assert browser.complaints() == []
    assert browser.requests() == [file.as_uri()]
    assert browser.value("getComputedStyle(document.body).backgroundColor") == GROUNDS[colours]
    assert browser.value("document.title") == data["title"]
    assert browser.value("document.documentElement.scrollWidth") <= width
    layers = [layer["name"] for layer in data["networks"][0]["layers"]]
    assert marks(browser, "layers", "bar") == 2 * len(data["designs"][:2]) * len(layers)
    assert marks(browser, "pareto", "point") == (len(data["designs"]) if name == "front" else 0)
    for chart in CHARTS[name == "one":]:
        drawn = browser.value(f"document.getElementById({chart!r}).innerHTML")
        assert "NaN" not in drawn and INKS[colours] in drawn, chart
    for table in ("table", "fields", *["designs"] * (name == "front")):
        text = browser.value(f"document.getElementById({table!r}).textContent")
        assert "NaN" not in text and "undefined" not in text, table
    assert browser.value("[...document.querySelectorAll('#table td:first-child')]"
                         ".map(cell => cell.textContent)") == layers


@pytest.mark.parametrize("name", ["one", "front"])
def test_can_be_read_aloud(browser, name, request):
    """Charts have names, controls have labels, and what scrolls can be reached by keyboard."""
    opened(browser, request.getfixturevalue(name))
    charts = browser.value("[...document.querySelectorAll('.chart svg')].map(svg => "
                           "[svg.getAttribute('role') ?? '', svg.getAttribute('aria-label') "
                           "?? svg.querySelector('[aria-label]').getAttribute('aria-label')])")
    assert len(charts) == len(CHARTS[name == "one":]) and all(label for _, label in charts)
    assert browser.value("[...document.querySelectorAll('select')].every(each => "
                         "each.closest('label').textContent.trim())")
    assert browser.value("[...document.querySelectorAll('.wide, pre')].every(each => "
                         "each.tabIndex === 0)")
    assert browser.value("[...document.querySelectorAll('th')].every(each => each.textContent)")


@pytest.mark.slow
@pytest.mark.parametrize("colours", GROUNDS)
@pytest.mark.parametrize("name", ["one", "front"])
def test_faults(browser, name, colours, request):
    """axe-core finds nothing serious: contrast, roles, labels."""
    axe = bring("axe.min.js")
    if axe is None:
        pytest.skip("npm does not bring axe-core")
    opened(browser, request.getfixturevalue(name), colours)
    assert browser.faults(axe) == []


def test_names_layers_and_tensors(browser, one):
    opened(browser, one)
    data = data_of(one)["networks"][0]
    roof = browser.value("document.getElementById('roof').textContent")
    assert all(row["label"] in roof for row in data["roof"] if "label" in row)
    memory = browser.value("document.getElementById('memory').textContent")
    assert all(row["label"][:3] in memory for row in data["memory"] if row["roomy"])


def test_lives(browser, front):
    """Another Design and another network are shown when they are asked for."""
    opened(browser, front)
    data = data_of(front)
    last = len(data["designs"]) - 2  # of the front; no other point is near it
    assert data["second"] == last + 1
    fields = browser.value("document.getElementById('fields').textContent")
    point = f"document.querySelectorAll('#pareto [aria-roledescription=point]')[{last}]"
    place = browser.value(f"(() => {{ const box = {point}.getBoundingClientRect();"
                          "return [box.x + box.width / 2, box.y + box.height / 2]; })()")
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1],
                     button="left", clickCount=1)
    browser.wait(f"document.getElementById('B').value === '{last}'")
    assert browser.value("document.getElementById('fields').textContent") != fields
    browser.value("(() => { const B = document.getElementById('B'); B.value = '2';"
                  "B.dispatchEvent(new Event('change')); })()")
    name = data["designs"][2]["name"]
    browser.wait(f"document.getElementById('layers').textContent.includes({name!r})")
    assert name in browser.value("document.getElementById('fields').textContent")
    assert browser.complaints() == []
