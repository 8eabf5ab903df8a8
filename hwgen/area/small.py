# amaranth: UnusedElaboratable=no
"""Area of a compact accelerator on an iCE40 or a Gowin: blocks are counted, logic is fitted.

Small ones are those that are ``compact``, with a systolic or a bit-serial engine, and the binary.

As ``ecp5.py`` for the larger ones on an ECP5, but of one Design at a time. Logic cells of an
iCE40 are what ``mapped.py`` calls its LUTs; DSP blocks of a Gowin are multipliers of 9 by 9 bits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.formats import GROUP, MOST_BITS
from ..rtl import primitives
from ..rtl.accelerator.accelerator import PART
from ..rtl.compact.bitserial import TILES
from ..rtl.compact.memories import CompactWordMemory
from ..rtl.primitives import gowin, ice40
from .costs import FIGURES, costs_of, is_known

__all__ = ["CHIPS", "FEATURES", "LANE_PRODUCTS", "Chip", "features", "knows", "used"]

LANE_PRODUCTS = 8
"""Products of the array that the DSP blocks of a lane would give."""
SUM_BITS, COUNTER_BITS = 32, 32
PLANES = MOST_BITS << TILES
"""Planes of weights that a bit-serial array keeps."""
LUT_WORDS, LUT_BITS = 16, 4
"""Words of a memory that is a LUT for each of so many bits."""


Size = tuple[int, int]
"""Width and depth of a memory."""


@dataclass(frozen=True)
class Chip:
    """How a family makes memories and multipliers.

    Parameters
    ----------
    modes : tuple of (int, int)
        Words of a block RAM, and the bits of each.
    host_rams : int
        Block RAMs between host and accelerator.
    products : int
        Products that a DSP block gives to an array.
    in_luts, program_in_luts : int
        Words of a memory, and of a bank of the program memory, that are not worth a block RAM.
    """

    modes: tuple[tuple[int, int], ...]
    host_rams: int
    products: int
    in_luts: int = 0
    program_in_luts: int = 0

    def least(self, width: int, depth: int) -> int:
        """Return the block RAMs of a memory, as synthesis chooses."""
        return min(-(-depth // words) * -(-width // bits) for words, bits in self.modes)

    def split(self, depth: int) -> int:
        """Return those of a bank of the activation memory, which is in two if it is odd."""
        large = 1 << (depth.bit_length() - 1)
        return self.least(8, large) + self.least(8, depth - large)


CHIPS = {
    "ice40": Chip(((256, 16), (512, 8), (1024, 4), (2048, 2)), host_rams=2, products=2),
    "gowin": Chip(((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
                  host_rams=0, products=1, in_luts=32, program_in_luts=gowin.LUT_DEPTH),
}

FEATURES = {
    "systolic": ("the rest", "column", "cell", "cell in fabric", "lane in fabric",
                 "column and line", "bank", "LUT of a memory"),
    "bitserial": ("the rest", "column", "cell", "lane in fabric", "bank", "LUT of a memory"),
    "binary": ("the rest", "column", "cell", "lane", "bank"),
}
"""Of each engine the parts that take logic."""


def knows(design: Design) -> bool:
    """Return whether it is known what a Design takes."""
    return (design.family in CHIPS and is_known(design.family, design.engine)
            and (design.compact or design.engine == "binary"))


def features(design: Design) -> NDArray[np.float64]:
    """Return how many there are of each part that takes logic."""
    cells, (in_luts, _) = design.rows * design.columns, memories(design)
    of_memories = sum(memory_luts(*size) for size in in_luts)
    slow_lanes = design.lanes - design.hard_lanes
    counts = {
        "systolic": [1, design.columns, cells, cells - design.hard_multipliers, slow_lanes,
                     design.columns * design.lines, design.banks, of_memories],
        "bitserial": [1, design.columns, cells, slow_lanes, design.banks, of_memories],
        "binary": [1, design.columns, cells, design.lanes, design.banks]}
    return np.array(counts[design.engine], float)


def used(design: Design) -> dict[str, float]:
    """Return what a Design takes, about in ``luts`` and ``registers``, exactly in the rest."""
    chip, counts = CHIPS[design.family], features(design)
    logic = {figure: float(counts @ costs_of(design.family, design.engine, figure))
             for figure in FIGURES}
    _, others = memories(design)
    large = [size for size in others if single_port(design, size[1])]
    rams = (design.banks * chip.split(design.activation_memory // design.banks) + chip.host_rams
            + sum(chip.least(*size) for size in others if size not in large))
    products = design.hard_multipliers + LANE_PRODUCTS * design.hard_lanes
    return {**logic, "block_rams": rams, "dsps": -(-products // chip.products),
            "single_port_rams": sum(-(-width // ice40.WIDTH) for width, _ in large)}


def memories(design: Design) -> tuple[list[Size], list[Size]]:
    """Return the memories that lie in LUTs, and the others but for the activations."""
    chip, word = CHIPS[design.family], 8 * design.columns
    banks = CompactWordMemory(word, design.program_words, PART, design.family,
                              design.device).banks
    sizes = [(SUM_BITS * design.columns, design.partial_sums, chip.in_luts),
             (COUNTER_BITS, design.steps, chip.in_luts),
             *((min(PART, word - low), depth, chip.program_in_luts)
               for low in range(0, word, PART) for _, depth in banks)]
    if design.engine == "bitserial":
        sizes += [(design.columns * min(GROUP, design.rows - row), PLANES, chip.in_luts)
                  for row in range(0, design.rows, GROUP)]
    # A memory of one word is a register.
    return ([(width, depth) for width, depth, least in sizes if 1 < depth <= least],
            [(width, depth) for width, depth, least in sizes if depth > max(least, 1)])


def memory_luts(width: int, depth: int) -> int:
    """Return how many LUTs a memory in LUTs takes: for its bits, and to choose among its words."""
    blocks = -(-depth // LUT_WORDS)
    return LUT_BITS * -(-width // LUT_BITS) * blocks + width * (blocks - 1)


def single_port(design: Design, depth: int) -> bool:
    """Return whether a bank of the program lies in a chip's large memories."""
    (kind, _), = primitives.single_port_rams(design.family, design.device, [(ice40.WIDTH, depth)])
    return kind is ice40.SinglePortRam
