"""Commands for developers that pages name are there: targets, modules, files of tests, tests."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import pytest

from .test_links import PAGES, ROOT

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PLACES = re.compile(r"\bx\b|_x\b|FOLDER|NAME|FOO|foo")
"""What stands for something else."""


def commands(program):
    """Yield the page and the words of all commands that begin so, in spans and blocks of code."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        code = [*re.findall(r"(?<!`)`([^`]+)`(?!`)", text),
                *"".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.S | re.M)).splitlines()]
        for line in code:
            words = " ".join(line.partition(" #")[0].split())
            if words.startswith(program):
                yield page.relative_to(ROOT).as_posix(), words


def test_targets_are_in_the_makefile():
    named = {words.split()[1] for _, words in commands("make ") if words.split()[1].islower()}
    assert len(named) > 8
    assert not named - set(re.findall(r"^([a-z]+):", MAKEFILE, re.M))


def test_modules_can_be_run():
    named = {words.split()[2] for _, words in commands("python -m ")}
    assert len(named) > 8
    for name in named:
        spec = find_spec(name)
        assert spec, name
        assert "__main__" in Path(spec.origin).read_text("utf-8") or find_spec(f"{name}.__main__")


@pytest.mark.parametrize("page, words", sorted(set(commands("pytest"))))
def test_tests_are_where_pages_say(page, words):
    """Files and folders are there, and have what ``-k`` and ``-m`` ask for."""
    given = [word for word in shlex.split(words)[1:] if not PLACES.search(word)]
    paths = [word for word in given if word.startswith("tests")]
    assert not [path for path in paths if not (ROOT / path.partition("::")[0]).exists()]
    files = [file for path in paths or ["tests"] for file in (
        (ROOT / path).rglob("*.py") if (ROOT / path).is_dir() else [ROOT / path])]
    text = "\n".join(file.read_text("utf-8") for file in files)
    wanted = [word for option, word in zip(given, given[1:], strict=False) if option == "-k"]
    marks = [word for option, word in zip(given, given[1:], strict=False) if option == "-m"]
    assert all(word in text for word in wanted)
    assert all(re.search(rf"mark\.{mark}\b", text) for each in marks
               for mark in re.findall(r"[a-z]+", each) if mark not in ("or", "not", "and"))
