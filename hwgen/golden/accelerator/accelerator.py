"""What :mod:`hwgen.rtl.accelerator` computes, in NumPy, from the program image alone.

docs/accelerator.md in another language: the loops over column tiles and passes are the same, and
what it says of one value is done to all values of a pass at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ...arch.descriptors import Descriptors
from ...arch.formats import NumberKind
from ...arch.steps import PARAMETER_WORDS, SLOTS, Mode, Step, lines_of_rows
from ...errors import UserError
from ..network.arithmetic import wrap
from ..sparse.decoder import Compressed
from ..sparse.engine import Run
from ..sparse.lane import Memories
from ..sparse.step import sparse_step
from ..unpack.unpack import is_possible, unpack
from .post import Parameters, Post

__all__ = ["Accelerator", "Error", "Stopped", "passes"]

Integers = NDArray[np.int64]


class Error(IntEnum):
    """Why the accelerator stopped."""

    DESCRIPTOR = 1
    FETCH = 2
    STORE = 3
    PROGRAM = 4
    SUMS = 5
    WATCHDOG = 6
    STOPPED = 7


class Stopped(Exception):
    """The accelerator stopped at a step, with an error."""

    def __init__(self, error: Error, step: int) -> None:
        """Keep both."""
        super().__init__(f"step {step} stopped with the error {error.name}")
        self.error, self.step = error, step


@dataclass(kw_only=True)
class Accelerator:
    """Golden twin of :class:`hwgen.rtl.accelerator.accelerator.Accelerator`, with its memories.

    Parameters
    ----------
    engine, rows, columns, lines, partial_sums, activation_memory, rounding, sparse_depth
        As in the Design.
    program_words : int
        Of the program memory, where the Design unpacks weights in it; else 0.
    weights : Compressed, Memories, or None
        What a sparse engine holds.
    unknown : int
        Value of pixels that were not streamed: in hardware it is anything.
    """

    rows: int
    columns: int
    lines: int
    partial_sums: int
    activation_memory: int
    engine: str = "systolic"
    weights: Compressed | Memories | None = None
    sparse_depth: int = 0
    program_words: int = 0
    rounding: str = "tflm"
    unknown: int = 0
    memory: NDArray[np.int8] = field(init=False)
    accumulators: Integers = field(init=False)

    def __post_init__(self) -> None:
        """Clear the memories."""
        self.serial = self.engine == "bitserial"
        self.runs: dict[int, Run] = {}
        """What the sparse engine did, by the index of the step."""
        self.post = Post(self.rounding)
        self.memory = np.zeros(self.activation_memory, np.int8)
        self.accumulators = np.zeros((self.partial_sums, self.columns), np.int64)

    def run(self, image: bytes, count: int, first: int = 0) -> None:
        """Run ``count`` steps of a program image, from step ``first`` on."""
        whole = len(image) // self.columns * self.columns
        words = np.frombuffer(image[:whole], np.int8).reshape(-1, self.columns)
        if self.program_words:  # steps write there
            words = np.pad(words, ((0, self.program_words - len(words)), (0, 0)))
        memory = words.reshape(-1).data
        descriptors = Descriptors(self.engine, self.rows, self.columns)
        for index in range(first, first + count):
            try:
                step = descriptors.read(memory, index)
            except UserError:
                raise Stopped(Error.DESCRIPTOR, index) from None
            error = self.refusal(step)
            if error is None and step.mode == Mode.SPARSE:
                error = self.sparse(step, index, len(words))
            elif error is None and step.mode == Mode.UNPACK:
                there = unpack(step, words.view(np.uint8), self.rows)
                error = None if there else Error.PROGRAM
            elif error is None:
                error = self.step(step, words)
            if error is not None:
                raise Stopped(error, index)

    def refusal(self, step: Step) -> Error | None:
        """Return why no accelerator of these sizes ends such a step, if none does."""
        if step.mode == Mode.SPARSE and (self.engine != "sparse" or step.tiles != 1
                                         or not 1 <= step.slots <= SLOTS):
            return Error.DESCRIPTOR
        if step.mode == Mode.UNPACK and not (self.program_words and is_possible(
                step, self.rows, self.columns)):
            return Error.DESCRIPTOR
        if step.last_columns > self.columns or not self.understands(step):
            return Error.DESCRIPTOR
        if step.mode == Mode.DEPTHWISE:
            if not self.lines:
                return Error.DESCRIPTOR
            ends = ((step.x, step.prime_x, step.stride_x), (step.y, step.prime_y, step.stride_y))
            if any(prime >= size or (size - 1 - prime) % stride for size, prime, stride in ends):
                return Error.WATCHDOG
        return None

    def understands(self, step: Step) -> bool:
        """Return whether the array knows numbers that are written as the step says."""
        try:
            return not self.serial or step.formats[0].kind != NumberKind.BIPOLAR
        except UserError:
            return False

    def step(self, step: Step, words: NDArray[np.int8]) -> Error | None:
        """Run one step; return why it stopped, if it did."""
        uses_sums = step.passes > 1 or step.to_sums or step.mode == Mode.SUMS
        strided = step.slots if step.mode == Mode.SUMS and self.engine == "sparse" else 0
        most = (step.values - 1) * strided + step.tiles if strided else step.values
        if uses_sums and most > self.partial_sums:
            return Error.SUMS
        rows = self.rows if step.mode in (Mode.MATRIX, Mode.DEPTHWISE) else 0
        if rows and self.serial:
            rows = step.formats[1].words(self.rows)
        there = slice(0, step.values if uses_sums else 0)
        seen: dict[tuple[int, int, int], NDArray[np.int8] | None] = {}
        program, parameters = step.program, None
        for tile in range(step.tiles):
            total = np.zeros(0, np.int64)
            for number, taps in enumerate(passes(step)):
                coded = words[program:program + rows]
                program += rows
                if number == 0 and (tile == 0 or step.parameters_per_tile):
                    if program + PARAMETER_WORDS > len(words):
                        return Error.PROGRAM
                    parameters = Parameters.from_words(words[program:program + PARAMETER_WORDS])
                    program += PARAMETER_WORDS
                if program > len(words):
                    return Error.PROGRAM
                if step.mode == Mode.SUMS:
                    total = self.accumulators[tile::strided][there].copy() if strided else \
                        self.accumulators[there].copy()
                    continue
                if step.tile_step or taps not in seen:
                    seen[taps] = self.fetch(step, tile, *taps)
                vectors = seen[taps]
                if vectors is None:
                    return Error.FETCH
                value = self.value(step, vectors, coded, taps)
                if number == 0:
                    total = value
                elif step.maximum:
                    total = np.maximum(self.accumulators[there], value)
                else:
                    total = wrap(self.accumulators[there] + value)
                if number < step.passes - 1:
                    self.accumulators[there] = total
            assert parameters is not None
            scaled = self.post.wide(total, parameters)
            if step.to_sums:
                before = self.accumulators[there] if step.add_to_sums else 0
                self.accumulators[there] = wrap(scaled + before)
            elif not self.store(step, tile, scaled):
                return Error.STORE
        return None

    def sparse(self, step: Step, index: int, words: int) -> Error | None:
        """Run one step of the sparse engine; there are so many words in the program memory."""
        if step.program >= words:  # though none is read
            return Error.PROGRAM
        if step.passes * step.slots > self.partial_sums:
            return Error.SUMS
        found = [self.fetch(step, 0, *taps) for taps in passes(step)]
        vectors = [each.reshape(step.vectors, -1) for each in found if each is not None]
        if len(vectors) < len(found):
            return Error.FETCH
        assert self.weights is not None
        run = sparse_step(step, self.weights, np.stack(vectors), self.sparse_depth)
        self.runs[index] = run
        sums = run.sums.reshape(-1, self.columns)
        self.accumulators[:len(sums)] = sums
        return None

    def fetch(self, step: Step, tile: int, ky: int, kx: int, piece: int,
              ) -> NDArray[np.int8] | None:
        """Return the vectors of a pass, (y, x, bytes), or None where one is not in the memory."""
        inside, addresses = self.places(step, tile, ky, kx, piece)
        addresses = np.where(inside, addresses, 0)
        if addresses.min() < 0 or addresses.max() >= len(self.memory):
            return None
        return np.where(inside, self.memory[addresses], np.int8(step.pad))

    def places(self, step: Step, tile: int, ky: int, kx: int, piece: int,
               ) -> tuple[NDArray[np.bool_], Integers]:
        """Return which bytes of a pass are inside the image, and the addresses of all of them."""
        width = self.rows if step.mode in (Mode.MATRIX, Mode.SPARSE) else self.columns
        offset = (step.offset + tile * step.tile_step + kx * step.taps_x_step
                  + piece * step.piece_step)
        along = offset + np.arange(step.x)[:, None] * step.x_step + np.arange(width)
        rows = step.row0 + ky * step.taps_y_step + np.arange(step.y) * step.row_step
        bases = (step.base + ky * step.taps_y_step_bytes
                 + np.arange(step.y, dtype=np.int64) * step.row_step_bytes)
        inside = (((rows >= 0) & (rows < step.height))[:, None, None]
                  & ((along >= 0) & (along < step.row_bytes)))
        return inside, bases[:, None, None] + along

    def value(self, step: Step, vectors: NDArray[np.int8], coded: NDArray[np.int8],
              taps: tuple[int, int, int]) -> Integers:
        """Return the values of a pass, (values, columns)."""
        weights: NDArray[np.signedinteger] = coded[::-1]
        if self.serial and step.mode in (Mode.MATRIX, Mode.DEPTHWISE):
            weights = step.formats[1].from_words(coded.view(np.uint8), self.rows)
        if step.mode == Mode.DEPTHWISE:
            return self.windows(step, vectors, weights, step.row0 + taps[0] * step.taps_y_step)
        flat: NDArray[np.signedinteger] = vectors.reshape(step.vectors, -1)
        if self.serial and step.mode == Mode.MATRIX:
            flat = step.formats[0].value(flat)
        if step.mode == Mode.MATRIX:
            # Sums of at most 64 products of 14 bits, which a float32 holds exactly.
            return (flat.astype(np.float32) @ weights.astype(np.float32)).astype(np.int64)
        return wrap(flat.astype(np.int64) << (20 if step.scaled else 0))

    def windows(self, step: Step, pixels: NDArray[np.int8], weights: NDArray[np.signedinteger],
                row0: int) -> Integers:
        """Return the windows of a pass, of those pixels that complete one."""
        stream = np.arange(step.y)
        sums = np.zeros((step.vectors, self.columns), np.int32)
        line_of = lines_of_rows(self.engine, self.rows, self.lines)
        for row, line in enumerate(line_of):
            if not weights[row].any():
                continue
            behind = self.lines - 1 - line
            shown = row0 + stream * step.row_step - behind
            unknown = (stream < behind)[:, None, None]
            older = np.where(unknown, self.unknown, pixels[np.maximum(stream - behind, 0)])
            outside = (shown < 0) | (shown >= step.height)
            seen = np.where(outside[:, None, None], step.pad, older).reshape(step.vectors, -1)
            delay = row - line_of.index(line)
            late = np.full_like(seen, self.unknown)
            late[delay:] = seen[:len(seen) - delay]
            shown_as = step.formats[0].value(late) if self.serial else late
            sums += shown_as.astype(np.int32) * weights[row].astype(np.int32)
        windows = sums.reshape(step.y, step.x, self.columns)
        chosen = windows[step.prime_y::step.stride_y, step.prime_x::step.stride_x]
        return chosen.reshape(step.values, self.columns).astype(np.int64)

    def store(self, step: Step, tile: int, scaled: Integers) -> bool:
        """Write the bytes of a column tile; return False where one is not in the memory."""
        columns = step.last_columns if tile == step.tiles - 1 else self.columns
        down, across = step.size
        addresses = (step.output + tile * self.columns
                     + np.arange(down, dtype=np.int64)[:, None, None] * step.output_row_step
                     + np.arange(across)[:, None] * step.output_x_step + np.arange(columns))
        if addresses.max(initial=0) >= len(self.memory):
            return False
        values = self.post.narrow(scaled[:, :columns], step.zero_point, step.low, step.high)
        self.memory[addresses] = values.reshape(addresses.shape)
        return True


def passes(step: Step) -> Iterator[tuple[int, int, int]]:
    """Return (ky, kx, piece) of every pass, in their order."""
    return ((ky, kx, piece) for ky in range(step.taps_y) for kx in range(step.taps_x)
            for piece in range(step.pieces))
