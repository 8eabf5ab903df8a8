"""Damaged Programs, and a golden accelerator beside the hardware to tell what comes of them."""

import dataclasses

import numpy as np

from hwgen.arch.registers import LANE_BYTES, PART_BYTES
from hwgen.arch.steps import DESCRIPTOR_BYTES, FIELDS, PARAMETER_WORDS, Mode, Step, descriptor_words
from hwgen.compiler.layers.sparse import FORMAT
from hwgen.cost.cycles import Array
from hwgen.errors import UserError
from hwgen.golden.accelerator import accelerator as golden
from hwgen.golden.accelerator.accelerator import Error
from hwgen.golden.accelerator.footprint import bytes_read, passes, vector_bytes
from hwgen.golden.sparse.lane import Memories
from hwgen.golden.sparse.step import SHORTEST_PASS, sparse_cycles
from hwgen.golden.unpack.unpack import Packing, unpack, written_words
from hwgen.runtime.accelerator import AcceleratorError, Space
from hwgen.runtime.inference import simulated_board

__all__ = ["WATCHDOG", "Expected", "Twins", "mutate"]

WATCHDOG = 5000
"""Cycles that a step may take."""
NEAR = 20
"""Cycles around the watchdog's in which a step may end one way or the other."""
EXTREMES = (0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff,
            0x80000000, 0xffffffff)


