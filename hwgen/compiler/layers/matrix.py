"""Convolutions as products with a matrix: passes over the rows of a kernel.

A row of a kernel reads a run of neighbouring bytes, which are cut into pieces of as many as the
array has rows. Several neighbouring outputs along x may share the columns of a tile (``group``):
their run is longer, their weights are 0 where another one's taps are.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arch.formats import Format, NumberKind
from ...arch.nibbles import fit_nibbles
from ...arch.steps import PAIRS, PARAMETER_WORDS, Mode
from ...cost.cycles import Count, StepCycles
from ...network.graph import Window
from ..cost import LayerCost, least_cost, where
from ..distinct import distinct_weights
from ..following import FAR, Reads, Writes, in_order
from ..lowering import Lowering, uniform_parameters
from ..prepare.lanes import Lanes, parts_of
from ..sizes import Sizes, Strips, ceil_div
from ..view import View

__all__ = ["MatrixLayer"]

Integers = NDArray[np.int64]

LARGEST_GROUP = 32


@dataclass(frozen=True)
class Plan:
    """How the taps of a row of the kernel are dealt out to passes."""

    group: int
    pieces: Count
    taps_x: int
    tile_step: int
    passes: Count
    strips: Strips
    """Blocks of the output, whose x counts groups."""
    cycles: StepCycles
    """Where column tiles have parameters each."""
    pairs: bool = False  # Whether each byte has two weights of 4 bits.

    @property
    def cost(self) -> Count:
        """The same, as a number."""
        return self.cycles.alone


class MatrixLayer:
    """One convolution: (outputs, kernel height and width, channels) weights over a view.

    Only :attr:`parts`, which Programs are made of, takes as much memory as there are weights.

    Parameters
    ----------
    weights : array
        Of stored channels, as integers; shifted left already where the lanes' ``left`` says so.
        Of a depthwise layer, (outputs, kernel height and width, 1).
    bias : array
        One for each output channel, the zero point included.
    pad : int
        What a tap outside the image reads.
    activations : Format
        Of all bytes that count.
    reads : array or None
        Of a depthwise layer, which channel each output reads: its weights for others are 0.
    """

    def __init__(self, source: View, target: View, weights: Integers, bias: Integers,
                 window: Window, lanes: Lanes, pad: int, activations: Format,
                 reads: Integers | None = None) -> None:
        """Choose the geometry."""
        self.bias, self.lanes, self.pad, self.activations = bias, lanes, pad, activations
        self.weights, self.reads, self.channels = weights, reads, source.channels
        self.source, self.target, self.window = flatten_rows(source, target, window)
        values = distinct_weights(weights)
        if weights.shape[3] < source.channels:
            values = np.append(values, 0)
        parts = parts_of(values)
        self.repeats = len(parts)
        self.outputs = len(weights)
        # Where the taps of a tile do not fill its rows, there are weights of 0 besides.
        self.multiplied = np.append(parts, np.int8(0))

    def candidates(self, sizes: Sizes) -> list[Plan]:
        """Return the plans there are."""
        plans = self.plain_candidates(sizes)
        if np.any(sizes.array.pair_interval) and self.repeats == 1 and fit_nibbles(self.multiplied):
            plans += [self.plan(sizes, plan.group, plan.pieces, plan.taps_x, 0, pairs=True)
                      for plan in plans if not plan.tile_step
                      and plan.group * self.outputs > sizes.columns]
        return plans

    def plain_candidates(self, sizes: Sizes) -> list[Plan]:
        """Return those with a weight a byte."""
        plans: list[Plan] = []
        kernel, channels = self.window.kernel[1], self.source.channels
        rows = sizes.rows
        packed = self.target.pitch == self.outputs
        for group in range(1, LARGEST_GROUP + 1 if packed else 2):
            if group > 1 and (self.target.width % group or group > self.target.width):
                continue
            run = ((group - 1) * self.window.stride[1]
                   + (kernel - 1) * self.window.dilation[1]) * self.source.pitch + channels
            plans.append(self.plan(sizes, group, ceil_div(run, rows), 1, 0))
            if group * self.outputs >= 4 * sizes.columns:
                break
        if kernel > 1 and self.repeats == 1:
            plans.append(self.plan(sizes, 1, ceil_div(channels, rows), kernel, 0))
        if self.repeats == 1 and (window := self.tile_window(sizes)):
            step, channels = window
            plans.append(self.plan(sizes, 1, ceil_div(channels, rows), kernel, step))
        return plans

    @cached_property
    def bipolar(self) -> bool:
        """Whether all weights are -1 or 1."""
        return Format.of(self.multiplied[:-1]).kind == NumberKind.BIPOLAR

    @cached_property
    def parts(self) -> list[NDArray[np.int8]]:
        """Arrays of bytes whose sum is the weights, over all channels of the source."""
        weights = self.weights
        if self.reads is not None:
            weights = np.zeros((*weights.shape[:3], self.channels), np.int64)
            weights[np.arange(self.outputs), :, :, self.reads] = self.weights[..., 0]
        return parts_of(weights.reshape(self.outputs, *self.window.kernel, -1))

    @cached_property
    def live(self) -> tuple[Integers, Integers]:
        """The first input of each output that has a weight, and the end of the last one.

        Where an output has none, its first is behind all inputs, and its end is 0.
        """
        length = self.source.channels
        some = np.any(distinct_weights(self.weights) != 0, axis=1)
        if length == self.channels:  # else the pixels of a row of the kernel are channels, too
            some = some.any(axis=1, keepdims=True)
        outputs, taps, channels = some.shape
        flat = some.reshape(outputs, -1)
        found = flat.argmax(axis=1), flat.shape[1] - 1 - flat[:, ::-1].argmax(axis=1)
        (tap, first), (last_tap, last) = (np.divmod(each, channels) for each in found)
        # Where one number stands for all along an axis, the last is at the end of that axis.
        last_tap, last = (last_tap + length // self.channels - taps,
                          last + self.weights.shape[3] - channels)
        if self.reads is not None:
            first = last = self.reads
        first, last = tap * self.channels + first, last_tap * self.channels + last
        there = flat.any(axis=1)
        return (np.broadcast_to(np.where(there, first, length), self.outputs),
                np.broadcast_to(np.where(there, last + 1, 0), self.outputs))

    def tile_window(self, sizes: Sizes) -> tuple[int, int] | None:
        """Return the step from tile to tile, and the channels that each reads from there on."""
        (firsts, ends), tiles = self.live, sizes.column_tiles(self.outputs)
        if tiles < 2 or not ends.any():
            return None
        begins = np.arange(tiles) * sizes.columns
        first, end = np.minimum.reduceat(firsts, begins), np.maximum.reduceat(ends, begins)
        step = int(np.min(first[1:] // np.arange(1, tiles)))
        if step == 0:
            return None
        return step, max(int(np.max(end - np.arange(tiles) * step)), 1)

    def plan(self, sizes: Sizes, group: int, pieces: Count, taps_x: int, tile_step: int, *,
             pairs: bool = False) -> Plan:
        """Return a plan with its cost."""
        repeats = self.repeats if taps_x == 1 else 1
        passes = self.window.kernel[0] * taps_x * repeats * pieces
        strips = sizes.strips(self.target.height, ceil_div(self.target.width, group), passes)
        tiles = sizes.column_tiles(group * self.outputs, pairs=pairs)
        cycles = sizes.cycles(Mode.MATRIX, tiles, passes, strips, per_tile=tiles > 1,
                            **self.formats(sizes, self.multiplied, pairs))
        return Plan(group, pieces, taps_x, tile_step, passes, strips, cycles, pairs)

    def formats(self, sizes: Sizes, weights: NDArray[np.int8], pairs: bool) -> dict[str, Any]:
        """Return the fields of a step that say how numbers are written."""
        return {"weight_format": PAIRS} if pairs else sizes.formats(self.activations, weights)

    def layer_cost(self, sizes: Sizes) -> LayerCost:
        """Return what the steps will take."""
        uniform = uniform_parameters(self.bias, self.lanes)
        choices = []
        for plan in self.candidates(sizes):
            taken = self.cost_with(plan, sizes, uniform, self.multiplied)
            full = self.full(plan, sizes)
            if np.any(full):
                bipolar = self.cost_with(plan, sizes, uniform, self.multiplied[:-1])
                taken = where(full, bipolar, taken)
            choices.append(taken)
        return least_cost(choices)

    def joined_cost(self, sizes: Sizes) -> LayerCost:
        """Return what the steps of an ADD take that is joined with this layer."""
        return least_cost([LayerCost(plan.cost, sizes.cycles(
            Mode.DIRECT, sizes.column_tiles(plan.group * self.outputs), 1, plan.strips,
            joined=True), plan.strips.count, PARAMETER_WORDS) for plan in self.candidates(sizes)])

    def cost_with(self, plan: Plan, sizes: Sizes, uniform: bool,
                  weights: NDArray[np.int8]) -> LayerCost:
        """Return what the steps of a plan take, for weights of the format of these."""
        formats = self.formats(sizes, weights, plan.pairs)
        rows = sizes.array.weight_words(Mode.MATRIX, formats.get("weight_format", 0))
        tiles = sizes.column_tiles(plan.group * self.outputs, pairs=plan.pairs)
        per_tile = tiles > 1 and not uniform
        planned = weights is self.multiplied and per_tile == (tiles > 1)
        cycles = plan.cycles if planned else sizes.cycles(
            Mode.MATRIX, tiles, plan.passes, plan.strips, per_tile=per_tile, **formats)
        words = PARAMETER_WORDS * (1 + plan.pairs) * (tiles if per_tile else 1)
        words += tiles * plan.passes * rows
        return LayerCost(plan.cost, cycles, plan.strips.count, words, *self.ends(plan, sizes),
                         stream=not plan.pairs)

    def ends(self, plan: Plan, sizes: Sizes) -> tuple[Reads, Writes]:
        """Return how the first step of a plan reads, and how the last one writes."""
        source, window, array = self.source, self.window, sizes.array
        first, last = sizes.ends(plan.strips)
        lap = array.pass_cycles(first.height * first.width)
        # A tile that reads some of the channels only may read any of them first.
        order = (first, lap, FAR if plan.tile_step else sizes.rows, lap)
        if source.height > 1:
            reads = Reads.rows(source, -window.before[0],
                               (window.kernel[0] - 1) * window.dilation[0], window.stride[0],
                               *order)
        else:
            along = (plan.group - 1) * window.stride[1] + (
                window.kernel[1] - 1) * window.dilation[1]
            reads = Reads.pixels(source, -window.before[1] * source.pitch,
                                 along * source.pitch + source.channels,
                                 plan.group * window.stride[1] * source.pitch, *order)
        writes = Writes.of(array, self.target, plan.group, plan.strips.whole_width == last.width,
                           last.width, last.height * last.width, plan.passes,
                           1 if plan.group > 1 else sizes.column_tiles(self.outputs))
        return in_order(reads, writes, not sizes.cut.backwards)

    def full(self, plan: Plan, sizes: Sizes) -> Count:
        """Return whether no weight of 0 is beside those of the layer, which are all -1 or 1."""
        if not sizes.array.serial or plan.group > 1 or self.outputs % sizes.columns \
                or not self.bipolar:
            return False
        run = self.source.channels
        if plan.taps_x == 1 < self.window.kernel[1]:
            if self.window.dilation[1] > 1 or self.source.pitch > run:
                return False
            run *= self.window.kernel[1]
        return np.equal(plan.pieces * sizes.rows, run)

    def pack_weights(self, plan: Plan, rows: int, columns: int) -> NDArray[np.int8]:
        """Return the weights of all passes, (tiles, passes, rows, columns)."""
        packed = self.pack_taps(plan.pieces * rows, columns, group=plan.group, taps_x=plan.taps_x,
                                tile_step=plan.tile_step)
        return packed.reshape(-1, rows, packed.shape[-1] // columns, columns).transpose(2, 0, 1, 3)

    def pack_taps(self, length: int, columns: int, *, group: int = 1, taps_x: int = 1,
                  tile_step: int = 0) -> NDArray[np.int8]:
        """Return the weights of vectors of a length, in the columns of all tiles.

        They are (rows of the kernel, parts, taps along x, bytes of a vector, columns).
        """
        down, across = self.window.kernel
        tiles = ceil_div(group * self.outputs, columns)
        pitch, channels = self.source.pitch, self.source.channels
        packed = np.zeros((down, len(self.parts), taps_x, length, tiles * columns), np.int8)
        for number, part in enumerate(self.parts):
            by_tap = part.transpose(1, 2, 3, 0)
            if tile_step:
                for tile in range(tiles):
                    first = tile * tile_step
                    reach = slice(tile * columns, min((tile + 1) * columns, self.outputs))
                    taken = by_tap[:, :, first:first + length, reach]
                    packed[:, number, :, :taken.shape[2], reach] = taken
            elif taps_x > 1:
                packed[:, number, :, :channels, :self.outputs] = by_tap
            else:
                for place in range(group):
                    reach = slice(place * self.outputs, (place + 1) * self.outputs)
                    for x in range(across):
                        byte = (place * self.window.stride[1] + x * self.window.dilation[1]) * pitch
                        packed[:, number, 0, byte:byte + channels, reach] = by_tap[:, x]
        return packed

    def best(self, sizes: Sizes) -> Plan:
        """Return the plan that takes the fewest cycles."""
        return min(self.candidates(sizes), key=lambda plan: int(plan.cost))

    def emit(self, lowering: Lowering, plan: Plan) -> None:
        """Emit the steps."""
        source, target, window = self.source, self.target, self.window
        repeated = [np.tile(values, plan.group) for values in
                    (self.bias, self.lanes.multiplier, self.lanes.right, self.lanes.left)]
        lanes = replace(self.lanes, multiplier=repeated[1], right=repeated[2], left=repeated[3])
        columns = (1 + plan.pairs) * lowering.columns
        packed = self.pack_weights(plan, lowering.rows, columns)
        formats = self.formats(lowering.sizes, packed, plan.pairs)
        planes = Format.from_code(formats["weight_format"]) if formats and not plan.pairs else None
        program, per_tile = lowering.image.add(
            packed, *lowering.parameters(repeated[0], lanes, columns), planes, pairs=plan.pairs)
        taps_x = plan.taps_x if plan.taps_x > 1 else len(self.parts)
        across = plan.group * window.stride[1]
        grouped = replace(target, pitch=plan.group * target.pitch)
        first = len(lowering.placed)
        for block in lowering.sizes.blocks(target.height, ceil_div(target.width, plan.group),
                                           plan.passes):
            row0 = block.y * window.stride[0] - window.before[0]
            lowering.emit(
                source, target, np.any(packed != 0, axis=3),
                mode=Mode.MATRIX, parameters_per_tile=per_tile, pad=self.pad,
                last_columns=(plan.group * self.outputs - 1) % columns + 1,
                zero_point=lanes.zero_point, low=lanes.low, high=lanes.high,
                tiles=len(packed), pieces=plan.pieces, taps_x=taps_x, taps_y=window.kernel[0],
                x=block.width, y=block.height, program=program, **source.read_from(row0),
                offset=(block.x * across - window.before[1]) * source.pitch,
                x_step=across * source.pitch,
                row_step=window.stride[0], row_step_bytes=window.stride[0] * source.row,
                piece_step=lowering.rows, tile_step=plan.tile_step,
                taps_x_step=window.dilation[1] * source.pitch if plan.taps_x > 1 else 0,
                taps_y_step=window.dilation[0],
                taps_y_step_bytes=window.dilation[0] * source.row,
                **grouped.write_to(block), **formats)
        lowering.overlap(first + 1)


def flatten_rows(source: View, target: View, window: Window) -> tuple[View, View, Window]:
    """Return the same convolution with fewer rows, where there is one.

    Its weights are the same ones, in the same order.

    A kernel of one pixel does not care for rows; one as wide as the image reads whole rows, which
    are neighbours.
    """
    points = window.kernel == window.stride == (1, 1) and not any(window.before + window.after)
    if points and source.even and target.even:
        return source.flat(), target.flat(), window
    whole = (window.kernel[1] == source.width and target.width == 1
             and window.before[1] == window.after[1] == 0 and window.dilation[1] == 1)
    packed = source.pitch == source.channels and source.row == source.row_bytes
    if whole and packed and source.height > 1:
        turned = Window((1, window.kernel[0]), (1, window.stride[0]), (1, window.dilation[0]),
                        (0, window.before[0]), (0, window.after[0]))
        outputs = replace(target, height=1, width=target.height, pitch=target.row,
                          row=target.height * target.row)
        return source.rows_as_pixels(), outputs, turned
    return source, target, window
