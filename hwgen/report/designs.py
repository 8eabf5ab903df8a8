"""Pages of one Design, and of all Designs of a Pareto front, with what networks take on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arch.boards import Board
from ..arch.design import Design
from ..area.area import design_resources
from ..area.memories import CHIPS
from ..build.clock import BoardClock
from ..text import printable
from ..tune.candidates import RESOURCES, Candidates, share_of_chip
from ..tune.tune import Tuned
from ..tune.workload import Run, Workload, runs_of
from .page import FIELDS, design_data, page

__all__ = ["Report", "front_page", "report"]


@dataclass(frozen=True)
class Report:
    """The page of one Design, and what each workload takes on it.

    Members
    -------
    page : str
    names : list of str
        Of the workloads.
    cycles : list of int
    times : list of str
        Cycles and time of each, in words.
    """

    page: str
    names: list[str]
    cycles: list[int]
    times: list[str]


def report(workloads: Sequence[Workload], design: Design, clock: BoardClock) -> Report:
    """Compile workloads for a Design, and make the page of what they take."""
    runs = runs_of(workloads, design)
    names = [name for name, _ in runs]
    cycles = [sum(work.cycles for _, works in programs for work in works) for _, programs in runs]
    times = [f"{printable(name)}: {total:,} cycles, {clock.time(total)}"
             for name, total in zip(names, cycles, strict=True)]
    text = page(f"{', '.join(names)} on one Design", [design.name, *times], design,
                [described_alone("this Design", design, runs)], 0, 0, runs)
    return Report(text, names, cycles, times)


def described_alone(name: str, design: Design, runs: Sequence[Run]) -> dict[str, Any]:
    """Return a Design as the page takes it; with what it takes of the chip, where that is known."""
    resources = design_resources(design)
    return design_data(name, {field: getattr(design, field) for field in FIELDS},
                       [[work.cycles for _, works in programs for work in works]
                        for _, programs in runs],
                       {each: resources[each] for each in RESOURCES if resources}, 0.0)


def front_page(tuned: Tuned) -> str:
    """Return the page of a Pareto front, and of the board's preset where that runs the networks."""
    workloads, at, design, runs = tuned.workloads, tuned.at, tuned.design, tuned.runs
    front, chosen = tuned.choice.front, tuned.choice.chosen
    layers = layers_of(workloads, front, at)
    size, areas = len(front), share_of_chip(front.resources, at)
    columns = {name: front.designs.field(name) for name in FIELDS}
    designs = [design_data(
        f"{index + 1}: {front.label(index)}" + " (chosen)" * (index == chosen),
        {name: int(values[index]) for name, values in columns.items()},
        [each[:, index].tolist() for each in layers],
        {name: float(front.resources[name][index]) for name in RESOURCES}, float(areas[index]))
        for index in range(size)]
    second = size - 1 if chosen == 0 else 0
    if tuned.preset_cycles:
        alone = described_alone(f"preset {at.name}", tuned.preset,
                                runs_of(workloads, tuned.preset))
        designs.append({**alone, "area": float(share_of_chip(alone["used"], at))})
        second = size
    names = [name for name, _ in runs]
    return page(f"{', '.join(names)}: which Design?", tuned.choice.reasons, design, designs, chosen,
                second, runs)


def layers_of(workloads: Sequence[Workload], front: Candidates,
              at: Board) -> list[np.ndarray]:
    """Return the cycles of each layer of each workload, (layers, Designs)."""
    if not CHIPS[at.family].compact:
        return [workload.evaluate(front.designs, by_layer=True).layers for workload in workloads]
    runs = [runs_of(workloads, front.designs.design(index))
            for index in range(len(front))]
    return [np.array([[work.cycles for _, works in each[number][1] for work in works]
                      for each in runs]).T for number in range(len(workloads))]
