"""Random steps of an accelerator, with their words, none of which leaves the memories."""

import numpy as np

from hwgen.arch.descriptors import START_WORDS, Descriptors
from hwgen.arch.formats import Format, NumberKind
from hwgen.arch.joining import LARGEST_SHIFT, Scaling
from hwgen.arch.lstm import head_words, lstm_words
from hwgen.arch.steps import (
    FIELDS,
    LONGEST_ROW,
    Mode,
    Step,
    lines_of_rows,
    power_words,
    table_words,
)
from hwgen.golden.accelerator.footprint import vector_bytes
from hwgen.golden.accelerator.post import Parameters

__all__ = ["StepMaker"]

VECTORS = 700
"""In a pass of a step, at most."""
UNUSED = 5
"""The first of the bits that mean nothing in the last byte of a column's parameters."""
SMALL = 23
"""Bytes of a row of a step without limits whose weights are small."""


class StepMaker:
    """Draws steps for a Design, and what they take of the program memory.

    Parameters
    ----------
    design : Design
    rng : Generator
    """

    def __init__(self, design, rng):
        self.design = design
        self.rng = rng
        self.forms = Descriptors.of(design)
        self.serial = design.engine == "bitserial"

    def draw(self, low, high):
        """Return a random integer, the ends included."""
        return int(self.rng.integers(low, high + 1))

    def some(self, share=0.5):
        """Return yes or no."""
        return bool(self.rng.random() < share)

    def anywhere(self, low, high):
        """Return a number from one to another, often one at an end."""
        return int(self.rng.choice([low, high, self.draw(low, high), self.draw(low, high)]))

    def program(self, count, first=0, wide=0.0):
        """Return steps, as many as there is room for, and the words of a program of them.

        The first one is step ``first``. Such a share of them is :meth:`wide`. What they take lies
        anywhere behind the descriptors.
        """
        columns, forms, size = self.design.columns, self.forms, self.design.program_words
        place, steps, parts = forms.words_of(first + count), [], []
        at_once = self.design.wide_rows or 1  # words, at multiples of which all begin
        while len(steps) < count:
            drawn = self.together(self.multiplied(self.step(self.some(wide))), count - len(steps))
            drawn = self.looked_up(drawn, count - len(steps))
            words = [self.words(step) for step in drawn]
            sizes = [-(-len(part) // at_once) * at_once for part in words]
            if place + sum(sizes) > size:
                if steps:
                    break
                continue
            for step, part, taken in zip(drawn, words, sizes, strict=True):
                steps.append(step.replace(program=place))
                parts.append(part)
                place += taken
        gap = self.anywhere(0, (size - place) // at_once) * at_once
        steps = [step.replace(program=step.program + gap) for step in steps]
        words = np.zeros((place + gap, columns), np.uint8)
        for index, (step, part) in enumerate(zip(steps, parts, strict=True), first):
            words[step.program:][:len(part)] = part
            words[index * forms.words:][:forms.words] = np.frombuffer(
                forms.write(step), np.uint8).reshape(-1, columns)
        return steps, words

    def together(self, step, most):
        """Return a step alone, or as one that keeps what it gives, and others that use that."""
        room, kept = self.design.kept_vectors, step.tiles * step.values
        if not room or step.to_sums or kept > room or most < 2 or self.some(0.4) \
                or step.mode in (Mode.SOFTMAX, Mode.LSTM):
            return [step]
        found, left = [step.replace(kept=True)], kept
        scaling = Scaling(self.anywhere(0, (1 << 31) - 1), self.anywhere(0, LARGEST_SHIFT),
                          self.anywhere(-128, 127), self.some())
        if most > 2 and 2 * kept <= room and self.some(0.3):
            found.append(found[0])
            left += kept
        while left > 0 and len(found) < most and (len(found) < 2 or self.some(0.7)):
            tiles = self.draw(1, min(left, 3))
            x = self.draw(1, min(left // tiles, 40))
            y = self.draw(1, min(left // tiles // x, 3))
            found.append(self.joined(scaling, tiles, x, y))
            left -= tiles * x * y
        return found

    def multiplied(self, step):
        """Return a step, now and then as one whose lanes multiply what is in its sums."""
        if not self.design.products or step.maximum or step.add_to_sums or self.some():
            return step
        marked = step.replace(product=True)
        return marked if self.has_sums(marked) else step

    def looked_up(self, steps, most):
        """Return steps whose bytes go through tables, and often one that fills one before."""
        if not self.design.tables:
            return steps
        steps = [step.replace(table=self.table() if self.some(0.7) else 0) for step in steps]
        fills = len(steps) < most and self.some(0.6)
        return [*self.fill() * fills, *steps]

    def table(self):
        """Return the number of a table, of those that there are or of others."""
        return self.draw(1, self.design.tables if self.some(0.8) else (1 << FIELDS["table"][2]) - 1)

    def fill(self):
        """Return a step, alone in a list, that fills a table."""
        return [Step(mode=Mode.TABLE, last_columns=1, table=self.table())]

    def tables(self):
        """Return steps that fill all tables, and the words of their program."""
        steps = [Step(mode=Mode.TABLE, last_columns=1, table=number)
                 for number in range(1 << (self.design.tables - 1).bit_length())]
        heads = self.forms.words_of(len(steps))
        length = table_words(self.design.columns)
        steps = [step.replace(program=heads + index * length) for index, step in enumerate(steps)]
        words = self.bytes((heads + len(steps) * length, self.design.columns)).astype(np.uint8)
        for index, step in enumerate(steps):
            words[index * self.forms.words:][:self.forms.words] = np.frombuffer(
                self.forms.write(step), np.uint8).reshape(-1, self.design.columns)
        return steps, words

    def joined(self, scaling, tiles, x, y):
        """Return a step that reads bytes, and adds them to those that were kept."""
        draw, columns, size = self.draw, self.design.columns, self.design.activation_memory
        low, high = self.limits()
        middle = size // 2 & ~3
        step = Step(
            mode=Mode.DIRECT, joined=True, parameters_per_tile=self.some(),
            last_columns=draw(1, columns), zero_point=draw(-128, 127), low=low, high=high,
            tiles=tiles, x=x, y=y, height=y, row_bytes=draw(1, 48), x_step=draw(0, 9), row_step=1,
            row_step_bytes=draw(0, 20), tile_step=draw(0, 9), pad=draw(-128, 127),
            output_x_step=draw(0, 5), output_row_step=draw(0, 20), **scaling.fields)
        return self.move_step(step, *((0, middle), (middle, size))[::draw(0, 1) * 2 - 1])

    def filler(self):
        """Return a step, alone in a list, that fills all sums, and the words of its program."""
        design, place = self.design, self.forms.words
        step = Step(mode=Mode.DIRECT, to_sums=True, last_columns=design.columns, program=place,
                    x=design.partial_sums, row_bytes=design.activation_memory, x_step=1)
        words = self.words(step)
        head = np.frombuffer(self.forms.write(step), np.uint8).reshape(-1, design.columns)
        return [step], np.concatenate([head, words])

    def step(self, wide=False):
        """Return a step that reads one part of the activations and writes another."""
        size = self.design.activation_memory
        middle = 4 * self.draw(size // 16, size * 3 // 16)
        source, target = [(0, middle), (middle, size)][::self.draw(0, 1) * 2 - 1]
        if self.design.softmax and self.some(0.2):
            return self.softmax(source, target)
        if self.design.lstm and self.some(0.2):
            return self.cells(source, target)
        while True:
            step = self.product() if self.forms.binary else self.loops()
            if wide and not self.forms.binary:
                kind = self.rng.choice([self.ties, self.exact, self.wide], p=[0.1, 0.2, 0.7])
                step = kind(step)
            if step and (moved := self.move_step(step, source, target)):
                return moved

    def softmax(self, source, target):
        """Return a step that reads rows of bytes from one part and writes others into another."""
        draw, room = self.draw, min(source[1] - source[0], target[1] - target[0])
        count = draw(1, min(room, LONGEST_ROW, 300 if self.some(0.2) else 20))
        x, y = draw(1, 4), draw(1, 4)

        def steps():
            """Return two distances, by which all rows are inside."""
            along = draw(0, (room - count) // max(2 * (x - 1), 1))
            return along, draw(0, (room - count - along * (x - 1)) // max(y - 1, 1))

        (x_step, row), (output_x_step, output_row), (base, output) = steps(), steps(), (
            source[0], target[0])
        ends = [end - (x - 1) * along - (y - 1) * across - count for (_, end), along, across in (
            (source, x_step, row), (target, output_x_step, output_row))]
        return Step(mode=Mode.SOFTMAX, last_columns=1, x=x, y=y, row_bytes=count, x_step=x_step,
                    row_step_bytes=row, output_x_step=output_x_step, output_row_step=output_row,
                    base=self.anywhere(base, ends[0]), output=self.anywhere(output, ends[1]))

    def cells(self, source, target):
        """Return a step that reads a few vectors from one part, and updates cells in another."""
        draw, most = self.draw, self.design.lstm
        inputs, cells, times = draw(1, min(most, 9)), draw(1, min(most, 4)), draw(1, 3)
        pitch = draw(0, (source[1] - source[0] - inputs) // max(times - 1, 1))
        held = times * cells + draw(0, target[1] - target[0] - (times + 2) * cells)
        return Step(
            mode=Mode.LSTM, last_columns=1, x=times, row_bytes=inputs, height=cells,
            row_step_bytes=pitch, output_row_step=held,
            base=self.anywhere(source[0], source[1] - inputs - (times - 1) * pitch),
            taps_y_step_bytes=self.anywhere(source[0], source[1] - 3 * cells),
            output=self.anywhere(target[0], target[1] - held - 2 * cells),
            offset=lstm_words(self.design.columns, inputs, cells))

    def words_of_cells(self, step):
        """Return the words of such a step, with any weights, multipliers, and shifts."""
        columns, rng = self.design.columns, self.rng
        head, words = head_words(columns), self.bytes((step.offset, columns)).astype(np.uint8)
        sizes = [-(-count // columns) for count in (step.row_bytes, step.height)] * 4 * step.height
        first = 0
        for size in [0, *sizes]:
            flat = words[first:first + head].reshape(-1)
            flat[8] = rng.integers(-25, 12) & 63
            if not first:
                flat[1] &= 127  # half of the limit
            first += head + size
        return words

    def product(self):
        """Return a step of the engine ``binary``, with inputs that nothing meets, or too few."""
        rows, pieces = self.design.rows, self.draw(1, 6)
        low, high = self.limits()
        return Step(last_columns=self.draw(1, self.design.columns), low=low, high=high,
                    tiles=self.draw(1, 3), pieces=pieces, **self.forms.same,
                    row_bytes=self.draw(1, rows * pieces + 3))

    def limits(self):
        """Return the least and the greatest byte, which seldom are the other way round."""
        low, high = sorted(self.rng.integers(-128, 128, 2).tolist())
        return ((low, high) if self.some(0.9) else (high, low)) if self.some() else (-128, 127)

    def loops(self):
        """Return a step with any loops, whose image and output begin at address 0."""
        design, draw = self.design, self.draw
        deep = design.lines and not (design.compact and self.serial)
        mode = self.rng.choice([Mode.MATRIX, Mode.MATRIX, Mode.DIRECT, Mode.SUMS]
                               + [Mode.DEPTHWISE] * bool(deep)
                               + [Mode.WIDE] * 3 * bool(design.wide_rows))
        pieces, taps_x, taps_y = (draw(1, 2 + self.some(0.3)) if mode != Mode.SUMS else 1
                                  for _ in range(3))
        fields = self.windows() if mode == Mode.DEPTHWISE else {
            "x": draw(1, 6), "y": draw(1, 5), "row_step": draw(0, 2)}
        direct = mode == Mode.DIRECT
        to_sums, scaled = self.some(0.25), direct and self.some(0.3)
        maximum = self.some(0.3) and mode != Mode.SUMS and not (
            design.compact and (scaled or not direct))
        height, pitch = draw(1, 6), draw(0, 40)
        low, high = self.limits()
        step = Step(
            mode=Mode(mode), maximum=maximum, to_sums=to_sums, scaled=scaled,
            add_to_sums=to_sums and mode != Mode.SUMS and pieces * taps_x * taps_y == 1,
            parameters_per_tile=self.some(), last_columns=draw(1, design.columns),
            pad=draw(-128, 127), zero_point=draw(-128, 127), low=low, high=high,
            tiles=1 if to_sums else draw(1, 3), pieces=pieces, taps_x=taps_x, taps_y=taps_y,
            row0=draw(-3, 3), height=height, offset=draw(-12, 12), row_bytes=draw(1, 48),
            x_step=draw(0, 9), row_step_bytes=pitch * fields["row_step"],
            piece_step=draw(0, 9), taps_x_step=draw(0, 9), tile_step=draw(0, 9),
            taps_y_step=(rise := draw(0, 2)), taps_y_step_bytes=pitch * rise,
            output_x_step=draw(0, 2 * design.columns), output_row_step=draw(0, 60),
            **fields, **self.formats(mode), **self.zero_points(mode))
        return step if self.has_sums(step) else self.loops()

    def has_sums(self, step):
        """Return whether there are as many sums as a step wants."""
        uses_sums = step.passes > 1 or step.to_sums or step.mode == Mode.SUMS or step.product
        return not uses_sums or step.values <= self.design.partial_sums

    def windows(self, most=3):
        """Return the loops of a depthwise step, whose first windows see only what was streamed.

        Strides are at most such; if that is much, so may be what comes before the first window.
        """
        design, draw = self.design, self.draw
        line_of = lines_of_rows(design.engine, design.single_rows, design.lines)
        taps = max(line_of.count(line) for line in range(design.lines))
        while True:
            prime_x, prime_y = draw(taps - 1, taps), draw(design.lines - 1, design.lines)
            if most > 3 and self.some(0.3):
                prime_x = draw(prime_x, 255)
            if most > 3 and self.some(0.3):
                prime_y = draw(prime_y, 255)
            stride_x, stride_y = draw(1, most), draw(1, most)
            x, y = prime_x + draw(0, 2) * stride_x + 1, prime_y + draw(0, 2) * stride_y + 1
            if x * y <= VECTORS and (design.lines == 1 or 4 <= x <= design.line_pixels):
                return {"x": x, "y": y, "prime_x": prime_x, "prime_y": prime_y,
                        "stride_x": stride_x, "stride_y": stride_y, "row_step": 1}

    def formats(self, mode):
        """Return how numbers are written, for an array that takes notice."""
        if not self.serial or mode not in (Mode.MATRIX, Mode.DEPTHWISE):
            return {}
        weights = Format(1, NumberKind.BIPOLAR) if self.some(0.2) else Format(
            self.draw(1, 8), NumberKind(self.draw(0, 1)))
        return {"activation_format": Format(self.draw(1, 8), NumberKind(self.draw(0, 1))).code,
                "weight_format": weights.code}

    def zero_points(self, mode):
        """Return those of a step whose weights may have been loaded."""
        some = self.design.matmul and mode == Mode.MATRIX
        return {"slots": self.draw(0, (1 << 16) - 1)} if some else {}

    def ties(self, _):
        """Return a step whose values are its pad, which parameters bring to where halves are."""
        return Step(mode=Mode.DIRECT, last_columns=self.design.columns, parameters_per_tile=True,
                    tiles=8, height=0, pad=self.draw(-128, 127))

    def exact(self, step):
        """Return a step of small sums, each bit of which is to be seen, if there are such."""
        columns = self.design.columns
        return step if self.serial else Step(
            mode=Mode.MATRIX, last_columns=columns, x=6, y=2, x_step=3, row_step=1, height=2,
            row_step_bytes=24, row_bytes=SMALL, output_x_step=columns, output_row_step=6 * columns)

    def wide(self, step):
        """Return a step with some fields from their whole ranges, or None where none comes of it.

        What loops of a single turn go on by says nothing, nor does where sums would be stored.
        """
        draw, some, size = self.draw, self.some, self.design.activation_memory
        fields = {}
        if step.mode == Mode.DEPTHWISE and some(0.7):
            fields |= self.windows(255)
        elif some(0.4):
            fields |= self.long(step)
        if some(0.3):
            row0 = self.anywhere(-1 << 15, (1 << 15) - 1)
            fields |= {"row0": row0, "height": self.anywhere(0, (1 << 16) - 1) if some(0.3) else
                       max(row0 + draw(-2, 9), 0)}
        if some(0.3):
            fields |= {"offset": draw(-2 * size, size), "row_bytes": draw(0, 2 * size)}
        step = step.replace(**fields)
        down, across = step.size
        fields, loops = {}, {
            "x_step": (step.x, 16), "piece_step": (step.pieces, 16),
            "taps_x_step": (step.taps_x, 16), "tile_step": (step.tiles, 16),
            "row_step_bytes": (step.y, 32), "taps_y_step_bytes": (step.taps_y, 32),
            "output_x_step": (across, 16), "output_row_step": (down, 32)}
        for name, (count, bits) in loops.items():
            if count == 1 and some(0.5):
                fields[name] = self.anywhere(0, (1 << bits) - 1)
            elif getattr(step, name) * (count - 1) > size or some(0.2):
                fields[name] = draw(0, 2 * size // max(count - 1, 1)) % (1 << bits)
        for name, count in (("row_step", step.y), ("taps_y_step", step.taps_y)):
            if step.mode != Mode.DEPTHWISE and some(0.2):
                fields[name] = draw(0, min((1 << 17) // count, (1 << 16) - 1))
        if step.to_sums and some():
            fields["output"] = self.anywhere(0, (1 << 32) - 1)
        step = step.replace(**fields)
        work = step.vectors * step.passes * step.tiles * (8 if self.serial else 1)
        return step if work <= 4 * VECTORS and self.has_sums(step) else None

    def long(self, step):
        """Return loops of which one has many turns."""
        loops = {"x": VECTORS, "y": VECTORS}
        if not step.to_sums:
            loops["tiles"] = self.design.activation_memory // self.design.columns // 3
        if step.mode != Mode.SUMS and not step.add_to_sums:
            loops |= {"pieces": 20, "taps_x": 20, "taps_y": 20}
        chosen = self.rng.choice(list(loops))
        short = {"x": self.draw(1, 2), "y": self.draw(1, 2), "tiles": 1, "pieces": 1, "taps_x": 1,
                 "taps_y": 1}
        if step.mode == Mode.DEPTHWISE:
            if chosen in "xy":
                return {}
            short |= {"x": step.x, "y": step.y}
        return short | {str(chosen): self.draw(1, max(loops[chosen], 1))}

    def move_step(self, step, source, target):
        """Return a step that reads only what it may, and writes so, or None if none does."""
        columns, lanes = self.design.columns, self.design.lanes
        if self.forms.binary:
            image = source[1] - source[0] - step.row_bytes
            output = target[1] - target[0] - step.tiles * columns - lanes
            if image < 0 or output < 0:
                return None
            output = target[0] + self.draw(0, output)
            return step.replace(base=source[0] + self.draw(0, image),
                                output=-(-output // lanes) * lanes)
        down, across = step.size
        written = ((step.tiles - 1) * columns + step.last_columns
                   + (down - 1) * step.output_row_step + (across - 1) * step.output_x_step)
        base = self.base(step, source)
        if step.to_sums:
            return None if base is None else step.replace(base=base)
        if base is None or written > target[1] - target[0]:
            return None
        return step.replace(base=base, output=self.anywhere(target[0], target[1] - written))

    def base(self, step, source):
        """Return a base by which a step reads only there, or None if there is none."""
        size = self.design.activation_memory
        if step.mode == Mode.SUMS:
            return self.anywhere(-1 << 31, (1 << 31) - 1)
        reach = 4 << (size - 1).bit_length()
        width = vector_bytes(step, self.design.rows, self.design.columns, self.design.wide_rows)
        along = sums([step.offset], (step.tiles, step.tile_step), (step.taps_x, step.taps_x_step),
                     (step.pieces, step.piece_step), (step.x, step.x_step))
        rows = sums([step.row0], (step.taps_y, step.taps_y_step), (step.y, step.row_step))
        starts = sums([0], (step.taps_y, step.taps_y_step_bytes), (step.y, step.row_step_bytes))
        if (abs(rows).max() >= (1 << 17) - max(self.design.lines, 1) or along.min() < -reach
                or max(along.max(), step.row_bytes - along.min()) + width >= reach):
            return None
        starts_inside = starts[(rows >= 0) & (rows < step.height)]
        inside = sums(along, (width, 1))
        inside = inside[(inside >= 0) & (inside < step.row_bytes)]
        lowest = -reach - along.min() - starts.min()
        highest = reach - 1 - along.max() - starts.max()
        if starts_inside.size and inside.size:
            lowest = max(lowest, source[0] - inside.min() - starts_inside.min())
            highest = min(highest, source[1] - 1 - inside.max() - starts_inside.max())
        return self.anywhere(lowest, highest) if lowest <= highest else None

    def words(self, step):
        """Return the words that a step takes, a row of bytes each."""
        columns, rng = self.design.columns, self.rng
        if self.forms.binary:
            words = rng.integers(0, 256, (step.tiles, START_WORDS + step.pieces, columns))
            most = self.design.rows * step.pieces
            starts = rng.integers(-2 * most - 150, 150, (step.tiles, columns))
            words[:, 0], words[:, 1] = starts & 255, starts >> 8 & 255
            return words.reshape(-1, columns).astype(np.uint8)
        if step.mode in (Mode.TABLE, Mode.SOFTMAX):
            needed = table_words if step.mode == Mode.TABLE else power_words
            return self.bytes((needed(columns), columns)).astype(np.uint8)
        if step.mode == Mode.LSTM:
            return self.words_of_cells(step)
        rows = self.design.rows if step.mode in (Mode.MATRIX, Mode.DEPTHWISE) else 0
        if rows and self.serial:
            rows = step.formats[1].words(rows)
        parts, small = [], step.row_bytes == SMALL and step.passes == 1
        spare = 0  # words behind parameters
        if step.mode == Mode.WIDE:
            rows, spare = step.vectors * self.design.wide_rows, self.design.wide_rows - 9
        for tile in range(step.tiles):
            parts.append(self.bytes((rows, columns), small))
            if tile == 0 or step.parameters_per_tile:
                parts.append(self.parameter_words(step, small))
                parts.append(self.bytes((spare, columns)))
            parts.append(self.bytes(((step.passes - 1) * rows, columns), small))
        return np.concatenate(parts).astype(np.uint8)

    def bytes(self, shape, small=False):
        """Return any bytes, or those at the ends of their range, or of small weights."""
        extremes = [0, 1, 255] if small else [0, 1, 127, 128, 255]
        return self.rng.choice(extremes, shape) if small or self.some(0.2) else \
            self.rng.integers(0, 256, shape)

    def parameter_words(self, step, small):
        """Return the words of parameters, with any of the bits that mean nothing."""
        words = self.parameters(step, small).to_words().view(np.uint8)
        words[-1] |= self.rng.integers(0, 1 << 8 - UNUSED, words.shape[1], np.uint8) << UNUSED
        return words

    def parameters(self, step, small=False):
        """Return parameters that bring sums to bytes, more or less, or any at all.

        Where weights are small, sums are bytes, and each of their bits is to be seen.
        """
        columns, rng = self.design.columns, self.rng
        if step.mode == Mode.DIRECT and not step.height:
            return self.tie(step.pad)
        if small:
            return Parameters(rng.integers(-9, 9, columns), np.full(columns, (1 << 31) - 1),
                              np.zeros(columns, np.int64))
        sign = rng.choice([1, -1], columns) if self.design.products and self.some(0.3) else 1
        if self.some(0.1):
            return Parameters(rng.integers(-1 << 31, 1 << 31, columns),
                              sign * rng.integers(0, 1 << 31, columns),
                              rng.integers(0, 32, columns))
        bits = rng.integers(1, 32, columns)
        bias = rng.integers(-1 << 31, 1 << 31, columns) >> 32 - bits
        likely = {Mode.MATRIX: 14, Mode.DEPTHWISE: 14, Mode.WIDE: 16, Mode.SUMS: 10}.get(
            step.mode, 27 if step.scaled or step.joined else 8)
        shift = np.maximum(bits, likely) - 8 + rng.integers(-2, 2, columns)
        return Parameters(bias, sign * rng.integers(1 << 30, 1 << 31, columns)
                          >> rng.choice([0, 0, 0, 0, 1, 20], columns), np.clip(shift, 0, 31))

    def tie(self, value):
        """Return parameters by which the product with a value is half-way, or next to that."""
        columns, rng = self.design.columns, self.rng
        total = rng.integers(1, 1 << rng.integers(2, 12, columns))
        # Of odd multiples of a half, one that the multiplier has room for, and a byte.
        odd = 2 * rng.integers(0, np.minimum(total, 120)) + 1
        multiplier = ((odd << 30) + rng.integers(0, 2, columns) * (total - 1)) // total
        return Parameters(np.where(rng.random(columns) < 0.5, total, -total) - value,
                          np.minimum(multiplier, (1 << 31) - 1), rng.choice([0, 0, 0, 1], columns))


def sums(first, *loops):
    """Return all sums of one of the first numbers and, for each loop, of a turn times its step."""
    found = np.asarray(first, np.int64)
    for count, step in loops:
        found = np.add.outer(found, np.arange(count, dtype=np.int64) * step)
    return found.reshape(-1)
