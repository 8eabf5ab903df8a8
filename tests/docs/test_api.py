"""The Python API: docs/api.md is made of its docstrings, whose examples run."""

import doctest
import inspect
import pathlib
import re
import subprocess
import sys
import tomllib

import numpy
import pytest

import hwgen
from hwgen.report.docs_tables.api import GROUPS, RESULTS, reference
from hwgen.text import Shown, ShownTable
from hwgen.tools.find import compiler, verilator

from ..fake_tools import FakeTools

ROOT = pathlib.Path(__file__).parents[2]
simulates = pytest.mark.skipif(not (verilator() and compiler()), reason="needs Verilator and g++")
MARKS = {"prune": pytest.mark.slow, "quantize_mixed": pytest.mark.slow, "tune": pytest.mark.slow,
         "faults": pytest.mark.slow, "simulate": simulates}
NEEDS_ONNX = {"faults", "quantize", "quantize_mixed", "simulate", "tune"}


def run_python(code):
    """Run code in another process, in which nothing was imported, and return what it prints."""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_page_is_of_today():
    assert (ROOT / "docs" / "api.md").read_text("utf-8") == reference()


def test_dir_is_what_the_page_lists():
    page = (ROOT / "docs" / "api.md").read_text("utf-8").partition("## What functions return")[0]
    assert sorted(re.findall(r"^### (\w+)$", page, re.M)) == dir(hwgen) == sorted(hwgen.PLACES)
    assert sorted(name for names in GROUPS.values() for name in names) == hwgen.__all__


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=MARKS.get(name, ()))
    for name in hwgen.__all__])
def test_examples(name, tmp_path, monkeypatch):
    """Each name has one at least, and it does what is shown; bitstreams by stand-ins of tools."""
    if name in NEEDS_ONNX:
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    if name == "build":
        pytest.importorskip("amaranth_boards")
        FakeTools(tmp_path / "tools", monkeypatch)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "networks").symlink_to(ROOT / "networks")
    monkeypatch.chdir(tmp_path / "here")
    text = inspect.getdoc(getattr(hwgen, name))
    example = doctest.DocTestParser().get_doctest(
        text, {"hwgen": hwgen, "numpy": numpy, "pathlib": pathlib}, name, None, 0)
    assert example.examples
    said = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)  # with -v, too
    runner.run(example, out=said.append)
    assert said == []


def test_arguments_and_results_have_types():
    for name in hwgen.__all__:
        found = getattr(hwgen, name)
        if inspect.isfunction(found):
            signature = inspect.signature(found)
            assert inspect.Signature.empty not in (
                signature.return_annotation,
                *(each.annotation for each in signature.parameters.values())), name


def test_types_are_checked_strictly():
    """By `make check`, as pyproject.toml says, in each module that has one of the names."""
    strict = next(each["module"] for each in tomllib.loads((ROOT / "pyproject.toml").read_text())
                  ["tool"]["mypy"]["overrides"] if "disallow_any_generics" in each)
    assert {f"hwgen.{place.partition(':')[0]}" for place in hwgen.PLACES.values()} <= {*strict}


def test_import_is_light():
    """Whatever takes long to import is imported when it is needed."""
    heavy = "; print({'numpy', 'amaranth', 'onnx', 'tflite'} & {*sys.modules})"
    assert run_python(f"import sys, hwgen{heavy}") == "set()\n"
    help_text = run_python("import sys, hwgen.cli\ntry: hwgen.cli.main(['--help'])\n"
                           f"except SystemExit: pass\nprint(){heavy}")
    assert help_text.endswith("\nset()\n")


def test_folders_are_no_functions():
    """A folder that has the name of a function is found in that, whenever it was imported."""
    assert run_python(
        "import warnings; warnings.simplefilter('ignore')\n"
        "import hwgen, hwgen.tune.tune, hwgen.build.bitstream, hwgen.report.page\n"
        "import hwgen.generate.unit\n"
        "from hwgen import build, generate, report, tune\n"
        "print([callable(each) for each in (build, generate, report, tune)])\n"
        "print(hwgen.tune is tune, hwgen.tune.tune.Tuned.__name__, hwgen.build.bitstream.PICTURE)\n"
        "print(hwgen.generate.verilog is hwgen.verilog, hwgen.generate.unit.unit is hwgen.unit)\n"
    ) == "[True, True, True, True]\nTrue Tuned placement.svg\nTrue True\n"


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'hwgen' has no attribute 'nothing'"):
        _ = hwgen.nothing


