"""What :mod:`hwgen.rtl.accelerator` computes, in NumPy, from the program image alone.

docs/accelerator.md in another language: the loops over column tiles and passes are the same, and
what it says of one value is done to all values of a pass at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...arch.descriptors import Descriptors
from ...arch.design import Design
from ...arch.formats import NumberKind
from ...arch.nibbles import low_and_high
from ...arch.steps import PARAMETER_WORDS, Mode, Step, lines_of_rows
from ...errors import UserError
from ..dot.wide import dot
from ..network.arithmetic import wrap
from ..sparse.decoder import Compressed
from ..sparse.lane import Memories
from .errors import Error, Stopped
from .footprint import bytes_read, bytes_written, passes, vector_bytes
from .keeping import Keeping
from .lstm import LstmPart
from .parts import MatmulPart, Part, SoftmaxPart, SparsePart, TablePart, UnpackPart, WidePart
from .post import Parameters, Post

__all__ = ["Accelerator", "Error", "Stopped", "Weights"]

Integers = NDArray[np.int64]
Weights = Compressed | Memories | None


@dataclass(kw_only=True)
class Accelerator:
    """Golden twin of :class:`hwgen.rtl.accelerator.accelerator.Accelerator`, with its memories.

    Parameters
    ----------
    rows, columns, lines, partial_sums, activation_memory, rounding
        As in the Design.
    program_words : int
        Of the program memory, where parts write behind an image; else 0.
    serial : bool
        The array is bit-serial.
    parts : sequence of Part
        What does steps beside the array.
    packed_rows : int
        Rows, the last ones, that no line reaches.
    wide_rows : int
        Words that are read at once in steps of mode WIDE; 0 if there are none.
    kept_vectors : int
        That lanes can keep.
    products : bool
        The lanes multiply two numbers that are computed.
    int4_weights : bool
        Steps may have two weights of 4 bits in each byte.
    unknown : int
        Value of pixels that were not streamed: in hardware it is anything.
    streams : bool
        The words of each step lie behind its descriptor.
    crc : bool
        Steps have CRCs, which are checked.
    """

    rows: int
    columns: int
    lines: int
    partial_sums: int
    activation_memory: int
    program_words: int = 0
    serial: bool = False
    parts: Sequence[Part] = ()
    rounding: str = "tflm"
    packed_rows: int = 0
    wide_rows: int = 0
    kept_vectors: int = 0
    products: bool = False
    int4_weights: bool = False
    unknown: int = 0
    streams: bool = False
    crc: bool = False
    memory: NDArray[np.int8] = field(init=False)
    accumulators: Integers = field(init=False)

    def __post_init__(self) -> None:
        """Clear the memories."""
        self.part_of = {part.mode: part for part in self.parts}
        self.strided = any(part.strided for part in self.parts)
        self.post = Post(self.rounding)
        self.keeping = Keeping(self.kept_vectors, self.columns) if self.kept_vectors else None
        self.memory = np.zeros(self.activation_memory, np.int8)
        self.accumulators = np.zeros((self.partial_sums, (1 + self.int4_weights) * self.columns),
                                     np.int64)

    @classmethod
    def of(cls, design: Design, weights: Weights = None,
           **others: Any) -> Self:
        """Return that of a Design; ``weights`` are what its sparse engine holds, if it has one."""
        makers: dict[str, Callable[[], Part]] = {
            "sparse": lambda: SparsePart(weights, design.sparse_depth), "unpack": UnpackPart,
            "wide": WidePart, "table": lambda: TablePart(design.tables), "softmax": SoftmaxPart,
            "matmul": MatmulPart, "lstm": lambda: LstmPart(design.lstm)}
        parts = [make() for name, make in makers.items() if name in design.parts]
        if "unpack" in design.parts:  # its steps write behind the image
            others["program_words"] = design.program_words
        return cls(rows=design.rows, columns=design.columns, lines=design.lines,
                   packed_rows=design.packed_rows, wide_rows=design.wide_rows,
                   kept_vectors=design.kept_vectors, products=design.products,
                   int4_weights=design.int4_weights, streams=design.external is not None,
                   crc=design.program_crc, partial_sums=design.partial_sums,
                   activation_memory=design.activation_memory, rounding=design.rounding,
                   serial="bitserial" in design.parts, parts=parts, **others)

    @property
    def descriptors(self) -> Descriptors:
        """How steps lie in the program memory."""
        return Descriptors("", self.rows, self.columns, crc=self.crc)

    def run(self, image: bytes, count: int, first: int = 0, place: int | None = None) -> None:
        """Run ``count`` steps of a program image, from step ``first`` on.

        Its descriptor is at the word ``place``, or where it is in a program that does not stream.
        """
        whole = len(image) // self.columns * self.columns
        words = np.frombuffer(image[:whole], np.int8).reshape(-1, self.columns)
        words = np.pad(words, ((0, max(self.program_words - len(words), 0)), (0, 0)))
        memory, descriptors = words.reshape(-1).data, self.descriptors
        place = first * descriptors.words if place is None else place
        for index in range(first, first + count):
            if not descriptors.intact(memory, place):
                raise Stopped(Error.CRC, index)
            try:
                step = descriptors.read_at(memory, place)
            except UserError:
                raise Stopped(Error.DESCRIPTOR, index) from None
            intact = descriptors.intact_words(memory, place, step)
            place = descriptors.end(place, step) if self.streams else place + descriptors.words
            error = self.refusal(step)
            if error is None:
                part = self.part_of.get(step.mode)
                error = part.run(step, index, self, words) if part else self.step(step, words)
            if error is None and not intact:
                error = Error.CRC
            if error is not None:
                if self.keeping:
                    self.keeping.restart()
                raise Stopped(error, index)

    def refusal(self, step: Step) -> Error | None:
        """Return why no accelerator of these sizes ends such a step, if none does."""
        part = self.part_of.get(step.mode)
        if not (part.possible(step, self) if part else step.mode <= Mode.SUMS):
            return Error.DESCRIPTOR
        if step.last_columns > self.width(step) or not self.understands(step) or \
                self.pairs(step) and step.to_sums:
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

    def pairs(self, step: Step) -> bool:
        """Return whether a step has two weights in each byte."""
        return self.int4_weights and step.pairs

    def width(self, step: Step) -> int:
        """Return the values of a column tile."""
        return step.tile_width(self.columns) if self.int4_weights else self.columns

    def step(self, step: Step, words: NDArray[np.int8]) -> Error | None:
        """Run one step; return why it stopped, if it did."""
        multiplies = self.multiplies(step)
        uses_sums = step.passes > 1 or step.to_sums or step.mode == Mode.SUMS or multiplies
        strided = step.slots if step.mode == Mode.SUMS and self.strided else 0
        most = (step.values - 1) * strided + step.tiles if strided else step.values
        if uses_sums and most > self.partial_sums:
            return Error.SUMS
        rows, room = self.words_of_pass(step)
        sums = self.accumulators[:, :self.width(step)]
        there = slice(0, step.values if uses_sums else 0)
        seen: dict[tuple[int, int, int], NDArray[np.int8] | None] = {}
        program, parameters = step.program, None
        if self.keeping:
            self.keeping.follow(step)
        for tile in range(step.tiles):
            total = np.zeros(0, np.int64)
            for number, taps in enumerate(passes(step)):
                coded = words[program:program + rows]
                program += rows
                if number == 0 and (tile == 0 or step.parameters_per_tile):
                    if program + room > len(words):
                        return Error.PROGRAM
                    read = words[program:program + (room if self.pairs(step)
                                                    else PARAMETER_WORDS)]
                    halves = read.reshape(-1, PARAMETER_WORDS, self.columns)  # of a column tile
                    parameters = Parameters.from_words(np.concatenate([*halves], axis=1),
                                                       signed=self.products)
                    program += room
                if program > len(words):
                    return Error.PROGRAM
                if step.mode == Mode.SUMS:
                    total = sums[tile::strided][there].copy() if strided else sums[there].copy()
                    continue
                if step.tile_step or taps not in seen:
                    seen[taps] = self.fetch(step, tile, *taps)
                vectors = seen[taps]
                if vectors is None:
                    return Error.FETCH
                value = self.value(step, vectors, coded, taps)
                if number == 0 and not multiplies:
                    total = value
                elif step.maximum:
                    total = np.maximum(sums[there], value)
                else:
                    total = wrap(sums[there] + value)
                if number < step.passes - 1:
                    sums[there] = total
            assert parameters is not None
            if self.keeping and step.joined:
                total = self.keeping.join(step, total)
            scaled = self.post.product(total, parameters, square=step.mode == Mode.SUMS) \
                if multiplies else self.post.wide(total, parameters)
            if step.to_sums:
                before = sums[there] if step.add_to_sums else 0
                sums[there] = wrap(scaled + before)
            elif not self.store(step, tile, scaled):
                return Error.STORE
        return None

    def multiplies(self, step: Step) -> bool:
        """Return whether the lanes multiply what is in its sums, instead of requantising them."""
        return self.products and step.product and step.mode in (Mode.DIRECT, Mode.SUMS)

    def words_of_pass(self, step: Step) -> tuple[int, int]:
        """Return the words of weights of a pass, and those that parameters take."""
        if step.mode == Mode.WIDE:
            return step.vectors * self.wide_rows, self.wide_rows
        if step.mode not in (Mode.MATRIX, Mode.DEPTHWISE):
            return 0, PARAMETER_WORDS
        if self.serial:
            return step.formats[1].words(self.rows), PARAMETER_WORDS
        return self.rows, (1 + self.pairs(step)) * PARAMETER_WORDS

    def fetch(self, step: Step, tile: int, ky: int, kx: int, piece: int,
              ) -> NDArray[np.int8] | None:
        """Return the vectors of a pass, (y, x, bytes), or None where one is not in the memory."""
        width = vector_bytes(step, self.rows, self.columns, self.wide_rows)
        inside, addresses = bytes_read(step, width, tile, ky, kx, piece)
        addresses = np.where(inside, addresses, 0)
        if addresses.min() < 0 or addresses.max() >= len(self.memory):
            return None
        return np.where(inside, self.memory[addresses], np.int8(step.pad))

    def value(self, step: Step, vectors: NDArray[np.int8], coded: NDArray[np.int8],
              taps: tuple[int, int, int]) -> Integers:
        """Return the values of a pass, (values, columns)."""
        if step.mode == Mode.WIDE:
            return dot(vectors.reshape(step.vectors, -1),
                       coded.reshape(step.vectors, self.wide_rows, -1))[None]
        weights: NDArray[np.signedinteger] = coded[::-1]
        if self.serial and step.mode in (Mode.MATRIX, Mode.DEPTHWISE):
            weights = step.formats[1].from_words(coded.view(np.uint8), self.rows)
        if step.mode == Mode.DEPTHWISE:
            return self.windows(step, vectors, weights, step.row0 + taps[0] * step.taps_y_step)
        flat: NDArray[np.signedinteger] = vectors.reshape(step.vectors, -1)
        if self.serial and step.mode == Mode.MATRIX:
            flat = step.formats[0].value(flat)
        if step.mode == Mode.MATRIX:
            if self.pairs(step):
                weights = np.concatenate(low_and_high(weights), axis=1)
            if Mode.LOAD in self.part_of:
                left, right = step.zero_points
                flat, weights = flat.astype(np.int16) - left, weights.astype(np.int16) - right
            # Sums of at most 64 products of 17 bits, which a float32 holds exactly.
            return (flat.astype(np.float32) @ weights.astype(np.float32)).astype(np.int64)
        return wrap(flat.astype(np.int64) << (20 if step.scaled else 0))

    def windows(self, step: Step, pixels: NDArray[np.int8], weights: NDArray[np.signedinteger],
                row0: int) -> Integers:
        """Return the windows of a pass, of those pixels that complete one."""
        stream = np.arange(step.y)
        sums = np.zeros((step.vectors, self.columns), np.int32)
        line_of = lines_of_rows("bitserial" if self.serial else "", self.rows - self.packed_rows,
                                self.lines)
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
        """Write the bytes of a column tile, or keep them in the lanes.

        Return False where one is, or would be, outside the memory.
        """
        addresses = bytes_written(step, self.columns, tile)
        if addresses.max(initial=0) >= len(self.memory):
            return False
        values = self.post.narrow(scaled, step.zero_point, step.low, step.high)
        if self.keeping and step.kept:
            self.keeping.keep(values)
        else:
            if isinstance(tables := self.part_of.get(Mode.TABLE), TablePart):
                values = tables.look_up(step, values)
            self.memory[addresses] = values[:, :addresses.shape[-1]].reshape(addresses.shape)
        return True
