"""Every command that a help text or a page shows does what it says, as it is shown."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from hwgen.cli import main
from hwgen.cli.command_line import COMMANDS, parser
from hwgen.cli.design import chosen_design
from hwgen.cli.unit_options import given_parameters
from hwgen.generate.unit import unit
from hwgen.generate.units import UNITS
from hwgen.tools import find as tools

from ..fake_tools import FakeTools

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
collected = pytest.importorskip("tests.docs.examples")

ROOT = Path(__file__).parents[2]
EXAMPLES = collected.examples()
QUICK = ("bitserial.md", "integration.md")
BOARDLESS = re.compile(r"/dev/ttyUSB\d")
"""What is said of a board that is not there."""


@pytest.fixture(autouse=True)
def stand_ins(tmp_path, monkeypatch):
    """Let nothing be synthesised, placed, or loaded into a board."""
    find = tools.find
    fake = FakeTools(tmp_path / "fake tools", monkeypatch)
    monkeypatch.setattr(tools, "find", lambda name: (
        fake.folder / name if (fake.folder / name).exists()
        else None if name.startswith("openFPGALoader") else find(name)))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def test_collected():
    """Whoever shows commands is found, and what they do is no part of them."""
    assert len(EXAMPLES) > 15 and sum(map(len, EXAMPLES.values())) > 80
    commands = {words[0] for found in EXAMPLES.values() for words in found}
    assert commands >= {*COMMANDS} - {"report"}
    assert ["generate", "--design", "ulx3s-85f", "--columns", "8"] in EXAMPLES["hwgen generate"]


@pytest.mark.parametrize("page", EXAMPLES)
def test_options(page, capsys):
    """Options are known, and the Design that they choose is one; files are not read."""
    for words in EXAMPLES[page]:
        if "--help" in words:
            continue
        options, options.rest = parser().parse_known_args(words)
        if getattr(options, "unit", None) in UNITS:
            unit(options.unit, **given_parameters(options.unit, options))
            continue
        assert not options.rest, words
        options.words = words
        named = getattr(options, "design", None) or ""
        if hasattr(options, "design") and not named.endswith(".toml"):
            if words[0] in ("run", "cycles", "compile"):
                options.design = named or "ulx3s-85f"
            chosen_design(options)


@pytest.mark.parametrize("page", [
    page if page in QUICK else pytest.param(page, marks=pytest.mark.slow) for page in EXAMPLES])
def test_commands(page, tmp_path, capsys):
    """They run one after the other, in a folder that has the files they speak of.

    Those that need a board say so.
    """
    collected.lay_out(tmp_path / "here", page)
    for words in EXAMPLES[page]:
        if "--help" in words:
            with pytest.raises(SystemExit) as stop:
                main(words)
            code = stop.value.code
        else:
            code = main(words)
        said = capsys.readouterr().err
        if "--port" in words:
            assert code == 2 and BOARDLESS.search(said), (words, said)
        elif words[0] == "program":
            assert code == 2 and "openFPGALoader is not installed" in said, (words, said)
        elif words[0] == "doctor":  # icarus, and stand-ins, may not be right
            assert code in (0, 1)
        else:
            assert code == 0, (words, said)


@pytest.mark.slow
def test_fusesoc(monkeypatch):
    """The commands of docs/integration.md, in a shell that has nothing but the environment."""
    pytest.importorskip("fusesoc")
    page = (ROOT / "docs" / "integration.md").read_text("utf-8")
    block, = (block for block in re.findall(r"```sh\n(.*?)```", page, re.S) if "fusesoc" in block)
    environment = {name: value for name, value in os.environ.items() if "VERILATOR" not in name}
    run = subprocess.run(["bash", "-ec", block], capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
