"""Layers as matrix products, dense and on the sparse engine, against the golden layers."""

import numpy as np
import pytest

from hwgen.compiler.csc import encode
from hwgen.golden.network.arithmetic import wrap
from hwgen.golden.network.layers import finish_sums
from hwgen.golden.network.network import compute
from hwgen.golden.network.taps import rows, vectors, with_rows
from hwgen.golden.sparse.decoder import EntryFormat
from hwgen.golden.sparse.layer import run_layer
from hwgen.network.graph import Depthwise, Weighted
from hwgen.network.tflite.reading import read

from ..tflite_writer import random_layer

KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def layer_of(kind, seed):
    """Return a network of one layer with weights, that layer, and two inputs of it."""
    rng = np.random.default_rng(seed)
    network = read(random_layer(rng, kind))
    layer = next(layer for layer in network.layers if isinstance(layer, Weighted))
    shape = network.tensors[layer.inputs[0]].shape
    return network, layer, rng.integers(-128, 128, (2, *shape[1:])).astype(np.int8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_sums(kind, seed):
    """Rows times vectors are the sums of the layer, whatever its window is."""
    network, layer, x = layer_of(kind, seed)
    zero_point = network.tensors[layer.inputs[0]].zero_point
    seen = np.broadcast_to(
        vectors(layer, x, zero_point),
        (x.size // x[0].size * compute(network, layer, [x[:1]]).size // len(rows(layer)),
         len(rows(layer)), rows(layer).shape[1]))
    sums = np.einsum("pct,ct->pc", seen.astype(np.int64), rows(layer).astype(np.int64))
    found = finish_sums(wrap(sums + layer.bias), layer.requantisation, network.rounding)
    np.testing.assert_array_equal(found.reshape(-1), compute(network, layer, [x]).reshape(-1))


@pytest.mark.parametrize("kind", KINDS)
def test_with_rows(kind):
    _, layer, _ = layer_of(kind, 3)
    same = with_rows(layer, rows(layer), layer.bias)
    np.testing.assert_array_equal(same.weights, layer.weights)
    other = np.random.default_rng(0).integers(-127, 128, rows(layer).shape)
    changed = with_rows(layer, other, layer.bias + 1)
    np.testing.assert_array_equal(rows(changed), other)
    np.testing.assert_array_equal(changed.bias, layer.bias + 1)
    assert changed.weights.dtype == np.int8 and changed.bias.dtype == np.int32


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("seed", range(8))
def test_sparse_layer(kind, seed):
    """The sparse engine gives the layer's output; it multiplies what is not zero, and no more."""
    network, layer, x = layer_of(kind, seed)
    assert not isinstance(layer, Depthwise)
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random(rows(layer).shape) < 0.4, rows(layer), 0)
    layer = with_rows(layer, matrix, layer.bias)
    zero_point = network.tensors[layer.inputs[0]].zero_point
    x = np.where(rng.random(x.shape) < 0.5, zero_point, x).astype(np.int8)[:1]
    lanes = int(rng.integers(1, 6))
    found, run = run_layer(layer, encode(matrix, EntryFormat(index_bits=3), lanes), x, zero_point,
                           network.rounding, width=4, depth=2)
    np.testing.assert_array_equal(found.reshape(-1), compute(network, layer, [x]).reshape(-1))
    seen = vectors(layer, x, zero_point)[:, 0] != 0
    assert run.work == int((seen.astype(int) @ (matrix != 0).T.astype(int)).sum())
    assert run.cycles >= run.work / lanes
