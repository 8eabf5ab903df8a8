"""A weight-stationary array without skew: a vector reaches all cells in the same cycle."""

from typing import Any

from amaranth import *

from .. import primitives
from ..primitives.pipeline import later
from ..systolic.array import Kind, SystolicArray

__all__ = ["Broadcast"]


class Broadcast(SystolicArray):
    """Equal to :class:`WeightStationary`, but for when its sums come: small, and slow if large.

    A column adds up all of its products at once, so that there is one register for its sum, and
    none between the cells. Both streams and the tiles on them are as there, with at most one line.
    """

    depthwise = True

    latency = primitives.LATENCY + 1
    """Cycles from the transfer of a vector to its sums on ``o``."""

    def line(self, row: int) -> int:
        """Return the line whose pixels pass the cells of ``row``: there is only one."""
        return 0

    def elaborate(self, platform: object) -> Module:
        m = Module()
        vectors, weights = self.activations, self.weights
        fresh = Signal(init=1)  # the next vector begins a tile
        full = Signal()         # all weights of the next tile are here
        loaded = Signal(range(self.rows))
        accept, start, load = Signal(), Signal(), Signal()
        m.d.comb += [
            vectors.ready.eq(~fresh | full),
            accept.eq(vectors.valid & vectors.ready),
            start.eq(accept & fresh),
            weights.ready.eq(~full | start),
            load.eq(weights.valid & weights.ready),
        ]
        with m.If(accept):
            m.d.sync += fresh.eq(vectors.p.last)
        with m.If(load):
            complete = loaded == self.rows - 1
            m.d.sync += [loaded.eq(Mux(complete, 0, loaded + 1)), full.eq(complete)]
        with m.Elif(start):
            m.d.sync += full.eq(0)

        multipliers = primitives.common_multipliers(
            m, platform, self.family, self.a_shape, self.w_shape, self.rows * self.columns,
            self.dsps)
        produces = accept
        matrix: Value = Const(1, 1)
        if self.lines:
            matrix = vectors.p.kind == Kind.MATRIX
            produces = accept & (vectors.p.kind != Kind.PRIME)
        for column in range(self.columns):
            self._add_column(m, column, multipliers[column::self.columns], matrix, accept, load,
                             start)
        m.d.comb += self.o.valid.eq(later(m, produces, self.latency, "produces", reset=True))
        return m

    def _add_column(self, m: Module, column: int, multipliers: list[Any], matrix: Value,
                    accept: Value, load: Value, start: Value) -> None:
        """Add the cells of a column, and the sum of their products."""
        vectors = self.activations
        products: list[Any] = []
        above: Value = Value.cast(self.weights.payload[column])
        tap: Value = Value.cast(vectors.p.pixels[0][column]) if self.lines else Const(0, 1)
        for row, multiplier in enumerate(multipliers):
            weight = Signal(self.w_shape, name=f"weight_{row}_{column}", reset_less=True)
            with m.If(load):
                m.d.sync += weight.eq(above)
            above = weight
            operand = Signal(self.a_shape, name=f"operand_{row}_{column}")
            m.d.comb += operand.eq(vectors.p.vector[row])
            if self.lines:
                with m.If(~matrix):
                    m.d.comb += operand.eq(tap)
                if row < self.rows - 1:
                    # The next tap sees what this one saw with the vector before.
                    seen = Signal(self.a_shape, name=f"seen_{row}_{column}", reset_less=True)
                    with m.If(accept):
                        m.d.sync += seen.eq(operand)
                    tap = seen
            m.d.comb += [multiplier.a.eq(operand), multiplier.b.eq(weight),
                         multiplier.take.eq(start)]
            products.append(multiplier.p)
        while len(products) > 1:
            products = [sum(products[i + 1:i + 2], products[i])
                        for i in range(0, len(products), 2)]
        total = Signal(self.sums, name=f"sum_{column}", reset_less=True)
        m.d.sync += total.eq(products[0])
        m.d.comb += self.o.payload[column].eq(total)
