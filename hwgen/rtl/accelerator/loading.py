"""Bytes of activations as weights: rows of a matrix, written into the program memory."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..primitives.pipeline import later
from ..step import PARAMETER_WORDS, Descriptor

__all__ = ["WeightLoader"]


class WeightLoader(wiring.Component):
    """Do a step of mode LOAD: a word of activations a cycle, as a step of mode MATRIX reads them.

    A transposed matrix is turned in squares: rows of one leave it as vectors of the next one come.

    Parameters
    ----------
    rows, columns : int
        Of the array.
    words : int
        Of the program memory.
    size, address_bits : int
        Bytes of the memory of activations, and bits of its addresses.
    fetching : int
        Cycles from an address of it to its bytes.
    settling : int
        Cycles until a word that is written can be read.

    Members
    -------
    descriptor : In(Descriptor)
    start : In(1)
    reads : Out(1), read_address : Out(unsigned), vector : In(8 * max(rows, columns))
        Of the activations, ``fetching`` cycles later.
    address : Out(range(words)), data : Out(8 * columns), write : Out(1)
        Of the program memory.
    busy : Out(1)
        Words may be written.
    done : Out(1)
        All are.
    error, fetch_error : Out(1)
        A word would have been written outside the program memory, or was to be read outside the
        activations. Nothing follows.
    """

    descriptor: Any
    start: Value
    reads: Value
    read_address: Value
    vector: Value
    address: Value
    data: Value
    write: Value
    busy: Value
    done: Value
    error: Value
    fetch_error: Value
    upwards: Signal

    def __init__(self, rows: int, columns: int, words: int, *, size: int, address_bits: int,
                 fetching: int, settling: int) -> None:
        self.rows = rows
        self.columns = columns
        self.words = words
        self.size = size
        self.address_bits = address_bits
        self.fetching = fetching
        self.settling = settling
        super().__init__({
            "descriptor": In(Descriptor), "start": In(1),
            "reads": Out(1), "read_address": Out(address_bits),
            "vector": In(8 * max(rows, columns)),
            "address": Out(range(max(words, 2))), "data": Out(8 * columns), "write": Out(1),
            "busy": Out(1), "done": Out(1), "error": Out(1), "fetch_error": Out(1),
        })

    @property
    def side(self) -> int:
        """Of the square in which a block of a transposed matrix turns."""
        return max(self.rows, self.columns)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d, turned = self.descriptor, Signal(reset_less=True)
        m.d.sync += turned.eq(d.column.any())
        row, opening = Signal(range(self.side), reset_less=True), Signal()
        last = row == Mux(turned, self.side - 1, self.rows - 1)
        missed = self._read(m, turned, last)
        # What turns comes a block later.
        with m.If(self.reads):
            m.d.sync += row.eq(Mux(last, 0, row + 1))
            with m.If(last):
                m.d.sync += opening.eq(0)
        with m.If(self.start):
            m.d.sync += [row.eq(0), opening.eq(1), self.reads.eq(1)]
        writes = self.reads & ~(turned & opening)
        valid = writes & (row < self.rows)
        place, matrix, final = self._place(m, writes, valid, last)
        beyond = valid & (place >= self.words)
        ends = writes & last & final
        with m.If(self.reads & (ends | missed | beyond)):
            m.d.sync += self.reads.eq(0)
        wrong = later(m, Cat(missed, beyond), 1, "wrong", reset=True)
        m.d.comb += [self.fetch_error.eq(wrong[0]),
                     self.error.eq(later(m, wrong[1], 1, "late", reset=True))]

        right = ~beyond & ~missed
        come = later(m, Cat(valid & right, ends & right, self.reads & turned), self.fetching,
                     "come", reset=True)
        turns = self._turn(m, come[2], later(m, self.upwards, self.fetching, "upwards"))
        found = Mux(turned, turns, self.vector[:8 * self.columns])
        bytes_ = Mux(later(m, matrix, self.fetching, "matrix"), found,
                     d.slots[8:].replicate(self.columns))
        m.d.sync += [self.write.eq(come[0]), self.data.eq(bytes_),
                     self.address.eq(later(m, place, self.fetching, "places"))]
        m.d.comb += self.done.eq(later(m, come[1], self.settling + 1, "settled", reset=True))
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.done):
            m.d.sync += self.busy.eq(0)
        return m

    def _read(self, m: Module, turned: Value, last: Value) -> Value:
        """Say from where a vector is read, and return whether it is outside the memory.

        Blocks follow one another down the matrix, or along it if it is transposed, tile by tile.
        """
        d, width = self.descriptor, self.address_bits + 3
        here, block, tile, step = (Signal(signed(width), name=name, reset_less=True)
                                   for name in ("here", "block", "tile", "step"))
        tiles, pieces, left, rest = (Signal(16, name=name, reset_less=True)
                                     for name in ("tiles", "pieces", "left", "rest"))
        over = Signal()  # all has been read
        self.upwards = Signal()
        below = (here + d.row_step_bytes)[:width]
        m.d.sync += step.eq(Mux(turned, d.row_step_bytes * self.columns, self.columns))
        last_piece = pieces == 1
        with m.If(self.reads):
            m.d.sync += [here.eq(below), left.eq(left - left.any())]
            with m.If(last):
                following = Mux(last_piece, tile + step, block + self.rows)
                fewer = Mux(rest > self.columns, rest - self.columns, 0)
                m.d.sync += [block.eq(following), pieces.eq(Mux(last_piece, d.y, pieces - 1)),
                             here.eq(Mux(turned | last_piece, following, below)),
                             self.upwards.eq(~self.upwards)]
                with m.If(turned):
                    m.d.sync += left.eq(Mux(last_piece, fewer, rest))
                with m.If(last_piece):
                    m.d.sync += [tile.eq(tile + step), tiles.eq(tiles - 1), rest.eq(fewer)]
                    with m.If(~turned):
                        m.d.sync += left.eq(d.height)
                    with m.If(tiles == 1):
                        m.d.sync += over.eq(1)
        count = Mux(turned, d.column, d.height)
        with m.If(self.start):
            m.d.sync += [here.eq(d.base), block.eq(d.base), tile.eq(d.base), left.eq(count),
                         rest.eq(count), tiles.eq(d.x), pieces.eq(d.y), over.eq(0)]
        m.d.comb += self.read_address.eq(here)
        return self.reads & left.any() & ~over & (here[-1] | (here[:-1] >= self.size))

    def _place(self, m: Module, writes: Value, valid: Value,
               last: Value) -> tuple[Value, Value, Value]:
        """Return to which word a row goes, if the matrix has it, and if its block is the last one.

        The last row of a block is its first word. Behind the first block there are parameters.
        """
        d = self.descriptor
        block, place = (Signal(range(4 * self.words), name=name, reset_less=True)
                        for name in ("first", "place"))
        tiles, pieces, left = (Signal(16, name=f"{name}_written", reset_less=True)
                               for name in ("tiles", "pieces", "left"))
        opening, last_piece = Signal(name="first_block"), pieces == 1
        following = block + self.rows + Mux(opening, PARAMETER_WORDS, 0)
        with m.If(valid):
            m.d.sync += [left.eq(left - left.any()), place.eq(place - 1)]
        with m.If(writes & last):
            m.d.sync += [block.eq(following), place.eq(following + self.rows - 1), opening.eq(0),
                         pieces.eq(Mux(last_piece, d.y, pieces - 1))]
            with m.If(last_piece):
                m.d.sync += [left.eq(d.height), tiles.eq(tiles - 1)]
        with m.If(self.start):
            m.d.sync += [left.eq(d.height), tiles.eq(d.x), pieces.eq(d.y), opening.eq(1),
                         block.eq(d.program), place.eq(d.program + self.rows - 1)]
        return place, left.any(), last_piece & (tiles == 1)

    def _turn(self, m: Module, moves: Value, upwards: Value) -> Value:
        """Return the rows of the block before, while the vectors of one come, which are columns.

        In every other block vectors enter below and rows leave above; in the others these enter on
        the right, and leave on the left.
        """
        side = self.side
        cells = [[Signal(8, name=f"cell_{y}_{x}", reset_less=True) for x in range(side)]
                 for y in range(side)]
        bytes_ = [self.vector.word_select(index, 8) if 8 * index < len(self.vector) else Const(0, 8)
                  for index in range(side)]
        with m.If(moves):
            for y, line in enumerate(cells):
                for x, cell in enumerate(line):
                    below = cells[y + 1][x] if y + 1 < side else bytes_[x]
                    right = line[x + 1] if x + 1 < side else bytes_[y]
                    m.d.sync += cell.eq(Mux(upwards, below, right))
        above, left = Cat(cells[0][:self.columns]), Cat(line[0] for line in cells[:self.columns])
        return Mux(upwards, above, left)
