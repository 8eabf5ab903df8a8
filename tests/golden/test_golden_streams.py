"""Networks with state, frame after frame, against TensorFlow Lite Micro."""

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.golden.network.stream import GoldenStream
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite

from ..compiler_bench import inputs_of
from ..networks import FOLDER, SHARED, arrays
from ..stream_writer import StreamGraph, random_lstm, random_stream

FRAMES = 12


def compare(data, frames=FRAMES):
    """Compare all outputs of some frames with one interpreter of the reference."""
    micro = pytest.importorskip(
        "tflite_micro",
        reason="tflite-micro is the reference; `make setup` installs it where there is a wheel")
    network = tflite.read(data)
    stream = GoldenStream(network)
    for _ in range(2):  # from the initial state on, which is that of a new interpreter
        interpreter = micro.runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
        for frame in range(frames):
            x = inputs_of(network, frame)
            for index, name in enumerate(network.inputs):
                shape = interpreter.get_input_details(index)["shape"]
                interpreter.set_input(x[name].reshape(shape), index)
            interpreter.invoke()
            found = stream.run(x)
            for index, name in enumerate(network.outputs):
                np.testing.assert_array_equal(
                    found[name].ravel(), interpreter.get_output(index).ravel(), f"frame {frame}")
        stream.reset()


@pytest.mark.parametrize("seed", range(40))
def test_random(seed):
    compare(random_stream(np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(40))
def test_svdf(seed):
    graph = StreamGraph(np.random.default_rng([seed, 1]))
    compare(graph.write(graph.svdf(graph.activation(1, graph.integer(1, 40)))))


@pytest.mark.parametrize("seed", [*range(40), *(
    pytest.param(seed, marks=pytest.mark.slow) for seed in range(40, 240))])
def test_lstm(seed):
    graph = StreamGraph(np.random.default_rng([seed, 2]))
    compare(graph.write(random_lstm(graph)), frames=4)


def test_lstm_after_lstm():
    graph = StreamGraph(np.random.default_rng(9))
    compare(graph.write(graph.lstm(graph.lstm(graph.activation(1, 3, 5), 4), 1)))


@pytest.mark.parametrize("read", ["before", "after", "both"])
def test_read_and_assigned(read):
    """What is read before an assignment, and what after it."""
    graph = StreamGraph(np.random.default_rng(7))
    x = graph.activation(1, 2, 1, 3)
    handle = graph.variable(x, 1, 2, 1, 3, initial=np.arange(6, dtype=np.int8))
    found = [graph.read(handle, x, 1, 2, 1, 3)] if read != "after" else []
    graph.assign(handle, x)
    if read != "before":
        found.append(graph.read(handle, x, 1, 6))
    compare(graph.write(*found, graph.rescale(x, "QUANTIZE")))


def test_frames_are_single():
    graph = StreamGraph(np.random.default_rng(8))
    x = graph.streamed(graph.activation(1, 1, 1, 3), 2, "after")
    network = tflite.read(graph.write(graph.depthwise(x)))
    frames = np.zeros((2, 1, 1, 3), np.int8)
    with pytest.raises(UserError, match="a frame of a stream must be one image"):
        GoldenStream(network).run(frames)
    assert len(run(network, frames)[network.outputs[0]]) == 2  # each in the initial state


@pytest.mark.parametrize("name", ["wake_word", "mww_v1_alexa", "made_svdf_3", "dtln_lstm",
                                  "coral_lstm_mnist_uint8"])
def test_public_networks(name):
    """Two sequences that take turns, and again after a reset."""
    folder = FOLDER if name == "wake_word" else SHARED / "modern"
    if not folder.is_dir():
        pytest.skip(f"no {folder}, where this network is")
    network, stored = read_network(folder / f"{name}.tflite"), arrays(name, folder)
    [x], [y] = network.inputs, network.outputs
    streams = [GoldenStream(network), GoldenStream(network)]
    frames, wanted = (
        each.astype(np.int16) - (each.dtype == np.uint8) * 128
        for each in (stored[key if key in stored else f"{key}0"] for key in ("input", "output")))
    frames = frames.astype(np.int8).reshape(32, *network.tensors[x].shape)
    probe = next((layer.inputs[0] for layer in network.layers if layer.host), y)
    for _ in range(2):
        for frame, expected, inside in zip(frames, wanted, stored.get("probe", wanted),
                                           strict=True):
            for stream in streams:
                values = stream.run(frame, keep=True)
                np.testing.assert_array_equal(values[y].ravel(), expected.ravel())
                np.testing.assert_array_equal(values[probe].ravel(), inside.ravel())
        for stream in streams:
            stream.reset()
