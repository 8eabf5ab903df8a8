"""Build simulators that cocotb can drive, with Verilator."""

import os
import re
from pathlib import Path

import cocotb_tools.config

from hwgen.tools import verilator
from hwgen.tools.find import package_version
from hwgen.tools.verilator import PROGRAM, BuildError

__all__ = ["BuildError", "build", "run_command"]


def run_command(simulator: Path, waves: Path | None) -> tuple[list[object], dict[str, str]]:
    """Return the command that runs a built simulator, and the variables it needs."""
    libraries = [str(cocotb_tools.config.libs_dir), os.environ.get("LD_LIBRARY_PATH", "")]
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
        # Verilator applies writes at the end of a time step, as cocotb wants them.
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
    }
    trace = ["--trace", "--trace-file", waves] if waves else []
    return [simulator / PROGRAM, *trace], environment


def build(verilog: str, *, top: str = "top", waves: bool = False, internals: bool = False,
          optimise: int = 0, extra_sources: tuple[Path, ...] = ()) -> tuple[Path, bool]:
    """Return the folder of a simulator for the Verilog, and whether the cache had it.

    Parameters
    ----------
    verilog : str
        Text of the design.
    top : str
        Its top module.
    waves : bool
        Whether it can write a waveform.
    internals : bool
        Whether benches may look inside, rather than at the ports of ``top`` only. Costs ten times
        the C++.
    optimise : int
        Level of g++. At 0 a 16x16 array compiles in 2 s and runs 36,000 cycles a second; at 1
        it is 7 s and 78,000; in benches, most of the time is Python's either way.
    extra_sources : tuple of Path
        More Verilog files, such as models of vendor cells.
    """
    main = Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    cocotb = f"// cocotb {package_version('cocotb')}\n"  # another version, another simulator
    return verilator.build(
        verilog, cocotb + main.read_text(), top=top, waves=waves, optimise=optimise,
        switches=["--vpi", *(["--public-flat-rw"] if internals else [])],
        control=public_ports(verilog, top),
        libraries=[f"-L{cocotb_tools.config.libs_dir}", "-lcocotbvpi_verilator"],
        extra_sources=extra_sources)


def public_ports(verilog: str, top: str) -> str:
    """Return the lines of a control file that let cocotb see the ports of ``top``."""
    found = re.search(rf"\bmodule\s+{re.escape(top)}\s*\(([^)]*)\)\s*;", verilog)
    if found is None:
        raise BuildError(f"there is no module {top!r} with ports in the Verilog")
    names = [item.split()[-1] for item in found[1].split(",") if item.strip()]
    return "".join(f'public_flat_rw -module "{top}" -var "{name}"\n' for name in names)
