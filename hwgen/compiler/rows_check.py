"""What the checker holds steps of modes SOFTMAX, LSTM and LOAD against."""

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.lstm import lstm_words
from ..arch.steps import LONGEST_ROW, Step
from ..golden.accelerator.footprint import (
    bytes_loaded,
    bytes_written,
    cells_held,
    loaded_places,
    rows_read,
    vectors_in,
    words_loaded,
)
from .check_weights import Unsound

__all__ = ["cell_bytes", "cells_in_order", "loaded_bytes", "row_bytes", "rows_in_order"]

Integers = NDArray[np.int64]


def row_bytes(step: Step) -> Integers:
    """Return the numbers of all bytes, (y, x, bytes), in the order in which shares are written.

    Each is written behind the last time that its byte is read.
    """
    return np.arange(step.vectors * step.row_bytes).reshape(step.y, step.x, step.row_bytes)


def rows_in_order(step: Step, design: Design) -> list[tuple[Integers, Integers, Integers]]:
    """Return what a step reads, as others do in each pass, with :func:`row_bytes`."""
    if not design.softmax or step.passes * step.tiles > 1 or \
            not 1 <= step.row_bytes <= LONGEST_ROW:
        raise Unsound("there is no such step on this Design")
    written, reads = bytes_written(step, design.columns), rows_read(step)
    if np.unique(written).size < written.size:
        raise Unsound("it writes a byte twice")
    return [(reads, reads, row_bytes(step))]


def cell_bytes(step: Step) -> Integers:
    """Return by which of the reads of :func:`cells_in_order` each byte that is written may be."""
    return np.append(2 * (np.arange(step.x * step.height) // step.height) + 1,
                     np.ones(2 * step.height, np.int64))


def cells_in_order(step: Step, design: Design) -> list[tuple[Integers, Integers, Integers]]:
    """Return what a step of mode LSTM reads, as others do in each pass, with when it does.

    At each time it reads a vector and then writes what the cells give. Some of what they hold at
    first is read behind the first of that.
    """
    inputs, held = vectors_in(step), cells_held(step)
    if step.passes * step.tiles * step.y > 1 or not 0 < step.row_bytes <= design.lstm or \
            not 0 < step.height <= design.lstm or \
            step.offset != lstm_words(design.columns, step.row_bytes, step.height):
        raise Unsound("there is no such step on this Design")
    written = bytes_written(step, design.columns)
    if np.unique(written).size < written.size:
        raise Unsound("it writes a byte twice")
    given = step.taps_y_step_bytes + np.arange(step.height)
    times = np.broadcast_to(2 * np.arange(step.x)[:, None], inputs.shape)
    return [(inputs, inputs, times), (given, given, np.zeros_like(given)),
            (held[0], held[0], np.full_like(held[0], 2))]


def loaded_bytes(step: Step, words: NDArray[np.int8], end: int, design: Design) -> Integers:
    """Return the addresses that a step of mode LOAD reads, and mark the words that it writes.

    Those of rows of the matrix have weights then, which are not 0, and the others have none. The
    parameters among them stay.
    """
    if not design.matmul or step.passes * step.tiles > 1 or not 1 <= step.height:
        raise Unsound("there is no such step on this Design")
    places = loaded_places(step, design.rows)
    if places.max() >= end or step.height > step.y * design.rows or \
            step.column > step.x * design.columns:
        raise Unsound("it does not load the words of a matrix")
    words[places] = words_loaded(step, design.rows, design.columns)[1][:, None]
    return bytes_loaded(step, design.columns)
