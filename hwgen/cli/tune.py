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

from ..arch.boards import BOARDS
from ..report.designs import front_page
from ..text import printable, say
from ..tools.files import write_whole
from ..tune import SEARCHED
from ..tune.choice import OBJECTIVES
from ..tune.tables import row_of
from ..tune.tune import tune
from ..tune.tuned import Tuned
from .output import show
from .parsing import add_clock, integer, number, seed

__all__ = ["add_options", "run"]

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
    tuned = tune(options.model, options.board, engines=options.engine, objective=options.objective,
                 within=options.within, clock=options.clock, weights=options.weights,
                 worst=options.worst, fill=options.fill, dsps=options.dsps,
                 block_rams=options.block_rams, place=options.place, seeds=options.seeds,
                 cluster=options.cluster, say=say)
    if options.report:
        say("writing the page")
        write_whole(Path(options.report), front_page(tuned))
    if options.output:
        write_whole(Path(options.output), tuned.design.to_toml())
    said = [f"{printable(options.output)}: {tuned.design.name}"] if options.output else []
    show(options, facts(tuned, options), "\n".join([str(tuned), *said]))
    return 0 if tuned.found.whole else 130


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
