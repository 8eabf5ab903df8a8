"""Memories of accelerators, and the blocks of a chip that each of them takes.

They are counted as the generator makes them and as synthesis chooses: tests/area holds them to what
it chose. Families differ in their :data:`CHIPS`, and in a rule for block RAMs where data do not say
it. Fast and compact accelerators differ in which memories they have: those are two lists.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.codes import Code
from ..arch.designs import Designs
from ..arch.formats import GROUP, MOST_BITS
from ..cost.cycles import Count
from ..rtl import primitives
from ..rtl.accelerator.accelerator import PART
from ..rtl.accelerator.word_memory import WordMemory
from ..rtl.compact.bitserial import TILES
from ..rtl.compact.memories import CompactWordMemory
from ..rtl.primitives import ecp5_rams, gowin, ice40

__all__ = ["CHIPS", "Blocks", "Chip", "halves", "memory_blocks", "program_blocks"]

Blocks = tuple[int, int, int]
"""Block RAMs, single-port RAMs, and LUTs, of a memory."""

SUM_BITS, COUNTER_BITS = 32, 32
PLANES = MOST_BITS << TILES
"""Planes of weights that a compact bit-serial array keeps."""
SUMS_TOGETHER, LINES_WIDTH = 4, 36
"""Columns whose sums share a memory in the fast accelerator; bits of a line buffer's memory."""
LUT_WORDS, LUT_BITS = 16, 4
"""Words of a memory that is a LUT for each of so many bits."""
ECP5_LUT_MEMORIES = 24
"""As many memories of LUTs as synthesis takes a block RAM for, on an ECP5."""


