# amaranth: UnusedElaboratable=no
"""Networks too large for the program memory, whose weights are packed there, on the Verilog."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import Mode
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.program import Program
from hwgen.compress.codebook import cluster, share_weights
from hwgen.cost.cycles import Array
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Error, Stopped
from hwgen.network.graph import Convolution, Depthwise, FullyConnected, Window
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler.test_levels import NETWORKS
from ...compiler_bench import Builder, inputs_of, model
from ...networks import path
from ..accelerator.test_accelerator_faults import DESIGNS
from ..sparse.test_sparse_engine import ULX3S, prune_network

DESIGN = DESIGNS["unpacks"]
ROOM = DESIGN.replace(decompress=False, program_memory=1 << 17)
HALF = ULX3S.replace(program_memory=145_472, decompress=True)
"""Half of what the autoencoder needs in `ULX3S`, whose weights it takes as they are."""


@pytest.fixture(scope="module")
def board():
    made = simulated_board(DESIGN)
    with made.link:
        yield made


def case(seed):
    """Return a network with few weights that are not 0."""
    rng = np.random.default_rng(seed)
    if seed % 3 == 0:
        build = Builder(seed, 1, 1, int(rng.integers(40, 90)))
        for _ in range(2):
            build.fully_connected(int(rng.integers(30, 80)))
    else:
        build = Builder(seed, 5, 6, int(rng.integers(4, 20)))
        window = Window((3, 3), before=(1, 1), after=(1, 1))
        build.convolution(int(rng.integers(20, 40)), window)
        if seed % 3 == 1:
            build.depthwise(window)
        build.convolution(int(rng.integers(8, 24)), Window((2, 2)))
    density, kinds = rng.choice([0.02, 0.15]), int(rng.choice([2, 16, 300]))
    network = build.network()
    layers = []
    for layer in network.layers:
        if isinstance(layer, Convolution | Depthwise | FullyConnected):
            kept = np.where(rng.random(layer.weights.shape) < density, layer.weights, 0)
            book = cluster(kept, kinds) if kinds < 100 and kept.any() else None
            weights = share_weights(kept, book) if book else kept
            layer = replace(layer, weights=weights.astype(np.int8))
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def tight(network):
    """Return the Program that needs the least of the program memory."""
    with pytest.raises(UserError, match="the steps and weights need") as wrong:
        compile_network(network, DESIGN.replace(program_memory=800))
    least = int(re.search(r"program_memory must be (\d+) or more", str(wrong.value))[1])
    return compile_network(network, DESIGN.replace(program_memory=least))


def unpacking(program):
    """Return how many steps of each layer unpack weights."""
    return [sum(step.mode == Mode.UNPACK for step in
                program.steps[layer.first:layer.first + layer.count]) for layer in program.layers]


def check(board, network, program, seed=0):
    """Run an inference; hold every tensor to the golden model, every layer to its prediction."""
    load(board, program)
    result = run(board, program, network, inputs_of(network, seed), check=True)
    for layer in result.layers:
        assert layer.difference is None, layer
        assert layer.cycles == layer.predicted_cycles, layer
    return result


@pytest.mark.xdist_group("decompressing accelerator")
def test_networks_without_room(board):
    """Every layer is right, and takes the cycles predicted, twice with other inputs."""
    counts = []
    for seed in range(6):
        network = case(seed)
        program = tight(network)
        counts += unpacking(program)
        check(board, network, program)
        result = run(board, program, network, inputs_of(network, 1), check=True)
        assert result.equal and result.cycles == result.predicted_cycles
    assert min(counts) > 0 and max(counts) > 3


@pytest.mark.xdist_group("decompressing accelerator")
def test_nothing_is_left_of_a_stopped_step(board):
    """Wherever what unpacks is stopped, the next run is right."""
    network = case(0)
    program = tight(network)
    first = next(n for n, step in enumerate(program.steps) if step.mode == Mode.UNPACK)
    load(board, program)
    taken = Array.of(DESIGN).cycles(program.steps[first])
    for watchdog in range(10, taken - 10, taken // 11):
        with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
            board.run(first, 1, budget=10_000, watchdog=watchdog)
        result = run(board, program, network, inputs_of(network), check=True)
        assert result.equal and result.cycles == result.predicted_cycles


WRONG = [({"slots": 0}, Error.DESCRIPTOR), ({"tile_step": 4}, Error.DESCRIPTOR),
         ({"row_bytes": 0}, Error.DESCRIPTOR), ({"tiles": 2}, Error.DESCRIPTOR),
         ({"x": 2}, Error.DESCRIPTOR), ({"weight_format": 6}, Error.DESCRIPTOR),
         ({"weight_format": 0x17}, Error.DESCRIPTOR), ({"mode": Mode.SPARSE}, Error.DESCRIPTOR),
         ({"program": 870}, Error.PROGRAM), ({"program": 1 << 20}, Error.PROGRAM),
         ({"output": 870}, Error.PROGRAM), ({"output": 1 << 20}, Error.PROGRAM),
         ({"row_bytes": 1 << 30}, Error.PROGRAM)]


@pytest.mark.xdist_group("decompressing accelerator")
@pytest.mark.parametrize("fields, error", WRONG)
def test_no_such_step(board, fields, error):
    """The accelerator stops where its golden model does, and what follows is right."""
    network = case(0)
    program = tight(network)
    first = next(n for n, step in enumerate(program.steps) if step.mode == Mode.UNPACK)
    words = program.steps[first].replace(**fields).to_words().tobytes()
    image = words + program.image[len(words):]
    with pytest.raises(Stopped) as expected:
        model(DESIGN).run(image, 1)
    board.load_program(replace(program, image=image, steps=()).strided_image)
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=100_000, watchdog=20_000)
    assert stopped.value.code == expected.value.error == error
    check(board, network, program)


def test_what_fits_is_not_packed():
    """A Program is the same with and without an unpacker, where there is room for the weights."""
    for seed in (0, 1, 2):
        network = case(seed)
        dense = compile_network(network, ROOM)
        program = compile_network(network, ROOM.replace(decompress=True))
        assert program.image == dense.image and program.layers == dense.layers
        just = DESIGN.replace(program_memory=len(dense.image))
        assert compile_network(network, just).image == dense.image
        assert any(unpacking(compile_network(network, just.replace(
            program_memory=len(dense.image) - 8))))


def test_no_room_at_all():
    network = case(0)
    program = tight(network)
    least = program.design.program_memory
    assert min(unpacking(program)) > 0
    with pytest.raises(UserError, match=f"program_memory must be {least} or more"):
        compile_network(network, DESIGN.replace(program_memory=least - 8))
    with pytest.raises(UserError, match="the steps and weights need .* bytes"):
        compile_network(network, ROOM.replace(program_memory=least))


@pytest.mark.parametrize("fields, text", [
    ({"program": 0}, "outside their part of the image"),
    ({"output": 0}, "it unpacks words into the image"),
    ({"output": 420}, "it unpacks words outside the program memory"),
    ({"slots": 0}, "there is no such step on this Design"),
    ({"tile_step": 5}, "its weights or parameters are not what was unpacked")])
def test_unsound(fields, text):
    program = tight(case(0))
    steps = list(program.steps)
    assert steps[0].mode == Mode.UNPACK
    steps[0] = steps[0].replace(**fields)
    words = b"".join(step.to_words().tobytes() for step in steps)
    image = words + program.image[len(words):]
    with pytest.raises(Unsound, match=text):
        check_program(replace(program, steps=tuple(steps), image=image))


def test_program_file(tmp_path):
    program = tight(case(0))
    program.save(tmp_path / "a.program")
    again = Program.load(tmp_path / "a.program")
    assert again.image == program.image and again.fingerprint == program.fingerprint


def test_commands(tmp_path, capsys, monkeypatch):
    """What is packed is said, and what that takes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(HALF.to_toml())
    assert main(["prune", str(path("ad_autoencoder")), "--calibration",
                 f"{NETWORKS / 'ad_autoencoder.npz'}", "--method", "magnitude", "--share", "even",
                 "--density", "0.2", "-o", "a.tflite"]) == 0
    capsys.readouterr()
    words = ["cycles", "a.tflite", "--design", "a.toml"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "The program memory of 145,472 bytes has no room for all weights" in out
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert all(2 * layer["packed_bytes"] < layer["bytes"] for layer in facts["packed"])
    assert main(["compile", *words[1:], "-o", "a.program"]) == 0
    assert "cycles to unpack them" in capsys.readouterr().out
    assert main(["cycles", "a.tflite", "--design", "a.toml", "--program-memory", "90000"]) == 2
    assert "program_memory must be" in capsys.readouterr().err


@pytest.mark.parametrize("fields, text", [
    ({"decompress": 1}, "decompress must be true or false, not 1"),
    ({"engine": "bitserial", "lines": 0},
     "decompress must be false with engine 'bitserial', not true"),
    ({"compact": True, "lanes": 1, "lines": 1},
     "decompress must be false with a compact accelerator, not true"),
])
def test_wrong(fields, text):
    with pytest.raises(UserError, match=f"^{text}"):
        DESIGN.replace(**fields)


def test_wrong_without_an_accelerator():
    with pytest.raises(UserError, match="^decompress must be False without an activation_memory"):
        Design(decompress=True)


def test_design_file(tmp_path):
    (tmp_path / "a.toml").write_text(DESIGN.to_toml())
    assert Design.load(tmp_path / "a.toml") == DESIGN
    assert "decompress" not in ROOM.to_toml() and DESIGN.name.endswith("_decompress")


@pytest.mark.slow
@pytest.mark.parametrize("codebook", [0, 16])
def test_anomaly_detection(codebook):
    """With a quarter of its weights, in half of the program memory; every layer equal."""
    network, x = prune_network("ad_autoencoder", 0.25, 0, codebook)
    dense = compile_network(network, ULX3S)
    half = HALF.replace(program_memory=len(dense.image) // 2 // 16 * 16)
    program = compile_network(network, half)
    board = simulated_board(half)
    with board.link:
        load(board, program)
        result = run(board, program, network, x, check=True)
    assert result.equal
    for layer in result.layers:
        assert layer.cycles == layer.predicted_cycles, layer
    print(f"{result.cycles:,} cycles, {len(program.image):,} bytes")
