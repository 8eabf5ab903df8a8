# amaranth: UnusedElaboratable=no
"""Steps of one run, each of which is read while the one before is at its end."""

from itertools import pairwise

import numpy as np
import pytest

from hwgen.arch.descriptors import Descriptors
from hwgen.arch.steps import PARAMETER_WORDS, Mode
from hwgen.compiler import compile_network
from hwgen.cost.cycles import Array, run_cycles
from hwgen.golden.accelerator.accelerator import Accelerator, Error, Stopped
from hwgen.golden.accelerator.footprint import (
    bytes_read,
    bytes_written,
    passes,
    vector_bytes,
)
from hwgen.golden.network import network as golden
from hwgen.runtime.accelerator import AcceleratorError, Space
from hwgen.runtime.inference import load, run, simulated_board
from sim.accelerator.any_steps import StepMaker
from sim.accelerator.wrong_steps import plain, write_fields

from ...cases import quick, some
from ...compiler_bench import inputs_of
from .every_part import FAST
from .test_accelerator_faults import DESIGNS
from .test_accelerator_layers import any_network

pytestmark = pytest.mark.xdist_group("accelerator that reads ahead")

DESIGN = DESIGNS["5x11"]
FOREVER = 2**32 - 1
OUTPUT = 1500
"""Of the second of two steps."""
SQUARE = DESIGN.replace(rows=4, columns=4, lines=0, line_pixels=0, lanes=4)
"""One group of lanes for each vector: as many lanes as columns."""


class Board:
    """An accelerator in simulation, which runs what its golden model does."""

    def __init__(self, design):
        self.design = design
        self.board = simulated_board(design)
        self.golden = Accelerator.of(design)
        self.forms = Descriptors.of(design)

    def write(self, words):
        """Write words of the program memory, from the first one on."""
        stride = 1 << max(2, (self.design.columns - 1).bit_length())
        spread = np.zeros((len(words), stride), np.uint8)
        spread[:, :self.design.columns] = words
        self.board.write_memory(Space.PROGRAM, 0, spread.tobytes())
        self.image = words.tobytes().ljust(self.design.program_words * self.design.columns, b"\0")

    def fill(self, rng):
        """Give both memories the same bytes."""
        self.golden.memory[:] = rng.integers(-128, 128, len(self.golden.memory))
        self.board.write_activations(0, self.golden.memory.tobytes())

    def memory(self):
        """Return the bytes of the hardware's activation memory."""
        return np.frombuffer(self.board.read_activations(0, len(self.golden.memory)), np.int8)

    def fill_sums(self, maker):
        """Give both the same sums, so that steps may begin with what others left."""
        self.write(maker.filler()[1])
        self.golden.run(self.image, 1)
        self.board.run(0, 1, budget=10_000)


@pytest.fixture(scope="module")
def board():
    made = Board(DESIGN)
    with made.board.link:
        yield made


def test_random_steps(board):
    """Any steps, in values and cycles, those of every step included."""
    rng, hidden = np.random.default_rng(3), 0
    maker = StepMaker(DESIGN, rng)
    board.fill(rng)
    board.fill_sums(maker)
    for _ in range(25):
        steps, words = maker.program(int(rng.integers(2, 7)), wide=0.2)
        board.write(words)
        board.golden.run(board.image, len(steps))
        cycles = board.board.run(0, len(steps), budget=1 << 20)
        expected = run_cycles(steps, Array.of(DESIGN))
        assert board.board.counters(len(steps)) == expected, steps
        assert cycles == sum(expected)
        np.testing.assert_array_equal(board.memory(), board.golden.memory, str(steps))
        hidden += sum(map(Array.of(DESIGN).cycles, steps)) - cycles
    assert hidden > 1000


def overlap(steps, words):
    """Return steps that follow at once where they can, and the words of their program."""
    forms, mixed = Descriptors.of(DESIGN), [steps[0]]
    for before, step in pairwise(steps):
        streams = [each.mode <= Mode.DEPTHWISE and not each.to_sums for each in (before, step)]
        read = [bytes_read(step, vector_bytes(step, DESIGN.rows, DESIGN.columns), tile, *taps)
                for tile in range(step.tiles) for taps in passes(step)]
        needed = np.concatenate([where[inside] for inside, where in read])
        written = bytes_written(before, DESIGN.columns)
        mixed.append(step.replace(overlaps=all(streams) and not np.isin(needed, written).any()))
    for index, step in enumerate(mixed):
        words[index * forms.words:][:forms.words] = np.frombuffer(
            forms.write(step), np.uint8).reshape(-1, DESIGN.columns)
    return mixed, words


def run_overlapping(board, rounds):
    """Compare programs of steps some of which overlap; return how many, and the cycles saved."""
    rng, hidden, count = np.random.default_rng(4), 0, 0
    maker = StepMaker(DESIGN, rng)
    board.fill(rng)
    board.fill_sums(maker)
    for _ in range(rounds):
        steps, words = overlap(*maker.program(int(rng.integers(2, 7))))
        board.write(words)
        board.golden.run(board.image, len(steps))
        cycles = board.board.run(0, len(steps), budget=1 << 20)
        expected = run_cycles(steps, Array.of(DESIGN))
        assert board.board.counters(len(steps)) == expected, steps
        assert cycles == sum(expected)
        np.testing.assert_array_equal(board.memory(), board.golden.memory, str(steps))
        count += sum(step.overlaps for step in steps)
        hidden += sum(run_cycles([step.replace(overlaps=False) for step in steps],
                                 Array.of(DESIGN))) - cycles
    return count, hidden


