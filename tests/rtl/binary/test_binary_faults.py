# amaranth: UnusedElaboratable=no
"""Steps of the binary engine, stopped or damaged: what is wrong stops, and harms nothing."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.descriptors import BINARY_FIELDS, Descriptors
from hwgen.compiler import compile_network
from hwgen.golden.accelerator.accelerator import Error, Stopped
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, simulated_board

from ...compiler_bench import model
from ..bitserial.test_bitserial_engine import check
from .test_binary import SMALL, network_of


@pytest.fixture(scope="module")
def board():
    made = simulated_board(SMALL)
    with made.link:
        yield made


@pytest.mark.xdist_group("binary accelerator")
def test_nothing_is_left_of_a_stopped_step(board):
    """Wherever a step is stopped, the next one is right."""
    network, inputs = network_of(30, 20)
    cycles = check(board, SMALL, network, inputs)[1].cycles
    for watchdog in range(1, cycles - 2):
        load(board, compile_network(network, SMALL))
        with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
            board.run(0, 1, budget=10_000, watchdog=watchdog)
        if watchdog % 3 == 0:
            check(board, SMALL, network, inputs)


@pytest.mark.xdist_group("binary accelerator")
def test_watchdog_of_the_cycles_before(board):
    """What the last step of the run before took is not held against this one's watchdog."""
    network, inputs = network_of(30, 20)
    _, result = check(board, SMALL, network, inputs)
    for watchdog in (result.cycles, result.cycles + 1, result.cycles - 1):
        assert board.run(0, 1, budget=10_000, watchdog=watchdog) == result.cycles


def damage_image(program, fields):
    """Return the image of a Program whose first step has other fields, as they are in its bits."""
    size = Descriptors.of(program.design).words * program.design.columns
    whole = int.from_bytes(program.image[:size], "little")
    for name, value in fields.items():
        low, bits, _ = BINARY_FIELDS[name]
        whole ^= (whole >> low & (1 << bits) - 1 ^ value) << low
    return whole.to_bytes(size, "little") + program.image[size:]


@pytest.mark.xdist_group("binary accelerator")
@pytest.mark.parametrize("fields, error", [
    ({"magic": 0}, Error.DESCRIPTOR), ({"tiles": 0}, Error.DESCRIPTOR),
    ({"pieces": 0}, Error.DESCRIPTOR), ({"row_bytes": 0}, Error.DESCRIPTOR),
    ({"last_columns": 0}, Error.DESCRIPTOR), ({"last_columns": 7}, Error.DESCRIPTOR),
    ({"output": 41}, Error.DESCRIPTOR), ({"base": 1000}, Error.FETCH),
    ({"row_bytes": 1025}, Error.FETCH), ({"base": 65535}, Error.FETCH),
    ({"output": 1024}, Error.STORE), ({"output": 1010}, Error.STORE),
    ({"output": 65534}, Error.STORE), ({"tiles": 60000}, Error.PROGRAM),
    ({"program": 895}, Error.PROGRAM), ({"program": 65535}, Error.PROGRAM),
    ({"pieces": 60000}, Error.PROGRAM), ({"row_bytes": 1000}, None), ({"pieces": 2}, None),
    ({"base": 23}, None), ({"low": 5, "high": 4}, None),
])
def test_damaged_steps(board, fields, error):
    """The accelerator stops where its golden model does; else it computes the same."""
    network, inputs = network_of(30, 20)
    program = compile_network(network, SMALL)
    golden = model(SMALL)
    image = damage_image(program, fields).ljust(SMALL.program_memory, b"\x33")
    board.write_activations(0, golden.memory.tobytes())
    board.load_program(replace(program, image=image, steps=()).strided_image)
    if error is None:
        golden.run(image, 1)
        board.run(0, 1, budget=10_000, watchdog=5000)
        np.testing.assert_array_equal(
            np.frombuffer(board.read_activations(0, 1024), np.int8), golden.memory)
    else:
        with pytest.raises(Stopped) as expected:
            golden.run(image, 1)
        with pytest.raises(AcceleratorError) as stopped:
            board.run(0, 1, budget=100_000, watchdog=90_000)
        assert stopped.value.code == expected.value.error == error
    check(board, SMALL, network, inputs)


@pytest.mark.xdist_group("binary accelerator")
@pytest.mark.parametrize("first", [1, 300, 341, 342, 65535])
def test_no_such_step(board, first):
    """Neither behind the last one nor behind the end of the memory."""
    network, inputs = network_of(30, 20)
    board.load_program(compile_network(network, SMALL).strided_image)
    with pytest.raises(AcceleratorError) as stopped:
        board.run(first, 1, budget=10_000, watchdog=5000)
    assert (stopped.value.code, stopped.value.step) == (Error.DESCRIPTOR, first)
    check(board, SMALL, network, inputs)


@pytest.mark.slow
@pytest.mark.xdist_group("binary accelerator")
def test_many_damaged_steps(board):
    """Whatever the fields are: stopped as the golden model is, or the same bytes."""
    rng, found = np.random.default_rng(7), set()
    program = compile_network(network_of(30, 20)[0], SMALL)
    for trial in range(500):
        names = rng.choice([*BINARY_FIELDS], rng.integers(1, 5), replace=False)
        fields = {name: int(rng.integers(0, 1 << min(BINARY_FIELDS[name][1],
                                                     rng.integers(1, 17)))) for name in names}
        golden = model(SMALL)
        image = damage_image(program, fields).ljust(SMALL.program_memory, bytes([trial & 255]))
        step = np.frombuffer(image[:16], "<u2").astype(int)
        _, _, tiles, pieces, _, base, inputs, output = step.tolist()
        reads = base, base + min(inputs, 8 * pieces)
        writes = output, output + 6 * tiles
        board.write_activations(0, golden.memory.tobytes())
        board.load_program(replace(program, image=image, steps=()).strided_image)
        try:
            golden.run(image, 1)
            expected = None
        except Stopped as stopped:
            expected = stopped.error
        found.add(expected)
        if expected is None:
            board.run(0, 1, budget=100_000, watchdog=90_000)
            if reads[1] <= writes[0] or writes[1] <= reads[0]:
                np.testing.assert_array_equal(
                    np.frombuffer(board.read_activations(0, 1024), np.int8), golden.memory,
                    str(fields))
        else:
            with pytest.raises(AcceleratorError):
                board.run(0, 1, budget=100_000, watchdog=90_000)
    assert found == {None, Error.DESCRIPTOR, Error.FETCH, Error.STORE, Error.PROGRAM}
