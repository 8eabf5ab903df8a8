"""The accelerator's memories: bytes at any address, and words in banks."""

from collections.abc import Sequence
from typing import Any

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ._library import place

__all__ = ["ByteMemory", "Ram", "WordMemory", "later"]

BANK_WORDS = 2048
"""Words of a bank: a block RAM of an ECP5 or a Gowin has as many of 9 bits."""


def later(m: Module, value: Any, cycles: int, name: str, *, reset: bool = False) -> Any:
    """Return ``value``, ``cycles`` later; with ``reset``, zeros come out of a reset."""
    init: dict[str, Any] = {} if isinstance(value, data.View) else {"init": 0}
    for cycle in range(cycles):
        stage = Signal.like(value, name=f"{name}_{cycle + 1}", reset_less=not reset, **init)
        m.d.sync += stage.eq(value)
        value = stage
    return value


def rotated(m: Module, words: Sequence[Value], amount: Value, name: str, *, left: bool,
            ) -> list[Value]:
    """Return ``words`` rotated by ``amount``, in a register for every two bits of it.

    To the left, the word at ``amount`` comes out first; to the right, the first one at ``amount``.
    """
    count = len(words)
    shape = Value.cast(words[0]).shape()
    for low in range(0, len(amount), 2):
        step = amount[low:low + 2]
        stage = [Signal(shape, name=f"{name}_{low}_{i}", reset_less=True)
                 for i in range(count)]
        for i, word in enumerate(stage):
            sign = 1 if left else -1
            choices = data.ArrayLayout(shape, 1 << len(step))(
                Cat(words[(i + sign * (k << low)) % count] for k in range(1 << len(step))))
            m.d.sync += word.eq(choices[step])
        words = stage
        amount = later(m, amount, 1, f"{name}_amount_{low}")
    return list(words)


