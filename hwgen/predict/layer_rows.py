"""What the layers of a network take, in the rows of tables; docs/metrics.md explains it."""

from collections.abc import Callable
from typing import Any

from ..compiler.program import Program
from ..text import ShownTable, count, percent
from .efficiency import Work
from .packed import packed_layers

__all__ = ["COLUMNS", "notes", "work_row"]

COLUMNS: dict[str, Callable[[Any], str]] = {
    "busy": percent, "read": count, "written": count, "program": count,
    "memory eff.": percent, "performance eff.": percent}
"""Columns behind the cycles, and how they are written."""


def work_row(work: Work) -> list[int | float | None]:
    """Return the cycles, and what stands in the :data:`COLUMNS`."""
    return [work.cycles, work.multipliers_busy, work.traffic.read, work.traffic.written,
            work.traffic.program, work.memory_access_efficiency, work.performance_efficiency]


def notes(program: Program) -> list[str | ShownTable]:
    """Return which layers the sparse engine computes, are packed, or joined, and why."""
    if not program.choices:
        return [*packing_notes(program), *joined_notes(program)]
    return [ShownTable({"layer": str, "engine": str, "entries of a lane": count, "columns": count,
                   "because": str}, [
        (choice.layer, choice.engine, choice.entries, choice.columns, choice.reason)
        for choice in program.choices]), ""]


def joined_notes(program: Program) -> list[str]:
    """Return which layers leave their output to an ADD; nothing where none does."""
    return [f"{layer.name} is joined with {following.name}: its output is never stored, and "
            "compared there" for layer, following in program.joined] + [""] * bool(program.joined)


def packing_notes(program: Program) -> list[str | ShownTable]:
    """Return which layers are packed, and why; nothing where none is."""
    packings = packed_layers(program)
    if not packings:
        return []
    why = (f"The program memory of {program.design.program_memory:,} bytes has no room for all "
           "weights as the array reads them. Packed are:")
    return [why, ShownTable({"layer": str, "bytes": count, "instead of": count,
                        "cycles to unpack them": count}, [
        (each.layer, each.packed_bytes, each.bytes, each.cycles) for each in packings]), ""]
