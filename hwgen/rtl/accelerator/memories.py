"""The accelerator's memories: bytes at any address, and words in banks."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .. import primitives
from ..primitives.generic import SinglePortRam
from ..primitives.library import place
from ..primitives.pipeline import later, rotate

__all__ = ["ByteMemory", "WordMemory", "byte_ports", "word_ports"]

NEAR = 16
"""Bits of a word that share an address of their own."""


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
    """Return the ports of a :class:`WordMemory`."""
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

    Members
    -------
    read_address : In(unsigned)
    read_data : Out(8 * window)
        :attr:`read_latency` cycles later.
    write_address : In(unsigned)
    write_data : In(8 * window)
    write_mask : In(window)
        Which bytes are written.
    """

    read_address: Value
    read_data: Value
    write_address: Value
    write_data: Value
    write_mask: Value

    interval = 1

    def __init__(self, size: int, window: int, family: str = "generic",
                 device: str | None = None, taken: Sequence[str] = ()) -> None:
        self.size = size
        self.window = window
        self.family = family
        self.device = device
        self.taken = list(taken)
        self.banks = banks_of(window)
        self.depth = -(-size // self.banks)
        super().__init__(byte_ports(size, window))

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
        data = later(m, self.write_data, 1, "data")
        mask = later(m, self.write_mask, 1, "mask")
        lanes: list[Value] = [Cat(data.word_select(i, 8), mask[i]) for i in range(self.window)]

        def near(value: Value, name: str) -> Value:
            return primitives.local_register(m, self.family, value, name)

        lanes = rotate(m, [*lanes, *zeros], self.write_address[:low], "written", left=False,
                       near=near)
        words: list[Value] = []
        kinds = primitives.rams(self.family, self.device, [(8, self.depth)] * self.banks,
                                self.taken)
        for bank, (kind, options) in enumerate(kinds):
            ram = place(m, platform, f"bank_{bank}", kind, 8, self.depth, **options)
            lane = later(m, lanes[bank], 1, f"lane_{bank}")
            m.d.comb += [
                ram.read_address.eq(read_rows[bank]), ram.write_address.eq(write_rows[bank]),
                ram.write_data.eq(lane[:8]), ram.write.eq(lane[8]),
            ]
            words.append(later(m, ram.read_data, 1, f"word_{bank}"))
        words = rotate(m, words, offset, "read", left=True, near=near)
        m.d.comb += self.read_data.eq(Cat(words[:self.window]))
        return m

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


class WordMemory(wiring.Component):
    """Words in banks, so that neither an address nor a word has far to go in a cycle.

    Reading and writing share a port, as in the large memories of an iCE40: in a cycle in which a
    part of a word is written, that part of what is read is not defined.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Words.
    granularity : int
        Bits that are written together.
    family, device
        FPGA family, and chip if it is known.
    init : tuple of int
        The first words as the chip wakes up; must be empty if it is :attr:`blank` then.

    Members
    -------
    address : In(range(depth))
    read_data : Out(width)
        :attr:`read_latency` cycles later.
    write_data : In(width)
    write_mask : In(ceil(width / granularity))
    """

    address: Value
    read_data: Value
    write_data: Value
    write_mask: Value

    read_latency = 7
    interval = 1
    sizes: tuple[int, ...] = (16384, 8192, 4096, 2048)

    def __init__(self, width: int, depth: int, granularity: int, family: str = "generic",
                 device: str | None = None, init: tuple[int, ...] = ()) -> None:
        self.width = width
        self.depth = depth
        self.granularity = granularity
        self.family = family
        self.device = device
        self.init = init
        super().__init__(self._ports())

    def _ports(self) -> dict[str, Any]:
        return word_ports(self.width, self.depth, self.granularity)

    @property
    def latency(self) -> int:
        """As :attr:`read_latency`."""
        return self.read_latency

    @property
    def banks(self) -> list[tuple[int, int]]:
        """First word and depth of each bank.

        Powers of two, the largest ones first, which a block RAM has as many words as, and a rest.
        So the upper bits of an address tell its bank.
        """
        return self._split(self.depth)

    def _split(self, depth: int) -> list[tuple[int, int]]:
        banks = []
        start = 0
        for size in self.sizes:
            while depth - start >= size:
                banks.append((start, size))
                start += size
        if start < depth:
            banks.append((start, depth - start))
        return banks

    @property
    def _kinds(self) -> list[tuple[type[SinglePortRam], dict[str, Any]]]:
        """What makes the memories of each part of a word, bank by bank."""
        return primitives.single_port_rams(
            self.family, self.device,
            [(min(NEAR, self.width - low), depth)
                          for low in range(0, self.width, NEAR) for _, depth in self.banks])

    @property
    def blank(self) -> bool:
        """Whether some of its memories cannot hold anything as the chip wakes up."""
        return any(kind.blank for kind, _ in self._kinds)

    def _contents(self, start: int, depth: int, low: int, high: int) -> dict[str, Any]:
        """Return the argument that says what the bits of a bank hold at first, if anything."""
        init = tuple(word >> low & ((1 << (high - low)) - 1)
                     for word in self.init[start:start + depth])
        return {"init": init} if any(init) else {}

    @property
    def places(self) -> list[str]:
        """Where its block RAMs lie on the chip, if that is settled here."""
        return [site for _, options in self._kinds for site in options.get("sites", ())]

    def _banks_at(self, place: Value) -> Value:
        """Return for each bank whether it has the word at an address."""
        return Cat(place.as_unsigned()[size:] == start >> size
                   for start, depth in self.banks for size in [ceil_log2(depth)])

    def elaborate(self, platform: object) -> Module:
        m = Module()
        address = later(m, self.address, 1, "address")
        data = later(m, self.write_data, 1, "data")
        mask = later(m, self.write_mask, 1, "mask", reset=True)
        chosen = Signal(self.width, reset_less=True)
        where = later(m, self._banks_at(address), 1, "where")
        shown = later(m, where, 2, "shown")
        kinds = iter(self._kinds)
        # Cycle 1: address; 2: beside each part; 3: beside each memory; 4: read; 5: word; 6: chosen.
        for low in range(0, self.width, NEAR):
            high = min(low + NEAR, self.width)

            def near(value: Value, name: str) -> Value:
                return primitives.local_register(m, self.family, value, name)

            write = near(mask[low // self.granularity], f"write_{low}")
            row, written = near(address, f"row_{low}"), near(data[low:high], f"data_{low}")
            words = []
            for index, (start, depth) in enumerate(self.banks):
                kind, options = next(kinds)
                ram = place(m, platform, f"bank_{index}_{low}", kind, high - low, depth, **options,
                            **self._contents(start, depth, low, high))
                m.d.comb += [
                    ram.address.eq(near(row[:len(ram.address)], f"row_{index}_{low}")),
                    ram.write_data.eq(near(written, f"data_{index}_{low}")),
                    ram.write.eq(near(write & where[index], f"write_{index}_{low}")),
                ]
                words.append(ram.read_data)
            for bank, word in zip(near(shown, f"shown_{low}"), words, strict=True):
                with m.If(bank):
                    m.d.sync += chosen[low:high].eq(word)
        m.d.comb += self.read_data.eq(later(m, chosen, 1, "chosen"))
        return m
