"""Area of an accelerator on an ECP5: blocks are counted, LUTs and registers are fitted.

The former are counted as the generator makes them. The latter are a sum over the parts of an
accelerator, each with a cost that was fitted to synthesis: docs/tune.md has how far it is off.
Everything takes numbers, for one Design, and arrays, for many.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..cost.cycles import Count
from ..rtl.primitives import ecp5_rams
from .costs import costs_of, is_known

__all__ = ["FEATURES", "Parts", "block_rams", "dsps", "features", "knows", "luts", "registers"]

LANE_BLOCKS = 4
"""DSP blocks of a lane that has some."""
SUMS_TOGETHER, SUM_BITS = 4, 32
LINES_WIDTH = 36
"""Columns whose sums share a memory; bits of a sum, and of a line buffer's memory at best."""
PROGRAM_PART = 16
PROGRAM_BANKS = (16384, 8192, 4096, 2048)
"""Bits of the program memory that share an address, and words of its banks, but for the last."""
LUT_MEMORIES = 24
"""As many memories in LUTs as synthesis takes a block RAM for."""
HOST_RAMS = 1
"""The buffer of frames between host and accelerator."""


@dataclass(frozen=True)
class Parts:
    """What of a Design, or of many, takes room on a chip: the fields of a Design.

    ``hard_multipliers`` is how many cells have a DSP block; ``engine`` is that of all of them, or
    an array, too.
    """

    rows: Count
    columns: Count
    lines: Count
    line_pixels: Count
    lanes: Count
    hard_lanes: Count
    hard_multipliers: Count
    partial_sums: Count
    activation_memory: Count
    program_memory: Count
    steps: Count = 256
    engine: Any = "systolic"

    @classmethod
    def of(cls, design: Design) -> Self:
        """Return the parts of one Design."""
        return cls(design.rows, design.columns, design.lines, design.line_pixels, design.lanes,
                   design.hard_lanes, design.hard_multipliers, design.partial_sums,
                   design.activation_memory, design.program_memory, design.steps,
                   design.engine)

    @property
    def banks(self) -> Count:
        """Banks of the activation memory."""
        _, bits = np.frexp(np.maximum(self.rows, self.columns) - 1)
        return 1 << bits.astype(np.int64)


def dsps(parts: Parts) -> Count:
    """Return how many DSP blocks are used.

    Which column a lane's first result is of is a product, for which synthesis takes a DSP block
    where it is not a shift, and there are more than two groups of columns.
    """
    shifts = np.equal(parts.lanes & (parts.lanes - 1), 0)
    groups = -(-parts.columns // parts.lanes)
    return (parts.hard_multipliers + LANE_BLOCKS * parts.hard_lanes
            + np.where(shifts | (groups <= 2), 0, 1))


def block_rams(parts: Parts) -> Count:
    """Return how many block RAMs are used."""
    columns, banks = parts.columns, parts.banks
    activations = banks * each(two_ports, 8, -(-parts.activation_memory // banks))
    program = each(program_rams, columns, parts.program_memory // columns)
    whole, rest = np.divmod(columns, SUMS_TOGETHER)
    sums = (whole * each(two_ports, SUM_BITS * SUMS_TOGETHER, parts.partial_sums)
            + each(two_ports, SUM_BITS * rest, parts.partial_sums))
    older = np.maximum(parts.lines - 1, 0)
    together = np.maximum(LINES_WIDTH // (8 * np.maximum(older, 1)), 1)
    whole, rest = np.divmod(columns, together)
    lines = np.where(older > 0, whole * each(two_ports, 8 * older * together, parts.line_pixels)
                     + each(two_ports, 8 * older * rest, parts.line_pixels), 0)
    return activations + program + sums + lines + each(two_ports, 32, parts.steps) + HOST_RAMS


def each(count: Callable[[int, int], int], a: Count, b: Count) -> Count:
    """Return ``count(a, b)``, of each pair of an array of many pairs with few different ones."""
    pairs, place = np.unique(np.stack(np.broadcast_arrays(a, b)).reshape(2, -1), axis=1,
                             return_inverse=True)
    found = np.array([count(*pair) for pair in pairs.T.tolist()], np.int64)
    return found[place].reshape(np.broadcast_shapes(np.shape(a), np.shape(b)))


@cache
def two_ports(width: int, depth: int) -> int:
    """Return the block RAMs of a memory that is read and written at once."""
    if not width or not depth:
        return 0
    if ecp5_rams.suits(width, depth, two_ports=True):
        return ecp5_rams.count(width, depth, two_ports=True)
    return fewest(width, depth, [ecp5_rams.WIDEST, *ecp5_rams.MODES])


@cache
def program_rams(columns: int, depth: int) -> int:
    """Return the block RAMs of a program memory."""
    total, width = 0, 8 * columns
    for low in range(0, width, PROGRAM_PART):
        bits, left = min(PROGRAM_PART, width - low), depth
        for size in (*PROGRAM_BANKS, 1):
            banks, left = (divmod(left, size) if size > 1 else (int(left > 0), 0))
            words = size if size > 1 else depth % PROGRAM_BANKS[-1]
            if banks:
                total += banks * (ecp5_rams.count(bits, words) if ecp5_rams.suits(bits, words)
                                  else fewest(bits, words, ecp5_rams.MODES))
    return total


def fewest(width: int, depth: int, modes: Iterable[tuple[int, int]]) -> int:
    """Return the block RAMs that synthesis takes, where the generator leaves it to it.

    Few words lie in LUTs, if they take fewer memories of 16 words of four bits than
    :data:`LUT_MEMORIES` for each block RAM.
    """
    blocks = min(-(-depth // words) * -(-width // bits) for words, bits in modes)
    small = depth <= ecp5_rams.FEWEST and -(-width // 4) * -(-depth // 16) < LUT_MEMORIES * blocks
    return 0 if small else blocks


FEATURES = {
    "systolic": ("the rest", "column", "cell", "cell in fabric", "column and line",
                 "lane in DSP blocks", "lane in fabric", "bank"),
    "bitserial": ("the rest", "column", "cell", "column and pixel of a window",
                  "lane in DSP blocks", "lane in fabric", "bank"),
}
"""Of each engine the parts that take LUTs and registers."""


def knows(design: Design) -> bool:
    """Return whether it is known what a Design takes."""
    return design.family == "ecp5" and is_known("ecp5", design.engine) and not design.compact


def engine_of(parts: Parts) -> str:
    """Return the engine, which is the same of all."""
    engine, = np.unique(parts.engine).tolist()
    return str(engine)


def features(parts: Parts) -> NDArray[np.float64]:
    """Return how many there are of each part that takes LUTs and registers, (..., parts)."""
    columns, cells = parts.columns, parts.rows * parts.columns
    lanes = parts.hard_lanes, parts.lanes - parts.hard_lanes, parts.banks
    counts = {
        "systolic": [1.0, columns, cells, cells - parts.hard_multipliers, columns * parts.lines,
                     *lanes],
        "bitserial": [1.0, columns, cells, columns * parts.lines**2, *lanes]}
    return np.stack(np.broadcast_arrays(*counts[engine_of(parts)]), axis=-1)


def luts(parts: Parts) -> NDArray[np.float64]:
    """Return about how many LUTs are used."""
    return features(parts) @ costs_of("ecp5", engine_of(parts), "luts")


def registers(parts: Parts) -> NDArray[np.float64]:
    """Return about how many registers are used."""
    return features(parts) @ costs_of("ecp5", engine_of(parts), "registers")
