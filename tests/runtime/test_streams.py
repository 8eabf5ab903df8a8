"""Frames one after another on the simulated hardware, and whose state is in its memory when."""

import random

import numpy as np
import pytest

import hwgen
from hwgen.arch.design import Design
from hwgen.compiler.compile import compile_network
from hwgen.errors import UserError
from hwgen.golden.network.stream import GoldenStream, run_stream
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite
from hwgen.runtime.accelerator import AcceleratorError, RemoteAccelerator
from hwgen.runtime.inference import Stream, load, portable, run, simulated_board
from hwgen.runtime.link import Link
from hwgen.tools.find import compiler, verilator

from ..compiler_bench import inputs_of
from ..networks import arrays, path
from ..stream_writer import StreamGraph, random_stream

pytestmark = pytest.mark.skipif(not (verilator() and compiler()),
                                reason="needs Verilator and g++")

DESIGN = Design(rows=4, columns=4, lanes=1, lines=1, compact=True, activation_memory=2048,
                program_memory=8192, partial_sums=32, steps=32)


def network_of(seed):
    """Return a small network with three states, one of which is not in a concatenation."""
    graph = StreamGraph(np.random.default_rng(seed))
    x = graph.streamed(graph.activation(1, 2, 1, 5), 3, "after")
    x = graph.streamed(graph.convolution(x, outputs=6, same=True), 4, "newest")
    x = graph.svdf(graph.reshape(graph.depthwise(x)))
    return tflite.read(graph.write(graph.fully_connected(x)))


NETWORK = network_of(0)
PROGRAM = compile_network(NETWORK, DESIGN)
FRAMES = [inputs_of(NETWORK, seed) for seed in range(8)]
OTHERS = [inputs_of(NETWORK, seed) for seed in range(50, 58)]
[OUTPUT] = NETWORK.outputs


@pytest.fixture(scope="module")
def simulated():
    """Return the board, which is built once."""
    with (made := simulated_board(DESIGN)).link:
        yield made


@pytest.fixture
def board(simulated):
    """Return it as a host finds it that has just come."""
    made = RemoteAccelerator(simulated.link)
    load(made, PROGRAM)
    return made


def expected(frames):
    """Return the outputs of frames from the initial state on."""
    golden = GoldenStream(NETWORK)
    return [golden.run(x)[OUTPUT].tolist() for x in frames]


def outputs(stream, frames):
    """Return the outputs of the next frames."""
    return [stream.run(x).outputs[OUTPUT].tolist() for x in frames]


def test_outputs_depend_on_the_state():
    """Or the tests below would show nothing."""
    alone = [expected([x])[0] for x in FRAMES]
    assert len({tuple(np.ravel(each)) for each in alone}) > 4
    assert sum(a != b for a, b in zip(alone, expected(FRAMES), strict=True)) > 4


def test_every_layer(board):
    """Every tensor of every frame is equal, in the predicted cycles, and again after a reset."""
    stream = Stream(board, PROGRAM, NETWORK, check=True)
    for _ in range(2):
        for x, wanted in zip(FRAMES, expected(FRAMES), strict=True):
            found = stream.run(x)
            assert found.equal and found.cycles == found.predicted_cycles
            assert found.outputs[OUTPUT].tolist() == wanted
        stream.reset()


@pytest.mark.parametrize("seed", range(6))
def test_random(board, seed):
    """Whatever is kept, in whichever order."""
    network = tflite.read(random_stream(np.random.default_rng(seed)))
    program = compile_network(network, DESIGN)
    load(board, program)
    stream = Stream(board, program, network, check=True)
    for frame in range(4):
        found = stream.run(inputs_of(network, frame))
        assert found.equal and found.cycles == found.predicted_cycles


def test_whole_runs(board):
    stream = Stream(board, PROGRAM, NETWORK)
    for x, wanted in zip(FRAMES, expected(FRAMES), strict=True):
        found = stream.run(x)
        assert found.outputs[OUTPUT].tolist() == wanted
        assert found.cycles == found.predicted_cycles


def test_many_frames_in_numpy():
    x = {name: np.concatenate([frame[name] for frame in FRAMES]) for name in NETWORK.inputs}
    found = run_stream(NETWORK, x, 3)[OUTPUT]
    wanted = [*expected(FRAMES[:3]), *expected(FRAMES[3:6]), *expected(FRAMES[6:])]
    assert found[:, None].tolist() == wanted


def test_simulate():
    """From Python: the same frames on the Verilog and in NumPy, with every tensor of each."""
    x = {name: np.concatenate([frame[name] for frame in FRAMES[:5]]) for name in NETWORK.inputs}
    wanted = [*expected(FRAMES[:3]), *expected(FRAMES[3:5])]
    computed = hwgen.simulate(NETWORK, x, on="numpy", frames=3)
    simulated = hwgen.simulate(hwgen.compile(NETWORK, DESIGN), x, frames=3)
    for found in (computed, simulated):
        assert [[values.reshape(-1).tolist()] for values in found.outputs[OUTPUT]] == wanted
        assert found.tensors[OUTPUT].shape[0] == 5
    assert simulated.equal and simulated.as_predicted and len(simulated.inferences) == 5
    assert np.array_equal(computed.tensors[OUTPUT], simulated.tensors[OUTPUT])


def test_two_take_turns(board):
    """Each has its own state, whichever was there before."""
    one, two = (Stream(board, PROGRAM, NETWORK, check=number) for number in (0, 1))
    found = [[], []]
    for a, b in zip(FRAMES, OTHERS, strict=True):
        found[0] += outputs(one, [a])
        found[1] += outputs(two, [b])
    assert found == [expected(FRAMES), expected(OTHERS)]


