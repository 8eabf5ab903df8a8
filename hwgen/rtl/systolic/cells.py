"""The cells of the systolic arrays; their multipliers stand beside them."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives import int4
from ..primitives.pipeline import later

__all__ = ["OutputStationaryCell", "WeightStationaryCell"]


class WeightStationaryCell(wiring.Component):
    """One cell of :class:`WeightStationary`.

    What travels east and south moves one cell a cycle. ``load`` moves the weight of the cell above
    into this one, ``start`` hands it to the multiplier. ``first`` cells, at the top, have no
    adder: their product is their sum. Of ``late`` cells the multiplier gets its operand a cycle
    later, as ``depthwise`` ones choose it first.

    With ``high``, the shapes of two more sums, a weight is the code of one or of a pair
    (:mod:`hwgen.rtl.primitives.int4`), and the products of the high ones of pairs are summed apart.
    ``pair`` comes from the west with the product.
    """

    west: Any
    east: Any
    north: Any
    south: Any
    multiplier: Any

    interval = 1

    def __init__(self, a_shape: Shape, w_shape: Shape, sum_in: Shape, sum_out: Shape, *,
                 first: bool, depthwise: bool = False, late: bool = False,
                 high: tuple[Shape, Shape] | None = None) -> None:
        self.first = first
        self.late = late
        self.depthwise = depthwise
        self.high = high
        east = {"activation": a_shape, "load": 1, "start": 1}
        south = {"weight": int4.OPERAND_CODE if high else w_shape}
        into, out = ({"sum": shape} for shape in (sum_in, sum_out))
        if high:
            east |= {"pair": 1}
            for sums, shape in zip((into, out), high, strict=True):
                sums |= {"high": shape}
        if depthwise:
            east |= {"valid": 1, "depthwise": 1}
            south |= {"pixel": a_shape}
        self.east_layout = data.StructLayout(east)
        super().__init__({
            "west": In(self.east_layout),
            "east": Out(self.east_layout),
            "north": In(data.StructLayout(south | into)),
            "south": Out(data.StructLayout(south | out)),
            "multiplier": Out(primitives.MultiplierSignature(
                a_shape, int4.OPERAND if high else w_shape).flip()),
        })

    @property
    def latency(self) -> int:
        """Cycles from a product, and the sum from the north, to the sum in the south."""
        return 0 if self.first else 1

    def elaborate(self, platform: object) -> Module:
        m = Module()
        west, north, south = self.west, self.north, self.south
        stored: Any = Signal(self.east_layout, reset_less=True)
        weight = Signal.like(north.weight, name="weight", reset_less=True)
        operand = Signal.like(west.activation, name="operand")
        m.d.comb += operand.eq(west.activation)
        m.d.sync += stored.eq(west)
        if self.depthwise:
            # The register that passes the activation on keeps the last operand through gaps: it is
            # the neighbouring tap's next pixel.
            m.d.sync += stored.activation.eq(stored.activation)
            with m.If(west.valid):
                m.d.sync += stored.activation.eq(operand)
            with m.If(west.depthwise):
                m.d.comb += operand.eq(north.pixel)
            m.d.comb += south.pixel.eq(stored.activation)
        with m.If(west.load):
            m.d.sync += weight.eq(north.weight)
        m.d.comb += [
            self.east.eq(stored),
            south.weight.eq(weight),
            Cat(self.multiplier.a, self.multiplier.take).eq(
                later(m, Cat(operand, west.start), int(self.late), "given")),
            self.multiplier.b.eq(int4.operand(weight) if self.high else weight),
        ]
        product = self._sum_high(m) if self.high else self.multiplier.p
        if self.first:
            m.d.comb += south.sum.eq(product)
        else:
            total = Signal.like(south.sum, name="total", reset_less=True)
            m.d.sync += total.eq(north.sum + product)
            m.d.comb += south.sum.eq(total)
        return m

    def _sum_high(self, m: Module) -> Value:
        """Add the high product of a pair to the sum of those, and return the low one."""
        low, high, carry = int4.part(self.multiplier.p, self.west.pair)
        north, south = self.north, self.south
        if self.first:
            m.d.comb += south.high.eq(high + carry)
        else:
            total = Signal.like(south.high, name="high", reset_less=True)
            # Bits below the lowest ones bring the carry into the chain.
            m.d.sync += total.eq((Cat(carry, north.high).as_signed()
                                  + Cat(carry, high).as_signed()) >> 1)
            m.d.comb += south.high.eq(total)
        return low


class OutputStationaryCell(wiring.Component):
    """One cell of :class:`OutputStationary`.

    ``finish`` comes with the last product of a tile: the sum goes into the drain, and the next
    product starts a new one. ``shift`` moves the drain one cell south.
    """

    west: Any
    east: Any
    north: Any
    south: Any
    multiplier: Any

    latency = 1
    """Cycles from a tile's last product to its sum in the drain."""
    interval = 1

    def __init__(self, a_shape: Shape, w_shape: Shape, sums: Shape) -> None:
        self.sums = sums
        self.east_layout = data.StructLayout({"activation": a_shape, "finish": 1, "shift": 1})
        south = data.StructLayout({"weight": w_shape, "drain": sums})
        super().__init__({
            "west": In(self.east_layout),
            "east": Out(self.east_layout),
            "north": In(south),
            "south": Out(south),
            "multiplier": Out(primitives.MultiplierSignature(a_shape, w_shape).flip()),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        west, north, south = self.west, self.north, self.south
        stored = Signal(self.east_layout, reset_less=True)
        weight = Signal.like(north.weight, name="weight", reset_less=True)
        total = Signal(self.sums)
        drain = Signal(self.sums, reset_less=True)
        result = Signal(self.sums)

        m.d.comb += result.eq(total + self.multiplier.p)
        m.d.sync += [stored.eq(west), weight.eq(north.weight), total.eq(result)]
        with m.If(west.finish):
            m.d.sync += [drain.eq(result), total.eq(0)]
        with m.Elif(west.shift):
            m.d.sync += drain.eq(north.drain)
        m.d.comb += [
            self.east.eq(stored),
            south.weight.eq(weight),
            south.drain.eq(drain),
            self.multiplier.a.eq(west.activation),
            self.multiplier.b.eq(north.weight),
            self.multiplier.take.eq(1),
        ]
        return m
