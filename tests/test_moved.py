"""What version 0.1 called its modules still works, and says what they are called now."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from hwgen._moved import MOVED

ROOT = Path(__file__).parents[1]
MAIN = {"hwgen.rtl.systolic": "SystolicArray", "hwgen.rtl.accelerator": "Accelerator",
        "hwgen.golden.network": "run", "hwgen.tools": "require", "hwgen.generate": "verilog"}


FOLDERS = {name for name in MOVED if (ROOT / name.replace(".", "/")).is_dir()}


@pytest.mark.parametrize("before", sorted({*MOVED} - FOLDERS))
def test_old_names_are_the_modules_of_today(before):
    now = importlib.import_module(MOVED[before])
    sys.modules.pop(before, None)
    with pytest.warns(DeprecationWarning, match=f"{before} is {MOVED[before]} now"):
        assert importlib.import_module(before) is now


@pytest.mark.parametrize("folder", MAIN)
def test_folders_have_what_modules_of_their_names_had(folder):
    now = importlib.import_module(MOVED[folder])
    with pytest.warns(DeprecationWarning, match=f"is {now.__name__}.{MAIN[folder]} now"):
        assert getattr(importlib.import_module(folder), MAIN[folder]) is getattr(now, MAIN[folder])
    with pytest.raises(AttributeError, match=f"module '{folder}' has no attribute 'nothing'"):
        _ = importlib.import_module(folder).nothing


@pytest.mark.parametrize("name", MOVED.values())
def test_new_names_are_there(name):
    assert importlib.util.find_spec(name)


def test_commands_use_no_old_name():
    assert subprocess.run([sys.executable, "-W", "error", "-m", "hwgen", "boards"],
                          capture_output=True).stderr == b""
