"""Pages from external memory into a ring, and steps that take their words: every cycle of it."""

from collections.abc import Sequence
from typing import NamedTuple

from .sdram import Sdram

__all__ = ["PageStream", "StreamRun", "RingStep"]


class RingStep(NamedTuple):
    """A step: words that it needs beyond those before it, its cycles, words released at its end."""

    brings: int
    cycles: int
    releases: int


class StreamRun(NamedTuple):
    """What became of steps.

    Parameters
    ----------
    started : int
        The cycle of ``start``.
    begins : list of int
        The cycle in which each step begins.
    ends : int
        The last cycle of the last step.
    stalls : int
        Cycles in which a step waited for words.
    pages : list of int
        The cycle in which each page was taken.
    """

    started: int
    begins: list[int]
    ends: int
    stalls: int
    pages: list[int]


class PageStream:
    """The stream :class:`hwgen.rtl.external.page_stream.PageStream` and the memory behind it.

    Parameters
    ----------
    sdram : Sdram
        The memory: a run restarts its refreshes.
    ratio, ring : int
        As in hardware.
    """

    def __init__(self, sdram: Sdram, *, ratio: int, ring: int) -> None:
        self.sdram, self.ratio, self.ring = sdram, ratio, ring
        self.page = sdram.words // ratio

    def run(self, first: int, pages: int, steps: Sequence[RingStep], *, at: int = 0) -> StreamRun:
        """Return what becomes of steps, each of which begins as soon as its words are there.

        The run starts, and the first step comes up, in the first cycle from ``at`` on in which the
        memory is idle. A step ends in the last of its cycles, in which the next one comes up. The
        run is stopped in the cycle behind the last one of its last step.
        """
        started = self.sdram.restart(at=at)
        released = [(started, self.ring)]  # by the end of a cycle, words that may have been asked
        taken: list[int] = []
        arrivals: list[int] = []  # the cycle in which the first word of each page comes
        begins: list[int] = []
        comes_up, needed, stalls = started, 0, 0

        def next_request() -> int | None:
            """Return the cycle from which on the next page is asked for, if there is one."""
            if len(taken) == pages:
                return None
            room = next((cycle for cycle, words in released
                         if words >= (len(taken) + 1) * self.page), None)
            return None if room is None else max([room, *taken[-1:]]) + 1

        def take(at: int) -> None:
            """Take the next page, which is there from a cycle on."""
            transfer = self.sdram.request(first + len(taken), at=at)
            taken.append(transfer.taken)
            arrivals.append(transfer.first)

        def arrival(word: int) -> int:
            """Return the first cycle in which a word of the run is there."""
            while len(taken) <= word // self.page:
                soon = next_request()
                if soon is None:
                    raise ValueError(f"a step waits for ever for word {word}: of {pages} pages, "
                                     f"and {self.ring} words of the ring")
                take(soon)
            return arrivals[word // self.page] + (word % self.page + 1) * self.ratio + 1

        for step in steps:
            needed += step.brings
            ready = comes_up + 1
            begins.append(max(ready, arrival(needed - 1)) if needed else ready)
            stalls += begins[-1] - ready
            comes_up = begins[-1] + step.cycles - 1
            released.append((comes_up, released[-1][1] + step.releases))
        while (soon := next_request()) is not None and self.sdram.free_from(soon) <= comes_up + 1:
            take(soon)
        return StreamRun(started, begins, comes_up, stalls, taken)
