"""Layers on the sparse engine: two steps for each block of the output.

The first gives the engine the vectors of one output pixel after the other, and leaves the sums of
each in the accumulators, those of its rows 0 to C - 1, C to 2 C - 1 and so on side by side. The
second one requantises them, a column tile for each of these.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import INDEX_BITS, SLOTS, Mode
from ...golden.sparse.decoder import Compressed, EntryFormat
from ...network.graph import Window
from ..csc import encode
from ..lowering import Lowering
from ..prepare.lanes import Lanes
from ..sizes import ceil_div
from ..view import View
from .matrix import flatten_rows

__all__ = ["FORMAT", "SparseLayer"]

Integers = NDArray[np.int64]

FORMAT = EntryFormat(index_bits=INDEX_BITS)


class SparseLayer:
    """One convolution: (outputs, kernel height and width, channels) weights over a view.

    Parameters
    ----------
    weights : array
        Of stored channels, as integers; shifted left already where the lanes' ``left`` says so.
    bias : array
        One for each output channel, of inputs less their zero point.
    zero_point : int
        Of the inputs.
    """

    def __init__(self, source: View, target: View, weights: Integers, bias: Integers,
                 window: Window, lanes: Lanes, zero_point: int) -> None:
        """Find the geometry."""
        self.bias, self.lanes, self.zero_point = bias, lanes, zero_point
        self.source, self.target, self.window = flatten_rows(source, target, window)
        self.weights = weights.reshape(len(weights), *self.window.kernel, -1)

    def slots(self, columns: int) -> int:
        """Return how many rows of the matrix each lane has."""
        return ceil_div(len(self.weights), columns)

    def vectors(self, rows: int) -> int:
        """Return how many vectors a row of the kernel takes."""
        run = ((self.window.kernel[1] - 1) * self.window.dilation[1] * self.source.pitch
               + self.source.channels)
        return ceil_div(run, rows)

    def why_unable(self, columns: int, partial_sums: int) -> str | None:
        """Return why the engine cannot compute it, if it cannot."""
        slots = self.slots(columns)
        if slots > min(SLOTS, partial_sums):
            return (f"{len(self.weights)} outputs are {slots} for each lane, which has sums for "
                    f"{min(SLOTS, partial_sums)}")
        if self.weights.max(initial=0) > 127 or self.weights.min(initial=0) < -128:
            return "its weights have more than 8 bits, shifted left for the lanes, which cannot"
        return None

    def encode(self, rows: int, columns: int) -> Compressed:
        """Return the weights: a column for each byte of the vectors of a pixel."""
        length, (down, across) = self.vectors(rows) * rows, self.window.kernel
        matrix = np.zeros((len(self.weights), down, length), np.int64)
        for x in range(across):
            first = x * self.window.dilation[1] * self.source.pitch
            matrix[:, :, first:first + self.source.channels] = self.weights[:, :, x]
        return encode(matrix.reshape(len(matrix), -1), FORMAT, columns)

    def emit(self, lowering: Lowering, column: int) -> None:
        """Emit the steps; ``column`` is where its columns begin in the memories of the lanes."""
        source, target, window = self.source, self.target, self.window
        slots = self.slots(lowering.columns)
        (down, right), (step_y, _) = window.stride, window.dilation
        program, per_tile = lowering.image.add(None,
                                               *lowering.parameters(self.bias, self.lanes))
        sizes = replace(lowering.sizes, partial_sums=lowering.design.partial_sums // slots)
        for block in sizes.blocks(target.height, target.width, 2):
            row0 = block.y * down - window.before[0]
            lowering.emit(
                source, None, mode=Mode.SPARSE, to_sums=True, pad=self.zero_point,
                last_columns=lowering.last_columns(len(self.weights)), slots=slots, column=column,
                x=self.vectors(lowering.rows), y=window.kernel[0], taps_x=block.width,
                taps_y=block.height, **source.read_from(row0),
                offset=(block.x * right - window.before[1]) * source.pitch,
                x_step=lowering.rows, row_step=step_y,
                row_step_bytes=step_y * source.row, taps_x_step=right * source.pitch,
                taps_y_step=down, taps_y_step_bytes=down * source.row)
            lowering.emit(
                None, target, mode=Mode.SUMS, tiles=slots, slots=slots, program=program,
                parameters_per_tile=per_tile, zero_point=self.lanes.zero_point, low=self.lanes.low,
                high=self.lanes.high, last_columns=lowering.last_columns(len(self.weights)),
                x=block.width, y=block.height, **target.write_to(block))
