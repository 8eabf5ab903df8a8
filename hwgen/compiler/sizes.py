"""What of a Design decides how layers become steps, and how many: for one Design, or for many.

Everything here takes numbers and arrays of numbers alike, so that the compiler, which makes the
steps of one Design, and the survey, which only counts those of many, cannot disagree.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.formats import Format
from ..arch.steps import Mode
from ..cost.cycles import Array, Count, StepCycles, chain

__all__ = ["LARGEST_COUNT", "Block", "Cut", "Sizes", "Strips", "ceil_div"]

LARGEST_COUNT = 65535


def ceil_div(a: Count, b: Count) -> Count:
    """Return a / b, rounded up."""
    return -(-a // b)


@dataclass(frozen=True)
class Cut:
    """Into how many steps a layer is cut, for the sake of memory, and which end is first."""

    parts: int = 1
    backwards: bool = False


@dataclass(frozen=True)
class Block:
    """Values of an output: rows ``y`` to ``y + height``, columns ``x`` to ``x + width``."""

    y: Count
    x: Count
    height: Count
    width: Count


@dataclass(frozen=True)
class Strips:
    """An image of ``whole_height`` by ``whole_width`` values, cut into blocks of the same size.

    Those at the right and at the lower end are as large as what is left.
    """

    whole_height: int
    whole_width: int
    height: Count
    width: Count

    @property
    def count(self) -> Count:
        """How many blocks there are."""
        return ceil_div(self.whole_height, self.height) * ceil_div(self.whole_width, self.width)

    @property
    def first(self) -> Block:
        """The block at the left and at the upper end."""
        return Block(0, 0, np.minimum(self.height, self.whole_height),
                     np.minimum(self.width, self.whole_width))

    @property
    def last(self) -> Block:
        """The block at the right and at the lower end."""
        y = (ceil_div(self.whole_height, self.height) - 1) * self.height
        x = (ceil_div(self.whole_width, self.width) - 1) * self.width
        return Block(y, x, self.whole_height - y, self.whole_width - x)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of one Design, row by row."""
        for y in range(0, self.whole_height, int(self.height)):
            for x in range(0, self.whole_width, int(self.width)):
                yield Block(y, x, min(int(self.height), self.whole_height - y),
                            min(int(self.width), self.whole_width - x))

    def each(self, down: int, across: int) -> Iterator[tuple[Block, Count]]:
        """Yield blocks, and how many are like each.

        From the row number ``down`` on, and the column number ``across`` on, blocks of the same
        size take the same, but for those at the ends.
        """
        for y, height, rows in pieces(self.whole_height, self.height, down):
            for x, width, columns in pieces(self.whole_width, self.width, across):
                if np.any(rows * columns):
                    yield Block(y, x, height, width), rows * columns


def pieces(length: int, size: Count, first: int) -> Iterator[tuple[Count, Count, Count]]:
    """Yield (where it begins, its size, how many are like it) of the pieces of a length.

    The ``first`` ones each by itself, then those that follow, together, and the last one.
    """
    count = ceil_div(length, size)
    most = int(np.max(count))
    for number in range(min(first, most)):
        yield number * size, np.minimum(size, length - number * size), number < count
    if most > first:
        yield first * size, size, np.maximum(count - 1 - first, 0)
        yield (count - 1) * size, length - (count - 1) * size, count > first


@dataclass(frozen=True)
class Sizes:
    """What of a Design, or of many with as many columns, decides the steps of a layer.

    Parameters
    ----------
    array : Array
    lines, line_pixels, partial_sums : Count
        As of a Design.
    cut : Cut
        Of the layer.
    """

    array: Array
    lines: Count
    line_pixels: Count
    partial_sums: Count
    cut: Cut = field(default=Cut())

    @classmethod
    def of(cls, design: Design, cut: Cut | None = None) -> Self:
        """Return the sizes of one Design."""
        return cls(Array.of(design), design.lines, design.line_pixels, design.partial_sums,
                   cut or Cut())

    @property
    def rows(self) -> Count:
        """Rows of the array."""
        return self.array.rows

    @property
    def columns(self) -> int:
        """Columns of the array."""
        return int(self.array.columns)

    def strips(self, height: int, width: int, passes: Count,
               widest: Count = LARGEST_COUNT) -> Strips:
        """Cut an image so that the accumulators hold the values of each block.

        Into as few as may be, each at most ``widest`` values wide.
        """
        if self.cut.parts <= height:
            share = ceil_div(height, self.cut.parts) * width
        else:
            share = ceil_div(width, self.cut.parts // height)
        most = share
        if np.any(passes > 1):
            most = np.where(passes > 1, np.minimum(self.partial_sums, share), share)
        count = ceil_div(width, np.minimum(np.minimum(most, widest), LARGEST_COUNT))
        wide = ceil_div(width, count)
        high = np.minimum(most // wide, LARGEST_COUNT)
        return Strips(height, width, ceil_div(height, ceil_div(height, high)), wide)

    def blocks(self, height: int, width: int, passes: Count) -> list[Block]:
        """Return the blocks of one Design, in the order in which they run."""
        found = list(self.strips(height, width, passes).blocks())
        return found[::-1] if self.cut.backwards else found

    def ends(self, strips: Strips) -> tuple[Block, Block]:
        """Return the block of the first step, and that of the last one."""
        return (strips.last, strips.first) if self.cut.backwards else (strips.first, strips.last)

    def column_tiles(self, channels: int, *, pairs: bool = False) -> int:
        """Return how many column tiles so many channels take, which ``pairs`` of weights widen."""
        return int(ceil_div(channels, self.columns * (1 + pairs)))

    def formats(self, activations: Format, weights: NDArray[np.int8]) -> dict[str, Any]:
        """Return the fields of a step that say how its numbers are written."""
        if not self.array.serial:
            return {}
        return {"activation_format": activations.code, "weight_format": Format.of(weights).code}

    def cycles(self, mode: Mode, tiles: int, passes: Count, strips: Strips, *,
               per_tile: bool = False, to_sums: bool = False, joined: bool = False,
               **formats: int) -> StepCycles:
        """Return the cycles of the steps of all blocks, none of which has primes.

        ``formats`` are those fields of a step.
        """
        def of(block: Block) -> StepCycles:
            return self.array.parts_for(
                mode, tiles=tiles, passes=passes, vectors=block.height * block.width,
                to_sums=to_sums, parameters_per_tile=per_tile, joined=joined, **formats)

        return chain(((of(block), count) for block, count in strips.each(0, 0)),
                     of(strips.last), overlap=self.array.overlaps(
                         mode, to_sums=to_sums, weight_format=formats.get("weight_format", 0)))
