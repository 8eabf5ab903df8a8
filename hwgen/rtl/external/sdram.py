"""A controller for a memory chip (SDR SDRAM) that reads and writes whole pages."""

from collections.abc import Callable
from typing import Any

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ...arch.sdram import (
    ALL_BANKS,
    BURST,
    CAPTURES,
    CAS_LATENCY,
    MODE,
    POWER_UP_REFRESHES,
    SETTLE,
    SdramCommand,
)

__all__ = ["Sdram"]


class Sdram(wiring.Component):
    """Read or write a page of a memory chip for each request, and refresh the chip in between.

    A request is taken while ``request.ready`` is high. It opens the page's row, has the chip read
    or write :data:`BURST` words at a time, one a cycle without a pause, and closes the row.

    - Of a page that is read, words are on ``o`` in successive cycles, the first one
      :attr:`latency` cycles after the request was taken, and ``capture`` later. ``o`` cannot wait.
    - Of a page that is written, words are taken from ``i`` in the successive cycles in which
      ``i_take`` is high, the first one :attr:`writes_after` cycles after the request was taken. A
      word must be there in each of them: neither can the chip wait.

    The next request may be taken :attr:`interval` cycles after one that reads, and ``recovery - 1``
    cycles later after one that writes. So requests wait, and words do not.

    Every ``refresh_every`` cycles a refresh is due. It is done before any request, and after the
    page that is under way. ``restart``, in a cycle in which ``idle`` is high, does a refresh at
    once, and the next one is due ``refresh_every`` cycles later: what follows takes the same cycles
    each time. It counts in no other cycle, and no request is taken in a cycle with it.

    After a reset the chip is powered up, which takes ``power_up`` cycles and some; what it holds
    is undefined.

    All outputs to the chip are registers, and so is what comes from it. It takes a command at the
    end of the cycle in which that is on the pins, or later; the words of a READ are on the pins
    three cycles behind that of the command (CAS latency), and if a board has more registers, or
    longer ways, ``capture`` cycles later. ``cke`` is high, ``cs_n`` low.

    Parameters
    ----------
    width : int
        Bits of a word of the chip.
    words : int
        Of a page: a power of two, at least 8, and no more than a row has.
    row_bits, column_bits : int
        Bits of the chip's rows and columns; there are four banks.
    activate, precharge, refresh, recovery, mode, refresh_every, power_up : int
        Cycles, as :class:`hwgen.arch.sdram.Cycles` has them.

    Members
    -------
    request : In(stream.Signature(StructLayout))
        ``page``, and whether to ``write`` it. The lowest bits of a page's number are its bank.
    restart : In(1), idle : Out(1)
        ``idle``: nothing is under way, no word either, and no refresh is due.
    capture : In(3)
        May change while the controller is idle.
    i : In(width), i_take : Out(1)
    o : Out(width), o_valid : Out(1)
    ras_n, cas_n, we_n, address, bank, dqm : Out
        To the chip. ``dqm`` masks all bytes until the chip is powered up.
    dq_o, dq_oe : Out, dq_i : In
        The chip's data, and whether it is driven.
    """

    request: Any
    restart: Value
    idle: Value
    capture: Value
    i: Value
    i_take: Value
    o: Value
    o_valid: Value
    ras_n: Value
    cas_n: Value
    we_n: Value
    address: Value
    bank: Value
    dqm: Value
    dq_o: Value
    dq_oe: Value
    dq_i: Value

    width: int
    words: int
    row_bits: int
    column_bits: int
    activate: int
    precharge: int
    refresh: int
    recovery: int
    mode: int
    refresh_every: int
    power_up: int

    fsm: Any
    left: Signal
    word: Signal
    kept: Signal
    refreshes: Signal
    timer: Signal
    owed: Signal
    passing: Signal
    under_way: Signal
    """What it is doing, once it is elaborated: for proofs."""

    def __init__(self, *, width: int, words: int, row_bits: int, column_bits: int, activate: int,
                 precharge: int, refresh: int, recovery: int, mode: int,
                 refresh_every: int, power_up: int) -> None:
        sizes = {"width": width, "words": words, "row_bits": row_bits, "column_bits": column_bits,
                 "activate": activate, "precharge": precharge, "refresh": refresh,
                 "recovery": recovery, "mode": mode, "refresh_every": refresh_every,
                 "power_up": power_up}
        for name, value in sizes.items():
            if not isinstance(value, int) or value < 1:
                raise TypeError(f"{name} must be a positive integer, not {value!r}")
            setattr(self, name, value)
        if words < BURST or words & words - 1 or words > 1 << column_bits:
            raise ValueError(f"words must be a power of two, {BURST} to the {1 << column_bits} of "
                             f"a row, not {words}")
        if column_bits > 10 or row_bits > 13:
            raise ValueError(f"row_bits must be at most 13, and column_bits 10, not {row_bits} and "
                             f"{column_bits}")
        if min(activate, precharge) < 2:
            raise ValueError("activate and precharge must be at least 2, or words would meet on "
                             f"the bus, not {activate} and {precharge}")
        if refresh_every < refresh + 2:
            raise ValueError(f"refresh_every must be at least {refresh + 2}, two more than "
                             f"refresh, not {refresh_every}")
        self.page_bits = 2 + row_bits + column_bits - exact_log2(words)
        command = Out(1, init=1)  # type: ignore[call-arg]
        super().__init__({
            "request": In(stream.Signature(data.StructLayout(
                {"page": self.page_bits, "write": 1}))),
            "restart": In(1), "idle": Out(1), "capture": In(range(CAPTURES)),
            "i": In(width), "i_take": Out(1), "o": Out(width), "o_valid": Out(1),
            "ras_n": command, "cas_n": command, "we_n": command,
            "address": Out(max(row_bits, 11)), "bank": Out(2), "dqm": command,
            "dq_o": Out(width), "dq_oe": Out(1), "dq_i": In(width)})

    @property
    def writes_after(self) -> int:
        """Cycles from a request to the first word that is taken from ``i``."""
        return self.activate

    @property
    def latency(self) -> int:
        """Cycles from a request to the first word on ``o``, if ``capture`` is 0."""
        # A register for the command and for the word, and one more, behind which they are chosen.
        return self.activate + CAS_LATENCY + 2

    @property
    def interval(self) -> int:
        """Cycles from one request that reads to the next."""
        return self.activate + self.words + self.precharge

    @property
    def most_owed(self) -> int:
        """Refreshes that are due at once, at most: those that come due during the longest page."""
        return max(self.interval + self.recovery - 1, self.mode) // self.refresh_every + 2

    def elaborate(self, platform: object) -> Module:
        m = Module()
        command = Signal(3, init=SdramCommand.NONE)
        m.d.comb += Cat(self.ras_n, self.cas_n, self.we_n).eq(command)

        # Cycles until the state acts, less one: down to -1, where the sign says that it is time.
        longest = max(self.power_up, self.activate, self.precharge, self.refresh, self.recovery,
                      self.mode, 2)
        left, acts = Signal(range(-1, longest - 1), init=self.power_up - 2), Signal()
        self.left = left
        m.d.comb += acts.eq(left[-1])
        with m.If(~acts):
            m.d.sync += left.eq(left - 1)
        m.d.sync += command.eq(SdramCommand.NONE)

        def act(does: SdramCommand, cycles: int, following: str) -> None:
            """Give a command to the chip, and be in a state that may act so many cycles later."""
            m.d.sync += [command.eq(does), left.eq(cycles - 2)]
            m.next = following

        waits, begins, running, restarts, burst = (
            Signal(name=name) for name in ("waits", "begins", "running", "restarts", "burst"))
        self.word = word = Signal(exact_log2(self.words))
        # Of the page under way: whether it is written, and the highest bits of its columns.
        self.kept = kept = Signal(1 + self.page_bits - 2 - self.row_bits)
        page, writes, high = self.request.p.page, kept[0], kept[1:]
        due = self._due(m, begins | restarts, waits)
        under_way = self._move_words(m, burst, writes)
        m.d.comb += [self.dqm.eq(~running), self.idle.eq(waits & ~due & ~under_way),
                     restarts.eq(self.restart & self.idle),
                     self.request.ready.eq(waits & ~due & ~self.restart)]
        with m.FSM() as self.fsm:
            self._power_up(m, act, acts, begins, running)
            with m.State("WAIT"):
                m.d.comb += waits.eq(acts)
                m.d.sync += [self.address.eq(page[2 + len(high):]), self.bank.eq(page),
                             kept.eq(Cat(self.request.p.write, page[2:]))]
                with m.If(acts & (due | (self.restart & ~under_way))):
                    act(SdramCommand.REFRESH, self.refresh, "WAIT")
                with m.Elif(self.request.valid & self.request.ready):
                    act(SdramCommand.ACTIVATE, self.activate, "BURST")
            with m.State("BURST"):
                m.d.comb += burst.eq(acts)
                m.d.sync += self.address.eq(Cat(word, high))
                with m.If(acts):
                    m.d.sync += word.eq(word + 1)
                    with m.If(word[:exact_log2(BURST)] == 0):
                        m.d.sync += command.eq(Mux(writes, SdramCommand.WRITE, SdramCommand.READ))
                    with m.If(word.all()):
                        m.d.sync += left.eq(Mux(writes, self.recovery - 2, -1))
                        m.next = "CLOSE"
            with m.State("CLOSE"):
                m.d.sync += self.address.eq(ALL_BANKS)
                with m.If(acts):
                    act(SdramCommand.PRECHARGE, self.precharge, "WAIT")
        return m

    def _power_up(self, m: Module, act: Callable[..., None], acts: Value, begins: Value,
                  running: Value) -> None:
        """Add the states by which a chip begins."""
        self.refreshes = refreshes = Signal(range(POWER_UP_REFRESHES))
        with m.State("POWER"):
            m.d.comb += begins.eq(1)
            m.d.sync += self.address.eq(ALL_BANKS)
            with m.If(acts):
                act(SdramCommand.PRECHARGE, self.precharge, "REFRESH")
        with m.State("REFRESH"):
            m.d.comb += begins.eq(1)
            with m.If(acts):
                m.d.sync += refreshes.eq(refreshes + 1)
                act(SdramCommand.REFRESH, self.refresh, "REFRESH")
                with m.If(refreshes.all()):
                    m.next = "MODE"
        with m.State("MODE"):
            m.d.sync += [self.address.eq(MODE), self.bank.eq(0)]
            with m.If(acts):
                m.d.sync += running.eq(1)
                act(SdramCommand.MODE, self.mode, "WAIT")

    def _due(self, m: Module, restarts: Value, waits: Value) -> Value:
        """Return whether a refresh is due: whatever ``waits`` then does it."""
        self.timer = timer = Signal(range(-1, self.refresh_every - 1),
                                    init=self.refresh_every - 2)
        self.owed = owed = Signal(range(self.most_owed + 1))
        tick, due = Signal(), Signal()
        m.d.comb += [tick.eq(timer[-1]), due.eq(tick | owed.any())]
        m.d.sync += [timer.eq(timer - 1), owed.eq(owed + tick - (waits & due))]
        with m.If(tick | restarts):
            m.d.sync += timer.eq(self.refresh_every - 2)
        return due

    def _move_words(self, m: Module, burst: Value, writes: Value) -> Value:
        """Have words leave with their WRITE, and come as long after their READ as they take.

        Return whether some are still to come.
        """
        taken, self.passing = Signal(self.width, reset_less=True), Signal(SETTLE)
        self.under_way = Signal()  # one of `passing`
        reads, choice = burst & ~writes, self.passing[CAS_LATENCY:CAS_LATENCY + CAPTURES]
        m.d.comb += [self.i_take.eq(burst & writes), self.o.eq(taken)]
        m.d.sync += [self.dq_o.eq(self.i), self.dq_oe.eq(burst & writes), taken.eq(self.dq_i),
                     self.passing.eq(Cat(reads, self.passing)),
                     self.under_way.eq(Cat(reads, self.passing[:-1]).any()),
                     self.o_valid.eq(choice.bit_select(self.capture, 1))]
        return self.under_way
