"""Networks with state: where it lies, and that frames one after another find it there."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.arch.boards import presets
from hwgen.arch.design import Design
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.compile import compile_network
from hwgen.compiler.program import Program
from hwgen.cost.cycles import Array, run_cycles
from hwgen.errors import UserError
from hwgen.golden.network.stream import GoldenStream
from hwgen.network.tflite import reading as tflite
from hwgen.runtime.compiled import compile_images

from ..cases import some
from ..compiler_bench import as_stored, design, inputs_of, least_memory, model
from ..stream_writer import FORMS, StreamGraph, random_stream


def run_frames(net, program, frames=5):
    """Run frames one after another, and compare all that is stored of every tensor."""
    made, stream = model(program.design), GoldenStream(net)
    for state in program.states:
        place = program.tensors[state.name]
        made.memory[place.addresses()] = np.array(state.initial, np.int8).reshape(
            place.addresses().shape)
    for frame in range(frames):
        inputs = inputs_of(net, frame)
        for name in program.inputs:
            place = program.tensors[name]
            made.memory[place.addresses()] = as_stored(place, inputs[name])
        expected = stream.run(inputs, keep=True)
        for layer in program.layers:
            made.run(program.image, layer.count, layer.first)
            if layer.output in program.tensors:
                place = program.tensors[layer.output]
                image = expected[layer.output].reshape(place.height, place.width, -1)
                np.testing.assert_array_equal(made.memory[place.addresses()],
                                              image[..., list(place.channels)],
                                              f"frame {frame}, {layer}")
        for name in program.outputs:  # as the host reads them, when all is over
            place = program.tensors[name]
            np.testing.assert_array_equal(made.memory[place.addresses()].ravel(),
                                          expected[name].ravel())


def of_state(program):
    """Return the steps of all that moves states, or puts them before a frame."""
    return [(layer.operator, layer.count) for layer in program.layers
            if layer.operator in ("ASSIGN_VARIABLE", "CONCATENATION")]


def streamed(form, kept=3, channels=6):
    """Return a network of one layer over what was kept and a frame."""
    graph = StreamGraph(np.random.default_rng(1))
    x = graph.convolution(graph.activation(1, 1, 1, 4), outputs=channels, same=True)
    return tflite.read(graph.write(graph.reshape(graph.depthwise(graph.streamed(x, kept, form)))))


@pytest.mark.parametrize("seed", some(range(36), 12))
def test_random(seed):
    net = tflite.read(random_stream(np.random.default_rng(seed)))
    of = (design(), design(lines=2), design(rows=5, columns=6, sums=20),
          design(rows=4, columns=2, lanes=1, lines=1, compact=True, steps=0))[seed % 4]
    run_frames(net, compile_network(net, of))
    run_frames(net, compile_network(net, least_memory(net, of)), 3)


@pytest.mark.parametrize("form", ["after", "before"])
def test_state_lies_before_the_frame(form):
    """Nothing is copied but what is kept, down by a moment."""
    net = streamed(form)
    program = compile_network(net, design())
    assert of_state(program) == [("CONCATENATION", 0), ("ASSIGN_VARIABLE", 1)]
    [state] = program.states
    assert program.tensors[state.name].shape == (1, 3, 1, 6)
    run_frames(net, program)


def test_what_moves_up_is_apart():
    """With the newest first a copy in place would read what it has written."""
    net = streamed("newest")
    program = compile_network(net, design())
    assert of_state(program) == [("CONCATENATION", 1), ("ASSIGN_VARIABLE", 1)]
    run_frames(net, program)


def test_swapped():
    """Each of two variables becomes what the other was."""
    graph = StreamGraph(np.random.default_rng(2))
    x = graph.activation(1, 1, 1, 4)
    values = [np.arange(4, dtype=np.int8) + 10 * k for k in range(2)]
    a, b = (graph.variable(x, 1, 1, 1, 4, initial=value) for value in values)
    old = [graph.read(handle, x, 1, 1, 1, 4) for handle in (a, b)]
    graph.assign(a, old[1])
    graph.assign(b, old[0])
    net = tflite.read(graph.write(graph.together(*old), graph.reshape(x)))
    stream, found = GoldenStream(net), []
    for frame in range(3):
        found.append(stream.run(inputs_of(net, frame))[net.outputs[0]][0, :, 0, 0].tolist())
    assert found == [[0, 10], [10, 0], [0, 10]]
    run_frames(net, compile_network(net, design()))


@pytest.mark.parametrize("shape", [(1, 2, 1, 6), (1, 12)])
def test_state_is_an_output(shape):
    """The host reads what the state was, when it has changed already."""
    graph = StreamGraph(np.random.default_rng(3))
    x = graph.activation(1, *shape[1:])
    handle = graph.variable(x, *shape)
    old = graph.read(handle, x, *shape)
    graph.assign(handle, x)
    net = tflite.read(graph.write(old, graph.logistic(old), graph.rescale(x, "QUANTIZE")))
    run_frames(net, compile_network(net, design()))


def test_whole_is_an_output():
    """What is read after the state has moved is not where the state is."""
    graph = StreamGraph(np.random.default_rng(4))
    x = graph.activation(1, 1, 1, 4)
    whole = graph.streamed(x, 3, "after")
    net = tflite.read(graph.write(whole, graph.depthwise(whole)))
    run_frames(net, compile_network(net, design()))


def test_never_assigned():
    """What is set once stays."""
    graph = StreamGraph(np.random.default_rng(5))
    x = graph.activation(1, 1, 1, 4)
    handle = graph.variable(x, 1, 2, 1, 4, initial=np.arange(8, dtype=np.int8))
    net = tflite.read(graph.write(graph.depthwise(graph.together(
        graph.read(handle, x, 1, 2, 1, 4), x))))
    [state] = net.states
    assert state.next == state.name
    run_frames(net, compile_network(net, design()))


def test_read_again():
    """What is read after an assignment is what was assigned."""
    graph = StreamGraph(np.random.default_rng(6))
    x = graph.activation(1, 1, 1, 4)
    handle = graph.variable(x, 1, 1, 1, 4)
    old = graph.read(handle, x, 1, 1, 1, 4)
    graph.assign(handle, graph.convolution(old, outputs=4, same=True))
    graph.tensors[graph.operators[-1].inputs[1]].scale = graph.tensors[x].scale
    graph.tensors[graph.operators[-1].inputs[1]].zero_point = graph.tensors[x].zero_point
    new = graph.read(handle, x, 1, 1, 1, 4)
    net = tflite.read(graph.write(graph.add(new, x)))
    run_frames(net, compile_network(net, design()))


@pytest.mark.parametrize("preset", ["icebreaker", "tang-nano-9k", "ulx3s-85f"])
def test_presets(preset):
    assert preset in presets()
    net = streamed("after")
    run_frames(net, compile_network(net, Design.load(preset)))


def test_predicted():
    """As the counters of the whole run have it; other Designs are asked likewise."""
    net, of = streamed("after"), design()
    program = compile_network(net, of)
    assert compile_images(net, of).whole.cycles == sum(run_cycles(program.steps, Array.of(of)))


@pytest.mark.parametrize("form", FORMS)
def test_saved(tmp_path, form):
    """A Program in a file has its states."""
    program = compile_network(streamed(form), design())
    program.save(tmp_path / "program.npz")
    again = Program.load(tmp_path / "program.npz")
    assert again.states == program.states and again.fingerprint == program.fingerprint


def test_host_must_not_write_over_a_state():
    program = compile_network(streamed("newest"), design())
    [state], [name] = program.states, program.inputs
    moved = replace(program.tensors[name], address=program.tensors[state.name].address)
    with pytest.raises(Unsound, match="state .* is read at byte .*, which the host wrote last"):
        check_program(replace(program, tensors=program.tensors | {name: moved}))


def test_layers_must_not_write_over_a_state():
    """The checker is told that nothing changes the state, and a layer does."""
    program = compile_network(streamed("newest"), design())
    stays = tuple(replace(state, next=state.name) for state in program.states)
    with pytest.raises(Unsound, match="state .* is read at byte .*, which layer .* wrote last"):
        check_program(replace(program, states=stays))


def test_what_moves_up_in_place_is_unsound(monkeypatch):
    monkeypatch.setattr("hwgen.compiler.memory.lifetimes.moves_down", lambda *views: True)
    with pytest.raises(Unsound, match="it reads bytes that it may have written itself"):
        compile_network(streamed("newest"), design())


def test_state_must_stay():
    program = compile_network(streamed("newest"), design())
    [state] = program.states
    moved = replace(program.tensors[state.next], address=program.tensors[state.next].address + 4)
    with pytest.raises(UserError, match="does not stay where it is"):
        replace(program, tensors=program.tensors | {state.next: moved})
