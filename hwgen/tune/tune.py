"""Search, choose, and if wanted place: from workloads and a board to a Design."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.design import Design
from ..area.clock import Clock, expected
from ..area.small import CHIPS, knows
from ..build.clock import BoardClock, clock_of
from ..errors import UserError
from ..predict.energy import Energy, energy
from ..text import printable
from .choice import Choice, Goal, choose, wants
from .clocks import clocks_at
from .engines import engines_for
from .place_best import Corrected, clocks_of, correct
from .search import RESOURCES, Found, Limits, search
from .search_small import cycles_on, search_small
from .space import design_of
from .survey import Designs
from .workload import Run, Workload, runs_of

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


NOTHING = Placing()


@dataclass(frozen=True)
class Tuned:
    """A Design for a board and its workloads, and how it was found."""

    at: Board
    workloads: list[Workload]
    found: Found
    seconds: float
    """Of the search."""
    choice: Choice
    corrected: Corrected | None
    """The choice by what the placed Designs reach."""
    design: Design
    runs: list[Run]
    """Of each workload what its networks take on the Design."""
    energies: list[Energy]
    preset: list[int] | None
    """Cycles of the board's preset."""
    clock: Clock | None
    at_clock: BoardClock
    of_front: NDArray[np.float64]
    """The clock of each Design of the front."""

    @property
    def cycles(self) -> int:
        """Cycles of all workloads on the Design that is chosen."""
        return int(self.choice.front.cycles[:, self.choice.chosen].sum())


def tune(workloads: list[Workload], at: Board, goal: Goal, limits: Limits, *,
         engines: Sequence[str] | None = None, within_ms: float | None = None,
         clock_mhz: float | None = None, placing: Placing = NOTHING,
         say: Callable[[str], None] = lambda text: None) -> Tuned:
    """Find the Design for workloads and a board.

    Parameters
    ----------
    workloads : list of Workload
        Of one rounding.
    at : Board
    goal : Goal
    limits : Limits
    engines : sequence of str, optional
        Those to look at; without, all that can run the networks.
    within_ms : float, optional
        Time that each workload may take.
    clock_mhz : float, optional
        The accelerator's clock; without, of each Design the one that is recorded or expected.
    placing : Placing
    say : function
        Told what happens.
    """
    rounding = workloads[0].rounding
    started = time.monotonic()
    chosen, left_out = engines_for(at, workloads, goal.objective, engines)
    found = search_small(at, workloads, limits, say, chosen) if at.family in CHIPS else \
        search(at, workloads, say, chosen)
    say("")
    seconds = time.monotonic() - started
    choice, corrected = choose_design(at, workloads, goal, limits, found,
                                      [*found.without, *left_out], within_ms, clock_mhz, placing,
                                      say)
    design = design_of(choice.front.parts, choice.chosen, at, rounding)
    runs = runs_of(workloads, design)
    verify(runs, choice.front.cycles[:, choice.chosen])
    return Tuned(
        at, workloads, found, seconds, choice, corrected, design, runs,
        energies=energies_on(design, runs) if design.engine == "systolic" else [],
        preset=compared(at, workloads), clock=expected(design, at.speed_grade),
        at_clock=clock_of(design, at.name, clock_mhz),
        of_front=clocks_at(choice.front, at, rounding, clock_mhz))


def choose_design(at: Board, workloads: list[Workload], goal: Goal, limits: Limits, found: Found,
                  left_out: list[str], within_ms: float | None, clock_mhz: float | None,
                  placing: Placing, say: Callable[[str], None],
                  ) -> tuple[Choice, Corrected | None]:
    """Choose among what was found; with ``placing``, by what the best ones reach when placed.

    ``left_out`` are reasons why some were not searched.
    """
    rounding, corrected, clocks = workloads[0].rounding, None, None
    if within_ms is not None:
        allowed = within_ms * 1000 * clocks_at(found, at, rounding, clock_mhz)
        limits = dataclasses.replace(limits, cycles=(allowed,) * len(workloads))
    if placing.count:
        clocks = expected_clocks(found, at, rounding, left_out)
    choice = choose(found, at, limits, goal,
                    lambda front: energies_of(front, at, workloads, say), clocks)
    if choice is None:
        raise UserError(f"--board {at.name}: {nothing(found, limits)}")
    searched: tuple[str, ...] = choice.reasons
    placed: tuple[str, ...] = ()
    if placing.count:
        of_front = clocks_at(choice.front, at, rounding, clock_mhz)
        corrected = correct(choice, at, goal, rounding, count=placing.count,
                            seeds=placing.seeds,
                            clock_mhz=float(of_front.max()),
                            within_ms=within_ms or np.inf, cluster=placing.cluster, say=say)
        choice = corrected.choice
        placed = choice.reasons[:-len(searched)]
    why = (*placed, SMALL) if at.family in CHIPS else \
        (*placed, *searched, *wanting(workloads, choice))
    return dataclasses.replace(choice, reasons=(*why, *left_out)), corrected


def expected_clocks(found: Found, at: Board, rounding: str,
                    told: list[str]) -> np.ndarray | None:
    """Return the clock in the middle for each Design, to choose what is placed.

    None where one is not known: then ``told`` gets a sentence.
    """
    clocks = clocks_of(found, at, rounding)
    unknown = sorted({str(engine) for engine, clock in zip(
        np.broadcast_to(found.parts.engine, len(found)), clocks, strict=True) if not clock})
    if unknown:
        told.append(f"what is placed was chosen by cycles, as no {' or '.join(unknown)} Design of "
                    f"its kind has been placed on {at.device}, and its clock is not known")
        return None
    return np.array([clock.mhz for clock in clocks if clock])


def energies_on(design: Design, runs: list[Run]) -> list[Energy]:
    """Return what each workload spends on a Design."""
    return [sum((energy(work, design) for _, works in programs for work in works), Energy())
            for _, programs in runs]


def energies_of(front: Found, at: Board, workloads: list[Workload],
                say: Callable[[str], None]) -> np.ndarray:
    """Return what all workloads together spend on each Design of a front."""
    found = []
    for index in range(len(front)):
        say(f"energy of {index + 1} of {len(front)} Designs")
        design = design_of(front.parts, index, at, workloads[0].rounding)
        found.append(sum(each.total for each in energies_on(design, runs_of(workloads, design))))
    say("")
    return np.array(found)


def wanting(workloads: list[Workload], choice: Choice) -> list[str]:
    """Return what the slowest layers of each workload lack, in sentences."""
    one = choice.front[np.array([choice.chosen])].designs
    return [f"{printable(workload.name)}: {want}" if len(workloads) > 1 else str(want)
            for workload in workloads for want in wants(workload, one)]


def nothing(found: Found, limits: Limits) -> str:
    """Return why nothing keeps to the limits."""
    for name in RESOURCES:
        least, most = found.used[name].min(), getattr(limits, name)
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


def compared(at: Board, workloads: list[Workload]) -> list[int] | None:
    """Return the cycles of the board's preset, if it runs them all without being cut.

    None, too, of one that is not of the kind that is searched.
    """
    preset = Design.load(at.name)
    if at.family in CHIPS and knows(preset):
        try:
            return [cycles_on(workload, preset) for workload in workloads]
        except UserError:
            return None
    if not preset.activation_memory or preset.engine != "systolic" or preset.compact:
        return None
    cycles = []
    for workload in workloads:
        taken = workload.evaluate(Designs.of([preset]))
        if (taken.activations[0] > preset.activation_memory
                or taken.program[0] > preset.program_words * preset.columns):
            return None
        cycles.append(int(taken.cycles[0]))
    return cycles
