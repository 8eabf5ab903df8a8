"""What the sparse units promise at their streams, as circuits that a prover can check.

All inputs are free in every cycle, reset too. Each spec is a model that says what shall come out,
written down when its cause goes in, in a queue that the outputs must empty in order.
"""

from amaranth import *
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Assume

from ...formal import Spec


class QueueSpec(Spec):
    """What all specs share: a queue of what shall come out.

    Parameters
    ----------
    dut
        With streams ``i`` and ``o``.
    depth : int
        How many results may be under way.
    patience : int
        Cycles in which ``o`` could be taken, of which one must offer a result that is due.
    """

    def __init__(self, dut, depth, patience):
        super().__init__(dut)
        self.depth = depth
        self.patience = patience

    def new_module(self):
        """Return the module with the unit, whose inputs may be anything."""
        m, dut = super().new_module(), self.dut
        payload = Value.cast(dut.i.payload)
        m.d.comb += [self.sync.rst.eq(AnySeq(1)), dut.i.valid.eq(AnySeq(1)),
                     dut.o.ready.eq(AnySeq(1)), payload.eq(AnySeq(len(payload)))]
        return m

    def expect(self, m, pushes):
        """Assert that just these results come out, in order.

        Parameters
        ----------
        pushes : list of (Value, Value)
            Whether there is a result of this cycle's inputs, and which; in order.
        """
        o, width = self.dut.o, len(Value.cast(self.dut.o.payload))
        queue = [Signal(width, name=f"queue_{n}") for n in range(self.depth)]
        count, pending = Signal(range(2 * self.depth)), Signal(range(2 * self.depth))
        pops = o.valid & o.ready
        with m.If(o.valid):
            m.d.comb += [Assert(count > 0, "a result of nothing"),
                         Assert(Value.cast(o.payload) == queue[0], "another result")]
        following = [Mux(pops, (queue + [Const(0, width)])[n + 1], queue[n])
                     for n in range(self.depth)]
        number = count - pops
        for some, value in pushes:
            at, number = number, number + some
            following = [Mux(some & (at == n), value, kept) for n, kept in enumerate(following)]
        m.d.comb += [pending.eq(number), Assert(pending <= self.depth, "too much is under way")]
        m.d.sync += [count.eq(pending), *(old.eq(new) for old, new in zip(
            queue, following, strict=True))]

        waited, idle = Signal(), Signal(range(self.patience + 1))
        m.d.sync += waited.eq(o.valid & ~o.ready)
        m.d.comb += [Assert(~waited | o.valid, "an offer was not held"),
                     Assert(idle < self.patience, "a result does not come")]
        m.d.sync += idle.eq(Mux(o.valid | (count == 0), 0, idle + 1))


class DecoderSpec(QueueSpec):
    """Each entry gives its weight, each column its end: once, in order, and in time."""

    def __init__(self, dut):
        super().__init__(dut, dut.latency, dut.latency)

    def elaborate(self, platform):
        m = self.new_module()
        dut, p = self.dut, self.dut.i.p
        taken = dut.i.valid & dut.i.ready
        m.d.comb += Assert(dut.i.ready == (~dut.o.valid | dut.o.ready), "ready")
        index, value = p.entry[:dut.index_bits], p.entry[dut.index_bits:]

        passed = Signal(range(dut.rows))  # rows of this column, modulo a power of two
        padding = index == (1 << dut.index_bits) - 1
        some = p.some & ~padding
        with m.If(taken):
            with m.If(p.some):
                m.d.sync += passed.eq(Mux(padding, passed + p.entry, passed + index + 1))
            with m.If(p.last):
                m.d.sync += passed.eq(0)

        weight = value.as_signed()
        if dut.codebook:
            book = [Signal(signed(8), name=f"book_{n}", reset_less=True)
                    for n in range(1 << dut.value_bits)]
            written = Value.cast(dut.book)
            m.d.comb += [written.eq(AnySeq(len(written))), Assume(~(dut.book.write & taken))]
            weight = Array(book)[value]
            with m.If(dut.book.write):
                m.d.sync += Array(book)[dut.book.value].eq(dut.book.weight)
        result = Signal(dut.o.p.shape())
        m.d.comb += [result.row.eq(Mux(some, passed + index, 0)),
                     result.weight.eq(Mux(some, weight, 0)), result.some.eq(some),
                     result.last.eq(p.last)]
        self.expect(m, [(taken & (some | p.last), Value.cast(result))])
        return m


class NonZerosSpec(QueueSpec):
    """Each activation that is not the zero point comes out once, in order, and in time."""

    def __init__(self, dut):
        super().__init__(dut, dut.width + 2, dut.latency)

    def elaborate(self, platform):
        m = self.new_module()
        dut, p, layout = self.dut, self.dut.i.p, self.dut.o.p.shape()
        m.d.comb += [dut.zero_point.eq(AnyConst(8)), dut.first.eq(AnySeq(len(dut.first)))]
        taken = dut.i.valid & dut.i.ready
        index, fresh = Signal(range(dut.columns)), Signal(init=1)
        with m.If(taken):
            m.d.sync += [fresh.eq(p.last), index.eq(Mux(fresh, dut.first, index) + dut.width)]
        worth = [p.vector[n] != dut.zero_point for n in range(dut.width)]
        pushes = []
        for n in range(dut.width):
            result = Signal(layout, name=f"result_{n}")
            m.d.comb += [
                result.index.eq(Mux(fresh, dut.first, index) + n), result.some.eq(1),
                result.value.eq(p.vector[n] - dut.zero_point),
                result.last.eq(p.last & ~Cat(worth[n + 1:]).any())]
            pushes.append((taken & worth[n], Value.cast(result)))
        end = Signal(layout)
        m.d.comb += end.last.eq(1)
        pushes.append((taken & p.last & ~Cat(worth).any(), Value.cast(end)))
        self.expect(m, pushes)
        return m
