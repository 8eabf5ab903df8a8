# amaranth: UnusedElaboratable=no
"""The fully serial dot-product unit: bit planes of both operands, one pair of them a cycle."""


from amaranth import *
from amaranth.lib.wiring import In

from ..primitives.pipeline import later
from ..primitives.popcount import PopulationCount
from .pieces import DotProduct
from .serial_sum import PRECISION, Tag, accumulate, check_parameters

__all__ = ["GATES", "PRECISION", "BitPlane", "Tag"]

GATES = ("and", "xnor")


class BitPlane(DotProduct):
    """Multiply vectors of numbers by their bit planes: ``a_bits * b_bits`` cycles a product.

    A plane is one bit of each of ``lanes`` numbers. In each cycle a plane of the one operand meets
    one of the other: gates multiply them lane by lane, a compressor counts the ones, and the count
    is added to the sum. Pairs come by rising weight, all of the same weight one after the other
    (:func:`hwgen.golden.dot.bitplane.order`); vectors longer than ``lanes`` bring all their pieces
    of one pair of planes, or of one weight, one after the other. Precisions and signs are nowhere
    in the unit: the tags make them, product by product.

    The dot product is ``o >> (tail - n)`` after n shifts, which are ``a_bits + b_bits - 2``; bits
    below are left over from before (:func:`.serial_sum.accumulate`).

    With the gate ``xnor`` a bit stands for +1 or -1 instead of 1 or 0, also where the lane is not
    used, and what comes out is half of the dot product, which is even.

    Parameters
    ----------
    lanes : int
        At least 2; with ``xnor`` a power of two.
    gate : str
        One of :data:`GATES`.
    family : str
        FPGA family to count for.
    precision : int
        Bits of an operand at most, 1 to :data:`PRECISION`.
    depth : int
        Of how many pieces of ``lanes`` numbers a vector is made at most.

    Members
    -------
    a, b : In(lanes)
        Two planes.
    tag : In(Tag)
    o : Out(signed(head + tail))
    o_valid : Out(1)
        The sum of a product is on ``o``, :attr:`latency` cycles after its last pair, and stays
        until after the first pair of the next one comes to it.
    """

    a: Value
    b: Value

    def __init__(self, lanes: int, *, gate: str = "and", family: str = "generic",
                 precision: int = PRECISION, depth: int = 64) -> None:
        check_parameters(family, precision, lanes=(lanes, 2), depth=(depth, 1))
        if gate not in GATES:
            raise ValueError(f"gate must be one of {GATES}, not {gate!r}")
        if gate == "xnor" and lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two with xnor, not {lanes}")
        self.lanes = lanes
        self.gate = gate
        self.precision = precision
        self.depth = depth
        super().__init__({"a": In(lanes), "b": In(lanes)}, Tag, self.head + self.tail, depth,
                         family)

    @property
    def latency(self) -> int:
        """Cycles from the last pair of planes to the sum."""
        return self._count.latency + 1

    @property
    def _count(self) -> PopulationCount:
        return PopulationCount(self.lanes, "and" if self.gate == "and" else "xor", self.family)

    @property
    def tail(self) -> int:
        """Bits of the sum that are finished: one for each shift there can be."""
        return 2 * self.precision - 2

    @property
    def head(self) -> int:
        """Bits of the sum that counts are added to."""
        # In units of the weight under way, if all counts are as large as they can be.
        most, total = 0.0, 0.0
        for weight in range(2 * self.precision - 1):
            total = total / 2 + min(weight + 1, 2 * self.precision - 1 - weight)
            most = max(most, total)
        return int(most * self.lanes * self.depth).bit_length() + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.count = count = self._count
        xnor = self.gate == "xnor"
        tag = later(m, self.tag, count.latency - 1, "tag", reset=True)
        # With xnor the lanes are counted that differ, each of them a -1.
        m.d.comb += [count.a.eq(self.a), count.b.eq(self.b),
                     count.complement.eq(tag.negative ^ xnor)]
        tag = later(m, tag, 1, "present", reset=True)
        if xnor:
            # Half of the lanes less, so half of the sum of +1 and -1: as many lanes are twice the
            # value of the count's top bit.
            number = Cat(count.o[:-1], ~count.o[-1]).as_signed()
        else:
            number = Cat(count.o, tag.negative).as_signed()

        accumulate(m, tag, number, count.one, self.o, self.o_valid, tail=self.tail)
        return m
