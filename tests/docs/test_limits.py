"""The limits that keep the code easy to read: of folders, files and functions."""

import ast
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


def test_gateware_has_no_assertions():
    """What a proof needs to know of a state is said by its spec, in tests/."""
    named = {name(path): {node.id for node in nodes(path) if isinstance(node, ast.Name)}
             for path in SOURCES if path.is_relative_to(ROOT / "hwgen" / "rtl")}
    assert not {path for path, names in named.items() if names & {"Assert", "Assume", "Cover"}}
