"""What each part of an accelerator takes of a chip: figures of ``costs.toml``, which fits write."""

import tomllib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["BASES", "COSTS", "FIGURES", "Costs", "costs_of", "is_known", "parts_of", "write_costs"]

FIGURES = ("luts", "registers")

Costs = dict[str, dict[str, dict[str, dict[str, float]]]]
"""By family, engine, figure and part."""

FILE = Path(__file__).with_suffix(".toml")

BASES = {"packed": "systolic"}
"""What has all parts of an engine, and some more: an array with packed rows."""

COSTS: Costs = tomllib.loads(FILE.read_text(encoding="utf-8"))


def is_known(family: str, engine: str) -> bool:
    """Return whether it is known what the parts of an engine take on a family."""
    return engine in COSTS.get(family, {})


def parts_of(family: str, engine: str) -> tuple[str, ...]:
    """Return the parts of an engine that take logic."""
    own = tuple(COSTS[family][engine][FIGURES[0]])
    return parts_of(family, BASES[engine]) + own if engine in BASES else own


def costs_of(family: str, engine: str, figure: str) -> NDArray[np.float64]:
    """Return what each part takes, in the order of the parts."""
    own = np.array([*COSTS[family][engine][figure].values()])
    return np.append(costs_of(family, BASES[engine], figure), own) if engine in BASES else own


def write_costs(costs: Costs, path: Path = FILE) -> None:
    """Write the file again, below the comment at its head."""
    head = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    lines = []
    for family in sorted(costs):
        for engine in sorted(costs[family]):
            for figure in FIGURES:
                lines += ["", f"[{family}.{engine}.{figure}]",
                          *(f'"{part}" = {float(cost)}' for part, cost
                            in costs[family][engine][figure].items())]
    path.write_text("\n".join([*head, *lines, ""]), encoding="utf-8")
