"""What the checker holds weights against: where they lie, and what lines bring to them."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.steps import Step, lines_of_rows
from ..golden.sparse.decoder import Compressed

__all__ = ["Unsound", "check_columns", "check_crc", "check_disjoint", "check_lines", "live_bytes",
           "wide_weights"]


class Unsound(Exception):
    """A Program reads or writes what it must not: a defect of the compiler, or of a file."""


def wide_weights(step: Step, words: NDArray[np.int8], rows: int) -> NDArray[np.int8]:
    """Return the weights of a step of mode WIDE, (tiles, passes, vectors, rows, columns).

    ``words`` are those that it reads, so many ``rows`` at once.
    """
    whole = words.reshape(-1, rows, words.shape[1])
    skipped = np.ones(len(whole), bool)
    of_tile = step.passes * step.vectors + step.parameters_per_tile
    tiles = step.tiles if step.parameters_per_tile else 1
    skipped[[tile * of_tile + step.vectors for tile in range(tiles)]] = False
    return whole[skipped].reshape(step.tiles, step.passes, step.vectors, rows, -1)


def check_lines(step: Step, weights: NDArray[np.int8] | None, design: Design) -> None:
    """Check that the line buffer holds what a depthwise step takes from it."""
    assert weights is not None
    lines = design.lines
    if not lines:
        raise Unsound("it is depthwise, and the array has no lines")
    of_row = lines_of_rows(design.engine, design.single_rows, lines)
    for row in np.flatnonzero(weights.any(axis=(0, 1, 3))).tolist():
        if row >= len(of_row):
            raise Unsound("it has weights in a row that no line reaches")
        behind, delay = lines - 1 - of_row[row], row - of_row.index(of_row[row])
        for x in range(step.prime_x, min(step.x, delay), step.stride_x):
            # The end of the row above, if that is outside the image like the left of this one.
            seen = step.offset + (step.x + x - delay) * step.x_step
            if (seen < step.row_bytes or step.taps_x * step.taps_y > 1 or step.row0 > 0
                    or step.offset + (x - delay) * step.x_step >= 0
                    or step.prime_y == 0 or delay - x > step.x):
                raise Unsound("a window begins left of the first pixel of a row")
        if behind and not 4 <= step.x <= design.line_pixels:
            raise Unsound(f"its rows have {step.x} pixels")
        for ky in range(step.taps_y):
            for y in range(step.prime_y, min(step.y, behind), step.stride_y):
                if step.row0 + ky * step.taps_y_step + y - behind >= 0:
                    raise Unsound("a window reads a row that was not streamed")


def check_columns(step: Step, compressed: Compressed | None, rows: int) -> None:
    """Check that the sparse engine has the columns of a step, and rows for no more sums."""
    width = step.vectors * rows
    if compressed is None or step.column + width > compressed.columns:
        raise Unsound("its columns are outside the compressed weights")
    part = compressed.part(step.column, width, step.slots)
    if max(lane.triplets(part.format)[1].max(initial=-1) for lane in part.lanes) >= step.slots:
        raise Unsound(f"its weights have rows beyond the {step.slots} of a lane")


def live_bytes(step: Step, compressed: Compressed | None, rows: int) -> NDArray[np.bool_]:
    """Return which bytes of each vector of a step of the sparse engine have weights."""
    assert compressed is not None
    first, width = step.column, step.vectors * rows
    some = np.any([np.diff(lane.pointers[first:first + width + 1]) > 0
                   for lane in compressed.lanes], axis=0)
    return some.reshape(step.y, step.x, -1)


def check_disjoint(regions: Iterable[tuple[int, int]]) -> None:
    """Check that words, from the first one to an end, are those of one step, or of several."""
    for (_, end), (first, _) in pairwise(sorted(regions)):
        if first < end:
            raise Unsound(f"weights overlap at word {first} of the program memory")


def check_crc(coding: Descriptors, image: bytes, place: int, step: Step) -> None:
    """Check that a step whose descriptor is at a word of an image has the CRCs that it says."""
    if not coding.intact(image, place) or not coding.intact_words(image, place, step):
        raise Unsound("a CRC of it is wrong")
