"""Build simulators with Icarus Verilog, where the system has it."""

from pathlib import Path

import cocotb_tools.config

from hwgen.errors import UserError
from hwgen.tools.cache import cached_folder, digest
from hwgen.tools.find import call, find
from hwgen.tools.verilator import check

__all__ = ["build", "run_command"]

PROGRAM = "simulator.vvp"

# Amaranth writes Verilog-2005: under SystemVerilog rules its `always @*` blocks do not run at
# time 0, and what they drive stays X (amaranth issue 594).
SWITCHES = ["-g2005"]

DUMP = """\
module hwgen_waves;
  initial begin $dumpfile("dump.vcd"); $dumpvars(0, {top}); end
endmodule
"""


def run_command(simulator: Path, waves: Path | None) -> tuple[list[object], dict[str, str]]:
    """Return the command that runs a built simulator, and the variables it needs."""
    library = cocotb_tools.config.lib_name_path("vpi", "icarus")
    return [find("vvp"), "-m", library, simulator / PROGRAM], {}


def build(verilog: str, *, top: str = "top", waves: bool = False,
          extra_sources: tuple[Path, ...] = ()) -> tuple[Path, bool]:
    """Return the folder of a simulator for the Verilog, and whether the cache had it."""
    iverilog = find("iverilog")
    if iverilog is None:
        raise UserError("Icarus Verilog is not installed; the system's package manager has it")
    extra = [path.absolute() for path in extra_sources]
    dump = DUMP.format(top=top) if waves else ""

    def make(folder: Path) -> None:
        (folder / "design.v").write_text(verilog + dump)
        (folder / "options.f").write_text("+timescale+1ns/1ps\n")  # Amaranth writes none
        roots = ["-s", top, *(["-s", "hwgen_waves"] if waves else [])]
        check(call([iverilog, *SWITCHES, *roots, "-f", "options.f", "-o", PROGRAM, "design.v",
                    *extra], folder=folder, seconds=300), "iverilog")

    version = call([iverilog, "-V"], seconds=20).output
    sources = [path.read_bytes() for path in extra]
    return cached_folder("sim-" + digest([version, *SWITCHES, top, verilog, dump, *sources]), make)
