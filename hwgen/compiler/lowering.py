"""What all layers are lowered with: the Design, the image of weights, and the steps so far."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.steps import TABLE_BYTES, Mode, Step, table_words
from ..network.graph import Window
from ..network.table import Table
from .cost import LayerCost
from .image import Image
from .prepare.lanes import Lanes
from .sizes import Block, Cut, Sizes
from .view import View

__all__ = ["Lowering", "PlacedStep", "uniform_parameters", "written_bytes"]

Integers = NDArray[np.int64]

DISTANCES = {
    "tiles": ("tile_step",), "pieces": ("piece_step",), "taps_x": ("taps_x_step",),
    "taps_y": ("taps_y_step", "taps_y_step_bytes"), "x": ("x_step", "output_x_step"),
    "y": ("row_step", "row_step_bytes", "output_row_step")}


@dataclass(frozen=True, eq=False)
class PlacedStep:
    """A step whose ``base`` and ``output`` count from the beginnings of two buffers.

    ``live`` has which bytes of a vector have weights, (tiles, passes, bytes); None where all
    columns that are stored count. A step with a ``second`` source reads both, in two passes along
    y, in any order: ``taps_y_step_bytes`` is its base there, counted from the beginning of that
    buffer.
    """

    step: Step
    source: str | None
    target: str | None
    live: NDArray[np.bool_] | None = None
    second: str | None = None

    def reads(self, buffer: str) -> Iterator[Step]:
        """Yield what reads a buffer: the step, or one with two sources as if it had but one.

        Either of two sources may be the one that is read last.
        """
        step = self.step
        if step.mode == Mode.LSTM:  # a sequence, and what is before it
            if self.source == buffer:
                yield step
            if self.second == buffer:
                yield step.replace(base=step.taps_y_step_bytes, x=1, row_bytes=3 * step.height)
        elif self.second is None and self.source == buffer:
            yield step
        elif self.second is not None:
            for source, base in ((self.source, step.base), (self.second, step.taps_y_step_bytes)):
                if source == buffer:
                    yield step.replace(base=base, taps_y_step_bytes=0)

    def at(self, addresses: Mapping[str, int]) -> Step:
        """Return the step for buffers at these addresses."""
        step, fields = self.step, {}
        if self.source is not None:
            fields["base"] = step.base + addresses[self.source]
        if self.second is not None and step.mode == Mode.LSTM:
            fields["taps_y_step_bytes"] = step.taps_y_step_bytes + addresses[self.second]
        elif self.second is not None:
            # A distance is never negative: the lower one of two sources is read first.
            first, last = sorted((fields["base"],
                                  step.taps_y_step_bytes + addresses[self.second]))
            fields |= {"base": first, "taps_y_step_bytes": last - first}
        if self.target is not None:
            fields["output"] = step.output + addresses[self.target]
        return step.replace(**fields)


def uniform_parameters(bias: Integers, lanes: Lanes) -> bool:
    """Return whether all channels have the same parameters, so that one column tile's will do."""
    together = np.stack([bias, lanes.multiplier, lanes.right])
    return bool(np.all(together == together[:, :1]))


