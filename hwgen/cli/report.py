"""`hwgen report`: show networks on a Design as a page of HTML.

Write a page that stands alone, to look at in a browser: cycles of each layer and how busy the
multipliers are, a roofline, and where tensors lie in memory over time. `hwgen tune --report` writes
the same for all Designs of a Pareto front.
"""

import argparse
from pathlib import Path

from ..report.designs import report_at
from ..text import printable, say
from ..tune.workload import workload_of
from .built import add_clock_board, clock_for
from .design import add_design
from .network_design import check_rounding, network_design
from .output import show
from .parsing import add_clock

__all__ = ["add_options", "run"]


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("model", metavar="MODEL", nargs="+",
                         help="the networks: .tflite or .onnx files, or topologies (.csv)")
    add_design(command)
    add_clock_board(command)
    add_clock(command)
    command.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: report.html)")


def run(options: argparse.Namespace) -> int:
    """Write the page of one Design."""
    workloads = [workload_of(model) for model in options.model]
    design = network_design(options, workloads[0].networks[0]).design
    clock = clock_for(options, design)
    for model, workload in zip(options.model, workloads, strict=True):
        check_rounding(model, design, workload.networks[0])
    say("compiling")
    found = report_at(workloads, design, clock)
    path = Path(options.output or "report.html")
    say("writing the page")
    found.save(path)
    size = path.stat().st_size
    facts = {"networks": found.names, "design": design.name, "file": str(path), "bytes": size,
             "times": [{"predicted_cycles": total, **clock.facts(total)}
                       for total in found.cycles]}
    return show(options, facts, "\n".join([*found.times, f"{printable(path)}: {size:,} bytes"]))
