"""Random steps of an accelerator, with their words, none of which leaves the memories."""

import numpy as np

from hwgen.arch.descriptors import START_WORDS, Descriptors
from hwgen.arch.formats import Format, Kind
from hwgen.arch.steps import Mode, Step, lines_of_rows
from hwgen.golden.accelerator.post import Parameters

__all__ = ["StepMaker"]


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

    def program(self, count):
        """Return steps, as many as there is room for, and the words of a program of them."""
        columns, forms = self.design.columns, self.forms
        words = np.zeros((self.design.program_words, columns), np.uint8)
        place, steps = count * forms.words, []
        while len(steps) < count:
            step = self.step()
            taken = self.words(step)
            if place + len(taken) > len(words):
                break
            words[place:place + len(taken)] = taken
            steps.append(step.replace(program=place))
            place += len(taken)
        for index, step in enumerate(steps):
            words[index * forms.words:][:forms.words] = np.frombuffer(
                forms.write(step), np.uint8).reshape(-1, columns)
        return steps, words[:place]

    def filler(self):
        """Return a step, alone in a list, that fills all sums, and the words of its program."""
        design, place = self.design, self.forms.words
        step = Step(mode=Mode.DIRECT, to_sums=True, last_columns=design.columns, program=place,
                    x=design.partial_sums, row_bytes=design.activation_memory, x_step=1)
        words = self.words(step)
        head = np.frombuffer(self.forms.write(step), np.uint8).reshape(-1, design.columns)
        return [step], np.concatenate([head, words])

    def step(self):
        """Return a step that reads one part of the activations and writes another."""
        size = self.design.activation_memory
        middle = 4 * self.draw(size // 16, size * 3 // 16)
        source, target = [(0, middle), (middle, size)][::self.draw(0, 1) * 2 - 1]
        while True:
            step = self.product() if self.forms.binary else self.loops()
            read, written = self.spans(step)
            if read <= source[1] - source[0] and written <= target[1] - target[0]:
                return self.moved(step, source[0] + self.draw(0, source[1] - source[0] - read),
                                  target[0] + self.draw(0, target[1] - target[0] - written))

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
                               + [Mode.DEPTHWISE] * bool(deep))
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
            base=pitch, **fields, **self.formats(mode))
        uses_sums = step.passes > 1 or to_sums or mode == Mode.SUMS
        return self.loops() if uses_sums and step.values > design.partial_sums else step

    def windows(self):
        """Return the loops of a depthwise step, whose first windows see only what was streamed."""
        design, draw = self.design, self.draw
        line_of = lines_of_rows(design.engine, design.rows, design.lines)
        taps = max(line_of.count(line) for line in range(design.lines))
        prime_x, prime_y = draw(taps - 1, taps), draw(design.lines - 1, design.lines)
        stride_x, stride_y = draw(1, 3), draw(1, 3)
        x = prime_x + draw(0, 2) * stride_x + 1
        if design.lines > 1 and not 4 <= x <= design.line_pixels:
            return self.windows()
        return {"x": x, "y": prime_y + draw(0, 2) * stride_y + 1, "prime_x": prime_x,
                "prime_y": prime_y, "stride_x": stride_x, "stride_y": stride_y, "row_step": 1}

    def formats(self, mode):
        """Return how numbers are written, for an array that takes notice."""
        if not self.serial or mode not in (Mode.MATRIX, Mode.DEPTHWISE):
            return {}
        weights = Format(1, Kind.BIPOLAR) if self.some(0.2) else Format(
            self.draw(1, 8), Kind(self.draw(0, 1)))
        return {"activation_format": Format(self.draw(1, 8), Kind(self.draw(0, 1))).code,
                "weight_format": weights.code}

    def spans(self, step):
        """Return how many bytes a step reads from, and writes to, at most."""
        columns = self.design.columns
        if self.forms.binary:
            return step.row_bytes, step.tiles * columns + self.design.lanes
        down, across = step.size
        return ((step.height - 1) * step.base + step.row_bytes,
                step.tiles * columns + (down - 1) * step.output_row_step
                + (across - 1) * step.output_x_step)

    def moved(self, step, image, output):
        """Return a step whose image and output are elsewhere."""
        if self.forms.binary:
            return step.replace(base=image, output=-(-output // self.design.lanes)
                                * self.design.lanes)
        return step.replace(base=image + step.row0 * step.base, output=output)

    def words(self, step):
        """Return the words that a step takes, a row of bytes each."""
        columns, rng = self.design.columns, self.rng
        if self.forms.binary:
            words = rng.integers(0, 256, (step.tiles, START_WORDS + step.pieces, columns))
            most = self.design.rows * step.pieces
            starts = rng.integers(-2 * most - 150, 150, (step.tiles, columns))
            words[:, 0], words[:, 1] = starts & 255, starts >> 8 & 255
            return words.reshape(-1, columns).astype(np.uint8)
        rows = self.design.rows if step.mode in (Mode.MATRIX, Mode.DEPTHWISE) else 0
        if rows and self.serial:
            rows = step.formats[1].words(rows)
        parts = []
        for tile in range(step.tiles):
            parts.append(rng.integers(0, 256, (rows, columns)))
            if tile == 0 or step.parameters_per_tile:
                parts.append(self.parameters(step).to_words().view(np.uint8))
            parts.append(rng.integers(0, 256, ((step.passes - 1) * rows, columns)))
        return np.concatenate(parts).astype(np.uint8)

    def parameters(self, step):
        """Return parameters that bring sums to bytes, more or less."""
        columns, rng = self.design.columns, self.rng
        bits = rng.integers(1, 32, columns)
        bias = rng.integers(-1 << 31, 1 << 31, columns) >> 32 - bits
        likely = {Mode.MATRIX: 14, Mode.DEPTHWISE: 14, Mode.SUMS: 10}.get(
            step.mode, 27 if step.scaled else 8)
        shift = np.maximum(bits, likely) - 8 + rng.integers(-2, 2, columns)
        return Parameters(bias, rng.integers(1 << 30, 1 << 31, columns)
                          >> rng.choice([0, 0, 0, 0, 1, 20], columns), np.clip(shift, 0, 31))
