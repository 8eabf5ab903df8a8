"""How many cycles steps take whose program streams from external memory: exactly.

Each word of the stream comes in a cycle of its own, as pages are asked for when steps before have
made room in the ring, and the chip is refreshed in between. So steps are followed pass by pass,
with the registers of :mod:`hwgen.cost.cycles`, and what they wait for is added.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ..arch.descriptors import Descriptors
from ..arch.design import Design
from ..arch.external import CAPTURE, LAG, words_ahead
from ..arch.steps import PARAMETER_WORDS, Mode, Step
from ..golden.external.sdram import Sdram
from .cycles import Array
from .ways import FAST

__all__ = ["StreamedRun", "StreamedStep", "streamed_cycles"]


@dataclass(frozen=True)
class StreamedStep:
    """What a step takes, and how many of these cycles it, or its descriptor, waits for words."""

    cycles: int
    stalls: int


class Words:
    """The words of a run: when each is read, makes room for another one, and comes.

    Parameters
    ----------
    design : Design
    first : int
        The word of the external memory with which the run begins.
    """

    def __init__(self, design: Design, first: int) -> None:
        chip = design.chip
        assert chip
        self.sdram = Sdram(**chip.geometry, **asdict(chip.cycles), capture=CAPTURE)
        self.ratio, self.ring = chip.ratio(design.columns), design.program_words
        self.page = self.sdram.words // self.ratio
        self.number, before = divmod(first, self.page)
        self.began = self.sdram.restart()
        self.wanted = before + words_ahead(design.rows, design.columns)
        self.comes: list[int] = []  # the cycle of the first part of each page
        self.taken = self.began
        self.reads: list[tuple[int, int]] = []  # (first cycle, words), one a cycle
        self.count = 0
        # (words that are free up to there, and up to its end; cycle of the first one, of the next)
        self.freed: list[tuple[int, int, int, int]] = [
            (0, self.ring, self.began, 0), (self.ring, self.ring + before, self.began + 1, 0)]
        self.at = 0
        self.held = 0

    def read(self, cycle: int, words: int, *, holds: bool = False) -> None:
        """Read words of the stream from a cycle on."""
        if not words:
            return
        self.reads.append((cycle, words))
        self.count += words
        if holds or self.held:
            self.held += words
        else:
            self._free(words, cycle + 1, 1)

    def release(self, cycle: int) -> None:
        """Make room for as many words as are held."""
        if self.held:
            words, self.held = self.held, 0
            self._free(words, cycle + 1, 0)

    def _free(self, words: int, cycle: int, each: int) -> None:
        before = self.freed[-1][1]
        self.freed.append((before, before + words, cycle, each))

    def _free_by(self, words: int) -> int:
        """Return the cycle in which so many words have found room, or make some."""
        while self.freed[self.at][1] < words:
            self.at += 1
            if self.at == len(self.freed):
                raise ValueError(f"no page finds room in the ring of {self.ring} words")
        before, _, cycle, each = self.freed[self.at]
        return cycle + max(words - before - 1, 0) * each

    def write_cycle(self, word: int) -> int:
        """Return the cycle in which a word of the run's pages is written into the ring."""
        page, place = divmod(word, self.page)
        while len(self.comes) <= page:
            room = self._free_by((len(self.comes) + 1) * self.page)
            transfer = self.sdram.request(self.number + len(self.comes),
                                          at=max(room, self.taken) + 1)
            self.taken = transfer.taken
            self.comes.append(transfer.first)
        return self.comes[page] + (place + 1) * self.ratio

    def there(self, cycle: int) -> int:
        """Return the first cycle from this one on in which as many words are there as are wanted.

        The last reads do not count yet.
        """
        while True:
            late = 0
            for first, words in reversed(self.reads[-4:]):
                late += min(max(first + words - 1 - (cycle - LAG), 0), words)
            least = self.write_cycle(self.wanted + self.count - late - 1) + LAG - 1
            if least <= cycle:
                return cycle
            cycle = cycle + 1 if late else least


class StreamedRun:
    """Follows the steps of a run on an accelerator of a Design, which begins with a word."""

    def __init__(self, design: Design, first: int) -> None:
        self.array, self.rows = Array.of(design), design.rows
        self.coding = Descriptors.of(design)
        self.words = Words(design, first)
        self.read_at = self.words.began + 1  # when the next descriptor may be read
        self.ended = self.words.began
        self.swapped = 0     # when parameters may be read, and
        self.free = 0        # a vector issued, of a step that overlaps
        self.before: Step | None = None

    def follow(self, step: Step) -> StreamedStep:
        """Return what the next step takes."""
        array, words, own = self.array, self.words, not step.again
        stalls = -self.read_at
        read = words.there(self.read_at)
        stalls += read
        holds = bool(self.before and self.before.holds)
        words.read(read + 2, self.coding.words, holds=holds)
        weights = int(array.weight_words(step.mode, 0))
        begin = read + self.coding.words + FAST.reading
        swapped = max(begin + weights, self.swapped)
        if own:
            words.read(begin + 1, weights, holds=step.holds)
            words.read(swapped + 1, PARAMETER_WORDS, holds=step.holds)
        least = swapped + PARAMETER_WORDS
        overlaps = self.before is not None and array.overlap(self.before, step)
        at = max(least, self.free if overlaps else self.ended)

        turns, interval = int(array.turns), int(array.interval)
        through = weights > 0
        come = FAST.fetching + turns + (int(array.latency(1)) if through else FAST.passing)
        end = come + (FAST.summing if step.to_sums else FAST.storing + turns)
        shortest = max(weights, FAST.shortest)
        primes = step.prime_y * step.x + step.prime_x if step.mode == Mode.DEPTHWISE else 0
        ahead = primes * (interval if step.passes == 1 else 1)
        first, issued = 0, 0  # the first vector of the step, and of the last pass
        count = step.tiles * step.passes
        for index in range(count):
            more = index + 1 < count
            if more and own:
                issued = words.there(at)
                stalls += issued - at
            else:
                issued = at
            number = index % step.passes
            if index == 0:
                first = issued
            if number == 0 and (index == 0 or step.parameters_per_tile):
                self.swapped = issued + come + FAST.swapping + ahead
            last = number == step.passes - 1
            at = issued + max(step.vectors * (interval if last else 1), shortest)
            if not more:
                break
            if own:
                words.read(issued + 1, weights, holds=step.holds)
            if last and step.parameters_per_tile:
                after = max(issued + weights, self.swapped)
                if own:
                    words.read(after + 1, PARAMETER_WORDS, holds=step.holds)
                at = max(at, after + PARAMETER_WORDS)
        before, self.ended = self.ended, issued + step.vectors * interval + end
        self.read_at = issued + turns + FAST.turning
        if not step.holds:
            words.release(self.read_at - 1)
        if array.overlaps(step.mode, to_sums=step.to_sums):
            self.read_at = max(self.read_at, first + come + FAST.taking)
        self.free = issued + step.vectors * interval + FAST.gap - 1
        self.before = step
        return StreamedStep(self.ended - before, stalls)


def streamed_cycles(design: Design, steps: Sequence[Step], first: int) -> Iterator[StreamedStep]:
    """Yield what each step of a run takes that begins with a word of the external memory."""
    run = StreamedRun(design, first)
    return map(run.follow, steps)