@pytest.mark.parametrize("wrong, sentence", [
    (lambda: hwgen.Design(row=4), "a Design has no field 'row'; did you mean 'rows'"),
    (lambda: hwgen.boards["icebraker"], "There is no board 'icebraker'; .*mean 'icebreaker'"),
    (lambda: hwgen.unit("csd"), "there is no unit 'csd'; did you mean 'csc'"),
    (lambda: hwgen.compile(NETWORK, "ulx3s-8f"), "no preset .*'ulx3s-8f'.*mean 'ulx3s-85f'"),
    (lambda: hwgen.generate("icebreaker", top="wishbon"), "--top .*mean 'wishbone'"),
    (lambda: hwgen.generate("icebreaker", top="uart", clock=0), "--clock takes MHz from 1 to 1000"),
    (lambda: hwgen.generate("icebreaker", name="a/b"), "--name must be the name of a folder"),
    (lambda: hwgen.simulate(NETWORK, INPUT, on="numpi"), "on must be .*mean 'numpy'"),
    (lambda: hwgen.simulate(NETWORK, INPUT, on="numpy", frames=3), "frames must be 1 for a net"),
    (lambda: hwgen.simulate(NETWORK, INPUT), "on must be 'numpy' for a network that is not"),
    (lambda: hwgen.simulate(NETWORK, INPUT[..., :5, :], on="numpy"), "must be of shape"),
    (lambda: hwgen.tune(NETWORK, "ulx3s-85f", objective="latenci"), "--objective .*mean 'latency'"),
    (lambda: hwgen.tune(NETWORK, "ulx3s-85f", fill=0), "--fill must be a percentage"),
    (lambda: hwgen.tune(NETWORK, "ulx3s-85f", clock="fast"), "--clock takes MHz .*not 'fast'"),
    (lambda: hwgen.tune(NETWORK, "ulx3s-85f", seeds=[-1]), "--seeds takes integers from 0"),
    (lambda: hwgen.build("ulx3s-85f", "ulx3s-85f", clock=5000), "--clock takes MHz from 1 to 1000"),
    (lambda: hwgen.build("ulx3s-85f", "ulx3s-85f", baud=1), "--baud takes bits a second from"),
    (lambda: hwgen.build("ulx3s-85f", "ulx3s-85f", seeds=[]), "--seeds needs one at least"),
    (lambda: hwgen.build("ulx3s-85f", "ulx3s-85f", embed=True), "--embed needs a MODEL"),
    (lambda: hwgen.prune(NETWORK, INPUT, density=2), "--density must be above 0"),
    (lambda: hwgen.prune(NETWORK, INPUT, method="luck"), "--method must be one of"),
    (lambda: hwgen.prune(NETWORK, INPUT, labels=numpy.zeros(3)), "--labels must be 12 integers"),
    (lambda: hwgen.report(NETWORK), "a Design is missing"),
    (lambda: hwgen.read("nothing.onnx"), "there is no file 'nothing.onnx'"),
])
def test_wrong(wrong, sentence, tmp_path, monkeypatch):
    """One sentence, before anything runs, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(hwgen.UserError, match=sentence):
        wrong()
    assert [*tmp_path.iterdir()] == []


NETWORK = ROOT / "networks" / "kws_dscnn.tflite"
INPUT = numpy.load(NETWORK.with_suffix(".npz"))["input"]


def test_everything_is_shown():
    """All that functions return shows itself, a Design and the boards as well."""
    assert all(issubclass(kind, Shown) for kind in (*RESULTS, hwgen.Design, type(hwgen.boards)))
    compiled = hwgen.compile(NETWORK, "ulx3s-85f")
    for each in (hwgen.Design(rows=4), hwgen.boards, hwgen.boards["icebreaker"], compiled.network,
                 compiled, hwgen.simulate(NETWORK, INPUT, on="numpy"), hwgen.generate("icebreaker"),
                 hwgen.unit("csc"), hwgen.report(NETWORK, "ulx3s-85f")):
        assert repr(each).count("\n") == 0 and len(repr(each)) < 500
        assert str(each).count("\n") > 1
        assert each._repr_html_().startswith(("<p>", "<iframe"))
    assert eval(repr(compiled.design), {"Design": hwgen.Design}) == compiled.design


def test_names_are_escaped():
    """Whatever is in a file, neither a terminal nor a browser obeys it."""
    network = hwgen.read(NETWORK)
    layer = network.layers[0]
    vars(layer)["name"] = "<b>\x1b[2J&"
    assert "<b>" not in network._repr_html_()
    assert "&lt;b&gt;\\u001b[2J&amp;" in network._repr_html_()
    assert "\x1b" not in str(network)
    vars(network)["name"] = "<i>\x1b"
    assert "<i>" not in network._repr_html_() and "\x1b" not in repr(network)


def test_table():
    table = ShownTable({"name": str, "cycles": "{:,}".format}, [("a|b", 1234), ("<c>", 5)])
    assert str(table).splitlines()[2:] == ["a|b    1,234", "<c>        5"]
    assert "<td>&lt;c&gt;</td><td>5</td>" in table.html()


def test_frame(monkeypatch):
    """Values, and not how they are written; without pandas a sentence says what is missing."""
    class Frames:
        @staticmethod
        def DataFrame(rows, columns):
            return rows, columns

    monkeypatch.setitem(sys.modules, "pandas", Frames)
    rows, columns = hwgen.compile(NETWORK, "ulx3s-85f").to_frame()
    assert columns[:2] == ["layer", "cycles"] and rows[-1][:2] == ["all layers", 22193]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(hwgen.UserError, match="pip install pandas"):
        hwgen.boards.to_frame()


def test_numpy_in_numpy_out():
    """One image or several, with the batch's axis or without."""
    several = hwgen.simulate(NETWORK, INPUT, on="numpy")
    one = hwgen.simulate(hwgen.read(NETWORK), {"input_1": INPUT[3]}, on="numpy")
    assert several.outputs["Identity"].shape == (12, 12) and one.cycles is None
    assert numpy.array_equal(one.outputs["Identity"][0], several.outputs["Identity"][3])
    assert several.tensors["Identity"].shape == (12, 12)


