"""`hwgen report`: show networks on a Design as a page of HTML."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arch.boards import Board
from ..arch.design import Design
from ..area.area import taken_of
from ..compiler.compile import compile_network
from ..compiler.program import Program
from ..predict.efficiency import Work
from ..predict.layers import predictions
from ..report.page import FIELDS, design_data, page
from ..text import printable
from ..tools.files import replacing
from ..tune.choice import Choice
from ..tune.search import RESOURCES, Found, area
from ..tune.space import design_of
from ..tune.workload import Workload, read_workload
from .built import add_clock_board, clock_for
from .design import add_design
from .network_design import check_rounding, network_design
from .output import show
from .parsing import add_clock, add_json

__all__ = ["DESCRIPTION", "Run", "add_options", "run", "runs_of", "write_front"]

DESCRIPTION = """\
Write a page that stands alone, to look at in a browser: cycles of each layer and how busy the
multipliers are, a roofline, and where tensors lie in memory over time. `hwgen tune --report` writes
the same for all Designs of a Pareto front.
"""

Run = tuple[str, list[tuple[Program, list[Work]]]]
"""The name of a workload; of each of its networks the Program, and what each layer takes."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("model", metavar="MODEL", nargs="+",
                         help="the networks: .tflite or .onnx files, or topologies (.csv)")
    add_design(command)
    add_clock_board(command)
    add_clock(command)
    command.add_argument("-o", "--output", metavar="FILE",
                         help="file to write (default: report.html)")
    add_json(command)


def runs_of(workloads: Sequence[Workload], design: Design) -> list[Run]:
    """Compile for a Design, and return what all layers take."""
    found = []
    for workload in workloads:
        programs = []
        for network in workload.networks_for(design):
            program = compile_network(network, design)
            programs.append((program, list(predictions(network, program))))
        found.append((workload.name, programs))
    return found


def run(options: argparse.Namespace) -> int:
    """Write the page of one Design."""
    first, *_ = read_workload(options.model[0]).networks
    design = network_design(options, first).design
    clock = clock_for(options, design)
    workloads = [read_workload(model) for model in options.model]
    for model, workload in zip(options.model, workloads, strict=True):
        check_rounding(model, design, workload.networks[0])
    runs = runs_of(workloads, design)
    totals = [sum(work.cycles for _, works in programs for work in works) for _, programs in runs]
    times = [f"{printable(name)}: {total:,} cycles, {clock.time(total)}"
             for (name, _), total in zip(runs, totals, strict=True)]
    one = described_alone("this Design", design, runs)
    path = Path(options.output or "report.html")
    names = [name for name, _ in runs]
    size = write(path, page(f"{', '.join(names)} on one Design", [design.name, *times], design,
                            [one], 0, 0, runs))
    facts = {"networks": names, "design": design.name, "file": str(path), "bytes": size,
             "times": [{"predicted_cycles": total, **clock.facts(total)} for total in totals]}
    return show(options, facts, "\n".join([*times, f"{printable(path)}: {size:,} bytes"]))


def described_alone(name: str, design: Design, runs: Sequence[Run]) -> dict[str, Any]:
    """Return a Design as the page takes it; with what it takes of the chip, where that is known."""
    return design_data(name, {field: getattr(design, field) for field in FIELDS},
                       [[work.cycles for _, works in programs for work in works]
                        for _, programs in runs], taken_of(design), 0.0)


def write_front(path: Path, workloads: Sequence[Workload], choice: Choice, at: Board,
                design: Design, runs: Sequence[Run], preset: Design | None) -> int:
    """Write the page of a Pareto front, and of the board's preset, and return its size."""
    front, chosen = choice.front, choice.chosen
    layers = layers_of(workloads, front, at, design.rounding)
    size, areas = len(front), area(front.used, at)
    columns = {name: np.broadcast_to(getattr(front.parts, name), size) for name in FIELDS}
    designs = [design_data(
        f"{index + 1}: {front.called(index)}" + " (chosen)" * (index == chosen),
        {name: int(values[index]) for name, values in columns.items()},
        [each[:, index].tolist() for each in layers],
        {name: float(front.used[name][index]) for name in RESOURCES}, float(areas[index]))
        for index in range(size)]
    second = size - 1 if chosen == 0 else 0
    if preset is not None:
        alone = described_alone(f"preset {at.name}", preset, runs_of(workloads, preset))
        designs.append({**alone, "area": float(area(alone["used"], at))})
        second = size
    names = [name for name, _ in runs]
    return write(path, page(f"{', '.join(names)}: which Design?", choice.reasons, design, designs,
                            chosen, second, runs))


def layers_of(workloads: Sequence[Workload], front: Found, at: Board,
              rounding: str) -> list[np.ndarray]:
    """Return the cycles of each layer of each workload, (layers, Designs)."""
    if at.family == "ecp5":
        return [workload.evaluate(front.designs, by_layer=True).layers for workload in workloads]
    runs = [runs_of(workloads, design_of(front.parts, index, at, rounding))
            for index in range(len(front))]
    return [np.array([[work.cycles for _, works in each[number][1] for work in works]
                      for each in runs]).T for number in range(len(workloads))]


def write(path: Path, text: str) -> int:
    """Write a page, whole or not at all, and return its size."""
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")
    return path.stat().st_size
