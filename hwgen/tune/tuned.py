"""The Design that was found for a board and its workloads, and what is to be said of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.design import Design
from ..area.clock import Clock
from ..build.clock import BoardClock
from ..predict.energy import Energy
from ..text import Shown, ShownTable, printable
from .candidates import Candidates
from .choice import Selection
from .place_best import PlacedSelection
from .tables import front_table, placed_table
from .workload import Run, Workload

__all__ = ["Tuned"]


@dataclass(frozen=True, repr=False)
class Tuned(Shown):
    """A Design for a board and its workloads, and how it was found: what :func:`tune` returns."""

    at: Board
    workloads: list[Workload]
    found: Candidates
    seconds: float
    """Of the search."""
    choice: Selection
    corrected: PlacedSelection | None
    """The choice by what the placed Designs reach."""
    design: Design
    runs: list[Run]
    """Of each workload what its networks take on the Design."""
    energies: list[Energy]
    preset: Design
    """The board's, with the workloads' rounding."""
    preset_cycles: list[int] | None
    """Of each workload; None where the preset does not run them all."""
    clock: Clock | None
    at_clock: BoardClock
    of_front: NDArray[np.float64]
    """The clock of each Design of the front."""

    @property
    def cycles(self) -> int:
        """Cycles of all workloads on the Design that is chosen."""
        return int(self.choice.front.cycles[:, self.choice.chosen].sum())

    @property
    def summary(self) -> str:
        """The Design that is chosen, and what it takes."""
        return (f"{', '.join(workload.name for workload in self.workloads)} on {self.at.name}: "
                f"{self.design.name}, {self.cycles:,} cycles, {self.at_clock.time(self.cycles)}")

    def _view_(self) -> list[str | ShownTable]:
        """Return the Pareto front, what was placed of it, and why no Design is quicker."""
        found, cycles = self.found, self.cycles
        given = self.at_clock.mhz if self.at_clock.source == "given" else None
        text: list[str | ShownTable] = [
            front_table(self.choice, self.at, self.workloads, self.of_front), ""]
        if self.corrected:
            text += [placed_table(self.corrected), ""]
        text.append(f"{found.searched:,} Designs searched in {self.seconds:.1f} s"
                    + ("" if found.whole else ", and then stopped: there may be better ones"))
        if self.preset_cycles:
            text.append("the preset takes "
                        f"{' and '.join(f'{each:,}' for each in self.preset_cycles)} cycles")
        text.append(f"{cycles:,} cycles: {self.at_clock.time(cycles)}")
        text.append(self.clock.in_words(cycles, given) if self.clock else
                    "clock: not known, nothing of its kind has been placed on this chip")
        text += self.choice.reasons
        text += [f"{printable(workload.name)}: its weights are made up, as the file has none"
                 for workload in self.workloads if workload.shapes_only]
        return text + [f"{printable(workload.name)}: {energy_line(each)}" for workload, each
                       in zip(self.workloads, self.energies, strict=bool(self.energies))]


def energy_line(spent: Energy) -> str:
    """Return an energy in words."""
    parts = ((spent.products, "products"), (spent.activations, "activations"),
             (spent.program, "weights and parameters"))
    return (f"{spent.total / 1e6:.1f} uJ by a model of 45 nm: "
            + ", ".join(f"{part / spent.total:.0%} {name}" for part, name in parts))
