# amaranth: UnusedElaboratable=no
"""Networks on the Verilog of an accelerator with a sparse engine, in values and in cycles."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.design import Design
from hwgen.arch.steps import WAITING, Mode
from hwgen.cli import main
from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.csc import encode
from hwgen.compiler.layers.sparse import FORMAT
from hwgen.compiler.program import Program
from hwgen.compiler.sparse.choice import Candidate
from hwgen.compiler.sparse.lane_memories import host_words, matrix_of_words, side_by_side
from hwgen.compress.densities import even_densities
from hwgen.compress.prune import Pruner, density
from hwgen.cost.cycles import Array
from hwgen.errors import UserError
from hwgen.golden.accelerator.accelerator import Error, Stopped
from hwgen.golden.network import network as golden
from hwgen.golden.sparse.decoder import decode
from hwgen.golden.sparse.step import SHORTEST_PASS, Waiting, sparse_cycles
from hwgen.network.graph import Window
from hwgen.network.reader import read_network
from hwgen.predict.layers import predictions
from hwgen.predict.sparse_steps import golden_accelerator, sparse_steps
from hwgen.runtime.accelerator import AcceleratorError
from hwgen.runtime.inference import load, run, simulated_board

from ...compiler.test_levels import NETWORKS
from ...compiler_bench import Builder, inputs_of, random_window
from ...networks import arrays, path

DESIGN = Design(engine="sparse", rows=5, columns=4, lanes=2, activation_memory=1 << 14,
                program_memory=1 << 16, partial_sums=64, sparse_entries=2048, sparse_columns=1024,
                sparse_depth=2)
DENSE = DESIGN.replace(engine="systolic", sparse_entries=0, sparse_columns=0, sparse_depth=0)
ULX3S = Design.load("ulx3s-85f").replace(family="generic", device=None, dsps=None, hard_lanes=0)
WHOLE = ULX3S.replace(engine="sparse", sparse_depth=8, sparse_entries=6144, sparse_columns=2048)


@pytest.fixture(scope="module")
def board():
    made = simulated_board(DESIGN)
    with made.link:
        yield made


def sparse(network, x, rng):
    """Return a network, most of whose weights are 0, and an input, many of whose values are."""
    weights, values = rng.choice([0.02, 0.1, 0.3]), rng.choice([0.1, 0.5, 1])
    layers = [replace(layer, weights=np.where(rng.random(layer.weights.shape) < weights,
                                              layer.weights, 0).astype(np.int8))
              for layer in network.layers]
    x = {name: np.where(rng.random(value.shape) < values, value,
                        network.tensors[name].zero_point).astype(np.int8)
         for name, value in x.items()}
    return replace(network, layers=tuple(layers)), x


def case(seed):
    """Return one or two fully connected layers, or a convolution, and an input."""
    rng = np.random.default_rng(seed)
    if seed % 2:
        build = Builder(seed, 1, 1, int(rng.integers(1, 200)))
        for _ in range(int(rng.integers(1, 3))):
            build.fully_connected(int(rng.integers(1, 100)))
    else:
        build = Builder(seed, *rng.integers(1, 7, 2).tolist(), int(rng.integers(1, 20)))
        build.convolution(int(rng.integers(1, 30)), random_window(rng, *build.shape("t0")[:2], 3))
    network = build.network()
    return sparse(network, inputs_of(network, seed), rng)


def check(board, design, network, inputs):
    """Run an inference; hold every tensor to the golden model, every layer to its prediction."""
    program = compile_network(network, design, inputs)
    load(board, program)
    result = run(board, program, network, inputs, check=True)
    for layer in result.layers:
        assert layer.difference is None, layer
        assert layer.cycles == layer.predicted_cycles, layer
    return program, result


def engines(program):
    return [choice.engine for choice in program.choices]


@pytest.mark.xdist_group("sparse accelerator")
def test_random_layers(board):
    """Fully connected layers and convolutions, on whichever engine is quicker."""
    found = {0: [], 1: []}
    for seed in range(48):
        program, _ = check(board, DESIGN, *case(seed))
        found[seed % 2] += engines(program)
    for kinds in found.values():
        assert kinds.count("sparse") > 3 and kinds.count("dense") > 3


@pytest.mark.xdist_group("sparse accelerator")
def test_other_inputs(board):
    """What was chosen for one input computes any other, in cycles that are told from it."""
    network, x = case(7)
    program = compile_network(network, DESIGN, x)
    load(board, program)
    counted = set()
    for seed in range(4):
        result = run(board, program, network, inputs_of(network, seed), check=True)
        assert result.equal and result.cycles == result.predicted_cycles
        counted.add(result.cycles)
    full = {name: np.full_like(value, network.tensors[name].zero_point ^ 1)
            for name, value in x.items()}
    assert sparse_steps(program)[0] == sparse_steps(program, full)[0]
    assert len(counted) > 1


@pytest.mark.xdist_group("sparse accelerator")
def test_many_vectors_wait(board):
    """A column that takes long holds back vectors, more than find room before the engine."""
    build = Builder(3, 1, 1, 900, zero_point=0)
    build.fully_connected(100)
    network, = (build.network(),)
    weights = np.zeros((100, 900), np.int8)
    weights[:, 0] = weights[:, 300:304] = 1
    layer = replace(network.layers[0], weights=weights)
    network = replace(network, layers=(layer,))
    for x in (np.ones((1, 1, 1, 900), np.int8), inputs_of(network)["t0"]):
        program, _ = check(board, DESIGN, network, {"t0": x})
        assert engines(program) == ["sparse"] and program.steps[0].x > 2 * WAITING


@pytest.mark.xdist_group("sparse accelerator")
def test_nothing_is_left_of_a_stopped_step(board):
    """Wherever a step is stopped, the next one is right."""
    network, x = case(7)
    program, _ = check(board, DESIGN, network, x)
    for watchdog in range(20, sparse_steps(program, x)[0].cycles - 20, 41):
        with pytest.raises(AcceleratorError, match="longer than the watchdog allows"):
            board.run(0, 1, budget=10_000, watchdog=watchdog)
        check(board, DESIGN, network, x)


@pytest.mark.xdist_group("sparse accelerator")
@pytest.mark.parametrize("fields, error", [
    ({"slots": 0}, Error.DESCRIPTOR), ({"slots": 65}, Error.DESCRIPTOR),
    ({"tiles": 2}, Error.DESCRIPTOR), ({"taps_x": 40}, Error.SUMS),
    ({"base": 1 << 14}, Error.FETCH), ({"mode": 5}, Error.DESCRIPTOR)])
def test_no_such_step(board, fields, error):
    """The accelerator stops where its golden model does, and what follows is right."""
    network, x = case(7)
    program = compile_network(network, DESIGN, x)
    words = program.steps[0].replace(**fields).to_words().tobytes()
    image = words + program.image[len(words):]
    with pytest.raises(Stopped) as expected:
        golden_accelerator(program, x).run(image, 1)
    board.load_program(image)
    with pytest.raises(AcceleratorError) as stopped:
        board.run(0, 1, budget=10_000, watchdog=5000)
    assert stopped.value.code == expected.value.error == error
    check(board, DESIGN, network, x)


@pytest.mark.xdist_group("sparse accelerator")
def test_rows_without_a_sum(board):
    """Weights of rows behind the last slot add nothing, and leave nothing to the next step."""
    network, x = case(7)
    program = compile_network(network, DESIGN, x)
    step = program.steps[0]
    assert step.slots > 2
    words = step.replace(slots=2).to_words().tobytes()
    image = words + program.image[len(words):]
    load(board, program)
    board.load_program(image)
    made = golden_accelerator(program, x)
    made.run(image, 1)
    board.write_activations(0, made.memory.tobytes())
    cycles = board.run(0, 1, budget=100_000)
    run = made.part_of[Mode.SPARSE].runs[0]
    assert cycles == sparse_cycles(run, DESIGN.columns, int(Array.of(DESIGN).turns))
    check(board, DESIGN, network, x)


@pytest.mark.parametrize("seed", range(60, 100))
def test_golden(seed):
    """The image and the compressed weights compute the network, on any size of array."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(4, 33, 2).tolist()
    network, x = case(seed)
    program = compile_network(network, DESIGN.replace(
        rows=rows, columns=columns, lanes=1, sparse_columns=4096, sparse_entries=4096,
        activation_memory=1 << 14, program_memory=1 << 20), x)
    made = golden_accelerator(program, x)
    made.run(program.image, len(program.steps))
    for name in program.outputs:
        place = program.tensors[name]
        expected = golden.run(network, x)[name].reshape(place.height, place.width, -1)
        np.testing.assert_array_equal(made.memory[place.addresses()],
                                      expected[..., list(place.channels)])


