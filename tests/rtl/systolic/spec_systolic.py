"""What the systolic arrays promise at their ports, as circuits that a prover can check.

All inputs are free in every cycle, reset too. Each spec is a model of the whole array that knows
nothing of cells, skew or waves, and it must agree in every cycle.
"""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.rtl.systolic.systolic import Kind

from ...formal import Spec


class ArraySpec(Spec):
    """What both dataflows' specs begin with: an array with free inputs."""

    def new_module(self):
        """Return the module with the array, whose inputs may be anything."""
        m = super().new_module()
        m.d.comb += self.sync.rst.eq(AnySeq(1))
        for port in (self.dut.activations, self.dut.weights):
            payload = Value.cast(port.payload)
            m.d.comb += [payload.eq(AnySeq(len(payload))), port.valid.eq(AnySeq(1))]
        return m

    def sums(self, name):
        """Return a signal for each column's sum."""
        return [Signal(self.dut.sums, name=f"{name}_{c}") for c in range(self.dut.columns)]

    def late(self, m, value, cycles, name):
        """Return ``value``, ``cycles`` later."""
        for cycle in range(cycles):
            stage = Signal.like(value, name=f"{name}_{cycle}")
            m.d.sync += stage.eq(value)
            value = stage
        return value

    def agree(self, m, valid, sums):
        """Assert that the array gives just these sums."""
        m.d.comb += Assert(self.dut.o.valid == valid, "sums at the wrong time")
        for column, value in enumerate(sums):
            with m.If(valid):
                m.d.comb += Assert(self.dut.o.payload[column] == value, "wrong sum")


class WeightStationarySpec(ArraySpec):
    """Sums come ``latency`` cycles after each transfer, of the tile's own weights."""

    def elaborate(self, platform):
        m = self.new_module()
        dut, rows, columns = self.dut, range(self.dut.rows), range(self.dut.columns)
        weights = {name: [[Signal(dut.w_shape, name=f"{name}_{r}_{c}") for c in columns]
                          for r in rows] for name in ("coming", "present")}
        count = Signal(range(dut.rows + 1))
        fresh = Signal(init=1)
        accept = dut.activations.valid & dut.activations.ready
        load = dut.weights.valid & dut.weights.ready
        start = accept & fresh

        m.d.comb += [
            Assert(dut.activations.ready == (~fresh | (count == dut.rows)), "activations' ready"),
            Assert(dut.weights.ready == ((count < dut.rows) | start), "weights' ready"),
        ]
        with m.If(accept):
            m.d.sync += fresh.eq(dut.activations.p.last)
        m.d.sync += count.eq(Mux(start, 0, count) + load)
        for column in columns:
            for row in rows:
                coming, present = weights["coming"][row][column], weights["present"][row][column]
                above = weights["coming"][row - 1][column] if row else dut.weights.p[column]
                with m.If(load):
                    m.d.sync += coming.eq(above)
                with m.If(start):
                    m.d.sync += present.eq(coming)

        total = self.sums("total")
        held = [[Signal(dut.a_shape, name=f"held_{r}_{c}", reset_less=True) for c in columns]
                for r in rows]
        for column in columns:
            products = []
            for row in rows:
                operand = Signal(dut.a_shape, name=f"operand_{row}_{column}")
                m.d.comb += operand.eq(dut.activations.p.vector[row])
                if dut.lines:
                    head = row == 0 or dut.line(row) != dut.line(row - 1)
                    pixel = (dut.activations.p.pixels[dut.line(row)][column] if head
                             else held[row - 1][column])
                    with m.If(dut.activations.p.kind != Kind.MATRIX):
                        m.d.comb += operand.eq(pixel)
                with m.If(accept):
                    m.d.sync += held[row][column].eq(operand)
                weight = Mux(fresh, weights["coming"][row][column],
                             weights["present"][row][column])
                weight = weight.as_signed() if dut.w_shape.signed else weight
                products.append(operand * weight)
            m.d.comb += total[column].eq(sum(products[1:], products[0]))
        produces = accept
        if dut.lines:
            produces = accept & (dut.activations.p.kind != Kind.PRIME)
        self.agree(m, self.late(m, produces, dut.latency, "valid"),
                   [self.late(m, value, dut.latency, "late") for value in total])
        return m


class OutputStationarySpec(ArraySpec):
    """The rows of a tile's sums come from ``latency`` cycles after its last step on."""

    def elaborate(self, platform):
        m = self.new_module()
        dut, rows, columns = self.dut, range(self.dut.rows), range(self.dut.columns)
        total = [self.sums(f"total_{r}") for r in rows]
        result = [self.sums(f"result_{r}") for r in rows]
        wait = Signal(range(dut.rows + 1))
        may = ~dut.activations.p.last | (wait == 0)
        step = dut.activations.valid & dut.weights.valid & may
        ends = step & dut.activations.p.last

        m.d.comb += [
            Assert(dut.activations.ready == (dut.weights.valid & may), "activations' ready"),
            Assert(dut.weights.ready == (dut.activations.valid & may), "weights' ready"),
        ]
        m.d.sync += wait.eq(Mux(ends, dut.rows - 1, Mux(wait == 0, 0, wait - 1)))
        for row in rows:
            for column in columns:
                product = dut.activations.p.vector[row] * dut.weights.p[column]
                m.d.comb += result[row][column].eq(total[row][column] + product)
                with m.If(step):
                    m.d.sync += total[row][column].eq(Mux(ends, 0, result[row][column]))

        valid, sums = Const(0), [Const(0) for _ in columns]
        for row in rows:
            cycles = dut.latency + dut.rows - 1 - row  # the last row first
            due = self.late(m, ends, cycles, f"due_{row}")
            late = [self.late(m, result[row][c], cycles, f"late_{row}") for c in columns]
            valid = valid | due
            sums = [Mux(due, value, other) for value, other in zip(late, sums, strict=True)]
        self.agree(m, valid, [value.as_signed() if dut.sums.signed else value for value in sums])
        return m
