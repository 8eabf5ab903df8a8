# amaranth: UnusedElaboratable=no
"""Epochs: a run begins another one, so nothing that asked for it can begin it again."""

import pytest
from amaranth import *
from amaranth.asserts import AnySeq
from amaranth.hdl import Assert

from hwgen.rtl.links.turns import Turns

from ...bench import simulate
from ...formal import Spec, prove


class TurnsSpec(Spec):
    """The epoch is another one after each run and each turn has begun, and else it stays."""

    def elaborate(self, platform):
        m, dut = self.new_module(), self.dut
        m.d.comb += [self.sync.rst.eq(0), dut.start.eq(AnySeq(1)), dut.busy.eq(AnySeq(1)),
                     dut.turn.eq(AnySeq(1)), dut.number.eq(AnySeq(16))]
        begun, epoch = Signal(), Signal.like(dut.epoch)
        turned, number, owner = Signal(), Signal(16), Signal(16)
        m.d.sync += [begun.eq(dut.turn | dut.start & ~dut.busy), epoch.eq(dut.epoch),
                     turned.eq(dut.turn), number.eq(dut.number), owner.eq(dut.owner)]
        m.d.comb += [
            Assert((dut.epoch == (epoch + begun)[:len(epoch)]), "epoch"),
            Assert(dut.owner == Mux(turned, number, owner), "owner"),
        ]
        return m


@pytest.mark.formal
def test_epochs_always(tmp_path):
    prove(TurnsSpec(Turns()), tmp_path, depth=4, always=True)


def test_run_and_turn_at_once():
    """Are one new epoch, not two."""
    dut = Turns()

    async def bench(ctx):
        for start, busy, turn, epoch in ((1, 0, 0, 1), (1, 1, 0, 1), (0, 0, 1, 2), (1, 0, 1, 3),
                                         (1, 1, 1, 4), (0, 1, 0, 4)):
            ctx.set(dut.start, start)
            ctx.set(dut.busy, busy)
            ctx.set(dut.turn, turn)
            ctx.set(dut.number, 40 + epoch)
            await ctx.tick()
            assert ctx.get(dut.epoch) == epoch
        assert ctx.get(dut.owner) == 44

    simulate(dut, bench)
