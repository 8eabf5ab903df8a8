"""Layers with weights of 4 bits, two in each byte of the program memory."""

from dataclasses import replace

import numpy as np
import pytest

from hwgen.compiler import compile_network
from hwgen.compiler.check import Unsound, check_program
from hwgen.compiler.compile import cycles_of
from hwgen.network.graph import Convolution, Depthwise, FullyConnected
from hwgen.network.reader import read_network
from hwgen.network.tflite import reading as tflite

from ..compiler_bench import design, verify, with_step
from ..networks import path
from ..tflite_writer import Graph


def mixed(seed):
    """Return a small network of which some layers have weights of 4 bits."""
    rng = np.random.default_rng(seed)
    graph = Graph(rng)
    x = graph.convolution(graph.image(6, 5), outputs=graph.integer(1, 25), same=True)
    if rng.random() < 0.3:
        x = graph.depthwise(x)
    x = graph.convolution(x, outputs=graph.integer(1, 25))
    return few_bits(tflite.read(graph.write(x)), rng, share=0.7)


def few_bits(network, rng=None, share=1.0):
    """Return a network with weights of 4 bits in some of its layers."""
    layers = []
    for layer in network.layers:
        if isinstance(layer, Convolution | Depthwise | FullyConnected) and (
                rng is None or rng.random() < share):
            layer = replace(layer, weights=layer.weights >> 4)
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def convolution(outputs, channels, size=8, kernel=3):
    """Return a network of one convolution."""
    graph = Graph(np.random.default_rng(outputs))
    x = graph.activation(1, size, size, channels)
    weights = graph.rng.integers(-8, 8, (outputs, kernel, kernel, channels)).astype(np.int8)
    scales = graph.tensor(shape=weights.shape, scale=[0.01] * outputs, data=weights)
    bias = graph.tensor(shape=[outputs], type="INT32", scale=[0.01 * graph.tensors[x].scale]
                        * outputs, data=graph.rng.integers(-999, 999, outputs).astype(np.int32))
    y = graph.activation(1, size, size, outputs, scale=0.5)
    return tflite.read(graph.write(graph.operator(
        "CONV_2D", [x, scales, bias], y, Padding=0, StrideH=1, StrideW=1, DilationHFactor=1,
        DilationWFactor=1)))


DESIGNS = [design(4, 7, lanes=4, sums=40), design(9, 5, lanes=2, lines=3, sums=30),
           design(8, 8, lanes=8, lines=2, sums=100), design(5, 4, lanes=1, sums=16),
           design(16, 16, lanes=16, sums=64)]


@pytest.mark.parametrize("of", DESIGNS, ids=lambda of: of.name)
def test_random_networks(of):
    of, pairs = of.replace(int4_weights=True), 0
    for network in (*map(mixed, range(3)), convolution(of.columns + 3, 5, size=5)):
        verify(network, of)
        pairs += sum(step.pairs for step in compile_network(network, of).steps)
    assert pairs > 0


@pytest.mark.parametrize("outputs, channels", [(32, 16), (33, 16), (17, 3)])
def test_faster(outputs, channels):
    network, of = convolution(outputs, channels), design(16, 16, lanes=16, sums=256)
    verify(network, of.replace(int4_weights=True))
    plain, pairs = (compile_network(network, of.replace(int4_weights=each))
                    for each in (False, True))
    assert any(step.pairs for step in pairs.steps)
    assert cycles_of(pairs) < cycles_of(plain)


def test_figures():
    """32 outputs of a depth of 144, which docs/accelerator.md has."""
    network, of = convolution(32, 16, size=16), design(16, 16, lanes=16, sums=256)
    plain, pairs = (compile_network(network, of.replace(int4_weights=each))
                    for each in (False, True))
    assert (cycles_of(plain), cycles_of(pairs)) == (4732, 2693)
    assert (len(plain.image), len(pairs.image)) == (4976, 2672)


@pytest.mark.parametrize("name, cycles, words", [
    ("ic_resnet8", (56354, 38686), (85568, 51488)), ("kws_dscnn", (13199, 10356), (30928, 21200))])
def test_figures_of_networks(name, cycles, words):
    of = design(16, 16, lines=3, lanes=16, sums=256)
    network = few_bits(read_network(path(name)))
    programs = [compile_network(network, of.replace(int4_weights=each)) for each in (False, True)]
    assert (*map(cycles_of, programs),) == cycles
    assert (*(len(program.image) for program in programs),) == words


def test_checker_knows_them():
    """A step with two weights in each byte must be one that the hardware has."""
    program = compile_network(convolution(10, 3, size=4), design(4, 7, int4_weights=True))
    [index] = [number for number, step in enumerate(program.steps) if step.pairs]
    check_program(program)
    with pytest.raises(Unsound, match="there is no such step on this Design"):
        check_program(with_step(program, index, to_sums=True))
    with pytest.raises(Unsound, match="there is no such step on this Design"):
        check_program(replace(program, design=program.design.replace(int4_weights=False)))


def test_weights_of_more_bits_have_none():
    network, of = convolution(32, 16), design(16, 16, lanes=16, int4_weights=True)
    layer = network.layers[0]
    weights = layer.weights.copy()
    weights[3, 1, 1, 2] = 8
    program = compile_network(replace(network, layers=(replace(layer, weights=weights),)), of)
    assert not any(step.pairs for step in program.steps)
