"""Products of two tensors, which the lanes multiply: factors wait in the accumulators."""

from dataclasses import replace

import numpy as np

from ...errors import UserError
from ...network.graph import Network, SquaredDifference, Times
from ..lowering import Lowering
from ..prepare.lanes import Lanes, lanes_of
from ..view import View
from .vectors import SCALED, emit_on_sums, emit_output, emit_sums, vectors_of

__all__ = ["lower_squared_difference", "lower_times"]

HALF = 16
"""Bits of each half of a sum: lanes multiply the lower one by the upper one, times 2."""
LARGEST = 255
"""A byte less a zero point, at most."""
ROOM = 7
"""Bits that half a sum has above such a number."""
FINE = 7
"""Bits by which numbers are shifted whose difference is squared."""
LARGEST_DIFFERENCE = LARGEST << FINE
"""Of two such numbers, halved."""
HALVES = 1 << 30, 0
"""Multiplier and shift of the input with the larger scale."""


def right(bits: int, sign: int = 1) -> Lanes:
    """Return lanes that divide by ``2**(bits + 1)``, or products of halves by ``2**(bits - 1)``.

    With a ``sign`` of -1 they give the negative of what they divide.
    """
    return Lanes(np.array([sign << 30]), np.array([bits]), np.array([0]))


def factors_of(lowering: Lowering, network: Network, layer: Times | SquaredDifference,
               sources: list[View], target: View) -> list[tuple[View, int]]:
    """Return the views of both inputs, with their zero points; one pixel is one for all."""
    if not lowering.design.products:
        raise UserError(f"{layer.operator} of two tensors needs a Design with products = true, the "
                        "part that multiplies two numbers that are computed")
    return [(view if view.size == target.size else
             replace(view, height=target.height, width=target.width, pitch=0, row=0),
             network.tensors[name].zero_point)
            for view, name in zip(sources, layer.inputs, strict=True)]


def lower_times(lowering: Lowering, network: Network, layer: Times, sources: list[View],
                target: View, alone: bool) -> None:
    """Emit three steps for as many vectors as the accumulators hold.

    The first leaves the numbers of one tensor in the sums; the second adds those of the other one
    above, and leaves the products; the third makes bytes of these. What lanes cannot shift left is
    done to the factors, and to the product.
    """
    (view, above), (other, below) = factors_of(lowering, network, layer, sources, target)
    output = lanes_of(layer.requantisation, 1, LARGEST**2)
    left = int(output.left[0])
    before = min(left, ROOM)
    nothing = np.zeros(1, np.int64)
    for _, (to, upper, lower), row_bytes, width in vectors_of(
            lowering, (target, view, other), alone, False):
        for block in lowering.sizes.blocks(to.height, to.width, 2):
            emit_sums(lowering, lower, block, row_bytes, width, nothing - (below << SCALED),
                      right(SCALED - 1 - before))
            emit_sums(lowering, upper, block, row_bytes, width,
                      nothing - (above << SCALED) + (1 << HALF - 1),
                      right(SCALED - HALF + 1 - (left - before)), product=True)
            emit_output(lowering, to, block, width, nothing, output)


def lower_squared_difference(lowering: Lowering, network: Network, layer: SquaredDifference,
                             sources: list[View], target: View, alone: bool) -> None:
    """Emit four steps for as many vectors as the accumulators hold, or five.

    The input of the smaller scale goes first: its bytes are shifted left, then scaled, which are
    two steps unless they are halved. The other one is halved; of that the negative is added. The
    last ones square the sums, and make bytes of them.
    """
    factors = factors_of(lowering, network, layer, sources, target)
    output = lanes_of(layer.requantisation, 1, LARGEST_DIFFERENCE**2)
    if output.left[0]:
        raise UserError("it enlarges the squares: the scale of its output is too small")
    # The negative of what is halved is the half of the negative: nothing is rounded.
    halved = max(range(2), key=lambda number: layer.scalings[number] == HALVES)
    (last, of_last), (first, of_first) = factors[halved], factors[1 - halved]
    (multiplier, shift), nothing = layer.scalings[1 - halved], np.zeros(1, np.int64)
    both = (multiplier, shift) == HALVES
    scaled = Lanes(np.array([multiplier]), np.array([-shift]), np.array([0]))
    for _, (to, before, behind), row_bytes, width in vectors_of(
            lowering, (target, first, last), alone, False):
        for block in lowering.sizes.blocks(to.height, to.width, 2):
            emit_sums(lowering, before, block, row_bytes, width, nothing - (of_first << SCALED),
                      right(SCALED - 1 - FINE + both))
            if not both:
                emit_on_sums(lowering, block, width, nothing, scaled)
            emit_sums(lowering, behind, block, row_bytes, width, nothing - (of_last << SCALED),
                      right(SCALED - FINE, -1), add_to_sums=True)
            emit_on_sums(lowering, block, width, nothing, right(1), product=True)
            emit_output(lowering, to, block, width, nothing, output)