def test_single_inferences_between(board):
    """They begin in the initial state, and the stream goes on in its own."""
    stream, found = Stream(board, PROGRAM, NETWORK), []
    for x in FRAMES[:4]:
        found += outputs(stream, [x])
        alone = run(board, PROGRAM, NETWORK, OTHERS[0], check=True)
        assert alone.equal and [alone.outputs[OUTPUT].tolist()] == expected(OTHERS[:1])
    assert found == expected(FRAMES[:4])


def test_another_program_between(board):
    """A stream of another network on the same accelerator brings its Program along."""
    other = network_of(2)
    one = Stream(board, PROGRAM, NETWORK)
    two = Stream(board, compile_network(other, DESIGN), other, check=True)
    assert outputs(one, FRAMES[:2]) == expected(FRAMES[:2])
    assert two.run(inputs_of(other)).equal
    assert outputs(one, FRAMES[2:4]) == expected(FRAMES[:4])[2:]


def test_saved_and_restored(board):
    """From what was saved the same frames give the same again, in this stream and another one."""
    stream = Stream(board, PROGRAM, NETWORK, check=True)
    outputs(stream, FRAMES[:3])
    saved = stream.save()
    wanted = expected(FRAMES)[3:]
    assert outputs(stream, FRAMES[3:]) == wanted
    stream.restore(saved)
    assert outputs(stream, FRAMES[3:]) == wanted
    later = Stream(board, PROGRAM, NETWORK, check=True)
    later.restore(saved)
    found = [later.run(x) for x in FRAMES[3:]]
    assert [each.outputs[OUTPUT].tolist() for each in found] == wanted
    assert all(each.equal for each in found)
    with pytest.raises(UserError, match="must be of the tensors"):
        later.restore({})


class Noisy(Link):
    """The simulated link, on which bytes are lost, changed and doubled."""

    name = "the noisy board"

    def __init__(self, link, noise):
        self.link, self.noise, self.random = link, noise, random.Random(3)
        self.hits = 0

    def through(self, data):
        made = bytearray()
        for byte in data:
            hit = self.random.random() < self.noise
            self.hits += hit
            changed = bytes([byte ^ 1 << self.random.randrange(8)])
            made += self.random.choice([b"", changed, bytes([byte, byte])]) if hit else \
                bytes([byte])
        return bytes(made)

    def write(self, data):
        self.link.write(self.through(data))

    def read(self, count, timeout):
        return self.through(self.link.read(count, timeout))

    def wait(self, cycles):
        self.link.wait(cycles)

    def close(self):
        self.link.close()


def test_frames_are_lost_and_sent_again(simulated):
    """No state advances twice, and none is left out."""
    link = Noisy(simulated.link, 0.001)
    board = RemoteAccelerator(link, attempts=16)
    load(board, PROGRAM)
    stream = Stream(board, PROGRAM, NETWORK, check=True)
    for x, wanted in zip(FRAMES, expected(FRAMES), strict=True):
        found = stream.run(x)
        assert found.equal and found.outputs[OUTPUT].tolist() == wanted
    assert link.hits > 20


def test_another_host_s_turn(board, simulated):
    """The state is gone with it, and nothing is computed of what is there instead."""
    stream = Stream(board, PROGRAM, NETWORK)
    outputs(stream, FRAMES[:2])
    saved = stream.save()
    outputs(stream, FRAMES[2:3])
    RemoteAccelerator(simulated.link).write_activations(0, bytes(64))
    for call in (stream.save, lambda: stream.run(FRAMES[3])):
        with pytest.raises(UserError, match="the state of 'network' is lost"):
            call()
    stream.restore(saved)
    assert outputs(stream, FRAMES[2:]) == expected(FRAMES)[2:]
    RemoteAccelerator(simulated.link).write_activations(0, bytes(64))
    stream.reset()
    assert outputs(stream, FRAMES) == expected(FRAMES)


def test_inference_fails(board):
    """Half of a state may be the next one's: neither that frame nor the next counts."""
    stream = Stream(board, PROGRAM, NETWORK)
    outputs(stream, FRAMES[:2])
    board.write_memory(1 << 1, 0, bytes(64))  # no step is left in the program memory
    with pytest.raises(AcceleratorError):
        stream.run(FRAMES[2])
    load(board, PROGRAM)
    with pytest.raises(UserError, match="the state of 'network' is lost"):
        stream.run(FRAMES[2])
    stream.reset()
    assert outputs(stream, FRAMES) == expected(FRAMES)


def wake_word(frames, design):
    """Run two sequences of the wake word that take turns, twice, and compare every tensor."""
    network, stored = read_network(path("wake_word")), arrays("wake_word")
    program = compile_network(network, design)
    [x], cycles = network.inputs, set()
    inputs = stored["input"].reshape(-1, *network.tensors[x].shape)[:frames]
    with (made := simulated_board(design)).link:
        load(made, program)
        streams = [Stream(made, program, network, check=True) for _ in range(2)]
        for _ in range(2):
            for frame, output in zip(inputs, stored["output"], strict=False):
                for stream in streams:
                    found = stream.run({x: frame})
                    assert found.equal and found.cycles == found.predicted_cycles
                    assert found.outputs[network.outputs[0]].item() == int(output.item()) - 128
                    cycles.add(found.cycles)
            for stream in streams:
                stream.reset()
    return cycles


@pytest.mark.slow
def test_wake_word():
    """On the smallest board."""
    assert wake_word(3, portable(Design.load("icebreaker"))) == {25916}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["icebreaker", "ulx3s-85f"])
def test_whole_wake_word(preset):
    wake_word(32, portable(Design.load(preset)))
