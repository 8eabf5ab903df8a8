"""What a compact accelerator takes of an iCE40: blocks are counted, logic is fitted.

As ``resources.py`` for the larger ones on an ECP5, but of one Design at a time. Logic cells of an
iCE40 are what ``mapped.py`` calls its LUTs.
"""

import numpy as np
from numpy.typing import NDArray

from ..design import Design
from ..rtl._memories import WordMemory
from ..rtl.primitives import ice40

__all__ = ["COSTS", "FEATURES", "LANE_BLOCKS", "features", "split", "used"]

LANE_BLOCKS = 4
MODES = ((256, 16), (512, 8), (1024, 4), (2048, 2))
"""Words of a block RAM, and the bits of each."""
HOST_RAMS = 2
SUM_BITS, COUNTER_BITS = 32, 32
PART = ice40.WIDTH
"""Bits of the program memory that are written together, and of a large memory."""

FEATURES = ("the rest", "column", "cell", "cell in fabric", "lane in fabric", "column and line",
            "bank")

COSTS = {
    "luts": (3831.7, 100.5, 47.6, 183.2, 2311.1, 146.4, 45.1),
    "registers": (1959.8, 119.2, 12.4, 74.3, 785.4, 77.5, -5.7),
}


def features(design: Design) -> NDArray[np.float64]:
    """Return how many there are of each part that takes logic."""
    cells = design.rows * design.columns
    return np.array([1, design.columns, cells, cells - design.hard_multipliers,
                     design.lanes - design.hard_lanes, design.columns * design.lines,
                     design.banks], float)


def used(design: Design) -> dict[str, float]:
    """Return what a Design takes, about in ``luts`` and ``registers``, exactly in the rest."""
    logic = {name: float(features(design) @ np.array(costs)) for name, costs in COSTS.items()}
    word = 8 * design.columns
    banks = WordMemory(word, design.program_words, PART, "ice40", design.device).banks
    large = [depth for _, depth in banks if depth >= ice40.LEAST_DEPTH]
    parts = [min(PART, word - low) for low in range(0, word, PART)]
    rams = (design.banks * split(design.activation_memory // design.banks)
            + least(SUM_BITS * design.columns, design.partial_sums)
            + least(COUNTER_BITS, design.steps) + HOST_RAMS
            + sum(least(width, depth) for width in parts for _, depth in banks
                  if depth not in large))
    return {**logic, "block_rams": rams, "single_port_rams": len(parts) * len(large),
            "dsps": -(-design.hard_multipliers // 2) + LANE_BLOCKS * design.hard_lanes}


def split(depth: int) -> int:
    """Return the block RAMs of a bank of the activation memory, which is in two if it is odd."""
    large = 1 << (depth.bit_length() - 1)
    return least(8, large) + least(8, depth - large)


def least(width: int, depth: int) -> int:
    """Return the block RAMs of a memory, as synthesis chooses."""
    return min(-(-depth // words) * -(-width // bits) for words, bits in MODES)
