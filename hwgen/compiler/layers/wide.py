"""Layers with one output pixel, whose weights are all used once: as many a cycle as there are.

The vectors of a pass are the pieces of all inputs, so that a column tile is a pass: a fully
connected layer, a convolution of one pixel, or one whose kernel is the image.
"""

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import Mode
from ...cost.cycles import Count
from ..cost import LayerCost
from ..lowering import Lowering, uniform_parameters
from ..sizes import Block, Sizes, ceil_div
from .matrix import MatrixLayer

__all__ = ["WideLayer"]


class WideLayer:
    """A layer in steps of mode WIDE.

    Parameters
    ----------
    product : MatrixLayer
        The same on the array.
    """

    def __init__(self, product: MatrixLayer) -> None:
        self.product = product

    def suits(self, sizes: Sizes) -> bool:
        """Return whether it is possible: on all Designs, which have as many wide rows."""
        target = self.product.target
        return bool(np.all(sizes.array.wide_rows)) and target.height == target.width == 1

    def along(self, rows: Count) -> Count:
        """Return the vectors of a row of the kernel."""
        source, window = self.product.source, self.product.window
        run = (window.kernel[1] - 1) * window.dilation[1] * source.pitch + source.channels
        return ceil_div(run, rows)

    def layer_cost(self, sizes: Sizes) -> LayerCost:
        """Return what the step takes."""
        rows, tiles = sizes.array.wide_rows, sizes.column_tiles(self.product.outputs)
        vectors = self.product.window.kernel[0] * self.along(rows)
        passes = self.product.repeats
        per_tile = tiles > 1 and not uniform_parameters(self.product.bias, self.product.lanes)
        cost, cycles = (sizes.array.wide(tiles=tiles, passes=passes, vectors=vectors,
                                         parameters_per_tile=each)
                        for each in (tiles > 1, per_tile))
        words = rows * (tiles * passes * vectors + (tiles if per_tile else 1))
        return LayerCost(cost.alone, cycles, 1, words, stream=False)

    def pack_weights(self, rows: int, columns: int) -> NDArray[np.int8]:
        """Return the weights, (tiles, passes, vectors, rows, columns)."""
        product, along = self.product, int(self.along(rows))
        taps = product.pack_taps(along * rows, columns)
        down, parts, _, _, width = taps.shape
        return taps.reshape(down, parts, along, rows, width // columns, columns).transpose(
            4, 1, 0, 2, 3, 5).reshape(width // columns, parts, down * along, rows, columns)

    def emit(self, lowering: Lowering) -> None:
        """Emit the step."""
        product, rows = self.product, lowering.design.wide_rows
        source, target, window, lanes = (product.source, product.target, product.window,
                                         product.lanes)
        packed = self.pack_weights(rows, lowering.columns)
        program, per_tile = lowering.wide_image.add_wide(
            packed, *lowering.parameters(product.bias, lanes))
        lowering.emit(
            source, target, np.any(packed != 0, axis=(2, 4)),
            mode=Mode.WIDE, parameters_per_tile=per_tile, pad=product.pad,
            last_columns=lowering.last_columns(product.outputs), zero_point=lanes.zero_point,
            low=lanes.low, high=lanes.high, tiles=len(packed), taps_x=len(product.parts),
            x=int(self.along(rows)), y=window.kernel[0], program=program,
            **source.read_from(-window.before[0]), offset=-window.before[1] * source.pitch,
            x_step=rows, row_step=window.dilation[0],
            row_step_bytes=window.dilation[0] * source.row,
            **target.write_to(Block(0, 0, 1, 1)))