@dataclass(frozen=True)
class Chip:
    """How a family makes memories and multipliers.

    Parameters
    ----------
    compact : bool
        Whether its accelerators are compact ones, and those of the engine ``binary``.
    modes : tuple of (int, int)
        Words of a block RAM, and the bits of each.
    host_rams : int
        Block RAMs between host and accelerator.
    lane_products : int
        Products of the array that the DSP blocks of a lane would give.
    products : int
        Products that a DSP block gives to an array.
    in_luts, program_in_luts : int
        Words of a memory, and of a bank of the program memory, that are not worth a block RAM.
    """

    compact: bool
    modes: tuple[tuple[int, int], ...]
    host_rams: int
    lane_products: int
    products: int = 1
    in_luts: int = 0
    program_in_luts: int = 0

    def rams(self, width: int, depth: int) -> int:
        """Return the block RAMs of a memory, as synthesis chooses."""
        return min(-(-depth // words) * -(-width // bits) for words, bits in self.modes)

    def blocks(self, width: int, depth: int, ports: int, device: str | None) -> Blocks:
        """Return the blocks of a memory: with two ports it is read and written at once."""
        if depth <= (self.in_luts if ports == 2 else self.program_in_luts):
            groups = -(-depth // LUT_WORDS)  # each for its bits; and to choose among them
            return 0, 0, LUT_BITS * -(-width // LUT_BITS) * groups + width * (groups - 1)
        return self.rams(width, depth), 0, 0


class Ice40(Chip):
    """Some have large memories of one port, which the program lies in."""

    def blocks(self, width: int, depth: int, ports: int, device: str | None) -> Blocks:
        if ports == 1:
            (kind, _), = primitives.single_port_rams("ice40", device, [(ice40.WIDTH, depth)])
            if kind is ice40.SinglePortRam:
                return 0, -(-width // ice40.WIDTH), 0
        return super().blocks(width, depth, ports, device)


class Ecp5(Chip):
    """The generator itself lays block RAMs side by side, where that takes no more of them."""

    def blocks(self, width: int, depth: int, ports: int, device: str | None) -> Blocks:
        two = ports == 2
        if ecp5_rams.suits(width, depth, two_ports=two):
            return ecp5_rams.count(width, depth, two_ports=two), 0, 0
        words, bits = ecp5_rams.WIDEST
        rams = self.rams(width, depth)
        if two:
            rams = min(rams, -(-depth // words) * -(-width // bits))
        luts = -(-width // LUT_BITS) * -(-depth // LUT_WORDS)
        if depth <= ecp5_rams.FEWEST and luts < ECP5_LUT_MEMORIES * rams:
            return 0, 0, luts
        return rams, 0, 0


CHIPS = {
    "ecp5": Ecp5(compact=False, modes=ecp5_rams.MODES, host_rams=1, lane_products=4),
    "ice40": Ice40(compact=True, modes=((256, 16), (512, 8), (1024, 4), (2048, 2)), host_rams=2,
                   lane_products=8, products=2),
    "gowin": Chip(compact=True, modes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2),
                                       (16384, 1)), host_rams=0, lane_products=8, in_luts=32,
                  program_in_luts=gowin.LUT_DEPTH),
}
"""The families whose area is known."""


def memory_blocks(designs: Designs) -> NDArray[np.int64]:
    """Return the blocks of all memories of each Design, (Designs, 3)."""
    family, device, columns = designs.family, designs.device, designs.columns
    chip = CHIPS[family]
    found: Any = np.array([chip.host_rams, 0, 0]) + each(
        partial(program_blocks, family, device, protect=designs.protect), columns,
        designs.program_words)
    others = compact_memories if chip.compact else fast_memories
    for count, width, depth in others(designs, -(-designs.activation_memory // designs.banks)):
        found = found + np.reshape(count, (-1, 1)) * each(partial(blocks, family), width, depth)
    return np.asarray(found)


def fast_memories(designs: Designs, bank: Count) -> list[tuple[Count, Count, Count]]:
    """Return how many memories there are of which width and depth, but for the program.

    ``bank`` are the words of a bank of the activation memory.
    """
    whole, rest = np.divmod(designs.columns, SUMS_TOGETHER)
    older = np.maximum(designs.lines - 1, 0)
    together = np.maximum(LINES_WIDTH // (8 * np.maximum(older, 1)), 1)
    groups, last = np.divmod(designs.columns, together)
    byte = stored_bits(designs.protect, 8)
    return [(designs.banks, byte, bank), (1, COUNTER_BITS, designs.steps),
            (whole, SUM_BITS * SUMS_TOGETHER, designs.partial_sums),
            (1, SUM_BITS * rest, designs.partial_sums),
            (groups, 8 * older * together, designs.line_pixels),
            (1, 8 * older * last, designs.line_pixels)]


def compact_memories(designs: Designs, bank: Count) -> list[tuple[Count, Count, Count]]:
    """Return the same of compact accelerators and of those of the engine ``binary``."""
    planes = np.where(designs.serial, PLANES, 0)
    whole, rest = np.divmod(designs.rows, GROUP)
    return [*((designs.banks, 8, half) for half in halves(bank)), (1, COUNTER_BITS, designs.steps),
            (1, SUM_BITS * designs.columns, designs.partial_sums),
            (whole, GROUP * designs.columns, planes), (1, rest * designs.columns, planes)]


def halves(depth: Count) -> tuple[Count, Count]:
    """Return the words of both parts of a compact bank: a power of two, and the rest."""
    _, bits = np.frexp(depth)
    large = np.left_shift(1, bits.astype(np.int64) - 1)
    return large, depth - large


def each(count: Callable[..., Blocks], *fields: Count) -> NDArray[np.int64]:
    """Return ``count`` of each Design, by fields of which few are different: (Designs, 3)."""
    arrays = [np.atleast_1d(field) for field in np.broadcast_arrays(*fields)]
    key = np.zeros_like(arrays[0])
    for values in arrays:
        key = key * (values.max() + 1) + values
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    different = zip(*(values[first].tolist() for values in arrays), strict=True)
    return np.array([count(*values) for values in different], np.int64)[place]


@cache
def blocks(family: str, width: int, depth: int) -> Blocks:
    """Return the blocks of a memory with two ports; one of a word is a register."""
    return CHIPS[family].blocks(width, depth, 2, None) if width and depth > 1 else (0, 0, 0)


def stored_bits(protect: str, width: int) -> int:
    """Return the bits that are stored for so many, with their check bits."""
    code = Code.of(protect, width)
    return code.size if code else width


@cache
def pieces_of(columns: int, protect: str) -> list[int]:
    """Return the bits of each memory that a word of a fast accelerator's program lies in."""
    return [high - low for low, high, _ in
            WordMemory(8 * columns, 1, PART, protect=protect).pieces]


@cache
def program_blocks(family: str, device: str | None, columns: int, words: int,
                   protect: str = "none") -> Blocks:
    """Return the blocks of a program memory."""
    chip, width = CHIPS[family], 8 * columns
    sizes = CompactWordMemory.sizes if chip.compact else WordMemory.sizes
    pieces = [min(PART, width - low) for low in range(0, width, PART)] if chip.compact else \
        pieces_of(columns, protect)
    rams = single_port = luts = 0
    for size in (*sizes, 1):
        depth, count = (size, words // size) if size > 1 else (words, int(words > 0))
        words -= depth * count
        for piece in pieces if count and depth > 1 else ():
            found = chip.blocks(piece, depth, 1, device)
            rams, single_port, luts = (have + count * more for have, more
                                       in zip((rams, single_port, luts), found, strict=True))
    return rams, single_port, luts
