# amaranth: UnusedElaboratable=no
"""The sparse engine: multiplies what is not zero by what is not zero."""

from typing import Any

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives.library import place
from ..primitives.pipeline import later
from .lane import FLUSH, SUM, Lane, LaneMemory
from .nonzero import NonZeros

__all__ = ["LaneMemory", "Sparse"]

QUIET = FLUSH - 3
"""Cycles in which no lane may have been seen busy before sums are read: three are in registers."""


class Sparse(wiring.Component):
    """Multiply vectors of activations by a compressed matrix, from which zeros are absent.

    Row r of the matrix belongs to lane ``r % lanes``. An input is the vectors up to one that is
    marked ``last``. Each of its activations that is not the zero point is sent to all lanes, one a
    cycle, as long as none of their FIFOs is full; each lane reads its entries of that column, one a
    cycle, and adds them up, times the activation less the zero point. When all are through, the
    sums come out, a vector of those of all lanes a cycle, rows ascending, the last one marked
    ``last``; meanwhile they are cleared. :class:`hwgen.golden.sparse.engine.Sparse` says in which
    cycle. Both streams may wait at any time.

    After a reset the sums are cleared first, which takes ``slots`` cycles; the memories keep what
    they have. Entries, pointers and codebook are written through ``weights``, at any time in which
    no column that they belong to is at work.

    Parameters
    ----------
    lanes, slots : int
        Lanes, and the rows of each.
    columns, entries : int
        Columns, and entries of a lane.
    width : int
        Activations of a vector.
    depth : int
        Columns that may wait in front of each lane.
    index_bits, value_bits, codebook
        See :class:`hwgen.rtl.sparse.decoder.Decoder`.
    family : str
        FPGA family.

    Members
    -------
    weights : In(stream.Signature(StructLayout))
        ``data`` for ``lane``, its memory ``part`` and ``address`` there: of an entry; of pointer n,
        ``n // 2`` in the memory of its parity; of a weight in the codebook. Always ready.
    activations : In(stream.Signature(StructLayout))
        ``vector``, ``last``.
    zero_point : In(signed(8)), first : In(range(columns)), last_slot : In(range(slots))
        Zero point of the activations, column of an input's first one, and the last slot that has
        a row: entries of rows behind it add nothing. Constant from an input's first vector to its
        last sums.
    o : Out(stream.Signature(StructLayout))
        ``sums``, ``last``.
    """

    weights: Any
    activations: Any
    zero_point: Value
    first: Value
    last_slot: Value
    o: Any

    latency = NonZeros.latency + QUIET + 4
    """Fewest cycles from an input's last vector to its first sums: where no lane is busy."""
    interval = 1
    """Cycles between the vectors of sums of an input."""

    def __init__(self, lanes: int, slots: int, columns: int, entries: int, *, width: int = 16,
                 depth: int = 8, index_bits: int = 4, value_bits: int = 8,
                 codebook: bool = False, family: str = "generic") -> None:
        for name, value in (("Lanes", lanes), ("Slots", slots), ("Columns", columns),
                            ("Entries", entries), ("Width", width), ("Depth", depth)):
            if not isinstance(value, int) or value < 1:
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
        if family not in primitives.FAMILIES:
            raise ValueError(f"Family must be one of {primitives.FAMILIES}, not {family!r}")
        self.lanes = lanes
        self.slots = slots
        self.columns = columns
        self.entries = entries
        self.width = width
        self.depth = depth
        self.family = family
        self.options: dict[str, Any] = {
            "index_bits": index_bits, "value_bits": value_bits, "codebook": codebook,
            "depth": depth, "family": family}
        lane = Lane(slots, columns, entries, **self.options)
        nonzeros = NonZeros(width, columns)
        load = {name: field.shape for name, field in lane.load_layout if name != "write"}
        super().__init__({
            "weights": In(stream.Signature(data.StructLayout({"lane": range(lanes), **load}))),
            "activations": In(stream.Signature(nonzeros.i.p.shape())),
            "zero_point": In(signed(8)), "first": In(range(max(columns, 2))),
            "last_slot": In(range(max(slots, 2))),
            "o": Out(stream.Signature(data.StructLayout(
                {"sums": data.ArrayLayout(signed(SUM), lanes), "last": 1}))),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        nonzeros = place(m, platform, "nonzeros", NonZeros, self.width, self.columns)
        lanes = [place(m, platform, f"lane_{n}", Lane, self.slots, self.columns, self.entries,
                       **self.options) for n in range(self.lanes)]
        wiring.connect(m, wiring.flipped(self.activations), nonzeros.i)
        m.d.comb += [nonzeros.zero_point.eq(self.zero_point), nonzeros.first.eq(self.first),
                     self.weights.ready.eq(1)]

        run, send, end = Signal(), Signal(), Signal()
        read, slot = Signal(), Signal(range(max(self.slots, 2)))
        free = Cat(lane.column.ready for lane in lanes).all()
        found = nonzeros.o
        m.d.comb += [
            found.ready.eq(run & (free | ~found.p.some)),
            send.eq(found.valid & found.ready & found.p.some),
            end.eq(found.valid & found.ready & found.p.last),
        ]
        self._connect_lanes(m, lanes, found.p, send, read, slot)
        busy, quiet = Signal(), Signal(range(QUIET + 1))
        m.d.sync += busy.eq(Cat(lane.busy for lane in lanes).any())

        shown, shown_last = Signal(), Signal(reset_less=True)
        moves = ~self.o.valid | self.o.ready
        with m.If(moves):
            m.d.sync += [self.o.valid.eq(shown), self.o.p.last.eq(shown_last),
                         self.o.p.sums.eq(Cat(lane.sum for lane in lanes))]
        # An offer must not change while it waits, so that nothing is read before it has gone.
        with m.FSM(init="CLEAR"):
            with m.State("CLEAR"):
                m.d.comb += read.eq(1)
                m.d.sync += slot.eq(slot + 1)
                with m.If(slot == self.slots - 1):
                    m.d.sync += slot.eq(0)
                    m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += run.eq(1)
                m.d.sync += quiet.eq(0)
                with m.If(end):
                    m.next = "WAIT"
            with m.State("WAIT"):
                m.d.sync += quiet.eq(Mux(busy, 0, quiet + 1))
                with m.If(quiet == QUIET):
                    m.next = "READ"
            with m.State("READ"):
                m.d.comb += read.eq((~shown | moves) & ~(shown & shown_last))
                with m.If(~shown | moves):
                    m.d.sync += [shown.eq(read), shown_last.eq(slot == self.last_slot),
                                 slot.eq(slot + 1)]
                    with m.If(shown & shown_last):
                        m.d.sync += slot.eq(0)
                        m.next = "RUN"
        return m

    def _connect_lanes(self, m: Module, lanes: list[Any], found: Any, send: Value, read: Value,
                       slot: Value) -> None:
        """Send all lanes what was found, read the same slot of each, and load one of them."""
        loaded = later(m, self.weights.p, 1, "loaded")
        written = later(m, self.weights.valid, 1, "written", reset=True)
        for n, lane in enumerate(lanes):
            m.d.comb += [
                lane.column.p.index.eq(found.index), lane.column.p.value.eq(found.value),
                lane.column.valid.eq(send), lane.read.eq(read), lane.slot.eq(slot),
                lane.last_slot.eq(self.last_slot),
                lane.load.part.eq(loaded.part), lane.load.address.eq(loaded.address),
                lane.load.data.eq(loaded.data),
                lane.load.write.eq(written & (loaded.lane == n)),
            ]
