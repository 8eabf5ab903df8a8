"""A stream of pages from external memory into a ring of words, from which steps take them."""

from typing import Any

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

__all__ = ["PageStream"]


class PageStream(wiring.Component):
    """Ask for pages while a ring has room for them, write their words, and say what has arrived.

    ``start``, in a cycle in which no page is under way, begins a run of ``pages`` pages from
    ``first`` on: all that was before is forgotten. The ring is filled in order, and from its
    beginning. A page is asked for as soon as there is room for all of it: behind the page before,
    and where steps have released words.

    Steps use the words in order. In a cycle with ``start`` or ``following`` a step comes up that
    needs ``brings`` words more than those before it; from the next cycle on ``there`` is high when
    the ring has them. With ``following`` the step before it ends, and ``releases`` words, the
    oldest ones of the ring, may be overwritten. A step may need what earlier steps have brought and
    not released; all that is not released must be at most :attr:`most` words, or ``there`` stays
    low for ever.

    ``stop`` ends the run: no further page is asked for. One that is under way comes whole.

    Parameters
    ----------
    width : int
        Bits of a word of the memory.
    ratio : int
        Words of the memory in a word of the ring; a power of two. The first one is lowest.
    words : int
        Words of the memory in a page: a power of two, and at least ``ratio``.
    ring : int
        Words of the ring: a power of two, at least two pages.
    page_bits : int
        Bits of the number of a page.

    Members
    -------
    start, stop, following : In(1)
    first, pages : In
        The first page of a run, and how many there are.
    brings, releases : In
        Words of the ring.
    there : Out(1)
    request : Out(stream.Signature(StructLayout))
        To :class:`Sdram`: ``page`` and ``write``, which stays 0.
    i, i_valid : In
        The words of the pages, from there. They cannot wait, and need not.
    write : Out(StructLayout)
        To the ring: with ``enable``, ``data`` at ``address``.
    """

    start: Value
    stop: Value
    following: Value
    first: Value
    pages: Value
    brings: Value
    releases: Value
    there: Value
    request: Any
    i: Value
    i_valid: Value
    write: Any

    lacks: Signal
    room: Signal
    left: Signal
    part: Signal
    """What it counts, once it is elaborated: for proofs."""

    latency = 1
    """Cycles from the last part of a word to its write; it is ``there`` a cycle later."""

    def __init__(self, *, width: int, ratio: int, words: int, ring: int, page_bits: int) -> None:
        for name, value in (("width", width), ("ratio", ratio), ("words", words), ("ring", ring),
                            ("page_bits", page_bits)):
            if not isinstance(value, int) or value < 1:
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
        for name, value in (("ratio", ratio), ("words", words), ("ring", ring)):
            if value & value - 1:
                raise ValueError(f"{name} must be a power of two, not {value}")
        if words < ratio:
            raise ValueError(f"words must be at least the {ratio} of a word of the ring, not "
                             f"{words}")
        if ring < 2 * words // ratio:
            raise ValueError(f"ring must be at least two pages, {2 * words // ratio} words, not "
                             f"{ring}")
        self.width = width
        self.ratio = ratio
        self.words = words
        self.ring = ring
        self.page_bits = page_bits
        super().__init__({
            "start": In(1), "stop": In(1), "following": In(1), "first": In(page_bits),
            "pages": In(page_bits + 1), "brings": In(range(ring + 1)),
            "releases": In(range(ring + 1)), "there": Out(1),
            "request": Out(stream.Signature(data.StructLayout({"page": page_bits, "write": 1}))),
            "i": In(width), "i_valid": In(1),
            "write": Out(data.StructLayout(
                {"address": range(ring), "data": width * ratio, "enable": 1}))})

    @property
    def page(self) -> int:
        """Words of the ring that a page is."""
        return self.words // self.ratio

    @property
    def most(self) -> int:
        """Words that steps may use at once: the ring less a page, and the word that begins it."""
        return self.ring - self.page + 1

    @property
    def interval(self) -> int:
        """Cycles from a word of the ring to the next."""
        return self.ratio

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Words that a step lacks, less one, and room for words, less a page: signs say all.
        self.lacks = lacks = Signal(range(-self.ring - 1, self.ring), init=-1)
        self.room = room = Signal(range(-self.page, self.ring), init=self.ring - self.page)
        self.left = left = Signal(self.page_bits + 1)
        taken = Signal()
        page, write = self.request.p.page, self.write
        m.d.comb += [self.there.eq(lacks[-1]), taken.eq(self.request.valid & self.request.ready),
                     self.request.valid.eq((left != 0) & ~room[-1])]
        m.d.sync += [
            lacks.eq(lacks - write.enable + Mux(self.following, self.brings, 0)),
            room.eq(room - Mux(taken, self.page, 0) + Mux(self.following, self.releases, 0))]
        with m.If(taken):
            m.d.sync += [page.eq(page + 1), left.eq(left - 1)]

        self.part = part = Signal(exact_log2(self.ratio))
        m.d.sync += write.enable.eq(self.i_valid & part.all())
        with m.If(self.i_valid):
            m.d.sync += [part.eq(part + 1), write.data.eq(Cat(write.data, self.i)[self.width:])]
        with m.If(write.enable):
            m.d.sync += write.address.eq(write.address + 1)

        with m.If(self.stop):
            m.d.sync += left.eq(0)
        with m.If(self.start):
            m.d.sync += [page.eq(self.first), left.eq(self.pages), part.eq(0), write.address.eq(0),
                         lacks.eq(self.brings - 1), room.eq(self.ring - self.page)]
        return m
