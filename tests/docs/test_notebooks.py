"""The notebooks of docs/notebooks run from the first cell to the last, and store no outputs."""

import ast
import json
from pathlib import Path

import pytest

from ..fake_tools import FakeTools

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(path, kind):
    """Return the texts of the cells of a kind."""
    return ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]
            if cell["cell_type"] == kind]


def test_there_are_some():
    assert {path.stem for path in NOTEBOOKS} == {"architect", "board", "compress", "pytorch",
                                                 "unit"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_format(path):
    """What Jupyter reads; outputs are made by whoever runs it."""
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert {cell["cell_type"] for cell in notebook["cells"]} == {"markdown", "code"}
    assert not any(cell.get("outputs") or cell.get("execution_count")
                   for cell in notebook["cells"])
    assert path.read_text("utf-8") == json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    assert max(len(line) for kind in ("code", "markdown") for text in cells(path, kind)
               for line in text.splitlines()) <= 120


def marks(path):
    """Return the markers of a notebook's test."""
    if path.stem == "pytorch":  # its exporter is full of deprecated calls
        return [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
    return [pytest.mark.slow] * (path.stem != "unit")


@pytest.mark.parametrize("path", [pytest.param(path, marks=marks(path), id=path.stem)
                                  for path in NOTEBOOKS])
def test_runs(path, tmp_path, monkeypatch):
    """Each cell runs, and what its last line gives is shown as a notebook shows it.

    Bitstreams are made by stand-ins of the tools.
    """
    pytest.importorskip("onnx")
    pytest.importorskip("amaranth_boards")
    if path.stem == "pytorch":
        pytest.importorskip("torch")
        pytest.importorskip("onnxscript")
    (tmp_path / "networks").symlink_to(ROOT / "networks")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for number, text in enumerate(cells(path, "code")):
        if "hwgen.build(" in text:
            FakeTools(tmp_path / "tools", monkeypatch)
        tree = ast.parse(text)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{path.stem}, cell {number}", "exec"), names)
        if last:
            shown = eval(compile(ast.Expression(last.value), path.stem, "eval"), names)
            assert shown is None or getattr(shown, "_repr_html_", shown.__repr__)()
