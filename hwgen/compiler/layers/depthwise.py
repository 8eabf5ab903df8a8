"""Depthwise convolutions on the lines of the array: a kernel, or a part of one, in one pass."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arch.formats import Format, NumberKind
from ...arch.steps import PARAMETER_WORDS, Mode
from ...cost.cycles import Count, StepCycles, chain
from ...network.graph import Window
from ..cost import LayerCost, where
from ..distinct import distinct_weights
from ..following import Reads, Writes, in_order
from ..lowering import Lowering, uniform_parameters
from ..prepare.lanes import Lanes, parts_of
from ..sizes import LARGEST_COUNT, Block, Sizes, Strips, ceil_div
from ..view import View

__all__ = ["DepthwiseLayer"]

Integers = NDArray[np.int64]

LEAST_PIXELS = 4
"""Pixels of a row, so that it is in the line buffer when the next one comes."""
NEVER = 1 << 60
"""Cycles of what the array cannot do."""


class DepthwiseLayer:
    """One depthwise convolution, (kernel height and width, channels) weights over a view.

    Parameters
    ----------
    sizes : Sizes
    weights, bias, lanes, pad, activations
        As of a convolution.
    """

    def __init__(self, sizes: Sizes, source: View, target: View, weights: Integers,
                 bias: Integers, window: Window, lanes: Lanes, pad: int,
                 activations: Format) -> None:
        """Deal the taps of the kernel out to passes."""
        self.sizes, self.source, self.target = sizes, source, target
        self.window, self.lanes, self.bias, self.pad = window, lanes, bias, pad
        self.weights, self.activations = weights, activations
        self.transposed = False  # columns are streamed as rows
        parts = parts_of(distinct_weights(weights))
        self.multiplied = np.append(parts, np.int8(0))
        self.formats = sizes.formats(activations, self.multiplied)
        self.lines = np.maximum(sizes.lines, 1)  # without lines it does not suit
        self.used = np.minimum(self.lines, window.kernel[0])
        self.taps = window.kernel[1]
        for newest in range(min(window.kernel[0], int(np.max(self.lines)))):
            line = np.maximum(self.lines - 1 - newest, 0)
            self.taps = np.minimum(self.taps, self.head(line + 1) - self.head(line))
        self.taps = np.maximum(self.taps, 1)  # no array has more lines than rows
        self.taps_x = ceil_div(window.kernel[1], self.taps)
        self.taps_y = ceil_div(window.kernel[0], self.lines)
        self.passes = self.taps_x * self.taps_y * len(parts)

    @cached_property
    def parts(self) -> list[NDArray[np.int8]]:
        """Arrays of bytes whose sum is the weights."""
        return parts_of(self.weights)

    def head(self, line: Count) -> Count:
        """Return the first row of the array that a line has: steps.lines_of_rows, turned round."""
        if self.sizes.array.serial:
            return line * self.lines
        return ceil_div(line * self.sizes.array.single_rows, self.lines)

    @classmethod
    def orientations(cls, sizes: Sizes, source: View, target: View, weights: Integers,
                     bias: Integers, window: Window, lanes: Lanes, pad: int, activations: Format,
                     ) -> "list[tuple[DepthwiseLayer, Count]]":
        """Return streaming rows, and streaming columns, and for which Designs each is possible.

        There is less padding at the ends of a few long lines than of many short ones. An image
        that takes several steps is streamed by rows, which lie together in memory.
        """
        rows = cls(sizes, source, target, weights, bias, window, lanes, pad, activations)
        columns = cls(sizes, source.transpose(), target.transpose(), weights.transpose(1, 0, 2),
                      bias, transpose_window(window), lanes, pad, activations)
        columns.transposed = True
        return [(rows, rows.suits), (columns, columns.suits & (columns.strips.count == 1))]

    @property
    def suits(self) -> Count:
        """Whether the array can do it so."""
        window, kernel = self.window, self.window.kernel
        near = (window.dilation == (1, 1) and max(window.stride) < 256
                and max(kernel[1] * self.source.pitch, self.target.pitch) <= LARGEST_COUNT)
        room = self.sizes.line_pixels >= max(LEAST_PIXELS, kernel[1]) + window.stride[1]
        alone = np.equal(self.sizes.lines, 1) | (kernel[0] == 1)
        return np.greater(self.sizes.lines, 0) & near & (alone | room)

    @property
    def strips(self) -> Strips:
        """The blocks of the output, none with rows longer than the line buffer holds."""
        room = (self.sizes.line_pixels - self.taps) // self.window.stride[1] + 1
        # Where there is no room it does not suit, whatever its blocks.
        most = max(LARGEST_COUNT // self.window.stride[1], 1)
        widest = np.where((self.used == 1) | (room < 1), most, room)
        return self.sizes.strips(self.target.height, self.target.width, self.passes, widest)

    def pixels(self, block: Block) -> tuple[Count, Count, Count]:
        """Return which pixel of a row to stream first, how many, and which gives a value first.

        The cells see the end of a row before they see the next row, so where both ends of a row
        are outside the image, one does for both; but not before the first row that is streamed,
        unless what the line buffer shows there is outside, too. A row too short for the line
        buffer begins further to the left.
        """
        first = block.x * self.window.stride[1] - self.window.before[1]
        across = (block.width - 1) * self.window.stride[1] + self.taps
        row0, _, prime_y = self.rows(block)
        alone = np.equal(self.taps_x, 1) & np.equal(self.taps_y, 1)
        ends = np.minimum(np.minimum(-first, first + across - self.source.width), self.taps - 1)
        shared = np.where(alone & (row0 <= 0) & (prime_y > 0), np.maximum(ends, 0), 0)
        least = np.where(self.used > 1, LEAST_PIXELS, 1)
        missing = np.maximum(least - across, 0)
        more = np.where(missing > 0, missing, -np.minimum(shared, across - least))
        return first - more, across + more, self.taps - 1 + more

    def rows(self, block: Block) -> tuple[Count, Count, Count]:
        """Return the first row to stream, how many, and that of the first values, from there on.

        Rows above the image are pad in the line buffer without having been streamed, but all
        passes of a step have the same rows.
        """
        top = block.y * self.window.stride[0] - self.window.before[0]
        newest = top + self.used - 1
        first = np.where(np.equal(self.taps_y, 1), np.maximum(top, np.minimum(0, newest)), top)
        prime = newest - first
        return first, prime + (block.height - 1) * self.window.stride[0] + 1, prime

    @cached_property
    def planned(self) -> StepCycles:
        """Cycles of all steps, where tiles have parameters each."""
        return self.cycles(self.formats,
                           per_tile=self.sizes.column_tiles(self.source.channels) > 1)

    @property
    def cost(self) -> Count:
        """The same, as a number."""
        return self.planned.alone

    @property
    def full(self) -> Count:
        """Return whether no weight of 0 is beside those of the layer, which are all -1 or 1."""
        down, across = self.window.kernel
        if not self.sizes.array.serial or self.source.channels % self.sizes.columns \
                or Format.of(self.multiplied[:-1]).kind != NumberKind.BIPOLAR:
            return False
        return (np.equal(self.sizes.rows, self.lines * self.lines) & (self.used == self.lines)
                & (self.taps == self.lines) & (down % self.lines == 0) & (across % self.taps == 0))

    def cycles(self, formats: dict[str, Any], *, per_tile: bool) -> StepCycles:
        """Return the cycles of all steps, whose tiles may have parameters each.

        ``formats`` are those fields of the steps.
        """
        tiles = self.sizes.column_tiles(self.source.channels)

        def of(block: Block) -> StepCycles:
            _, across, prime_x = self.pixels(block)
            _, height, prime_y = self.rows(block)
            return self.sizes.array.parts_for(
                Mode.DEPTHWISE, tiles=tiles, passes=self.passes, vectors=across * height,
                parameters_per_tile=per_tile, primes=prime_y * across + prime_x,
                fills=across * height - block.width * block.height, **formats)

        # Blocks differ while what is above them, or left of them, is outside the image.
        outside = (ceil_div(self.window.before[axis], self.window.stride[axis]) + 1
                   for axis in (0, 1))
        return chain(((of(block), there) for block, there in self.strips.each(*outside)),
                     of(self.strips.last),
                     overlap=self.sizes.array.overlaps(Mode.DEPTHWISE))

    def layer_cost(self, possible: Count) -> LayerCost:
        """Return what the steps will take, where it is possible."""
        taken = self.cost_with(possible, self.formats)
        if np.any(self.full):
            bipolar = self.sizes.formats(self.activations, self.multiplied[:-1])
            taken = where(self.full, self.cost_with(possible, bipolar), taken)
        return taken

    def joined_cost(self, possible: Count) -> LayerCost:
        """Return what the steps of an ADD take that is joined with this layer."""
        tiles = self.sizes.column_tiles(self.source.channels)
        cycles = self.sizes.cycles(Mode.DIRECT, tiles, 1, self.strips, joined=True)
        return LayerCost(np.where(possible, self.cost, NEVER), cycles, self.strips.count,
                            PARAMETER_WORDS)

    def cost_with(self, possible: Count, formats: dict[str, Any]) -> LayerCost:
        """Return what the steps take with these fields."""
        tiles = self.sizes.column_tiles(self.source.channels)
        per_tile = tiles > 1 and not uniform_parameters(self.bias, self.lanes)
        rows = self.sizes.array.weight_words(Mode.DEPTHWISE, formats.get("weight_format", 0))
        words = (tiles * self.passes * rows
                 + PARAMETER_WORDS * (tiles if per_tile else 1))
        planned = formats is self.formats and per_tile == (tiles > 1)
        cycles = self.planned if planned else self.cycles(formats, per_tile=per_tile)
        return LayerCost(np.where(possible, self.cost, NEVER), cycles, self.strips.count, words,
                         *self.ends())

    def ends(self) -> tuple[Reads, Writes]:
        """Return how the first step reads, and how the last one writes."""
        source, array, columns = self.source, self.sizes.array, self.sizes.columns
        first, last = self.sizes.ends(self.strips)
        top, height, _ = self.rows(first)
        left, across, _ = self.pixels(first)
        streamed, lap = Block(0, 0, height, across), array.pass_cycles(height * across)
        order = (streamed, lap, columns, self.passes * lap)
        if source.height > 1:
            reads = Reads.rows(source, top, (self.taps_y - 1) * self.lines, 1, *order)
        else:
            reads = Reads.pixels(source, left * source.pitch,
                                 (self.taps_x - 1) * self.taps * source.pitch + source.channels,
                                 source.pitch, *order)
        _, height, _ = self.rows(last)
        _, across, _ = self.pixels(last)
        down = self.window.stride[0]
        writes = Writes.of(array, self.target, 1, (last.width == self.target.width) & (down == 1),
                           down * across, height * across, self.passes,
                           self.sizes.column_tiles(source.channels))
        return in_order(reads, writes, not (self.transposed or self.sizes.cut.backwards))

    def pack_weights(self) -> NDArray[np.int8]:
        """Return the weights of all passes, (tiles, passes, rows, columns)."""
        rows, columns, lines = self.sizes.rows, self.sizes.columns, int(self.lines)
        down, across, channels = self.parts[0].shape
        tiles = self.sizes.column_tiles(channels)
        packed = np.zeros((self.taps_y, self.taps_x, len(self.parts), rows, tiles * columns),
                          np.int8)
        for y in range(down):
            for x in range(across):
                line = lines - self.used + y % lines
                row = self.head(line) + self.taps - 1 - x % self.taps
                for number, part in enumerate(self.parts):
                    packed[y // lines, x // self.taps, number, row, :channels] = part[y, x]
        return packed.reshape(-1, rows, tiles, columns).transpose(2, 0, 1, 3)

    def emit(self, lowering: Lowering) -> None:
        """Emit the steps."""
        source, target, window = self.source, self.target, self.window
        packed = self.pack_weights()
        formats = lowering.sizes.formats(self.activations, packed)
        planes = Format.from_code(formats["weight_format"]) if formats else None
        program, per_tile = lowering.image.add(
            packed, *lowering.parameters(self.bias, self.lanes), planes)
        blocks = list(self.strips.blocks())
        first = len(lowering.placed)
        for block in blocks[::-1] if lowering.sizes.cut.backwards else blocks:
            row0, height, prime_y = map(int, self.rows(block))
            left, across, prime_x = map(int, self.pixels(block))
            lowering.emit(
                source, target, np.any(packed != 0, axis=2),
                mode=Mode.DEPTHWISE, parameters_per_tile=per_tile, pad=self.pad,
                last_columns=lowering.last_columns(source.channels),
                zero_point=self.lanes.zero_point, low=self.lanes.low, high=self.lanes.high,
                tiles=len(packed), pieces=len(self.parts), taps_x=int(self.taps_x),
                taps_y=int(self.taps_y),
                x=across, y=height, prime_x=prime_x, stride_x=window.stride[1],
                prime_y=prime_y, stride_y=window.stride[0], program=program,
                **source.read_from(row0), offset=left * source.pitch, x_step=source.pitch,
                row_step=1, row_step_bytes=source.row, tile_step=lowering.columns,
                taps_x_step=int(self.taps) * source.pitch,
                taps_y_step=lowering.design.lines,
                taps_y_step_bytes=lowering.design.lines * source.row,
                **target.write_to(block), **formats)
        lowering.overlap(first + 1)


def transpose_window(window: Window) -> Window:
    """Return the window of the same image with columns for rows."""
    return Window(window.kernel[::-1], window.stride[::-1], window.dilation[::-1],
                  window.before[::-1], window.after[::-1])
