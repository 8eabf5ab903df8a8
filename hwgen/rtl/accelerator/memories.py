"""The accelerator's memories: their ports, and that of bytes at any address."""

from collections.abc import Iterator, Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...arch.codes import Code
from .. import primitives
from ..primitives import ecp5_rams
from ..primitives.codes import decode, encode
from ..primitives.library import place
from ..primitives.pipeline import later, rotate

__all__ = ["ByteMemory", "byte_ports", "word_ports"]


def banks_of(window: int) -> int:
    """Return the banks of a :class:`ByteMemory`: two at least, as a window is rotated."""
    return 1 << ceil_log2(max(window, 2))


def byte_ports(size: int, window: int) -> dict[str, Any]:
    """Return the ports of a :class:`ByteMemory`."""
    banks = banks_of(window)
    width = ceil_log2(-(-size // banks)) + ceil_log2(banks)
    return {
        "read_address": In(width), "read_data": Out(8 * window),
        "write_address": In(width), "write_data": In(8 * window), "write_mask": In(window),
    }


def word_ports(width: int, depth: int, granularity: int) -> dict[str, Any]:
    """Return the ports of a :class:`.word_memory.WordMemory`."""
    return {
        "address": In(range(max(depth, 2))), "read_data": Out(width),
        "write_data": In(width), "write_mask": In(-(-width // granularity)),
    }


class ByteMemory(wiring.Component):
    """Bytes, of which any ``window`` neighbours can be read, and others written, in every cycle.

    The bytes lie in banks, neighbours in neighbouring banks, and each bank has an address of its
    own. What is read and written in the same cycle must not overlap. Addresses count modulo the
    size, rounded up to a power of two.

    Parameters
    ----------
    size : int
        Bytes.
    window : int
        Bytes read, and written, at once.
    family, device
        FPGA family, and chip if it is known.
    taken : list of str
        Places of block RAMs that another memory has: see :func:`primitives.rams`.
    protect : str
        Which :class:`Code` each byte has.

    Members
    -------
    read_address : In(unsigned)
    read_data : Out(8 * window)
        :attr:`read_latency` cycles later.
    write_address : In(unsigned)
    write_data : In(8 * window)
    write_mask : In(window)
        Which bytes are written.
    corrected, detected : Out(window)
        If bytes have a code: which of those that are read were corrected, and which are wrong.
    """

    read_address: Value
    read_data: Value
    write_address: Value
    write_data: Value
    write_mask: Value
    corrected: Value
    detected: Value

    interval = 1

    def __init__(self, size: int, window: int, family: str = "generic",
                 device: str | None = None, taken: Sequence[str] = (), protect: str = "none",
                 ) -> None:
        self.size = size
        self.window = window
        self.protect = protect
        self.code = Code.of(protect, 8)
        self.family = family
        self.device = device
        self.taken = list(taken)
        self.banks = banks_of(window)
        self.depth = -(-size // self.banks)
        super().__init__(byte_ports(size, window) | (
            {"corrected": Out(window), "detected": Out(window)} if self.code else {}))

    @property
    def turns(self) -> int:
        """Cycles to rotate a window."""
        return (ceil_log2(self.banks) + 1) // 2

    @property
    def read_latency(self) -> int:
        """Cycles from an address to its bytes."""
        return 5 + self.turns

    @property
    def latency(self) -> int:
        """As :attr:`read_latency`."""
        return self.read_latency

    @property
    def write_latency(self) -> int:
        """Cycles from a write until a read may ask for the bytes."""
        return 3 + self.turns

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low = ceil_log2(self.banks)
        late_address = later(m, self.write_address, self.turns, "write_address")
        read_rows = self._rows(m, self.read_address, "read")
        write_rows = self._rows(m, late_address, "write")
        offset = later(m, self.read_address[:low], 4, "read_offset")
        zeros = [Const(0, 9)] * (self.banks - self.window)
        written = later(m, self.write_data, 1, "data")
        mask = later(m, self.write_mask, 1, "mask")
        lanes: list[Value] = [Cat(written.word_select(i, 8), mask[i]) for i in range(self.window)]

        def near(value: Value, name: str) -> Value:
            return primitives.local_register(m, self.family, value, name)

        lanes = rotate(m, [*lanes, *zeros], self.write_address[:low], "written", left=False,
                       near=near)
        words: list[Value] = []
        width = self.code.size if self.code else 8
        depths = ecp5_rams.depths(self.family, width, self.depth)
        kinds = iter(primitives.rams(self.family, self.device, [
            (width, depth) for _ in range(self.banks) for depth in depths], self.taken))
        for bank in range(self.banks):
            lane = lanes[bank]
            if self.code:
                lane = Cat(encode(self.code, lane[:8]), lane[8])
            lane = later(m, lane, 1, f"lane_{bank}")
            read = self._place_bank(m, platform, bank, depths, kinds, read_rows[bank],
                                    write_rows[bank], lane)
            if self.code:
                read = Cat(decode(m, self.code, read, f"bank_{bank}"))
            words.append(later(m, read, 1, f"word_{bank}"))
        words = rotate(m, words, offset, "read", left=True, near=near)
        m.d.comb += self.read_data.eq(Cat(word[:8] for word in words[:self.window]))
        if self.code:
            m.d.comb += [self.corrected.eq(Cat(word[8] for word in words[:self.window])),
                         self.detected.eq(Cat(word[9] for word in words[:self.window]))]
        return m

    def _place_bank(self, m: Module, platform: object, bank: int, depths: list[int],
                    kinds: Iterator[Any], read_row: Value, write_row: Value, lane: Value) -> Value:
        """Add the memories of a bank, of such depths, and return the word that is read.

        ``lane`` is what is written, and whether it is.
        """
        words: list[Value] = []
        low = (depths[0] - 1).bit_length()  # upper bits of a row tell the memory
        for index, depth in enumerate(depths):
            kind, options = next(kinds)
            ram = place(m, platform, f"bank_{bank}" + f"_{index}" * (index > 0), kind,
                        len(lane) - 1, depth, **options)
            here = lane[-1] & (write_row[low:] == index) if len(depths) > 1 else lane[-1]
            m.d.comb += [
                ram.read_address.eq(read_row), ram.write_address.eq(write_row),
                ram.write_data.eq(lane[:-1]), ram.write.eq(here),
            ]
            words.append(ram.read_data)
        if len(words) == 1:
            return words[0]
        # As the words, it comes two cycles later.
        shown = later(m, read_row[low:], 2, f"shown_{bank}")
        return Value.cast(data.ArrayLayout(len(lane) - 1, len(words))(Cat(words))[shown])

    def _rows(self, m: Module, address: Value, name: str) -> list[Value]:
        """Return each bank's own address, two cycles later: those before the window are a row on.

        Both rows are made first, so that only a choice is left to be made beside each bank.
        """
        low = ceil_log2(self.banks)
        row, following = (Signal(range(self.depth), name=f"{name}_{which}", reset_less=True)
                          for which in ("row", "next_row"))
        behind = Signal(self.banks, name=f"{name}_behind", reset_less=True)
        m.d.sync += [row.eq(address[low:]), following.eq(address[low:] + 1),
                     behind.eq(Cat(address[:low] > bank for bank in range(self.banks)))]
        rows: list[Value] = []
        for bank in range(self.banks):
            own = Mux(behind[bank], following, row)
            rows.append(primitives.local_register(m, self.family, own, f"{name}_row_{bank}"))
        return rows