def mutate(rng, image, steps, design):
    """Return a damaged image, and which of its steps shall run."""
    damaged, run = bytearray(image), (0, steps)
    pitch = descriptor_words(design.columns) * design.columns
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        at, kind = int(rng.integers(steps)) * pitch, rng.random()
        if kind < 0.3:
            bit = int(rng.integers(8 * DESCRIPTOR_BYTES))
            damaged[at + bit // 8] ^= 1 << bit % 8
            continue
        if kind < 0.4:
            run = (int(rng.choice([0, rng.integers(steps + 2), rng.integers(1 << 16)])),
                   int(rng.choice([0, 1, steps + 3, rng.integers(1 << 16)])))
            continue
        name = str(rng.choice(list(FIELDS) if kind < 0.9 else ["base", "offset", "output"]))
        word, low, bits, _ = FIELDS[name]
        place = slice(at + 4 * word, at + 4 * word + 4)
        before = int.from_bytes(damaged[place], "little")
        mask = (1 << bits) - 1 << low
        old = (before & mask) >> low
        new = int(rng.choice([rng.choice(EXTREMES), old + rng.integers(-9, 10),
                              rng.integers(1 << int(rng.integers(1, 33))),
                              design.activation_memory + rng.integers(-40, 40),
                              -rng.integers(2 * design.activation_memory)]))
        damaged[place] = (before & ~mask | new << low & mask).to_bytes(4, "little")
    if design.decompress:
        damage_packings(rng, damaged, steps, pitch, design.columns)
    if design.engine == "sparse":
        damage_lanes(rng, damaged, design)
    return bytes(damaged), *run


def lane_words(design):
    """Return how many words each memory of a lane has: entries, even and odd pointers."""
    return (design.sparse_entries, design.sparse_columns // 2 + 1,
            (design.sparse_columns + 1) // 2)


def damage_lanes(rng, image, design):
    """Damage entries and pointers, which are behind the words of the program, half of the time."""
    if rng.random() < 0.5:
        return
    begin = design.program_words * design.columns
    words = np.frombuffer(image, np.uint8)[begin:].view("<u4").reshape(design.columns, -1)
    edges = np.cumsum([0, *lane_words(design)])
    for _ in range(int(rng.choice([1, 2, 5, 30]))):
        lane, part = int(rng.integers(design.columns)), int(rng.integers(3))
        memory = words[lane, edges[part]:edges[part + 1]]
        # What is in use is at the begin.
        at = int(len(memory) * rng.random() ** 3)
        kind = rng.random()
        if kind < 0.3:
            memory[at] ^= 1 << int(rng.integers(12))
        elif kind < 0.6:
            memory[at] = int(rng.integers(1 << 12))
        elif kind < 0.8:
            memory[at] = int(rng.choice(EXTREMES))
        else:
            memory[at:] = np.roll(memory[at:], int(rng.integers(-3, 4)))


def damage_packings(rng, image, steps, pitch, columns):
    """Damage bytes of what some of the steps unpack, half of the time."""
    for index in range(steps):
        words = np.frombuffer(image[index * pitch:index * pitch + DESCRIPTOR_BYTES], "<u4")
        if words[0] & 0xff != Mode.UNPACK or rng.random() < 0.5:
            continue
        first = int(words[FIELDS["program"][0]]) * columns
        for _ in range(int(rng.integers(1, 5))):
            at = min(first + int(rng.integers(20 * columns)), len(image) - 1)
            image[at] = int(rng.integers(256))


def repeat_mask(mask, step, count):
    """Return where a mask is true, ``count`` times, each ``step`` further than the one before."""
    if step == 0 or count == 1:
        return mask
    result = np.zeros_like(mask)
    for shift in range(0, min(step * count, len(mask)), step):
        result[shift:] |= mask[:len(mask) - shift]
    return result


@dataclasses.dataclass
class Expected:
    """What shall come of a run.

    Parameters
    ----------
    error : Error or None
    step : int
        Where it stops.
    cycles : int
        That it takes without an error.
    may_write : array of bool
        The bytes that it may write.
    near : bool
        Whether the watchdog may, or may not, stop it.
    defined : bool
        Whether everything that it reads has a value.
    lenient : bool
        Whether a step is beyond what hardware checks: it runs into the watchdog, or ends with any
        result.
    """

    error: Error | None = None
    step: int = 0
    cycles: int = 0
    may_write: np.ndarray | None = None
    near: bool = False
    defined: bool = True
    lenient: bool = False


class Twins:
    """An accelerator in simulation and its golden model, with the same contents."""

    def __init__(self, design):
        self.design = design
        self.board = simulated_board(design)
        weights = Memories(design.columns, design.sparse_entries, design.sparse_columns, FORMAT) \
            if design.engine == "sparse" else None
        self.golden = golden.Accelerator.of(design, weights)
        self.engine = self.golden.part_of.get(Mode.SPARSE)
        self.cost = Array.of(design)
        self.before = None
        self.fills = []
        """Which steps of the Program fill a table."""
        self.pitch = descriptor_words(design.columns)
        self.image = bytes(design.program_words * design.columns)
        # Behind the Programs there is a step that fills all sums.
        self.filler = (design.program_words - PARAMETER_WORDS) // self.pitch - 1
        self.room = self.filler * self.pitch * design.columns
        self.lanes = np.zeros((design.columns, 0), "<u4")
        if design.engine == "sparse":
            self.lanes = np.zeros((design.columns, sum(lane_words(design))), "<u4")

    def fill(self, program, rng):
        """Return the contents of all memories, with a Program and the step that fills sums.

        They are the words of the program memory, and those of the lanes of a sparse engine.
        """
        image = program.image
        self.fills = [index for index, step in enumerate(program.steps) if step.mode == Mode.TABLE]
        size = self.design.activation_memory
        step = Step(mode=Mode.DIRECT, to_sums=True, scaled=True, last_columns=self.design.columns,
                    x=self.design.partial_sums, row_bytes=size,
                    x_step=(size - self.design.columns) // self.design.partial_sums,
                    program=(self.filler + 1) * self.pitch)
        words = rng.integers(0, 256, PARAMETER_WORDS * self.design.columns, np.uint8).tobytes()
        descriptor = step.to_words().tobytes().ljust(self.pitch * self.design.columns, b"\0")
        assert len(image) <= self.room
        lanes, edges = np.zeros_like(self.lanes), np.cumsum([0, *lane_words(self.design)])
        for offset, content in program.compressed:
            lane, part = divmod(offset >> 17, 4)
            found = np.frombuffer(content, "<u4")
            lanes[lane, edges[part]:edges[part] + len(found)] = found
        image = (image.ljust(self.room, b"\0") + descriptor + words).ljust(len(self.image), b"\0")
        return image + lanes.tobytes()

    def load(self, image):
        """Write those words of the memories that change, all where steps write there."""
        columns = self.design.columns
        image, lanes = image[:len(self.image)], image[len(self.image):]
        self.load_lanes(np.frombuffer(lanes, "<u4").reshape(columns, -1))
        stride = 1 << max(2, (columns - 1).bit_length())
        old, new = (np.frombuffer(data, np.uint8).reshape(-1, columns)
                    for data in (self.image, image))
        changed = (old != new).any(axis=1) | self.design.decompress
        for word in np.flatnonzero(changed).tolist():
            self.board.write_memory(Space.PROGRAM, word * stride,
                                    new[word].tobytes() + bytes(-columns % 4))
        self.image = image

    def load_lanes(self, lanes):
        """Write the memories of those lanes that change, on both sides."""
        edges = np.cumsum([0, *lane_words(self.design)])
        for lane, part in np.ndindex(self.design.columns, 3 if lanes.size else 0):
            there = slice(edges[part], edges[part + 1])
            changed = np.flatnonzero(lanes[lane, there] != self.lanes[lane, there])
            if not len(changed):
                continue
            first, end = int(changed[0]), int(changed[-1]) + 1
            words = lanes[lane, there][first:end]
            at = lane * LANE_BYTES + part * PART_BYTES + 4 * first
            self.board.write_memory(Space.SPARSE, at, words.tobytes())
            self.engine.weights.write(lane, part, first, words)
        self.lanes = lanes

    def memory(self):
        """Return the bytes of the hardware's activation memory."""
        data = self.board.read_activations(0, self.design.activation_memory)
        return np.frombuffer(data, np.int8).copy()

    def align(self):
        """Give the golden model the contents of the hardware, sums and tables included."""
        for index in (self.filler, *self.fills):
            self.board.run(index, 1, budget=100_000, watchdog=WATCHDOG)
            self.golden.memory[:] = self.memory()
            self.golden.run(self.image, 1, index)

    def run(self, first, count):
        """Run steps on the hardware; return its error and step, or 0 and the cycles."""
        self.board.start(first, count, watchdog=WATCHDOG)
        try:
            return 0, self.board.wait(WATCHDOG * (min(count, 400) + 2))
        except AcceleratorError as error:
            return error.code, error.step

    def expect(self, first, count):
        """Run steps on the golden model; return what came of them."""
        expected = Expected(may_write=np.zeros(self.design.activation_memory, bool))
        for index in range(first, first + count):
            expected.step = index
            if index == first:
                self.before = None
            if (index + 1) * self.pitch > self.design.program_words:
                expected.lenient, expected.error = True, Error.DESCRIPTOR
                return expected
            at = index * self.pitch * self.design.columns
            try:
                step = Step.from_words(np.frombuffer(self.image[at:at + DESCRIPTOR_BYTES], "<u4"))
            except UserError:
                expected.error = Error.DESCRIPTOR
                return expected
            if not self.design.kept_vectors:  # these flags say nothing, of cycles either
                step = step.replace(kept=False, joined=False)
            expected.lenient |= step.mode == Mode.DEPTHWISE and not self.design.lines
            expected.error = self.golden.refusal(step)
            if expected.error == Error.WATCHDOG:  # it never ends: pixel after pixel, row after row
                expected.may_write |= self.may_write(
                    dataclasses.replace(step, x=WATCHDOG, y=WATCHDOG))
            expected.error = expected.error or self.follow(step, expected)
            if expected.error or expected.near or expected.lenient:
                return expected
        return expected

    def follow(self, step, expected):
        """Run one step on the golden model; return its error."""
        if step.mode == Mode.UNPACK:
            return self.unpack(step, expected)
        if step.mode == Mode.SPARSE:
            return self.sparse(step, expected)
        if step.mode == Mode.TABLE:
            words = np.frombuffer(self.image, np.int8).reshape(-1, self.design.columns)
            error = self.golden.part_of[step.mode].run(step, 0, self.golden, words)
            late = not error and self.is_late(step, self.cost.parts(step), expected)
            return Error.WATCHDOG if late else error
        model = self.golden
        expected.lenient |= self.is_unchecked(step)
        written = self.may_write(step)
        expected.may_write |= written
        before = self.before
        if self.is_late(step, self.cost.parts(step), expected):
            return Error.WATCHDOG
        if before and self.cost.overlap(before[0], step):  # and may read what is not there yet
            expected.defined &= not np.any(self.reads(step) & self.may_write(before[0]))
        words = np.frombuffer(self.image, np.int8).reshape(-1, self.design.columns)
        memory, sums = model.memory.copy(), model.accumulators.copy()
        model.unknown = 77
        model.step(step, words)
        others = model.memory.copy(), model.accumulators.copy()
        model.memory[:], model.accumulators[:], model.unknown = memory, sums, 0
        error = model.step(step, words)
        # Pixels that were never streamed may be anything, and so may what the step writes itself.
        expected.defined &= np.array_equal(model.memory, others[0]) and np.array_equal(
            model.accumulators, others[1]) and not np.any(self.reads(step) & written)
        if step.mode == Mode.DEPTHWISE and self.design.lines > 1:
            expected.defined &= 4 <= step.x <= self.design.line_pixels
        if self.design.compact and step.maximum:  # it compares bytes
            expected.defined &= step.mode == Mode.SUMS or (
                step.mode == Mode.DIRECT and not step.scaled)
        if model.multiplies(step):  # sums are read as they are written
            expected.defined &= not step.add_to_sums and step.passes == step.tiles == 1 and not (
                self.design.compact and step.maximum)
        if error == Error.FETCH:
            expected.lenient |= not self.begins_outside(step)
        return error

    def unpack(self, step, expected):
        """Write what a step unpacks, and return its error; activations stay as they are."""
        columns = self.design.columns
        words = np.frombuffer(self.image, np.uint8).reshape(-1, columns).copy()
        if not unpack(step, words, self.design.rows):
            return Error.PROGRAM
        if self.is_late(step, self.cost.parts(step), expected):
            return Error.WATCHDOG
        # What is read must not be written, nor the words of a step that comes.
        end = step.output + written_words(step)
        packed = step.program + Packing.of(step, columns).words(step)
        expected.lenient |= step.output < packed and step.program < end
        self.image = words.tobytes()
        return None

    def sparse(self, step, expected):
        """Run one step of the sparse engine on the golden model; return its error."""
        expected.lenient |= self.is_unchecked(step)
        if step.passes * max(step.vectors, SHORTEST_PASS) > WATCHDOG + NEAR:
            return Error.WATCHDOG
        words = np.frombuffer(self.image, np.int8).reshape(-1, self.design.columns)
        error = self.engine.run(step, 0, self.golden, words)
        if error == Error.FETCH:
            expected.lenient |= not self.begins_outside(step)
        if error:
            return error
        cycles = sparse_cycles(self.engine.runs[0], self.design.columns, int(self.cost.turns))
        late = self.is_late(step, self.cost.parts(step, cycles), expected)
        return Error.WATCHDOG if late else None

    def is_late(self, step, parts, expected):
        """Add the cycles of a step behind the one before, and return whether it is stopped."""
        cycles = int(parts.alone)
        if self.before:
            before, of_before = self.before
            cycles = int(parts.after(of_before, self.cost.overlap(before, step)))
        self.before = step, parts
        expected.near = abs(cycles - WATCHDOG) <= NEAR
        expected.cycles += cycles
        return cycles > WATCHDOG + NEAR

    def may_write(self, step):
        """Return which bytes a step may write, wherever it stops."""
        mask = np.zeros(self.design.activation_memory, bool)
        if step.mode in (Mode.SPARSE, Mode.TABLE):
            return mask
        if not step.to_sums:
            mask[step.output:step.output + 1] = True
        mask = repeat_mask(mask, step.output_row_step, step.y)
        mask = repeat_mask(mask, step.output_x_step, step.x)
        return repeat_mask(mask, 1, (step.tiles - 1) * self.design.columns + step.last_columns)

    def is_unchecked(self, step):
        """Return whether a step is beyond what hardware counts, and it does not say so."""
        bits = (self.design.activation_memory - 1).bit_length()

        def within(start, *loops, low, high):
            return low <= start and start + sum(by * (turns - 1) for by, turns in loops) < high

        signed = {"low": -(1 << bits + 2), "high": (1 << bits + 2) - 64}
        along = ((step.tile_step, step.tiles), (step.taps_x_step, step.taps_x),
                 (step.piece_step, step.pieces), (step.x_step, step.x))
        down = ((step.taps_y_step_bytes, step.taps_y), (step.row_step_bytes, step.y))
        reads = (within(step.offset, *along, **signed)
                 and within(step.base, *down, **signed)
                 and within(step.base + step.offset, *along, *down, **signed)
                 and within(step.row_bytes - step.offset, **signed)
                 and within(step.row0, (step.taps_y_step, step.taps_y), (step.row_step, step.y),
                            low=-1 << 17, high=1 << 17))
        down, across = step.size if step.mode == Mode.WIDE else (step.y, step.x)
        writes = within(step.output, (step.output_row_step, down), (step.output_x_step, across),
                        (self.design.columns, step.tiles), low=0, high=(1 << bits + 2) - 64)
        if step.mode == Mode.SPARSE:
            return not reads
        adds = step.passes == 1 and step.mode != Mode.SUMS  # or reads elsewhere at that time
        sums = step.tiles == 1 and (adds or not step.add_to_sums)
        return not (reads or step.mode == Mode.SUMS) or not (sums if step.to_sums else writes)

    def width(self, step):
        """Return the bytes of each vector of a step."""
        return vector_bytes(step, self.design.rows, self.design.columns, self.design.wide_rows)

    def reads(self, step):
        """Return which bytes a step reads inside the image."""
        mask = np.zeros(self.design.activation_memory, bool)
        for tile in range(step.tiles if step.mode != Mode.SUMS else 0):
            for taps in passes(step):
                inside, addresses = bytes_read(step, self.width(step), tile, *taps)
                addresses = addresses[inside]
                mask[addresses[(addresses >= 0) & (addresses < len(mask))]] = True
        return mask

    def begins_outside(self, step):
        """Return whether a vector begins inside the image, and outside the memory."""
        for tile in range(step.tiles):
            for taps in passes(step):
                inside, addresses = bytes_read(step, self.width(step), tile, *taps)
                first = addresses[..., 0][inside[..., 0]]
                if np.any((first < 0) | (first >= self.design.activation_memory)):
                    return True
        return False