def test_steps_that_overlap(board):
    """Their vectors follow those of the step before at once, if these write nothing they read."""
    count, hidden = run_overlapping(board, 40)
    assert count > 10 and hidden > 400


@pytest.mark.slow
def test_steps_with_zero_points(monkeypatch):
    """Those of a step are not those of the one before, whose vectors are still under way."""
    of = DESIGN.replace(lines=0, line_pixels=0, matmul=True)
    monkeypatch.setitem(globals(), "DESIGN", of)
    made = Board(of)
    with made.board.link:
        test_random_steps(made)
        count, hidden = run_overlapping(made, 60)
    assert count > 10 and hidden > 400


def two(fields, first=None, *, overlap=False):
    """Return the words of two steps, the second one with some fields, whatever they are.

    They ``overlap``, or are such that they cannot.
    """
    forms, kind = Descriptors.of(DESIGN), {"mode": Mode.MATRIX} if overlap else {}
    rows = DESIGN.rows if overlap else 0
    steps = [plain(DESIGN, 2 * forms.words).replace(
                 **kind | {"x": 9, "x_step": 3, "output_x_step": 11} | (first or {})),
             plain(DESIGN, 2 * forms.words + rows + PARAMETER_WORDS).replace(
                 **kind, output=OUTPUT, overlaps=overlap)]
    words = np.zeros((2 * (forms.words + 2 * rows + PARAMETER_WORDS), DESIGN.columns), np.uint8)
    data = words[2 * forms.words:]
    data[:] = np.random.default_rng(1).integers(0, 64, data.shape)
    for index, step in enumerate(steps):
        words[index * forms.words:][:forms.words] = np.frombuffer(
            forms.write(step), np.uint8).reshape(-1, DESIGN.columns)
    write_fields(DESIGN, words, 1, fields)
    return steps, words


def test_first_tile_of_one_vector(monkeypatch):
    """Of a step that overlaps, where a vector has one group: the next tile comes soon enough."""
    monkeypatch.setitem(globals(), "DESIGN", SQUARE)
    made = Board(SQUARE)
    with made.board.link:
        for x in (1, 9, 20, 40):
            _, words = two({"x": 1, "tiles": 3}, {"x": x}, overlap=True)
            made.write(words)
            made.fill(np.random.default_rng(x))
            made.golden.run(made.image, 2)
            made.board.run(0, 2, budget=10_000)
            np.testing.assert_array_equal(made.memory(), made.golden.memory)


WRONG = [({"magic": 0}, Error.DESCRIPTOR), ({"mode": 6}, Error.DESCRIPTOR),
         ({"tiles": 0}, Error.DESCRIPTOR), ({"x": 0}, Error.DESCRIPTOR),
         ({"mode": Mode.SPARSE}, Error.DESCRIPTOR),
         ({"program": DESIGN.program_words}, Error.PROGRAM),
         ({"program": DESIGN.program_words - 4}, Error.PROGRAM),
         ({"program": 1 << 31}, Error.PROGRAM),
         ({"mode": Mode.MATRIX, "program": DESIGN.program_words - 3}, Error.PROGRAM),
         ({"base": DESIGN.activation_memory}, Error.FETCH),
         ({"output": DESIGN.activation_memory}, Error.STORE),
         ({"x": DESIGN.partial_sums + 1, "to_sums": 1}, Error.SUMS)]


def stop_in_second(board, steps, words, error, seed):
    """Run two steps, of which the second one stops golden model and hardware by the same error."""
    board.write(words)
    board.fill(np.random.default_rng(seed))
    with pytest.raises(Stopped) as expected:
        board.golden.run(board.image, 2)
    with pytest.raises(AcceleratorError) as stopped:
        board.board.run(0, 2, budget=100_000, watchdog=5000)
    assert (stopped.value.code, stopped.value.step) == (error, 1)
    assert (expected.value.error, expected.value.step) == (error, 1)
    assert board.board.counters(1) == [Array.of(DESIGN).cycles(steps[0])]


@pytest.mark.parametrize("fields, error", WRONG)
@pytest.mark.parametrize("first", [{}, {"x": 1}, {"x": 1, "to_sums": True}])
def test_errors_come_in_turn(board, fields, error, first):
    """A step that is wrong stops the run when the one before has ended, and all of that is done."""
    stop_in_second(board, *two(fields, first), error, seed=5)
    np.testing.assert_array_equal(board.memory(), board.golden.memory)


OVERLAPPING = [({"magic": 0}, Error.DESCRIPTOR), ({"tiles": 0}, Error.DESCRIPTOR),
               ({"program": DESIGN.program_words - 1}, Error.PROGRAM),
               ({"program": DESIGN.program_words - 13}, Error.PROGRAM),
               ({"base": DESIGN.activation_memory}, Error.FETCH),
               ({"output": DESIGN.activation_memory}, Error.STORE),
               ({"x": DESIGN.partial_sums + 1, "pieces": 2}, Error.SUMS)]


