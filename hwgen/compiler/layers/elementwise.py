"""Layers that take element by element, copies, and rows and columns around an image."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...network import graph
from ..lowering import Lowering
from ..prepare.constants import Folding
from ..prepare.lanes import COPY, Lanes, lanes_of
from ..sizes import ceil_div
from ..view import View
from .pool import plain_lanes
from .products import lower_squared_difference, lower_times
from .vectors import SCALED, emit_output, emit_sums, vectors_of, whole_vectors

__all__ = ["lower_copy", "lower_elementwise"]


def lower_copy(lowering: Lowering, source: View, target: View, pad: graph.Pad | None = None,
               lanes: Lanes | None = None, zero_point: int = 0) -> None:
    """Emit a copy of an image, or with ``pad`` of what is then around it, too.

    With ``lanes`` they requantise it, less the zero point; what they cannot shift left is read
    repeatedly. Where the channels of a pixel are neighbours of the next one's, tiles run over whole
    rows.
    """
    before, value = (pad.before, pad.value) if pad else ((0, 0), 0)
    channels, columns = target.channels, lowering.columns
    whole = source.pitch == channels == target.pitch
    by_rows = ceil_div(target.width * channels, columns) * max(target.height, 4)
    by_pixels = ceil_div(channels, columns) * max(target.height * target.width, 4)
    if whole and by_rows <= by_pixels:
        source = replace(source, width=source.width * channels, channels=1, pitch=1)
        target = replace(target, width=1, channels=target.width * channels,
                         pitch=target.width * channels)
        before = before[0], before[1] * channels
    lanes = lanes or plain_lanes(COPY)
    left = int(lanes.left[0])
    lowering.direct(source, target, lanes, -zero_point << left, repeats=1 << left,
                    window=graph.Window((1, 1), before=before), pad=value)


def lower_elementwise(lowering: Lowering, network: graph.Network, folding: Folding,
                      layer: graph.Elementwise, sources: list[View], target: View,
                      alone: bool) -> None:
    """Emit the steps of an elementwise layer.

    With ``alone`` a few bytes after the target may be written. The inputs of a MAXIMUM are
    contiguous; those of the others may be parts of a concatenation.
    """
    match layer:
        case graph.Add():
            lower_add(lowering, network, folding, layer, sources, target, alone)
        case graph.Times():
            lower_times(lowering, network, layer, sources, target, alone)
        case graph.SquaredDifference():
            lower_squared_difference(lowering, network, layer, sources, target, alone)
        case graph.Requantise():
            lower_copy(lowering, sources[0], target, None,
                       lanes_of(layer.requantisation, 1, 255),
                       network.tensors[layer.inputs[0]].zero_point)
        case graph.Lookup():
            lower_copy(lowering, sources[0], target)
        case graph.Maximum():
            lower_maximum(lowering, sources, target, alone)
        case _:
            raise UserError(f"the accelerator has no {layer.operator}")


def lower_maximum(lowering: Lowering, sources: list[View], target: View, alone: bool) -> None:
    """Emit a pass for each input, of which the accumulators keep the greater."""
    lanes = plain_lanes(COPY)
    if not target.contiguous:
        lowering.direct(sources[0], target, lanes, maximum=True, second=sources[1])
        return
    for first, count, width in whole_vectors(lowering, target.size, alone):
        a, b = (replace(view.bytes(), offset=view.offset + first, width=target.size - first)
                for view in sources)
        vectors = View(buffer=target.buffer, offset=target.offset + first, height=1, width=count,
                       channels=width, pitch=width, row=count * width)
        lowering.direct(a, vectors, lanes, window=graph.Window((1, 1), (1, width)), maximum=True,
                        second=b)


def lower_add(lowering: Lowering, network: graph.Network, folding: Folding, layer: graph.Add,
              sources: list[View], target: View, alone: bool) -> None:
    """Emit a step for each input, and one more, for as many vectors as the accumulators hold."""
    output = lanes_of(layer.requantisation, 1, 1 << 31)
    zero_points = [network.tensors[name].zero_point for name in layer.inputs]
    inputs = [lanes_of(graph.Requantisation(np.array([m]), np.array([s]), 0), 1, 255 << SCALED)
              for m, s in layer.scalings]
    terms = sorted(zip(sources, inputs, zero_points, strict=True),
                   key=lambda term: -int(term[1].left[0]))
    if output.left[0] or any(lanes.left[0] for _, lanes, _ in terms[1:]):
        raise UserError("it enlarges what it adds, or their sum: its scales are too far apart")
    constant = layer.constant if len(layer.constant) == 1 else \
        layer.constant[folding.stored[layer.output]]
    for first, (to, *parts), row_bytes, width in vectors_of(
            lowering, (target, *(view for view, _, _ in terms)), alone, len(constant) > 1):
        emit_add(lowering, [(part, lanes, zero) for part, (_, lanes, zero) in
                            zip(parts, terms, strict=True)], to, output,
                 constant[first:first + width] if len(constant) > 1 else constant, row_bytes,
                 width)


def emit_add(lowering: Lowering, terms: list[tuple[View, Lanes, int]], target: View,
             output: Lanes, constant: NDArray[np.int64], row_bytes: int | None,
             width: int) -> None:
    """Emit the sum of one vector for each pixel, of ``width`` columns."""
    each = replace(output, multiplier=np.broadcast_to(output.multiplier, len(constant)),
                   right=np.broadcast_to(output.right, len(constant)))
    for block in lowering.sizes.blocks(target.height, target.width, 2):
        for number, (view, lanes, zero_point) in enumerate(terms):
            bias = np.array([-(zero_point << SCALED) << int(lanes.left[0])])
            emit_sums(lowering, view, block, row_bytes, width, bias, lanes,
                      pieces=1 << int(lanes.left[0]), add_to_sums=number > 0)
        emit_output(lowering, target, block, width, constant, each)
