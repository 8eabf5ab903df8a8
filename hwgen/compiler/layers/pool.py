"""Pooling: bytes pass by the array, and the accumulators sum them up or keep the greatest."""

from itertools import groupby

import numpy as np

from ...errors import UserError
from ...golden.network.arithmetic import divide
from ...network.graph import AveragePool, MaxPool, Mean, Network, Window
from ..lowering import Lowering
from ..prepare.lanes import COPY, Lanes, lanes_of
from ..sizes import Block, ceil_div
from ..view import View

__all__ = ["average_multiplier", "lower_average_pool", "lower_max_pool", "lower_mean"]


def average_multiplier(count: int) -> int:
    """Return the multiplier that divides every sum of ``count`` bytes as the layer does.

    A little more than 2**31 / count, so that what is half way is rounded away from zero below zero
    too; whether it is too much for some sum is seen by trying all.
    """
    multiplier = min((1 << 31) // count + 1, COPY)
    sums = np.arange(-128 * count, 127 * count + 1, dtype=np.int64)
    if not np.array_equal((sums * multiplier + (1 << 30)) >> 31, divide(sums, count)):
        raise UserError(f"the mean of {count} values cannot be computed exactly: its window is "
                        "too large")
    return multiplier


def plain_lanes(multiplier: int, low: int = -128, high: int = 127) -> Lanes:
    """Return lanes that do the same in every channel."""
    return Lanes(np.array([multiplier]), np.array([0]), np.array([0]), 0, low, high)


def counts(size: int, outputs: int, window: Window, axis: int) -> list[int]:
    """Return how many taps of each output are inside the image, along one axis."""
    found = []
    for output in range(outputs):
        first = output * window.stride[axis] - window.before[axis]
        taps = range(first, first + window.kernel[axis] * window.dilation[axis],
                     window.dilation[axis])
        found.append(sum(0 <= tap < size for tap in taps))
    return found


def stretches(values: list[int]) -> list[tuple[int, int, int]]:
    """Return (first, length, value) of neighbours that are equal."""
    found, first = [], 0
    for value, equal in groupby(values):
        length = len(list(equal))
        found.append((first, length, value))
        first += length
    return found


def over_tiles(lowering: Lowering, source: View, target: View) -> tuple[View, View] | None:
    """Return views whose pixels are column tiles, for one output: x runs over them then.

    A pass of one value would take as long as one of four.
    """
    columns = lowering.columns
    if target.height * target.width > 1 or source.channels % columns or not source.even:
        return None
    tiles = ceil_div(source.channels, columns)
    return (View(buffer=source.buffer, offset=source.offset, height=source.height * source.width,
                 width=tiles, channels=columns, pitch=columns, row=source.pitch),
            View(buffer=target.buffer, offset=target.offset, height=1, width=tiles,
                 channels=columns, pitch=columns, row=source.channels))


def pool(lowering: Lowering, source: View, target: View, lanes: Lanes, window: Window,
         pad: int = 0, maximum: bool = False) -> None:
    """Emit a pooling of the whole output, the window inside the image."""
    views = over_tiles(lowering, source, target)
    if views and window.kernel == (source.height, source.width) and not any(window.before):
        taps = Window((source.height * source.width, 1))
        lowering.direct(*views, lanes, window=taps, pad=pad, maximum=maximum)
    else:
        lowering.direct(source, target, lanes, window=window, pad=pad, maximum=maximum)


def lower_average_pool(lowering: Lowering, layer: AveragePool, source: View,
                       target: View) -> None:
    """Emit a step for every rectangle of outputs that have as many taps inside the image."""
    down = counts(source.height, target.height, layer.window, 0)
    across = counts(source.width, target.width, layer.window, 1)
    for y, height, taps_y in stretches(down):
        for x, width, taps_x in stretches(across):
            if taps_y * taps_x == 0:
                raise UserError("one of its windows has no tap inside the image")
            lanes = plain_lanes(average_multiplier(taps_y * taps_x), low=layer.low,
                                high=layer.high)
            if (height, width) == (target.height, target.width):
                pool(lowering, source, target, lanes, layer.window)
            else:
                lowering.direct(source, target, lanes, window=layer.window,
                                block=Block(y, x, height, width))


def lower_max_pool(lowering: Lowering, layer: MaxPool, source: View, target: View) -> None:
    """Emit a pooling that keeps the greatest; outside the image is what no byte is less than."""
    lanes = plain_lanes(COPY, low=layer.low, high=layer.high)
    pool(lowering, source, target, lanes, layer.window, pad=-128, maximum=True)


def lower_mean(lowering: Lowering, network: Network, layer: Mean, source: View,
               target: View) -> None:
    """Emit the mean over pixels; what the lanes cannot shift left is summed up repeatedly."""
    zero_point = network.tensors[layer.inputs[0]].zero_point
    taps = tuple(size if axis in layer.axes else 1
                 for axis, size in ((1, source.height), (2, source.width)))
    count = taps[0] * taps[1]
    lanes = lanes_of(layer.requantisation, 1, 255 * count)
    left = int(lanes.left[0])
    window = Window((taps[0], taps[1]))
    views = over_tiles(lowering, source, target)
    if views:
        source, target = views
        window = Window((count, 1))
    lowering.direct(source, target, lanes, -(zero_point * count) << left, window=window,
                    repeats=1 << left)
