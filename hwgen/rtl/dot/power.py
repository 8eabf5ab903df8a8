"""The dot-product unit for weights that are powers of two, with a sign: it shifts and adds."""

from amaranth import *
from amaranth.lib import data

from ..primitives.pipeline import later
from .pieces import Piece
from .signed_sum import SignedDotProduct, Term, signed_sum

__all__ = ["EXPONENT", "Piece", "PowerOfTwo", "weight_layout"]

EXPONENT = 4
"""Bits of an exponent at most."""


def weight_layout(exponent_bits: int) -> data.StructLayout:
    """Return how a weight is written: ``negative``, and an ``exponent``.

    The exponent e means ``2**e``; the highest one, all bits of which are set, means 0.
    """
    return data.StructLayout({"negative": 1, "exponent": exponent_bits})


class PowerOfTwo(SignedDotProduct):
    """Multiply vectors of numbers by powers of two with a sign, ``lanes`` of them a cycle.

    Each number is shifted by its weight's exponent, by two bits of it a cycle, and added to the sum
    or subtracted; the signs are in the adders (:func:`.signed_sum.signed_sum`). Vectors longer
    than ``lanes`` bring their pieces one after the other, with pauses or without.

    Parameters
    ----------
    lanes : int
        At least 1.
    shape : Shape
        Of the numbers, of 1 to :data:`.signed_sum.WIDEST` bits.
    exponent_bits : int
        1 to :data:`EXPONENT`; n of them make weights of 0 and of plus or minus 1, 2, 4, up to
        ``2 ** (2**n - 2)``.
    family : str
        FPGA family to add for.
    depth : int
        Of how many pieces a vector is made at most.

    Members
    -------
    a : In(ArrayLayout(shape, lanes))
    weights : In(ArrayLayout(weight_layout(exponent_bits), lanes))
    tag : In(Piece)
        Of the piece that comes in this cycle.
    o : Out(signed)
    o_valid : Out(1)
        A sum is on ``o``, :attr:`latency` cycles after its last piece, and stays until the next
        one.
    """

    def __init__(self, lanes: int, shape: Shape, *, exponent_bits: int = 3,
                 family: str = "generic", depth: int = 64) -> None:
        if exponent_bits not in range(1, EXPONENT + 1):
            raise ValueError(f"exponent_bits must be 1 to {EXPONENT}, not {exponent_bits!r}")
        self.exponent_bits = exponent_bits
        self.early = (exponent_bits - 1) // 2  # of shifting, two bits of an exponent in each
        super().__init__(lanes, shape, weight_layout(exponent_bits), self.most, family, depth)

    @property
    def most(self) -> int:
        """Exponent of the largest weight."""
        return (1 << self.exponent_bits) - 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = []
        for index, (value, weight) in enumerate(zip(self.numbers, self.weights, strict=True)):
            exponent, rest = weight.exponent, Cat(weight.negative, weight.exponent.all())
            for cycle in range(self.early):
                # At most 3 of what two bits say, times the weight of the lower one.
                value = later(m, value << (exponent[:2] << 2 * cycle), 1,
                              f"shifted_{index}_{cycle}")
                exponent = later(m, exponent[2:], 1, f"exponent_{index}_{cycle}")
                rest = later(m, rest, 1, f"rest_{index}_{cycle}")
            shifted = Signal(self.term, name=f"shifted_{index}")
            m.d.comb += shifted.eq(value << (exponent << 2 * self.early))
            lanes.append(Term(shifted, rest[0], rest[1]))
        tag = later(m, self.tag, self.early, "early_tag", reset=True)
        signed_sum(m, self.family, lanes, tag, self.o, self.o_valid)
        return m
