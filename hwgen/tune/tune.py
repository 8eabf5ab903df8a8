"""Search, choose, and if wanted place: from workloads and a board to a Design."""

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import FASTEST, Board
from ..arch.boards import board as board_of
from ..arch.design import Design
from ..arch.designs import Designs
from ..area.area import has_model
from ..area.clock import median_clock
from ..area.memories import CHIPS
from ..build.clock import clock_of
from ..errors import UserError, check_range
from ..network.graph import Network
from ..predict.energy import Energy, energy
from ..text import printable
from .candidates import RESOURCES, Candidates, Limits
from .choice import Goal, Selection, choose, wants
from .clocks import clocks_at
from .compiling import cycles_on, needs_of
from .engines import engines_for
from .limits import check_names, check_placing, goal_of, limits_of
from .place_best import PlacedSelection, clocks_of, correct
from .search import search
from .tuned import Tuned
from .workload import Model, Run, Workload, runs_of, workload_of

__all__ = ["Placing", "Tuned", "tune"]

SMALL = "no Design that keeps to the limits, and that the networks fit, is better"


@dataclass(frozen=True)
class Placing:
    """How many of the best Designs are placed and routed, and how.

    Members
    -------
    count : int
        How many; 0: none.
    seeds : sequence of int
        Of the placer, for each Design.
    cluster : str or None
        Address of the scheduler of a Dask cluster that places them.
    """

    count: int = 0
    seeds: Sequence[int] = (1,)
    cluster: str | None = None


def tune(models: Model | Sequence[Model], board: Board | str = "ulx3s-85f", *,
         engines: Sequence[str] | None = None, objective: str = "latency",
         within: float | None = None, clock: float | None = None,
         weights: Sequence[float] | None = None, worst: bool = False, fill: float | None = None,
         dsps: int | None = None, block_rams: int | None = None, place: int = 0,
         seeds: Sequence[int] = (1,), cluster: str | None = None,
         say: Callable[[str], None] = lambda text: None) -> Tuned:
    """Find the Design for one network or several, and a board: of all Designs that may suit.

    >>> tuned = hwgen.tune("networks/tfc_1w1a.onnx", "ice40-hx8k", engines=["binary"])
    >>> tuned.design.engine
    'binary'
    >>> tuned.cycles
    309

    ``print(tuned)`` shows the Pareto front of cycles and area, and why no Design is quicker;
    :func:`report` makes a page of it.

    Parameters
    ----------
    models : network, file, or several of them
        Files may lack weights: .onnx files of shapes alone, and topologies (.csv).
    board : Board or str
        What it shall fit.
    engines : sequence of str, optional
        Those to look at: ``systolic``, ``bitserial``, ``binary``.
    objective : str
        The fewest cycles (``latency``); of networks that run in turn, the fewest of all
        (``throughput``); the least ``area``; the least ``energy``, by a model.
    within : float, optional
        Milliseconds that each network may take.
    clock : float, optional
        MHz; without, of each Design the clock that is recorded or may be expected.
    weights, worst
        How much each network counts; whether the one that suffers most counts, not their mean.
    fill, dsps, block_rams
        Percentage of the LUTs and registers, DSP blocks and block RAMs that may be used.
    place, seeds, cluster
        How many of the best are placed and routed, by which seeds, on which Dask cluster.
    say : function
        Told what happens.
    """
    at = board_of(board)
    check_names(at, objective, engines)
    check_placing(place, seeds, cluster)
    if clock is not None:
        check_range("--clock", clock, 1, FASTEST, "MHz")
    given = [models] if isinstance(models, Network | str | os.PathLike) else models
    workloads = [workload_of(model) for model in given]
    return find_design(workloads, at, goal_of(workloads, objective, worst, weights, within),
                       limits_of(at, workloads, fill, dsps, block_rams), engines, within, clock,
                       Placing(place, seeds, cluster), say)


def find_design(workloads: list[Workload], at: Board, goal: Goal, limits: Limits,
                engines: Sequence[str] | None, within_ms: float | None, clock_mhz: float | None,
                placing: Placing, say: Callable[[str], None]) -> Tuned:
    """Find the Design for workloads and a board."""
    started = time.monotonic()
    chosen, left_out = engines_for(at, workloads, goal.objective, engines)
    found = search(at, workloads, limits, chosen, say)
    say("")
    seconds = time.monotonic() - started
    choice, corrected = choose_design(at, workloads, goal, limits, found,
                                      [*found.without, *left_out], within_ms, clock_mhz, placing,
                                      say)
    design = choice.front.designs.design(choice.chosen)
    preset = Design.load(at.name).replace(rounding=design.rounding)
    runs = runs_of(workloads, design)
    verify(runs, choice.front.cycles[:, choice.chosen])
    return Tuned(
        at, workloads, found, seconds, choice, corrected, design, runs,
        energies=energies_on(design, runs) if design.engine == "systolic" else [],
        preset=preset, preset_cycles=cycles_of_preset(preset, workloads),
        clock=median_clock(design, at.speed_grade),
        at_clock=clock_of(design, at.name, clock_mhz),
        of_front=clocks_at(choice.front, at, clock_mhz))


