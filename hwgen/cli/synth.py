"""`hwgen synth`: measure a Design with yosys and nextpnr.

Synthesize, place and route a Design alone, between registers, and print what it takes and how fast
it is: LUTs, registers, DSPs, Fmax and the path that limits it. The Design must name a device. Takes
a minute for 8x8 cells, ten for 16x16.

Examples:
  hwgen synth --design icebreaker               a board's preset
  hwgen synth --design ulx3s-85f --rows 6 --clock 220 --seeds 1 2 3
                                                the best of three placements
  hwgen synth --design ulx3s-85f --clock 111 --insist
                                                the whole accelerator, in half an hour
  hwgen synth --design ulx3s-85f --speed 8      the same chip of a faster grade
  hwgen synth --list docs/results/systolic.toml
                                                all Designs of a list: writes its .json and .md
"""

import argparse
import dataclasses
import sys
from functools import partial
from pathlib import Path

from ..arch.boards import BOARDS
from ..text import say, table
from .design import add_design, chosen_design
from .output import print_json, show
from .parsing import megahertz, seed

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    add_design(command)
    command.add_argument("--board", metavar="NAME", choices=tuple(BOARDS),
                         help="the board whose chip it is, where several have it")
    command.add_argument("--speed", metavar="GRADE",
                         help="speed grade of the chip: 6, 7 or 8 of an ECP5 (default: as the "
                         "board's)")
    command.add_argument("--clock", type=megahertz, metavar="MHZ", default=200.0,
                         help="clock that place and route tries for (default: 200)")
    command.add_argument("--seeds", type=seed, metavar="N", nargs="+", default=[1],
                         help="seeds of the placer; the best result counts (default: 1)")
    command.add_argument("--insist", action="store_true",
                         help="the router goes on until the clock is reached: ECP5 only, and "
                         "within an hour")
    command.add_argument("--list", metavar="FILE", help="measure what has changed of this list")
    command.add_argument("--only", metavar="TEXT", default="",
                         help="of the list, only Designs whose name contains this")


def run(options: argparse.Namespace) -> int:
    """Measure a Design, or what has changed of a list, with the tools that build it."""
    from ..build.clock import board_named
    from ..measure.fullness import words
    from ..measure.results import update
    from ..measure.synthesis import measure

    if options.list is not None:
        tell = partial(print, file=sys.stderr if options.json else sys.stdout, flush=True)
        known = update(Path(options.list), only=options.only, say=tell)
        if options.json:
            print_json({name: dataclasses.asdict(figures) for name, figures in known.items()})
        return 0
    design = chosen_design(options)
    say("building")
    at = board_named(options.board, options.design, design) if design.device else None
    figures = measure(design, clock_mhz=options.clock, seeds=options.seeds,
                      insist=options.insist, at=at, speed=options.speed)
    cells = design.rows * design.columns
    chip = f"{figures.device}-{figures.speed_grade}".removesuffix("-")
    return show(options, dataclasses.asdict(figures), "\n".join([
        f"Design {design.name}, alone between registers, placed and routed",
        table(["device", "DSP", "LUT", "a cell", "FF", "a cell", "Fmax", "tools"], [[
            chip, figures.dsps, figures.luts, f"{figures.luts / cells:.1f}",
            figures.registers, f"{figures.registers / cells:.1f}", f"{figures.fmax_mhz} MHz",
            f"{sum(figures.seconds.values()):.0f} s"]]),
        f"of the chip: {words(figures.utilization)}",
        "limited by:", *(f"  {step}" for step in figures.path)]))
