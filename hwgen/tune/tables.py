"""The Pareto front and what was placed of it, as tables and as plain data."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..text import ShownTable, count
from .candidates import RESOURCES, Candidates, share_of_chip
from .choice import Selection
from .place_best import PlacedSelection
from .workload import Workload

__all__ = ["front_table", "placed_table", "row_of"]

ROWS_SHOWN = 12


def row_of(front: Candidates, index: int, at: Board) -> dict[str, Any]:
    """Return one Design of the front as plain data."""
    fields = front.designs.values(index)
    del fields["compact"]  # as all of its engine on this board
    return {**fields, "cycles": front.cycles[:, index].tolist(),
            **{name: round(float(front.resources[name][index])) for name in RESOURCES},
            "area": float(share_of_chip(front.resources, at)[index])}


def placed_table(corrected: PlacedSelection) -> ShownTable:
    """Return what was placed, and what became of it."""
    rows: list[list[Any]] = []
    for index, each in zip(corrected.indices, corrected.placed, strict=True):
        front = corrected.choice.front
        cycles = int(front.cycles[:, index].sum())
        rows.append([
            "chosen" if index == corrected.choice.chosen else "",
            front.label(index), cycles, str(corrected.clocks[len(rows)] or "not known"),
            *([f"{each.fmax_mhz:g}", f"{cycles / each.fmax_mhz / 1000:.3g}", f"{each.luts:,}",
               f"{each.registers:,}", each.dsps, each.block_rams] if each.fmax_mhz
              else [each.excess, *[""] * 5])])
    return ShownTable({"placed": str, "array": str, "cycles": count, "expected": str, "MHz": str,
                  "ms": str, "LUT": str, "FF": str, "DSP": str, "block RAM": str}, rows)


def front_table(choice: Selection, at: Board, workloads: list[Workload],
                clocks: NDArray[np.float64]) -> ShownTable:
    """Return the Pareto front, or as much of it as can be read, with what is chosen."""
    size = len(choice.front)
    shown = sorted({choice.chosen, *np.linspace(0, size - 1, min(size, ROWS_SHOWN)).astype(int)})
    rows, several = [], choice.front.engines != ["systolic"]
    packed = bool(np.any(choice.front.designs.packed_rows))
    for index in shown:
        row = row_of(choice.front, index, at)
        rows.append([
            "chosen" if index == choice.chosen else "", *[row["engine"]] * several,
            f"{row['rows']}x{row['columns']}",
            row["lines"], row["lanes"], row["hard_lanes"], row["hard_multipliers"],
            *[row["packed_rows"]] * packed, row["partial_sums"], *row["cycles"],
            float(clocks[index]), float(sum(row["cycles"]) / clocks[index] / 1000),
            row["dsps"], row["block_rams"], row["luts"], row["registers"], row["area"]])
    names = [workload.name for workload in workloads]
    cycles = [f"cycles, {name}" if names.count(name) == 1 else f"cycles, {number}: {name}"
              for number, name in enumerate(names, 1)]
    return ShownTable(
        {"": str, **({"engine": str} if several else {}), "array": str, "lines": str, "lanes": str,
         "in DSPs": str, "cells in DSPs": str, **({"rows packed": str} if packed else {}),
         "sums": str, **dict.fromkeys(cycles, count), "MHz": "{:g}".format, "ms": "{:.3g}".format,
         "DSP": str, "block RAM": str, "LUT, about": count, "FF, about": count,
         "area": "{:.0%}".format}, rows)
