"""Products of two tensors: one is loaded as weights, and the other passes the array."""

from typing import Any

import numpy as np

from ...arch.steps import Mode
from ...errors import UserError
from ...network.graph import Matmul, Network
from ..image import parameter_words
from ..lowering import Lowering
from ..prepare.lanes import lanes_of
from ..sizes import Block, ceil_div
from ..view import View

__all__ = ["lower_matmul"]

MARK = 0x80
"""A spare bit of parameters, by which these words are nobody's weights."""


def lower_matmul(lowering: Lowering, network: Network, layer: Matmul, left: View, right: View,
                 target: View) -> None:
    """Emit, for each product of matrices, a step that loads the right one, and those of the left.

    The words that it loads, and the parameters among them, have their place in the image.
    """
    if not lowering.design.matmul:
        raise UserError(f"{layer.operator} of two tensors needs a Design with matmul = true, the "
                        "part that loads weights from activations")
    rows, columns, sizes = lowering.rows, lowering.columns, lowering.sizes
    inner, outputs = (right.channels, right.width) if layer.transposed else (
        right.width, right.channels)
    tiles, pieces = sizes.column_tiles(outputs), ceil_div(inner, rows)
    zeros = [network.tensors[name].zero_point for name in layer.inputs]
    lanes = lanes_of(layer.requantisation, 1, 255 * 255 * inner)
    if lanes.left.any():
        raise UserError("the product of its inputs' scales must be less than its output's")
    [parameters] = parameter_words(*lowering.parameters(np.zeros(1, np.int64), lanes))
    parameters[-1] |= MARK
    room = np.zeros((tiles * pieces * rows, columns), np.uint8)
    program = lowering.image.keep(np.concatenate([room[:rows], parameters, room[rows:]]))
    last = lowering.last_columns(outputs)
    common: dict[str, Any] = {"last_columns": last, "program": program,
              "slots": zeros[0] % 256 | zeros[1] % 256 << 8}
    live = (np.arange(pieces * rows) < inner).reshape(1, pieces, rows).repeat(tiles, axis=0)
    for number in range(target.height):
        lowering.emit(right, None, mode=Mode.LOAD, x=tiles, y=pieces,
                      row_step_bytes=right.pitch, base=right.offset + number * right.row,
                      height=inner, column=outputs if layer.transposed else 0, **common)
        for block in sizes.blocks(1, target.width, pieces):
            lowering.emit(
                left, target, live, mode=Mode.MATRIX, pad=zeros[0], zero_point=lanes.zero_point,
                low=lanes.low, high=lanes.high, tiles=tiles, pieces=pieces, x=block.width,
                **left.read_from(number), offset=block.x * left.pitch, x_step=left.pitch,
                piece_step=rows, **target.write_to(Block(number, block.x, 1, block.width)),
                **common)
