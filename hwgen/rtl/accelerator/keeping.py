"""Bytes that the lanes keep for the step behind, which adds them to others before the lanes."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...arch.joining import UNIT
from .. import primitives
from ..primitives.pipeline import later
from ..step import KeepingDescriptor, Tag
from .store import Store

__all__ = ["EARLY", "Keeping", "TableMaker", "connect_keeping"]

SUM = 32
SCALED = 29
"""Bits of one that has."""
PRODUCT = 40
"""Bits of a byte less a zero point times 31 bits."""
FRACTION = 11
"""Bits of that product behind the point."""
AHEAD = 3
"""Cycles that the early tag is ahead of the tag."""
TOGETHER = 4
"""Columns whose bytes share a memory, and so one place on the chip."""
EARLY = 16
"""Words of a table that are not there yet when a step begins that reads it."""


class TableMaker(wiring.Component):
    """Scale all bytes: ``(x - zero_point) << 20``, requantised as in a lane that rounds twice.

    The products are sums: of the zero point first, then one byte after the other, around the end.

    Members
    -------
    start : In(1)
    multiplier : In(31), shift : In(4), zero_point : In(8)
        From the cycle before ``start`` until two behind it.
    making : Out(1)
        From the cycle behind ``start`` on, but for the last :data:`EARLY` words.
    write : Out(1), address : Out(8), word : Out(signed(29))
        :attr:`latency` cycles behind ``start``, and in the 255 cycles that follow.
    """

    start: Value
    multiplier: Value
    shift: Value
    zero_point: Value
    making: Value
    write: Value
    address: Value
    word: Value

    latency = 6
    interval = 256

    def __init__(self) -> None:
        super().__init__({
            "start": In(1), "multiplier": In(31), "shift": In(4), "zero_point": In(8),
            "making": Out(1), "write": Out(1), "address": Out(8), "word": Out(signed(SCALED)),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = signed(PRODUCT)
        active, starts = Signal(), later(m, self.start, 1, "starts", reset=True)
        multiplier = Signal(31, reset_less=True)
        back = Signal(shape, reset_less=True)  # from 127 to -128
        m.d.sync += back.eq(multiplier - (multiplier << 8))
        shift, half, less = (Signal(4, reset_less=True), Signal(15, reset_less=True),
                             Signal(15, reset_less=True))
        some = self.shift.any()
        # The next descriptor may be read before the last word is made.
        with m.If(~active & ~starts & ~self.write):
            m.d.sync += [
                multiplier.eq(self.multiplier),
                shift.eq(self.shift), half.eq((Const(1, 16) << self.shift)[1:]),
                less.eq(Mux(some, (Const(1, 16) << self.shift)[1:] - 1, 0))]

        left, byte = Signal(8, reset_less=True), Signal(8, reset_less=True)
        product, addend = Signal(shape, reset_less=True), Signal(shape, reset_less=True)
        m.d.sync += [left.eq(left - 1), byte.eq(byte + 1), product.eq(product + addend),
                     addend.eq(Mux(byte == 126, back, multiplier))]
        with m.If(left == 0):
            m.d.sync += active.eq(0)
        with m.If(left == EARLY):
            m.d.sync += self.making.eq(0)
        with m.If(starts):
            m.d.sync += [active.eq(1), left.eq(255), byte.eq(self.zero_point), product.eq(0),
                         addend.eq(Mux(self.zero_point == 127, back, multiplier))]
        with m.If(self.start):
            m.d.sync += self.making.eq(1)

        rounded, nudged, coarse, fine = (Signal(signed(SCALED), name=name, reset_less=True) for name
                                         in ("rounded", "nudged", "coarse", "fine"))
        m.d.sync += [
            rounded.eq(product[FRACTION:].as_signed() + product[FRACTION - 1]),
            nudged.eq(rounded + Mux(rounded < 0, less, half)),
            coarse.eq(nudged >> (shift & 0b1100)),
            fine.eq(coarse >> shift[:2]),
        ]
        m.d.comb += [
            self.write.eq(later(m, active, 4, "active", reset=True)),
            self.address.eq(later(m, byte, 4, "byte")), self.word.eq(fine),
        ]
        return m


class Keeping(wiring.Component):
    """Stand between accumulators and lanes: keep what comes of these, and join it with sums.

    In a step with ``joined`` a sum is a byte, and what goes to the lanes is the sum of that and of
    the next byte that was kept, both scaled, :attr:`latency` cycles later. In other steps sums pass
    at once.

    Parameters
    ----------
    columns, lanes : int
    vectors : int
        That it has room for.
    family : str

    Members
    -------
    descriptor : In(KeepingDescriptor)
    tag : In(Tag), tag_early : In(Tag), sums : In(ArrayLayout(signed(32), columns))
        From the accumulators.
    o_tag : Out(Tag), o_tag_early : Out(Tag), o : Out(ArrayLayout(signed(32), columns))
        To the lanes.
    hides : Out(1)
        What the store writes is kept instead.
    kept_valid : In(1), kept_group : In(range(interval)), kept : In(8 * lanes)
        From the lanes.
    write : In(1), address : In(8), word : In(signed(29))
        Of a table of scaled bytes.
    """

    descriptor: Any
    tag: Any
    tag_early: Any
    sums: Any
    o_tag: Any
    o_tag_early: Any
    o: Any
    hides: Value
    kept_valid: Value
    kept_group: Value
    kept: Value
    write: Value
    address: Value
    word: Value

    latency = 7

    def __init__(self, columns: int, lanes: int, vectors: int, family: str = "generic") -> None:
        self.columns = columns
        self.lanes = lanes
        self.vectors = vectors
        self.family = family
        vector = data.ArrayLayout(signed(SUM), columns)
        super().__init__({
            "descriptor": In(KeepingDescriptor),
            "tag": In(Tag), "tag_early": In(Tag), "sums": In(vector),
            "o_tag": Out(Tag), "o_tag_early": Out(Tag), "o": Out(vector),
            "kept_valid": In(1), "kept_group": In(range(max(self.interval, 2))),
            "kept": In(8 * lanes), "hides": Out(1),
            "write": In(1), "address": In(8), "word": In(signed(SCALED)),
        })

    @property
    def interval(self) -> int:
        """Cycles of a vector in the lanes."""
        return -(-self.columns // self.lanes)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        arrives = self.tag.value & self.tag.last
        # The descriptor is that of what comes from the lanes.
        m.d.comb += self.hides.eq(later(m, d.kept, Store.latency, "hides"))
        joined = Signal(reset_less=True)
        m.d.sync += joined.eq(d.joined)
        early = Value.cast(self.tag_early)
        late = later(m, early, self.latency, "late", reset=True)
        before, later_before = (later(m, tag, AHEAD - 1, name, reset=True)
                                for tag, name in ((early, "before"), (late, "later_before")))
        m.d.comb += Value.cast(self.o_tag_early).eq(Mux(joined, late, early))
        m.d.sync += Value.cast(self.o_tag).eq(Mux(joined, later_before, before))

        vector, write, place = self._collect(m, arrives)
        following = Signal(range(self.vectors))
        with m.If(arrives):
            m.d.sync += following.eq(Mux(joined, self._next(following), 0))
        table = Cat(self.write, self.address, self.word)
        for low in range(0, self.columns, TOGETHER):
            self._join_columns(m, platform, low, vector, Cat(write, place), following, table)
        return m

    def _next(self, place: Value) -> Value:
        """Return the place behind one."""
        return Mux(place == self.vectors - 1, 0, place + 1)

    def _collect(self, m: Module, arrives: Value) -> tuple[Value, Value, Value]:
        """Return a vector from the lanes, whether it shall be kept, and where."""
        d = self.descriptor
        vector = Signal(8 * self.columns, reset_less=True)
        for c in range(self.columns):
            index, lane = divmod(c, self.lanes)
            with m.If(self.kept_group == index):
                m.d.sync += vector.word_select(c, 8).eq(self.kept.word_select(lane, 8))
        write, place = Signal(), Signal(range(self.vectors))
        m.d.sync += write.eq(self.kept_valid & (self.kept_group == self.interval - 1) & d.kept)
        with m.If(write):
            m.d.sync += place.eq(self._next(place))
        with m.If(arrives & ~d.kept):
            m.d.sync += place.eq(0)
        return vector, write, place

    def _join_columns(self, m: Module, platform: object, low: int, vector: Value, keeping: Value,
                      following: Value, table: Value) -> None:
        """Join the columns from ``low`` on whose bytes share a memory."""
        columns = range(low, min(low + TOGETHER, self.columns))
        rows = primitives.add_ram(m, platform, f"kept_{low}", self.family, 8 * len(columns),
                                  self.vectors)

        def near(value: Value, name: str) -> Value:
            return primitives.local_register(m, self.family, value, f"{name}_{low}")

        kind = Cat(self.descriptor.taps_y_step_bytes[-1], self.descriptor.joined)
        # Cycle 0: sums; 1: beside the memory; 3: a kept byte; 4: which is scaled; 6: scaled;
        # 7: joined.
        m.d.comb += [
            Cat(rows.write, rows.write_address).eq(near(keeping, "keeping")),
            rows.write_data.eq(later(m, vector[8 * low:8 * columns.stop], 1, f"vector_{low}")),
            rows.read_address.eq(near(following, "following")),
        ]
        here = near(table, "table")
        written, address, word = here[0], here[1:9], here[9:]
        for c in columns:
            of_kept, joined = near(kind, f"joined_{c}")
            kept = rows.read_data.word_select(c - low, 8)
            read = later(m, self.sums[c][:8], 3, f"read_{c}")
            words = primitives.add_ram(m, platform, f"scaled_{c}", self.family, SCALED, 256)
            other = later(m, Mux(of_kept, read, kept), 3, f"other_{c}")
            m.d.comb += [
                words.write.eq(written), words.write_address.eq(address),
                words.write_data.eq(word),
                words.read_address.eq(later(m, Mux(of_kept, kept, read), 1, f"byte_{c}")),
            ]
            scaled = words.read_data
            high = Signal(signed(SCALED - UNIT + 1), name=f"high_{c}", reset_less=True)
            m.d.sync += high.eq(scaled[UNIT:].as_signed() + other.as_signed())
            total = Cat(later(m, scaled[:UNIT], 1, f"low_{c}"), high).as_signed()
            m.d.comb += self.o[c].eq(Mux(joined, total, self.sums[c]))


def connect_keeping(m: Module, accelerator: Any, keeping: Keeping, tables: TableMaker) -> None:
    """Connect what lies between accumulators and lanes, and what makes tables for it."""
    post, d = accelerator.post, accelerator.sequencer.descriptor
    m.d.comb += [
        keeping.tag.eq(accelerator.accumulators.o_tag),
        keeping.tag_early.eq(accelerator.accumulators.o_tag_early),
        keeping.sums.eq(accelerator.accumulators.o),
        keeping.kept_valid.eq(post.o_valid), keeping.kept_group.eq(post.o_group),
        keeping.kept.eq(post.o),
        tables.multiplier.eq(d.taps_y_step_bytes), tables.zero_point.eq(d.taps_y_step),
        tables.shift.eq(d.taps_y_step >> 8),
        keeping.write.eq(tables.write), keeping.address.eq(tables.address),
        keeping.word.eq(tables.word),
    ]
