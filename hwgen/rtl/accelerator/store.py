"""Store: write requantised bytes to where a step wants them."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..primitives.pipeline import later
from ..step import Descriptor, Tag, has_pairs
from .pairs import most_groups, tile_columns

__all__ = ["Store"]


class Store(wiring.Component):
    """Follow the loops of a step, and write each group of bytes that comes.

    Parameters
    ----------
    columns, lanes : int
    size : int
        Bytes of the memory.
    window : int
        Bytes that it takes at once.
    int4_weights : bool
        Whether vectors may have twice as many bytes.

    Members
    -------
    descriptor : In(Descriptor)
    valid : In(1), group : In(unsigned), tag : In(Tag), bytes : In(8 * lanes)
        From the lanes.
    address : Out(range(size)), data : Out(8 * window), mask : Out(window)
        To the memory, :attr:`latency` cycles later.
    done : Out(1)
        The last byte of the step is in the memory.
    error : Out(1)
        A byte would have been written outside; it is not.
    """

    descriptor: Any
    valid: Value
    group: Value
    tag: Any
    bytes: Value
    address: Value
    data: Value
    mask: Value
    done: Value
    error: Value

    latency = 7
    failing = latency
    """Cycles from bytes to their error."""
    holds = 4
    """Cycles for which bytes want the descriptor, from the one behind that in which they come."""
    late = 0
    """Cycles that bytes come behind their tags."""

    def __init__(self, *, columns: int, lanes: int, size: int, window: int,
                 memory_latency: int, int4_weights: bool = False) -> None:
        self.int4_weights = int4_weights
        self.columns = columns
        self.lanes = lanes
        self.size = size
        self.window = window
        self.memory_latency = memory_latency
        super().__init__({
            "descriptor": In(Descriptor),
            "valid": In(1), "group": In(range(max(most_groups(self), 2))), "tag": In(Tag),
            "bytes": In(8 * lanes),
            "address": Out(range(size)), "data": Out(8 * window), "mask": Out(window),
            "done": Out(1), "error": Out(1),
        })

    @property
    def interval(self) -> int:
        """Cycles of a vector: its groups."""
        return -(-self.columns // self.lanes)

    def _ends(self, m: Module) -> Value:
        """Return whether the last group of a vector comes, a cycle late."""
        if not self.int4_weights:
            return later(m, self.valid & (self.group == self.interval - 1), 1, "ends")
        last = Mux(has_pairs(self.descriptor), most_groups(self) - 1, self.interval - 1)
        return later(m, self.valid, 1, "was_valid") & (later(m, self.group, 1, "was") == last)

    def _here(self, m: Module, valid: Value) -> tuple[Value, Value]:
        """Return where the vector goes that is ``valid``, and if it is the step's last one."""
        d, width = self.descriptor, len(self.address) + 2
        idle = Signal(init=1)
        here, row, tile = (Signal(width, name=name, reset_less=True)
                           for name in ("here", "row", "tile"))
        # The last group of a vector that moves on to another pixel, row or column tile, or ends.
        before: Any = later(m, self.tag, 1, "before")
        ends = self._ends(m)
        advance, next_tile, next_row, next_pixel, finish = (
            Signal(name=name) for name in ("advance", "next_tile", "next_row", "next_pixel",
                                           "finish"))
        m.d.sync += [
            advance.eq(ends), next_tile.eq(ends & before.tile_end),
            next_row.eq(ends & ~before.tile_end & before.row_end),
            next_pixel.eq(ends & ~before.tile_end & ~before.row_end),
            finish.eq(ends & before.tile_end & before.final)]
        begins = later(m, idle & ~valid, 1, "begins")
        following = Signal(width, name="following_tile", reset_less=True)
        # Long before it is wanted, but where a step that overlaps begins with a tile of one vector.
        m.d.sync += following.eq(Mux(begins, d.output, tile) + tile_columns(self, d))
        tile_or_first = Mux(next_tile, following, d.output)
        row_or_first = Mux(next_row, row + d.output_row_step, tile_or_first)
        with m.If(begins | advance):
            m.d.sync += here.eq(Mux(next_pixel, here + d.output_x_step, row_or_first))
        with m.If((begins & ~advance) | next_row | next_tile):
            m.d.sync += row.eq(row_or_first)
        with m.If((begins & ~advance) | next_tile):
            m.d.sync += tile.eq(tile_or_first)
        with m.If(valid):
            m.d.sync += idle.eq(finish)
        return here, finish

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d, width = self.descriptor, len(self.address) + 2
        valid = later(m, self.valid, 2, "came", reset=True)
        tag, group = later(m, self.tag, 2, "tag"), later(m, self.group, 2, "group")
        here, finish = self._here(m, valid)

        # Cycle 2: what came; 3: address, and the columns of this group and of those behind it that
        # are written; 4: those of this group; 5: the end; 6: whether that is outside.
        address, end = Signal(width, reset_less=True), Signal(width, reset_less=True)
        whole = tile_columns(self, d)
        columns = Signal(range((1 + self.int4_weights) * self.columns + 1), reset_less=True)
        together = Signal(range(self.lanes + 1), reset_less=True)
        place = later(m, address, 1, "place")
        outside = Signal(reset_less=True)
        m.d.sync += [
            address.eq(here + group * self.lanes),
            columns.eq(Mux(tag.final, d.last_columns, whole)
                       - Mux(valid, group * self.lanes, 0)),
            together.eq(Mux(columns > self.lanes, self.lanes, columns)),
            end.eq(place + together),
        ]
        place = later(m, place, 1, "same_place")
        far = later(m, d.output[width:].any(), 1, "far")
        m.d.sync += outside.eq((place >= self.size) | (end > self.size) | far)
        # Of the last column tile's groups, the last ones may be empty.
        past = later(m, group * self.lanes >= Mux(tag.final, d.last_columns, whole), 4,
                     "past")
        valid = later(m, valid, 4, "valid", reset=True)
        wanted = Signal(self.lanes, reset_less=True)
        m.d.sync += [
            wanted.eq(Cat(later(m, together, 1, "count") > i for i in range(self.lanes))),
            self.error.eq(valid & ~past & outside),
            self.mask.eq(Mux(valid & ~past & ~outside, wanted, 0)),
        ]
        m.d.comb += [self.address.eq(later(m, place, 2, "written_place")),
                     self.data.eq(later(m, self.bytes, self.latency - self.late, "bytes"))]
        m.d.comb += self.done.eq(later(m, finish, self.latency - 2 + self.memory_latency, "finish",
                                       reset=True))
        return m
