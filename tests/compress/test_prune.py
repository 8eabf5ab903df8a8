"""Pruning of networks: how many weights stay, which, and what that costs."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hwgen.compress.accuracy import Measure
from hwgen.compress.densities import even_densities, sensitive_densities, sensitivity
from hwgen.compress.prune import METHODS, STEPS, Pruner, density, noise, prunable_layers
from hwgen.errors import UserError
from hwgen.golden.network.network import run
from hwgen.golden.network.taps import rows
from hwgen.network.graph import Depthwise
from hwgen.network.reader import read_network
from hwgen.network.tflite.reading import read

from ..networks import arrays, path
from ..tflite_writer import random_network


def small(seed=3, **options):
    """Return a pruner of a random network, with inputs."""
    rng = np.random.default_rng(seed)
    network = read(random_network(rng))
    x = {name: rng.integers(-128, 128, (6, *network.tensors[name].shape[1:])).astype(np.int8)
         for name in network.inputs}
    return Pruner(network, x, **options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wanted", [1.0, 0.7, 0.4, 0.05])
def test_density(method, wanted):
    """So many weights stay, but for those that rounding makes 0; nothing else changes."""
    pruner = small(method=method)
    pruned = pruner.prune(even_densities(pruner, wanted))
    for old, new in zip(pruner.layers, prunable_layers(pruned), strict=True):
        left = np.count_nonzero(new.weights)
        assert left <= max(round(old.weights.size * wanted), 1)
        assert left >= 0.8 * min(round(old.weights.size * wanted), np.count_nonzero(old.weights))
        assert new.requantisation is old.requantisation
        if method == "magnitude":
            assert np.all((new.weights == old.weights) | (new.weights == 0))
            np.testing.assert_array_equal(new.bias, old.bias)
    assert density(prunable_layers(pruned)) <= wanted + 0.02
    if wanted == 1:
        assert pruned.layers == pruner.network.layers
    x = run(pruned, pruner.inputs, keep=True)  # the network is sound
    assert set(x) == set(pruner.values)


def test_magnitude():
    """The least weights of a layer go, by what a step of each is in the output."""
    pruner = small(method="magnitude")
    layer = pruner.layers[0]
    kept = pruner.mask(layer, 0.5)
    by = layer.requantisation
    size = np.abs(rows(layer) * (by.multiplier * 2.0 ** (by.shift - 31))[:, None])
    assert size[kept].min() >= size[~kept].max()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("banks", [1, 3, 4])
def test_banks(method, banks):
    """Every lane has as many weights."""
    pruner = small(seed=8, method=method, banks=banks)
    checked = 0
    for layer in pruner.layers:
        kept = pruner.mask(layer, 0.3)
        lanes = min(banks, len(kept))
        if isinstance(layer, Depthwise) or round(kept.size * 0.3) // lanes > (
                rows(layer)[lanes - 1::lanes] != 0).sum():
            continue
        counts = {int(kept[lane::lanes].sum()) for lane in range(lanes)}
        assert counts == {max(round(kept.size * 0.3) // lanes, 1)}
        checked += 1
    assert checked


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wanted", [1.0, 0.5])
def test_codebook(method, wanted):
    """At most so many different weights, besides 0; depthwise layers have any."""
    pruner = small(method=method, codebook=4)
    for layer in prunable_layers(pruner.prune(even_densities(pruner, wanted))):
        if not isinstance(layer, Depthwise):
            assert len(set(layer.weights.reshape(-1).tolist()) - {0}) <= 4


def test_kept_weights_of_a_row_are_gone():
    """A row that loses all its weights is the mean of what it was."""
    pruner = small()
    layer = pruner.layers[0]
    kept = np.ones(rows(layer).shape, bool)
    kept[0] = False
    mended = pruner._mend(layer, kept, pruner.values[layer.inputs[0]])
    assert not rows(mended)[0].any()
    seen, _ = pruner._before(layer)
    sums = seen[:, 0].astype(np.int64) @ rows(layer)[0] + layer.bias[0]
    assert abs(mended.bias[0] - sums.mean()) <= 0.5


def test_fixed_biases():
    """A bias that the file has no place for stays, and the weights make the best of it."""
    names = {layer.name for layer in small().layers}
    pruner = small(fixed_biases=names)
    pruned = pruner.prune(even_densities(pruner, 0.3))
    changed = 0
    for old, new in zip(pruner.layers, prunable_layers(pruned), strict=True):
        np.testing.assert_array_equal(new.bias, old.bias)
        changed += int(np.sum((new.weights != old.weights) & (new.weights != 0)))
    assert changed


def test_scaling_layers_stay():
    """What a reader makes to average or to scale is no layer to prune."""
    layers = small().network.layers
    depthwise = next(layer for seed in range(20) for layer in small(seed).network.layers
                     if isinstance(layer, Depthwise))
    ones = replace(depthwise, weights=np.ones_like(depthwise.weights),
                   bias=np.zeros_like(depthwise.bias))
    found = prunable_layers(SimpleNamespace(layers=(*layers, ones, depthwise)))
    assert found[-1] is depthwise and all(layer is not ones for layer in found)
    with pytest.raises(UserError, match="no layer with weights that could be pruned"):
        prunable_layers(SimpleNamespace(layers=(ones,)))


def autoencoder(**options):
    return Pruner(read_network(path("ad_autoencoder")),
                  {"input_1": arrays("ad_autoencoder")["input"][::2]}, **options)


def keywords(**options):
    return Pruner(read_network(path("kws_dscnn")),
                  {"input_1": arrays("kws_dscnn")["input"][::2]}, **options)


def test_surgeon_mends():
    """On inputs that it has not seen, a layer loses far less than by magnitude."""
    stored = arrays("kws_dscnn")
    found = {}
    for method in METHODS:
        pruner = keywords(method=method)
        exact = run(pruner.network, stored["input"][1::2], keep=True)
        pruned = pruner.prune({"0_conv_2d": 0.5, "2_conv_2d": 0.5})
        values = run(pruned, stored["input"][1::2], keep=True)
        layer = next(layer for layer in pruner.layers if layer.name == "2_conv_2d")
        found[method] = noise(values[layer.output], exact[layer.output])
    assert found["surgeon"] < 0.3 * found["magnitude"]


def test_mending_helps():
    """Fitted on what the pruned layers before it give, a layer mends their errors."""
    pruner = keywords()
    wanted = {"0_conv_2d": 0.35, "2_conv_2d": 0.35}
    layer = next(layer for layer in pruner.layers if layer.name == "2_conv_2d")
    losses = [noise(run(pruner.prune(wanted, mending=mending), pruner.inputs,
                        keep=True)[layer.output], pruner.values[layer.output])
              for mending in (False, True)]
    assert losses[1] < losses[0]


def test_sensitive():
    """Weights go where the table says they cost least; there are as many as wanted."""
    pruner = small(method="magnitude")
    table = {layer.name: [float(step ** 2) if number else 0.0 for step in range(len(STEPS))]
             for number, layer in enumerate(pruner.layers)}
    first = pruner.layers[0]
    sizes = {layer.name: layer.weights.size for layer in pruner.layers}
    whole = sum(sizes.values())
    for wanted in (1.0, 0.9, 0.5, 0.2, 0.05):
        found = sensitive_densities(pruner, table, wanted)
        assert sum(found[name] * size for name, size in sizes.items()) == pytest.approx(
            wanted * whole)
        assert all(0 < value <= 1 for value in found.values())
        if (1 - wanted) * whole <= 0.9 * first.weights.size:
            assert all(found[name] == 1 for name in sizes if name != first.name)


def test_sensitivity():
    """The table is what a run of the network with one pruned layer says, and never falls."""
    pruner = small(seed=3, method="magnitude")
    table = sensitivity(pruner)
    assert list(table) == [layer.name for layer in pruner.layers]
    assert all(row[0] == 0 and row == sorted(row) and len(row) == len(STEPS)
               for row in table.values())
    last = pruner.layers[-1]
    values = run(pruner.prune({last.name: STEPS[1]}, mending=False), pruner.inputs, keep=True)
    assert table[last.name][1] == pytest.approx(
        noise(values[last.output], pruner.values[last.output]))


@pytest.mark.parametrize("options, text", [
    ({"method": "luck"}, "method must be one of surgeon, magnitude, not 'luck'"),
    ({"banks": -1}, "banks must be at least 1"),
    ({"codebook": 1}, "a codebook must have 2 to 256 weights, not 1"),
])
def test_wrong(options, text):
    with pytest.raises(UserError, match=text):
        small(**options)


@pytest.mark.parametrize("wanted", [0.0, 1.5, float("nan")])
def test_density_wrong(wanted):
    pruner = small()
    with pytest.raises(UserError, match="density must be above 0 and at most 1, not .*, that of"):
        pruner.prune(even_densities(pruner, wanted))


def test_accuracy():
    """Top-1 and AUC by hand."""
    network = read_network(path("kws_dscnn"))
    outputs = np.eye(12, dtype=np.int8)[[0, 3, 4]]
    measure = Measure({}, np.array([0, 3, 5]))
    measure.check(network)
    assert (measure.name(network), measure.of(network, outputs)) == ("top-1", pytest.approx(2 / 3))

    network = read_network(path("ad_autoencoder"))
    x = arrays("ad_autoencoder")["input"][:4]
    tensors = network.tensors[network.inputs[0]], network.tensors[network.outputs[0]]
    real = (x.astype(float) - tensors[0].zero_point) * tensors[0].scale
    same = np.clip(np.rint(real / tensors[1].scale) + tensors[1].zero_point, -128, 127)
    found = same.astype(np.int8)
    found[0] = 0  # the worst of all
    found[2, :9] -= 2  # the second worst
    measure = Measure({network.inputs[0]: x}, np.array([1, 0, 0, 1]))
    measure.check(network)
    # Of the pairs of unusual and usual inputs: 0 is worse than both, 3 than neither but maybe 1.
    assert measure.name(network) == "AUC" and measure.of(network, found) in (0.5, 0.75)
    with pytest.raises(UserError, match="labels of an autoencoder must be 0 for usual"):
        Measure({}, np.array([1, 1])).check(network)


@pytest.mark.slow
def test_autoencoder():
    """A quarter of the weights: nearly the same outputs; by magnitude, nothing like them."""
    x = arrays("ad_autoencoder")["input"][1::2]
    losses = {}
    for method in METHODS:
        pruner = autoencoder(method=method)
        pruned = pruner.prune(sensitive_densities(pruner, sensitivity(pruner), 0.25))
        assert density(prunable_layers(pruned)) <= 0.25
        (output,) = pruned.outputs
        losses[method] = noise(run(pruned, x)[output], run(pruner.network, x)[output])
    assert losses["surgeon"] < 0.5 * losses["magnitude"]
