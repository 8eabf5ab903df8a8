"""Whether the first step of a layer may follow the last step of the layer before at once.

Its first vectors are then read while the last values of that step are on their way to the memory.
None of these may be among what they read. That is told by a few numbers of either step, each for
one Design or for many; check.py holds every byte of a Program against it.

Bytes of a tensor count from its first one, row by row; values are written, and read, in that order.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..cost.cycles import Array, Count
from .sizes import Block
from .view import View

__all__ = ["FAR", "Reads", "Writes", "in_order", "slack"]

FAR = 1 << 30
"""Bytes: more than a tensor has."""


@dataclass(frozen=True)
class Reads:
    """How the first step of a layer reads its input.

    Parameters
    ----------
    near : Count
        Bytes behind those that its first vector reads in any pass.
    far : Count
        Bytes behind those that it reads at all.
    until : Count
        Cycles before it reads the last of these.
    grain : Count
        Bytes that count as if they were all read with the first of them.
    span, turn : Count
        From one channel of a pixel to another it takes ``turn`` cycles for each ``span`` bytes.
    """

    near: Count = 0
    far: Count = 0
    until: Count = 0
    grain: Count = 1
    span: Count = FAR
    turn: Count = 0

    @classmethod
    def rows(cls, source: View, top: Count, reach: Count, step: int, block: Block,
             lap: Count, span: Count, turn: Count) -> Self:
        """Return how an image is read row by row.

        The first row is ``top``, the last one of all passes ``reach`` further, the next one
        ``step`` further; the ``block`` has as many vectors, and a pass takes ``lap`` cycles.
        """
        last = source.height - 1
        first = np.clip(top + reach, 0, last)
        end = np.clip(top + reach + (block.height - 1) * step, 0, last)
        until = np.maximum(end - top, 0) // step * block.width
        return cls((last - first) * source.row, (last - end) * source.row,
                   np.minimum(until, lap), source.row, span, turn)

    @classmethod
    def pixels(cls, source: View, left: Count, reach: Count, step: Count, block: Block,
               lap: Count, span: Count, turn: Count) -> Self:
        """Return how a row is read pixel by pixel, in bytes."""
        last = source.width * source.pitch - 1
        whole = (left % source.pitch == 0) & (reach % source.pitch == 0) & (
            step % source.pitch == 0)
        first = np.clip(left + reach - 1, 0, last)
        end = np.clip(left + reach - 1 + (block.width - 1) * step, 0, last)
        until = np.maximum(end + 1 - left - reach, 0) // step
        return cls(last - first, last - end, np.minimum(until, lap),
                   np.where(whole, source.pitch, 1), span, turn)


@dataclass(frozen=True)
class Writes:
    """How the last step of a layer writes its output.

    Parameters
    ----------
    unit, lap : Count
        From one byte of a channel to another it takes ``lap`` cycles for each ``unit`` bytes.
    last : Count
        Cycles of its last pass.
    tile, tiles : Count
        Cycles of a column tile, and how many there are, one behind the other in each pixel.
    """

    unit: Count = 1
    lap: Count = 0
    last: Count = 0
    tile: Count = 0
    tiles: Count = 1

    @classmethod
    def of(cls, array: Array, target: View, group: int, whole: Count, of_row: Count,
           of_pass: Count, passes: Count, tiles: Count) -> Self:
        """Return how values are written, of so many vectors of a row, and of a pass.

        A vector has a ``group`` of pixels, and rows are ``whole``, or those of the block go so far.
        """
        tile = (passes - 1) * array.pass_cycles(of_pass) + array.pass_cycles(of_pass, last=True)
        by_pixel = whole & target.even | (target.height == 1)
        return cls(np.where(by_pixel, group * target.pitch, target.row),
                   np.where(by_pixel, 1, of_row) * array.interval,
                   of_pass * array.interval, tile, tiles)

    def cycles_left(self, behind: Count) -> Count:
        """Return the cycles that are left when all but so many bytes have been written."""
        return np.minimum(behind // self.unit * self.lap, self.last)


def in_order(reads: Reads, writes: Writes, ordered: bool) -> tuple[Reads, Writes]:
    """Return both, or what is known of them where another byte than the first may come first."""
    return (reads, writes) if ordered else (replace(reads, near=0), replace(writes, lap=0))


def slack(writes: Writes, reads: Reads, columns: int) -> Count:
    """Return cycles that are no more than those from when a value leaves to when it is read.

    Values and vectors move on evenly, so that they are nearest to each other at either end; where
    the steps of one are no multiple of the other's, they may be one such step nearer in between.
    """
    pixels = np.minimum(writes.cycles_left(reads.near), reads.until + writes.cycles_left(reads.far))
    pixels = pixels - np.where(reads.grain % writes.unit, writes.lap, 0)
    # Column tiles of the same span are read at once, and the last one of them is written last.
    last = writes.tiles - 1
    spans = last * columns // reads.span

    def least(span: Count) -> Count:
        tile = ((span + 1) * reads.span - 1) // columns
        return (last - tile) * writes.tile + span * reads.turn

    tiles = np.minimum(least(0), least(spans - 1)) - np.where(reads.span % columns, writes.tile, 0)
    return np.maximum(pixels, 0) + np.maximum(np.minimum(tiles, spans * reads.turn), 0)
