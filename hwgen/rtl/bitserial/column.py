"""A column of the bit-serial array: its weights in planes, and the dot product with a vector."""

from typing import Any

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...arch.formats import GROUP
from ..primitives.pipeline import later
from ..primitives.popcount import PopulationCount, levels

__all__ = ["Column", "Control", "column_latency"]

Control = data.StructLayout({
    "valid": 1,      # a pair of planes comes
    "first": 1,      # the sum begins anew
    "doubles": 1,    # it counts twice from here on
    "negative": 1,   # what is counted is subtracted
})
"""What is to be done with a pair of planes."""


def column_latency(rows: int) -> int:
    """Return the latency of a :class:`Column` of so many rows."""
    return 2 + levels(rows)


class Column(wiring.Component):
    """Keep the weights of two tiles, and sum up products of a vector, pair of planes by pair.

    Pairs come by falling weight, and the sum doubles where the weight becomes half. So it is
    always in units of what came last, and needs no shifter in the end, however many bits there
    are: :class:`.bitplane.BitPlane`, whose pairs rise, would need one of all widths in each column.

    Parameters
    ----------
    rows : int
        Lanes.
    depth : int
        Planes that are kept, of both tiles together.
    width : int
        Bits of a sum.
    family : str
        FPGA family to count for.

    Members
    -------
    word : In(8), store : In(groups), store_at : In(unsigned)
        Bits of a plane, of those eight rows whose bit of ``store`` is set.
    read_at : In(unsigned), ones : In(1)
        Which plane of weights, or whether one of all ones, meets
    plane : In(rows), control : In(Control)
        the plane of activations that comes a cycle later, together with its ``control``.
    o : Out(signed(width))
        The sum with a pair, :attr:`latency` cycles after its plane of activations.
    """

    word: Value
    store: Value
    store_at: Value
    read_at: Value
    ones: Value
    plane: Value
    control: Any
    o: Value

    interval = 1

    def __init__(self, rows: int, depth: int, width: int, family: str) -> None:
        self.rows = rows
        self.width = width
        self.family = family
        self.groups = -(-rows // GROUP)
        self.depth = depth
        super().__init__({
            "word": In(GROUP), "store": In(self.groups), "store_at": In(range(self.depth)),
            "read_at": In(range(self.depth)), "ones": In(1), "plane": In(rows),
            "control": In(Control), "o": Out(signed(width)),
        })

    @property
    def latency(self) -> int:
        """Cycles from a plane of activations to the sum."""
        return column_latency(self.rows)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.count = count = PopulationCount(self.rows, "and", self.family)
        weights = Signal(self.rows, reset_less=True)
        # Memories of a few bits and words, which are LUTs where a family's LUTs can be memories.
        for group in range(self.groups):
            bits = slice(group * GROUP, min((group + 1) * GROUP, self.rows))
            rows: memory.Memory = memory.Memory(shape=bits.stop - bits.start, depth=self.depth,
                                                init=[])
            m.submodules[f"planes_{group}"] = rows
            write, read = rows.write_port(), rows.read_port(domain="comb")
            m.d.comb += [write.addr.eq(self.store_at), write.data.eq(self.word),
                         write.en.eq(self.store[group]), read.addr.eq(self.read_at)]
            m.d.sync += weights[bits].eq(read.data)
        with m.If(self.ones):
            m.d.sync += weights.eq(-1)

        late = later(m, self.control, count.latency - 1, "control", reset=True)
        m.d.comb += [count.a.eq(self.plane), count.b.eq(weights),
                     count.complement.eq(late.negative)]
        late = later(m, late, 1, "counted", reset=True)
        number = Cat(count.o, late.negative).as_signed()
        total = Signal(signed(self.width), reset_less=True)
        kept = Signal(signed(self.width))
        m.d.comb += kept.eq(Mux(late.first, 0, Mux(late.doubles, total << 1, total)))
        # The lowest bit makes a carry of the bit, in the chain that adds the rest.
        added = Signal(signed(self.width + 1))
        m.d.comb += added.eq(Cat(count.one, kept).as_signed()
                             + Cat(Const(1, 1), number).as_signed())
        with m.If(late.valid):
            m.d.sync += total.eq(added[1:])
        m.d.comb += self.o.eq(total)
        return m
