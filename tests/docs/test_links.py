"""Links of the pages lead to files and headings that are there; so do the paths that they name."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("networks/*.md")]


def prose(page):
    """Return the text of a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.S | re.M)


def anchors(page):
    """Return the anchors of a page's headings, as the usual hosts make them."""
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", prose(page), re.M)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if "://" not in link]
    there = [(link, page.parent / name if name else page, anchor) for link in links
             for name, _, anchor in [link.partition("#")]]
    assert [link for link, target, _ in there if not target.exists()] == []
    assert [link for link, target, anchor in there
            if anchor and anchor not in anchors(target)] == []


def test_pages_name_files_that_exist():
    """FOLDER, NAME and x stand for others; the board is one that the reader makes."""
    named = {name for page in PAGES for name in re.findall(
        r"`((?:hwgen|sim|tests|docs|boards|networks)/[\w/.-]+)`", page.read_text("utf-8"))}
    real = {name for name in named if not re.search(r"FOLDER|NAME|\bx\b|_x\b", name)}
    assert len(real) > 60
    assert {name for name in real if not (ROOT / name).exists()} == {"boards/ulx3s-25f.toml"}
