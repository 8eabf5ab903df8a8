"""Fit what each part of an accelerator takes to what synthesis took, and tell how far off that is.

``python -m hwgen.area.fit docs/results/mapped.toml`` prints the cost of each part, and the error of
each Design when it is left out of the fit; with ``--write`` before it, the costs go to
``costs.toml``. The Designs of a list have the same family and engine.

What is the same hardware with a bit-serial array, or with packed rows, as with a systolic one costs
what it was fitted to with the latter; only the others are fitted, and few syntheses are enough for
them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arch.designs import Designs
from ..text import table
from .area import count_parts, engine_of
from .costs import BASES, COSTS, FIGURES, costs_of, parts_of, write_costs
from .mapped import read_designs, read_figures
from .memories import memory_blocks

__all__ = ["fit_costs", "leave_one_out", "measurements", "shared_costs", "update"]

Numbers = NDArray[np.float64]

SAME = ("lane in DSP blocks", "lane in fabric", "bank", "LUT of a memory")
"""Parts that are the same hardware with a systolic and with a bit-serial array."""


def measurements(path: Path, figure: str) -> tuple[list[str], Numbers, Numbers]:
    """Return names, parts and a figure of all Designs of a list that are measured."""
    known = read_figures(path)
    designs = {name: design for name, design in read_designs(path).items() if name in known}
    each = [Designs.of([design]) for design in designs.values()]
    return (list(designs), np.concatenate([count_parts(one, memory_blocks(one)) for one in each]),
            np.array([known[name][figure] for name in designs], float))


def kind_of(path: Path) -> tuple[str, str]:
    """Return family and engine of a list."""
    design = next(iter(read_designs(path).values()))
    return design.family, engine_of(Designs.of([design]))


def shared_costs(path: Path, figure: str) -> Numbers:
    """Return the costs that the fit to a list does not change; NaN for the others."""
    family, engine = kind_of(path)
    names, other = (parts_of(family, each) for each in (engine, "systolic"))
    known = dict(zip(other, costs_of(family, "systolic", figure), strict=True))
    same = {"bitserial": SAME, "packed": other}.get(engine, ())
    return np.array([known[name] if name in same else np.nan for name in names])


def fit_costs(counts: Numbers, figures: Numbers, known: Numbers | None = None) -> Numbers:
    """Return what each part costs, for the least squares of relative errors.

    ``known`` are those that are not fitted; NaN for the others.
    """
    costs = np.full(counts.shape[1], np.nan) if known is None else known.copy()
    free = np.isnan(costs)
    rest = figures - counts[:, ~free] @ costs[~free]
    # Of parts that no Design has, nothing is known: they cost 0.
    found, *_ = np.linalg.lstsq(counts[:, free] / figures[:, None], rest / figures, rcond=None)
    costs[free] = found
    return np.round(costs, 1)


def leave_one_out(counts: Numbers, figures: Numbers, known: Numbers | None = None) -> Numbers:
    """Return the relative error of each Design, by a fit to all the others."""
    rest = ~np.eye(len(figures), dtype=bool)
    fits = [fit_costs(counts[others], figures[others], known) for others in rest]
    return np.sum(counts * fits, axis=1) / figures - 1


def main(path: Path) -> dict[str, dict[str, float]]:
    """Print costs and errors, and return the costs of each part for each figure."""
    parts = parts_of(*kind_of(path))
    found = {}
    for figure in FIGURES:
        names, counts, figures = measurements(path, figure)
        known = shared_costs(path, figure)
        costs, errors = fit_costs(counts, figures, known), leave_one_out(counts, figures, known)
        found[figure] = dict(zip(parts, costs.tolist(), strict=True))
        print(table(["part", figure], list(found[figure].items())), "\n")
        print(table(["Design", figure, "held out"],
                    [[name, f"{value:.0f}", f"{error:+.1%}"]
                     for name, value, error in zip(names, figures, errors, strict=True)]))
        errors = np.abs(errors)
        print(f"\n{figure} of {len(names)} Designs, each left out of the fit: mean error "
              f"{errors.mean():.1%}, median {np.median(errors):.1%}, 95th percentile "
              f"{np.percentile(errors, 95):.1%}, largest {errors.max():.1%}\n")
    return found


def update(paths: Sequence[Path]) -> None:
    """Write the costs that are fitted to lists.

    Of a family the systolic engine comes first: others keep some of its costs.
    """
    for path in paths:
        family, engine = kind_of(path)
        base = parts_of(family, BASES[engine]) if engine in BASES else ()
        COSTS.setdefault(family, {})[engine] = {
            figure: {part: cost for part, cost in costs.items() if part not in base}
            for figure, costs in main(path).items()}
    write_costs(COSTS)


if __name__ == "__main__":
    if sys.argv[1] == "--write":
        update([Path(name) for name in sys.argv[2:]])
    else:
        main(Path(sys.argv[1]))
