"""Play vectors to units that take a piece of each every cycle, in Python's own simulator."""

from amaranth import *
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert

from hwgen.rtl.dot.pieces import Piece

from ...bench import simulate

__all__ = ["PiecesSpec", "sums"]


def sums(dut, work):
    """Return the sums of vectors, each given as its pieces, which must come at the right cycles."""
    found, due = [], []

    async def testbench(ctx):
        cycle = 0
        for pieces in [*work, [None] * (dut.latency + 1)]:
            for index, piece in enumerate(pieces):
                for name, value in (piece or {}).items():
                    ctx.set(Value.cast(getattr(dut, name)), value)
                ctx.set(dut.tag, {"valid": piece is not None, "last": index == len(pieces) - 1})
                if ctx.get(dut.o_valid):
                    found.append((cycle, ctx.get(dut.o)))
                await ctx.tick()
                cycle += 1
            due.append(cycle - 1 + dut.latency)

    simulate(dut, testbench, budget=100_000)
    assert [cycle for cycle, _ in found] == due[:-1]
    return [value for _, value in found]


class PiecesSpec(Elaboratable):
    """Two pieces of free numbers: the sum must be what ``exact`` says, in its cycle, and stay.

    Parameters
    ----------
    dut
        The unit.
    drive : function of module and a function ``free``
        Returns the values of ports for a piece, and its dot product; ``free(shape)`` is any number.
    """

    def __init__(self, dut, drive):
        self.dut = dut
        self.drive = drive
        self.sync = ClockDomain("sync")

    @property
    def depth(self):
        """Cycles to look at."""
        return self.dut.latency + 4

    def elaborate(self, platform):
        m = Module()
        m.domains += self.sync
        m.submodules.dut = dut = self.dut
        m.d.comb += self.sync.rst.eq(0)
        cycle = Signal(8)
        m.d.sync += cycle.eq(cycle + 1)

        def free(shape):
            number = Signal(shape)
            m.d.comb += Value.cast(number).eq(AnyConst(len(Value.cast(number))))
            return number

        exact = C(0)
        for index in range(2):
            ports, dot = self.drive(m, free)
            exact = exact + dot
            with m.If(cycle == index):
                m.d.comb += [Value.cast(getattr(dut, name)).eq(value)
                             for name, value in ports.items()]
                m.d.comb += dut.tag.eq(Piece.const({"valid": 1, "last": index}))
        due = 1 + dut.latency
        m.d.comb += Assert(dut.o_valid == (cycle == due))
        with m.If(cycle >= due):
            m.d.comb += Assert(dut.o == exact)
        return m
