"""Files whose weights have 4 bits, two to a byte: as TensorFlow Lite Micro computes them."""

import numpy as np
import pytest

from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.network.graph import Weighted
from hwgen.network.rewrite import rewrite_file
from hwgen.network.tflite import reading as tflite

from ..tflite_writer import LAYERS, Graph
from .test_golden_network import compare, random_inputs

KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def graph_of(kind, seed):
    """Return a random layer, before it is written, and its output."""
    graph = Graph(np.random.default_rng([seed, *kind.encode()]))
    return graph, LAYERS[kind](graph)


def scales_of(graph):
    """Return how many scales the weights of its last operator have."""
    return np.size(graph.tensors[graph.operators[-1].inputs[1]].scale)


@pytest.mark.parametrize("kind", KINDS)
def test_random_layers(kind):
    compared = 0
    for seed in range(60):
        graph, output = graph_of(kind, seed)
        if kind == "FULLY_CONNECTED" and scales_of(graph) > 1:
            continue  # the reference has no fully connected layer with scales of channels here
        graph.few_bits()
        compare(np.random.default_rng(seed), graph.write(output))
        compared += 1
    assert compared > 30


@pytest.mark.parametrize("kind", KINDS)
def test_same_as_bytes(kind):
    """A layer is the one whose weights have a byte each, also where the reference has none."""
    several = 0
    for seed in range(30):
        (whole, output), (halves, _) = graph_of(kind, seed), graph_of(kind, seed)
        several += scales_of(whole) > 1
        whole.few_bits(halves=False)
        halves.few_bits()
        networks = [tflite.read(each.write(output)) for each in (whole, halves)]
        x = random_inputs(np.random.default_rng(seed), networks[0])
        for one, other in zip(*(network.layers for network in networks), strict=True):
            if isinstance(one, Weighted):
                np.testing.assert_array_equal(one.weights, other.weights)
        one, other = (run(network, x)[network.outputs[0]] for network in networks)
        np.testing.assert_array_equal(one, other)
    assert several > 0


def written(tmp_path, change):
    """Return the network of a file, its path, and it again with changed weights."""
    graph, output = graph_of("CONV_2D", 3)
    graph.few_bits()
    path = tmp_path / "net.tflite"
    path.write_bytes(graph.write(output))
    network = tflite.read(path.read_bytes())
    layer = network.layers[0]
    object.__setattr__(layer, "weights", change(layer.weights))
    return path, network


def test_rewritten(tmp_path):
    path, network = written(tmp_path, lambda weights: weights[..., ::-1] // 2)
    again = tflite.read(rewrite_file(path, network))
    np.testing.assert_array_equal(again.layers[0].weights, network.layers[0].weights)


def test_rewritten_wrong(tmp_path):
    path, network = written(tmp_path, lambda weights: weights + np.int8(9))
    with pytest.raises(UserError, match=r"'0_conv_2d' have 4 bits .* must stay -8 to 7"):
        rewrite_file(path, network)
