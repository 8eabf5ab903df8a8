"""What `hwgen tune` prints: as facts for --json, and as text."""

import argparse
import dataclasses
from typing import Any

from ..predict.energy import Energy
from ..text import printable
from ..tune.tables import front_table, placed_table, row_of
from ..tune.tune import Tuned

__all__ = ["facts", "lines"]


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
