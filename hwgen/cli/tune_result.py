"""What `hwgen tune` prints: as facts for --json, and as text."""

import argparse
import dataclasses
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.design import Design
from ..area.clock import Clock
from ..build.clock import BoardClock
from ..predict.energy import Energy
from ..text import printable
from ..tune.candidates import Candidates
from ..tune.choice import Selection
from ..tune.place_best import PlacedSelection
from ..tune.tables import front_table, placed_table, row_of
from ..tune.workload import Workload

__all__ = ["Tuned", "energy_line"]


@dataclass(frozen=True)
class Tuned:
    """A Design for a board and its workloads, and how it was found."""

    at: Board
    workloads: list[Workload]
    found: Candidates
    seconds: float
    """Of the search."""
    choice: Selection
    corrected: PlacedSelection | None
    """The choice by what the placed Designs reach."""
    design: Design
    energies: list[Energy]
    preset: list[int] | None
    """Cycles of the board's preset."""
    clock: Clock | None
    at_clock: BoardClock
    of_front: NDArray[Any]
    """The clock of each Design of the front."""

    @property
    def cycles(self) -> int:
        """Cycles of all workloads on the Design that is chosen."""
        return int(self.choice.front.cycles[:, self.choice.chosen].sum())

    def facts(self, options: argparse.Namespace) -> dict[str, Any]:
        """Return what --json prints."""
        at, found, front, corrected = self.at, self.found, self.choice.front, self.corrected
        return {
            "board": at.name, "networks": [workload.name for workload in self.workloads],
            "shapes_only": [workload.shapes_only for workload in self.workloads],
            "searched": found.searched, "whole": found.whole, "seconds": self.seconds,
            "design": dataclasses.asdict(self.design), "name": self.design.name,
            **row_of(front, self.choice.chosen, at), "reasons": self.choice.reasons,
            "clock": self.clock and dataclasses.asdict(self.clock),
            **self.at_clock.facts(self.cycles), "preset_cycles": self.preset,
            "energy_model_uj": [each.total / 1e6 for each in self.energies],
            "front": [row_of(front, index, at) | {"clock_mhz": float(self.of_front[index])}
                      for index in range(len(front))],
            "placed": [{**row_of(front, index, at), **dataclasses.asdict(each)}
                       for index, each in zip(corrected.indices, corrected.placed, strict=True)]
            if corrected else [],
            "file": options.output, "report": options.report}

    def lines(self, options: argparse.Namespace) -> list[str]:
        """Return the text."""
        found, cycles = self.found, self.cycles
        text = [front_table(self.choice, self.at, self.workloads, self.of_front), ""]
        text += [placed_table(self.corrected), ""] if self.corrected else []
        text.append(f"{found.searched:,} Designs searched in {self.seconds:.1f} s"
                    + ("" if found.whole else ", and then stopped: there may be better ones"))
        if self.preset:
            text.append("the preset takes "
                        f"{' and '.join(f'{each:,}' for each in self.preset)} cycles")
        text.append(f"{cycles:,} cycles: {self.at_clock.time(cycles)}")
        text.append(self.clock.in_words(cycles, options.clock) if self.clock else
                    "clock: not known, nothing of its kind has been placed on this chip")
        text += self.choice.reasons
        text += [f"{printable(workload.name)}: its weights are made up, as the file has none"
                 for workload in self.workloads if workload.shapes_only]
        text += [f"{printable(workload.name)}: {energy_line(each)}" for workload, each
                 in zip(self.workloads, self.energies, strict=bool(self.energies))]
        if options.output:
            text.append(f"{printable(options.output)}: {self.design.name}")
        return text


def energy_line(spent: Energy) -> str:
    """Return an energy in words."""
    parts = ((spent.products, "products"), (spent.activations, "activations"),
             (spent.program, "weights and parameters"))
    return (f"{spent.total / 1e6:.1f} uJ by a model of 45 nm: "
            + ", ".join(f"{part / spent.total:.0%} {name}" for part, name in parts))
