import numpy as np
import pytest

from hwgen.arch.steps import Mode, Step
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array
from hwgen.cost.traffic import Traffic, traffic
from hwgen.golden.accelerator import accelerator
from hwgen.network.reader import read_network

from ..compiler_bench import design, random_network
from ..networks import NETWORKS, path


class Words(np.ndarray):
    """Words of the program memory that are counted when they are read."""

    def __new__(cls, image, columns):
        made = np.frombuffer(image, np.int8).reshape(-1, columns).view(cls)
        made.count = 0
        return made

    def __getitem__(self, rows):
        part = np.asarray(self)[rows]
        self.count += len(part)
        return part


class Counting(accelerator.Accelerator):
    """A golden accelerator that counts what it moves.

    What its vectors have inside the image are the ones among those of a memory full of ones.
    """

    def fetch(self, step, tile, ky, kx, piece):
        memory, self.memory = self.memory, np.ones_like(self.memory)
        self.sizes[ky, kx, piece] = int(super().fetch(step.replace(pad=0), tile, ky, kx,
                                                      piece).sum())
        self.memory = memory
        return super().fetch(step, tile, ky, kx, piece)

    def value(self, step, vectors, weights, taps):
        self.read += self.sizes[taps]
        return super().value(step, vectors, weights, taps)

    def store(self, step, tile, scaled):
        before, self.memory = self.memory, np.zeros_like(self.memory)
        marked = step.replace(zero_point=1, low=1, high=1)  # every byte written is a one
        there = super().store(marked, tile, scaled)
        self.written += int(self.memory.sum())
        self.memory = before
        return there and super().store(step, tile, scaled)

    def count(self, step, words):
        """Run a step, and return what it moved, besides its descriptor."""
        self.read, self.written, self.sizes, words.count = 0, 0, {}, 0
        assert self.step(step, words) is None
        return Traffic(self.read, self.written, words.count * self.columns)


def hold(network, of):
    """Hold every step of a network against the golden accelerator's counts."""
    program = compile_network(network, of)
    made = Counting(rows=of.rows, columns=of.columns, lines=of.lines,
                    partial_sums=of.partial_sums, activation_memory=of.activation_memory,
                    rounding=of.rounding)
    words = Words(program.image, of.columns)
    descriptor = Traffic(program=-(-80 // of.columns) * of.columns)
    for step in program.steps:
        assert traffic(step, Array.of(of)) == made.count(step, words) + descriptor, step


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    of = design(9, 16, 3, sums=512, pixels=512)
    hold(read_network(path(name)), of)


@pytest.mark.parametrize("seed", range(40))
def test_random(seed):
    of = (design(), design(9, 16, 3), design(5, 7, 1, sums=40), design(4, 12, 2))[seed % 4]
    hold(random_network(seed), of)


@pytest.mark.parametrize("seed", range(100))
def test_read_is_the_loops(seed):
    """Any step, however far its vectors reach to either side of the image."""
    rng = np.random.default_rng(seed)
    array = Array(int(rng.integers(4, 9)), int(rng.integers(4, 9)), 1)
    counts = ("tiles", "pieces", "taps_x", "taps_y", "x", "y", "row_step", "taps_y_step")
    step = Step(
        mode=Mode(int(rng.integers(4))), last_columns=1, height=int(rng.integers(1, 5)),
        row0=int(rng.integers(-4, 5)), offset=int(rng.integers(-30, 30)),
        row_bytes=int(rng.integers(1, 40)), **{name: int(rng.integers(1, 4)) for name in counts},
        **{name: int(rng.integers(9)) for name in ("x_step", "piece_step", "taps_x_step",
                                                   "tile_step")})
    width = array.rows if step.mode == Mode.MATRIX else array.columns
    inside = 0
    for j, ky, kx, p, y, x, i in np.ndindex(step.tiles, step.taps_y, step.taps_x, step.pieces,
                                            step.y, step.x, width):
        row = step.row0 + ky * step.taps_y_step + y * step.row_step
        o = (step.offset + j * step.tile_step + kx * step.taps_x_step + p * step.piece_step
             + x * step.x_step)
        inside += 0 <= row < step.height and 0 <= o + i < step.row_bytes
    assert traffic(step, array).read == (0 if step.mode == Mode.SUMS else inside)
