"""`hwgen tune`: find the Design for networks and a board.

Find the Design for one network or several, and a board: every Design that may suit, of all engines
that can run them, is asked what it takes, exactly in cycles, DSP blocks and block RAMs, about in
LUTs and registers. What comes out is the Pareto front of cycles and area, the Design that is
chosen, and why it is not quicker.
Nothing is built, and the clock is --clock, or else of each Design the one that a recorded build has
met, or what may be expected; but with --place N the N best are placed and routed, half an hour each
and more, and chosen by what they reach: docs/tune.md.

Examples:
  hwgen tune networks/ic_resnet8.tflite --board ulx3s-85f -o design.toml
  hwgen tune a.tflite b.tflite --worst          one Design for both: the one that suffers least
  hwgen tune a.tflite --objective area --within 5
                                                the smallest that takes at most 5 ms
  hwgen tune a.tflite --place 3 --seeds 1 2 --clock 100    the best of three that are placed
  hwgen tune a.tflite --board icebreaker        a compact one, for a small chip
  hwgen tune a.onnx --board icebreaker --engine bitserial    of one engine alone
  hwgen tune topology.csv                       layers whose shapes alone are known (SCALE-Sim)
"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from ..arch.boards import BOARDS, Board, board
from ..errors import UserError
from ..predict.energy import Energy
from ..report.designs import front_page
from ..text import printable, say
from ..tools.files import write_whole
from ..tune import SEARCHED
from ..tune.candidates import Limits
from ..tune.choice import OBJECTIVES, Goal
from ..tune.tables import front_table, placed_table, row_of
from ..tune.tune import Placing, Tuned, tune
from ..tune.workload import Workload, read_workload
from .output import show
from .parsing import add_clock, integer, number, seed

__all__ = ["add_options", "run"]

FILL = {"ecp5": 50.0, "ice40": 96.0, "gowin": 80.0}
"""The families whose area is known, and how much of the logic may be used where nothing is said.

Of an ECP5 as much as fits were made on; of an iCE40 what a serial port leaves; of a Gowin somewhat
more than has been placed, as nextpnr adds LUTs to carry chains and memories, and the serial port.
"""


MOST = 1e6
"""Of a weight, of milliseconds, and of Designs that are placed."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("model", metavar="MODEL", nargs="+",
                         help="the networks: .tflite or .onnx files; or layers without weights: "
                         ".onnx files that lack them, or topologies (.csv)")
    command.add_argument("--board", metavar="NAME", choices=tuple(BOARDS), default="ulx3s-85f",
                         help="what it shall fit (default: ulx3s-85f)")
    command.add_argument("--engine", nargs="+", metavar="NAME", choices=SEARCHED,
                         help="engines to look at (default: all that can run the networks): "
                         + ", ".join(SEARCHED))
    command.add_argument("--objective", choices=OBJECTIVES,
                         default="latency",
                         help="the fewest cycles (default); of networks that run in turn the "
                         "fewest of all; the least area; or the least energy, by a model")
    command.add_argument("--within", type=number, metavar="MS",
                         help="time that each network may take")
    add_clock(command)
    command.add_argument("--weights", type=number, nargs="+", metavar="W",
                         help="how much each network counts (default: all the same)")
    command.add_argument("--worst", action="store_true",
                         help="the network that suffers most counts, not their mean")
    command.add_argument("--fill", type=number, metavar="PERCENT",
                         help="share of the LUTs and registers that may be used (default: 50; of "
                         "an iCE40 96, of a Gowin 80)")
    command.add_argument("--dsps", type=integer, metavar="N",
                         help="DSP blocks that may be used (default: all)")
    command.add_argument("--block-rams", type=integer, metavar="N",
                         help="block RAMs that may be used (default: all)")
    command.add_argument("--place", type=integer, metavar="N", default=0,
                         help="place and route the N best, and choose by what they reach "
                         "(default: none); what is placed once is kept")
    command.add_argument("--seeds", type=seed, nargs="+", metavar="S", default=[1],
                         help="seeds of the placer, for each Design (default: 1)")
    command.add_argument("--cluster", metavar="ADDRESS",
                         help="place on the Dask cluster whose scheduler is there")
    command.add_argument("-o", "--output", metavar="FILE",
                         help="write the Design that is chosen to this .toml file")
    command.add_argument("--report", metavar="FILE",
                         help="write a page to look at in a browser to this .html file")


def run(options: argparse.Namespace) -> int:
    """Search, choose, and print what was found."""
    at = board(options.board)
    if at.family not in FILL:
        raise UserError("--board must have an ECP5, an iCE40 or a Gowin, the families whose area "
                        f"hwgen can tell, not {options.board!r}")
    workloads = [read_workload(model) for model in options.model]
    goal, limits = goal_and_limits(options, at, workloads)
    tuned = tune(workloads, at, goal, limits, engines=options.engine, within_ms=options.within,
                 clock_mhz=options.clock,
                 placing=Placing(options.place, options.seeds, options.cluster), say=say)
    if options.report:
        write_whole(Path(options.report), front_page(tuned))
    if options.output:
        write_whole(Path(options.output), tuned.design.to_toml())
    show(options, facts(tuned, options), "\n".join(lines(tuned, options)))
    return 0 if tuned.found.whole else 130