def test_choice_is_the_quicker_one():
    """Each is chosen where it takes fewer cycles, and the Program takes what was said."""
    for seed in range(1, 30, 2):
        network, x = case(seed)
        program = compile_network(network, DESIGN, x)
        dense = compile_network(network, DENSE)
        taken = [work.cycles for work in predictions(network, program, x, apart=True)]
        alone = [work.cycles for work in predictions(network, dense, apart=True)]
        for choice, cycles, other in zip(program.choices, taken, alone, strict=True):
            assert choice.dense_cycles == other
            assert cycles == min(choice.dense_cycles, choice.sparse_cycles)
            assert choice.reason.startswith(f"{choice.sparse_cycles:,} cycles of this input are")


def test_choice_by_memory():
    """Where the lanes cannot hold all layers, those that save most come first."""
    network, x = case(7)
    program = compile_network(network, DESIGN, x)
    assert engines(program) == ["sparse", "sparse"]
    best, other = sorted(program.choices, key=lambda c: c.sparse_cycles - c.dense_cycles)
    for field in ("sparse_entries", "sparse_columns"):
        just = getattr(best, field.removeprefix("sparse_"))
        found = {c.layer: c for c in compile_network(network, DESIGN.replace(**{field: just}),
                                                     x).choices}
        assert found[best.layer].engine == "sparse" and found[other.layer].engine == "dense"
        assert "do not fit beside those of layers that save more" in found[other.layer].reason


