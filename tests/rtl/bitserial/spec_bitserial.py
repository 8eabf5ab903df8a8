"""What the bit-serial array promises at its ports, as a circuit that a prover can check.

All inputs are free in every cycle, reset too, but that numbers have at most two bits and all words
of a tile's weights the same format. The model multiplies numbers, and knows nothing of planes.
"""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.arch.formats import NumberKind
from hwgen.rtl.bitserial.array import FORMAT

from ...formal import Spec


def free_format(m, name, kinds):
    """Return a format of one or two bits, and of one of the first so many kinds."""
    kind, bits, form = AnySeq(2), AnySeq(1), Signal(FORMAT, name=name)
    m.d.comb += [form.kind.eq(Mux(kind < kinds, kind, NumberKind.UNSIGNED)),
                 form.bits.eq(bits & (form.kind != NumberKind.BIPOLAR))]
    return form


def number(m, bits, form, name):
    """Return the number that two bits are in a format."""
    value = Signal(signed(4), name=name)
    with m.Switch(form.kind):
        with m.Case(NumberKind.UNSIGNED):
            m.d.comb += value.eq(Mux(form.bits == 0, bits[0], bits[:2]))
        with m.Case(NumberKind.SIGNED):
            m.d.comb += value.eq(Mux(form.bits == 0, -bits[0], bits[:2].as_signed()))
        with m.Case(NumberKind.BIPOLAR):
            m.d.comb += value.eq(Mux(bits[0], 1, -1))
    return value


class BitSerialSpec(Spec):
    """Sums come ``interval + latency`` cycles after each transfer, of the tile's own weights."""

    def late(self, m, value, name):
        """Return ``value``, as many cycles later as sums take besides their interval."""
        for cycle in range(self.dut.latency):
            stage = Signal.like(value, name=f"{name}_{cycle}", init=0)
            m.d.sync += stage.eq(value)
            value = stage
        return value

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        activations, weights = dut.activations, dut.weights
        rows, columns = range(dut.rows), range(dut.columns)
        # Words of the next tile that have come, their format, and their bits.
        count, coming = Signal(2), Signal(FORMAT)
        planes = [[Signal(2, name=f"planes_{r}_{c}") for c in columns] for r in rows]
        present = [[Signal(signed(4), name=f"weight_{r}_{c}") for c in columns] for r in rows]
        two_planes = Signal()  # of the weights of the present tile
        full, fresh, left = Signal(), Signal(init=1), Signal(4)
        a, free = free_format(m, "a", 2), free_format(m, "w", 3)
        w = Signal(FORMAT)
        m.d.comb += [
            self.sync.rst.eq(AnySeq(1)), activations.valid.eq(AnySeq(1)),
            weights.valid.eq(AnySeq(1)), activations.p.last.eq(AnySeq(1)),
            Value.cast(activations.p.vector).eq(AnySeq(8 * dut.rows)),
            Value.cast(weights.p.word).eq(AnySeq(8 * dut.columns)),
            w.eq(Mux((count == 0) | full, free.as_value(), coming.as_value())),
            activations.p.format.eq(a), weights.p.format.eq(w),
        ]
        accept = activations.valid & activations.ready
        load = weights.valid & weights.ready
        start = accept & fresh
        m.d.comb += [
            full.eq((count != 0) & (count == coming.bits + 1)),
            Assert(activations.ready == ((left <= 1) & (~fresh | full)), "activations' ready"),
            Assert(weights.ready == (~full | start), "weights' ready"),
        ]
        before = Mux(start, 0, count)
        m.d.sync += count.eq(before + load)
        with m.If(load):
            m.d.sync += coming.eq(w)
        numbers = [number(m, activations.p.vector[r], a, f"number_{r}") for r in rows]
        sums = [Signal(dut.sums, name=f"sum_{c}") for c in columns]
        for c in columns:
            products = []
            for r in rows:
                bit = weights.p.word[c][r]
                with m.If(load):
                    m.d.sync += planes[r][c].eq(Mux(before == 0, bit, Cat(planes[r][c][0], bit)))
                come = number(m, planes[r][c], coming, f"come_{r}_{c}")
                with m.If(start):
                    m.d.sync += present[r][c].eq(come)
                products.append(numbers[r] * Mux(fresh, come, present[r][c]))
            with m.If(accept):
                m.d.sync += sums[c].eq(sum(products[1:], products[0]))
        planes_of_w = Mux(fresh, (coming.bits != 0) | (coming.kind == NumberKind.BIPOLAR),
                          two_planes)
        with m.If(accept):
            m.d.sync += [fresh.eq(activations.p.last), two_planes.eq(planes_of_w),
                         left.eq((a.bits + 1) << planes_of_w)]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)

        m.d.comb += Assert(dut.ending == (left == 1), "the end of a vector")
        valid = self.late(m, left == 1, "valid")
        m.d.comb += Assert(dut.o.valid == valid, "sums at the wrong time")
        for c in columns:
            late = self.late(m, sums[c], f"late_{c}")
            with m.If(valid):
                m.d.comb += Assert(dut.o.payload[c] == late, "wrong sum")
        return m
