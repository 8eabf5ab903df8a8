"""How much faster the sparse engine is than a dense one, by density and FIFO depth.

``python -m hwgen.report.docs_tables.speedup FOLDER`` writes the figures and their plot.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ...compiler.csc import encode
from ...golden.sparse.decoder import EntryFormat
from ...golden.sparse.engine import Sparse
from ..charts import line_plot

__all__ = ["DENSITIES", "DEPTHS", "measure", "page", "write"]

SIZE = 512
LANES = 16
WIDTH = 16
DENSITIES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0)
DEPTHS = (1, 2, 4, 8, 16, 32)
SHARES = (0.4, 1.0)
SEED = 1

Figure = dict[str, Any]


def measure(size: int = SIZE, lanes: int = LANES) -> list[Figure]:
    """Return the cycles of a square layer for every density, share of activations and depth.

    Weights and activations are drawn by lot; the cycles are those of the golden model, which are
    those of the hardware. ``dense`` is what as many multipliers take that never wait, ``theory``
    how many times fewer products there are.
    """
    rng = np.random.default_rng(SEED)
    form = EntryFormat(index_bits=5)
    figures = []
    for density in DENSITIES:
        weights = rng.integers(1, 128, (size, size)) * (rng.random((size, size)) < density)
        matrix = encode(weights, form, lanes)
        for share in SHARES:
            values = np.where(rng.random(size) < share, rng.integers(1, 128, size), 0)
            products = int((weights[:, values != 0] != 0).sum())
            for depth in DEPTHS:
                run = Sparse(depth=depth).run(matrix, values.reshape(1, -1, WIDTH))
                dense = -(-size * size // lanes)
                figures.append({
                    "density": density, "activations": share, "depth": depth,
                    "cycles": run.cycles, "dense": dense, "busy": round(run.busy, 3),
                    "speedup": round(dense / run.cycles, 2),
                    "theory": round(size * size / max(products, 1), 2)})
    return figures


def page(figures: list[Figure], share: float) -> str:
    """Return the plot of one share of activations."""
    chosen = [figure for figure in figures if figure["activations"] == share]
    lines = {"theory": [(figure["density"], figure["theory"]) for figure in chosen
                        if figure["depth"] == DEPTHS[0]]}
    for depth in DEPTHS:
        lines[f"depth {depth}"] = [(figure["density"], figure["speedup"]) for figure in chosen
                                   if figure["depth"] == depth]
    return line_plot(f"{SIZE} x {SIZE}, {LANES} lanes, {share:.0%} of activations not zero",
                     "density of weights", "times fewer cycles than dense", lines)


def write(folder: Path) -> None:
    """Write the figures and a plot for each share of activations."""
    figures = measure()
    rows = ",\n ".join(json.dumps(figure) for figure in figures)
    (folder / "speedup.json").write_text(f"[{rows}]\n")
    for share in SHARES:
        (folder / f"speedup_{share * 100:.0f}.svg").write_text(page(figures, share))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
