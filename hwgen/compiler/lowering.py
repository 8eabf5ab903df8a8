"""What all layers are lowered with: the Design, the image of weights, and the steps so far."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cost.cycles import Array
from ..design import Design
from ..formats import Format
from ..network.graph import Window
from ..steps import Mode, Step
from .image import Image
from .layout import View
from .quantise import Lanes

__all__ = ["Block", "Cut", "Lowering", "Placed", "ceil_div"]

Integers = NDArray[np.int64]

LARGEST_COUNT = 65535
DISTANCES = {
    "tiles": ("tile_step",), "pieces": ("piece_step",), "taps_x": ("taps_x_step",),
    "taps_y": ("taps_y_step", "taps_y_step_bytes"), "x": ("x_step", "output_x_step"),
    "y": ("row_step", "row_step_bytes", "output_row_step")}


@dataclass(frozen=True, eq=False)
class Placed:
    """A step whose ``base`` and ``output`` count from the beginnings of two buffers.

    ``live`` has which bytes of a vector have weights, (tiles, passes, bytes); None where all
    columns that are stored count.
    """

    step: Step
    source: str | None
    target: str | None
    live: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Cut:
    """Into how many steps a layer is cut, for the sake of memory, and which end is first."""

    parts: int = 1
    backwards: bool = False


@dataclass(frozen=True)
class Block:
    """Values of an output: rows ``y`` to ``y + height``, columns ``x`` to ``x + width``."""

    y: int
    x: int
    height: int
    width: int


def ceil_div(a: int, b: int) -> int:
    """Return a / b, rounded up."""
    return -(-a // b)


def split(block: Block, largest: int, widest: int = LARGEST_COUNT) -> Iterator[Block]:
    """Cut a block into as few as may be, each of ``largest`` values and ``widest`` columns."""
    strips = ceil_div(block.width, min(largest, widest, LARGEST_COUNT))
    width = ceil_div(block.width, strips)
    height = min(largest // width, LARGEST_COUNT)
    height = ceil_div(block.height, ceil_div(block.height, height))
    for y in range(0, block.height, height):
        for x in range(0, block.width, width):
            yield Block(block.y + y, block.x + x, min(height, block.height - y),
                        min(width, block.width - x))


class Lowering:
    """Collects the steps of a network."""

    def __init__(self, design: Design, cut: Cut | None = None) -> None:
        """Begin with no steps; ``cut`` is how the next layer shall be cut."""
        self.design = design
        self.cut = cut or Cut()
        self.rows, self.columns = design.rows, design.columns
        self.array = Array.of(design)
        self.image = Image(design.columns)
        self.placed: list[Placed] = []

    def emit(self, source: View | None, target: View | None,
             live: NDArray[np.bool_] | None = None, **fields: Any) -> None:
        """Add a step that reads and writes these views; ``fields`` are a Step's.

        How far it is to the next of something that there is one of is 0, whatever they say.
        ``live`` is as in :class:`Placed`.
        """
        for count, distances in DISTANCES.items():
            if fields.get(count, 1) == 1 and fields["mode"] != Mode.DEPTHWISE:
                fields |= dict.fromkeys(distances, 0)
        step = Step(**fields)
        self.placed.append(Placed(step, source.buffer if source else None,
                                  target.buffer if target else None, live))

    def blocks(self, block: Block, passes: int, widest: int = LARGEST_COUNT) -> list[Block]:
        """Cut a block so that the accumulators hold the values of each piece."""
        most = self.design.partial_sums if passes > 1 else LARGEST_COUNT**2
        if self.cut.parts <= block.height:
            share = ceil_div(block.height, self.cut.parts) * block.width
        else:
            share = ceil_div(block.width, self.cut.parts // block.height)
        found = list(split(block, min(most, share), widest))
        return found[::-1] if self.cut.backwards else found

    def formats(self, activations: Format, weights: NDArray[np.int8]) -> dict[str, int]:
        """Return the fields of a step that say how its numbers are written."""
        if self.design.engine != "bitserial":
            return {}
        return {"activation_format": activations.code, "weight_format": Format.of(weights).code}

    def cost(self, mode: Mode, channels: int, passes: int, width: int, height: int,
             prime_x: int = 0, prime_y: int = 0, **fields: Any) -> int:
        """Return the cycles of a step with weights, of so many vectors along x and down."""
        tiles = ceil_div(channels, self.columns)
        return self.array.cycles(Step(
            mode=mode, last_columns=1, tiles=tiles, pieces=passes, x=width, y=height,
            prime_x=prime_x, prime_y=prime_y, parameters_per_tile=tiles > 1, **fields))

    def tiles(self, values: Integers, unused: int) -> Integers:
        """Return values of channels as (tiles, columns); columns of no channel get ``unused``."""
        tiles = ceil_div(len(values), self.columns)
        full = np.full(tiles * self.columns, unused, np.int64)
        full[:len(values)] = values
        return full.reshape(tiles, self.columns)

    def parameters(self, bias: Integers, lanes: Lanes) -> tuple[Integers, Integers, Integers]:
        """Return the three parameters by tile, or once where they are all the same."""
        together = np.stack([bias, lanes.multiplier, lanes.right])
        if np.all(together == together[:, :1]):
            tiled = np.repeat(together[:, :1], self.columns, axis=1)[:, None]
        else:
            tiled = np.stack([self.tiles(values, 0) for values in together])
        return tiled[0], tiled[1], tiled[2]

    def last_columns(self, channels: int) -> int:
        """Return how many columns the last column tile has."""
        return (channels - 1) % self.columns + 1

    def direct(self, source: View, target: View, lanes: Lanes, bias: int = 0, *,
               window: Window | None = None, block: Block | None = None, pad: int = 0,
               maximum: bool = False, repeats: int = 1) -> None:
        """Emit steps that pass bytes by the array, over the taps of a window.

        ``lanes`` has one channel, for all. ``block`` is the part of the output to write. Each tap
        counts ``repeats`` times.
        """
        window = window or Window((1, 1))
        (down, right), (step_y, step_x) = window.stride, window.dilation
        block = block or Block(0, 0, target.height, target.width)
        passes = window.kernel[0] * window.kernel[1] * repeats
        program, _ = self.image.add(None, *self.parameters(np.array([bias]), lanes))
        for part in self.blocks(block, passes):
            row0 = part.y * down - window.before[0]
            self.emit(
                source, target,
                mode=Mode.DIRECT, maximum=maximum, pad=pad, pieces=repeats,
                last_columns=self.last_columns(target.channels),
                zero_point=lanes.zero_point, low=lanes.low, high=lanes.high,
                tiles=ceil_div(target.channels, self.columns), tile_step=self.columns,
                taps_x=window.kernel[1], taps_y=window.kernel[0], x=part.width, y=part.height,
                program=program, base=source.offset + row0 * source.row, row0=row0,
                height=source.height,
                offset=(part.x * right - window.before[1]) * source.pitch,
                row_bytes=source.row_bytes, x_step=right * source.pitch, row_step=down,
                row_step_bytes=down * source.row, taps_x_step=step_x * source.pitch,
                taps_y_step=step_y, taps_y_step_bytes=step_y * source.row,
                output=target.offset + part.y * target.row + part.x * target.pitch,
                output_x_step=target.pitch, output_row_step=target.row)


