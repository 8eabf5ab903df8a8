"""A memory chip behind its controller: contents, and the cycle of everything that happens."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...arch.sdram import (
    ALL_BANKS,
    BURST,
    CAS_LATENCY,
    MODE,
    POWER_UP_REFRESHES,
    SETTLE,
    Cycles,
    SdramCommand,
)

__all__ = ["Given", "Sdram", "PageTransfer", "Words"]

Words = NDArray[np.int64]


class Given(NamedTuple):
    """A command on the pins, in which cycle; what it leaves open is 0."""

    cycle: int
    command: SdramCommand
    bank: int = 0
    address: int = 0


class PageTransfer(NamedTuple):
    """A request: the cycle in which it was taken, that of its first word, and the words."""

    taken: int
    first: int
    words: Words | None


class Sdram:
    """A chip and the controller :class:`hwgen.rtl.external.sdram.Sdram`, of the same parameters.

    Cycles are counted from the first one after a reset.

    Parameters
    ----------
    capture : int
        As at the controller's port.
    cycles : int
        By the names of :class:`hwgen.arch.sdram.Cycles`.

    Members
    -------
    contents : dict of int to array
        The words of each page that was written.
    due : int
        The cycle in which the next refresh is due.
    """

    def __init__(self, *, width: int, words: int, row_bits: int, column_bits: int,
                 capture: int = 0, **cycles: int) -> None:
        self.width, self.words, self.capture = width, words, capture
        self.row_bits, self.column_bits = row_bits, column_bits
        self.cycles = c = Cycles(**cycles)
        self.contents: dict[int, Words] = {}
        self._done: list[tuple[int, SdramCommand, int]] = []
        # When MODE is given, when all may begin, and when the last word has come.
        begins = c.power_up - 1 + c.precharge + POWER_UP_REFRESHES * c.refresh
        self._free, self._settled = begins + c.mode, 0
        self.due = begins - c.refresh + c.refresh_every

    def request(self, page: int, write: Words | None = None, *, at: int = 0) -> PageTransfer:
        """Read a page, or write it; the request is there from the cycle ``at`` on."""
        c, taken = self.cycles, self.free_from(at)
        ends = taken + c.activate + self.words
        if write is None:
            self._done.append((taken, SdramCommand.READ, page))
            self._free = ends + c.precharge
            self._settled = ends + SETTLE
            return PageTransfer(taken, taken + c.activate + CAS_LATENCY + 2 + self.capture,
                            self.contents.get(page))
        self._done.append((taken, SdramCommand.WRITE, page))
        self._free = ends + c.recovery - 1 + c.precharge
        self.contents[page] = write
        return PageTransfer(taken, taken + c.activate, write)

    def restart(self, *, at: int = 0) -> int:
        """Restart the refreshes in the first cycle from ``at`` on that is idle; return it."""
        when = self.free_from(max(at, self._settled))
        self._done.append((when, SdramCommand.REFRESH, 0))
        self._free, self.due = when + self.cycles.refresh, when + self.cycles.refresh_every
        return when

    def idle(self, cycle: int) -> bool:
        """Return whether nothing is under way in a cycle, and nothing due."""
        return self._settled <= cycle == self.free_from(cycle)

    def free_from(self, cycle: int) -> int:
        """Return the first cycle from this one on in which a request would be taken.

        If there is none before it.
        """
        while True:
            begins = max(self._free, cycle)
            due = max(self._free, self.due)
            if due > begins:
                return begins
            self._done.append((due, SdramCommand.REFRESH, 0))
            self._free = due + self.cycles.refresh
            self.due += self.cycles.refresh_every

    def commands(self, until: int) -> Iterator[Given]:
        """Yield all that is on the pins before a cycle, if nothing else is requested by then."""
        self.free_from(until)
        for given in self._all_commands():
            if given.cycle < until:
                yield given

    def _all_commands(self) -> Iterator[Given]:
        """Yield all commands: on the pins in the cycle after the one that gives them."""
        cycle = self.cycles.power_up
        yield Given(cycle, SdramCommand.PRECHARGE, address=ALL_BANKS)
        cycle += self.cycles.precharge
        for _ in range(POWER_UP_REFRESHES):
            yield Given(cycle, SdramCommand.REFRESH)
            cycle += self.cycles.refresh
        yield Given(cycle, SdramCommand.MODE, address=MODE)
        high_bits = self.column_bits - (self.words.bit_length() - 1)
        for taken, command, page in self._done:
            if command is SdramCommand.REFRESH:
                yield Given(taken + 1, command)
                continue
            bank, high = page & 3, (page >> 2) % (1 << high_bits)
            yield Given(taken + 1, SdramCommand.ACTIVATE, bank, page >> 2 + high_bits)
            cycle = taken + 1 + self.cycles.activate
            for word in range(0, self.words, BURST):
                yield Given(cycle + word, command, bank, high * self.words + word)
            writes = command is SdramCommand.WRITE
            yield Given(cycle + self.words + (self.cycles.recovery - 1 if writes else 0),
                        SdramCommand.PRECHARGE, bank, ALL_BANKS)
