"""A whole accelerator in its bench, whatever top level is around it, and its golden model.

All of it blocks, as the runtime does, so it is called behind ``cocotb.task.bridge``.
"""

import numpy as np
from cocotb.task import resume

from hwgen.arch.registers import Space
from hwgen.compiler.sparse.lane_memories import matrix_of_words
from hwgen.golden.accelerator.accelerator import Accelerator, Error
from hwgen.golden.binary.accelerator import BinaryAccelerator
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import BUDGET

from .any_steps import StepMaker

__all__ = ["Bench", "golden_model"]


def golden_model(design, compressed=()):
    """Return the golden model of an accelerator."""
    kind = BinaryAccelerator if design.engine == "binary" else Accelerator
    return kind.of(design, matrix_of_words(compressed, design.columns) if compressed else None)


class Bench:
    """An accelerator, and what checks of it share.

    Parameters
    ----------
    host : function
        Returns an accelerator as the runtime sees it, behind a reset.
    design : Design
    window : Window
        What there is of each space.
    rng : Generator
    share : float
        How much of what takes long is done, where a byte takes many cycles.
    """

    def __init__(self, host, design, window, rng, share=1.0):
        self.host = host
        self.board = host()
        self.design = design
        self.sizes = dict(zip(Space, window.sizes, strict=False))
        self.stride = window.stride
        self.rng = rng
        self.share = share
        self.maker = StepMaker(design, rng)

    def reset(self):
        """Reset the accelerator for one cycle, of which the next host knows."""
        resume(self.board.link.reset)(1)
        self.board = self.host()

    def part(self, count, least):
        """Return how many of so many checks are made, where each takes long."""
        return max(round(count * self.share), min(count, least))

    def model(self, compressed=()):
        """Return the golden model, with the activations that there are."""
        model = golden_model(self.design, compressed)
        model.memory[:] = self.activations()
        return model

    def activations(self):
        """Return all bytes of the activation memory."""
        data = self.board.read_activations(0, self.design.activation_memory)
        return np.frombuffer(data, np.int8)

    def hold(self, model, steps, words, first=0):
        """Run steps here and there; compare the memories, and return the cycles."""
        self.write_program(words)
        model.run(self.image(words), len(steps), first)
        cycles = self.board.run(first, len(steps), budget=BUDGET, watchdog=1 << 18)
        np.testing.assert_array_equal(self.activations(), model.memory, str(steps))
        return cycles

    def fill(self, model):
        """Fill all sums and all tables, as nobody knows what they hold."""
        if self.design.engine != "binary":
            self.hold(model, *self.maker.filler())
        self.fill_tables(model)

    def fill_tables(self, model):
        """Fill all tables, if there are any."""
        if self.design.tables:
            self.hold(model, *self.maker.tables())

    def image(self, words):
        """Return the bytes of all words of the program memory, of the first ones."""
        return words.tobytes().ljust(self.design.program_words * self.design.columns, b"\0")

    def write_program(self, words, first=0):
        """Write words of the program memory, each at a multiple of a power of two."""
        spread = np.zeros((len(words), self.stride), np.uint8)
        spread[:, :self.design.columns] = words
        self.board.write_memory(Space.PROGRAM, first * self.stride, spread.tobytes())

    def failure(self, first, count, *, watchdog):
        """Run steps, and return the error and the step at which they stop, or None."""
        try:
            self.board.run(first, count, budget=BUDGET, watchdog=watchdog)
        except AcceleratorError as error:
            return Error(error.code), error.step
        return None

    def end(self):
        """Wait for the end of a run, and return its error."""
        for _ in range(20):
            state = self.board.state()
            if not state.busy:
                return state.error
            self.board.link.wait(20)
        raise AssertionError("a run does not end")