class Lowering:
    """Collects the steps of a network."""

    def __init__(self, design: Design, cut: Cut | None = None,
                 sparse: Mapping[str, int] | None = None) -> None:
        """Begin with no steps; ``cut`` is how the next layer shall be cut.

        ``sparse`` has where the columns of those layers begin that the sparse engine computes.
        """
        self.sparse = sparse or {}
        self.design = design
        self.rows, self.columns = design.rows, design.columns
        self.sizes = Sizes.of(design, cut)
        self.image = Image(design.columns)
        self.wide_image = Image(design.columns)
        """What is read many words at once, which lies before all others."""
        self.placed: list[PlacedStep] = []
        self.tables: dict[bytes, int] = {}
        """Those that the lanes hold, and their numbers; the one used last is the last."""
        self.taken: LayerCost | None = None
        """What the steps of weights take that the last layer has, if it has some."""

    def emit(self, source: View | None, target: View | None,
             live: NDArray[np.bool_] | None = None, second: View | None = None,
             **fields: Any) -> None:
        """Add a step that reads and writes these views; ``fields`` are a Step's.

        How far it is to the next of something that there is one of is 0, whatever they say.
        ``live`` and ``second`` are as in :class:`PlacedStep`.
        """
        for count, distances in DISTANCES.items():
            if fields.get(count, 1) == 1 and fields["mode"] not in (
                    Mode.DEPTHWISE, Mode.LOAD, Mode.LSTM):
                fields |= dict.fromkeys(distances, 0)
        step = Step(**fields)
        self.placed.append(PlacedStep(step, source.buffer if source else None,
                                  target.buffer if target else None, live,
                                  second.buffer if second else None))

    def overlap(self, first: int, end: int | None = None) -> None:
        """Let steps follow the one before at once, from the first one on."""
        for index in range(first, len(self.placed) if end is None else end):
            item = self.placed[index]
            if self.sizes.array.overlaps(item.step.mode, to_sums=item.step.to_sums,
                                         weight_format=item.step.weight_format):
                self.placed[index] = replace(item, step=item.step.replace(overlaps=True))

    def look_up(self, table: Table, first: int) -> None:
        """Let what steps write from the first one on go through a table."""
        values = table.to_bytes()
        number = self.tables.pop(values, 0)
        if not number:
            number = len(self.tables) + 1
            if number > self.design.tables:
                number = self.tables.pop(next(iter(self.tables)))
            room = np.zeros(table_words(self.columns) * self.columns, np.uint8)
            room[:TABLE_BYTES] = np.frombuffer(values, np.uint8)
            program = self.image.keep(room.reshape(-1, self.columns))
            self.placed.insert(first, PlacedStep(Step(
                mode=Mode.TABLE, last_columns=1, program=program, table=number), None, None))
        self.tables[values] = number
        for index in range(first, len(self.placed)):
            item = self.placed[index]
            if item.target is not None:
                self.placed[index] = replace(item, step=item.step.replace(table=number))

    def cut(self, cut: Cut) -> None:
        """Cut the next layer so."""
        self.sizes = Sizes.of(self.design, cut)

    def tiles(self, values: Integers, unused: int, columns: int = 0) -> Integers:
        """Return values of channels as (tiles, columns); columns of no channel get ``unused``."""
        columns = columns or self.columns
        tiles = -(-len(values) // columns)
        full = np.full(tiles * columns, unused, np.int64)
        full[:len(values)] = values
        return full.reshape(tiles, columns)

    def parameters(self, bias: Integers, lanes: Lanes, columns: int = 0,
                   ) -> tuple[Integers, Integers, Integers]:
        """Return the three parameters by tile, or once where they are all the same.

        A tile has so many ``columns``, if not as many as the array.
        """
        together = np.stack([bias, lanes.multiplier, lanes.right])
        if uniform_parameters(bias, lanes):
            tiled = np.repeat(together[:, :1], columns or self.columns, axis=1)[:, None]
        else:
            tiled = np.stack([self.tiles(values, 0, columns) for values in together])
        return tiled[0], tiled[1], tiled[2]

    def last_columns(self, channels: int) -> int:
        """Return how many columns the last column tile has."""
        return (channels - 1) % self.columns + 1

    def direct(self, source: View, target: View, lanes: Lanes, bias: int = 0, *,
               window: Window | None = None, block: Block | None = None, pad: int = 0,
               maximum: bool = False, repeats: int = 1, second: View | None = None) -> None:
        """Emit steps that pass bytes by the array, over the taps of a window.

        ``lanes`` has one channel, for all. ``block`` is the part of the output to write. Each tap
        counts ``repeats`` times. With a ``second`` source, which lies like the first, the taps are
        the same place in either, and the window has only strides.
        """
        window = window or Window((1, 1))
        (down, right), (step_y, step_x) = window.stride, window.dilation
        block = block or Block(0, 0, target.height, target.width)
        taps_y = window.kernel[0] if second is None else 2
        passes = taps_y * window.kernel[1] * repeats
        program, _ = self.image.add(None, *self.parameters(np.array([bias]), lanes))
        for inner in self.sizes.blocks(block.height, block.width, passes):
            part = replace(inner, y=block.y + inner.y, x=block.x + inner.x)
            row0 = part.y * down - window.before[0]
            to_tap = (step_y, step_y * source.row) if second is None else \
                (0, second.offset + row0 * second.row)
            self.emit(
                source, target, second=second,
                mode=Mode.DIRECT, maximum=maximum, pad=pad, pieces=repeats,
                last_columns=self.last_columns(target.channels),
                zero_point=lanes.zero_point, low=lanes.low, high=lanes.high,
                tiles=self.sizes.column_tiles(target.channels), tile_step=self.columns,
                taps_x=window.kernel[1], taps_y=taps_y, x=part.width, y=part.height,
                program=program, **source.read_from(row0),
                offset=(part.x * right - window.before[1]) * source.pitch,
                x_step=right * source.pitch, row_step=down,
                row_step_bytes=down * source.row, taps_x_step=step_x * source.pitch,
                taps_y_step=to_tap[0], taps_y_step_bytes=to_tap[1], **target.write_to(part))


def written_bytes(placed: list[PlacedStep], columns: int) -> dict[str, int]:
    """Return how many bytes of each buffer the steps write, to the last."""
    sizes: dict[str, int] = {}
    for item in placed:
        step = item.step
        if item.target is not None:
            height, width = step.size
            if step.mode == Mode.LSTM:
                sizes[item.target] = max(sizes.get(item.target, 0), step.output
                                         + step.output_row_step + 2 * step.height)
                continue
            channels = step.row_bytes if step.mode == Mode.SOFTMAX else \
                (step.tiles - 1) * step.tile_width(columns) + step.last_columns
            last = (step.output + (height - 1) * step.output_row_step
                    + (width - 1) * step.output_x_step + channels)
            sizes[item.target] = max(sizes.get(item.target, 0), last)
    return sizes
