"""How many bytes a step moves between the memories and the array: exactly, without running it.

What a vector has outside the image comes from no memory, so that the bytes that are read depend on
where a step's vectors lie. docs/metrics.md has what is counted.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ..arch.lstm import head_words, sum_words
from ..arch.steps import Mode, Step, power_words, table_words
from ..golden.accelerator.footprint import vector_bytes
from ..golden.unpack.unpack import Packing, written_words
from .cycles import Array

__all__ = ["Traffic", "traffic"]


@dataclass(frozen=True)
class Traffic:
    """Bytes ``read`` from and ``written`` to the activations, and those of the ``program``."""

    read: int = 0
    written: int = 0
    program: int = 0

    def __add__(self, other: Self) -> Self:
        """Return what both move."""
        return type(self)(self.read + other.read, self.written + other.written,
                          self.program + other.program)

    @property
    def total(self) -> int:
        """Bytes of all kinds."""
        return self.read + self.written + self.program


def traffic(step: Step, array: Array) -> Traffic:
    """Return what a step moves."""
    if step.mode == Mode.UNPACK:  # what it writes, too, is moved
        packing = Packing.of(step, array.columns)
        assert packing
        moved = packing.words(step) + written_words(step)
        return Traffic(program=(array.descriptors.words + moved) * array.columns)
    if step.mode == Mode.TABLE:
        return Traffic(program=(array.descriptors.words + table_words(array.columns))
                       * array.columns)
    if step.mode == Mode.SOFTMAX:
        count = step.vectors * step.row_bytes
        words = array.descriptors.words + power_words(array.columns)
        return Traffic(3 * count, count, words * array.columns)
    if step.mode == Mode.LSTM:
        of_cells = step.x * step.height
        words = array.descriptors.words + head_words(array.columns)
        words += of_cells * sum_words(array.columns, step.row_bytes, step.height)
        return Traffic(step.x * step.row_bytes + 3 * of_cells, 3 * of_cells, words * array.columns)
    if step.mode == Mode.LOAD:
        count = step.x * step.y * int(array.rows)
        return Traffic(step.x * step.height * array.columns, 0,
                       (array.descriptors.words + count) * array.columns)
    tiles = step.tiles if step.parameters_per_tile else int(step.mode != Mode.SPARSE)
    weights = array.weight_words(step.mode, step.weight_format)
    descriptors = array.descriptors
    parameters = descriptors.parameter_words
    if step.mode == Mode.WIDE:
        weights, parameters = step.vectors * array.wide_rows, array.wide_rows
    width = step.tile_width(1)
    words = descriptors.words + step.tiles * step.passes * weights + tiles * width * parameters
    channels = (step.tiles - 1) * width * array.columns + step.last_columns
    stored = not (step.to_sums or step.kept)
    return Traffic(bytes_read(step, array), stored * step.values * channels,
                   words * array.columns)


def bytes_read(step: Step, array: Array) -> int:
    """Return how many bytes the vectors of a step have inside the image.

    Whether a row is inside depends on the loops down the image, and what of a vector is inside its
    row on the loops along it, so the sum over all vectors is a product.
    """
    if step.mode == Mode.SUMS:
        return 0
    rows = step.row0 + np.add.outer(np.arange(step.taps_y) * step.taps_y_step,
                                    np.arange(step.y) * step.row_step)
    start = step.offset + np.arange(step.tiles) * step.tile_step
    for count, distance in ((step.taps_x, step.taps_x_step), (step.pieces, step.piece_step),
                            (step.x, step.x_step)):
        start = np.add.outer(start, np.arange(count) * distance)
    width = vector_bytes(step, array.rows, array.columns, array.wide_rows)
    inside = np.clip(step.row_bytes - start, 0, width) - np.clip(-start, 0, width)
    return int(np.count_nonzero((rows >= 0) & (rows < step.height)) * inside.sum())
