"""Holds a program that streams against its ring: what is read is there, and no step hangs."""

from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.external import words_ahead
from ..arch.sdram import PAGE_BYTES
from ..arch.steps import Mode, Step
from .check_weights import Unsound

__all__ = ["StreamCheck"]


class StreamCheck:
    """Follows which words of a stream are in the ring; a run may begin with each layer."""

    def __init__(self, design: Design) -> None:
        self.coding, self.ring = Descriptors.of(design), design.program_words
        self.page = PAGE_BYTES // design.columns
        self.ahead = words_ahead(design.rows, design.columns)
        assert design.chip
        self.end = design.chip.facts.pages * self.page
        self.begin()

    def begin(self) -> None:
        """Begin a run, with nothing in the ring."""
        self.held: int | None = None  # the first word that is not free to be overwritten
        self.words: tuple[int, int] | None = None  # those that are held for another step

    def follow(self, step: Step, place: int) -> None:
        """Follow a step whose descriptor is at a word of the stream."""
        if step.mode > Mode.SUMS:
            raise Unsound("there is no such step on this Design")
        first = place + self.coding.words
        count = self.coding.words_behind(step)
        if step.again:
            if self.words != (step.program, step.program + count):
                raise Unsound("it has words again that are not held")
        elif step.program != first:
            raise Unsound("its words are not behind its descriptor")
        else:
            self.words = (first, first + count)
        behind = self.coding.end(place, step)
        if behind > self.end:
            raise Unsound("its words are beyond the end of the external memory")
        if step.holds and self.held is None:
            self.held = first
        # A page is asked for when all of it has room; it may begin with the next word.
        if self.held is not None and behind + self.ahead - self.held > self.ring - self.page + 1:
            if step.holds or not step.again:
                raise Unsound("the ring has no room for the words for which it waits")
        if not step.holds:
            self.held = self.words = None
