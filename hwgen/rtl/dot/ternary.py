"""The dot-product unit for weights of -1, 0 and +1: it adds, subtracts and skips."""

from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.lib.wiring import In

from .pieces import DotProduct, Piece, check_parameters
from .signed_sum import Term, check_shape, levels, signed_sum, width

__all__ = ["Piece", "Ternary", "Weight"]


class Weight(data.Struct):
    """A weight of -1, 0 or +1.

    Members
    -------
    negative : 1
        It is -1. Means nothing where the weight is 0.
    skip : 1
        It is 0.
    """

    negative: 1  # type: ignore[valid-type]
    skip: 1  # type: ignore[valid-type]


class Ternary(DotProduct):
    """Multiply vectors of numbers by vectors of ternary weights, ``lanes`` of them a cycle.

    There is no multiplier. Each number is added to the sum, subtracted or left out; what is left
    out costs no gate, and the signs are in the adders (:func:`.signed_sum.signed_sum`). Vectors
    longer than ``lanes`` bring their pieces one after the other, with pauses or without.

    Parameters
    ----------
    lanes : int
        At least 1.
    shape : Shape
        Of the numbers, of 1 to :data:`.signed_sum.WIDEST` bits.
    family : str
        FPGA family to add for.
    depth : int
        Of how many pieces a vector is made at most.

    Members
    -------
    a : In(ArrayLayout(shape, lanes))
    weights : In(ArrayLayout(Weight, lanes))
    tag : In(Piece)
        Of the piece that comes in this cycle.
    o : Out(signed)
    o_valid : Out(1)
        A sum is on ``o``, :attr:`latency` cycles after its last piece, and stays until the next
        one.
    """

    a: Any
    weights: Any

    def __init__(self, lanes: int, shape: Shape, *, family: str = "generic", depth: int = 64,
                 ) -> None:
        check_parameters(family, lanes=(lanes, 1), depth=(depth, 1))
        check_shape(shape)
        self.lanes = lanes
        self.shape = shape
        bits = width(shape.width + (not shape.signed), lanes, depth)
        super().__init__({"a": In(data.ArrayLayout(shape, lanes)),
                          "weights": In(data.ArrayLayout(Weight, lanes))},
                         Piece, bits, depth, family)

    @property
    def latency(self) -> int:
        """Cycles from the last piece to the sum."""
        return levels(self.lanes) + 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = []
        for number, weight in zip(self.a, self.weights, strict=True):
            value = number if self.shape.signed else Cat(number, Const(0, 1)).as_signed()
            lanes.append(Term(value, weight.negative, weight.skip))
        signed_sum(m, self.family, lanes, self.tag, self.o, self.o_valid)
        return m
