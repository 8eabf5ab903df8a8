"""`make compare`: which trees are compared, and how changes are shown."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

from hwgen.arch.design import Design

from ..fake_tools import FakeTools

FILE = Path(__file__).parents[2] / ".ci" / "compare.py"
SPEC = importlib.util.spec_from_file_location("compare", FILE)
compare = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare)

BEFORE = {"luts": 1000, "registers": 50, "dsps": 16, "block_rams": 0}
AFTER = {"luts": 990, "registers": 50, "dsps": 17, "block_rams": 2}


@pytest.fixture
def repository(tmp_path):
    """A repository with two commits of a file."""
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path,
                       check=True, capture_output=True)
    git("init")
    (tmp_path / ".gitignore").write_text("/build/\n")
    for text in ("first", "second"):
        (tmp_path / "file").write_text(text)
        git("add", ".")
        git("commit", "-m", text)
    return tmp_path


def test_last_commit_is_compared_with_the_one_before(repository):
    assert compare.default_ref(repository) == "HEAD~1"
    with compare.checked_out("HEAD~1", repository) as tree:
        assert (tree / "file").read_text() == "first"
        assert compare.default_ref(repository) == "HEAD~1"  # the tree is no change of the checkout
    assert not tree.exists() and compare.git("worktree", "list", folder=repository).count("\n") == 0


def test_changes_are_compared_with_the_last_commit(repository):
    (repository / "file").write_text("third")
    assert compare.default_ref(repository) == "HEAD"
    with compare.checked_out("HEAD", repository) as tree:
        assert (tree / "file").read_text() == "second"


def test_no_such_commit(repository):
    with pytest.raises(SystemExit, match="compare: git rev-parse none: "):
        compare.git("rev-parse", "none", folder=repository)


@pytest.mark.parametrize("name", compare.DESIGNS)
def test_designs(name):
    """Each is an accelerator for a chip, and no two are the same."""
    preset, fields = compare.DESIGNS[name]
    design = Design.load(preset).replace(**fields)
    assert design.activation_memory and design.device
    assert sum(Design.load(other).replace(**more) == design
               for other, more in compare.DESIGNS.values()) == 1


def test_what_is_known_is_not_measured_again(tmp_path, monkeypatch):
    """While the Verilog stays, and the tools; the clock is that of a placement."""
    monkeypatch.setenv("HWGEN_CACHE", str(tmp_path / "cache"))
    FakeTools(tmp_path / "tools", monkeypatch)
    for module in ("measure.synthesis", "tune.placing"):
        monkeypatch.setattr(f"hwgen.{module}.source_of", Design.to_toml)  # which no tool reads
    synthesized = []
    monkeypatch.setattr("hwgen.area.mapped.map_design",
                        lambda design, folder: synthesized.append(design) or BEFORE)
    assert compare.measure("4x4", clock=False) == BEFORE
    assert compare.measure("4x4", clock=True) == BEFORE | {"fmax_mhz": 100}
    assert len(synthesized) == 1
    compare.measure("compact", clock=False)
    assert [design.family for design in synthesized] == ["ecp5", "ice40"]


def printed(monkeypatch, capsys, *words, after=AFTER):
    """Compare what one tree takes with what another one does."""
    found = iter([{"4x4": BEFORE}, {"4x4": after}])
    monkeypatch.setattr(compare, "measured", lambda tree, names, clock: next(found))
    monkeypatch.setattr(compare, "checked_out", lambda ref: compare.contextlib.nullcontext())
    monkeypatch.setattr(compare, "git", lambda *words, **_: "abc")
    monkeypatch.setattr("sys.argv", ["compare", "--only", "4x4", *words])
    compare.main()
    return capsys.readouterr().out


def test_table(monkeypatch, capsys):
    head, _, _, *rows = printed(monkeypatch, capsys).splitlines()
    assert head == "before: abc; after: the checkout"
    assert [row.split() for row in rows] == [
        ["4x4", "before", "1,000", "50", "16", "0"], ["after", "990", "50", "17", "2"],
        ["change", "-10", "(-1.0%)", "=", "+1", "(+6.2%)", "+2"]]


def test_json(monkeypatch, capsys):
    facts = json.loads(printed(monkeypatch, capsys, "--json"))
    assert facts["designs"] == {"4x4": {"before": BEFORE, "after": AFTER}}
    assert (facts["before"], facts["uncommitted"]) == ("abc", True)


def test_design_that_one_tree_does_not_know(monkeypatch, capsys):
    out = printed(monkeypatch, capsys, after={"none": "lines must be 0"})
    assert out.splitlines()[-1].split(maxsplit=1) == ["4x4", "not known to both: lines must be 0"]
    assert "1,000" not in out


def test_clock():
    assert compare.change(100.0, 99.5) == "-0.5 (-0.5%)"
    assert compare.change(None, 99.5) == ""
