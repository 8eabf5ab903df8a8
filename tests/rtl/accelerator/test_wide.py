# amaranth: UnusedElaboratable=no
"""Fully connected layers whose weights are read many words at once, on the Verilog."""


import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import Mode, Step
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.cost.cycles import Array, run_cycles, total_cycles
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Error
from hwgen.network.reader import read_network
from hwgen.rtl.accelerator.wide_memory import WideMemory
from hwgen.runtime.accelerator import AcceleratorError, Space
from hwgen.runtime.inference import load, run, simulated_board
from sim.accelerator.wrong_steps import write_fields

from ...bench import simulate
from ...compiler_bench import Builder, Window, inputs_of, least_memory, verify, with_step
from ...networks import arrays, path

pytestmark = pytest.mark.xdist_group("wide accelerator")

DESIGN = Design(rows=4, columns=8, lines=1, lanes=3, wide_rows=16, activation_memory=1 << 13,
                program_memory=1 << 17, partial_sums=16)
AUTOENCODER = Design(rows=4, columns=16, wide_rows=16, lanes=4, activation_memory=1024,
                     program_memory=1152 * 256, partial_sums=4, steps=16)


@pytest.fixture(scope="module")
def board():
    made = simulated_board(DESIGN)
    with made.link:
        yield made


def fully_connected(seed, most=400, rounding="tflm"):
    """Return fully connected layers; every third network begins with layers of the array."""
    rng = np.random.default_rng(seed)
    if seed % 3:
        build = Builder(seed, 1, 1, int(rng.integers(1, most)))
    else:
        height, width, channels = rng.integers(1, 6, 3).tolist()
        build = Builder(seed, height, width, channels)
        build.convolution(int(rng.integers(1, 20)), Window((1, 1)))
        before = build.last
        build.convolution(build.shape(before)[2], Window((1, 1)))
        build.sum(before, build.last)
        whole = Window((height, width)) if seed % 2 else Window(
            (height + 1, width + 2), before=(1, 1), after=(0, 1))
        build.convolution(int(rng.integers(1, 40)), whole)
    for _ in range(int(rng.integers(1, 4))):
        build.fully_connected(int(rng.integers(1, most if seed % 2 else 30)))
    return build.network(rounding=rounding)


def check(made, design, seeds, **options):
    """Hold every tensor, layer and whole run; return how many steps were wide."""
    wide = 0
    for seed in seeds:
        network = fully_connected(seed, rounding=design.rounding, **options)
        program, x = compile_network(network, design), inputs_of(network, seed)
        wide += sum(step.mode == Mode.WIDE for step in program.steps)
        load(made, program)
        for result in (run(made, program, network, x, check=True), run(made, program, network, x)):
            assert result.equal, seed
            assert [layer.cycles for layer in result.layers] \
                == [layer.predicted_cycles for layer in result.layers], seed
            assert result.cycles == result.predicted_cycles, seed
    return wide


def test_random_networks(board):
    assert check(board, DESIGN, range(8), most=250) > 12


@pytest.mark.slow
@pytest.mark.parametrize("number", range(8))
def test_random_networks_on_random_designs(number):
    """The lanes take up to as many cycles of a vector as there are columns."""
    rng, rows = np.random.default_rng(number), (16, 32)[number % 2]
    columns = int(rng.choice([4, 6, 10, 16, 22]))
    design = Design(
        rows=int(rng.integers(4, 12)), columns=columns, wide_rows=rows, lines=number % 3,
        lanes=int(rng.choice([1, columns, rng.integers(1, columns + 1)])), line_pixels=16,
        activation_memory=1 << 14, program_memory=1500 * rows * columns,
        partial_sums=int(rng.choice([4, 50])), rounding=("tflm", "single", "even")[number % 3])
    made = simulated_board(design)
    with made.link:
        assert check(made, design, range(20 * number, 20 * number + 20)) > 20


