"""Depthwise convolutions on the lines of the array: a kernel, or a part of one, in one pass."""

import numpy as np
from numpy.typing import NDArray

from ..formats import Format
from ..network.graph import Window
from ..steps import Mode, lines_of_rows
from .layout import View
from .lowering import LARGEST_COUNT, Block, Lowering, ceil_div
from .quantise import Lanes, parts_of

__all__ = ["DepthwiseLayer"]

Integers = NDArray[np.int64]

LEAST_PIXELS = 4
"""Pixels of a row, so that it is in the line buffer when the next one comes."""


class DepthwiseLayer:
    """One depthwise convolution, (kernel height and width, channels) weights over a view.

    Parameters
    ----------
    weights, bias, lanes, pad, activations
        As of a convolution.
    """

    def __init__(self, lowering: Lowering, source: View, target: View, weights: Integers,
                 bias: Integers, window: Window, lanes: Lanes, pad: int,
                 activations: Format) -> None:
        """Deal the taps of the kernel out to passes."""
        self.lowering, self.source, self.target = lowering, source, target
        self.window, self.lanes, self.bias, self.pad = window, lanes, bias, pad
        self.parts = parts_of(weights)
        design, self.activations = lowering.design, activations
        self.formats = lowering.formats(activations, np.append(self.parts, np.int8(0)))
        lines = lines_of_rows(design.engine, design.rows, design.lines)
        self.heads = [lines.index(line) for line in range(design.lines)]
        self.taps = min(min(lines.count(line) for line in self.heads_used()), window.kernel[1])
        self.taps_x = ceil_div(window.kernel[1], self.taps)
        self.taps_y = ceil_div(window.kernel[0], design.lines)

    def heads_used(self) -> range:
        """Return the lines that have taps."""
        lines = self.lowering.design.lines
        return range(max(lines - self.window.kernel[0], 0), lines)

    @classmethod
    def best(cls, lowering: Lowering, source: View, target: View, weights: Integers,
             bias: Integers, window: Window, lanes: Lanes, pad: int, activations: Format,
             ) -> "DepthwiseLayer | None":
        """Return the quicker of streaming rows and streaming columns; None if neither can be.

        There is less padding at the ends of a few long lines than of many short ones. An image
        that takes several steps is streamed by rows, which lie together in memory.
        """
        found = []
        if cls.suits(lowering, window, source, target):
            found.append(cls(lowering, source, target, weights, bias, window, lanes, pad,
                             activations))
        window, source, target = transposed(window), source.transposed(), target.transposed()
        if cls.suits(lowering, window, source, target):
            columns = cls(lowering, source, target, weights.transpose(1, 0, 2), bias, window,
                          lanes, pad, activations)
            if len(columns.blocks()) == 1:
                found.append(columns)
        return min(found, key=lambda layer: layer.cost, default=None)

    @classmethod
    def suits(cls, lowering: Lowering, window: Window, source: View, target: View) -> bool:
        """Return whether the array can do it so."""
        lines, pixels = lowering.design.lines, lowering.design.line_pixels
        return (lines > 0 and window.dilation == (1, 1) and max(window.stride) < 256
                and (lines == 1 or window.kernel[0] == 1 or pixels >= max(
                    LEAST_PIXELS, window.kernel[1]) + window.stride[1])
                and max(window.kernel[1] * source.pitch, target.pitch) <= LARGEST_COUNT)

    @property
    def widest(self) -> int:
        """Values of the longest row that the line buffer holds."""
        if len(self.heads_used()) == 1:
            return LARGEST_COUNT // self.window.stride[1]
        room = self.lowering.design.line_pixels - self.taps
        return room // self.window.stride[1] + 1

    def blocks(self) -> list[Block]:
        """Return the blocks of the output."""
        passes = self.taps_x * self.taps_y * len(self.parts)
        block = Block(0, 0, self.target.height, self.target.width)
        return self.lowering.blocks(block, passes, self.widest)

    def pixels(self, block: Block) -> tuple[int, int, int]:
        """Return which pixel of a row to stream first, how many, and which gives a value first.

        The cells see the end of a row before they see the next row, so where both ends of a row
        are outside the image, one does for both; but not before the first row that is streamed,
        unless what the line buffer shows there is outside, too. A row too short for the line
        buffer begins further to the left.
        """
        first = block.x * self.window.stride[1] - self.window.before[1]
        across = (block.width - 1) * self.window.stride[1] + self.taps
        row0, _, prime_y = self.rows(block)
        shared = 0
        if self.taps_x == self.taps_y == 1 and row0 <= 0 < prime_y:
            shared = max(min(-first, first + across - self.source.width, self.taps - 1), 0)
        least = LEAST_PIXELS if len(self.heads_used()) > 1 else 1
        more = max(least - across, 0) or -min(shared, across - least)
        return first - more, across + more, self.taps - 1 + more

    def rows(self, block: Block) -> tuple[int, int, int]:
        """Return the first row to stream, how many, and that of the first values, from there on.

        Rows above the image are pad in the line buffer without having been streamed, but all
        passes of a step have the same rows.
        """
        top = block.y * self.window.stride[0] - self.window.before[0]
        reach = min(self.window.kernel[0], self.lowering.design.lines)
        newest = top + reach - 1
        first = max(top, min(0, newest)) if self.taps_y == 1 else top
        prime = newest - first
        return first, prime + (block.height - 1) * self.window.stride[0] + 1, prime

    @property
    def cost(self) -> int:
        """Cycles of all steps."""
        cost = 0
        for block in self.blocks():
            _, across, prime_x = self.pixels(block)
            _, height, prime_y = self.rows(block)
            cost += self.lowering.cost(
                Mode.DEPTHWISE, self.source.channels, self.taps_x * self.taps_y * len(self.parts),
                across, height, prime_x, prime_y, stride_x=self.window.stride[1],
                stride_y=self.window.stride[0], **self.formats)
        return cost

    def packed(self) -> NDArray[np.int8]:
        """Return the weights of all passes, (tiles, passes, rows, columns)."""
        lowering, lines = self.lowering, self.lowering.design.lines
        down, across, channels = self.parts[0].shape
        tiles = ceil_div(channels, lowering.columns)
        packed = np.zeros((self.taps_y, self.taps_x, len(self.parts), lowering.rows,
                           tiles * lowering.columns), np.int8)
        used = min(down, lines)
        for y in range(down):
            for x in range(across):
                line = lines - used + y % lines
                row = self.heads[line] + self.taps - 1 - x % self.taps
                for number, part in enumerate(self.parts):
                    packed[y // lines, x // self.taps, number, row, :channels] = part[y, x]
        return packed.reshape(-1, lowering.rows, tiles, lowering.columns).transpose(2, 0, 1, 3)

    def emit(self) -> None:
        """Emit the steps."""
        lowering, source, target, window = self.lowering, self.source, self.target, self.window
        packed = self.packed()
        formats = lowering.formats(self.activations, packed)
        planes = Format.from_code(formats["weight_format"]) if formats else None
        program, per_tile = lowering.image.add(
            packed, *lowering.parameters(self.bias, self.lanes), planes)
        for block in self.blocks():
            row0, height, prime_y = self.rows(block)
            left, across, prime_x = self.pixels(block)
            lowering.emit(
                source, target, np.any(packed != 0, axis=2),
                mode=Mode.DEPTHWISE, parameters_per_tile=per_tile, pad=self.pad,
                last_columns=lowering.last_columns(source.channels),
                zero_point=self.lanes.zero_point, low=self.lanes.low, high=self.lanes.high,
                tiles=len(packed), pieces=len(self.parts), taps_x=self.taps_x, taps_y=self.taps_y,
                x=across, y=height, prime_x=prime_x, stride_x=window.stride[1],
                prime_y=prime_y, stride_y=window.stride[0], program=program,
                base=source.offset + row0 * source.row, row0=row0, height=source.height,
                offset=left * source.pitch, row_bytes=source.row_bytes, x_step=source.pitch,
                row_step=1, row_step_bytes=source.row, tile_step=lowering.columns,
                taps_x_step=self.taps * source.pitch,
                taps_y_step=lowering.design.lines,
                taps_y_step_bytes=lowering.design.lines * source.row,
                output=target.offset + block.y * target.row + block.x * target.pitch,
                output_x_step=target.pitch, output_row_step=target.row, **formats)


def transposed(window: Window) -> Window:
    """Return the window of the same image with columns for rows."""
    return Window(window.kernel[::-1], window.stride[::-1], window.dilation[::-1],
                  window.before[::-1], window.after[::-1])
