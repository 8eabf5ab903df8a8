"""All Designs of a board that may suit: every combination that is worth a look, as arrays.

What cannot be better is left out: more lanes than it takes for the cycles of a vector, and fewer
partial sums or pixels of a line where the block RAMs stay as many. There are no more lines than a
kernel has rows. Memories are as large as the networks need for not being cut. Where DSP blocks are
few, lanes get them first: a lane in fabric takes more LUTs than four cells do. The cells of a
bit-serial array are gates: all DSP blocks are for lanes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ..arch.boards import Board
from ..arch.design import SIDES, Design
from ..area.ecp5 import LANE_BLOCKS, Parts, dsps
from ..area.small import CHIPS
from .survey import Designs
from .workload import Workload

__all__ = ["Candidates", "design_of", "space"]

Integers = NDArray[np.int64]

PARTIAL_SUMS = (512, 1024, 2048, 4096)
LINE_PIXELS = (512, 1024, 2048, 4096)
"""Depths at which a memory takes more block RAMs: fewer words take as many."""


@dataclass(frozen=True)
class Candidates:
    """Designs as arrays of their fields, those of their memories still unknown."""

    designs: Designs
    hard_lanes: Integers
    hard_multipliers: Integers
    engine: str = "systolic"

    def __len__(self) -> int:
        return len(self.designs)

    def parts(self, activations: Integers, program: Integers) -> Parts:
        """Return what they take room with, with memories for so many bytes."""
        d = self.designs
        whole = Parts(d.rows, d.columns, d.lines, d.line_pixels, d.lanes, self.hard_lanes,
                      self.hard_multipliers, d.partial_sums, activations, program,
                      engine=self.engine)
        banks, columns = whole.banks, d.columns
        return replace(whole, activation_memory=-(-activations // banks) * banks,
                       program_memory=-(-program // columns) * columns)


def space(board: Board, workloads: Sequence[Workload]) -> Iterator[Candidates]:
    """Yield the candidates of a board, those of an engine and a number of columns at once."""
    for engine in ("systolic", "bitserial"):
        yield from candidates_of(engine, board, workloads)


def candidates_of(engine: str, board: Board, workloads: Sequence[Workload],
                  ) -> Iterator[Candidates]:
    """Yield those of one engine."""
    low, high = SIDES
    serial = engine == "bitserial"
    sides = np.arange(low, high + 1)
    highest = max((side for workload in workloads for side in workload.kernels), default=0)
    longest = max(workload.longest_row for workload in workloads)
    pixels = [depth for depth in LINE_PIXELS if depth // 2 < max(longest + 2 * highest, 1)]
    for columns in range(low, high + 1):
        lanes = np.unique([-(-columns // interval) for interval in range(1, columns + 1)])
        lines = np.arange(min(highest, high) + 1)  # a line takes a row of the array
        grid = np.meshgrid(sides, lanes, lines, np.array(pixels or LINE_PIXELS[:1]),
                           np.array(PARTIAL_SUMS), indexing="ij")
        rows, lane, line, pixel, sums = (axis.ravel() for axis in grid)
        # The line buffer is for more than one line; without it, one length will do.
        keep = ((line**2 if serial else line) <= rows) & ((line > 1) | (pixel == grid[3].min()))
        rows, lane, line, pixel, sums = (axis[keep] for axis in (rows, lane, line, pixel, sums))
        hard = np.minimum(lane, board.multipliers // LANE_BLOCKS)
        pixel = np.where(line > 1, pixel, 0)
        designs = Designs(rows, np.full(len(rows), columns), lane, line, pixel, sums, serial)
        found = Candidates(designs, hard, np.zeros_like(hard), engine)
        if serial:
            yield found
            continue
        left = board.multipliers - dsps(found.parts(np.zeros_like(hard), np.zeros_like(hard)))
        yield replace(found, hard_multipliers=np.minimum(rows * columns, np.maximum(left, 0)))


def design_of(parts: Parts, number: int, board: Board, rounding: str) -> Design:
    """Return one of many as a Design."""
    one = {field.name: np.broadcast_to(getattr(parts, field.name), len(parts.rows))[number].item()
           for field in fields(Parts)}
    dsps, engine = one.pop("hard_multipliers"), one["engine"]
    return Design.from_dict({"family": board.family, "device": board.device, "rounding": rounding,
                             "dsps": dsps if engine == "systolic" else None,
                             "compact": board.family in CHIPS and engine != "binary", **one})
