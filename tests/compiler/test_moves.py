"""Layers that move bytes: what needs no step, and what the steps of others make of views."""

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.compiler.layers.moves import outer_sum
from hwgen.errors import UserError
from hwgen.network.graph import Convolution, Move
from hwgen.network.tflite import reading as tflite

from ..cases import some
from ..compiler_bench import Builder, Window, design, inputs_of, least_memory, verify
from ..golden.test_golden_network import compare
from ..tflite_writer import Graph

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("vectors", [
    ([0],), ([0, 1, 2, 3],), ([0, 5, 10], [0, 1, 2]), ([0, 0, 1, 1, 2],), ([0, 7], [0, 30, 0]),
    ([2, 1, 0],), ([0, 100, 50], [0, 8, 16, 24], [0, 1, 2, 3])])
def test_outer_sum(vectors):
    """Those of vectors are found again, the even ones together."""
    places = np.zeros(1, np.int64)
    for vector in vectors:
        places = (places[:, None] + vector).reshape(-1)
    found = outer_sum(places)
    whole = np.zeros(1, np.int64)
    for vector in found:
        whole = (whole[:, None] + vector).reshape(-1)
    assert whole.tolist() == (places - places[0]).tolist()
    assert len(found) <= len(vectors)


def steps_of(network, of):
    """Return how many steps each layer takes, by its operator."""
    program = compile_network(network, of)
    return [(layer.operator, layer.count) for layer in program.layers]


def halves(axis, seed=0):
    """Return a file that convolves the halves of an image and puts them side by side again."""
    graph = Graph(np.random.default_rng([seed, axis]))
    x = graph.convolution(graph.activation(1, 8, 6, 4), outputs=12, same=True)
    shape = list(graph.tensors[x].shape)
    shape[axis] //= 2
    a, b = graph.like(x, *shape), graph.like(x, *shape)
    graph.operator("SPLIT", [graph.integers(axis, shape=[]), x], a, b, NumSplits=2)
    b = graph.add(graph.convolution(b, outputs=shape[3], same=True), b)
    a = graph.pool(a, "MAX_POOL_2D") if seed % 2 else graph.depthwise(a)
    return graph.write(a, b)


@pytest.mark.parametrize("axis", [1, 2, 3])
@pytest.mark.parametrize("seed", some(range(6), 2))
def test_halves(axis, seed):
    """Split along any axis, a view is what a convolution, a pool and an addition read."""
    network = tflite.read(halves(axis, seed))
    for of in (design(lines=2), design(rows=5, columns=6, sums=20)):
        assert [count for operator, count in steps_of(network, of) if operator == "MOVE"] == [0, 0]
        verify(network, of)
        verify(network, least_memory(network, of))


@pytest.mark.parametrize("seed", range(6))
def test_halves_in_the_reference(seed):
    rng = np.random.default_rng(seed)
    graph = Graph(rng)
    x = graph.activation(1, 6, 5, 8)
    a, b = graph.like(x, 1, 6, 5, 4), graph.like(x, 1, 6, 5, 4)
    graph.operator("SPLIT", [graph.integers(3, shape=[]), x], a, b, NumSplits=2)
    y = graph.concatenate(b, a)
    compare(rng, graph.write(graph.reshape(graph.transpose(graph.mirror_pad(y)))))


def moved(places, *shape):
    """Return a network that convolves, moves what comes of it, and convolves again."""
    build = Builder(1, 4, 4, 4)
    build.convolution(4, Window((1, 1)))
    build.add(Move, shape, zero_point=build.tensors[build.last].zero_point,
              places=np.asarray(places).reshape(-1))
    build.convolution(5, Window((2, 2), before=(1, 1)))
    return build.network()


PLACES = np.arange(64).reshape(4, 4, 4)


@pytest.mark.parametrize("places, steps", [
    (PLACES[1:3], 0), (PLACES[::2, 1::2], 0), (PLACES[:, :, 1:3], 0), (PLACES[:, :, :1], 0),
    (PLACES.transpose(1, 0, 2), 1), (PLACES.transpose(2, 0, 1), 1), (PLACES[::-1], 4),
    (PLACES.repeat(2, 0).repeat(2, 1), 4), (PLACES[[3, 0, 0]], 2), (PLACES[:, :, ::2], 1)])
def test_steps(places, steps):
    """A view takes none; a copy one for each block that loops run over."""
    network = moved(places, *places.shape)
    of = design(lines=2)
    assert ("MOVE", steps) in steps_of(network, of)
    verify(network, of, inputs_of(network))
    verify(network, least_memory(network, of), inputs_of(network))


def test_output_is_no_view():
    """The host reads whole tensors."""
    build = Builder(1, 4, 4, 4)
    build.add(Move, (2, 4, 4), places=PLACES[1:3].reshape(-1))
    network = build.network()
    assert steps_of(network, design()) == [("MOVE", 1)]
    verify(network, design())


def test_irregular_places_wrong():
    places = np.random.default_rng(1).permutation(10_000)
    build = Builder(1, 100, 100, 1)
    build.add(Move, (100, 100, 1), places=places)
    with pytest.raises(UserError, match="from places so irregular that more than 4096 steps"):
        compile_network(build.network(), design())


def test_a_view_lives_as_long_as_it_is_read():
    """An output may not lie over an input of which a view is read later."""
    build = Builder(3, 6, 6, 8)
    x = build.convolution(8, Window((1, 1)))
    part = build.add(Move, (3, 6, 8), x, zero_point=build.tensors[x].zero_point,
                     places=np.arange(144))
    other = build.convolution(8, Window((3, 3), before=(1, 1), after=(1, 1)), x)
    y = build.sum(other, other)
    build.convolution(3, Window((1, 1)), part)
    network = build.network(y, build.last)
    assert isinstance(network.layers[-1], Convolution)
    for of in (design(), design(rows=4, columns=5, sums=9)):
        verify(network, least_memory(network, of))


def test_moves_of_moves():
    """A part of a part is a view, whatever shape it is given; what is mixed twice stays two."""
    graph = Graph(np.random.default_rng(1))
    x = graph.convolution(graph.activation(1, 8, 6, 4), outputs=12, same=True)

    def part(x, shape, channels):
        begin = [0, 0, 0, graph.tensors[x].shape[3] - channels]
        return graph.operator("SLICE", [x, graph.integers(*begin), graph.integers(*shape)],
                              graph.like(x, *shape))
    y = part(part(x, (1, 8, 6, 8), 8), (1, 8, 6, 4), 4)
    z = graph.reshape(part(x, (1, 8, 6, 5), 5), 1, 4, 12, 5)
    network = tflite.read(graph.write(graph.depthwise(y), graph.depthwise(z)))
    assert [count for operator, count in steps_of(network, design()) if operator == "MOVE"] == \
        [0, 0]
    verify(network, design(lines=2))
    rng = np.random.default_rng(2)
    places = [rng.permutation(512).astype(np.int32) for _ in range(2)]
    build = Builder(1, 4, 4, 32)
    build.convolution(32, Window((1, 1)))
    zero_point = build.tensors[build.last].zero_point
    for each in places:
        build.add(Move, (4, 4, 32), zero_point=zero_point, places=each)
    build.convolution(4, Window((1, 1)))
    verify(build.network(), design())