def goal_and_limits(options: argparse.Namespace, at: Board,
                    workloads: list[Workload]) -> tuple[Goal, Limits]:
    """Return the goal and the limits, of options that make sense."""
    if len({workload.rounding for workload in workloads}) > 1:
        raise UserError("MODEL: all networks must have the same rounding, as one accelerator has "
                        "one; .tflite files have tflm, .onnx files single")
    weights = options.weights or [1.0] * len(workloads)
    if len(weights) != len(workloads) or not all(0 < weight <= MOST for weight in weights):
        raise UserError(f"--weights must be {len(workloads)} numbers above 0, at most {MOST:g}, "
                        "one for each network, not "
                        + " ".join(f"{weight:g}" for weight in weights))
    fill = FILL[at.family] if options.fill is None else options.fill
    if not 0 < fill <= 100:
        raise UserError(f"--fill must be a percentage from above 0 to 100, not {fill:g}")
    if options.within is not None and not 0 < options.within <= MOST:
        raise UserError(f"--within must be more than 0 ms, at most {MOST:g}, not "
                        f"{options.within:g}")
    if options.objective == "area" and options.within is None:
        raise UserError("--objective area needs --within MS: without a limit of time, the least "
                        "area is that of the slowest Design")
    if not 0 <= options.place <= MOST:
        raise UserError(f"--place must be 0 or more Designs, at most {MOST:g}, not "
                        f"{options.place}")
    if options.cluster and not options.place:
        raise UserError("--cluster needs --place N: only what is placed runs there")
    limits = Limits.of(at, fill / 100, [np.inf] * len(workloads))
    for name, given in (("dsps", options.dsps), ("block_rams", options.block_rams)):
        if given is not None and given < 0:
            raise UserError(f"--{name.replace('_', '-')} must be 0 or more, not {given}")
        if given is not None:
            limits = dataclasses.replace(limits, **{name: min(given, getattr(limits, name))})
    return Goal(options.objective, options.worst, tuple(weights)), limits


def facts(tuned: Tuned, options: argparse.Namespace) -> dict[str, Any]:
    """Return what --json prints."""
    at, found, front, corrected = tuned.at, tuned.found, tuned.choice.front, tuned.corrected
    return {
        "board": at.name, "networks": [workload.name for workload in tuned.workloads],
        "shapes_only": [workload.shapes_only for workload in tuned.workloads],
        "searched": found.searched, "whole": found.whole, "seconds": tuned.seconds,
        "design": dataclasses.asdict(tuned.design), "name": tuned.design.name,
        **row_of(front, tuned.choice.chosen, at), "reasons": tuned.choice.reasons,
        "clock": tuned.clock and dataclasses.asdict(tuned.clock),
        **tuned.at_clock.facts(tuned.cycles), "preset_cycles": tuned.preset_cycles,
        "energy_model_uj": [each.total / 1e6 for each in tuned.energies],
        "front": [row_of(front, index, at) | {"clock_mhz": float(tuned.of_front[index])}
                  for index in range(len(front))],
        "placed": [{**row_of(front, index, at), **dataclasses.asdict(each)}
                   for index, each in zip(corrected.indices, corrected.placed, strict=True)]
        if corrected else [],
        "file": options.output, "report": options.report}


def lines(tuned: Tuned, options: argparse.Namespace) -> list[str]:
    """Return the text."""
    found, cycles = tuned.found, tuned.cycles
    text = [front_table(tuned.choice, tuned.at, tuned.workloads, tuned.of_front), ""]
    text += [placed_table(tuned.corrected), ""] if tuned.corrected else []
    text.append(f"{found.searched:,} Designs searched in {tuned.seconds:.1f} s"
                + ("" if found.whole else ", and then stopped: there may be better ones"))
    if tuned.preset_cycles:
        text.append("the preset takes "
                    f"{' and '.join(f'{each:,}' for each in tuned.preset_cycles)} cycles")
    text.append(f"{cycles:,} cycles: {tuned.at_clock.time(cycles)}")
    text.append(tuned.clock.in_words(cycles, options.clock) if tuned.clock else
                "clock: not known, nothing of its kind has been placed on this chip")
    text += tuned.choice.reasons
    text += [f"{printable(workload.name)}: its weights are made up, as the file has none"
             for workload in tuned.workloads if workload.shapes_only]
    text += [f"{printable(workload.name)}: {energy_line(each)}" for workload, each
             in zip(tuned.workloads, tuned.energies, strict=bool(tuned.energies))]
    if options.output:
        text.append(f"{printable(options.output)}: {tuned.design.name}")
    return text


def energy_line(spent: Energy) -> str:
    """Return an energy in words."""
    parts = ((spent.products, "products"), (spent.activations, "activations"),
             (spent.program, "weights and parameters"))
    return (f"{spent.total / 1e6:.1f} uJ by a model of 45 nm: "
            + ", ".join(f"{part / spent.total:.0%} {name}" for part, name in parts))