@pytest.mark.slow
def test_types(tmp_path):
    """A program that uses all of it passes mypy's strictest checks, and nothing is Any."""
    (tmp_path / "program.py").write_text(TYPED)
    found = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path),
                            str(tmp_path / "program.py")], capture_output=True, text=True, cwd=ROOT)
    assert found.returncode == 0, found.stdout


TYPED = """
from pathlib import Path
from typing import assert_type

import numpy as np

import hwgen

network = hwgen.read("a.tflite")
design = hwgen.Design(rows=4, columns=4)
program = hwgen.compile(network, design)
assert_type(program.cycles, int)
found = hwgen.simulate(program, np.zeros((1, 2, 3), np.int8))
assert_type(found.equal, bool)
tuned = hwgen.tune(["a.tflite", network], hwgen.boards["icebreaker"], within=5)
assert_type(tuned.design, hwgen.Design)
record = hwgen.build(program, "icebreaker")
assert_type(record.clock_mhz, float)
assert_type(hwgen.generate(tuned.design).write("folder"), list[Path])
assert_type(hwgen.unit("csc", rows=16).verilog(), str)
assert_type(hwgen.verilog(design), str)
hwgen.report(tuned).save("report.html")
hwgen.quantize("a.onnx", np.zeros((1, 2), np.float32)).save("b.onnx")
hwgen.quantize_mixed("a.onnx", np.zeros((1, 2), np.float32), np.zeros(1, np.int64)).save("b.onnx")
hwgen.prune("a.tflite", np.zeros((1, 2), np.int8)).save("b.tflite")
assert_type(str(hwgen.UserError("a sentence")), str)
"""
