import numpy as np
import pytest

from hwgen.arch.steps import Mode, Step, descriptor_words
from hwgen.golden.accelerator.accelerator import Accelerator, Error, Stopped
from hwgen.golden.systolic.systolic import WeightStationary


def machine(rows=5, columns=4, lines=0, rounding="tflm"):
    made = Accelerator(rows=rows, columns=columns, lines=lines, partial_sums=16,
                       activation_memory=256, rounding=rounding)
    made.memory[:] = np.random.default_rng(1).integers(-128, 128, 256)
    return made


def parameters(columns, bias=0, multiplier=(1 << 31) - 1, shift=0):
    """Return nine words by the words of the document: 72 bits for each column."""
    bits = (bias & 0xffffffff) | multiplier << 32 | shift << 63
    return bytes(byte for byte in bits.to_bytes(9, "little") for _ in range(columns))


def image(columns, step, *words):
    size = descriptor_words(columns) * columns
    step = step.replace(program=descriptor_words(columns))
    return step.to_words().tobytes().ljust(size, b"\0") + b"".join(words)


def slow(made, step, weights):
    """Return what mode MATRIX writes, value by value, as the document has it, without lanes."""
    results = {}
    for j in range(step.tiles):
        for y in range(step.y):
            for x in range(step.x):
                for c in range(made.columns):
                    total, number = 0, j * step.passes
                    for ky in range(step.taps_y):
                        for kx in range(step.taps_x):
                            for p in range(step.pieces):
                                row = step.row0 + ky * step.taps_y_step + y * step.row_step
                                base = (step.base + ky * step.taps_y_step_bytes
                                        + y * step.row_step_bytes)
                                o = (step.offset + j * step.tile_step + kx * step.taps_x_step
                                     + p * step.piece_step + x * step.x_step)
                                for i in range(made.rows):
                                    there = 0 <= row < step.height and 0 <= o + i < step.row_bytes
                                    byte = made.memory[base + o + i] if there else step.pad
                                    total += int(byte) * int(weights[number, i, c])
                                number += 1
                    if j < step.tiles - 1 or c < step.last_columns:
                        address = (step.output + j * made.columns + y * step.output_row_step
                                   + x * step.output_x_step + c)
                        value = (total * ((1 << 31) - 1) + (1 << 30)) >> 31
                        results[address] = min(max(value + step.zero_point, step.low), step.high)
    return results


@pytest.mark.parametrize("seed", range(10))
def test_matrix(seed):
    rng = np.random.default_rng(seed)
    made = machine()
    step = Step(mode=Mode.MATRIX, last_columns=int(rng.integers(1, 5)), pad=-seed,
                zero_point=9 - seed, low=-100, high=90, tiles=2, pieces=int(rng.integers(1, 3)),
                taps_x=int(rng.integers(1, 3)), taps_y=2, x=3, y=2, base=10, row0=-1, height=3,
                offset=-3, row_bytes=20, x_step=4, row_step=2, row_step_bytes=40, piece_step=5,
                taps_x_step=2, tile_step=int(rng.integers(3)), taps_y_step=1, taps_y_step_bytes=20,
                output=150, output_x_step=8, output_row_step=30)
    weights = rng.integers(-3, 4, (2 * step.passes, 5, 4)).astype(np.int8)
    expected = slow(made, step, weights)
    before = made.memory.copy()
    words = [w[::-1].tobytes() for w in weights]
    made.run(image(4, step, words[0], parameters(4), *words[1:]), 1)
    for address in range(256):
        assert made.memory[address] == expected.get(address, before[address]), address


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_depthwise_is_the_array(lines):
    rng = np.random.default_rng(lines)
    made = machine(7, 4, lines)
    step = Step(mode=Mode.DEPTHWISE, last_columns=4, pad=5, x=7, y=4, prime_x=2, stride_x=2,
                prime_y=1, base=20, row0=0, height=3, offset=-4, row_bytes=16, x_step=4, row_step=1,
                row_step_bytes=16, output=100, output_x_step=4, output_row_step=12)
    weights = rng.integers(-2, 3, (7, 4)).astype(np.int8)

    def pixel(row, x):
        inside = 0 <= row < 3 and 0 <= x - 1 < 4
        return made.memory[20 + 16 * row + 4 * (x - 1):][:4] if inside else np.full(4, 5)
    stream = np.array([[pixel(y - (lines - 1 - line), x) for line in range(lines)]
                       for y in range(4) for x in range(7)])
    sums = WeightStationary(rows=7, columns=4, lines=lines).depthwise(
        stream, weights, np.zeros((7, 4), np.int64)).reshape(4, 7, 4)
    made.run(image(4, step, weights[::-1].tobytes(), parameters(4)), 1)
    expected = np.clip(sums[1:, 2::2], -128, 127)
    np.testing.assert_array_equal(made.memory[100:136].reshape(3, 3, 4), expected)


