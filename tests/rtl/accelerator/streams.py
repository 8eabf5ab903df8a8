# amaranth: UnusedElaboratable=no
"""Random steps of a program that streams, and an accelerator in simulation that runs them."""

import numpy as np

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.design import Design
from hwgen.arch.steps import Mode
from hwgen.compiler.streaming import most_held
from hwgen.cost.stream import streamed_cycles
from hwgen.golden.accelerator.accelerator import Accelerator
from hwgen.golden.accelerator.footprint import bytes_read, bytes_written, passes, vector_bytes
from hwgen.runtime.external import begin_with, load_pages, stalls_of
from hwgen.runtime.inference import simulated_board
from sim.accelerator.any_steps import StepMaker

__all__ = ["CHIPS", "DESIGNS", "StreamBoard", "any_streaming_design", "any_stream", "image_of"]

SMALL = Design(rows=5, columns=8, lines=2, lanes=4, activation_memory=1 << 14, program_memory=4096,
               partial_sums=128, line_pixels=64, external="IS42S16160@110")
DESIGNS = {
    "4 KB": SMALL,
    "8 KB": SMALL.replace(rows=9, columns=16, lines=3, lanes=16, program_memory=8192,
                          external="AS4C32M16@133"),
    "32 bits": SMALL.replace(rows=7, columns=4, lanes=2, program_memory=4096,
                             external="GW2AR-18@60"),
}
CHIPS = ("IS42S16160@110", "IS42S16160@100", "MT48LC16M16@133", "AS4C32M16@110", "W9825G6@133",
         "GW2AR-18@60", "GW2AR-18@133")


def any_streaming_design(number):
    """Return a random Design whose program streams."""
    rng = np.random.default_rng([number, 19])
    columns = int(rng.choice([4, 8, 16, 32]))
    rows = int(rng.integers(4, 17))
    return Design(
        rows=rows, columns=columns, lines=int(rng.integers(0, min(rows, 3) + 1)),
        lanes=int(rng.choice([1, columns // 2, columns])), line_pixels=64,
        activation_memory=1 << 16, program_memory=1 << int(rng.integers(12, 17)),
        partial_sums=int(rng.integers(16, 400)), external=str(rng.choice(CHIPS)))


def any_stream(design, rng, count):
    """Return random steps, and the image of a program that has them one behind the other.

    Some of them follow at once where they may, and some have the words of the step before again.
    """
    inner = design.replace(external=None, program_memory=1 << 18)
    drawn, words = StepMaker(inner, rng).program(count)
    coding, most, held = Descriptors.of(design), most_held(design), 0
    steps, own = [], []
    for step in drawn:
        own.append(words[step.program:step.program + coding.words_behind(step)])
        steps.append(step)
        held = len(own[-1]) + coding.words
        while rng.random() < 0.3 and (held := held + coding.words) <= most:
            steps[-1] = steps[-1].replace(holds=True)
            steps.append(step.replace(again=True))
            own.append(own[-1][:0])
    overlap(design, steps)
    return image_of(design, steps, own)


def overlap(design, steps):
    """Let steps follow at once that read nothing that the step before them writes."""
    for index in range(1, len(steps)):
        before, step = steps[index - 1:index + 1]
        if any(each.mode > Mode.DEPTHWISE or each.to_sums for each in (before, step)):
            continue
        read = [bytes_read(step, vector_bytes(step, design.rows, design.columns), tile, *taps)
                for tile in range(step.tiles) for taps in passes(step)]
        needed = np.concatenate([where[inside] for inside, where in read])
        if not np.isin(needed, bytes_written(before, design.columns)).any():
            steps[index] = step.replace(overlaps=True)


def image_of(design, steps, own):
    """Return steps with the places of their words, and the image of all."""
    coding, place, pieces, placed = Descriptors.of(design), 0, [], []
    for step, words in zip(steps, own, strict=True):
        first = placed[-1].program if step.again else place + coding.words
        placed.append(step.replace(program=first))
        pieces += [coding.write(placed[-1]), words.tobytes()]
        place = coding.end(place, step)
    return placed, b"".join(pieces)


class StreamBoard:
    """An accelerator whose program streams, in simulation, and its golden model."""

    def __init__(self, design):
        self.design = design
        self.board = simulated_board(design)
        self.golden = Accelerator.of(design)

    def memory(self):
        """Return the bytes of the hardware's activation memory."""
        return np.frombuffer(self.board.read_activations(0, len(self.golden.memory)), np.int8)

    def fill(self, rng):
        """Give both memories, and the sums, the same contents."""
        self.golden.memory[:] = rng.integers(-128, 128, len(self.golden.memory))
        self.board.write_activations(0, self.golden.memory.tobytes())
        inner = self.design.replace(external=None)
        [step], words = StepMaker(inner, rng).filler()
        _, image = image_of(self.design, [step], [words[step.program:]])
        self.load(image)
        self.golden.run(image, 1, place=0)
        self.board.run(0, 1, budget=20_000)

    def load(self, image, word=0):
        """Write an image into external memory, and let a run begin with one of its words."""
        load_pages(self.board, self.design, image)
        begin_with(self.board, word)

    def hold(self, steps, first, word):
        """Run steps from the first one on, at a word; compare all that comes of them."""
        image, steps = self.image, steps[first:]
        self.golden.run(image, len(steps), first, place=word)
        begin_with(self.board, word)
        cycles = self.board.run(first, len(steps), budget=1 << 22)
        expected = [*streamed_cycles(self.design, steps, word)]
        assert self.board.counters(len(steps), first) == [step.cycles for step in expected], steps
        assert cycles == sum(step.cycles for step in expected)
        assert stalls_of(self.board) == sum(step.stalls for step in expected), steps
        np.testing.assert_array_equal(self.memory(), self.golden.memory, str(steps))
        return expected
