"""Cells of a weight-stationary array that share a multiplier two by two, and their sums."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..primitives.packed import SHIFT, WIDTH, packed_signature
from ..primitives.pipeline import later

__all__ = ["PackedCell", "PackedSums", "PartedSums"]

EXCESS = 2 * WIDTH - SHIFT
"""Bits of a product's excess."""


class PackedSums(data.StructLayout):
    """Sums of ``p.low``, ``p.high`` and ``excess`` of packed products.

    Parameters
    ----------
    rows : int
        Products in each sum.
    above : int
        Width of the sums of cells above, which begin these: 0 if there are none.
    width : int
        Width of a sum of one column's products.
    """

    def __init__(self, rows: int, above: int, width: int) -> None:
        low = (rows + (above > 0)) * ((1 << SHIFT) - 1)
        most = (rows << EXCESS - 1) + (1 << max(above - SHIFT - 1, 0)) * (above > 0)
        super().__init__({"low": low.bit_length(), "high": signed(width),
                          "excess": signed((most - 1).bit_length() + 1)})


class PackedCell(wiring.Component):
    """Two neighbouring cells of :class:`WeightStationary`, on one packed multiplier.

    What travels moves as in :class:`WeightStationaryCell`; both cells work in the same cycle. The
    left one has the low product. The sums of the ``excess`` come a cycle after the others. The
    ``first`` cells have no adder. ``late`` ones wait a cycle for their operand, as others do.

    The weights of the left cell come with their sign inverted, which makes them unsigned numbers:
    each is greater by ``2**(WIDTH - 1)``.
    """

    west: Any
    east: Any
    north: Any
    south: Any
    multiplier: Any

    interval = 1

    def __init__(self, sums_in: PackedSums, sums_out: PackedSums, *, first: bool,
                 late: bool = False) -> None:
        self.first = first
        self.late = late
        weights = packed_signature().members["b"].shape
        self.east_layout = data.StructLayout({"activation": signed(WIDTH), "load": 1, "start": 1})
        super().__init__({
            "west": In(self.east_layout),
            "east": Out(self.east_layout),
            "north": In(data.StructLayout({"weights": weights, "sums": sums_in})),
            "south": Out(data.StructLayout({"weights": weights, "sums": sums_out})),
            "multiplier": Out(packed_signature().flip()),
        })

    @property
    def latency(self) -> int:
        """Cycles from a product, and the sums from the north, to the sums in the south."""
        return 0 if self.first else 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        west, north, south, multiplier = self.west, self.north, self.south, self.multiplier
        weights = Signal.like(north.weights, reset_less=True)
        with m.If(west.load):
            m.d.sync += weights.eq(north.weights)
        m.d.comb += [
            self.east.eq(later(m, west, 1, "stored")),
            south.weights.eq(weights),
            Cat(multiplier.a, multiplier.take).eq(
                later(m, Cat(west.activation, west.start), int(self.late), "given")),
            multiplier.b.eq(weights),
        ]
        for name, product in (("low", multiplier.p.low), ("high", multiplier.p.high),
                              ("excess", multiplier.excess)):
            if not self.first:
                total = Signal.like(south.sums[name], name=name, reset_less=True)
                m.d.sync += total.eq(north.sums[name] + product)
                product = total
            m.d.comb += south.sums[name].eq(product)
        return m


class PartedSums(wiring.Component):
    """Part the sums of a column of packed cells.

    Parameters
    ----------
    packed : PackedSums
    bias : Shape
        That of a sum of activations.
    sums : Shape
        That of a column's sum.

    Members
    -------
    i : In(packed)
        Its ``excess`` a cycle after the others.
    bias : In(bias)
        The activations of the same products, summed, times ``2**(WIDTH - 1)``: what the left
        column has too much.
    o : Out(ArrayLayout(sums, 2))
        The sums of the left and of the right column, :attr:`latency` cycles later.
    """

    i: Any
    bias: Value
    o: Any

    latency = 2
    interval = 1

    def __init__(self, packed: PackedSums, bias: Shape, sums: Shape) -> None:
        super().__init__({"i": In(packed), "bias": In(bias),
                          "o": Out(data.ArrayLayout(sums, 2))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        steady = WIDTH - 1  # bits that the bias does not reach
        difference = Cat(self.i.low[:steady], self.i.low[steady:] - self.bias).as_signed()
        low = later(m, difference, 1, "low")
        high = later(m, self.i.high, 1, "high")
        o: Any = Signal.like(self.o, name="parted", reset_less=True)
        left = Cat(low[:SHIFT], (low >> SHIFT) + self.i.excess)
        m.d.sync += [o[0].eq(left.as_signed()), o[1].eq(high - self.i.excess)]
        m.d.comb += self.o.eq(o)
        return m
