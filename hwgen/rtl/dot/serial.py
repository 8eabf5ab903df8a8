"""Serial-parallel multiply-accumulate: one operand bit by bit, the other at once."""

from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.lib.wiring import In

from .. import primitives
from ..primitives.pipeline import later
from .pieces import DotProduct
from .serial_sum import PRECISION, Tag, accumulate, check_parameters

__all__ = ["PRECISION", "SerialParallel", "Tag"]


class SerialParallel(DotProduct):
    """Multiply vectors, the one in planes, the other as numbers: as many cycles as it has planes.

    In each cycle comes one bit of each of ``lanes`` serial numbers, and the parallel numbers that
    they multiply. Where the bit is set the number is taken, else 0; a tree adds what the lanes
    give, and the result is added to the sum. Planes come by rising weight; vectors longer than
    ``lanes`` bring all their pieces of one plane one after the other. Activations may be serial
    and weights parallel, or the other way round: the unit does not know which is which. Precision
    and sign of the serial numbers are in the tags alone.

    The dot product is ``o >> (tail - n)`` after n shifts, which are the serial numbers' bits less
    one; bits below are left over from before (:func:`.serial_sum.accumulate`).

    Parameters
    ----------
    lanes : int
        At least 1.
    shape : Shape
        Of the parallel numbers, of 1 to :data:`PRECISION` bits. Fewer bits fit too, extended.
    family : str
        FPGA family to add for.
    precision : int
        Bits of a serial number at most, 1 to :data:`PRECISION`.
    depth : int
        Of how many pieces of ``lanes`` numbers a vector is made at most.

    Members
    -------
    a : In(lanes)
        A plane of serial numbers.
    b : In(ArrayLayout(shape, lanes))
        Parallel numbers.
    tag : In(Tag)
    o : Out(signed(head + tail))
    o_valid : Out(1)
        The sum of a product is on ``o``, :attr:`latency` cycles after its last plane, and stays
        until after the first plane of the next one comes to it.
    """

    a: Value
    b: Any

    def __init__(self, lanes: int, shape: Shape, *, family: str = "generic",
                 precision: int = PRECISION, depth: int = 64) -> None:
        check_parameters(family, precision, lanes=(lanes, 1), depth=(depth, 1))
        if shape.width not in range(1, PRECISION + 1):
            raise ValueError(f"shape must have 1 to {PRECISION} bits, not {shape!r}")
        self.lanes = lanes
        self.shape = shape
        self.precision = precision
        self.depth = depth
        super().__init__({"a": In(lanes), "b": In(data.ArrayLayout(shape, lanes))}, Tag,
                         self.head + self.tail, depth, family)

    @property
    def levels(self) -> int:
        """Levels of adders."""
        return max(1, (self.lanes - 1).bit_length())

    @property
    def latency(self) -> int:
        """Cycles from the last plane to the sum."""
        return self.levels + 1

    @property
    def tail(self) -> int:
        """Bits of the sum that are finished: one for each shift there can be."""
        return self.precision - 1

    @property
    def head(self) -> int:
        """Bits of the sum that numbers are added to; half of what was before is less than one."""
        largest = 1 << (self.shape.width - self.shape.signed)
        return (2 * largest * self.lanes * self.depth).bit_length() + 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        tag = later(m, self.tag, self.levels - 1, "tag", reset=True)
        negative = tag.negative
        tag = later(m, tag, 1, "present", reset=True)

        lanes = [(self.a[lane], self.b[lane]) for lane in range(self.lanes)]
        numbers = [primitives.gated_sum(m, self.family, f"pair_{first}", lanes[first:first + 2])
                   for first in range(0, self.lanes, 2)]
        for level in range(1, self.levels):
            stored = []
            for index, number in enumerate(numbers):
                stage = Signal(number.shape(), name=f"level_{level}_{index}", reset_less=True)
                m.d.sync += stage.eq(number)
                stored.append(stage)
            numbers = [sum(stored[first + 1:first + 2], start=stored[first])
                       for first in range(0, len(stored), 2)]
        # Times -1, where that is asked for: inverted here, and one more in the sum.
        total, = numbers
        number = Signal(signed(len(total) + (not total.shape().signed)), reset_less=True)
        m.d.sync += number.eq(Mux(negative, ~total.as_signed() if total.shape().signed
                                  else ~Cat(total, Const(0, 1)), total))
        accumulate(m, tag, number, tag.negative, self.o, self.o_valid, tail=self.tail)
        return m
