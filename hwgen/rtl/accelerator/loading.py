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
    reads : Out(1), read_address : Out(unsigned), vector : In(8 * columns)
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

    writes = False
    """Activations."""

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
            "reads": Out(1), "read_address": Out(address_bits), "vector": In(8 * columns),
            "address": Out(range(max(words, 2))), "data": Out(8 * columns), "write": Out(1),
            "busy": Out(1), "done": Out(1), "error": Out(1), "fetch_error": Out(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor
        width = self.address_bits + 3
        here, tile = (Signal(signed(width), name=name, reset_less=True)
                      for name in ("here", "tile"))
        block, place = (Signal(range(4 * self.words), name=name, reset_less=True)
                        for name in ("block", "place"))
        row = Signal(range(self.rows), reset_less=True)
        tiles, pieces, left = (Signal(16, name=name, reset_less=True)
                               for name in ("tiles", "pieces", "left"))
        opening = Signal()  # the first block, behind which there are parameters
        last, last_piece = row == self.rows - 1, pieces == 1
        # A row is a word of the program; those behind the last row of the matrix are its zero.
        inside, final = left.any(), last & last_piece & (tiles == 1)
        following = block + self.rows + Mux(opening, PARAMETER_WORDS, 0)
        with m.If(self.reads):
            m.d.sync += [here.eq(here + d.row_step_bytes), left.eq(left - inside),
                         row.eq(Mux(last, 0, row + 1)), place.eq(place - 1)]
            with m.If(last):
                m.d.sync += [block.eq(following), place.eq(following + self.rows - 1),
                             opening.eq(0), pieces.eq(Mux(last_piece, d.y, pieces - 1))]
                with m.If(last_piece):
                    m.d.sync += [tile.eq(tile + d.x_step), here.eq(tile + d.x_step),
                                 left.eq(d.height), tiles.eq(tiles - 1)]
        missed = inside & (here[-1] | (here[:-1] >= self.size))
        beyond = place >= self.words
        with m.If(self.reads & (final | missed | beyond)):
            m.d.sync += self.reads.eq(0)
        with m.If(self.start):
            m.d.sync += [
                self.reads.eq(1), here.eq(d.base), tile.eq(d.base), left.eq(d.height),
                row.eq(0), tiles.eq(d.x), pieces.eq(d.y), opening.eq(1), block.eq(d.program),
                place.eq(d.program + self.rows - 1)]
        wrong = later(m, Cat(self.reads & missed, self.reads & beyond), 1, "wrong", reset=True)
        m.d.comb += [self.read_address.eq(here), self.fetch_error.eq(wrong[0]),
                     self.error.eq(later(m, wrong[1], 1, "late", reset=True))]

        come: Any = later(m, Cat(self.reads & ~beyond & ~missed, final & ~beyond & ~missed),
                          self.fetching, "come", reset=True)
        bytes_ = Mux(later(m, inside, self.fetching, "inside"), self.vector,
                     d.slots[8:].replicate(self.columns))
        m.d.sync += [self.write.eq(come[0]), self.data.eq(bytes_),
                     self.address.eq(later(m, place, self.fetching, "places"))]
        ends = later(m, come[0] & come[1], 1, "ends", reset=True)
        m.d.comb += self.done.eq(later(m, ends, self.settling, "settled", reset=True))
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.done):
            m.d.sync += self.busy.eq(0)
        return m