def choose_design(at: Board, workloads: list[Workload], goal: Goal, limits: Limits,
                  found: Candidates, left_out: list[str], within_ms: float | None,
                  clock_mhz: float | None, placing: Placing, say: Callable[[str], None],
                  ) -> tuple[Selection, PlacedSelection | None]:
    """Choose among what was found; with ``placing``, by what the best ones reach when placed.

    ``left_out`` are reasons why some were not searched.
    """
    corrected, clocks = None, None
    if within_ms is not None:
        allowed = within_ms * 1000 * clocks_at(found, at, clock_mhz)
        limits = dataclasses.replace(limits, cycles=(allowed,) * len(workloads))
    if placing.count:
        clocks = expected_clocks(found, at, left_out)
    choice = choose(found, at, limits, goal,
                    lambda front: energies_of(front, workloads, say), clocks)
    if choice is None:
        raise UserError(f"--board {at.name}: {nothing(found, limits)}")
    searched: tuple[str, ...] = choice.reasons
    placed: tuple[str, ...] = ()
    if placing.count:
        of_front = clocks_at(choice.front, at, clock_mhz)
        corrected = correct(choice, at, goal, count=placing.count, seeds=placing.seeds,
                            clock_mhz=float(of_front.max()),
                            within_ms=within_ms or np.inf, cluster=placing.cluster, say=say)
        choice = corrected.choice
        placed = choice.reasons[:-len(searched)]
    why = (*placed, SMALL) if CHIPS[at.family].compact else \
        (*placed, *searched, *wanting(workloads, choice))
    return dataclasses.replace(choice, reasons=(*why, *left_out)), corrected


def expected_clocks(found: Candidates, at: Board, told: list[str]) -> np.ndarray | None:
    """Return the clock in the middle for each Design, to choose what is placed.

    None where one is not known: then ``told`` gets a sentence.
    """
    clocks = clocks_of(found, at)
    unknown = sorted({str(engine) for engine, clock in zip(
        found.designs.field("engine"), clocks, strict=True) if not clock})
    if unknown:
        told.append(f"what is placed was chosen by cycles, as no {' or '.join(unknown)} Design of "
                    f"its kind has been placed on {at.device}, and its clock is not known")
        return None
    return np.array([clock.mhz for clock in clocks if clock])


def energies_on(design: Design, runs: list[Run]) -> list[Energy]:
    """Return what each workload spends on a Design."""
    return [sum((energy(work, design) for _, works in programs for work in works), Energy())
            for _, programs in runs]


def energies_of(front: Candidates, workloads: list[Workload],
                say: Callable[[str], None]) -> np.ndarray:
    """Return what all workloads together spend on each Design of a front."""
    found = []
    for index in range(len(front)):
        say(f"energy of {index + 1} of {len(front)} Designs")
        design = front.designs.design(index)
        found.append(sum(each.total for each in energies_on(design, runs_of(workloads, design))))
    say("")
    return np.array(found)


def wanting(workloads: list[Workload], choice: Selection) -> list[str]:
    """Return what the slowest layers of each workload lack, in sentences."""
    one = choice.front[np.array([choice.chosen])].designs
    return [f"{printable(workload.name)}: {want}" if len(workloads) > 1 else str(want)
            for workload in workloads for want in wants(workload, one)]


def nothing(found: Candidates, limits: Limits) -> str:
    """Return why nothing keeps to the limits."""
    for name in RESOURCES:
        least, most = found.resources[name].min(), getattr(limits, name)
        if least > most:
            return (f"no Design fits: the least that any takes of its {name.replace('_', ' ')} is "
                    f"{least:,.0f}, and {most:,.0f} may be used")
    most = np.broadcast_to(limits.cycles[0], len(found))
    if not np.any(np.all(found.cycles <= most, axis=0)):
        quickest = int(np.argmin(found.cycles.max(axis=0) / most))
        return (f"no Design is quick enough: the quickest takes "
                f"{found.cycles[:, quickest].max():,} cycles, and {most[quickest]:,.0f} are "
                "allowed at its clock")
    return "no Design keeps to all limits at once; allow more time or area"


def verify(runs: list[Run], cycles: NDArray[np.int64]) -> None:
    """Hold what is told to what the compiler gives for the Design that is chosen."""
    for (name, programs), predicted in zip(runs, cycles, strict=True):
        taken = sum(work.cycles for _, works in programs for work in works)
        if taken != predicted:
            raise RuntimeError(f"{name}: {predicted} cycles predicted, and {taken} taken")


def cycles_of_preset(preset: Design, workloads: list[Workload]) -> list[int] | None:
    """Return the cycles of a board's preset, if it is of a searched kind and runs all."""
    if not has_model(preset):
        return None
    need, = needs_of(Designs.of([preset]), workloads)
    try:
        return [*cycles_on(preset, workloads, need)]
    except UserError:
        return None
