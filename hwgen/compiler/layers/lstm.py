"""An LSTM: one step for all times, whose words are those of its cells, one after the other."""

import numpy as np
from numpy.typing import NDArray

from ...arch.lstm import GATES, HEAD_BYTES, head_words, lstm_words
from ...arch.steps import Mode
from ...errors import UserError
from ...network.gates import LEAST_POWER
from ...network.graph import Lstm, Network
from ..lowering import Lowering
from ..view import View

__all__ = ["lower_lstm"]

ORDER = [1, 0, 2, 3]
"""The gates as they lie in the program memory: the forget gate is first."""


def lower_lstm(lowering: Lowering, network: Network, layer: Lstm, source: View, state: View,
               target: View) -> None:
    """Emit the step."""
    columns, cells, inputs = lowering.columns, layer.cells, layer.weights.shape[2]
    most = lowering.design.lstm
    if not most:
        raise UserError(f"{layer.operator} needs a Design with lstm = {max(inputs, cells)} or "
                        "more, the part that computes it; `hwgen golden` needs none")
    if max(inputs, cells) > most:
        raise UserError(f"it has {inputs} inputs and {cells} cells: lstm of the Design must be "
                        f"{max(inputs, cells)} or more, not {most}")
    zeros = [network.tensors[layer.inputs[0]].zero_point, layer.requantisation.zero_point]
    words = program_words(layer, zeros, columns)
    times = max(source.height, source.width)
    lowering.emit(
        source, target, second=state, mode=Mode.LSTM, last_columns=1, x=times,
        row_bytes=inputs, height=cells, base=source.offset,
        row_step_bytes=source.row if source.height > 1 else source.pitch,
        taps_y_step_bytes=state.offset, output=target.offset, output_row_step=times * cells,
        offset=lstm_words(columns, inputs, cells), program=lowering.image.keep(words))


def program_words(layer: Lstm, zeros: list[int], columns: int) -> NDArray[np.uint8]:
    """Return what a step reads of the program memory.

    What a zero point adds to a sum is part of its bias.
    """
    cells, parts = layer.cells, list[NDArray[np.uint8]]()
    for kind, (weights, bias) in enumerate(((layer.weights, layer.bias),
                                            (layer.recurrent, np.zeros_like(layer.bias)))):
        numbers = weights.astype(np.int64)
        less = bias.astype(np.int64) - zeros[kind] * numbers.sum(axis=2)
        multiplier, shift = (layer.scalings[kind, :, which, None].astype(np.int64)
                             for which in range(2))
        heads = head(less, multiplier, shift, columns)
        room = np.zeros((GATES, cells, -(-numbers.shape[2] // columns) * columns), np.uint8)
        room[:, :, :numbers.shape[2]] = weights.view(np.uint8)
        parts += [heads, room]
    gates = np.concatenate(parts, axis=2)[ORDER].transpose(1, 0, 2)
    by = layer.requantisation
    own = layer.clip | layer.power - LEAST_POWER << 16 | by.zero_point << 24
    first = head(np.array(own), by.multiplier[0], by.shift[0], columns)
    return np.concatenate([first.reshape(-1), gates.reshape(-1)]).reshape(-1, columns)


def head(bias: NDArray[np.int64], multiplier: NDArray[np.int64], shift: NDArray[np.int64],
         columns: int) -> NDArray[np.uint8]:
    """Return the bytes before the weights of sums, as many as fill their words."""
    found = np.zeros((*bias.shape, head_words(columns) * columns), np.uint8)
    for first, number, count in ((0, bias, 4), (4, multiplier, 4), (8, shift & 63, 1)):
        for byte in range(count):
            found[..., first + byte] = np.asarray(number, np.int64) >> 8 * byte & 255
    assert first + count == HEAD_BYTES
    return found
