"""What the layers of a network take, as plain data; docs/metrics.md explains it."""

import dataclasses
from typing import Any

from ..compiler.program import Program
from ..predict.efficiency import Work
from ..predict.packed import packed_layers

__all__ = ["choice_facts", "facts_of"]


def facts_of(work: Work) -> dict[str, Any]:
    """Return what is said of a layer, and of the whole network, as plain data."""
    return {"products": work.products, "computed_products": work.computed,
            "multipliers_busy": work.multipliers_busy,
            "performance_efficiency": work.performance_efficiency,
            "bytes_read": work.traffic.read, "bytes_written": work.traffic.written,
            "program_bytes": work.traffic.program, "least_bytes": work.least,
            "memory_access_efficiency": work.memory_access_efficiency}


def choice_facts(program: Program) -> dict[str, Any]:
    """Return which layers the sparse engine computes, and why, are packed, or joined, as data."""
    packings = packed_layers(program)
    joined = {layer.name: following.name for layer, following in program.joined}
    return ({"engines": [dataclasses.asdict(choice) for choice in program.choices]}
            if program.choices else {}) | ({"joined": joined} if joined else {}) | (
        {"packed": [dataclasses.asdict(packing) for packing in packings]} if packings else {})
