"""The site: its first page leads to all, what is made of the code is of today, and it builds."""

import re
import subprocess
import sys

import pytest

from docs.site.operators import WORDS
from docs.site.reference import PAGES
from docs.site.scripts import bring
from hwgen.network.onnx.reading import HANDLERS
from hwgen.network.tflite.operator_codes import RUNS

from ..report.browser import PROGRAM, Browser
from .test_links import PAGES as FILES
from .test_links import ROOT

pytest.importorskip("onnx")


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_of_today(name):
    """`python -m docs.site.reference docs` writes them."""
    assert (ROOT / "docs" / name).read_text("utf-8") == PAGES[name]()


def test_every_operator_has_its_restrictions():
    assert {*WORDS["tflite"]} == {*RUNS}
    assert {*WORDS["onnx"]} == {name for _, name in HANDLERS}
    assert {*WORDS["types"]} <= {*RUNS}


def test_first_page_leads_to_all():
    index = ROOT / "docs" / "index.md"
    listed = re.findall(r"^- \[[^]]+\]\(([^)]+)\)", index.read_text("utf-8"), re.M)
    assert len(listed) == len({*listed})
    pages = {*FILES, ROOT / "rtl_out" / "README.md", *ROOT.glob("docs/notebooks/*.ipynb")} - {index}
    assert {(index.parent / name).resolve() for name in listed} == pages


@pytest.fixture(scope="module")
def site():
    """The folder of the site, which is built without a warning."""
    pytest.importorskip("sphinx")
    run = subprocess.run([sys.executable, "-m", "docs.site"], cwd=ROOT, text=True,
                         capture_output=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return ROOT / "build" / "site"


@pytest.mark.slow
def test_builds(site):
    """No page loads anything from elsewhere."""
    pages = [*site.rglob("*.html")]
    assert len(pages) > len(FILES)
    for page in pages:
        loaded = re.findall(r"<(?:script|img|link|iframe)[^>]*? (?:src|href)=\"(https?:[^\"]*)",
                            page.read_text("utf-8"))
        assert loaded == [], page


@pytest.mark.slow
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_faults(site, colours, tmp_path):
    """In a browser: nothing on the console, and nothing serious that axe-core finds."""
    axe = bring("axe.min.js")
    if PROGRAM is None or axe is None:
        pytest.skip("needs Chromium, and npm for axe-core")
    with Browser(tmp_path) as browser:
        for name in ("index", "tutorial", "operators", "architecture", "tune", "notebooks/unit"):
            browser.show(site / "docs" / f"{name}.html", colours)
            assert browser.complaints() == []
            assert {address.partition(":")[0] for address in browser.requests()} <= {"file", "data"}
            assert browser.faults(axe) == [], name
