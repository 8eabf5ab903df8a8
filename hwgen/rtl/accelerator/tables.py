"""Tables behind the lanes: functions of one byte."""

from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...arch.steps import TABLE_BYTES
from .. import primitives
from ..primitives.library import place
from ..primitives.pipeline import later
from ..step import TableDescriptor

__all__ = ["Tables", "read_bytes"]


class Tables(wiring.Component):
    """Replace bytes of the lanes by those of a table, and fill tables with words of the program.

    Each two lanes share a memory that holds all tables. A step says which table its bytes go
    through; they come :attr:`latency` cycles later whether they do or not. Tables are numbered from
    1 on, modulo the power of two that holds them. No bytes may come while one is filled, which
    takes :meth:`cycles`, from ``start`` to ``done``.

    Parameters
    ----------
    columns : int
        Bytes of a word.
    lanes : int
    count : int
        Tables.
    words : int
        Of the program memory.
    reading : int
        Cycles from an address to its word.
    family : str
        FPGA family.
    quick : bool
        Without the registers that only a fast clock needs.

    Members
    -------
    descriptor : In(TableDescriptor)
        In use in the cycle in which bytes come. Its ``program`` is inside the memory.
    bytes : In(8 * lanes), o : Out(8 * lanes)
    start : In(1)
        Of a step that fills a table.
    address : Out(range(words)), word : In(8 * columns)
        ``reading`` cycles later.
    busy : Out(1)
        Words are read.
    done : Out(1)
        The table is there.
    error : Out(1)
        It does not lie inside the memory. Nothing follows.
    """

    descriptor: Any
    bytes: Value
    o: Value
    start: Value
    address: Value
    word: Value
    busy: Value
    done: Value
    error: Value

    interval = 1

    def __init__(self, columns: int, lanes: int, count: int, words: int, reading: int,
                 family: str = "generic", *, quick: bool = False) -> None:
        self.columns = columns
        self.lanes = lanes
        self.count = count
        self.words = words
        self.reading = reading
        self.family = family
        self.quick = quick
        super().__init__({
            "descriptor": In(TableDescriptor), "bytes": In(8 * lanes), "o": Out(8 * lanes),
            "start": In(1), "address": Out(range(max(words, 2))), "word": In(8 * columns),
            "busy": Out(1), "done": Out(1), "error": Out(1),
        })

    @property
    def latency(self) -> int:
        """Cycles from bytes to those that replace them."""
        return 1 if self.quick else 4

    @property
    def cycles(self) -> int:
        """Cycles from ``start`` to ``done``."""
        return TABLE_BYTES + self.reading + 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        table = self.descriptor.table
        written = self._fill(m, table[:ceil_log2(self.count)])
        beside = 0 if self.quick else 1  # the memory
        used = later(m, table.any(), self.latency - beside, "used")
        kind = primitives.twin_ram(self.family, quick=self.quick)
        depth = TABLE_BYTES << ceil_log2(self.count)
        for low in range(0, self.lanes, 2):
            lanes = range(low, min(low + 2, self.lanes))
            ram: Any = place(m, platform, f"table_{low}", kind, 8, depth, quick=self.quick)
            here = primitives.local_register(m, self.family, written, f"written_{low}")
            m.d.comb += Cat(ram.write_data, ram.write_address, ram.write).eq(here)
            for port, lane in enumerate(lanes):
                byte = later(m, self.bytes.word_select(lane, 8), beside, f"byte_{lane}")
                plain = later(m, byte, self.latency - 2 * beside, f"plain_{lane}")
                index = later(m, table[:ceil_log2(self.count)], beside, f"index_{lane}")
                chosen = Mux(used, ram.read_data[port], plain)
                m.d.comb += [
                    ram.read_address[port].eq(Cat(byte, index)),
                    self.o.word_select(lane, 8).eq(later(m, chosen, beside, f"chosen_{lane}")),
                ]
        return m

    def _fill(self, m: Module, index: Value) -> Value:
        """Read a table, and return each byte with its address and whether it is one."""
        byte, at, write = read_bytes(m, self, TABLE_BYTES)
        m.d.sync += self.done.eq(write & at.all())
        return Cat(byte, at, index, write)


def read_bytes(m: Module, unit: Any, count: int) -> tuple[Value, Value, Value]:
    """Read words of the program, and return each byte with its number and whether it is one.

    A word comes into a register, and its bytes go out of that one by one. So many of them, a power
    of two, begin with the ``program`` of the ``unit``'s descriptor, behind its ``start``; it has
    ``address``, ``word``, ``busy`` and ``error``, as :class:`Tables` has.
    """
    needed, first = -(-count // unit.columns), unit.descriptor.program
    fits, begins = Signal(), Signal()
    m.d.comb += [fits.eq(first[:len(unit.address)] + needed <= unit.words),
                 begins.eq(unit.start & fits)]
    turn, left = Signal(range(unit.columns)), Signal(range(count))
    last = turn == unit.columns - 1
    m.d.sync += [unit.error.eq(unit.start & ~fits), left.eq(left - 1),
                 turn.eq(Mux(last, 0, turn + 1)), unit.address.eq(unit.address + last)]
    with m.If(left == 0):
        m.d.sync += unit.busy.eq(0)
    with m.If(begins):
        m.d.sync += [unit.busy.eq(1), left.eq(count - 1), turn.eq(0),
                     unit.address.eq(first)]
    bytes_, at = Signal(8 * unit.columns, reset_less=True), Signal(range(count))
    with m.If(later(m, turn == 0, unit.reading, "comes")):
        m.d.sync += bytes_.eq(unit.word)
    with m.Else():
        m.d.sync += bytes_.eq(bytes_ >> 8)
    write = later(m, unit.busy, unit.reading + 1, "write", reset=True)
    with m.If(write):
        m.d.sync += at.eq(at + 1)
    return bytes_[:8], at, write
