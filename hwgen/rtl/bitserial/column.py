"""A column of the bit-serial array: its weights in planes, the dot product, pixels of its own."""

from typing import Any

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...arch.formats import GROUP, MOST_BITS
from .. import primitives
from ..primitives.pipeline import later
from ..primitives.popcount import PopulationCount, levels

__all__ = ["Column", "Control", "Windows", "column_latency"]

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


class Windows:
    """Pixels of one channel for each column, and planes of them in place of the shared vector's.

    A pixel of each line comes at a time, and the last ``lines`` of them are kept: the newest one
    first, line by line, they are what the first ``lines ** 2`` rows of a column multiply.

    Parameters
    ----------
    lines : int
    family : str
        FPGA family.
    shift : Value
        A pixel of each line comes.
    own : Value
        The vector that is multiplied is that of each column, a cycle after it came.
    at : Value
        Which plane of it is next.
    plane : Value
        That of the shared vector, a cycle later.
    """

    def __init__(self, lines: int, family: str, shift: Value, own: Value, at: Value,
                 plane: Value) -> None:
        self.lines = lines
        self.family = family
        self.shared = {"shift": shift, "own": own, "at": at}
        self.plane = plane

    def near(self, m: Module, first: int) -> dict[str, Value]:
        """Return what a few columns share, in registers beside the first of them."""
        return {name: primitives.local_register(m, self.family, value, f"window_{name}_{first}")
                for name, value in self.shared.items()}

    def add(self, m: Module, column: int, pixels: Any, near: dict[str, Value]) -> Value:
        """Return the plane that a column multiplies, two cycles after ``at``."""
        kept: list[Value] = []
        for line in range(self.lines):
            before: Value = Signal(MOST_BITS, name=f"pixel_{column}_{line}", reset_less=True)
            m.d.sync += before.eq(pixels[line].word_select(column, MOST_BITS))
            for tap in range(self.lines):
                pixel = Signal(MOST_BITS, name=f"tap_{column}_{line}_{tap}", reset_less=True)
                with m.If(near["shift"]):
                    m.d.sync += pixel.eq(before)
                kept.append(pixel)
                before = pixel
        chosen = Signal(len(kept), name=f"window_plane_{column}", reset_less=True)
        m.d.sync += chosen.eq(Cat(
            Mux(near["own"], pixel.bit_select(near["at"], 1), self.plane[row])
            for row, pixel in enumerate(kept)))
        return chosen
