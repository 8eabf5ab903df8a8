"""Verifies, from the image of a Program alone, that every byte read is the intended one.

It is independent of the memory plan: it executes the descriptors, records which layer wrote each
byte of the activation memory last, and compares that with the layer that should have. A state must
be there, as its last layer left it, when the inference is over.
"""

import numpy as np
from numpy.typing import NDArray

from ..arch.descriptors import Descriptors
from ..arch.nibbles import low_and_high
from ..arch.steps import Mode, Step
from ..cost.cycles import Array
from ..golden.accelerator.footprint import bytes_read, passes, vector_bytes, words_read
from ..golden.sparse.step import SHORTEST_PASS
from ..golden.unpack.unpack import Packing, is_possible, unpack, written_words
from ..network.graph import Concatenate
from . import check_weights
from .check_weights import Unsound, check_columns, check_crc, check_lines, live_bytes, wide_weights
from .lanes_check import LanesCheck
from .program import LayerSteps, Program
from .rows_check import cell_bytes, cells_in_order, loaded_bytes, row_bytes, rows_in_order
from .sparse.lane_memories import matrix_of_words
from .stream_check import StreamCheck

__all__ = ["Unsound", "check_program"]

Integers = NDArray[np.int64]

NOBODY = -1
NEVER = np.iinfo(np.int64).max // 2
"""With which vector a byte is written that is not written."""


