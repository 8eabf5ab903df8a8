# amaranth: UnusedElaboratable=no
"""The accelerator that checks the CRCs of its program."""

from binascii import crc_hqx
from dataclasses import replace
from typing import Any

from amaranth import *
from amaranth.lib.wiring import In

from ...arch.descriptors import CRC_BYTES, CRC_START
from ..primitives.pipeline import later
from ..step import CRC_ERROR, Error
from .accelerator import Accelerator
from .arrays import Pace
from .read_ahead import ReadAheadSequencer, ReadAheadWalk

__all__ = ["CheckedAccelerator", "CheckedSequencer", "remainder"]


def remainder(m: Module, word: Value, valid: Value, first: Value) -> Signal:
    """Return the CRC of words, the lowest byte first, from the ``first`` one on.

    A word is in it two cycles later. A CRC is linear: each bit of it is the parity of some bits of
    the word, of which a register keeps it, and of some bits of the CRC before.
    """
    size = len(word) // 8
    of_bits = [crc_hqx((1 << bit).to_bytes(size, "little"), 0) for bit in range(len(word))]
    of_before = [crc_hqx(bytes([*(1 << bit).to_bytes(CRC_BYTES, "big")]).ljust(size, b"\0"), 0)
                 for bit in range(8 * CRC_BYTES)]
    crc = Signal(8 * CRC_BYTES, reset_less=True)
    new = later(m, Cat(Cat(word[bit] for bit, of in enumerate(of_bits) if of >> row & 1).xor()
                       for row in range(len(crc))), 1, "new")
    begins = later(m, first, 1, "begins")
    before = Mux(begins, CRC_START, crc)
    with m.If(later(m, valid, 1, "adds", reset=True)):
        m.d.sync += crc.eq(new ^ Cat(
            Cat(before[bit] for bit, of in enumerate(of_before) if of >> row & 1).xor()
            for row in range(len(crc))))
    return crc


class CheckedSequencer(ReadAheadSequencer):
    """As :class:`.read_ahead.ReadAheadSequencer`; it checks all words of steps as they come.

    The CRC of a descriptor is its last word's end, so that behind it the remainder is 0. From there
    on it is that of the step's other words, which must be what the descriptor says. They have all
    come before the step ends, so that it ends with an error if one of them is wrong.

    Members
    -------
    comes : In(1)
        ``word`` is one of weights or parameters.
    """

    more = ReadAheadSequencer.more | {"comes": In(1)}
    more_bytes = 2 * CRC_BYTES
    word_latency: int
    """Of the program memory."""

    comes: Value

    def elaborate(self, platform: object) -> Module:
        self.damaged = Signal()        # the last descriptor that has come is,
        self.words_damaged = Signal()  # or the other words of a step are, until all is cleared
        m = super().elaborate(platform)
        self._check(m)
        return m

    def _overlaps(self, m: Module, vectors: Value, walk: ReadAheadWalk, missing: Value) -> Value:
        return super()._overlaps(m, vectors, walk, missing | self.damaged)

    def _failure(self, m: Module, begun: Value, bad_address: Value, pace: Pace | None) -> Value:
        found = super()._failure(m, begun, bad_address, pace)
        damaged = Mux(found == Error.NONE, self.words_damaged & ~self.second, 0)
        return Mux(damaged | (self.damaged & begun), CRC_ERROR, found)

    def _check(self, m: Module) -> None:
        """Say what is damaged."""
        opens = Signal(init=1)  # the next word of a descriptor is its first
        with m.If(self.word_valid):
            m.d.sync += opens.eq(self.come.last)
        with m.If(self.clear):
            m.d.sync += opens.eq(1)
        crc = remainder(m, later(m, self.word, 1, "checked_word"),
                        later(m, self.word_valid | self.comes, 1, "checked", reset=True),
                        later(m, self.word_valid & opens, 1, "check_opens", reset=True))
        with m.If(self.walk.begin):
            m.d.sync += self.damaged.eq(crc != 0)
        # The last word of a step comes one cycle later behind this than from the memory, and is in
        # the CRC three cycles after that, before a word of the next descriptor is.
        rested = later(m, self.walk.rests, 1, "rested", reset=True)
        come = later(m, self.walk.rests & ~rested, self.word_latency + 3, "all_come", reset=True)
        with m.If(come & (crc != self.behind[:8 * CRC_BYTES])):
            m.d.sync += self.words_damaged.eq(1)
        with m.If(self.clear):
            m.d.sync += self.words_damaged.eq(0)


class CheckedAccelerator(Accelerator):
    """As :class:`.accelerator.Accelerator`, with CRCs of all that is read of its program."""

    datapath = replace(Accelerator.datapath, sequencer=CheckedSequencer)

    def __init__(self, **others: Any) -> None:
        super().__init__(**others)
        self.sequencer.word_latency = self.program.read_latency

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.sequencer.comes.eq(self.array.weights.valid | self.post.word_valid)
        return m
