"""A page that stands alone: Designs, and what networks take on them, to look at in a browser.

The page is ``page.html``; here is what it shows. It loads nothing, and follows the colours that the
reader has chosen for all pages.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..arch.design import Design
from ..compiler.program import Program
from ..predict.efficiency import Work
from ..text import printable

__all__ = ["FIELDS", "design_data", "page"]

TEMPLATE = Path(__file__).with_name("page.html")
FIELDS = ("rows", "columns", "lines", "lanes", "hard_lanes", "partial_sums", "line_pixels",
          "activation_memory", "program_memory")
"""Fields of a Design that are compared."""


def design_data(name: str, fields: dict[str, int], cycles: Sequence[Sequence[int]],
                used: dict[str, float], area: float) -> dict[str, Any]:
    """Return one Design as the page takes it, with the cycles of each layer of each network."""
    return {"name": name, "cells": fields["rows"] * fields["columns"],
            "fields": {field: fields[field] for field in FIELDS},
            "layers": [[int(each) for each in layers] for layers in cycles],
            "used": used, "area": area}


def page(title: str, about: Sequence[str], design: Design, designs: list[dict[str, Any]],
         chosen: int, second: int,
         runs: Sequence[tuple[str, Sequence[tuple[Program, Sequence[Work]]]]]) -> str:
    """Return the text of the page.

    Parameters
    ----------
    title : str
    about : sequence of str
        What stands below the title.
    design : Design
        The first one of the two that are compared.
    designs : list of dict
        All of them, each :func:`design_data`.
    chosen, second : int
        Which two are compared at first.
    runs : sequence
        Of each workload its name, and its Programs for ``design`` with what each layer takes.
    """
    facts = browser_safe({
        "title": title, "about": list(about), "toml": design.to_toml(), "designs": designs,
        "chosen": chosen, "second": second,
        "networks": [{
            "name": name, "layers": [part.name for program, _ in programs
                                     for part in program.layers],
            "products": [work.computed for _, works in programs for work in works]}
            for name, programs in runs],
        "roof": {"multipliers": design.rows * design.columns,
                 # A window is read, a vector written, and a word of the program read.
                 "bytes": max(design.rows, design.columns) + 2 * design.columns,
                 "networks": [[{"name": part.name, "products": work.computed,
                                "bytes": work.traffic.total, "cycles": work.cycles}
                               for program, works in programs
                               for part, work in zip(program.layers, works, strict=True)]
                              for _, programs in runs]},
        "memory": [memory(programs, design) for _, programs in runs]})
    # No tag can end in the middle of the data.
    text = json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c")
    return TEMPLATE.read_text(encoding="utf-8").replace("DATA", text, 1)


def browser_safe(value: Any) -> Any:
    """Return plain data with texts that a browser shows as they are; its ends of lines stay."""
    if isinstance(value, dict):
        return {name: browser_safe(each) for name, each in value.items()}
    if isinstance(value, list):
        return [browser_safe(each) for each in value]
    return printable(value, keep="\n") if isinstance(value, str) else value


def memory(programs: Sequence[tuple[Program, Sequence[Work]]], design: Design) -> dict[str, Any]:
    """Return where each tensor is and when, over the layers of all Programs."""
    tensors, first = [], 0
    for program, _ in programs:
        count = len(program.layers)
        begins = {part.output: number for number, part in enumerate(program.layers)}
        ends = {name: number for number, part in enumerate(program.layers)
                for name in (*part.inputs, part.output)} | dict.fromkeys(program.outputs, count - 1)
        tensors += [{
            "name": name, "address": place.address,
            "bytes": ((place.height - 1) * place.row + (place.width - 1) * place.pitch
                      + len(place.channels)),
            "begin": first + begins.get(name, -1), "end": first + ends.get(name, count - 1)}
            for name, place in program.tensors.items()]
        first += count
    return {"layers": first, "bytes": design.activation_memory, "tensors": tensors}
