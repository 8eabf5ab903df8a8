"""A page that stands alone: Designs, and what networks take on them, to look at in a browser.

The page is ``page.html``; here is what it shows. It loads nothing, and follows the colours that the
reader has chosen for all pages. Without the extra ``charts`` it has its tables alone.
"""

import datetime
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..arch.design import Design
from ..compiler.program import Program
from ..errors import UserError
from ..predict.efficiency import Work
from ..text import printable
from ..tune.workload import Run
from .charts import page_charts, vega

__all__ = ["FIELDS", "design_data", "page"]

TEMPLATE = Path(__file__).with_name("page.html")
FIELDS = ("rows", "columns", "lines", "lanes", "hard_lanes", "partial_sums", "line_pixels",
          "activation_memory", "program_memory")
"""Fields of a Design that are compared."""
NEARLY = 0.8
"""A share from which on a resource is what limits a layer."""
CLOSE = 1.6
"""How many times as far to the right, or as high, a layer may be that is named with another one."""
ROOM = 0.05
"""Share of the memory from which on a tensor has room for its name."""


def design_data(name: str, fields: dict[str, int], cycles: Sequence[Sequence[int]],
                used: dict[str, float], area: float, mhz: float | None) -> dict[str, Any]:
    """Return one Design as the page takes it, with the cycles of each layer of each network."""
    return {"name": name, "cells": fields["rows"] * fields["columns"],
            "fields": {field: fields[field] for field in FIELDS},
            "layers": [[int(each) for each in layers] for layers in cycles],
            "used": used, "area": area,
            "mhz": None if mhz is None or math.isnan(mhz) else mhz}


def page(title: str, about: Sequence[str], design: Design, designs: list[dict[str, Any]],
         chosen: int, second: int, runs: Sequence[Run]) -> str:
    """Return the text of the page.

    Parameters
    ----------
    title : str
    about : sequence of str
        What stands below the title, as a list.
    design : Design
        The first one of the two that are compared.
    designs : list of dict
        All of them, each :func:`design_data`.
    chosen, second : int
        Which two are compared at first.
    runs : sequence
        Of each workload its name, and its Programs for ``design`` with what each layer takes.
    """
    made = [f"hwgen {__version__}, {datetime.date.today()}"]
    try:
        script, charts = vega(), page_charts(all(each["mhz"] for each in designs))
    except UserError as error:
        script, charts, made = "", {}, [*made, str(error)]
    facts = browser_safe({
        "title": title, "about": [*about, *made], "toml": design.to_toml(), "designs": designs,
        "chosen": chosen, "second": second,
        "networks": [{"name": name, "layers": [*layer_rows(programs, design)],
                      "roof": roof(programs, design), "memory": memory(programs, design)}
                     for name, programs in runs]}) | {"charts": charts}
    # No tag can end in the middle of the data.
    text = json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c")
    before, between, after = (part for half in TEMPLATE.read_text("utf-8").split("DATA")
                              for part in half.split("VEGA"))
    return f"{before}{text}{between}{script}{after}"


def browser_safe(value: Any) -> Any:
    """Return plain data with texts that a browser shows as they are; its ends of lines stay."""
    if isinstance(value, dict):
        return {name: browser_safe(each) for name, each in value.items()}
    if isinstance(value, list):
        return [browser_safe(each) for each in value]
    return printable(value, keep="\n") if isinstance(value, str) else value


def bytes_a_cycle(design: Design) -> int:
    """Return what the memories move: a window is read, a vector and a word of the program."""
    return max(design.rows, design.columns) + 2 * design.columns


def layer_rows(programs: Sequence[tuple[Program, Sequence[Work]]],
               design: Design) -> Iterator[dict[str, Any]]:
    """Yield what the page says of each layer."""
    for program, works in programs:
        for part, work in zip(program.layers, works, strict=True):
            place = program.tensors.get(part.output)
            yield {"name": part.name, "operator": part.operator, "products": work.computed,
                   "shape": f"{place.height} x {place.width} x {len(place.channels)}"
                   if place else "-", "bytes": work.traffic.total, "limit": limit_of(work, design)}


def limit_of(work: Work, design: Design) -> str:
    """Return what keeps a layer from being faster on a Design."""
    if not work.cycles:
        return "it takes no steps"
    if work.stalls >= (1 - NEARLY) * work.cycles:
        return f"external memory: {work.stalls:,} cycles wait for it"
    if work.multipliers_busy >= NEARLY:
        return "multipliers: they are busy"
    if work.traffic.total >= NEARLY * work.cycles * bytes_a_cycle(design):
        return "memories: their ports are busy"
    if not work.computed:
        return "it has no products: bytes are moved, added or compared"
    return "its shape: it fills a part of the array"


def roof(programs: Sequence[tuple[Program, Sequence[Work]]],
         design: Design) -> list[dict[str, Any]]:
    """Return the layers by what they multiply, equal ones under one name, and the line above."""
    places: dict[tuple[float, float], list[str]] = {}
    for program, works in programs:
        for part, work in zip(program.layers, works, strict=True):
            if work.computed and work.traffic.total:
                at = (work.computed / work.traffic.total, work.computed / work.cycles)
                places.setdefault(at, []).append(part.name)
    multipliers = design.rows * design.columns
    knee = multipliers / bytes_a_cycle(design)
    ends = sorted([knee / 4, knee, knee * 4, *(x for x, _ in places)])
    return [{"intensity": x, "rate": y, "layer": ", ".join(names)}
            for (x, y), names in places.items()] + [
        {"intensity": x, "rate": min(multipliers, x * bytes_a_cycle(design))}
        for x in (ends[0], knee, ends[-1])] + labels(places)


def labels(places: dict[tuple[float, float], list[str]]) -> list[dict[str, Any]]:
    """Return where the roofline names its layers: those that are close to one another together."""
    groups: list[tuple[float, float, list[str]]] = []
    for (x, y), names in sorted(places.items(), reverse=True):
        near = next((group for group in groups if group[0] < CLOSE * x
                     and 1 / CLOSE < group[1] / y < CLOSE), None)
        if near:
            near[2].extend(names)
        else:
            groups.append((x, y, [*names]))
    return [{"intensity": x, "rate": y, "label": names[0] if len(names) == 1 else ", ".join(
        sorted((name.partition("_")[0] for name in names), key=lambda name: (len(name), name)))}
        for x, y, names in groups]


def memory(programs: Sequence[tuple[Program, Sequence[Work]]],
           design: Design) -> list[dict[str, Any]]:
    """Return where each tensor is and when, over the layers of all Programs."""
    tensors, first = [], 0
    for program, _ in programs:
        count = len(program.layers)
        begins = {part.output: number for number, part in enumerate(program.layers)}
        makers = {part.output: part.name for part in program.layers}
        ends = {name: number for number, part in enumerate(program.layers)
                for name in (*part.inputs, part.output)} | dict.fromkeys(program.outputs, count - 1)
        for name, place in program.tensors.items():
            size = ((place.height - 1) * place.row + (place.width - 1) * place.pitch
                    + len(place.channels))
            tensors.append({
                "name": name, "label": makers.get(name, name), "bytes": size,
                "address": place.address, "top": place.address + size,
                "begin": first + begins.get(name, -1), "end": first + ends.get(name, count - 1) + 1,
                "roomy": size >= ROOM * design.activation_memory})
        first += count
    return tensors