@pytest.mark.parametrize("fields, error", OVERLAPPING)
@pytest.mark.parametrize("x", [1, 9, 40])
def test_errors_of_steps_that_overlap(board, fields, error, x):
    """An error of the second step comes when the first one has ended, which is all done."""
    stop_in_second(board, *two(fields, {"x": x}, overlap=True), error, seed=6)
    np.testing.assert_array_equal(board.memory()[:OUTPUT], board.golden.memory[:OUTPUT])


def test_bytes_that_are_on_their_way():
    """What a vector reads that goes as soon as the predicted cycles allow is written, just so."""
    design, count, forms = SQUARE, 160, Descriptors.of(SQUARE)
    assert Array.of(design).interval == 1
    length = design.rows + PARAMETER_WORDS
    steps = [plain(design, 2 * forms.words + index * length).replace(
                 mode=Mode.MATRIX, x=count, row_bytes=1, last_columns=1, output_x_step=1,
                 base=base, output=output, overlaps=output > 0)
             for index, (base, output) in enumerate(((OUTPUT, 0), (count - 1, count)))]
    words = np.zeros((2 * (forms.words + length), design.columns), np.uint8)
    data = words[2 * forms.words:].reshape(2, length, design.columns)
    data[:, :design.rows], data[:, -2] = 1, 0x40  # half of the byte
    for index, step in enumerate(steps):
        words[index * forms.words:][:forms.words] = np.frombuffer(
            forms.write(step), np.uint8).reshape(-1, design.columns)
    board = Board(design)
    with board.board.link:
        board.write(words)
        board.golden.memory[[OUTPUT, count - 1]] = 28, 80
        board.board.write_activations(0, board.golden.memory.tobytes())
        board.board.run(0, 2, budget=10_000)
        found = board.memory()[count:2 * count].tolist()
    early = int(Array.of(design).parts(steps[0]).written)
    assert found == early * [40] + (count - early) * [7]


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 7])
@pytest.mark.parametrize("overlap", [False, True])
def test_stop_and_watchdog_at_every_cycle(board, overlap, every):
    """Nothing is left of what was read ahead, wherever a run is stopped."""
    steps, words = two({"x": 40}, overlap=overlap)
    first, second = run_cycles([steps[0], steps[1].replace(x=40)], Array.of(DESIGN))
    assert overlap or first < second
    seen = set()
    for cycle in range(0, first + second, every):
        board.write(words)
        board.fill(np.random.default_rng(cycle))
        if cycle % 2:
            board.board.start(0, 2, watchdog=FOREVER)
            board.board.link.wait(cycle)
            board.board.stop()
        else:
            board.board.start(0, 2, watchdog=cycle // 2)
        try:
            board.board.wait(1000)
        except AcceleratorError as stopped:
            seen.add((stopped.code, stopped.step))
        board.fill(np.random.default_rng(cycle))
        board.golden.run(board.image, 2)
        assert board.board.run(0, 2, budget=1000, watchdog=FOREVER) == first + second
        np.testing.assert_array_equal(board.memory(), board.golden.memory)
    assert seen >= {(Error.STOPPED, 0), (Error.STOPPED, 1), (Error.WATCHDOG, 0)}


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 9])
def test_watchdog_of_a_later_step(board, every):
    """It counts from the end of the step before."""
    steps, words = two({"x": 40})
    first, second = run_cycles([steps[0], steps[1].replace(x=40)], Array.of(DESIGN))
    board.write(words)
    for limit in {*range(first + 1, second - 4, every), *range(second - 4, second + 2)}:
        if limit < second - 3:
            with pytest.raises(AcceleratorError) as stopped:
                board.board.run(0, 2, budget=1000, watchdog=limit)
            assert (stopped.value.code, stopped.value.step) == (Error.WATCHDOG, 1)
        else:
            assert board.board.run(0, 2, budget=1000, watchdog=limit) == first + second


ROOMY = {"every part": FAST,
         "5x11": DESIGN.replace(activation_memory=1 << 16, program_memory=11 << 14)}


@pytest.mark.parametrize("seeds", some([range(1, 40, 6), range(3, 40, 6), range(5, 40, 6)], 1))
@pytest.mark.parametrize("name", quick(ROOMY, "every part"))
def test_networks_at_once(name, seeds):
    """Random networks in one run: outputs, and the cycles of every layer."""
    of = ROOMY[name]
    board = simulated_board(of)
    with board.link:
        for seed in seeds:
            network = any_network(seed, of.rounding)
            program = compile_network(network, of)
            load(board, program)
            x = inputs_of(network, seed)
            result, expected = run(board, program, network, x), golden.run(network, x)
            for name, values in result.outputs.items():
                np.testing.assert_array_equal(values, expected[name], f"{seed} {name}")
            assert [layer.cycles for layer in result.layers] \
                == [layer.predicted_cycles for layer in result.layers], seed
