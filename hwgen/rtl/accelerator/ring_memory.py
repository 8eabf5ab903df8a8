"""A program memory that a stream fills while steps read it."""

from functools import cached_property
from typing import Any

from amaranth import *
from amaranth.lib import data
from amaranth.lib.wiring import In
from amaranth.utils import ceil_log2

from .. import primitives
from ..primitives.generic import Ram
from ..primitives.library import place
from ..primitives.pipeline import later
from .memories import word_ports
from .word_memory import NEAR, WordMemory

__all__ = ["RingMemory"]


class RingMemory(WordMemory):
    """As :class:`.memories.WordMemory`, but a word may be written while another one is read.

    Members
    -------
    ring : In(StructLayout)
        With ``enable``, all of a word is written: ``data`` at ``address``. Nothing else is written
        in the same cycle. It is there for a read whose address comes later.
    """

    ring: Any

    def _ports(self) -> dict[str, Any]:
        return {**word_ports(self.width, self.depth, self.granularity),
                "ring": In(data.StructLayout({"address": range(self.depth), "data": self.width,
                                              "enable": 1}))}

    @cached_property
    def _kinds(self) -> list[tuple[type[Ram], dict[str, Any]]]:  # type: ignore[override]
        sizes = [(min(NEAR, self.width - low), depth)
                 for low in range(0, self.width, NEAR) for _, depth in self.banks]
        return primitives.rams(self.family, None, sizes, [])

    @property
    def blank(self) -> bool:
        return True

    def elaborate(self, platform: object) -> Module:
        m = Module()
        address, ring = later(m, self.address, 1, "address"), self.ring
        to, written = (later(m, Mux(ring.enable, one, other), 1, name) for name, one, other in (
            ("to", ring.address, self.address), ("written", ring.data, self.write_data)))
        mask = later(m, Mux(ring.enable, ~0, self.write_mask)[:len(self.write_mask)], 1, "mask",
                     reset=True)

        chosen = Signal(self.width, reset_less=True)
        shown = later(m, self._banks_at(address), 3, "shown")
        goes_to = self._banks_at(to)
        kinds = iter(self._kinds)
        # The cycles of a read are those of WordMemory; a write has reached the memories in three.
        for low in range(0, self.width, NEAR):
            high = min(low + NEAR, self.width)

            def near(value: Value, name: str) -> Value:
                return primitives.local_register(m, self.family, value, name)

            write = mask[low // self.granularity]
            here = near(Cat(write & bank for bank in goes_to), f"here_{low}")
            row, at = near(address, f"row_{low}"), near(to, f"to_{low}")
            given, words = near(written[low:high], f"data_{low}"), []
            for index, (_, depth) in enumerate(self.banks):
                kind, options = next(kinds)
                ram = place(m, platform, f"bank_{index}_{low}", kind, high - low, depth, **options)
                m.d.comb += [
                    ram.read_address.eq(near(row[:ceil_log2(depth)], f"row_{index}_{low}")),
                    ram.write_address.eq(near(at[:ceil_log2(depth)], f"to_{index}_{low}")),
                    ram.write_data.eq(near(given, f"data_{index}_{low}")),
                    ram.write.eq(near(here[index], f"write_{index}_{low}")),
                ]
                words.append(ram.read_data)
            for bank, word in zip(near(shown, f"shown_{low}"), words, strict=True):
                with m.If(bank):
                    m.d.sync += chosen[low:high].eq(word)
        m.d.comb += self.read_data.eq(later(m, chosen, 1, "chosen"))
        return m
