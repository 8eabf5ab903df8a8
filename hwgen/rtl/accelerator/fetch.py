"""Fetch: from a vector that is due to the bytes that the array, or the accumulators, get."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .. import primitives
from ..primitives.pipeline import later
from ..step import Descriptor, Mode
from .accumulators import Accumulators
from .slots import EVENT

__all__ = ["Fetch"]

RAM_WIDTH = 36
"""Bits that the block RAMs of most chips read at once."""


class Fetch(wiring.Component):
    """Read a vector for every event, and replace what lies outside the image.

    Parameters
    ----------
    window : int
        Bytes of a vector: as many as the array has rows or columns, whichever are more.
    columns : int
        Bytes of a pixel.
    lines : int
        Lines of a depthwise pixel; 0 or 1 needs no line buffer.
    line_pixels : int
        Pixels of a line in the buffer.
    size : int
        Bytes of the memory.
    memory_latency : int
        Cycles that it takes to read.
    family : str
        FPGA family.

    Members
    -------
    descriptor : In(Descriptor)
    event : In(EVENT)
    address : Out(unsigned)
        To the memory.
    bytes : In(8 * window)
        From the memory.
    early : Out(EVENT)
        The event, :attr:`ahead` cycles before
    o : Out(EVENT)
        the event, :attr:`latency` cycles later,
    next_vector, vector : Out(8 * window)
        its bytes, and what they will be in the next cycle,
    pixels : Out(ArrayLayout(8 * columns, lines))
        and, in a depthwise step, those of every line, the newest one last.
    error : Out(1)
        A byte inside the image is outside the memory.
    """

    descriptor: Any
    event: Any
    address: Value
    bytes: Value
    early: Any
    o: Any
    next_vector: Value
    vector: Value
    pixels: Any
    error: Value

    def __init__(self, *, window: int, columns: int, lines: int, line_pixels: int, size: int,
                 memory_latency: int, family: str = "generic") -> None:
        self.window = window
        self.columns = columns
        self.lines = lines
        self.line_pixels = line_pixels
        self.size = size
        self.memory_latency = memory_latency
        self.family = family
        super().__init__({
            "descriptor": In(Descriptor), "event": In(EVENT),
            "address": Out(range(size)), "bytes": In(8 * window),
            "early": Out(EVENT), "o": Out(EVENT), "next_vector": Out(8 * window),
            "vector": Out(8 * window),
            "pixels": Out(data.ArrayLayout(8 * columns, max(lines, 1))),
            "error": Out(1),
        })

    used: Value | None = None
    """Which of ``bytes`` are of a vector, where somebody wants to know."""
    ADDRESSING = 3
    """Cycles from an event to its address."""

    ahead = Accumulators.ahead + 1
    interval = 1
    failing = 7
    """Cycles from an event to its error."""
    holds = 4
    """Cycles for which an event wants the descriptor, but for what replaces bytes."""

    @property
    def padding(self) -> int:
        """Cycles from an event to where its bytes may be replaced."""
        return self.ADDRESSING + self.memory_latency

    @property
    def latency(self) -> int:
        """Cycles from an event to its vector."""
        return self.padding + 2

    def _inside(self, m: Module, offset: Value, row: Value) -> tuple[Value, list[Value]]:
        """Return which bytes of a vector are inside the image, and which lines.

        The lines come two cycles sooner than the bytes.
        """
        d = self.descriptor
        # A byte is inside the image if its row is, and its offset lies within the row: bytes from
        # `before` to `inside`, both of which are told only as far as the window goes.
        signed_size = Shape(len(offset), True)
        before = Signal(signed_size, reset_less=True)
        inside = Signal(signed_size, reset_less=True)
        m.d.sync += [before.eq(-offset), inside.eq(d.row_bytes - offset)]
        rows: list[Value] = []
        for age in reversed(range(max(self.lines, 1))):
            of_line = Signal.like(row, name=f"row_{age}", reset_less=True)
            inside_of = Signal(name=f"inside_{age}", reset_less=True)
            m.d.sync += [of_line.eq(row - age),
                         inside_of.eq((of_line >= 0) & (of_line < d.height))]
            rows.append(inside_of)
        first, end = (Signal(range(self.window + 1), name=name, reset_less=True)
                      for name in ("first", "end"))
        for told, value in ((first, before), (end, inside)):
            beyond = Signal(reset_less=True)
            m.d.sync += [beyond.eq(value > self.window),
                         told.eq(Mux(later(m, value[-1], 1, "negative"), 0,
                                     Mux(beyond, self.window, later(m, value, 1, "told"))))]
        masks = Signal(self.window, reset_less=True)
        row_inside = later(m, rows[-1], 1, "row_inside")
        m.d.sync += masks.eq(Cat((first <= i) & (end > i) & row_inside for i in range(self.window)))
        return masks, rows

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        offset, row, address = self._position(m)
        masks, rows = self._inside(m, offset, row)
        # A vector with nothing inside may be anywhere.
        reading = later(m, self.event.valid & (d.mode != Mode.SUMS), 6, "reading", reset=True)
        outside = Signal(reset_less=True)
        m.d.sync += [outside.eq((address < 0) | (address >= self.size)),
                     self.error.eq(reading & later(m, outside, 2, "outside") & masks[0])]
        m.d.comb += self.address.eq(address)

        # Position: 2 cycles; address: 3 cycles; rows: 4 cycles; masks: 6 cycles.
        before_o = self.latency - self.ahead
        m.d.comb += self.early.eq(later(m, self.event, before_o, "event", reset=True))
        early = later(m, self.early, self.ahead - 3, "next", reset=True)
        masks = later(m, masks, self.memory_latency - 3, "mask")
        if self.used is not None:
            uses = later(m, reading, self.padding - 6, "uses", reset=True)
            m.d.comb += self.used.eq(Mux(uses, masks, 0))
        rows = [later(m, row, self.memory_latency - 1, f"late_{i}") for i, row in enumerate(rows)]
        newest = Signal(8 * self.window, reset_less=True)
        m.d.comb += self.next_vector.eq(newest)
        m.d.sync += newest.eq(Cat(
            Mux(masks[i], self.bytes.word_select(i, 8), d.pad.as_unsigned())
            for i in range(self.window)))
        next_late = later(m, early, 1, "next_late", reset=True)
        late = later(m, next_late, 1, "late", reset=True)
        vector = Signal.like(newest, reset_less=True)
        m.d.sync += [self.o.eq(late), vector.eq(newest)]
        m.d.comb += self.vector.eq(vector)
        pixel = Value.cast(newest)[:8 * self.columns]
        lines = [*self._older_lines(m, platform, next_late, pixel), pixel]
        m.d.comb += Value.cast(self.pixels).eq(self._show_lines(m, lines, rows))
        return m

    def _show_lines(self, m: Module, lines: list[Value], rows: list[Value]) -> Value:
        """Return the pixels of all lines, a cycle later, those outside the image replaced.

        An old line is masked only now: the row below its own may have been outside the image.
        """
        pad = self.descriptor.pad.as_unsigned()
        pixels: Any = Signal(data.ArrayLayout(8 * self.columns, len(lines)), reset_less=True)
        for i, line in enumerate(lines):
            for c in range(self.columns):
                known: Value = Const(1, 1) if i == len(lines) - 1 else primitives.local_register(
                    m, self.family, rows[i], f"shown_{i}_{c}")
                m.d.sync += pixels[i].word_select(c, 8).eq(Mux(known, line.word_select(c, 8), pad))
        return Value.cast(pixels)

    def _position(self, m: Module) -> tuple[Value, Value, Value]:
        """Follow the loops, and return a vector's offset and row, and a cycle later its address."""
        this: Any = Signal(EVENT, name="due")
        m.d.comb += Value.cast(this).eq(primitives.local_register(
            m, self.family, Value.cast(self.event), "this_event"))
        used = self._loops(m, this)
        position: Any = Signal.like(used, name="position", init={}, reset_less=True)
        address = Signal.like(used.base, name="address", reset_less=True)
        m.d.sync += [position.eq(used), address.eq(position.base + position.offset)]
        return position.offset, position.row, address

    def _loops(self, m: Module, event: Any) -> Any:
        """Follow the loops, and return offset, row and base of the vector of an ``event``."""
        d = self.descriptor
        # A pass is long enough for the way of what moves its next one.
        steps = self._steps(m)
        step_piece, step_x, step_y, _ = primitives.local_register(
            m, self.family, Cat(steps), "steps")
        width, places = self._places()
        # Where the next pass begins, and where its loops outside began.
        next_pass: Any = Signal(places, reset_less=True)
        next_y: Any = Signal(places, reset_less=True)
        next_x, next_tile = Signal(width, reset_less=True), Signal(width, reset_less=True)
        # Where the next vector is, and where its row began.
        here: Any = Signal(places, reset_less=True)
        pass_offset = Signal(width, reset_less=True)

        used: Any = Signal(places)
        begin_offset = Signal(width)
        m.d.comb += [
            used.eq(Mux(event.slot, Value.cast(next_pass), Value.cast(here))),
            begin_offset.eq(Mux(event.slot, next_pass.offset, pass_offset)),
        ]
        with m.If(event.valid):
            m.d.sync += [
                pass_offset.eq(begin_offset),
                here.offset.eq(Mux(event.row_end, begin_offset, used.offset + d.x_step)),
                here.row.eq(used.row + Mux(event.row_end, d.row_step, 0)),
                here.base.eq(used.base + Mux(event.row_end, d.row_step_bytes, 0)),
            ]
        idle = Signal(init=1)  # no step: the first pass begins where the descriptor says
        with m.If(event.valid):
            m.d.sync += idle.eq(event.last & event.tag.tile_end & event.tag.final)
        begins, begins_next = Signal(), idle & ~event.valid
        m.d.sync += begins.eq(begins_next)
        _, on_x, on_y, on_tile = steps
        moves, moves_x, moves_y, moves_tile = primitives.local_register(m, self.family, Cat(
            begins_next | Cat(steps).any(), begins_next | on_x | on_y | on_tile,
            begins_next | on_y | on_tile, begins_next | on_tile), "moves")
        # What a loop moves on to is there long before it does.
        piece, x, tile = (Signal(width, name=f"following_{name}", reset_less=True)
                          for name in ("piece", "x", "tile"))
        y: Any = Signal(places, name="following_y", reset_less=True)
        m.d.sync += [
            piece.eq(next_pass.offset + d.piece_step), x.eq(next_x + d.taps_x_step),
            tile.eq(next_tile + d.tile_step), y.row.eq(next_y.row + d.taps_y_step),
            y.base.eq(next_y.base + d.taps_y_step_bytes)]
        tile_or_first = Mux(begins, d.offset, tile)
        with m.If(moves):
            m.d.sync += next_pass.offset.eq(
                Mux(step_piece, piece, Mux(step_x, x, Mux(step_y, next_tile, tile_or_first))))
        with m.If(moves_x):
            m.d.sync += next_x.eq(Mux(step_x, x, Mux(step_y, next_tile, tile_or_first)))
        with m.If(moves_tile):
            m.d.sync += next_tile.eq(tile_or_first)
        with m.If(moves_y):
            for moved in (next_pass, next_y):
                m.d.sync += [moved.row.eq(Mux(step_y, y.row, d.row0)),
                             moved.base.eq(Mux(step_y, y.base, d.base))]
        return used

    def _places(self) -> tuple[Shape, data.StructLayout]:
        """Return the shape of offsets and addresses, and what tells where a vector is."""
        width = Shape(len(self.address) + 3, True)
        return width, data.StructLayout({"offset": width, "row": signed(18), "base": width})

    def _steps(self, m: Module) -> tuple[Value, Value, Value, Value]:
        """Return which of the loops outside the pass moves on behind its first vector."""
        slot = self.event.valid & self.event.slot
        inner = ~self.event.piece_last, ~self.event.taps_x_last, ~self.event.taps_y_last
        step_piece, step_x, step_y, step_tile = (Signal(name=f"step_{loop}") for loop in
                                                 ("piece", "x", "y", "tile"))
        m.d.sync += [
            step_piece.eq(slot & inner[0]),
            step_x.eq(slot & ~inner[0] & inner[1]),
            step_y.eq(slot & ~inner[0] & ~inner[1] & inner[2]),
            step_tile.eq(slot & ~inner[0] & ~inner[1] & ~inner[2]),
        ]
        return step_piece, step_x, step_y, step_tile

    def _older_lines(self, m: Module, platform: object, coming: Any, pixel: Value,
                     ) -> list[Value]:
        """Return the pixels above ``pixel``, the oldest line first; store them and ``pixel``.

        ``coming`` is the event of the pixel that comes in the next cycle. A pixel can be read three
        cycles after the one above it was: rows are longer than that. Few columns share a memory, so
        that none of them is far.
        """
        if self.lines < 2:
            return []
        x = Signal(range(self.line_pixels))
        with m.If(self.early.valid):
            m.d.sync += x.eq(Mux(self.early.row_end, 0, x + 1))
        lines: list[list[Value]] = [[] for _ in range(self.lines - 1)]
        together = max(RAM_WIDTH // (8 * len(lines)), 1)
        for low in range(0, self.columns, together):
            bits = slice(8 * low, 8 * min(low + together, self.columns))
            width = bits.stop - bits.start
            rows = primitives.add_ram(m, platform, f"line_buffer_{low}", self.family,
                                      len(lines) * width, self.line_pixels)
            older = rows.read_data
            # The counter is a cycle early, and so are the columns' copies of it here.
            here = primitives.local_register(m, self.family, x, f"x_{low}")
            m.d.comb += [
                rows.read_address.eq(here),
                rows.write_address.eq(later(m, here, 2, f"x_{low}")),
                rows.write_data.eq(Cat(older[width:], pixel[bits])),
                rows.write.eq(primitives.local_register(m, self.family, coming.valid,
                                                        f"write_{low}")),
            ]
            for i, line in enumerate(lines):
                line.append(older[i * width:(i + 1) * width])
        return [Cat(line) for line in lines]
