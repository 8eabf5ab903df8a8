# amaranth: UnusedElaboratable=no
"""What a program streams through: a memory chip's controller, and pages into the ring."""

from dataclasses import asdict
from typing import Any

from amaranth import *
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ...arch.external import CAPTURE, External, words_ahead
from ...arch.registers import COPY_OUT, ExternalRegister, Space
from .. import primitives
from ..external.page_stream import PageStream
from ..external.pins import signature_of
from ..external.sdram import Sdram
from ..primitives.pipeline import later

__all__ = ["ProgramStream"]

FIFO = 16
"""Words on their way from the ring to the chip: more than the cycles that reading takes."""


class ProgramStream(wiring.Component):
    """Fill the ring of a program with pages of a memory chip, as steps use up its words.

    A run begins when the chip is idle, and restarts its refreshes: so the same run takes the same
    cycles each time. Each word that steps read makes room for another one, and wants one more to be
    :attr:`there`; words of a step that ``holds`` make none until the end of the first step that
    does not. A run of no steps copies pages between ring and chip: they lie in the ring as in a
    run.

    Parameters
    ----------
    external : External
    rows, columns : int
        Of the array.
    words : int
        Of the ring.
    reading : int
        Cycles from ``address`` to ``word``.
    family : str

    Members
    -------
    chip : Out
        The pins of the memory chip.
    begins : In(1)
        A run is to begin, of ``steps`` or of a copy.
    ready : Out(1)
        It has begun, or the copy is done.
    runs : In(1)
        Steps run.
    reads, holds, rests : In(1)
        They read a word that came last; they hold what they read; all words of a step are read.
    stalls : In(1)
        They wait for words.
    there : Out(1)
        A descriptor, or a pass, has all of its words in the ring.
    place : Out(range(words))
        The word that a run begins with.
    ring : Out(StructLayout)
        To the memory.
    copying : Out(1), address : Out(range(words)), word : In(8 * columns)
        What is read of the ring for the chip.
    offset, given, write : In
        What a host writes.
    read : Out(32)
        What it reads at ``offset``.
    """

    chip: Any
    begins: Value
    steps: Value
    ready: Value
    runs: Value
    reads: Value
    holds: Value
    rests: Value
    stalls: Value
    there: Value
    place: Value
    ring: Any
    copying: Value
    address: Value
    word: Value
    offset: Value
    given: Value
    write: Value
    read: Value

    space = Space.EXTERNAL
    """Where a host finds its registers."""

    def __init__(self, external: External, *, rows: int, columns: int, words: int, reading: int,
                 family: str = "generic") -> None:
        self.external, self.words, self.reading = external, words, reading
        self.family = family
        self.low = exact_log2(external.geometry["words"] // external.ratio(columns))
        self.ahead = words_ahead(rows, columns)
        self.sdram = sdram = Sdram(**external.geometry, **asdict(external.cycles))
        self.ratio = external.ratio(columns)
        self.pages = PageStream(width=sdram.width, ratio=self.ratio, words=sdram.words,
                                ring=words, page_bits=sdram.page_bits)
        super().__init__({
            "chip": Out(signature_of(external)),
            "begins": In(1), "steps": In(1), "ready": Out(1), "runs": In(1),
            "reads": In(1), "holds": In(1), "rests": In(1), "stalls": In(1), "there": Out(1),
            "place": Out(range(words)),
            "ring": Out(data.StructLayout({"address": range(words), "data": 8 * columns,
                                           "enable": 1})),
            "copying": Out(1), "address": Out(range(words)), "word": In(8 * columns),
            "offset": In(4), "given": In(32), "write": In(1), "read": Out(32)})

    def load(self, offset: Value, data: Value, write: Value) -> list[Any]:
        """Return statements that write a register."""
        return [self.offset.eq(offset), self.given.eq(data), self.write.eq(write)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sdram = sdram = self.sdram
        m.submodules.pages = pages = self.pages
        for name, member in self.chip.signature.members.items():
            if member.flow is Out:
                m.d.comb += getattr(self.chip, name).eq(getattr(sdram, name))
        m.d.comb += [sdram.dq_i.eq(self.chip.dq_i), sdram.capture.eq(CAPTURE),
                     pages.i.eq(sdram.o), pages.i_valid.eq(sdram.o_valid)]
        first, count, out = self._add_registers(m)
        page = first[self.low:]
        fetches, sends, begins = Signal(), Signal(), Signal()
        left, taken, aborted = Signal(len(count)), Signal(), Signal()
        # The pages begin a cycle behind the chip, which refreshes first; so the way is shorter.
        asked, begun = Signal(), later(m, begins, 1, "begun", reset=True)
        m.d.sync += asked.eq(self.begins & ~self.ready)
        ready = sdram.idle & asked
        m.d.comb += taken.eq(sdram.request.valid & sdram.request.ready)
        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [left.eq(count), aborted.eq(0)]
                with m.If(self.steps | (count == 0)):
                    m.d.comb += [self.ready.eq(ready), begins.eq(ready)]
                with m.Elif(ready):
                    m.d.comb += begins.eq(1)
                    m.next = "FETCH"
                    with m.If(out):
                        m.next = "SEND"
            with m.State("FETCH"):
                m.d.comb += fetches.eq(1)
                with m.If(~pages.request.valid & sdram.idle):
                    m.d.comb += self.ready.eq(1)
                    m.next = "IDLE"
                with m.If(~self.begins):
                    m.next = "IDLE"
            with m.State("SEND"):
                m.d.comb += sends.eq(1)
                with m.If(taken):
                    m.d.sync += left.eq(left - 1)
                with m.If(~self.begins):
                    m.d.sync += [aborted.eq(1), left.eq(0)]
                with m.If((left == 0) & sdram.idle):
                    m.d.comb += self.ready.eq(~aborted)
                    m.next = "IDLE"
        self._use_words(m, begins, begun, first[:self.low])
        sent = self._send_words(m, platform, begins, sends)
        m.d.comb += [
            sdram.restart.eq(begins),
            pages.start.eq(begun), pages.stop.eq(~(self.runs | fetches)), pages.first.eq(page),
            pages.pages.eq(Mux(self.steps, 1 << sdram.page_bits, count)),
            sdram.request.valid.eq(Mux(sends, sent & (left != 0), pages.request.valid)),
            sdram.request.p.page.eq(Mux(sends, page + count - left, pages.request.p.page)),
            sdram.request.p.write.eq(sends),
            pages.request.ready.eq(sdram.request.ready & ~sends)]
        # Words lie in the ring by their numbers.
        m.d.comb += self.place.eq(first)
        m.d.sync += [self.ring.enable.eq(pages.write.enable & (self.runs | fetches)),
                     self.ring.data.eq(pages.write.data),
                     self.ring.address.eq(pages.write.address + (page << self.low))]
        return m

    def _add_registers(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """Add what a host writes and reads: return the first word, and pages of a copy."""
        pages = self.sdram.page_bits
        first, count = Signal(pages + self.low), Signal(pages + 1)
        out, stalls = Signal(), Signal(32)
        which, stalled = self.offset[2:4], later(m, self.stalls, 1, "stalled", reset=True)
        with m.If(self.write & ~self.runs):
            with m.If(which == ExternalRegister.WORD // 4):
                m.d.sync += first.eq(self.given)
            with m.If(which == ExternalRegister.COPY // 4):
                m.d.sync += [count.eq(self.given), out.eq((self.given & COPY_OUT).any())]
        with m.If(self.begins):
            m.d.sync += stalls.eq(0)
        with m.Elif(stalled):
            m.d.sync += stalls.eq(stalls + 1)
        m.d.sync += self.read.eq(Mux(
            which[1], stalls, Mux(which[0], Cat(count, Const(0, 31 - len(count)), out), first)))
        return first, count, out

    def _use_words(self, m: Module, begins: Value, begun: Value, before: Value) -> None:
        """Let the stream know of words that are read, and of those that are not wanted any more.

        Those are, as a run has ``begun``, the ones ``before`` it in its first page.
        """
        pages = self.pages
        used, held, holding = Signal(), Signal(range(self.words + 1)), Signal()
        frees = Signal()  # all that are held
        m.d.sync += [used.eq(self.reads), frees.eq(begun | (self.rests & ~self.holds & holding)),
                     self.there.eq(pages.there & ~begins & ~begun)]
        keeps = self.holds | holding
        m.d.comb += [
            pages.following.eq(used | frees),
            pages.brings.eq(Mux(begun, before + self.ahead, used)),
            pages.releases.eq(Mux(frees, held, used & ~keeps))]
        with m.If(used & keeps):
            m.d.sync += [held.eq(held + 1), holding.eq(1)]
        with m.If(frees | begun):
            m.d.sync += [held.eq(Mux(begun, before, 0)), holding.eq(0)]

    def _send_words(self, m: Module, platform: object, begins: Value, sends: Value) -> Value:
        """Have the words of the ring ready for the chip; return whether they are."""
        parts = exact_log2(self.ratio)
        place = Signal(parts + exact_log2(self.words))  # of the next one of the chip's words
        ahead, asks, ready = Signal(range(FIFO + 1)), Signal(), Signal(5)
        m.d.comb += [self.copying.eq(sends), self.address.eq(place[parts:]),
                     asks.eq(sends & ~ahead[-1])]
        m.d.sync += ahead.eq(ahead + asks - self.sdram.i_take)
        with m.If(asks):
            m.d.sync += place.eq(place + 1)
        part = later(m, place[:parts], self.reading, "part")
        comes = later(m, asks, self.reading + 1, "comes", reset=True)
        word = later(m, self.word.word_select(part, self.sdram.width), 1, "part_of_word")
        attrs = primitives.small_memory(self.family)
        rows: memory.Memory = memory.Memory(shape=self.sdram.width, depth=FIFO, init=[],
                                            attrs=attrs)
        m.submodules.rows = rows
        write, read = rows.write_port(), rows.read_port(domain="comb")
        m.d.comb += [write.data.eq(word), write.en.eq(comes), self.sdram.i.eq(read.data)]
        m.d.sync += [write.addr.eq(write.addr + comes),
                     read.addr.eq(read.addr + self.sdram.i_take)]
        with m.If(~ready.all()):
            m.d.sync += ready.eq(ready + 1)
        with m.If(begins):
            m.d.sync += [place.eq(self.place << parts), ahead.eq(0), write.addr.eq(0),
                         read.addr.eq(0), ready.eq(0)]
        return ready.all()
