"""What the stream of pages promises, as a circuit that a prover can check.

All inputs are free in every cycle, reset too, but for what its docstring asks of its users: words
come for pages that were asked for, a run starts when none is under way, and steps release words
that are there.
"""

from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from ...formal import Held, Spec


class PageStreamSpec(Spec):
    """No page is asked for without room for all of it, no word is lost, and ``there`` is right."""

    def elaborate(self, platform):
        m, dut = Module(), self.dut
        m.domains += self.sync
        m.submodules.dut = dut.elaborate(platform)  # now, so that its state can be named below
        m.d.comb += [port.eq(AnySeq(len(port))) for port in (
            self.sync.rst, dut.stop, dut.first, dut.pages, dut.i)]
        taken = dut.request.valid & dut.request.ready
        come = dut.write.enable

        # Words of the ring: asked for and not released; of these, written; and still needed.
        asked, written = Signal(range(dut.ring + 1)), Signal(range(dut.ring + 1))
        lacking, brought = Signal(signed(16)), Signal(range(2 * dut.ring + 1))
        left, page = Signal(dut.page_bits + 1), Signal(dut.page_bits)
        under_way = Signal(range(dut.ring * dut.ratio + 1))  # words of the memory
        released = Mux(dut.following, dut.releases, 0)
        m.d.sync += [asked.eq(asked + Mux(taken, dut.page, 0) - released),
                     written.eq(written + come - released),
                     brought.eq(brought + Mux(dut.following, dut.brings, 0) - released),
                     lacking.eq(lacking + Mux(dut.following, dut.brings, 0) - come),
                     under_way.eq(under_way + Mux(taken, dut.words, 0) - dut.i_valid),
                     left.eq(left - taken), page.eq(page + taken)]
        with m.If(dut.stop):
            m.d.sync += left.eq(0)
        with m.If(dut.start):
            m.d.sync += [asked.eq(0), written.eq(0), brought.eq(dut.brings),
                         lacking.eq(dut.brings), left.eq(dut.pages), page.eq(dut.first)]
        brings, releases = AnySeq(len(dut.brings)), AnySeq(len(dut.releases))
        held = Mux(dut.start, 0, brought - released)
        m.d.comb += [
            dut.i_valid.eq(AnySeq(1) & (under_way != 0)),
            dut.start.eq(AnySeq(1) & (under_way == 0) & ~come),
            dut.following.eq(AnySeq(1) & ~dut.start),
            dut.request.ready.eq(AnySeq(1) & ~dut.start),
            dut.releases.eq(Mux((releases <= written) & (releases <= brought), releases, 0)),
            dut.brings.eq(Mux(held + brings <= dut.most, brings, 0))]

        offer = Cat(dut.request.valid, dut.request.payload)
        waits = dut.request.valid & ~dut.request.ready & ~dut.stop & ~dut.start & ~self.sync.rst
        Held(m)("request", waits, offer)
        with m.If(dut.request.valid):
            m.d.comb += [Assert(asked + dut.page <= dut.ring), Assert(left != 0),
                         Assert(dut.request.p.page == page)]
        m.d.comb += [Assert(dut.there == (lacking <= 0)), Assert(written <= asked),
                     Assert(asked <= dut.ring), Assert(~dut.request.p.write)]

        # The parts of a word are written together, each word behind the one before.
        parts, part = Signal(len(dut.write.data)), Signal(range(dut.ratio + 1))
        address, complete = Signal(range(dut.ring)), Signal()
        m.d.sync += complete.eq(dut.i_valid & (part == dut.ratio - 1))
        with m.If(dut.i_valid):
            m.d.sync += [parts.eq(Cat(parts, dut.i)[dut.width:]),
                         part.eq(Mux(part == dut.ratio - 1, 0, part + 1))]
        with m.If(come):
            m.d.sync += address.eq(address + 1)
            m.d.comb += [Assert(dut.write.data == parts), Assert(dut.write.address == address)]
        with m.If(dut.start):
            m.d.sync += [part.eq(0), address.eq(0)]
        m.d.comb += Assert(come == complete)

        # What that is in its registers, for the induction.
        m.d.comb += [Assert(dut.room == dut.ring - dut.page - asked),
                     Assert(dut.lacks == lacking - 1), Assert(dut.left == left),
                     Assert(dut.request.p.page == page), Assert(dut.part == part),
                     Assert(dut.write.data == parts), Assert(dut.write.address == address),
                     Assert(lacking == brought - written),
                     Assert(brought <= dut.most), Assert(part < dut.ratio),
                     Assert(asked * dut.ratio == written * dut.ratio + under_way + part
                            + Mux(come, dut.ratio, 0))]
        return m
