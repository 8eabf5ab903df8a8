"""The Verilog that is kept is what the commands beside it write, and the Makefile's."""

import re
import shlex
from pathlib import Path

import pytest

from hwgen.cli import main

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "rtl_out"
COMMANDS = dict(re.findall(r"^\| \[(\w+)\].*\| `hwgen (.*)` \|$", (KEPT / "README.md").read_text(),
                           re.M))


def test_all_that_is_kept_is_named():
    kept = {line.strip("!/\n") for line in (ROOT / ".gitignore").read_text().splitlines()
            if line.startswith("!/rtl_out/") and line.endswith("/")}
    assert kept == {f"rtl_out/{name}" for name in COMMANDS}


def test_the_makefile_writes_the_same():
    text = (ROOT / "Makefile").read_text().replace("\\\n", "")
    made = re.findall(r"\$\(HWGEN\) (generate .* -o rtl_out/\w+)$", text, re.M)
    assert [line.split() for line in made] == [line.split() for line in COMMANDS.values()]


@pytest.mark.parametrize("name", COMMANDS)
def test_kept(name, tmp_path):
    words = shlex.split(COMMANDS[name])
    assert words[-2:] == ["-o", f"rtl_out/{name}"]
    assert main([*words[:-1], str(tmp_path)]) == 0
    kept = {path.name: path.read_bytes() for path in (KEPT / name).iterdir()}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
