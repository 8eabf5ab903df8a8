"""The sigmoid and the hyperbolic tangent of 16 bits, as TensorFlow Lite Micro computes them.

Both are interpolated between the values of one table, of a sigmoid at every 24th of its argument.
"""

import numpy as np

from ..arch.lstm import SIGMOID
from .rounding import Integers, scale

__all__ = ["GATE_POWER", "LARGEST_CELL", "LEAST_POWER", "MOST_POWER", "SIGMOID",
           "hyperbolic_tangent", "saturate", "sigmoid", "update_cells"]

GATE_POWER = -12
"""The argument of a gate stands for so many times 2 to this power."""
LEAST_POWER, MOST_POWER = -15, -9
"""Of what cells hold: by TensorFlow Lite's rule they may stand for up to 64, and 16 bits do."""
LARGEST_CELL = (1 << 15) - 1

HALF = 1 << 30
"""The multiplier of a scale that is a power of two."""


def saturate(values: Integers) -> Integers:
    """Return what 16 bits hold of values."""
    return np.clip(values, -LARGEST_CELL - 1, LARGEST_CELL)


def interpolate(x: Integers, power: int, bits: int) -> tuple[Integers, Integers]:
    """Return the argument of the table with so many bits behind the point, and what is there.

    That is of its absolute value, and has as many bits behind the point.
    """
    argument = ((3 * x << power - LEAST_POWER) + 4) >> 3
    place, part = np.divmod(np.abs(argument), 1 << bits)
    low = np.minimum(place, len(SIGMOID) - 2)
    left, right = SIGMOID[low], SIGMOID[low + 1]
    return argument, np.where(place > low, 65535 << bits, (left << bits) + part * (right - left))


def sigmoid(x: Integers) -> Integers:
    """Return the sigmoid of a gate's argument, in 2**15ths."""
    argument, found = interpolate(x, GATE_POWER, 9)
    return np.where(argument < 0, (1 << 25) - found + 511, found + 512) >> 10


def hyperbolic_tangent(x: Integers, power: int) -> Integers:
    """Return the hyperbolic tangent of x times 2 to a power, in 2**15ths."""
    argument, found = interpolate(x, power, 8)
    above = found - (1 << 23)
    return np.where(argument < 0, 127 - above, above + 128) >> 8


def update_cells(gates: Integers, cells: Integers, power: int, clip: int,
                 ) -> tuple[Integers, Integers]:
    """Return what cells hold next, and the product that they give.

    ``gates`` are the arguments of the input, forget, cell and output gates, along the first axis.
    """
    enter, keep, leave = (sigmoid(gates[which]) for which in (0, 1, 3))
    new = hyperbolic_tangent(gates[2], GATE_POWER)
    # Both products are of 30 bits, less than what the shifts leave of them, so none saturates.
    held = scale(keep * cells, HALF, -14) + saturate(scale(enter * new, HALF, -29 - power))
    cells = saturate(held)
    if clip:
        cells = np.clip(cells, -clip, clip)
    return cells, leave * hyperbolic_tangent(cells, power)
