"""The sequencer of a compact accelerator: it keeps those bits of a descriptor that are used."""

from collections import defaultdict
from typing import Any

from amaranth import *

from ...arch.parts import FORMATS, PARTS
from ...arch.steps import FIELDS
from ..accelerator.sequencer import Sequencer
from ..accelerator.slots import Countdown
from ..step import Descriptor, Mode

__all__ = ["CompactSequencer"]

ADDRESSES = ("base", "offset", "row_bytes", "row_step_bytes", "taps_y_step_bytes",
             "output_row_step")
"""Fields of which only the bits count that an address has, and three more."""


class Countup(Countdown):
    """As :class:`Countdown`: ``left`` is the number of turns taken, and two."""

    @property
    def penultimate(self) -> Value:
        return self.left == self.limit

    def load(self) -> list[Any]:
        return [self.left.eq(2), self.last.eq(self.single)]

    def step(self) -> list[Any]:
        return [self.left.eq(Mux(self.last, 2, self.left + 1)), self.last.eq(self.next_last)]


class CompactSequencer(Sequencer):
    """As :class:`Sequencer`, in less room."""

    countdown = Countup
    shortest = 5

    def _at_limit(self) -> Value:
        return self.step_cycles == self.limit  # counted from 0, it cannot be beyond

    def _is_unknown(self, mode: Value) -> Value:
        unknown = super()._is_unknown(mode)
        return unknown | (mode == Mode.DEPTHWISE) if self.pace else unknown

    def _values(self, m: Module, begin: Value, issue: Value, row_end: Value, last: Value,
                ) -> Value:
        if self.pace:
            return Const(1, 1)
        return super()._values(m, begin, issue, row_end, last)

    def _read_descriptor(self, m: Module, read: Value, place: Value) -> Value:
        """Collect the words of a descriptor, and return whether all have come.

        Each bit of a word moves on in a shift register of its own, which passes over the words in
        which it says nothing. Bits that say something in the same words move together.
        """
        word_bits = 8 * self.columns
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        used = self._used_bits()
        for bit in range(word_bits):
            groups[tuple(i for i in range(self.descriptor_words)
                         if i * word_bits + bit in used)].append(bit)
        asked = Countdown(m, 8, Const(self.descriptor_words, 8), "asked")
        m.d.comb += self.head_address.eq(place)
        index = Signal(range(self.descriptor_words))
        last = index == self.descriptor_words - 1
        with m.If(read):
            m.d.sync += [self.head.eq(1), *asked.load()]
        with m.Elif(self.head):
            m.d.sync += [place.eq(place + 1), self.head.eq(~asked.last), *asked.step()]
        with m.If(self.word_valid):
            m.d.sync += index.eq(Mux(last, 0, index + 1))
        whole: list[Value] = [Const(0, 1)] * (self.descriptor_words * word_bits)
        for number, (words, bits) in enumerate(groups.items()):
            if not words:
                continue
            kept = Signal(len(words) * len(bits), name=f"kept_{number}", reset_less=True)
            wanted = Const(sum(1 << i for i in words), self.descriptor_words).bit_select(index, 1)
            with m.If(self.word_valid & wanted):
                m.d.sync += kept.eq(Cat(kept[len(bits):], (self.word[bit] for bit in bits)))
            for row, i in enumerate(words):
                for k, bit in enumerate(bits):
                    whole[i * word_bits + bit] = kept[row * len(bits) + k]
        m.d.comb += Value.cast(self.descriptor).eq(Cat(whole)[:Descriptor.size])
        return self.word_valid & last

    def _used_bits(self) -> set[int]:
        """Return which bits of a descriptor say something."""
        used = {56 + bit for bit in range(8)}  # the magic number
        # A compact bit-serial array has no windows.
        there = FORMATS if self.pace else PARTS["systolic"].fields
        absent = {field for part in PARTS.values() for field in part.fields} - {*there}
        for name, (word, low, bits, _) in FIELDS.items():
            if name in absent or name == "overlaps":
                continue
            bits = min(bits, self.address_bits + 3) if name in ADDRESSES else bits
            used.update(range(32 * word + low, 32 * word + low + bits))
        return used
