"""The limits that keep the code easy to read: of folders, files and functions."""

import ast
import collections
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "hwgen").rglob("*.py"))

FILE = 350
"""Lines of a file at most."""
FUNCTION = 60
"""Lines of a function at most, its docstring among them."""

LONG: dict[str, str] = {}
"""Longer functions, each with the reason why it is not split: a table of data, or a parser."""

SHARED = {
    "Column": "stands in Verilog, as the name of a module",
    "Lane": "stands in Verilog, as the name of a module",
    "Part": "a part of an accelerator: its row in the table, its golden model, its hardware",
}
"""Names of several classes, each with the reason why it stands for more than one thing."""

PARTICIPLES = set("beaten begun bound broken built chosen done drawn driven found given gone held"
                  " hidden kept known laid left lost made met said seen sent shown spent stuck"
                  " taken told won written".split())
"""Irregular ones; those that are verbs as well, such as read, put and cut, are not here."""
VERBS = {"embed", "exceed", "feed", "need", "proceed", "seed"}
"""Words in -ed that are no participles."""


def name(path):
    return path.relative_to(ROOT).as_posix()


@functools.cache
def nodes(path):
    """Return all that a file consists of."""
    return [*ast.walk(ast.parse(path.read_text()))]


@pytest.mark.parametrize("package, folders, files", [("hwgen", 18, 6), ("hwgen/rtl", 13, 3)])
def test_packages_have_few_parts(package, folders, files):
    assert len([*(ROOT / package).glob("*/__init__.py")]) <= folders
    assert len([*(ROOT / package).glob("*.py")]) <= files


def test_files_are_short():
    lines = {name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert not {path: count for path, count in lines.items() if count > FILE}


def test_functions_are_short():
    """Those that are not are :data:`LONG`, and nothing else is there."""
    lines = {f"{name(path)}: {node.name}": node.end_lineno - node.lineno + 1
             for path in SOURCES for node in nodes(path)
             if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {function for function, count in lines.items() if count > FUNCTION} == {*LONG}


def test_class_names_stand_for_one_thing():
    """A golden model has the name of its hardware, and equal primitives of families have one name.

    All others are :data:`SHARED`, and nothing else is there.
    """
    folders = collections.defaultdict(list)
    for path in SOURCES:
        within = path.relative_to(ROOT / "hwgen")
        primitive = within.is_relative_to("rtl/primitives")
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                if not (primitive and "rtl/primitives" in folders[node.name]):
                    folders[node.name].append("rtl/primitives" if primitive else within.parts[0])
    several = {name for name, where in folders.items() if len(where) > 1}
    assert several - {name for name in several if sorted(folders[name]) == ["golden", "rtl"]} \
        == {*SHARED}


def test_functions_are_verbs():
    """Or name what they return; a bare participle says neither. Properties are named as values."""
    bare = {f"{name(path)}: {node.name}" for path in SOURCES for node in nodes(path)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not any("property" in ast.unparse(each) for each in node.decorator_list)
            and is_participle(node.name.strip("_"))}
    assert not bare


def is_participle(word):
    return word in PARTICIPLES or word.endswith("ed") and "_" not in word and word not in VERBS


def test_gateware_has_no_assertions():
    """What a proof needs to know of a state is said by its spec, in tests/."""
    named = {name(path): {node.id for node in nodes(path) if isinstance(node, ast.Name)}
             for path in SOURCES if path.is_relative_to(ROOT / "hwgen" / "rtl")}
    assert not {path for path, names in named.items() if names & {"Assert", "Assume", "Cover"}}
