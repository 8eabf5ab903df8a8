"""Counters of a whole accelerator that are far on: for so long no bench runs.

So their high bits are flipped from within the simulation.
"""

from hwgen.runtime.faults.simulator import Bit
from hwgen.runtime.inference import BUDGET

from .stops import endless

__all__ = ["counting"]

COUNTERS = ("cycles", "step_cycles")
"""Of a run, and of its step."""
FIRST, END = 16, 32
"""The first of the bits that are flipped: none of them is set by then; and how many there are."""


def counting(bench):
    """What has a high bit is counted on, and keeps it until the host reads it."""
    board, link = bench.board, bench.board.link
    count, words = endless(bench, 99, 9)
    bench.write_program(words)
    board.start(0, count, watchdog=0xFFFFFFFF)
    with link.trial():
        without = counted(bench, count)
    assert max(without) < 1 << FIRST
    # A mutant of a counter's own output parts it, so that it has another name.
    places = {element.name.split(".")[-1]: place for place, element in enumerate(link.elements)
              if element.name.split(".")[-2:-1] == ["sequencer"]}
    some = [counter for counter in COUNTERS if counter in places]
    assert some, "there is no counter of this name"
    for counter in some:
        for bit in range(FIRST, END):
            with link.trial(Bit(places[counter], 0, bit)):
                seen = counted(bench, count)
            expected = without.copy()
            expected[COUNTERS.index(counter)] += 1 << bit
            assert seen == expected, f"{seen} and not {expected} with bit {bit} of {counter}"
    assert counted(bench, count) == without


def counted(bench, count):
    """Return the cycles of a run that is under way, and of its steps, when it has ended."""
    cycles = bench.board.wait(BUDGET)
    return [cycles, sum(bench.board.counters(min(count, bench.design.steps)))]
