"""Fit what each part of an accelerator takes to what synthesis took, and tell how far off that is.

``python -m hwgen.area.fit docs/results/mapped.toml`` prints the costs that ``resources.py`` has,
and the error of each Design when it is left out of the fit; of a list of small accelerators, the
costs that ``compact.py`` has. The Designs of a list have the same engine.

What is the same hardware with a bit-serial array as with a systolic one costs what it was fitted to
with the latter; only the others are fitted, and few syntheses are enough for them.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..text import table
from . import ecp5 as resources
from . import small as compact
from .ecp5 import Parts
from .mapped import list_of, stored

__all__ = ["costs_of", "fitted", "held_out", "kept", "measured"]

Numbers = NDArray[np.float64]

SAME = ("lane in DSP blocks", "lane in fabric", "bank", "LUT of a memory")
"""Parts that are the same hardware with a systolic and with a bit-serial array."""


def measured(path: Path, figure: str) -> tuple[list[str], Numbers, Numbers]:
    """Return names, parts and a figure of all Designs of a list that are measured."""
    known = stored(path)
    designs = {name: design for name, design in list_of(path).items() if name in known}
    return (list(designs), np.array([features_of(each) for each in designs.values()]),
            np.array([known[name][figure] for name in designs], float))


def features_of(design: Design) -> Numbers:
    """Return how many there are of each part that takes logic."""
    return compact.features(design) if design.family in compact.CHIPS else \
        resources.features(Parts.of(design))


def names_of(family: str, engine: str) -> tuple[str, ...]:
    """Return what those parts are called."""
    return (compact if family in compact.CHIPS else resources).FEATURES[engine]


def costs_of(family: str, engine: str, figure: str) -> tuple[float, ...]:
    """Return what each part costs, as the modules have it."""
    if family in compact.CHIPS:
        return compact.COSTS[family, engine][figure]
    costs = {"luts": resources.LUT_COSTS, "registers": resources.REGISTER_COSTS}
    return costs[figure][engine]


def kept(path: Path, figure: str) -> Numbers:
    """Return the costs that the fit to a list does not change; NaN for the others."""
    design = next(iter(list_of(path).values()))
    names, other = (names_of(design.family, engine) for engine in (design.engine, "systolic"))
    known = dict(zip(other, costs_of(design.family, "systolic", figure), strict=True))
    same = SAME if design.engine == "bitserial" else ()
    return np.array([known[name] if name in same else np.nan for name in names])


def fitted(counts: Numbers, figures: Numbers, known: Numbers | None = None) -> Numbers:
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


def held_out(counts: Numbers, figures: Numbers, known: Numbers | None = None) -> Numbers:
    """Return the relative error of each Design, by a fit to all the others."""
    rest = ~np.eye(len(figures), dtype=bool)
    return np.array([counts[i] @ fitted(counts[rest[i]], figures[rest[i]], known) / figures[i] - 1
                     for i in range(len(figures))])


def main(path: Path) -> None:
    """Print costs and errors."""
    design = next(iter(list_of(path).values()))
    parts = names_of(design.family, design.engine)
    for figure in ("luts", "registers"):
        names, counts, figures = measured(path, figure)
        known = kept(path, figure)
        costs, errors = fitted(counts, figures, known), held_out(counts, figures, known)
        print(table(["part", figure], list(zip(parts, costs, strict=True))), "\n")
        print(table(["Design", figure, "held out"],
                    [[name, f"{value:.0f}", f"{error:+.1%}"]
                     for name, value, error in zip(names, figures, errors, strict=True)]))
        errors = np.abs(errors)
        print(f"\n{figure} of {len(names)} Designs: held out, {errors.mean():.1%} off on average, "
              f"{np.median(errors):.1%} in the middle, {np.percentile(errors, 95):.1%} of 95 in "
              f"100, and {errors.max():.1%} at most\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
