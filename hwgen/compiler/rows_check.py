"""What the checker holds a step of mode SOFTMAX against: the order in which it moves bytes."""

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.steps import LONGEST_ROW, Step
from ..golden.accelerator.footprint import bytes_written, rows_read
from .check_weights import Unsound

__all__ = ["row_bytes", "rows_in_order"]

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
