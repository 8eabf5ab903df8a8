"""The dot-product unit for weights of -1, 0 and +1: it adds, subtracts and skips."""

from amaranth import *
from amaranth.lib import data

from .pieces import Piece
from .signed_sum import SignedDotProduct, Term, signed_sum

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


class Ternary(SignedDotProduct):
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

    def __init__(self, lanes: int, shape: Shape, *, family: str = "generic", depth: int = 64,
                 ) -> None:
        super().__init__(lanes, shape, Weight, 0, family, depth)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = [Term(number, weight.negative, weight.skip)
                 for number, weight in zip(self.numbers, self.weights, strict=True)]
        signed_sum(m, self.family, lanes, self.tag, self.o, self.o_valid)
        return m
