"""UNIDIRECTIONAL_SEQUENCE_LSTM: the sequence through its cells, and the state that they keep."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..gates import GATE_POWER, LARGEST_CELL, LEAST_POWER, MOST_POWER
from ..graph import Assign, Layer, Lstm, Requantisation, StateTensor, Tensor
from ..scales import multiplier_and_shift
from .file import ACTIVATIONS
from .operator import Site
from .rearrange import move_to

__all__ = ["lstm"]

GATES = ("input", "forget", "cell", "output")
BIAS, HIDDEN, CELL, INPUTS = 12, 18, 19, 24
"""Where biases and states are among the inputs, and how many there are."""
OTHERS = {"peephole connections": range(9, 12), "a projection": range(16, 18),
          "layer normalisation": range(20, 24)}


def lstm(site: Site) -> list[Layer]:
    """UNIDIRECTIONAL_SEQUENCE_LSTM with an int8 sequence and cells of 16 bits."""
    times, inputs, cells = check(site)
    weights, recurrent = (gates_of(site, first, cells, size)
                          for first, size in ((1, inputs), (5, cells)))
    scale, zero_point = site.grid(HIDDEN)
    site.keeps_grid(scale, zero_point)
    power, clip = cell_limits(site)
    context, x, y = site.context, site.x(), site.y
    # As the reference: the product of both scales is a float32.
    scalings = np.array([[one(float(np.float32(each) * np.float32(by)) / 2.0**GATE_POWER)
                          for by in scales] for each, scales in (
        (x.scale, weights[1]), (scale, recurrent[1]))])
    multiplier, shift = one(2.0**-30 / scale)
    size = 3 * cells
    old = Tensor(context.names[site.operator.inputs[HIDDEN]], (1, size), y.scale, zero_point)
    if old.name in context.tensors:
        raise UserError("its state is that of another operator, too")
    context.tensors[old.name] = old
    whole = context.tensor(f"{y.name}#whole", replace(old, shape=(1, (times + 2) * cells)))
    part, new = (context.tensor(f"{old.name}#{what}", old) for what in ("part", "next"))
    initial = np.repeat(np.array([zero_point, 0], np.int8), (cells, 2 * cells))
    context.states.append(StateTensor(old.name, new.name, initial.reshape(1, size)))
    context.last += [
        move_to(f"{site.name}_state", whole, part.name,
                np.arange(whole.size - size, whole.size, dtype=np.int32)),
        Assign(name=f"{site.name}_assign", inputs=(part.name,), output=new.name)]
    return [
        Lstm(name=f"{site.name}_cells", inputs=(x.name, old.name), output=whole.name,
             weights=weights[0], recurrent=recurrent[0], scalings=scalings, power=power, clip=clip,
             bias=np.stack([site.bias(cells, BIAS + gate) for gate in range(len(GATES))]),
             requantisation=Requantisation(np.array([multiplier]), np.array([shift]), zero_point)),
        move_to(site.name, whole, y.name, np.arange(times * cells, dtype=np.int32))]


def one(ratio: float) -> tuple[int, int]:
    """Return multiplier and shift of one ratio."""
    multiplier, shift = multiplier_and_shift([ratio])
    return int(multiplier[0]), int(shift[0])


def check(site: Site) -> tuple[int, int, int]:
    """Check what is there, and return how many times, inputs and cells there are."""
    site.inputs_between(INPUTS, INPUTS)
    for what, places in OTHERS.items():
        if any(site.stored[place] is not None for place in places):
            raise UserError(f"it has {what}: hwgen runs an LSTM without")
    if site.stored[1] is None or site.stored[5] is None:
        raise UserError("its input gate is coupled to its forget gate: hwgen runs an LSTM with "
                        "four gates")
    for name in ("DiagonalRecurrentTensors", "AsymmetricQuantizeInputs"):
        if site.option(name):
            raise UserError(f"it has the option {name}: hwgen runs an LSTM without")
    activation = ACTIVATIONS.get(site.option("FusedActivationFunction"), "unknown")
    if activation != "TANH":
        raise UserError(f"its activation is {activation}, and must be TANH")
    shape, states = site.input(0).shape, [site.input(place) for place in (HIDDEN, CELL)]
    if len(shape) != 3:
        raise UserError(f"its input has shape {shape}: it must have three axes, for the batch, the "
                        "times and the inputs")
    times, batch = (shape[0], shape[1]) if site.option("TimeMajor") else (shape[1], shape[0])
    if batch != 1:
        raise UserError(f"it has a batch of {batch}: hwgen runs a batch of 1")
    cells = math.prod(states[0].shape)
    for state, kind in zip(states, ("INT8", "INT16"), strict=True):
        if state.type != kind or not state.variable or state.data is not None or \
                state.shape != (1, cells):
            raise UserError(f"its states are {states[0].type} of shape {states[0].shape} and "
                            f"{states[1].type} of shape {states[1].shape}: they must be variables "
                            "of INT8 and INT16, of one shape (1, cells), without data")
    site.has_shape(*shape[:2], cells)
    return times, shape[2], cells


def gates_of(site: Site, first: int, cells: int, size: int,
             ) -> tuple[NDArray[np.int8], list[float]]:
    """Return the weights of the four gates, and the scale of each."""
    found, scales = [], []
    for gate in range(len(GATES)):
        weights, scale = site.weights(0, first + gate)
        if weights.shape != (cells, size) or len(scale) != 1:
            raise UserError(f"the weights of its {GATES[gate]} gate have shape {weights.shape} and "
                            f"{len(scale)} scales: they must have {(cells, size)} and one")
        found.append(weights)
        scales.append(float(scale[0]))
    return np.stack(found), scales


def cell_limits(site: Site) -> tuple[int, int]:
    """Return the power of two that what cells hold is scaled by, and their limit, 0 for none."""
    scale, zero_point = site.grid(CELL)
    fraction, power = math.frexp(scale)
    if (fraction, zero_point) != (0.5, 0) or not LEAST_POWER <= power - 1 <= MOST_POWER:
        raise UserError(f"what its cells hold has scale {scale:.8g} and zero point {zero_point}: "
                        f"they must be a power of two from 2**{LEAST_POWER} to 2**{MOST_POWER}, "
                        "and 0")
    limit = float(site.operator.options.get("CellClip", 0.0))
    if not limit > 0:
        return power - 1, 0
    return power - 1, int(min(limit / scale, LARGEST_CELL))
