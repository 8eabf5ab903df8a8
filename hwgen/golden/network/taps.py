"""What a layer with weights multiplies, as a matrix product: rows of weights, vectors of inputs.

A row has the taps of one output channel, a vector what these see of the image for one output
pixel, both in the order kernel row, kernel column, input channel: the one in which an image with
its channels last has most of them side by side.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network.graph import Depthwise, FullyConnected, Weighted
from .layers import surround, views

__all__ = ["rows", "vectors", "with_rows"]


def rows(layer: Weighted) -> NDArray[np.int8]:
    """Return the weights, (output channels, taps)."""
    if isinstance(layer, Depthwise):
        return layer.weights.reshape(-1, layer.weights.shape[2]).T
    return layer.weights.reshape(len(layer.weights), -1)


def with_rows(layer: Weighted, matrix: NDArray[Any], bias: NDArray[Any]) -> Weighted:
    """Return a layer with other weights, (output channels, taps), and another bias."""
    if isinstance(layer, Depthwise):
        matrix = matrix.T
    return replace(layer, weights=matrix.reshape(layer.weights.shape).astype(np.int8),
                   bias=bias.astype(np.int32))


def vectors(layer: Weighted, x: NDArray[np.int8], zero_point: int) -> NDArray[np.int16]:
    """Return what the rows are multiplied by, less the zero point: (pixels, groups, taps).

    The pixels are those of all images, one image after the other. Of a depthwise layer every output
    channel is a group with vectors of its own, else one group has those of all. A tap outside the
    image is 0.
    """
    centred = x.astype(np.int16) - np.int16(zero_point)
    if isinstance(layer, FullyConnected):
        return centred.reshape(-1, 1, layer.weights.shape[1])
    seen = views(surround(centred, layer.window.before, layer.window.after, 0), layer.window)
    channels, taps = seen.shape[3], seen.shape[4] * seen.shape[5]
    if isinstance(layer, Depthwise):
        by_channel = seen.reshape(-1, channels, taps)
        return np.repeat(by_channel, layer.weights.shape[2] // channels, axis=1)
    return seen.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 1, taps * channels)