class Ram(wiring.Component):
    """A block RAM: one port reads, in the next cycle, and one writes.

    What is read while it is written is not defined, so no family needs logic to define it.

    Parameters
    ----------
    width, depth : int

    Members
    -------
    read_address : In(range(depth))
    read_data : Out(width)
    write_address : In(range(depth))
    write_data : In(width)
    write : In(1)
    """

    read_address: Value
    read_data: Value
    write_address: Value
    write_data: Value
    write: Value

    def __init__(self, width: int, depth: int) -> None:
        self.width = width
        self.depth = depth
        address = range(max(depth, 2))
        super().__init__({"read_address": In(address), "read_data": Out(width),
                          "write_address": In(address), "write_data": In(width),
                          "write": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rows: memory.Memory = memory.Memory(shape=self.width, depth=self.depth, init=[])
        m.submodules.rows = rows
        read, write = rows.read_port(), rows.write_port()
        m.d.comb += [read.addr.eq(self.read_address), self.read_data.eq(read.data),
                     write.addr.eq(self.write_address), write.data.eq(self.write_data),
                     write.en.eq(self.write)]
        return m


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

    def __init__(self, size: int, window: int) -> None:
        self.size = size
        self.window = window
        self.banks = 1 << ceil_log2(window)
        self.depth = -(-size // self.banks)
        width = ceil_log2(self.depth) + ceil_log2(self.banks)
        super().__init__({
            "read_address": In(width), "read_data": Out(8 * window),
            "write_address": In(width), "write_data": In(8 * window), "write_mask": In(window),
        })

    @property
    def turns(self) -> int:
        """Cycles to rotate a window."""
        return (ceil_log2(self.banks) + 1) // 2

    @property
    def read_latency(self) -> int:
        """Cycles from an address to its bytes."""
        return 3 + self.turns

    @property
    def write_latency(self) -> int:
        """Cycles from a write until a read may ask for the bytes."""
        return 1 + self.turns

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low = ceil_log2(self.banks)

        def bank_address(address: Value, bank: int, name: str) -> Value:
            """Return a bank's own address, in a register: the next row below the window's start."""
            row = Signal(range(self.depth), name=f"{name}_{bank}", reset_less=True)
            m.d.sync += row.eq(address[low:] + (address[:low] > bank))
            return row

        offset = later(m, self.read_address[:low], 3, "read_offset")
        late_address = later(m, self.write_address, self.turns - 1, "write_address")
        zeros = [Const(0, 9)] * (self.banks - self.window)
        lanes: list[Value] = [Cat(self.write_data.word_select(i, 8), self.write_mask[i])
                 for i in range(self.window)]
        lanes = rotated(m, [*lanes, *zeros], self.write_address[:low], "written", left=False)
        words: list[Value] = []
        for bank in range(self.banks):
            ram = place(m, platform, f"bank_{bank}", Ram, 8, self.depth)
            word = Signal(8, name=f"word_{bank}", reset_less=True)
            m.d.comb += [
                ram.read_address.eq(bank_address(self.read_address, bank, "read_row")),
                ram.write_address.eq(bank_address(late_address, bank, "write_row")),
                ram.write_data.eq(lanes[bank][:8]),
                ram.write.eq(lanes[bank][8]),
            ]
            m.d.sync += word.eq(ram.read_data)
            words.append(word)
        words = rotated(m, words, offset, "read", left=True)
        m.d.comb += self.read_data.eq(Cat(words[:self.window]))
        return m


class WordMemory(wiring.Component):
    """Words in banks, so that neither an address nor a word has far to go in a cycle.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Words.
    granularity : int
        Bits that are written together.

    Members
    -------
    read_address : In(range(depth))
    read_data : Out(width)
        :attr:`read_latency` cycles later.
    write_address : In(range(depth))
    write_data : In(width)
    write_mask : In(ceil(width / granularity))
    """

    read_address: Value
    read_data: Value
    write_address: Value
    write_data: Value
    write_mask: Value

    read_latency = 4

    def __init__(self, width: int, depth: int, granularity: int) -> None:
        self.width = width
        self.depth = depth
        self.granularity = granularity
        self.banks = -(-depth // BANK_WORDS)
        super().__init__({
            "read_address": In(range(max(depth, 2))), "read_data": Out(width),
            "write_address": In(range(max(depth, 2))), "write_data": In(width),
            "write_mask": In(-(-width // granularity)),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low = min(ceil_log2(BANK_WORDS), len(self.read_address))
        bank = later(m, self.read_address[low:], 3, "bank")
        words = []
        for index in range(self.banks):
            depth = min(self.depth - index * BANK_WORDS, BANK_WORDS)
            read_row = later(m, self.read_address[:low], 1, f"read_row_{index}")
            write_row = later(m, self.write_address[:low], 1, f"write_row_{index}")
            here = later(m, self.write_address[low:] == index, 1, f"here_{index}")
            word = Signal(self.width, name=f"word_{index}", reset_less=True)
            for part, start in enumerate(range(0, self.width, self.granularity)):
                bits = slice(start, min(start + self.granularity, self.width))
                ram = place(m, platform, f"bank_{index}_{part}", Ram, bits.stop - bits.start,
                            depth)
                m.d.comb += [
                    ram.read_address.eq(read_row),
                    ram.write_address.eq(write_row),
                    ram.write_data.eq(later(m, self.write_data[bits], 1,
                                            f"data_{index}_{part}")),
                    ram.write.eq(later(m, self.write_mask[part], 1, f"mask_{index}_{part}",
                                       reset=True) & here),
                ]
                m.d.sync += word[bits].eq(ram.read_data)
            words.append(word)
        chosen = Signal(self.width, reset_less=True)
        with m.Switch(bank):
            for index, word in enumerate(words):
                with m.Case(index) if len(bank) else m.Default():
                    m.d.sync += chosen.eq(word)
        m.d.comb += self.read_data.eq(chosen)
        return m
