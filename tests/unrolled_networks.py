"""Networks of fully connected layers with random weights, for the tests of unrolled ones."""

import numpy as np

from hwgen.network.graph import FullyConnected, Network, Requantisation, Tensor
from hwgen.network.precision import Precision
from hwgen.network.rounding import scale
from hwgen.network.scales import multiplier_and_shift

__all__ = ["mlp", "random_network"]


def layer(rng, number, weights, sums, precision, relu):
    """Return a layer whose scale fits its sums, more or less, and the output's tensor."""
    top = max(np.percentile(np.abs(sums), 99.9), 1)
    zero = precision.low if relu else int(rng.integers(
        precision.low // 4, precision.high // 4 + 1))
    ratio = (precision.high - zero) / top * rng.uniform(0.8, 1.2)
    by = Requantisation(*multiplier_and_shift(ratio), zero, precision.low, precision.high)
    return by, Tensor(f"t{number}", (1, len(weights)), 0.05, zero, precision)


def network_of(rng, shapes, weights_of, bits=8, relu=True):
    """Return a network of layers of given widths; ``bits`` are those of hidden activations."""
    tensors = [Tensor("x", (1, shapes[0]), 0.05, int(rng.integers(-20, 21)))]
    values = rng.integers(-128, 128, (256, shapes[0]))
    layers = []
    for number, (inputs, outputs) in enumerate(zip(shapes, shapes[1:], strict=False)):
        last = number == len(shapes) - 2
        weights = weights_of(outputs, inputs)
        bias = rng.integers(-1000, 1001, outputs)
        sums = (values - tensors[-1].zero_point) @ weights.T + bias
        precision = Precision(8) if last or bits == 8 else Precision(bits, "unsigned")
        by, tensor = layer(rng, number, weights, sums, precision, relu and not last)
        layers.append(FullyConnected(
            name=f"l{number}", inputs=(tensors[-1].name,), output=tensor.name,
            weights=weights.astype(np.int8), bias=bias.astype(np.int32), requantisation=by))
        tensors.append(tensor)
        values = np.clip(scale(sums, by.multiplier, by.shift) + by.zero_point, by.low, by.high)
    return Network("random", {tensor.name: tensor for tensor in tensors}, tuple(layers), ("x",),
                   (tensors[-1].name,))


def random_network(seed, largest=12):
    """Return a network of random widths and densities; some columns and rows are all zero."""
    rng = np.random.default_rng(seed)
    shapes = [int(width) for width in rng.integers(1, largest + 1, rng.integers(2, 5))]
    limit, density = int(rng.choice([1, 7, 31, 127])), float(rng.choice([0.1, 0.5, 1.0]))

    def weights_of(outputs, inputs):
        weights = rng.integers(-limit, limit + 1, (outputs, inputs))
        weights *= rng.random((outputs, inputs)) < density
        return weights * (rng.random(inputs) < 0.9) * (rng.random((outputs, 1)) < 0.9)

    return network_of(rng, shapes, weights_of, int(rng.choice([4, 8])), bool(rng.integers(2)))


def mlp(bits, seed=1):
    """Return the network 16-64-32-32-5 with normal weights of 6 bits, half of them zero."""
    rng = np.random.default_rng(seed)

    def weights_of(outputs, inputs):
        weights = rng.normal(size=(outputs, inputs))
        weights = np.round(weights / np.abs(weights).max() * 31).astype(int)
        weights.ravel()[rng.permutation(weights.size)[:weights.size // 2]] = 0
        return weights

    return network_of(rng, [16, 64, 32, 32, 5], weights_of, bits)