@pytest.mark.slow
def test_anomaly_detection():
    """The autoencoder whole: every layer equal, in fewer cycles than the array takes for one."""
    network, stored = read_network(path("ad_autoencoder")), arrays("ad_autoencoder")
    program = compile_network(network, AUTOENCODER)
    x = {network.inputs[0]: stored["input"][:1]}
    made = simulated_board(AUTOENCODER)
    with made.link:
        load(made, program)
        result = run(made, program, network, x, check=True)
        assert [layer.difference for layer in result.layers] == [None] * 10
        assert [layer.cycles for layer in result.layers] \
            == [layer.predicted_cycles for layer in result.layers]
        whole = run(made, program, network, x)
        assert whole.equal and whole.cycles == whole.predicted_cycles == 1813


def test_memory_is_written_and_read_back(board):
    """Every word by itself, in any order, whatever bank it lies in."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 256, (96, DESIGN.columns), np.uint8)
    first = DESIGN.program_words - len(words)
    for index in rng.permutation(len(words)).tolist():
        board.write_memory(Space.PROGRAM, (first + index) * DESIGN.columns, words[index].tobytes())
    assert board.read_memory(Space.PROGRAM, first * DESIGN.columns, words.size) == words.tobytes()


def step_of(**fields):
    """Return a step of three vectors and two column tiles."""
    return Step(**{"mode": Mode.WIDE, "last_columns": 8, "tiles": 2, "x": 3, "x_step": 16,
                   "row_bytes": 48, "output": 1024, "program": 64,
                   "parameters_per_tile": True} | fields)


@pytest.mark.parametrize("fields, error", [
    ({"program": 64 + 1}, Error.DESCRIPTOR), ({"program": 64 + 8}, Error.DESCRIPTOR),
    ({"program": DESIGN.program_words - 16 * 7}, Error.PROGRAM),  # one less than it takes
    ({"program": DESIGN.program_words}, Error.PROGRAM), ({"program": 1 << 31}, Error.PROGRAM),
    ({"base": DESIGN.activation_memory - 32}, Error.FETCH), ({"base": -16}, Error.FETCH),
    ({"output": DESIGN.activation_memory - 15}, Error.STORE), ({"x": 0}, Error.DESCRIPTOR)])
def test_wrong_steps(board, fields, error):
    """Each stops with its error, and the next run is right."""
    words = np.zeros((10, DESIGN.columns), np.uint8)
    words.reshape(-1)[:] = np.frombuffer(step_of().to_words().tobytes(), np.uint8)
    write_fields(DESIGN, words, 0, fields)
    board.write_memory(Space.PROGRAM, 0, words.tobytes())
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=2000)
    assert stopped.value.code == error
    right = step_of(program=DESIGN.program_words - 16 * 8)
    board.write_memory(Space.PROGRAM, 0, right.to_words().tobytes())
    assert board.run(0, 1, budget=2000) == Array.of(DESIGN).cycles(right)


@pytest.mark.parametrize("words, width, depth", [(16, 32, 16), (32, 40, 320), (16, 16, 1100 * 16)])
def test_memory(words, width, depth):
    """One word as it was written last, or as it was at first, and all of its neighbours.

    The last memory has two for each bank.
    """
    rng = np.random.default_rng(words)
    init = tuple(int.from_bytes(rng.bytes(width // 8), "little") for _ in range(2 * words + 3))
    dut = WideMemory(width, depth, 32, init=init, words=words)
    held = [*init, *[0] * (depth - len(init))]
    due = {}

    async def testbench(ctx):
        for cycle in range(600):
            for port in ("read_data", "wide_data"):
                if (cycle, port) in due:
                    assert ctx.get(getattr(dut, port)) == due[cycle, port], (cycle, port)
            few = min(depth, 4 * words)
            at = int(rng.choice([rng.integers(depth), rng.integers(few), depth - 1
                                 - rng.integers(few)]))
            mask = int(rng.integers(1 << len(dut.write_mask))) if rng.random() < 0.3 else 0
            data = int.from_bytes(rng.bytes(width // 8), "little")
            for part in range(len(dut.write_mask)):
                if mask >> part & 1:
                    bits = (1 << min(32, width - 32 * part)) - 1 << 32 * part
                    held[at] = held[at] & ~bits | data & bits
            first = at // words * words
            if not mask:
                due[cycle + dut.read_latency, "read_data"] = held[at]
                due[cycle + dut.wide_latency, "wide_data"] = sum(
                    word << width * index for index, word in enumerate(held[first:first + words]))
            for name, value in (("address", at), ("write_mask", mask), ("write_data", data)):
                ctx.set(getattr(dut, name), value)
            await ctx.tick()

    simulate(dut, testbench)


def test_memory_wrong():
    with pytest.raises(ValueError, match="^depth must be a multiple of the 16 words, not 40$"):
        WideMemory(32, 40, 32, words=16)


@pytest.mark.parametrize("seed", range(9))
def test_least_memory(seed):
    """The golden model computes the same where outputs lie over inputs."""
    network = fully_connected(seed)
    verify(network, least_memory(network, DESIGN.replace(program_memory=1 << 20)))


def test_only_where_it_is_quicker():
    """A layer of few vectors but many parts of its weights stays on an array with many rows."""
    for seed in range(1, 12):
        network = fully_connected(seed)
        wide = DESIGN.replace(program_memory=1 << 20)
        plain = wide.replace(wide_rows=0)
        steps = {design.wide_rows: compile_network(network, design).steps
                 for design in (wide, plain)}
        assert total_cycles(steps[16], Array.of(wide)) <= total_cycles(steps[0], Array.of(plain))


def test_steps_of_more_pixels_stay_on_the_array():
    build = Builder(3, 2, 3, 20)
    build.fully_connected(30)
    program = compile_network(build.network(), DESIGN)
    assert {step.mode for step in program.steps} == {Mode.MATRIX}


def test_checker():
    """What is read at once begins at a multiple of that, inside the image."""
    program = compile_network(fully_connected(1), DESIGN.replace(program_memory=1 << 20))
    step, words = program.steps[0], len(program.image) // DESIGN.columns
    assert step.mode == Mode.WIDE
    for fields, message in (
            ({"program": step.program + 1}, "its words cannot be read at once"),
            ({"program": 0}, "its weights or parameters are outside their part of the image"),
            ({"program": words // 16 * 16 - 16}, "its weights or parameters are outside"),
            ({"output": step.base}, "it reads bytes that it may have written itself")):
        with pytest.raises(Unsound, match=message):
            check_program(with_step(program, 0, **fields))


def test_cycles_of_many_steps():
    """Behind one another steps take fewer cycles than alone: all that they begin with is read."""
    array = Array.of(DESIGN)
    steps = [step_of()] * 3
    cycles = run_cycles(steps, array)
    assert cycles[1] == cycles[2] == cycles[0] - int(array.parts(steps[0]).head)


@pytest.mark.parametrize("fields, text", [
    ({"wide_rows": 8}, "wide_rows must be 0, 16 or 32, not 8"),
    ({"wide_rows": True}, "wide_rows must be 0, 16 or 32, not True"),
    ({"wide_rows": "x"}, "wide_rows must be 0, 16 or 32, not 'x'"),
    ({"columns": 7, "lanes": 3},
     "columns must be even with wide_rows, as two share a multiplier, not 7"),
    ({"program_memory": 1 << 13 | 64},
     "program_memory must be a multiple of 128 with wide_rows 16, not 8256"),
    ({"decompress": True}, "wide_rows must be 0 with decompress True, not 16: .*"),
    ({"compact": True, "lanes": 1}, "wide_rows must be 0 with compact True, not 16: .*"),
    ({"engine": "bitserial"}, "wide_rows must be 0 with engine 'bitserial', not 16: .*"),
    ({"family": "ice40"}, "wide_rows must be 0 with family 'ice40', not 16: .*"),
    ({"family": "ecp5", "device": "LFE5U-25F"},
     "wide_rows must be 0 with 8 columns: they would take 64 DSP blocks, and there are 28"),
    ({"activation_memory": 0}, "program_memory must be 0 without an activation_memory, .*")])
def test_wrong_designs(fields, text):
    with pytest.raises(UserError, match=f"^{text}$"):
        DESIGN.replace(**fields)


def test_toml():
    assert DESIGN.to_toml().splitlines()[-1] == "wide_rows = 16"
    assert "wide" not in DESIGN.replace(wide_rows=0).to_toml()
    assert DESIGN.name.endswith("_wide16")
