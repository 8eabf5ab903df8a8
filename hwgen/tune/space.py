"""The search space: the Designs of a board that are worth a look, as arrays.

On an ECP5 they are fast accelerators. What cannot be better is left out: more lanes than it takes
for the cycles of a vector, and fewer partial sums or pixels of a line where the block RAMs stay as
many. There are no more lines than a kernel has rows. Where DSP blocks are few, lanes get them
first: a lane in fabric takes more LUTs than four cells do. The cells of a bit-serial array are
gates: all DSP blocks are for lanes. Those of a systolic one share blocks two by two where they are
too few.

On an iCE40 or a Gowin they are compact accelerators, and those of the engine ``binary``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..arch.boards import Board
from ..arch.design import BINARY_LANES, LEAST_COLUMNS, SIDES
from ..arch.designs import Designs
from ..arch.formats import GROUP
from ..area.area import count_dsps
from ..area.memories import CHIPS
from .workload import Workload

__all__ = ["space"]

LOW, HIGH = SIDES
PARTIAL_SUMS = {"ecp5": (512, 1024, 2048, 4096), "ice40": (64, 128, 256, 512), "gowin": (512,)}
"""Depths at which sums take more block RAMs: fewer words take as many. Of a Gowin, whose block RAMs
are few, the first."""
LINE_PIXELS = (512, 1024, 2048, 4096)
"""Depths at which a line buffer takes more block RAMs."""

Axes = Mapping[str, Sequence[int]]
"""The values of some fields, of which Designs have all combinations."""


def space(board: Board, engine: str, workloads: Sequence[Workload]) -> Iterator[Designs]:
    """Yield the Designs of an engine, those of a number of columns at once, without memories."""
    compact = CHIPS[board.family].compact
    for columns in range(LEAST_COLUMNS if compact and engine != "binary" else LOW, HIGH + 1):
        axes = (binary_axes(columns) if engine == "binary" else
                compact_axes(board, engine, workloads) if compact else
                fast_axes(board, columns, workloads))
        grid = np.meshgrid(*(np.array(values, np.int64) for values in axes.values()),
                           indexing="ij")
        fields: dict[str, Any] = {"lines": 0, "line_pixels": 0} | dict(
            zip(axes, (axis.ravel() for axis in grid), strict=True))
        fields["columns"] = np.full(len(fields["rows"]), columns)
        found = Designs(**fields, steps=0 if compact else 256, engine=engine,
                        compact=compact and engine != "binary", family=board.family,
                        device=board.device, rounding=workloads[0].rounding)
        if compact:
            yield replace(found, hard_multipliers=spare_multipliers(found, board))
        else:
            highest = max(workload.longest_kernel for workload in workloads)
            yield with_multipliers(suitable(found, board), board, highest)


def binary_axes(columns: int) -> Axes:
    """Return those of the engine ``binary``."""
    return {"rows": range(LOW, GROUP + 1), "partial_sums": [1],
            "lanes": [lanes for lanes in BINARY_LANES if columns % lanes == 0]}


def compact_axes(board: Board, engine: str, workloads: Sequence[Workload]) -> Axes:
    """Return those of compact accelerators.

    Of a bit-serial one a single sum takes no memory, and is enough for a vector.
    """
    lines, depths = [0, 1], [*PARTIAL_SUMS[board.family]]
    if engine == "bitserial":
        vectors = max(workload.most_vectors for workload in workloads)
        lines, depths = [0], [1, *depths]
        enough = next((depth for depth in depths if depth >= vectors), depths[-1])
        depths = depths[:depths.index(enough) + 1]
    return {"rows": range(LOW, HIGH + 1), "lanes": [1], "lines": lines, "hard_lanes": [0, 1],
            "partial_sums": depths}


def fast_axes(board: Board, columns: int, workloads: Sequence[Workload]) -> Axes:
    """Return those of fast accelerators."""
    highest = max(workload.longest_kernel for workload in workloads)
    longest = max(workload.longest_row for workload in workloads) + 2 * highest
    return {"rows": range(LOW, HIGH + 1),
            "lanes": sorted({-(-columns // interval) for interval in range(1, columns + 1)}),
            "lines": range(min(highest, HIGH) + 1),  # a line takes a row of the array
            "line_pixels": [LINE_PIXELS[0], *(pixels for pixels in LINE_PIXELS[1:]
                                              if pixels // 2 < longest)],
            "partial_sums": PARTIAL_SUMS[board.family]}


def suitable(designs: Designs, board: Board) -> Designs:
    """Return the fast ones that are possible, with as many lanes in DSP blocks as there are."""
    d = designs
    # The line buffer is for more than one line; without it, one length will do.
    keep = ((np.where(d.serial, d.lines**2, d.lines) <= d.rows)
            & ((d.lines > 1) | (d.line_pixels == LINE_PIXELS[0])))
    d = d[keep]
    blocks = CHIPS[board.family].lane_products
    return replace(d, line_pixels=np.where(d.lines > 1, d.line_pixels, 0),
                   hard_lanes=np.minimum(d.lanes, board.multipliers // blocks))


def spare_multipliers(designs: Designs, board: Board) -> Any:
    """Return how many cells have a hard multiplier: as many as the lanes leave."""
    if designs.engine != "systolic":
        return 0
    left = CHIPS[board.family].products * np.maximum(board.multipliers - count_dsps(designs), 0)
    return np.minimum(designs.rows * designs.columns, left)


def with_multipliers(designs: Designs, board: Board, highest: int) -> Designs:
    """Return fast Designs with all hard multipliers that the lanes leave, shared where too few.

    Rows in which a line has all columns of a kernel, of ``highest`` at most, share none.
    """
    d = replace(designs, hard_multipliers=spare_multipliers(designs, board))
    pairs = np.asarray(d.columns // 2)
    if d.engine != "systolic" or not np.all(pairs):
        return d
    most = np.minimum(d.hard_multipliers // pairs, d.rows - d.lines * highest)
    short = d.rows * d.columns - d.hard_multipliers
    d = replace(d, packed_rows=np.clip(-(-short // pairs), 0, np.maximum(most, 0)))
    return replace(d, hard_multipliers=np.minimum(
        d.rows * d.columns, d.hard_multipliers + d.packed_pairs))
