"""Fit what each part of an accelerator takes to what synthesis took, and tell how far off that is.

``python -m hwgen.cost.fit docs/results/mapped.toml`` prints the costs that ``resources.py`` has,
and the error of each Design when it is left out of the fit; of a list of small accelerators, the
costs that ``compact.py`` has. The Designs of a list have the same engine.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..design import Design
from ..table import table
from . import compact, resources
from .mapped import list_of, stored
from .resources import Parts

__all__ = ["fitted", "held_out", "measured"]

Numbers = NDArray[np.float64]


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


def names_of(design: Design) -> tuple[str, ...]:
    """Return what those parts are called."""
    module = compact if design.family in compact.CHIPS else resources
    return module.FEATURES[design.engine]


def fitted(counts: Numbers, figures: Numbers) -> Numbers:
    """Return what each part costs, for the least squares of relative errors."""
    # Of parts that no Design has, nothing is known: they cost 0.
    costs, *_ = np.linalg.lstsq(counts / figures[:, None], np.ones(len(figures)), rcond=None)
    return np.round(costs, 1)


def held_out(counts: Numbers, figures: Numbers) -> Numbers:
    """Return the relative error of each Design, by a fit to all the others."""
    rest = ~np.eye(len(figures), dtype=bool)
    return np.array([counts[i] @ fitted(counts[rest[i]], figures[rest[i]]) / figures[i] - 1
                     for i in range(len(figures))])


def main(path: Path) -> None:
    """Print costs and errors."""
    parts = names_of(next(iter(list_of(path).values())))
    for figure in ("luts", "registers"):
        names, counts, figures = measured(path, figure)
        costs, errors = fitted(counts, figures), held_out(counts, figures)
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
