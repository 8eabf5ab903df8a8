"""Steps of layers that take element by element, over vectors that lie alike in all tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arch.steps import Mode
from ..lowering import Lowering
from ..prepare.lanes import Lanes
from ..sizes import Block
from ..view import View

__all__ = ["SCALED", "emit_on_sums", "emit_output", "emit_sums", "vectors_of", "whole_vectors"]

SCALED = 20
"""Bits by which bytes are shifted on their way to the sums."""


def whole_vectors(lowering: Lowering, size: int, alone: bool) -> list[tuple[int, int, int]]:
    """Return (first byte, vectors, bytes of each) of so many bytes as vectors, and what is left.

    With ``alone`` what is left is a vector like the others.
    """
    vectors, rest = divmod(size, lowering.columns)
    pieces = [(0, vectors + (rest > 0 and alone), lowering.columns),
              (vectors * lowering.columns, int(rest > 0 and not alone), rest)]
    return [piece for piece in pieces if piece[1]]


def vectors_of(lowering: Lowering, views: Sequence[View], alone: bool, by_channel: bool,
               ) -> Iterator[tuple[int, list[View], int | None, int]]:
    """Yield what goes through the columns at once of views that lie alike, the target's first.

    That is the first channel, the parts of the views, the bytes of a row that are read of each if
    these are not the view's, and the columns that count. Contiguous bytes go as they come, unless
    their channel says what is done to them.
    """
    target, columns = views[0], lowering.columns
    if not by_channel and all(view.contiguous and view.size == target.size for view in views):
        for first, count, width in whole_vectors(lowering, target.size, alone):
            yield first, [View(buffer=view.buffer, offset=view.offset + first, height=1,
                               width=count, channels=columns, pitch=columns, row=target.size)
                          for view in views], target.size - first, width
        return
    for channel in range(0, target.channels, columns):
        width = min(columns, target.channels - channel)
        yield channel, [replace(view, offset=view.offset + channel, channels=width)
                        for view in views], None, width


def emit_sums(lowering: Lowering, view: View, block: Block, row_bytes: int | None, width: int,
              bias: NDArray[np.int64], lanes: Lanes, **fields: Any) -> None:
    """Emit a step that reads a vector for each pixel of a block, and leaves sums for another."""
    program, _ = lowering.image.add(None, *lowering.parameters(bias, lanes))
    lowering.emit(
        view, None, mode=Mode.DIRECT, scaled=True, to_sums=True, last_columns=width,
        x=block.width, y=block.height, program=program, base=view.offset + block.y * view.row,
        row0=block.y, height=view.height, offset=block.x * view.pitch,
        row_bytes=view.row_bytes if row_bytes is None else row_bytes,
        x_step=view.pitch, row_step=1, row_step_bytes=view.row, **fields)


def emit_on_sums(lowering: Lowering, block: Block, width: int, bias: NDArray[np.int64],
                 lanes: Lanes, **fields: Any) -> None:
    """Emit a step that replaces the sums of a block by what the lanes make of them."""
    program, _ = lowering.image.add(None, *lowering.parameters(bias, lanes))
    lowering.emit(None, None, mode=Mode.SUMS, to_sums=True, last_columns=width, x=block.width,
                  y=block.height, program=program, **fields)


def emit_output(lowering: Lowering, target: View, block: Block, width: int,
                bias: NDArray[np.int64], lanes: Lanes) -> None:
    """Emit a step that writes what the sums of a block are."""
    program, _ = lowering.image.add(None, *lowering.parameters(bias, lanes))
    lowering.emit(
        None, target, mode=Mode.SUMS, last_columns=width, zero_point=lanes.zero_point,
        low=lanes.low, high=lanes.high, x=block.width, y=block.height, program=program,
        **target.write_to(block))
