"""Pages of one Design, and of all Designs of a Pareto front, with what networks take on them."""

import html
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..arch.boards import FASTEST, Board
from ..arch.boards import board as board_of
from ..arch.design import Design
from ..area.area import design_resources
from ..area.memories import CHIPS
from ..build.clock import BoardClock, board_named, clock_of
from ..compiler.suiting import design_for
from ..errors import UserError, check_range
from ..network.graph import Network
from ..text import Shown, ShownTable, count, printable
from ..tools.files import write_whole
from ..tune.candidates import RESOURCES, Candidates, share_of_chip
from ..tune.tuned import Tuned
from ..tune.workload import Model, Run, Workload, runs_of, workload_of
from .page import FIELDS, design_data, page

__all__ = ["Report", "front_page", "report", "report_at"]


@dataclass(frozen=True, repr=False)
class Report(Shown):
    """A page for a browser: what :func:`report` returns. A notebook shows the page.

    Members
    -------
    page : str
        The text of the page, which stands alone.
    design : Design
        The one that it begins with.
    names : list of str
        Of the networks.
    cycles : list of int
        Of each network on the Design.
    times : list of str
        Cycles and time of each, in words.
    """

    page: str
    design: Design
    names: list[str]
    cycles: list[int]
    times: list[str]

    @property
    def summary(self) -> str:
        """What it is of."""
        return f"Report of {len(self.page):,} characters: {'; '.join(self.times)}"

    def _view_(self) -> list[str | ShownTable]:
        """Return the cycles of each network."""
        return [ShownTable({"network": str, "cycles": count},
                      [*zip(self.names, self.cycles, strict=True)])]

    def _repr_html_(self) -> str:
        return (f'<iframe srcdoc="{html.escape(self.page)}" style="width: 100%; height: 40em">'
                "</iframe>")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file."""
        write_whole(Path(path), self.page)


def report(models: Tuned | Model | Sequence[Model],
           design: Design | str | os.PathLike[str] | None = None, *,
           board: Board | str | None = None, clock: float | None = None) -> Report:
    """Make a page for a browser: networks on a Design, or all that :func:`tune` found.

    It shows the cycles of each layer and how busy the multipliers are, a roofline, where tensors
    lie in memory over time, and the fields of two Designs side by side. Charts need the extra
    ``charts``; without it the page has its tables alone.

    >>> page = hwgen.report("networks/kws_dscnn.tflite", "ulx3s-85f")
    >>> page.cycles
    [22193]
    >>> page.save("report.html")

    Parameters
    ----------
    models : network, file, several of them, or what :func:`tune` returned
    design : Design, str or path
        A Design, the name of a preset, which takes the networks' rounding, or a TOML file; none for
        what :func:`tune` returned.
    board : Board or str, optional
        The Design's board, for the clock, where no preset tells it.
    clock : float, optional
        MHz; without, the clock that a recorded build of the Design has met, or what may be
        expected.
    """
    if isinstance(models, Tuned):
        if design is not None or board is not None or clock is not None:
            raise UserError("a Design, --board and --clock must be left out for what tune found, "
                            "which has them")
        return Report(front_page(models), models.design, [name for name, _ in models.runs],
                      *times_of(models.runs, models.at_clock))
    given = [models] if isinstance(models, Network | str | os.PathLike) else models
    workloads = [workload_of(model) for model in given]
    if design is None:
        raise UserError("a Design is missing: on which of them shall the networks run?")
    if clock is not None:
        check_range("--clock", clock, 1, FASTEST, "MHz")
    found = design_for(design, workloads[0].networks[0])
    named = board_named(None if board is None else board_of(board).name,
                        design if isinstance(design, str) else None, found)
    return report_at(workloads, found, clock_of(found, named, clock))


def report_at(workloads: Sequence[Workload], design: Design, clock: BoardClock) -> Report:
    """Compile workloads for a Design, and make the page of what they take at a clock."""
    runs = runs_of(workloads, design)
    names = [name for name, _ in runs]
    cycles, times = times_of(runs, clock)
    text = page(f"{', '.join(names)} on one Design", [f"Design: {design.name}", *times], design,
                [described_alone("this Design", design, runs, clock.mhz)], 0, 0, runs)
    return Report(text, design, names, cycles, times)


def times_of(runs: Sequence[Run], clock: BoardClock) -> tuple[list[int], list[str]]:
    """Return the cycles of each workload, and the time in words."""
    cycles = [sum(work.cycles for _, works in programs for work in works) for _, programs in runs]
    return cycles, [f"{printable(name)}: {total:,} cycles, {clock.time(total)}"
                    for (name, _), total in zip(runs, cycles, strict=True)]


def described_alone(name: str, design: Design, runs: Sequence[Run],
                    mhz: float | None) -> dict[str, Any]:
    """Return a Design as the page takes it; with what it takes of the chip, where that is known."""
    resources = design_resources(design)
    return design_data(name, {field: getattr(design, field) for field in FIELDS},
                       [[work.cycles for _, works in programs for work in works]
                        for _, programs in runs],
                       {each: resources[each] for each in RESOURCES if resources}, 0.0, mhz)


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
        {name: float(front.resources[name][index]) for name in RESOURCES}, float(areas[index]),
        float(tuned.of_front[index])) for index in range(size)]
    second = size - 1 if chosen == 0 else 0
    if tuned.preset_cycles:
        given = tuned.at_clock.mhz if tuned.at_clock.source == "given" else None
        alone = described_alone(f"preset {at.name}", tuned.preset, runs_of(workloads, tuned.preset),
                                clock_of(tuned.preset, at.name, given).mhz)
        designs.append({**alone, "area": float(share_of_chip(alone["used"], at))})
        second = size
    names = [name for name, _ in runs]
    about = [f"Board: {at.title}", *times_of(runs, tuned.at_clock)[1], *tuned.choice.reasons]
    return page(f"{', '.join(names)}: which Design?", about, design, designs, chosen, second,
                runs)


def layers_of(workloads: Sequence[Workload], front: Candidates,
              at: Board) -> list[np.ndarray]:
    """Return the cycles of each layer of each workload, (layers, Designs)."""
    if not CHIPS[at.family].compact:
        return [workload.evaluate(front.designs, by_layer=True).layers for workload in workloads]
    runs = [runs_of(workloads, front.designs.design(index))
            for index in range(len(front))]
    return [np.array([[work.cycles for _, works in each[number][1] for work in works]
                      for each in runs]).T for number in range(len(workloads))]
