"""The sequencer of a compact accelerator: it keeps those bits of a descriptor that are used."""

from collections import defaultdict
from typing import Any

from amaranth import *

from ...arch.parts import FORMATS, PARTS
from ...arch.steps import FIELDS
from ..accelerator.arrays import Pace
from ..accelerator.sequencer import Sequencer
from ..accelerator.slots import Countdown, Loops, NextPass, Slot
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


class CompactSlot(Slot):
    """As :class:`Slot`, but parameters may stay behind, to be read in the next slot.

    They do where the lanes still need those of the column tile before, and no value comes of the
    next pass, as it is not the last one of its tile. There they come before the weights.
    """

    def __init__(self, words: int) -> None:
        super().__init__(words)
        self.running = Signal()  # a pass is: this is not the slot before the first one
        self.behind = Signal()   # the parameters are some that stayed behind
        self.leaves = Signal()   # they stay behind now, if this is the last cycle
        self.gives = Signal()    # values come of the next pass

    @property
    def reads_weights(self) -> Value:
        return self.weights & ~(self.behind & self.parameters)

    def ends(self, loops: Loops, turn_last: Value) -> Value:
        return ((~self.vectors | (turn_last & self.last_vector))
                & (self.leaves | Mux(self.parameters, ~self.weights & loops.words.last,
                                     ~self.weights | loops.rows.last))
                & ~self.short)

    def read_words(self, m: Module, loops: Loops, take: Value, swapped: Value) -> None:
        super().read_words(m, loops, take, swapped)
        m.d.comb += self.leaves.eq(
            self.parameters & self.running & ~self.behind & ~self.gives
            & Mux(self.weights, loops.rows.last, ~loops.words.last))

    def follow(self, m: Module, ends: Value, coming: NextPass) -> None:
        super().follow(m, ends, coming)
        m.d.comb += self.gives.eq(coming.common.tag.last)
        with m.If(ends & coming.there):
            m.d.sync += [self.parameters.eq(coming.more_parameters | self.leaves),
                         self.running.eq(1), self.behind.eq(self.leaves)]


class CompactSequencer(Sequencer):
    """As :class:`Sequencer`, in less room."""

    countdown = Countup
    slot = CompactSlot
    shortest = 5

    def _at_limit(self) -> Value:
        return self.step_cycles == self.limit  # counted from 0, it cannot be beyond

    def _is_unknown(self, mode: Value) -> Value:
        unknown = super()._is_unknown(mode)
        return unknown | (mode == Mode.DEPTHWISE) if self.pace else unknown

    def _begin_own(self, m: Module, begin: Value, slot: Any) -> None:
        with m.If(begin):
            m.d.sync += [slot.running.eq(0), slot.behind.eq(0)]
        super()._begin_own(m, begin, slot)

    def _turns(self, m: Module, vectors: Value, last: Value, pace: Pace | None,
               completes: Value) -> tuple[Value, Value]:
        """As in :class:`Sequencer`, but a pixel that gives no value takes one cycle."""
        if pace:
            return super()._turns(m, vectors, last, pace, completes)
        turn, end = Signal(range(self.interval)), Signal()
        m.d.comb += end.eq(~last | (turn == self.interval - 1) | ((turn == 0) & ~completes))
        m.d.sync += turn.eq(Mux(vectors & ~end, turn + 1, 0))
        return turn == 0, end

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
        there = {*(FORMATS if self.pace else PARTS["systolic"].fields), *self.more_fields}
        there |= {field for part in self.parts for field in PARTS[part.name].fields}
        absent = {field for part in PARTS.values() for field in part.fields} - there
        for name, (word, low, bits, _) in FIELDS.items():
            if name in absent or name == "overlaps":
                continue
            bits = min(bits, self.address_bits + 3) if name in ADDRESSES else bits
            used.update(range(32 * word + low, 32 * word + low + bits))
        return used
