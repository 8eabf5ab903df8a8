"""What the layers of a network take, as a table and as plain data; docs/metrics.md explains it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ..compiler.program import Program
from ..predict.efficiency import Work
from ..predict.packed import packed_layers
from ..runtime.inference import LayerRun
from ..text import table

__all__ = ["choice_facts", "choice_lines", "facts_of", "predicted_table", "run_table"]

HEADER = ("busy", "read", "written", "program", "memory eff.", "performance eff.")


def facts_of(work: Work) -> dict[str, Any]:
    """Return what is said of a layer, and of the whole network, as plain data."""
    return {"products": work.products, "computed_products": work.computed,
            "multipliers_busy": work.multipliers_busy,
            "performance_efficiency": work.performance_efficiency,
            "bytes_read": work.traffic.read, "bytes_written": work.traffic.written,
            "program_bytes": work.traffic.program, "least_bytes": work.least,
            "memory_access_efficiency": work.memory_access_efficiency}


def cells(work: Work) -> list[str]:
    """Return the cells of a row below :data:`HEADER`."""
    return [percent(work.multipliers_busy), f"{work.traffic.read:,}", f"{work.traffic.written:,}",
            f"{work.traffic.program:,}", percent(work.memory_access_efficiency),
            percent(work.performance_efficiency)]


def percent(ratio: float | None) -> str:
    """Return a ratio in percent, or a dash for none."""
    return "-" if ratio is None else f"{100 * ratio:.1f} %"


def predicted_table(layers: Mapping[str, Work], whole: Work) -> str:
    """Return what each layer will take, and all of them."""
    rows = [[name, f"{work.cycles:,}", *cells(work)]
            for name, work in [*layers.items(), ("all layers", whole)]]
    return table(["layer", "cycles", *HEADER], rows)


def run_table(layers: Sequence[LayerRun], whole: Work, predicted: int, checked: bool) -> str:
    """Return what each layer took, and whether it equals the golden model where that was asked."""
    wrong = sum(layer.difference is not None for layer in layers)
    rows = [[layer.name, f"{layer.cycles:,}", f"{layer.predicted_cycles:,}", *cells(layer.work),
             layer.difference or (f"see {layer.joined}" if layer.joined else "equal")]
            for layer in layers]
    rows.append(["all layers", f"{whole.cycles:,}", f"{predicted:,}", *cells(whole),
                 f"{wrong} differ" if wrong else "equal"])
    header = ["layer", "cycles", "predicted", *HEADER, "golden model"]
    return table(header, rows) if checked else \
        table(header[:-1], [row[:-1] for row in rows])


def choice_facts(program: Program) -> dict[str, Any]:
    """Return which layers the sparse engine computes, and why, are packed, or joined, as data."""
    packings = packed_layers(program)
    joined = {layer.name: following.name for layer, following in program.joined}
    return ({"engines": [dataclasses.asdict(choice) for choice in program.choices]}
            if program.choices else {}) | ({"joined": joined} if joined else {}) | (
        {"packed": [dataclasses.asdict(packing) for packing in packings]} if packings else {})


def choice_lines(program: Program) -> list[str]:
    """Return the same as a table, and an empty line; nothing where there is no such engine."""
    if not program.choices:
        return [*packing_lines(program), *joined_lines(program)]
    rows = [(choice.layer, choice.engine, f"{choice.entries:,}", f"{choice.columns:,}",
             choice.reason) for choice in program.choices]
    return [table(["layer", "engine", "entries of a lane", "columns", "because"], rows), ""]


def joined_lines(program: Program) -> list[str]:
    """Return which layers leave their output to an ADD; nothing where none does."""
    return [f"{layer.name} is joined with {following.name}: its output is never stored, and "
            "compared there" for layer, following in program.joined] + [""] * bool(program.joined)


def packing_lines(program: Program) -> list[str]:
    """Return which layers are packed, and why; nothing where none is."""
    packings = packed_layers(program)
    if not packings:
        return []
    rows = [(each.layer, f"{each.packed_bytes:,}", f"{each.bytes:,}", f"{each.cycles:,}")
            for each in packings]
    why = (f"The program memory of {program.design.program_memory:,} bytes has no room for all "
           "weights as the array reads them. Packed are:")
    return [why, table(["layer", "bytes", "instead of", "cycles to unpack them"], rows), ""]
