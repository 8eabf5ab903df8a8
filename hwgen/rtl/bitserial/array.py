"""The bit-serial array: weights stay in planes, activations become planes on the fly."""

from typing import Any

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...arch.formats import GROUP, MOST_BITS
from .. import primitives
from ..primitives.library import place
from ..primitives.pipeline import later
from ..systolic.systolic import Kind
from .column import Column, Windows, column_latency
from .pairs import FORMAT, Pairs

__all__ = ["FORMAT", "BitSerial"]

TOGETHER = 4
"""Columns that share the registers of a plane."""


class BitSerial(wiring.Component):
    """Multiply vectors of activations by a matrix of weights, both of 1 to 8 bits.

    A tile is a matrix of ``rows`` x ``columns`` weights and the vectors that it multiplies, and how
    many bits both have is said with them. Its weights are transferred on ``weights``, plane by
    plane (:meth:`hwgen.arch.formats.Format.to_words`), while the tile before is computed. Its
    vectors are transferred on ``activations``, the last one marked ``last``; the first one waits
    until the weights are complete. Both streams may pause at any time. Vectors of one tile may
    differ in their format.

    A vector takes as many cycles as there are pairs of a plane of its activations and one of the
    weights, which is one where both have one bit; the next one may follow without a pause. Its
    sums are on ``o``, valid for one cycle, exactly so many cycles and :attr:`latency` more after
    its transfer.

    Parameters
    ----------
    rows : int
        Activations of a vector, at least 2.
    columns : int
        Sums of a vector.
    weight_bits : int
        Bits of a weight at most, 1 to 8.
    lines : int
        Pixels that a column takes with a vector of its own; 0 leaves that path out. Their square is
        no more than the rows.
    family : str
        FPGA family to count for.

    Members
    -------
    activations : In(stream.Signature(StructLayout(...)))
        ``vector``: a byte for each row, of which the lowest bits count; ``format`` of them, which
        is not BIPOLAR; ``last``: the tile ends here. With lines also ``kind`` and ``pixels``:
        a vector of kind DEPTHWISE is each column's own, of its pixels that came last, with 0 in
        the rows behind them; one of kind PRIME brings pixels, takes a cycle, and gives no sums.
    weights : In(stream.Signature(StructLayout(...)))
        ``word``: a byte for each column, and the ``format`` of the tile's weights.
    o : Out(Signature({"valid": 1, "payload": ArrayLayout(sums, columns)}))
        A sum for each column. It cannot wait: a consumer that is busy must stall the activations.
    ending : Out(1)
        Sums will be on ``o`` :attr:`latency` cycles later: for those who need time to be ready.
    """

    activations: stream.Interface
    weights: stream.Interface
    o: Any
    ending: Value

    interval = 1
    """Cycles between vectors of sums at best: where both sides have one bit."""

    def __init__(self, rows: int, columns: int, *, weight_bits: int = MOST_BITS,
                 family: str = "generic", lines: int = 0) -> None:
        for name, value, least in (("Rows", rows, 2), ("Columns", columns, 1)):
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer of at least {least}, not {value!r}")
        if weight_bits not in range(1, MOST_BITS + 1):
            raise ValueError(f"Weight bits must be from 1 to {MOST_BITS}, not {weight_bits!r}")
        if family not in primitives.FAMILIES:
            raise ValueError(f"Family must be one of {primitives.FAMILIES}, not {family!r}")
        if not isinstance(lines, int) or not 0 <= lines * lines <= rows:
            raise ValueError(f"Lines must be an integer whose square is no more than the {rows} "
                             f"rows, not {lines!r}")
        self.rows = rows
        self.lines = lines
        self.columns = columns
        self.weight_bits = weight_bits
        self.family = family
        self.groups = -(-rows // GROUP)
        most = rows * ((1 << MOST_BITS) - 1) * ((1 << weight_bits) - 1)
        self.sums = Shape(most.bit_length() + 1, True)
        vector: dict[str, Any] = {"vector": data.ArrayLayout(MOST_BITS, rows), "last": 1,
                                  "format": FORMAT}
        if lines:
            vector |= {"kind": Kind, "pixels": data.ArrayLayout(MOST_BITS * columns, lines)}
        super().__init__({
            "activations": In(stream.Signature(data.StructLayout(vector))),
            "weights": In(stream.Signature(data.StructLayout({
                "word": data.ArrayLayout(GROUP, columns), "format": FORMAT}))),
            "o": Out(wiring.Signature({"valid": Out(1),
                                       "payload": Out(data.ArrayLayout(self.sums, columns))})),
            "ending": Out(1),
        })

    @property
    def _column(self) -> tuple[int, int, int, str]:
        """What a column is made with."""
        return (self.rows, 2 << ceil_log2(self.weight_bits), self.sums.width, self.family)

    @property
    def latency(self) -> int:
        """Cycles from a vector's transfer to its sums, besides one for each pair of planes."""
        return Pairs.latency + column_latency(self.rows)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pairs = pairs = Pairs(self.rows, self.lines ** 2)
        store, store_at, in_use = self._tiles(m, pairs)
        read_at = Cat(pairs.weight_plane[:ceil_log2(self.weight_bits)], in_use)
        windows = self._windows(m, pairs) if self.lines else None
        sums: list[Value] = []
        for first in range(0, self.columns, TOGETHER):
            # What all columns get comes from registers beside each few of them.
            shared = {name: primitives.local_register(m, self.family, Value.cast(value),
                                                      f"{name}_{first}")
                      for name, value in (("store", store), ("store_at", store_at),
                                          ("read_at", read_at), ("ones", pairs.ones),
                                          ("plane", pairs.plane), ("control", pairs.control))}
            near = windows.near(m, first) if windows else {}
            for column in range(first, min(first + TOGETHER, self.columns)):
                unit = place(m, platform, f"column_{column}", Column, *self._column)
                word = Signal(GROUP, name=f"word_{column}", reset_less=True)
                m.d.sync += word.eq(self.weights.p.word[column])
                m.d.comb += [unit.word.eq(word), *(Value.cast(getattr(unit, name)).eq(value)
                                                   for name, value in shared.items()
                                                   if name != "plane" or not windows)]
                if windows:
                    own = windows.add(m, column, self.activations.p.pixels, near)
                    m.d.comb += unit.plane.eq(Cat(own, shared["plane"][len(own):]))
                sums.append(unit.o)
        m.d.comb += [Value.cast(self.o.payload).eq(Cat(sums)), self.ending.eq(pairs.last),
                     self.o.valid.eq(later(m, pairs.last, self.latency, "produces", reset=True))]
        return m

    def _windows(self, m: Module, pairs: Pairs) -> Windows:
        """Return the windows; only a vector of the kind DEPTHWISE is one."""
        activations, own = self.activations, Signal()
        with m.If(pairs.take):
            m.d.sync += own.eq(activations.p.kind == Kind.DEPTHWISE)
        m.d.comb += pairs.own.eq(own)
        shift = activations.valid & activations.ready & (activations.p.kind != Kind.MATRIX)
        return Windows(self.lines, self.family, shift, own, pairs.activation_plane, pairs.plane)

    def _tiles(self, m: Module, pairs: Pairs) -> tuple[Value, Value, Value]:
        """Answer the streams.

        Return to which rows a word of weights goes, and where, and which half of the planes is in
        use: the other one is that of the next tile.
        """
        activations, weights = self.activations, self.weights
        fresh = Signal(init=1)  # the next vector begins a tile
        full = Signal()         # all weights of the next tile are there
        in_use = Signal()
        plane, group = Signal(3), Signal(range(max(self.groups, 2)))
        coming: Any = Signal(FORMAT, reset_less=True)
        present: Any = Signal(FORMAT, reset_less=True)
        accept, start, load = Signal(), Signal(), Signal()
        m.d.comb += [
            activations.ready.eq(pairs.ready & (~fresh | full)),
            accept.eq(activations.valid & activations.ready),
            start.eq(accept & fresh),
            # The last pair of the tile before has read its planes by the time a word gets there.
            weights.ready.eq(~full | start),
            load.eq(weights.valid & weights.ready),
            pairs.take.eq(accept & (activations.p.kind != Kind.PRIME) if self.lines else accept),
            pairs.vector.eq(Value.cast(activations.p.vector)),
            pairs.a.eq(activations.p.format),
            pairs.w.eq(Mux(fresh, Value.cast(coming), Value.cast(present))),
        ]
        with m.If(accept):
            m.d.sync += fresh.eq(activations.p.last)
        with m.If(start):
            m.d.sync += [in_use.eq(~in_use), present.eq(coming)]
        with m.If(load):
            end_of_plane = group == self.groups - 1
            complete = end_of_plane & (plane == weights.p.format.bits)
            m.d.sync += [group.eq(Mux(end_of_plane, 0, group + 1)), full.eq(complete),
                         coming.eq(weights.p.format)]
            with m.If(end_of_plane):
                m.d.sync += plane.eq(Mux(complete, 0, plane + 1))
        with m.Elif(start):
            m.d.sync += full.eq(0)
        store = load.replicate(self.groups) & (1 << group)
        return (store, Cat(plane[:ceil_log2(self.weight_bits)], in_use ^ ~start), in_use)
