"""A convolution whose output the lanes keep, and the ADD of that and of another tensor."""

from dataclasses import replace
from itertools import takewhile

import numpy as np

from ...arch.joining import UNIT
from ...arch.steps import Mode
from ...network.graph import Add, Network
from ..lowering import Lowering
from ..prepare.keeping import scaling_of
from ..prepare.lanes import lanes_of
from ..view import View
from .weighted import SumsLayer

__all__ = ["lower_joined", "lower_kept"]


def lower_kept(lowering: Lowering, layer: SumsLayer) -> None:
    """Emit the steps of a layer that keep its output, as if they wrote the ADD's."""
    first = len(lowering.placed)
    layer.emit(lowering)
    lowering.placed[first:] = [replace(item, step=item.step.replace(kept=True))
                               for item in lowering.placed[first:]]


def lower_joined(lowering: Lowering, network: Network, layer: Add, kept: str, source: View,
                 target: View) -> None:
    """Emit a step for each of those before that keep bytes: it adds those at their places."""
    steps = [item.step for item in takewhile(lambda item: item.step.kept,
                                             reversed(lowering.placed))][::-1]
    scaling, output = scaling_of(network, layer, kept), lanes_of(layer.requantisation, 1, 1 << 31)
    assert scaling
    halved = next(name for name in layer.inputs if (name == kept) != scaling.of_kept)
    bias = np.array([-network.tensors[halved].zero_point << UNIT])
    program, _ = lowering.image.add(None, *lowering.parameters(bias, output))
    for step in steps:
        down, across = step.size
        lowering.emit(
            source, target, mode=Mode.DIRECT, joined=True, last_columns=step.last_columns,
            zero_point=output.zero_point, low=output.low, high=output.high, tiles=step.tiles,
            tile_step=lowering.columns, x=across, y=down, program=program,
            base=source.offset + step.output - target.offset, height=down,
            row_bytes=((across - 1) * step.output_x_step + (step.tiles - 1) * lowering.columns
                       + step.last_columns),
            x_step=step.output_x_step, row_step=1, row_step_bytes=step.output_row_step,
            output=step.output, output_x_step=step.output_x_step,
            output_row_step=step.output_row_step)
        joined = lowering.placed[-1]
        lowering.placed[-1] = replace(joined, step=joined.step.replace(**scaling.fields))
