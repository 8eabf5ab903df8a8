"""Which bytes of the activation memory a step reads and writes, and which words of the program.

Golden model and checker walk the same bytes; who wants to run steps at once, or to know what a
fault spoils, asks here.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ...arch.lstm import lstm_words
from ...arch.steps import PARAMETER_WORDS, Mode, Step, power_words, table_words
from ..unpack.unpack import Packing

__all__ = ["bytes_loaded", "bytes_read", "bytes_written", "cells_held", "loaded_places", "passes",
           "rows_read", "vector_bytes", "vectors_in", "vectors_loaded", "words_loaded",
           "words_read"]

Integers = NDArray[np.int64]


def passes(step: Step) -> Iterator[tuple[int, int, int]]:
    """Return (ky, kx, piece) of every pass, in their order."""
    return ((ky, kx, piece) for ky in range(step.taps_y) for kx in range(step.taps_x)
            for piece in range(step.pieces))


def vector_bytes(step: Step, rows: int, columns: int, wide_rows: int = 0) -> int:
    """Return the bytes of each vector that a step reads on an array of these sizes."""
    if step.mode == Mode.WIDE:
        return wide_rows
    return rows if step.mode in (Mode.MATRIX, Mode.SPARSE) else columns


def bytes_read(step: Step, width: int, tile: int, ky: int, kx: int, piece: int,
               ) -> tuple[NDArray[np.bool_], Integers]:
    """Return which bytes of a pass are inside the image, and the addresses of all of them.

    Both are (y, x, ``width``): pixels outside the image have addresses, but are not read.
    """
    offset = step.offset + tile * step.tile_step + kx * step.taps_x_step + piece * step.piece_step
    along = offset + np.arange(step.x)[:, None] * step.x_step + np.arange(width)
    rows = step.row0 + ky * step.taps_y_step + np.arange(step.y) * step.row_step
    bases = (step.base + ky * step.taps_y_step_bytes
             + np.arange(step.y, dtype=np.int64) * step.row_step_bytes)
    inside = (((rows >= 0) & (rows < step.height))[:, None, None]
              & ((along >= 0) & (along < step.row_bytes)))
    return inside, bases[:, None, None] + along


def rows_read(step: Step) -> Integers:
    """Return the addresses that a step of mode SOFTMAX reads: (rows, pixels, bytes)."""
    return (step.base + np.arange(step.y, dtype=np.int64)[:, None, None] * step.row_step_bytes
            + np.arange(step.x)[:, None] * step.x_step + np.arange(step.row_bytes))


def vectors_in(step: Step) -> Integers:
    """Return the addresses of what comes into a step of mode LSTM, (times, inputs)."""
    return (step.base + np.arange(step.x, dtype=np.int64)[:, None] * step.row_step_bytes
            + np.arange(step.row_bytes))


def cells_held(step: Step) -> tuple[Integers, Integers]:
    """Return where what the cells hold is before the first time, and afterwards: (cells, 2)."""
    places = np.arange(2 * step.height, dtype=np.int64).reshape(step.height, 2)
    return (step.taps_y_step_bytes + step.height + places,
            step.output + step.output_row_step + places)


def vectors_loaded(step: Step, rows: int, columns: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Return from where a step of mode LOAD reads each vector, and whether the matrix has it.

    They are (tiles, pieces, vectors), in their order.
    """
    tile, piece, vector = np.ogrid[:step.x, :step.y, :max(rows, columns) if step.column else rows]
    if not step.column:
        row = piece * rows + vector + 0 * tile
        return step.base + tile * columns + row * step.row_step_bytes, row < step.height
    row = tile * columns + vector + 0 * piece
    return step.base + row * step.row_step_bytes + piece * rows, row < step.column


def words_loaded(step: Step, rows: int, columns: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Return from where the bytes of each word come, and whether the matrix has such a row.

    They are those of all tiles and pieces, in their order, so many ``rows`` each.
    """
    row = np.arange(step.y * rows)
    column = np.arange(step.x * columns).reshape(-1, 1, columns)
    along, down = (step.row_step_bytes, 1) if step.column else (1, step.row_step_bytes)
    addresses = step.base + column * along + row[:, None] * down
    return addresses.reshape(-1, columns), np.tile(row < step.height, step.x)


def bytes_loaded(step: Step, columns: int) -> Integers:
    """Return the addresses of the matrix that a step of mode LOAD reads: (rows, bytes)."""
    down, across = (step.column, step.height) if step.column else (
        step.height, (step.x - 1) * columns + step.last_columns)
    return (step.base + np.arange(down, dtype=np.int64)[:, None] * step.row_step_bytes
            + np.arange(across))


def loaded_places(step: Step, rows: int) -> Integers:
    """Return to which word of the program each goes: the last row of a piece is its first word."""
    block, row = np.divmod(np.arange(step.x * step.y * rows), rows)
    return step.program + block * rows + rows - 1 - row + PARAMETER_WORDS * (block > 0)


def bytes_written(step: Step, columns: int, tile: int | None = None) -> Integers:
    """Return the addresses that a column tile writes, or all of them: (rows, pixels, bytes)."""
    if step.mode == Mode.LSTM:  # what the cells give, and then what they hold
        return np.append(step.output + np.arange(step.x * step.height, dtype=np.int64),
                         cells_held(step)[1])
    columns = step.tile_width(columns)
    down, across = step.size
    pixels = (step.output + np.arange(down, dtype=np.int64)[:, None, None] * step.output_row_step
              + np.arange(across)[:, None] * step.output_x_step)
    if step.mode == Mode.SOFTMAX:
        return pixels + np.arange(step.row_bytes)
    first = (tile or 0) * columns
    end = (step.tiles - 1) * columns + step.last_columns
    return pixels + np.arange(first, end if tile is None else min(first + columns, end))


def words_read(step: Step, columns: int, weight_words: int,
               parameter_words: int = PARAMETER_WORDS, wide_rows: int = 0) -> int:
    """Return how many words behind ``step.program`` a step reads.

    ``weight_words`` are those of a pass, if it multiplies.
    """
    if step.mode in (Mode.SPARSE, Mode.LOAD):
        return 0
    if step.mode == Mode.TABLE:
        return table_words(columns)
    if step.mode == Mode.SOFTMAX:
        return power_words(columns)
    if step.mode == Mode.LSTM:
        return lstm_words(columns, step.row_bytes, step.height)
    if step.mode == Mode.UNPACK:
        packing = Packing.of(step, columns)
        return packing.words(step) if packing else 0
    words = weight_words if step.mode in (Mode.MATRIX, Mode.DEPTHWISE) else 0
    if step.mode == Mode.WIDE:
        words, parameter_words = step.vectors * wide_rows, wide_rows
    tiles = step.tiles if step.parameters_per_tile else 1
    return step.tiles * step.passes * words + tiles * step.tile_width(parameter_words)
