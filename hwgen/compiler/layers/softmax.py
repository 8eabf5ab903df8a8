"""Softmax over the last axis: a step with the powers of e that its scale gives."""

import numpy as np

from ...arch.steps import Mode, power_words
from ...errors import UserError
from ...network.fixed_point import powers
from ...network.graph import Network, Softmax
from ..lowering import Lowering
from ..view import View

__all__ = ["lower_softmax"]


def lower_softmax(lowering: Lowering, network: Network, layer: Softmax, source: View,
                  target: View) -> None:
    """Emit the step, one row of bytes for each pixel."""
    if not lowering.design.softmax:
        raise UserError("SOFTMAX that other layers read needs a Design with softmax = true, the "
                        "part that computes it; the host does one that comes last")
    words = np.zeros(power_words(lowering.columns) * lowering.columns, np.uint8)
    values = powers(layer.beta * network.tensors[layer.inputs[0]].scale).astype("<i4").view("u1")
    words[:len(values)] = values
    lowering.emit(
        source, target, mode=Mode.SOFTMAX, last_columns=1, x=source.width, y=source.height,
        row_bytes=source.channels, base=source.offset, x_step=source.pitch,
        row_step_bytes=source.row, output=target.offset, output_x_step=target.pitch,
        output_row_step=target.row, program=lowering.image.keep(words.reshape(
            -1, lowering.columns)))
