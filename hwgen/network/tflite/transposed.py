"""TRANSPOSE_CONV, as one convolution for all phases of its stride, whose outputs are dealt out."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..graph import Convolution, Layer, Move, Window
from .file import LARGEST_TENSOR
from .operator import Chain, Site

__all__ = ["transpose_convolution"]


def transpose_convolution(site: Site) -> list[Layer]:
    """TRANSPOSE_CONV: inputs are the output's shape, the weights, the tensor, and a bias.

    Output row ``o`` gets row ``i`` of the input times row ``k`` of the kernel where
    ``o + padding = i * stride + k``. So with ``o + padding = q * stride + phase`` each phase is a
    convolution over q, of every stride-th row of the kernel, in turned order.
    """
    site.inputs_between(3, 4)
    weights, scales = site.weights(0)
    height, width, channels = site.image(2)
    if weights.ndim != 4 or weights.shape[3] != channels:
        raise UserError(f"its weights have shape {weights.shape}: they must be (outputs, height, "
                        f"width, {channels})")
    outputs, kernel = weights.shape[0], (weights.shape[1], weights.shape[2])
    shape = site.constant(0, {"INT32": "<i4"}, "output's shape").ravel().tolist()
    site.has_shape(*shape)
    if len(shape) != 4 or shape[0] != 1 or shape[3] != outputs:
        raise UserError(f"its output has shape {tuple(shape)}: it must be (1, height, width, "
                        f"{outputs})")
    stride = site.option("StrideH"), site.option("StrideW")
    before, _ = site.padding((shape[1], shape[2]), kernel, stride)
    (taps_y, around_y, size_y, place_y), (taps_x, around_x, size_x, place_x) = (
        phases(*each) for each in zip((height, width), shape[1:3], kernel, stride, before,
                                      strict=True))
    repeats = stride[0] * stride[1]
    count = repeats * outputs
    if max(size_y * size_x, taps_y.shape[1] * taps_x.shape[1] * channels) * count > LARGEST_TENSOR:
        raise UserError(f"it has stride {stride} and so {repeats} phases: as one convolution it is "
                        f"larger than {LARGEST_TENSOR} bytes")
    # (outputs, phase, tap) along either axis; the tap behind the last row of the kernel is 0
    padded = np.pad(weights, ((0, 0), (0, 1), (0, 1), (0, 0)))
    dealt = padded[:, taps_y[:, :, None, None], taps_x[None, None]]
    matrix = dealt.transpose(1, 3, 0, 2, 4, 5).reshape(count, taps_y.shape[1], taps_x.shape[1],
                                                       channels)
    places = ((place_y[0][:, None] * size_x + place_x[0]) * repeats
              + place_y[1][:, None] * stride[1] + place_x[1])
    by = site.requantisation(site.x(2).scale * scales / site.y.scale, outputs)
    chain = Chain(site, (1, size_y, size_x, count))
    inner = chain.between(site.y.scale, site.y.zero_point)
    chain.add(Convolution, (site.x(2).name,), inner, weights=matrix,
              bias=np.tile(site.bias(outputs, 3), repeats), window=Window(
                  (taps_y.shape[1], taps_x.shape[1]), before=(around_y[0], around_x[0]),
                  after=(around_y[1], around_x[1])),
              requantisation=replace(by, multiplier=np.tile(by.multiplier, repeats),
                                     shift=np.tile(by.shift, repeats)))
    return [*chain.layers, Move(
        name=site.name, inputs=(inner,), output=site.y.name,
        places=(places[..., None] * outputs + np.arange(outputs)).reshape(-1).astype(np.int32))]


def phases(size: int, wanted: int, kernel: int, stride: int, before: int) -> tuple[
        NDArray[np.int64], tuple[int, int], int, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return how one axis becomes that of a convolution.

    That is the row of the kernel of each phase and tap, or one behind the last; the padding before
    and after; the size of the output; and where each row of the wanted output is, with its phase.
    """
    taps = -(-kernel // stride)
    rows = np.arange(stride)[:, None] + (taps - 1 - np.arange(taps)) * stride
    first, last = before // stride, (wanted - 1 + before) // stride
    around = taps - 1 - first, max(last - size + 1, 0)
    quotient, phase = np.divmod(np.arange(wanted) + before, stride)
    return (np.minimum(rows, kernel), around, size + sum(around) - taps + 1,
            (quotient - first, phase))
