"""A lane of the sparse engine: fetches a column's entries, multiplies them, and adds them up."""

from typing import Any

from amaranth import *
from amaranth.lib import data, enum, fifo, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives.library import place
from ..primitives.pipeline import later
from .decoder import Decoder

__all__ = ["ACTIVATION", "FLUSH", "SUM", "Lane", "LaneMemory"]

SUM = 32
"""Bits of a sum: as in the reference, it wraps."""
ACTIVATION = 9
"""Bits of an activation less its zero point."""
FETCH = 2
"""Cycles from an entry's address to the decoder."""
FLUSH = FETCH + Decoder.latency + primitives.LATENCY + 4
"""Cycles from an entry's address until its sum can be read."""


class LaneMemory(enum.Enum, shape=2):
    """The memories of a lane."""

    ENTRIES = 0
    EVEN = 1
    ODD = 2
    BOOK = 3


class Lane(wiring.Component):
    """Add a column's entries, each times the column's activation, to the sums of their rows.

    Columns wait in a FIFO. Two pointer memories, one of the even and one of the odd pointers, say
    in one cycle where a column begins and ends; that of the next column is known before the
    entries of this one are through, so that an entry goes out every cycle. A column without entries
    goes by itself meanwhile. Behind the entries' addresses nothing waits.

    A sum is read, put into a register, added to and written; one that is still on its way is taken
    from there, so that entries of the same row may follow one another in every cycle.

    Parameters
    ----------
    slots : int
        Rows, and sums.
    columns, entries : int
        Columns, and entries of all of them.
    index_bits, value_bits, codebook
        See :class:`hwgen.rtl.sparse.decoder.Decoder`.
    depth : int
        Columns that may wait.
    family : str
        FPGA family.

    Members
    -------
    column : In(stream.Signature(StructLayout))
        ``index``, and ``value``, the activation less its zero point.
    last_slot : In(range(slots))
        Entries of rows behind it add nothing: nobody would read their sums, or clear them.
    busy : Out(1)
        There are columns here, or entries to be read.
    load : In(StructLayout)
        ``data`` is written into ``part`` at ``address`` in a cycle with ``write``.
    read : In(1), slot : In(range(slots))
        Show and clear a sum, once it is :data:`FLUSH` cycles that the lane was busy.
    sum : Out(signed(32))
        In the next cycle, and until the next ``read``.
    """

    column: Any
    last_slot: Value
    busy: Value
    load: Any
    read: Value
    slot: Value
    sum: Value

    latency = 5 + FLUSH
    """Fewest cycles from a column to a sum with its product: of one entry, in an idle lane."""
    interval = 1
    """Cycles between columns at best: where each has one entry."""

    def __init__(self, slots: int, columns: int, entries: int, *, index_bits: int = 4,
                 value_bits: int = 8, codebook: bool = False, depth: int = 8,
                 family: str = "generic") -> None:
        self.slots = slots
        self.columns = columns
        self.entries = entries
        self.index_bits = index_bits
        self.value_bits = value_bits
        self.codebook = codebook
        self.depth = depth
        self.family = family
        super().__init__({
            "column": In(stream.Signature(data.StructLayout(
                {"index": range(max(columns, 2)), "value": signed(ACTIVATION)}))),
            "last_slot": In(range(max(slots, 2))), "busy": Out(1), "load": In(self.load_layout),
            "read": In(1), "slot": In(range(max(slots, 2))), "sum": Out(signed(SUM)),
        })

    @property
    def load_layout(self) -> data.StructLayout:
        """What is written into the memories."""
        address = max(self.entries, self.columns // 2 + 1, 1 << self.value_bits)
        return data.StructLayout({
            "part": LaneMemory, "address": range(address), "write": 1,
            "data": max(self.index_bits + self.value_bits, self.entries.bit_length(), 8)})

    def _ram(self, m: Module, name: str, width: int, depth: int, part: LaneMemory,
             ) -> tuple[Value, Value, Value]:
        """Add a memory that is loaded; return its address, whether it reads, and what it read."""
        rows: memory.Memory = memory.Memory(shape=width, depth=depth, init=[],
                                            attrs=primitives.UNCHECKED)
        m.submodules[name] = rows
        write, read = rows.write_port(), rows.read_port()
        m.d.comb += [write.addr.eq(self.load.address), write.data.eq(self.load.data),
                     write.en.eq(self.load.write & (self.load.part == part))]
        return read.addr, read.en, read.data

    def elaborate(self, platform: object) -> Module:
        m = Module()
        entry, activation, fetched, last = self._fetch(m)
        decoder = place(m, platform, "decoder", Decoder, self.slots, index_bits=self.index_bits,
                        value_bits=self.value_bits, codebook=self.codebook)
        m.d.comb += [
            decoder.i.p.entry.eq(entry), decoder.i.p.some.eq(1), decoder.o.ready.eq(1),
            decoder.i.p.last.eq(later(m, last, FETCH, "last")),
            decoder.i.valid.eq(later(m, fetched, FETCH, "fetched", reset=True)),
        ]
        if self.codebook:
            m.d.comb += [
                decoder.book.value.eq(self.load.address),
                decoder.book.weight.eq(self.load.data[:8].as_signed()),
                decoder.book.write.eq(self.load.write & (self.load.part == LaneMemory.BOOK)),
            ]
        kind = primitives.multiplier(self.family, hard=True)
        multiplier = place(m, platform, "multiplier", kind, signed(ACTIVATION),
                           decoder.o.p.weight.shape())
        m.d.comb += [
            multiplier.a.eq(later(m, activation, FETCH + Decoder.latency, "activation")),
            multiplier.b.eq(decoder.o.p.weight), multiplier.take.eq(1),
        ]
        late = primitives.LATENCY
        adds = decoder.o.valid & decoder.o.p.some & (decoder.o.p.row <= self.last_slot)
        self._accumulate(m, later(m, decoder.o.p.row, late, "row"), multiplier.p,
                         later(m, adds, late, "adds", reset=True))
        return m

    def _fetch(self, m: Module) -> tuple[Value, Value, Value, Value]:
        """Add what turns columns into entries.

        Return an entry, and, :data:`FETCH` cycles before it, its activation, whether there is one
        and whether it is its column's last.
        """
        m.submodules.columns = queue = fifo.SyncFIFO(width=len(Value.cast(self.column.payload)),
                                                     depth=self.depth)
        waiting: Any = self.column.p.shape()(queue.r_data)
        pointer = range(self.entries + 1)
        even_at, even_reads, even = self._ram(
            m, "even", len(Signal(pointer)), self.columns // 2 + 1, LaneMemory.EVEN)
        odd_at, odd_reads, odd = self._ram(
            m, "odd", len(Signal(pointer)), (self.columns + 1) // 2, LaneMemory.ODD)

        # Stages: the pointers are read; they are in registers; entries are read.
        read, known, active = Signal(), Signal(), Signal()
        is_odd = Signal(reset_less=True)
        begin, end = Signal(pointer, reset_less=True), Signal(pointer, reset_less=True)
        at, stop = Signal(range(self.entries), reset_less=True), Signal(range(self.entries),
                                                                        reset_less=True)
        value, value_known, value_active = (
            Signal(signed(ACTIVATION), name=name, reset_less=True)
            for name in ("value_read", "value_known", "value_active"))
        empty, last, pop, move, go = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            empty.eq(begin == end), last.eq(at == stop),
            go.eq(known & (empty | ~active | last)),
            move.eq(read & (~known | go)),
            pop.eq(queue.r_rdy & (~read | move)),
            queue.w_data.eq(self.column.payload), queue.w_en.eq(self.column.valid),
            self.column.ready.eq(queue.w_rdy), queue.r_en.eq(pop),
            even_at.eq((waiting.index + 1) >> 1), odd_at.eq(waiting.index >> 1),
            even_reads.eq(pop), odd_reads.eq(pop),
            self.busy.eq(queue.r_rdy | read | known | active),
        ]
        m.d.sync += [read.eq(pop | (read & ~move)), known.eq(move | (known & ~go))]
        with m.If(pop):
            m.d.sync += [is_odd.eq(waiting.index[0] if len(waiting.index) else 0),
                         value.eq(waiting.value)]
        with m.If(move):
            m.d.sync += [begin.eq(Mux(is_odd, odd, even)), end.eq(Mux(is_odd, even, odd)),
                         value_known.eq(value)]
        with m.If(go & ~empty):
            m.d.sync += [active.eq(1), at.eq(begin), stop.eq(end - 1),
                         value_active.eq(value_known)]
        with m.Else():
            m.d.sync += [active.eq(active & ~last), at.eq(at + 1)]

        entry_at, entry_reads, entry = self._ram(
            m, "entries", self.index_bits + self.value_bits, self.entries, LaneMemory.ENTRIES)
        m.d.comb += [entry_at.eq(at), entry_reads.eq(1)]
        return later(m, entry, FETCH - 1, "entry"), value_active, active, last

    def _accumulate(self, m: Module, row: Value, product: Value, adds: Value) -> None:
        """Add products to the sums of their rows."""
        sums: memory.Memory = memory.Memory(shape=SUM, depth=self.slots, init=[],
                                            attrs=primitives.UNCHECKED)
        m.submodules.sums = sums
        write, read = sums.write_port(), sums.read_port()
        # Cycle 0: a sum is read; 1: into a register; 2: added to; 3: written; 4: the next read
        # finds it. A row's number and whether there is a product go with it.
        rows, some, products = [row], [adds], [product]
        for cycle in range(1, 5):
            rows.append(later(m, rows[-1], 1, f"row_{cycle}"))
            some.append(later(m, some[-1], 1, f"some_{cycle}", reset=True))
            if cycle < 3:
                products.append(later(m, products[-1], 1, f"product_{cycle}"))
        total, before = Signal(signed(SUM), reset_less=True), Signal(signed(SUM), reset_less=True)
        old = Signal(signed(SUM), reset_less=True)

        def follows(cycle: int, distance: int) -> Signal:
            """Return, a cycle later, whether the product ``distance`` ahead has the same row."""
            same = Signal(name=f"same_{cycle}_{distance}", reset_less=True)
            m.d.sync += same.eq((rows[cycle] == rows[cycle + distance]) & some[cycle + distance])
            return same

        two, three, one = follows(0, 2), follows(0, 3), follows(1, 1)
        m.d.sync += [
            old.eq(Mux(two, total, Mux(three, before, read.data.as_signed()))),
            total.eq(Mux(one, total, old) + products[2]),
            before.eq(total),
        ]
        clear = later(m, self.read, 1, "clear", reset=True)
        cleared = later(m, self.slot, 1, "cleared")
        m.d.comb += [
            read.addr.eq(Mux(self.read, self.slot, row)), read.en.eq(self.read | adds),
            write.addr.eq(Mux(clear, cleared, rows[3])), write.data.eq(Mux(clear, 0, total)),
            write.en.eq(clear | some[3]), self.sum.eq(read.data),
        ]