def test_room_in_the_program_memory():
    """Layers whose weights it has no room for run on the engine, though they are slower there."""
    build = Builder(2, 5, 5, 8)
    for _ in range(3):
        build.convolution(16, Window((3, 3), before=(1, 1), after=(1, 1)))
    network = build.network()
    network = replace(network, layers=tuple(
        replace(layer, weights=layer.weights * (np.arange(16) % 4 == 0)[:, None, None, None])
        for layer in network.layers))
    large = compile_network(network, DESIGN)
    assert engines(large) == ["dense"] * 3
    small = DESIGN.replace(program_memory=len(large.image) * 3 // 4)
    with pytest.raises(UserError, match="the steps and weights need .* bytes"):
        compile_network(network, DENSE.replace(program_memory=small.program_memory))
    program = compile_network(network, small)
    assert 0 < engines(program).count("sparse") < 3
    for choice in program.choices:
        assert ("the program memory has no room" in choice.reason) == (choice.engine == "sparse")
    x = inputs_of(network)
    made = golden_accelerator(program, x)
    made.run(program.image, len(program.steps))
    place, = (program.tensors[name] for name in program.outputs)
    np.testing.assert_array_equal(made.memory[place.addresses()].ravel(),
                                  next(iter(golden.run(network, x).values())).ravel())
    with pytest.raises(UserError, match="the steps and weights need .* bytes"):
        compile_network(network, DESIGN.replace(program_memory=64))


def test_unable():
    build = Builder(1, 1, 1, 4)
    build.fully_connected(300)
    choice, = compile_network(build.network(), DESIGN).choices
    assert choice.engine == "dense" and choice.sparse_cycles is None
    assert choice.reason == "300 outputs are 75 for each lane, which has sums for 64"


def test_packed():
    """What the host writes is the matrices again, side by side."""
    rng = np.random.default_rng(1)
    plain = [np.where(rng.random((9, width)) < 0.3, rng.integers(-128, 128, (9, width)), 0)
             for width in (1, 4, 7)]
    joined = side_by_side([encode(matrix, FORMAT, 4) for matrix in plain], 4)
    np.testing.assert_array_equal(decode(joined), np.hstack(plain))
    again = matrix_of_words(host_words(joined), 4)
    for a, b in zip(joined.lanes, again.lanes, strict=True):
        np.testing.assert_array_equal(a.entries, b.entries)
        np.testing.assert_array_equal(a.pointers, b.pointers)
    np.testing.assert_array_equal(decode(joined.part(1, 4, 9)), plain[1])


def test_program_file(tmp_path):
    program = compile_network(*case(7)[:1], DESIGN)
    program.save(tmp_path / "a.program")
    again = Program.load(tmp_path / "a.program")
    assert again.compressed == program.compressed and again.choices == program.choices
    assert again.fingerprint == program.fingerprint


@pytest.mark.parametrize("index, fields, text", [
    (0, {"column": 1000}, "its columns are outside the compressed weights"),
    (0, {"slots": 1}, "its weights have rows beyond the 1 of a lane"),
    (1, {"slots": 2}, "it reads 2 sums where"),
    (0, {"taps_x": 64}, "it has more values than the accumulators hold"),
    (0, {"base": 64}, "an input is read at byte"),
])
def test_unsound(index, fields, text):
    network, x = case(7)
    program = compile_network(network, DESIGN, x)
    steps = list(program.steps)
    assert [step.mode for step in steps[:2]] == [Mode.SPARSE, Mode.SUMS]
    steps[index] = steps[index].replace(**fields)
    words = b"".join(step.to_words().tobytes() for step in steps)
    image = words + program.image[len(words):]
    with pytest.raises(Unsound, match=text):
        check_program(replace(program, steps=tuple(steps), image=image))


def test_waiting():
    """Vectors are asked for one a cycle, passes apart, and only where there is room."""
    source = Waiting()
    for count in range(3):
        assert source.offer(count == 0) == count
        source.take(count)
    assert source.offer(True) == SHORTEST_PASS
    source.take(SHORTEST_PASS)
    slow = Waiting()
    for count in range(WAITING):
        assert slow.offer(count == 0) == count
        slow.take(100 * count)
    assert slow.offer(False) == WAITING
    slow.take(5000)
    assert slow.offer(False) == 201


def test_commands(tmp_path, capsys, monkeypatch):
    """What is said of each layer hangs on the input, where there is one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.toml").write_text(WHOLE.replace(sparse_columns=700).to_toml())
    words = [str(path("ad_autoencoder")), "--design", "a.toml"]
    totals = []
    for more in ([], ["--input", f"{NETWORKS / 'ad_autoencoder.npz'}:input"]):
        assert main(["cycles", *words, *more, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        totals.append(facts["predicted_cycles"])
        engine = {layer["layer"]: layer["engine"] for layer in facts["engines"]}
        assert len(engine) == 10 and set(engine.values()) == {"dense", "sparse"}
        assert main(["compile", *words, *more, "-o", "a.program"]) == 0
        out = capsys.readouterr().out
        assert ("cycles of this input" if more else "cycles of an input without zeros") in out
    assert totals[1] < totals[0]


@pytest.mark.parametrize("fields, text", [
    ({"activation_memory": 0}, "activation_memory must be given with engine 'sparse'"),
    ({"sparse_entries": 0}, "sparse_entries must be an integer from 1 to 32768, not 0"),
    ({"sparse_depth": 65}, "sparse_depth must be an integer from 1 to 64, not 65"),
    ({"engine": "systolic"}, "sparse_entries must be 0 without engine 'sparse', not 2048"),
    ({"compact": True}, "compact must be left out with engine 'sparse', not true"),
])
def test_wrong(fields, text):
    with pytest.raises(UserError, match=f"^{text}"):
        DESIGN.replace(**fields)


def test_design_file(tmp_path):
    (tmp_path / "a.toml").write_text(DESIGN.to_toml())
    assert Design.load(tmp_path / "a.toml") == DESIGN
    assert "sparse" not in DENSE.to_toml()
    assert DESIGN.name.endswith("entries2048_columns1024_depth2")


def prune_network(name, wanted, banks, codebook=0):
    """Return a network of the project with so many of its weights, and an input."""
    network, stored = read_network(path(name)), arrays(name)
    x = network.feed(stored["input"])
    pruner = Pruner(network, {key: value[:6] for key, value in x.items()}, banks=banks,
                    codebook=codebook)
    found = pruner.prune(even_densities(pruner, wanted))
    names = {layer.name for layer in pruner.layers}
    assert density([each for each in found.layers if each.name in names]) <= wanted + 0.01
    return found, {key: value[-1:] for key, value in x.items()}


@pytest.fixture(scope="module")
def large_board():
    made = simulated_board(WHOLE)
    with made.link:
        yield made


@pytest.mark.slow
@pytest.mark.xdist_group("large sparse accelerator")
def test_anomaly_detection(large_board):
    """With a quarter of its weights, in half of the cycles of the array; all on the engine."""
    network, x = prune_network("ad_autoencoder", 0.25, 16)
    program, result = check(large_board, WHOLE, network, x)
    alone = sum(map(Array.of(ULX3S).cycles, compile_network(network, ULX3S).steps))
    assert set(engines(program)) == {"sparse"} and 2 * result.cycles < alone
    print(f"{result.cycles:,} cycles, the array alone {alone:,}")


@pytest.mark.slow
@pytest.mark.xdist_group("large sparse accelerator")
def test_keyword_spotting(large_board, monkeypatch):
    """With half of its weights, as it is chosen, and with all that can be on the engine."""
    network, x = prune_network("kws_dscnn", 0.5, 16)
    _, chosen = check(large_board, WHOLE, network, x)
    monkeypatch.setattr(Candidate, "cycles_saved",
                        property(lambda self: int(self.sparse is not None)))
    program, result = check(large_board, WHOLE, network, x)
    assert set(engines(program)) == {"sparse"} and len(engines(program)) == 6
    assert chosen.cycles < result.cycles
    print(f"{chosen.cycles:,} cycles as it is chosen, {result.cycles:,} on the sparse engine")
