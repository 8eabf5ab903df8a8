"""How dense each layer shall be, when all together have so many weights left.

First a table of sensitivity: what the network's outputs lose when one layer alone is pruned. Losses
of several are nearly the sum of each. So weights go where the table says that each costs least.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..golden.network.network import compute
from .prune import STEPS, Pruner, noise

__all__ = ["even_densities", "sensitive_densities", "sensitivity"]

Table = Mapping[str, Sequence[float]]
"""Of each layer: the noise that each of ``STEPS`` adds to the outputs."""

IMAGES = 16
"""Inputs that tell how sensitive the outputs are."""


def even_densities(pruner: Pruner, density: float) -> dict[str, float]:
    """Return the same density for each layer."""
    return {layer.name: density for layer in pruner.layers}


def sensitivity(pruner: Pruner, say: Callable[[str], None] = lambda text: None) -> Table:
    """Measure the noise that pruning each layer alone adds, on the calibration inputs.

    Outputs are taken before the host's layers: a softmax hides all but the greatest value.
    """
    network = pruner.network
    host = {layer.output: layer.inputs[0] for layer in network.layers if layer.host}
    outputs = list(dict.fromkeys(host.get(name, name) for name in network.outputs))
    count = len(next(iter(pruner.inputs.values())))
    some = np.unique(np.linspace(0, count - 1, IMAGES).astype(int))
    before = {name: values[some] for name, values in pruner.values.items()}
    table: dict[str, list[float]] = {}
    for number, layer in enumerate(network.layers):
        if layer.name not in {each.name for each in pruner.layers}:
            continue
        say(f"sensitivity, {layer.name}")
        table[layer.name] = [0.0]
        for density in STEPS[1:]:
            values = dict(before)
            for later in pruner.prune({layer.name: density}, mending=False).layers[number:]:
                if not later.host:
                    values[later.output] = compute(network, later,
                                                   [values[name] for name in later.inputs])
            added = float(np.mean([noise(values[name], before[name]) for name in outputs]))
            # Never less than with more weights, or weights would go where luck was.
            table[layer.name].append(max(added, table[layer.name][-1]))
    return table


def sensitive_densities(pruner: Pruner, table: Table, density: float) -> dict[str, float]:
    """Return densities with the least noise, were noise to grow evenly between two steps."""
    sizes = {layer.name: layer.weights.size for layer in pruner.layers}
    result = dict.fromkeys(sizes, 1.0)
    surplus = (1 - density) * sum(sizes.values())
    places = dict.fromkeys(sizes, 0)
    while surplus > 0:
        moves = []
        for number, (name, place) in enumerate(places.items()):
            for further in range(place + 1, len(STEPS)):
                gone = (STEPS[place] - STEPS[further]) * sizes[name]
                moves.append(((table[name][further] - table[name][place]) / gone, number, gone,
                              name, further))
        if not moves:  # no layer can lose more by the table: all do, alike
            rest = sum(result[name] * size for name, size in sizes.items())
            return {name: value * (rest - surplus) / rest for name, value in result.items()}
        _, _, gone, name, places[name] = min(moves)
        result[name] -= min(gone, surplus) / sizes[name]
        surplus -= gone
    return result