@pytest.mark.parametrize("maximum", [False, True])
def test_direct(maximum):
    made = machine()
    step = Step(mode=Mode.DIRECT, last_columns=4, maximum=maximum, taps_x=3, x=4, base=3,
                row_bytes=60, x_step=5, taps_x_step=7, output=200, output_x_step=4)
    windows = np.array([[made.memory[3 + 5 * x + 7 * k:][:4] for k in range(3)]
                        for x in range(4)]).astype(int)
    expected = windows.max(axis=1) if maximum else np.clip(windows.sum(axis=1), -128, 127)
    made.run(image(4, step, parameters(4)), 1)
    np.testing.assert_array_equal(made.memory[200:216].reshape(4, 4), expected)


@pytest.mark.parametrize("rounding, results", [
    ("tflm", {5: 2, -5: -1, 6: 2, -6: -2, 7: 2}), ("single", {5: 1, -5: -1, 6: 2, -6: -1, 7: 2}),
    ("even", {5: 1, -5: -1, 6: 2, -6: -2, 7: 2, 2: 0, -2: 0, 10: 2})])
def test_rounding(rounding, results):
    for value, expected in results.items():
        made = machine(rounding=rounding)
        made.memory[0] = value
        step = Step(mode=Mode.DIRECT, last_columns=1, row_bytes=1, output=1)
        # A quarter. A half of 5 is rounded to 3, and a half of that to 2, if rounded twice.
        made.run(image(4, step, parameters(4, 0, 1 << 30, 1)), 1)
        assert made.memory[1] == expected, value


def test_sums_are_kept():
    made = machine()
    made.memory[:8] = [1, 2, 3, 4, 10, 20, 30, 40]
    size = descriptor_words(4)
    steps = [
        Step(mode=Mode.DIRECT, scaled=True, to_sums=True, last_columns=4, row_bytes=4),
        Step(mode=Mode.DIRECT, scaled=True, to_sums=True, add_to_sums=True, last_columns=4, base=4,
             row_bytes=4),
        Step(mode=Mode.SUMS, last_columns=4, output=8)]
    words = [parameters(4), parameters(4), parameters(4, 0, 1 << 30, 19)]
    data = b"".join(step.replace(program=3 * size + 9 * i).to_words().tobytes()
                    for i, step in enumerate(steps)) + b"".join(words)
    made.run(data, 3)
    assert made.memory[8:12].tolist() == [11, 22, 33, 44]
    made.run(data, 1)
    made.run(data, 2, first=1)
    assert made.memory[8:12].tolist() == [11, 22, 33, 44]


@pytest.mark.parametrize("fields, error", [
    ({"base": 254}, Error.FETCH), ({"base": -1}, Error.FETCH),
    ({"output": 254}, Error.STORE), ({"x": 17, "to_sums": True}, Error.SUMS),
    ({"last_columns": 5}, Error.DESCRIPTOR), ({"mode": Mode.DEPTHWISE}, Error.DESCRIPTOR),
])
def test_stops(fields, error):
    step = Step(mode=Mode.DIRECT, last_columns=4, row_bytes=4, x_step=0).replace(**fields)
    with pytest.raises(Stopped) as stopped:
        machine().run(image(4, step, parameters(4)), 1)
    assert (stopped.value.error, stopped.value.step) == (error, 0)


@pytest.mark.parametrize("fields", [{"prime_x": 3}, {"stride_x": 2, "x": 2}, {"prime_y": 1}])
def test_stops_where_the_last_pixel_completes_no_window(fields):
    step = Step(mode=Mode.DEPTHWISE, last_columns=4, x=3, row_bytes=12, x_step=4).replace(**fields)
    with pytest.raises(Stopped, match="step 0 stopped with the error WATCHDOG"):
        machine(lines=1).run(image(4, step, bytes(20), parameters(4)), 1)


def test_stops_without_a_program():
    step = Step(mode=Mode.MATRIX, last_columns=4, row_bytes=4)
    with pytest.raises(Stopped, match="step 0 stopped with the error PROGRAM"):
        machine().run(image(4, step, parameters(4)), 1)
    with pytest.raises(Stopped, match="step 1 stopped with the error DESCRIPTOR"):
        machine().run(image(4, step, bytes(20), parameters(4)), 2)
