"""A program memory of which many words can be read at once."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.lib.wiring import Out
from amaranth.utils import exact_log2

from .. import primitives
from ..primitives.generic import SinglePortRam
from ..primitives.library import place
from ..primitives.pipeline import later
from .memories import word_ports
from .word_memory import WordMemory

__all__ = ["WideMemory"]

CHOICES = 4
"""Words of which one is chosen in a cycle, at least."""


class WideMemory(WordMemory):
    """As :class:`.memories.WordMemory`, with neighbouring words in banks of their own.

    So those of all banks can be read at once. Each bank lies beside what takes its words, and has
    its own copy of the address; a single word is chosen of those of all banks.

    Parameters
    ----------
    width, depth, granularity, family, device, init
        See :class:`.memories.WordMemory`; the depth is a multiple of the words.
    words : int
        That are read at once, a power of two.

    Members
    -------
    wide_data : Out(words * width)
        The words from the last multiple of ``words`` on that is not above the address,
        :attr:`wide_latency` cycles later.
    """

    wide_data: Value

    wide_latency = 6
    sizes = (16384, 8192, 4096, 2048, 1024)

    def __init__(self, width: int, depth: int, granularity: int, family: str = "generic",
                 device: str | None = None, init: tuple[int, ...] = (), *, words: int) -> None:
        if depth % words:
            raise ValueError(f"depth must be a multiple of the {words} words, not {depth}")
        self.words = words
        super().__init__(width, depth, granularity, family, device, init)

    def _ports(self) -> dict[str, Any]:
        return {**word_ports(self.width, self.depth, self.granularity),
                "wide_data": Out(self.words * self.width)}

    @property
    def banks(self) -> list[tuple[int, int]]:
        """First word and depth of each memory of a bank, as of :class:`.memories.WordMemory`."""
        return self._split(self.depth // self.words)

    @cached_property
    def _kinds(self) -> list[tuple[type[SinglePortRam], dict[str, Any]]]:
        return primitives.shallow_rams(self.family, self.device, [
            (min(self.granularity, self.width - low), depth) for _ in range(self.words)
            for low in range(0, self.width, self.granularity) for _, depth in self.banks])

    def elaborate(self, platform: object) -> Module:
        m = Module()
        low = exact_log2(self.words)

        def near(value: Value, name: str) -> Value:
            return primitives.local_register(m, self.family, value, name)

        address = later(m, self.address, 1, "address")
        row, bank = address[low:], address[:low]
        written = later(m, self.write_data, 1, "data")
        mask = later(m, self.write_mask, 1, "mask", reset=True)
        where = Cat((row >= start) & (row < start + depth) for start, depth in self.banks)
        shown = later(m, where, 2, "shown")
        kinds = iter(self._kinds)
        # Cycle 1: address; 2: beside each bank; 4: read; 5: chosen, of those of a bank; 6 and 7:
        # of those of all banks.
        chosen, words = [], []
        for index in range(self.words):
            given = {name: near(each, f"{name}_{index}") for name, each in (
                ("mask", Mux(bank == index, mask, 0)), ("row", row), ("fits", where),
                ("shown", shown), ("written", written))}
            chosen.append(self._add_bank(m, platform, index, kinds, **given))
            words.append(later(m, chosen[-1], 1, f"word_{index}"))
        m.d.comb += self.wide_data.eq(Cat(words))
        bank = later(m, bank, 3, "bank")
        found = [Signal(self.width, name=f"found_{first}", reset_less=True)
                 for first in range(0, self.words, CHOICES)]
        for index, each in enumerate(found):
            few = chosen[CHOICES * index:CHOICES * (index + 1)]
            m.d.sync += each.eq(self._choose(few, near(bank[:2], f"which_{index}")))
        read = Signal(self.width, reset_less=True)
        m.d.sync += read.eq(self._choose(found, later(m, bank, 2, "late_bank")[2:]))
        m.d.comb += self.read_data.eq(read)
        return m

    def _choose(self, words: Sequence[Value], index: Value) -> Value:
        return Value.cast(data.ArrayLayout(self.width, len(words))(Cat(words))[index])

    def _add_bank(self, m: Module, platform: object, index: int, kinds: Iterator[Any], *,
                  mask: Value, row: Value, fits: Value, shown: Value, written: Value) -> Signal:
        """Add the memories of a bank, and return the word that is read."""
        chosen = Signal(self.width, name=f"chosen_{index}", reset_less=True)
        for part, low in enumerate(range(0, self.width, self.granularity)):
            bits = slice(low, min(low + self.granularity, self.width))
            for number, (start, depth) in enumerate(self.banks):
                kind, options = next(kinds)
                init = tuple(word >> low & ((1 << (bits.stop - low)) - 1) for word in self.init[
                    start * self.words + index:(start + depth) * self.words:self.words])
                ram = place(m, platform, f"bank_{index}_{number}_{low}", kind, bits.stop - low,
                            depth, **options, **({"init": init} if any(init) else {}))
                m.d.comb += [ram.address.eq(row), ram.write_data.eq(written[bits]),
                             ram.write.eq(mask[part] & fits[number])]
                with m.If(shown[number]):
                    m.d.sync += chosen[bits].eq(ram.read_data)
        return chosen
