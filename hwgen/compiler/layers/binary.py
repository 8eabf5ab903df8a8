"""Fully connected layers of numbers that are -1 or 1, as steps of the engine ``binary``.

That engine counts products that are 1, and adds twice their number to where a sum starts; docs/
binary.md has its steps.
"""

import numpy as np
from numpy.typing import NDArray

from ...arch.descriptors import BIPOLAR, Descriptors
from ...arch.steps import Step
from ...errors import UserError
from ...golden.network.arithmetic import requantise
from ...network.graph import FullyConnected, Layer, Network, Requantisation
from ..lowering import Lowering, PlacedStep
from ..prepare.constants import Folding
from ..prepare.lanes import sum_requantisation
from ..sizes import ceil_div
from ..view import View
from .weighted import folded_bias

__all__ = ["lower_binary"]

Integers = NDArray[np.int64]

MOST_INPUTS = 16_000
"""More, and a sum might not fit 16 bits."""
FAR = 1 << 16
"""What is true of all sums up to here is true of those beyond, which are all clamped."""


def lower_binary(lowering: Lowering, network: Network, folding: Folding, layer: Layer,
                 source: View, target: View) -> None:
    """Emit the step of one layer."""
    if not isinstance(layer, FullyConnected) or source.height * source.width > 1:
        raise UserError("the engine 'binary' computes fully connected layers of one vector, not "
                        f"{layer.operator} of {source.height} by {source.width}")
    name = layer.inputs[0]
    tensor = network.tensors[name]
    if tensor.precision.kind != "bipolar" or tensor.zero_point:
        raise UserError(f"its input {name!r} must be of -1 and 1 for the engine 'binary', not "
                        f"{tensor.precision.kind} of {tensor.precision.bits} bits")
    inputs, outputs = folding.stored[name], folding.stored[layer.output]
    kernel = layer.weights.astype(np.int64)[outputs][:, inputs]
    if not np.all(np.abs(kernel) == 1):
        wrong = int(kernel[np.abs(kernel) != 1][0])
        raise UserError(f"its weights must be -1 or 1 for the engine 'binary', not {wrong}")
    taps = kernel.shape[1]
    if taps > MOST_INPUTS:
        raise UserError(f"the engine 'binary' takes at most {MOST_INPUTS} inputs, not {taps}")
    bias = folded_bias(network, folding, layer, layer.weights[:, None, None])
    by = sum_requantisation(layer)
    check_adding(by, bias, taps, network.rounding)
    # No product can bring a sum back that begins farther out than this.
    first = np.clip(bias[outputs] + by.zero_point, by.low - taps, by.high + taps) - taps

    columns, rows = lowering.columns, lowering.rows
    tiles, pieces = lowering.sizes.column_tiles(len(kernel)), ceil_div(taps, rows)
    # What is read behind the last input counts as 1, so a weight of -1 there adds nothing.
    weights = np.full((tiles * columns, pieces * rows), -1)
    weights[:len(kernel), :taps] = kernel
    planes = BIPOLAR.to_words(weights.reshape(tiles, columns, pieces, rows).transpose(0, 2, 3, 1))
    starts = lowering.tiles(first, 0).astype("<i2").view(np.uint8).reshape(tiles, columns, 2)
    words = np.concatenate([starts.transpose(0, 2, 1), planes[:, :, 0]], axis=1)
    step = Step(last_columns=lowering.last_columns(len(kernel)), low=by.low, high=by.high,
                tiles=tiles, pieces=pieces, program=lowering.image.keep(
                    words.reshape(-1, columns)),
                base=source.offset, row_bytes=taps, output=target.offset,
                **Descriptors.of(lowering.design).same)  # type: ignore[arg-type]
    lowering.placed.append(PlacedStep(step, source.buffer, target.buffer))


def check_adding(by: Requantisation, bias: Integers, taps: int, rounding: str) -> None:
    """Raise a UserError unless requantisation adds and clamps, and does no more."""
    least, greatest = max(int(bias.min()) - taps, -FAR), min(int(bias.max()) + taps, FAR)
    sums = np.arange(least, greatest + 1)
    pairs = np.unique(np.stack(np.broadcast_arrays(by.multiplier, by.shift)).reshape(2, -1), axis=1)
    for multiplier, shift in pairs.T:
        one = Requantisation(multiplier, shift, by.zero_point, by.low, by.high)
        if np.any(requantise(sums, one, rounding) != np.clip(sums + by.zero_point, by.low,
                                                             by.high)):
            scale = float(multiplier) * 2.0 ** (int(shift) - 31)
            raise UserError("the engine 'binary' adds to a sum and clamps it, so its outputs must "
                            f"have the scale of its sums, not {scale:.6g} times it")
