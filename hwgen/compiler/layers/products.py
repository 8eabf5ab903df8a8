"""Products of two tensors, which the lanes multiply: factors wait in the accumulators."""

from dataclasses import replace

import numpy as np

from ...errors import UserError
from ...network.graph import Network, Times
from ..lowering import Lowering
from ..prepare.lanes import Lanes, lanes_of
from ..view import View
from .vectors import SCALED, emit_output, emit_sums, vectors_of

__all__ = ["lower_times"]

HALF = 16
"""Bits of each half of a sum: lanes multiply the lower one by the upper one, times 2."""
LARGEST = 255
"""A byte less a zero point, at most."""
ROOM = 7
"""Bits that half a sum has above such a number."""


def right(bits: int) -> Lanes:
    """Return lanes that divide by ``2**(bits + 1)``, or products of halves by ``2**(bits - 1)``."""
    return Lanes(np.array([1 << 30]), np.array([bits]), np.array([0]))


def lower_times(lowering: Lowering, network: Network, layer: Times, sources: list[View],
                target: View, alone: bool) -> None:
    """Emit three steps for as many vectors as the accumulators hold.

    The first leaves the numbers of one tensor in the sums; the second adds those of the other one
    above, and leaves the products; the third makes bytes of these. What lanes cannot shift left is
    done to the factors, and to the product.
    """
    if not lowering.design.products:
        raise UserError("a product of two tensors needs a Design with products = true, the part "
                        "that multiplies two numbers that are computed")
    output = lanes_of(layer.requantisation, 1, LARGEST**2)
    left = int(output.left[0])
    before = min(left, ROOM)
    # What is one pixel for all lies still while the other one is read.
    (view, above), (small, below) = sorted(
        zip(sources, (network.tensors[name].zero_point for name in layer.inputs), strict=True),
        key=lambda factor: -factor[0].size)
    if small.size < target.size:
        small = replace(small, height=target.height, width=target.width, pitch=0, row=0)
    nothing = np.zeros(1, np.int64)
    for _, (to, upper, lower), row_bytes, width in vectors_of(
            lowering, (target, view, small), alone, False):
        for block in lowering.sizes.blocks(to.height, to.width, 2):
            emit_sums(lowering, lower, block, row_bytes, width, nothing - (below << SCALED),
                      right(SCALED - 1 - before))
            emit_sums(lowering, upper, block, row_bytes, width,
                      nothing - (above << SCALED) + (1 << HALF - 1),
                      right(SCALED - HALF + 1 - (left - before)), product=True)
            emit_output(lowering, to, block, width, nothing, output)
