# amaranth: UnusedElaboratable=no
"""Steps of mode LSTM on their part alone: any words, and what is outside the memories."""

import numpy as np
import pytest

from hwgen.arch.lstm import head_words, lstm_words
from hwgen.arch.steps import Mode, Step
from hwgen.cost.lstm import lstm_cycles
from hwgen.golden.accelerator.accelerator import Accelerator
from hwgen.golden.accelerator.errors import Error
from hwgen.golden.accelerator.lstm import LstmPart
from hwgen.rtl.accelerator.lstm.steps import LstmSteps

from ...bench import simulate

TURNS = 2
SIZE, READING, FETCHING, STORING = 256, 4, 6 + TURNS, 4 + TURNS
FAR = 7
"""Cycles from an address to its word in an accelerator."""
ERRORS = {"error": Error.PROGRAM, "fetch_error": Error.FETCH, "store_error": Error.STORE}


def any_words(rng, columns, inputs, cells):
    """Return words of a step, with any weights, multipliers, and shifts."""
    words = rng.integers(-128, 128, (lstm_words(columns, inputs, cells), columns)).astype(np.int8)
    sizes = [-(-count // columns) for count in (inputs, cells)] * 4 * cells
    first = 0
    for size in [0, *sizes]:
        flat = words[first:first + head_words(columns)].reshape(-1)
        flat[8] = rng.integers(-25, 12) & 63
        if not first:
            flat[1] &= 127  # half of the limit
            flat[:2] *= rng.integers(2)
        first += head_words(columns) + size
    return words


def run(columns, step, words, memory):
    """Return the cycles from start to end, and the error, of a step on the hardware."""
    dut = LstmSteps(columns, len(words), READING, most=9, size=SIZE, address_bits=8,
                    fetching=FETCHING, storing=STORING)
    found = {}

    async def bench(ctx):
        descriptor = int.from_bytes(step.to_words().tobytes(), "little")
        ctx.set(dut.descriptor, dut.descriptor.shape().from_bits(descriptor))
        await ctx.tick().repeat(3)
        ctx.set(dut.start, 1)
        addresses, places = [0] * READING, [0] * FETCHING
        for cycle in range(100_000):
            addresses.append(ctx.get(dut.address))
            places.append(ctx.get(dut.read_address))
            if ctx.get(dut.write):
                memory[ctx.get(dut.write_address)] = np.uint8(ctx.get(dut.write_byte)).view(np.int8)
            ended = [name for name in ("done", *ERRORS) if ctx.get(getattr(dut, name))]
            if ended:
                found["cycles"], found["ended"] = cycle, ended[0]
                break
            await ctx.tick()
            ctx.set(dut.start, 0)
            word = words[min(addresses[-READING], len(words) - 1)].tobytes()
            ctx.set(dut.word, int.from_bytes(word, "little"))
            ctx.set(dut.read_byte, int(memory[places[-FETCHING] % SIZE]) & 255)
        for _ in range(100):  # nothing follows
            await ctx.tick()
            assert not ctx.get(dut.write)

    simulate(dut, bench, budget=100_000)
    return found["cycles"], ERRORS.get(found["ended"])


def any_step(rng, columns):
    """Return a step whose parts are inside the memory, and do not meet."""
    inputs, cells, times = (int(each) for each in rng.integers(1, [10, 6, 4]))
    return Step(mode=Mode.LSTM, last_columns=1, x=times, row_bytes=inputs, height=cells,
                row_step_bytes=inputs + int(rng.integers(3)), base=int(rng.integers(60)),
                taps_y_step_bytes=110, output=140, output_row_step=times * cells + 3,
                offset=lstm_words(columns, inputs, cells))


def compare(columns, step, seed):
    """Run a step on both, and return the cycles that it takes, and its error."""
    rng = np.random.default_rng(seed)
    words = any_words(rng, columns, step.row_bytes, step.height)
    model = Accelerator(rows=4, columns=columns, lines=0, partial_sums=4, activation_memory=SIZE)
    model.memory[:] = rng.integers(-128, 128, SIZE)
    memory = model.memory.copy()
    cycles, error = run(columns, step, words, memory)
    assert LstmPart(9).run(step, 0, model, words) == error
    np.testing.assert_array_equal(memory, model.memory)
    return cycles, error


@pytest.mark.parametrize("seed", [0, 1, 2, *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 60))])
def test_matches_model(seed):
    rng = np.random.default_rng([seed, 7])
    columns = int(rng.choice([1, 2, 4, 5, 8, 13, 20]))
    step = any_step(rng, columns)
    cycles, error = compare(columns, step, seed)
    assert error is None
    assert cycles == lstm_cycles(step, columns, TURNS) + step.x * (READING - FAR)


WRONG = [
    ({"offset": 999}, Error.PROGRAM), ({"offset": -1}, Error.PROGRAM), ({"base": 250}, Error.FETCH),
    ({"base": -1}, Error.FETCH), ({"base": 240, "row_step_bytes": 10}, Error.FETCH),
    ({"taps_y_step_bytes": 255}, Error.FETCH), ({"taps_y_step_bytes": 253}, Error.FETCH),
    ({"taps_y_step_bytes": 248}, Error.FETCH), ({"taps_y_step_bytes": 300}, Error.FETCH),
    ({"output": 251}, Error.STORE), ({"output": 256}, Error.STORE),
    ({"output_row_step": 115}, Error.STORE), ({"output_row_step": 112}, Error.STORE)]


@pytest.mark.parametrize("fields, error", [WRONG[0], WRONG[6], WRONG[-1], *(
    pytest.param(*each, marks=pytest.mark.slow) for each in WRONG[1:6] + WRONG[7:-1])])
def test_outside(fields, error):
    """Nothing is written that is not before the error."""
    step = Step(mode=Mode.LSTM, last_columns=1, x=2, row_bytes=7, height=3, row_step_bytes=7,
                base=3, taps_y_step_bytes=110, output=140, output_row_step=9,
                offset=lstm_words(8, 7, 3)).replace(**fields)
    assert compare(8, step, 5)[1] == error
