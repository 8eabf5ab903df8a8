"""What each layer of a network computes, in NumPy.

Every function takes int8 arrays whose first axis counts images, and the layer; those with sums also
take the zero points of the inputs and the rounding. docs/networks.md has the arithmetic in words.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...network import graph
from ...network.thresholds import Thresholds
from . import fixed_point
from .arithmetic import Integers, divide, requantise, scale, threshold, wrap
from .lstm import lstm

__all__ = ["Bytes", "add", "average_pool", "compute", "convolution_sums", "depthwise_sums",
           "fully_connected_sums", "matrix", "max_pool", "maximum", "mean",
           "rescale", "squared_difference", "times"]

Bytes = NDArray[np.int8]
Values = NDArray[np.signedinteger]

LARGEST_MATRIX = 1 << 20
"""Values that are gathered at a time to be multiplied: a few megabytes, which a cache holds."""

LARGEST_PRODUCT = 1 << 18
"""Multiplications in one matrix product: OpenBLAS starts threads for more, and on a busy machine
they wait for one another a hundred times longer than they compute."""


def matrix(vectors: NDArray[np.int16], weights: Bytes) -> Integers:
    """Return the exact sums ``vectors @ weights.T``, through floating point, which is faster.

    Every partial sum is an integer below the bound, which the significand of the type holds.
    """
    largest = int(np.abs(vectors).max(initial=0))
    bound = largest * int(np.abs(weights.astype(np.float32)).sum(axis=1).max(initial=0))
    kind = np.float32 if bound < 1 << 24 else np.float64
    left, right = vectors.astype(kind), weights.T.astype(kind)
    # Some BLAS read what they write over, and warn where that is no number.
    sums = np.zeros((len(left), len(weights)), kind)
    rows = max(LARGEST_PRODUCT // max(weights.size, 1), 1)
    whole = len(left) // rows * rows
    np.matmul(left[:whole].reshape(-1, rows, left.shape[1]), right,
              out=sums[:whole].reshape(-1, rows, len(weights)))
    np.matmul(left[whole:], right, out=sums[whole:])
    return sums.astype(np.int64)


def surround(x: NDArray[np.signedinteger], before: tuple[int, int], after: tuple[int, int],
             value: int) -> NDArray[np.signedinteger]:
    """Return images with rows and columns of ``value`` around them."""
    if not any(before + after):
        return x
    around = [(0, 0), *zip(before, after, strict=True), (0, 0)]
    return np.pad(x, around, constant_values=value)


def views(x: NDArray[np.signedinteger], window: graph.Window) -> NDArray[np.signedinteger]:
    """Return what the window sees: (images, height, width, channels, kernel height and width)."""
    reach = [(kernel - 1) * dilation + 1
             for kernel, dilation in zip(window.kernel, window.dilation, strict=True)]
    seen = sliding_window_view(x, reach, axis=(1, 2))
    (down, right), (step_y, step_x) = window.stride, window.dilation
    return seen[:, ::down, ::right, :, ::step_y, ::step_x]


def convolution_sums(x: Bytes, weights: Bytes, bias: NDArray[np.int32], window: graph.Window,
                     zero_point: int) -> Integers:
    """Return the sums of a convolution, as 32 bits hold them."""
    centred = surround(x.astype(np.int16) - np.int16(zero_point), window.before, window.after, 0)
    seen = views(centred, window)
    images, height, width, channels = seen.shape[:4]
    taps = channels * seen.shape[4] * seen.shape[5]
    # In the order of `seen`, so that gathering moves the longest pieces there are.
    by_row = weights.transpose(0, 3, 1, 2).reshape(len(weights), taps)
    sums = np.empty((images, height, width, len(weights)), np.int64)
    rows = max(LARGEST_MATRIX // max(images * width * taps, 1), 1)
    for row in range(0, height, rows):
        vectors = seen[:, row:row + rows].reshape(-1, taps)
        sums[:, row:row + rows] = matrix(vectors, by_row).reshape(images, -1, width, len(weights))
    return wrap(sums + bias)


def finish_sums(sums: Integers, by: graph.Ending, rounding: str) -> Values:
    """Return what sums of 32 bits become."""
    if by is None:
        return sums.astype(np.int32)
    if isinstance(by, Thresholds):
        return threshold(sums, by)
    return requantise(sums, by, rounding)


def depthwise_sums(x: Bytes, weights: Bytes, bias: NDArray[np.int32], window: graph.Window,
                   zero_point: int) -> Integers:
    """Return the sums of a depthwise convolution, as 32 bits hold them."""
    centred = surround(x.astype(np.int32) - zero_point, window.before, window.after, 0)
    seen = views(np.repeat(centred, weights.shape[2] // x.shape[3], axis=3), window)
    sums = np.zeros(seen.shape[:4], np.int64)
    for y, x_ in np.ndindex(*window.kernel):
        sums += seen[..., y, x_] * weights[y, x_].astype(np.int32)
    return wrap(sums + bias)


def fully_connected_sums(x: Bytes, weights: Bytes, bias: NDArray[np.int32],
                         zero_point: int) -> Integers:
    """Return the sums over the last axis, as 32 bits hold them."""
    vectors = x.reshape(-1, x.shape[-1]).astype(np.int16) - np.int16(zero_point)
    return wrap(matrix(vectors, weights) + bias).reshape(*x.shape[:-1], len(weights))


def weighted_sums(x: Bytes, layer: graph.Weighted, zero_point: int) -> Integers:
    """Return the sums of a layer with weights, as 32 bits hold them."""
    if isinstance(layer, graph.FullyConnected):
        return fully_connected_sums(x, layer.weights, layer.bias, zero_point)
    sums = depthwise_sums if isinstance(layer, graph.Depthwise) else convolution_sums
    return sums(x, layer.weights, layer.bias, layer.window, zero_point)


def add(inputs: Sequence[Bytes], layer: graph.Add, zero_points: Sequence[int],
        rounding: str = "tflm") -> Bytes:
    """Return the sum of one or two tensors and a constant."""
    sums = np.broadcast_to(layer.constant, inputs[0].shape).astype(np.int64)
    for x, zero_point, (multiplier, shift) in zip(inputs, zero_points, layer.scalings, strict=True):
        sums += scale((x.astype(np.int64) - zero_point) << 20, multiplier, shift, rounding)
    return requantise(wrap(sums), layer.requantisation, rounding)


def maximum(inputs: Sequence[Bytes]) -> Bytes:
    """Return the greater of two tensors, element by element."""
    return np.maximum(*inputs)


def matmul(inputs: Sequence[Bytes], layer: graph.Matmul, zero_points: Sequence[int],
           rounding: str = "tflm") -> Bytes:
    """Return the products of the matrices of two tensors."""
    left, right = (x.astype(np.int64) - zero for x, zero in zip(inputs, zero_points, strict=True))
    if layer.transposed:
        right = right.swapaxes(-1, -2)
    return requantise(wrap(left @ right), layer.requantisation, rounding)


def subtract_zero_points(inputs: Sequence[Bytes], zero_points: Sequence[int]) -> list[Integers]:
    """Return tensors less their zero points, of as many axes, as one may be a pixel."""
    axes = max(x.ndim for x in inputs)
    return [x.reshape(len(x), *(1,) * (axes - x.ndim), *x.shape[1:]).astype(np.int64) - zero
            for x, zero in zip(inputs, zero_points, strict=True)]


def times(inputs: Sequence[Bytes], layer: graph.Times, zero_points: Sequence[int],
          rounding: str = "tflm") -> Bytes:
    """Return the product of two tensors."""
    a, b = subtract_zero_points(inputs, zero_points)
    return requantise(a * b, layer.requantisation, rounding)


def squared_difference(inputs: Sequence[Bytes], layer: graph.SquaredDifference,
                       zero_points: Sequence[int], rounding: str = "tflm") -> Bytes:
    """Return the square of the difference of two tensors."""
    a, b = (scale(x << 7, *way, rounding) for x, way in
            zip(subtract_zero_points(inputs, zero_points), layer.scalings, strict=True))
    return requantise((a - b)**2, layer.requantisation, rounding)


def rescale(x: Bytes, layer: graph.Requantise, zero_point: int,
             rounding: str = "tflm") -> Bytes:
    """Return a tensor on another scale."""
    return requantise(x.astype(np.int64) - zero_point, layer.requantisation, rounding)


def average_pool(x: Bytes, layer: graph.AveragePool) -> Bytes:
    """Return the mean over each window, of the taps inside the image."""
    def sums(values: NDArray[np.signedinteger]) -> Integers:
        padded = surround(values, layer.window.before, layer.window.after, 0)
        return views(padded, layer.window).sum(axis=(4, 5), dtype=np.int64)

    inside = sums(np.ones((1, *x.shape[1:3], 1), np.int8))
    return np.clip(divide(sums(x), inside), layer.low, layer.high).astype(np.int8)


def max_pool(x: Bytes, layer: graph.MaxPool) -> Bytes:
    """Return the greatest value of each window."""
    padded = surround(x, layer.window.before, layer.window.after, -128)
    greatest = views(padded, layer.window).max(axis=(4, 5))
    return np.clip(greatest, layer.low, layer.high).astype(np.int8)


def mean(x: Bytes, layer: graph.Mean, zero_point: int, rounding: str = "tflm") -> Bytes:
    """Return the mean over some axes of images, or the sum."""
    image = x.reshape(len(x), *(1,) * (4 - x.ndim), *x.shape[1:])
    count = int(np.prod([image.shape[axis] for axis in layer.axes]))
    sums = image.sum(axis=layer.axes, dtype=np.int64) - zero_point * count
    return requantise(wrap(sums), layer.requantisation, rounding)


def compute(network: graph.Network, layer: graph.Layer, inputs: list[NDArray[Any]]) -> NDArray[Any]:
    """Return what one layer makes of its inputs; their first axis counts images."""
    result: NDArray[np.signedinteger]
    x, tensors, rounding = inputs[0], network.tensors, network.rounding
    zero_points = [tensors[name].zero_point for name in layer.inputs]
    match layer:
        case _ if isinstance(layer, graph.Weighted):
            sums = weighted_sums(x, layer, zero_points[0])
            result = finish_sums(sums, layer.requantisation, rounding)
        case graph.Add():
            result = add(inputs, layer, zero_points, rounding)
        case graph.Requantise():
            result = rescale(x, layer, zero_points[0], rounding)
        case graph.Times():
            result = times(inputs, layer, zero_points, rounding)
        case graph.SquaredDifference():
            result = squared_difference(inputs, layer, zero_points, rounding)
        case graph.Maximum():
            result = maximum(inputs)
        case graph.Matmul():
            result = matmul(inputs, layer, zero_points, rounding)
        case graph.Lookup():
            result = x
        case graph.Lstm():
            result = lstm(inputs, layer, zero_points[0])
        case graph.AveragePool():
            result = average_pool(x, layer)
        case graph.MaxPool():
            result = max_pool(x, layer)
        case graph.Mean():
            result = mean(x, layer, zero_points[0], rounding)
        case graph.Pad():
            result = surround(x, layer.before, layer.after, layer.value).astype(np.int8)
        case graph.Concatenate():
            result = np.concatenate(inputs, axis=layer.axis)
        case graph.Move():
            result = x.reshape(len(x), -1)[:, layer.places]
        case graph.Reshape() | graph.Assign():
            result = x
        case graph.Softmax():
            result = fixed_point.softmax(x, tensors[layer.inputs[0]].scale, layer.beta)
        case graph.Logistic():
            result = fixed_point.logistic(x, tensors[layer.inputs[0]].scale, zero_points[0])
        case _:
            raise TypeError(f"layer {layer.name!r} is a {type(layer).__name__}, "
                            "which has no golden model")
    if layer.table:
        result = layer.table.apply(result)
    return result.reshape(len(x), *tensors[layer.output].shape[1:])