class Check:
    """Walks the steps of one Program."""

    def __init__(self, program: Program) -> None:
        self.program, self.design = program, program.design
        columns = self.design.columns
        self.words = np.frombuffer(bytearray(program.image), np.int8).reshape(-1, columns)
        self.image_words = len(self.words)
        if self.design.decompress:
            self.words = np.concatenate([self.words, np.zeros(
                (max(self.design.program_words - len(self.words), 0), columns), np.int8)])
        self.unpacked = np.zeros(len(self.words), bool)
        """Which words behind the image the last step of mode UNPACK has written."""
        self.descriptors = Descriptors.of(self.design)
        self.stream = StreamCheck(self.design) if self.design.external else None
        self.owner = np.full(self.design.activation_memory, NOBODY, np.int32)
        self.done = np.zeros(len(self.owner), bool)
        """Which bytes the layer has written so far."""
        self.array = Array.of(self.design)
        self.before: Step | None = None
        self.left = np.full(len(self.owner), NEVER)  # cycles from a byte's vector to the last one
        self.writers: dict[str, set[int]] = {}
        self.regions: set[tuple[int, int]] = set()
        """First word and end of what each step reads of the image."""
        self.compressed = (matrix_of_words(program.compressed, columns)
                           if program.compressed else None)
        self.sums = 0
        """How many of the accumulators hold sums that a step left for the next one."""
        self.lanes = LanesCheck(self.design)

    def run(self) -> None:
        """Check everything."""
        program = self.program
        if not self.stream and len(self.words) > self.design.program_words:
            raise Unsound("the image is larger than the program memory")
        given = [(f"state {state.name!r}", state.name) for state in program.states]
        given += [(f"input {name!r}", name) for name in program.inputs]
        for number, (what, name) in enumerate(given):
            self.writers[name] = {-2 - number}
            self.take(program.tensors[name].addresses(), -2 - number, what)
        for what, name in given:  # what the host writes before an inference leaves states alone
            self.see(program.tensors[name].addresses(), self.writers[name], what)
        expected = 0
        for index, layer in enumerate(program.layers):
            if layer.first != expected:
                raise Unsound(f"layer {layer.name!r} does not begin where the one before ends")
            expected += layer.count
            if self.stream:
                self.stream.begin()
            self.done[:] = False
            for number in range(layer.first, expected):
                try:
                    self.step(number, index, layer)
                except Unsound as error:
                    raise Unsound(f"step {number}, layer {layer.name!r}: {error}") from None
            self.writers[layer.output] = self.producers(index, layer)
            if layer.output not in program.kept:
                self.see(program.tensors[layer.output].addresses(), self.writers[layer.output],
                         f"the output of layer {layer.name!r}")
        if expected != len(program.steps):
            raise Unsound("some steps belong to no layer")
        self.lanes.end()
        for name in program.outputs:
            self.see(program.tensors[name].addresses(), self.writers[name], f"output {name!r}")
        for state in program.states:  # where the next inference finds what this one has left
            self.see(program.tensors[state.name].addresses(), self.writers[state.next],
                     f"state {state.name!r}")
        check_weights.check_disjoint(self.regions)

    def producers(self, index: int, layer: LayerSteps) -> set[int]:
        """Return the layers that write what this layer gives."""
        passed = set().union(*(self.writers[name] for name in layer.inputs))
        if not layer.count:  # another shape, or a view
            return passed
        if layer.operator == Concatenate.operator:
            return passed | {index}
        return {index}

    def take(self, addresses: Integers, writer: int, what: str) -> None:
        """Let ``writer`` write bytes."""
        self.within(addresses, f"{what} is written")
        self.owner[addresses] = writer

    def within(self, addresses: Integers, what: str) -> None:
        """Hold that addresses are those of the activation memory."""
        if addresses.min(initial=0) < 0 or addresses.max(initial=0) >= len(self.owner):
            raise Unsound(f"{what} outside the activation memory")

    def see(self, addresses: Integers, writers: set[int], what: str) -> None:
        """Hold that bytes were last written by one of ``writers``."""
        self.within(addresses, f"{what} is read")
        wrong = addresses[~np.isin(self.owner[addresses], list(writers))]
        if wrong.size:
            found = int(self.owner[wrong.flat[0]])
            names = [layer.name for layer in self.program.layers]
            by = f"layer {names[found]!r}" if found >= 0 else "nobody" if found == NOBODY else \
                "the host"
            raise Unsound(f"{what} is read at byte {wrong.flat[0]}, which {by} wrote last")

    def step(self, number: int, index: int, layer: LayerSteps) -> None:
        """Check one step, of layer ``index``."""
        place = self.program.places[number]
        step = self.descriptors.read_at(self.program.image, place)
        check_crc(self.descriptors, self.program.image, place, step)
        if self.stream:
            self.stream.follow(step, place)
        before, self.before = self.before, step
        if step.mode == Mode.UNPACK:
            self.unpack(step)
            return
        if step.mode == Mode.LOAD:
            self.see(loaded_bytes(step, self.words, self.image_words, self.design),
                     set().union(*(self.writers[name] for name in layer.inputs)), "an input")
            return
        if step.mode == Mode.TABLE:
            self.weights(step)
            self.lanes.fill(step)
            return
        least = self.array.cycles_to_last_value(before, step) if before else 0
        weights = self.weights(step)
        self.accumulate(step)
        if step.mode == Mode.DEPTHWISE:
            check_lines(step, weights, self.design)
        writers = set().union(*(self.writers[name] for name in layer.inputs))
        written = np.full(len(self.owner), NEVER, np.int64)
        outputs = self.lanes.follow(step)
        self.within(outputs, "the output is written")
        if outputs.size:
            if self.done[outputs].any():
                raise Unsound("it writes bytes that its layer has written before")
            written[outputs] = self.vectors(step)
        for inside, needed, vectors in self.reads(step, weights):
            self.within(inside, "a byte of the image is")
            self.see(needed, writers, "an input")
            if np.any(written[needed] < vectors):
                raise Unsound("it reads bytes that it may have written itself")
            first = vectors if step.tile_step else vectors % (step.passes * step.vectors)
            if least and np.any(self.left[needed] + self.cycles(step, first) < least):
                raise Unsound("it may read bytes before the step before has written them")
        self.take(outputs, index, "the output")
        self.done[outputs] = True
        times = self.cycles(step, self.vectors(step)) if outputs.size else outputs
        self.left[:] = NEVER
        self.left[outputs] = times.max(initial=0) - times

    def weights(self, step: Step) -> NDArray[np.int8] | None:
        """Return the weights, (tiles, passes, rows, columns), and note where they are.

        In mode WIDE each pass has as many for each of its vectors.
        """
        rows = self.design.rows if step.mode <= Mode.DEPTHWISE else 0
        planes = step.formats[1] if self.design.engine in ("bitserial", "binary") else None
        rows = planes.words(rows) if planes and rows else rows
        tiles = step.tiles if step.parameters_per_tile else 1
        if step.pairs and (step.to_sums or not self.design.int4_weights):
            raise Unsound("there is no such step on this Design")
        parameters = self.descriptors.parameter_words
        ahead = 0 if self.descriptors.binary else rows  # words of weights before them
        if step.mode == Mode.SPARSE:
            check_columns(step, self.compressed, self.design.rows)
            return None
        at_once = self.design.wide_rows
        if step.mode == Mode.WIDE and (not at_once or step.program % at_once):
            raise Unsound("its words cannot be read at once")
        length = words_read(step, self.design.columns, rows, parameters, at_once)
        end = step.program + length
        if step.program >= self.image_words:
            if end > len(self.words) or not self.unpacked[step.program:end].all():
                raise Unsound("its weights or parameters are not what was unpacked")
        else:
            self.region(step.program, end)
        words = self.words[step.program:end]
        if step.mode == Mode.WIDE:
            return wide_weights(step, words, at_once)
        if not rows:
            return None
        parameters = step.tile_width(parameters)
        starts = [tile * (step.passes * rows + parameters) for tile in range(tiles)]
        skipped = np.ones(length, bool)
        for start in starts:
            skipped[start + ahead:start + ahead + parameters] = False
        found = words[skipped].reshape(step.tiles, step.passes, rows, -1)
        if planes:
            return planes.from_words(found.view(np.uint8), self.design.rows).astype(np.int8)
        if step.pairs:
            found = np.concatenate(low_and_high(found), axis=3)
        return found[:, :, ::-1]

    def region(self, first: int, end: int) -> None:
        """Note the words of the image that a step reads."""
        if self.stream:  # which knows better
            return
        if first < self.descriptors.words * len(self.program.steps) or end > self.image_words:
            raise Unsound("its weights or parameters are outside their part of the image")
        self.regions.add((first, end))

    def unpack(self, step: Step) -> None:
        """Write what a step unpacks, and note where it is."""
        columns = self.design.columns
        if not self.design.decompress or not is_possible(step, self.design.rows, columns):
            raise Unsound("there is no such step on this Design")
        packing = Packing.of(step, columns)
        assert packing
        self.region(step.program, step.program + packing.words(step))
        if step.output < self.image_words:
            raise Unsound("it unpacks words into the image")
        if not unpack(step, self.words.view(np.uint8), self.design.rows):
            raise Unsound("it unpacks words outside the program memory")
        self.unpacked[:] = False
        self.unpacked[step.output:step.output + written_words(step)] = True

    def accumulate(self, step: Step) -> None:
        """Follow what the accumulators hold."""
        if step.mode == Mode.SPARSE:
            self.sums = step.passes * step.slots
            if self.sums > self.design.partial_sums:
                raise Unsound("it has more values than the accumulators hold")
            return
        if step.mode == Mode.SUMS and step.slots:
            if self.sums != step.values * step.slots or step.tiles != step.slots:
                raise Unsound(f"it reads {step.values * step.slots} sums where {self.sums} were "
                              "left")
            return
        several = step.passes > 1
        if (several or step.to_sums or step.mode == Mode.SUMS) and \
                step.values > self.design.partial_sums:
            raise Unsound("it has more values than the accumulators hold")
        if step.mode == Mode.SUMS or step.add_to_sums or step.product:
            if several or step.tiles > 1:
                raise Unsound("it has passes or tiles that overwrite the sums it reads")
            if self.sums != step.values:
                raise Unsound(f"it reads {step.values} sums where {self.sums} were left")
        if step.to_sums:
            self.sums = step.values
        elif several:
            self.sums = 0

    def vectors(self, step: Step) -> Integers:
        """Return the vector that is read last before each of those bytes is written.

        Vectors are counted as they are read. How many more are read by the time that a byte is
        written is for the hardware to know, so none of them may need it.
        """
        if step.mode == Mode.SOFTMAX:
            return row_bytes(step)
        if step.mode == Mode.LSTM:
            return cell_bytes(step)
        rows = np.arange(step.prime_y, step.y, step.stride_y)[:, None]
        pixels = np.arange(step.prime_x, step.x, step.stride_x)
        if step.mode == Mode.WIDE:
            rows, pixels = np.array([[step.y - 1]]), np.array([step.x - 1])
        elif step.mode != Mode.DEPTHWISE:
            rows, pixels = np.arange(step.y)[:, None], np.arange(step.x)
        columns = step.tile_width(self.design.columns)
        tile = np.arange((step.tiles - 1) * columns + step.last_columns) // columns
        before = (tile * step.passes + step.passes - 1) * step.vectors
        return before + (rows * step.x + pixels)[..., None]

    def cycles(self, step: Step, vectors: Integers) -> Integers:
        """Return when vectors go, from the first one on, if no pass waits for parameters."""
        least = max(self.design.rows, SHORTEST_PASS)  # a pass reads the weights of the next one
        interval = int(getattr(self.array, "pair_interval" if step.pairs else "interval"))
        lap, last = (max(step.vectors * each, least) for each in (1, interval))
        passed, vector = np.divmod(vectors, step.vectors)
        tile, number = np.divmod(passed, step.passes)
        slow = np.where(number == step.passes - 1, interval, 1)
        return tile * ((step.passes - 1) * lap + last) + number * lap + vector * slow

    def reads(self, step: Step, weights: NDArray[np.int8] | None) -> list[
            tuple[Integers, Integers, Integers]]:
        """Return the addresses that each pass reads inside the image, and those that matter.

        With the latter goes the vector that each is part of. Where all column tiles read the same,
        they stand here once, as read by the last one.
        """
        if step.mode == Mode.SUMS:
            return []
        if step.mode == Mode.SOFTMAX:
            return rows_in_order(step, self.design)
        if step.mode == Mode.LSTM:
            return cells_in_order(step, self.design)
        columns = self.design.columns
        width = vector_bytes(step, self.design.rows, columns, self.design.wide_rows)
        found = []
        for tile in range(step.tiles) if step.tile_step else [step.tiles - 1]:
            alone = step.tile_step or step.tiles == 1
            used = step.last_columns if alone and tile == step.tiles - 1 else None
            for number, taps in enumerate(passes(step)):
                inside, addresses = bytes_read(step, width, tile, *taps)
                if step.mode == Mode.SPARSE:
                    matters = live_bytes(step, self.compressed, self.design.rows)
                elif weights is None:
                    matters = np.arange(width) < (used or columns)
                elif step.mode == Mode.WIDE:
                    here = weights[tile:tile + 1, number] if alone else weights[:, number]
                    matters = np.any(here[..., :used] != 0, axis=(0, 3)).reshape(
                        step.y, step.x, -1)
                else:
                    here = weights[tile:tile + 1, number] if alone else weights[:, number]
                    here = here[:, :, :used]
                    matters = np.any(here != 0, axis=(0, 2 if step.mode == Mode.MATRIX else 1))
                    matters = np.pad(matters, (0, width - len(matters)))
                vectors = ((tile * step.passes + number) * step.vectors
                           + np.arange(step.vectors)).reshape(step.y, step.x, 1)
                needed = inside & matters
                found.append((addresses[inside], addresses[needed],
                              np.broadcast_to(vectors, needed.shape)[needed]))
        return found


def check_program(program: Program) -> None:
    """Raise :class:`Unsound` where a Program reads what it must not, or writes it."""
    Check(program).run()
