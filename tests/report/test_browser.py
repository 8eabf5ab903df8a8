"""The pages of `hwgen report` and `hwgen tune`, in a real browser, without a network."""

import json
import re

import pytest

from hwgen.cli import main
from hwgen.tune import search as searching
from hwgen.tune.space import space

from ..networks import path
from .browser import PROGRAM, Browser

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="there is no Chromium here: apt-get install chromium-headless-shell")

GROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(24, 26, 27)"}
PLOTS = ("pareto", "layers", "roof", "memory")


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


@pytest.mark.parametrize("colours", GROUNDS)
@pytest.mark.parametrize("name", ["one", "front"])
def test_opens(browser, name, colours, request):
    """A page shows all of its data, asks for nothing else, and has nothing to complain of."""
    file = request.getfixturevalue(name)
    data = data_of(file)
    assert file.stat().st_size < 5 << 20
    browser.show(file, colours)
    assert browser.complaints() == []
    assert browser.requests() == [file.as_uri()]
    assert browser.value("getComputedStyle(document.body).backgroundColor") == GROUNDS[colours]
    assert browser.value("document.title") == data["title"]
    assert count(browser, "#pareto .dot") == (len(data["designs"]) if name == "front" else 0)
    assert count(browser, "#A option") == len(data["designs"])
    assert count(browser, "#fields tr") > 9
    assert "NaN" not in browser.value("document.getElementById('fields').textContent")
    for plot in PLOTS[name == "one":]:
        assert count(browser, f"#{plot} path, #{plot} rect, #{plot} circle") > 3, plot
        # Nothing is drawn where a number went wrong.
        assert "NaN" not in browser.value(f"document.getElementById({plot!r}).innerHTML")


PLACES = "[...document.querySelectorAll('#pareto .dot')].map(dot => dot.cx.baseVal.value)"
VIEW = "document.getElementById('pareto').getAttribute('viewBox')"


def click(browser, number):
    """Click a Design of the front."""
    browser.value(f"document.querySelectorAll('#pareto .dot')[{number}].dispatchEvent("
                  "new MouseEvent('click', {bubbles: true}))")


def test_lives(browser, front):
    """Another Design and another part of the front are shown when they are asked for."""
    browser.show(front, "light")
    assert data_of(front)["second"] != 1
    fields = browser.value("document.getElementById('fields').textContent")
    click(browser, 1)
    assert browser.value("document.getElementById('B').value") == "1"
    assert browser.value("document.getElementById('fields').textContent") != fields
    view, places = browser.value(VIEW), browser.value(PLACES)
    browser.value("document.getElementById('pareto').dispatchEvent("
                  "new WheelEvent('wheel', {deltaY: -100, clientX: 200, clientY: 200}))")
    closer = browser.value(VIEW)
    assert closer != view
    click(browser, 2)  # draws again, and leaves what is seen where it is
    assert (browser.value(VIEW), browser.value(PLACES)) == (closer, places)
    browser.value("document.getElementById('pareto').dispatchEvent(new MouseEvent('dblclick'))")
    assert browser.value(VIEW) == view
    assert browser.complaints() == []
