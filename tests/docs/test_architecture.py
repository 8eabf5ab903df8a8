"""The page of the architecture names the folders that there are, in the order of imports."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("package", ["hwgen", "hwgen/rtl"])
def test_folders_are_in_the_order_of_the_rules(package):
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.split(f"| `{package}/` | holds |")[1].split("\n\n")[0]
    named = [re.findall(r"`(\w+)(?:/|\.py)`", row.split("|")[1]) for row in table.split("\n")[2:]]
    contract = next(found for found in tomllib.loads((ROOT / "pyproject.toml").read_text())
                    ["tool"]["importlinter"]["contracts"]
                    if found.get("containers") == [package.replace("/", ".")])
    layers = [layer.split(" | ") for layer in contract["layers"]]
    place = {name: index for index, layer in enumerate(layers) for name in layer}
    flat = [name for row in named for name in row]
    folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    assert folders <= {*flat}
    assert [place[name] for name in flat] == sorted(place[name] for name in flat)
