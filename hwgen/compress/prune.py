"""Sets weights of an int8 network to 0, and mends what is left from a few inputs.

No weight is trained again. By magnitude, the least weights of a layer go, in units of its output.
The surgeon (``surgeon.py``) chooses by what the layer's sums lose on calibration inputs, and fits
the weights that stay, on the layer's own grid of int8, and the bias; each layer is fitted on what
the layers before it, pruned by then, give it, so that it mends their errors, too.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, check_choice
from ..golden.network.network import compute, run
from ..golden.network.taps import rows, vectors, with_rows
from ..network import graph
from .codebook import cluster, share_weights
from .surgeon import Floats, Mask, Moments, importance, least_squares, round_weights

__all__ = ["METHODS", "STEPS", "Pruner", "density", "noise", "prunable_layers"]

METHODS = ("surgeon", "magnitude")

STEPS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1)
"""Densities through which the surgeon goes: what goes at once has not seen each other go."""

Arrays = Mapping[str, NDArray[np.int8]]


def prunable_layers(network: graph.Network) -> list[graph.Weighted]:
    """Return the layers with weights that can be pruned; each must requantise its sums to int8.

    A depthwise layer of ones is none of them: readers make such to average, or to change a scale.
    Nor is one that multiplies by a constant.
    """
    found = [layer for layer in network.layers
             if isinstance(layer, graph.Weighted) and not isinstance(layer, graph.Multiply)
             and not (isinstance(layer, graph.Depthwise) and np.all(layer.weights == 1)
                      and not np.any(layer.bias))]
    for layer in found:
        if not isinstance(layer.requantisation, graph.Requantisation):
            raise UserError(f"layer {layer.name!r} does not requantise its sums: pruning takes "
                            "int8 networks, such as `hwgen quantize` makes")
    if not found:
        raise UserError("the network has no layer with weights that could be pruned")
    return found


def density(layers: list[graph.Weighted]) -> float:
    """Return the share of weights that are not 0, over all of some layers."""
    return sum(np.count_nonzero(layer.weights) for layer in layers) / \
        sum(layer.weights.size for layer in layers)


def noise(found: NDArray[np.int8], wanted: NDArray[np.int8]) -> float:
    """Return the mean square of what values lose, over their variance."""
    lost = float(np.mean((found.astype(np.float64) - wanted) ** 2))
    return lost / max(float(np.var(wanted.astype(np.float64))), 1e-30)


def mask_of_greatest(values: Floats, count: int) -> Mask:
    """Return where the greatest so many of some values are; of equal ones the first."""
    chosen = np.zeros(values.size, np.bool_)
    chosen[np.argsort(-values.ravel(), kind="stable")[:count]] = True
    return chosen.reshape(values.shape)


@dataclass(eq=False)
class Pruner:
    """Prunes one network in many ways, and keeps what these have in common.

    Parameters
    ----------
    network : Network
    inputs : arrays
        Calibration inputs, as ``golden.network.run`` takes them. Magnitudes need none.
    method : str
        One of ``METHODS``.
    banks : int
        As many lanes get as many weights, row r of a matrix being in lane ``r % banks``; 0: the
        lanes' numbers may differ. Depthwise layers have no lanes.
    codebook : int
        So many different weights, besides 0, are left to each layer that is a matrix product; 0:
        any.
    fixed_biases : names
        Layers whose bias must stay.
    """

    network: graph.Network
    inputs: Arrays
    method: str = "surgeon"
    banks: int = 0
    codebook: int = 0
    fixed_biases: Collection[str] = ()
    _masks: dict[tuple[str, int], Mask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the parameters, and run the network as it is."""
        check_choice("method", self.method, METHODS)
        if self.banks < 0:
            raise UserError(f"banks must be at least 1, or 0 for none, not {self.banks}")
        if self.codebook:
            cluster(np.zeros(0, np.int64), self.codebook)  # tells what is wrong with the number
        self.layers = prunable_layers(self.network)
        self.values = run(self.network, self.inputs, keep=True)
        self._seen: dict[str, tuple[NDArray[np.int16], list[Moments]]] = {}

    def prune(self, densities: Mapping[str, float], *, mending: bool = True) -> graph.Network:
        """Return the network with the densities of some layers, by their names; others stay.

        With ``mending`` a layer is fitted on what the pruned layers before it give, else on what
        it read before.
        """
        for name, wanted in densities.items():
            if not 0 < wanted <= 1:
                raise UserError(f"density must be above 0 and at most 1, not {wanted:g}, "
                                f"that of layer {name!r}")
        mending = mending and self.method == "surgeon"
        values = {name: self.values[name]
                  for name in (*self.network.inputs, *self.network.initial_state)}
        changed = [index for index, layer in enumerate(self.network.layers)
                   if densities.get(layer.name, 1.0) < 1 or self._has_codebook(layer)]
        last = max(changed, default=-1)
        layers = []
        for index, layer in enumerate(self.network.layers):
            wanted = densities.get(layer.name, 1.0)
            if isinstance(layer, graph.Weighted) and index in changed:
                read = values[layer.inputs[0]] if mending else self.values[layer.inputs[0]]
                layer = self._layer(layer, self.mask(layer, wanted), read)
            layers.append(layer)
            if mending and index < last:
                values[layer.output] = compute(self.network, layer,
                                               [values[name] for name in layer.inputs])
        return replace(self.network, layers=tuple(layers))

    def _has_codebook(self, layer: graph.Layer) -> bool:
        return bool(self.codebook) and isinstance(layer, graph.Convolution | graph.FullyConnected)

    def mask(self, layer: graph.Weighted, wanted: float) -> Mask:
        """Return the weights of a layer that stay, (output channels, taps)."""
        step = max(index for index, limit in enumerate(STEPS) if limit >= wanted or not index)
        kept = self._step(layer, step)
        return kept if wanted == STEPS[step] else self._fewer(layer, kept, wanted)

    def _step(self, layer: graph.Weighted, step: int) -> Mask:
        """Return the weights that stay at one of ``STEPS``."""
        if (layer.name, step) not in self._masks:
            self._masks[layer.name, step] = rows(layer) != 0 if step == 0 else \
                self._fewer(layer, self._step(layer, step - 1), STEPS[step])
        return self._masks[layer.name, step]

    def _fewer(self, layer: graph.Weighted, kept: Mask, wanted: float) -> Mask:
        """Return fewer of the weights that are kept."""
        values = self._importance(layer, kept)
        count = max(round(kept.size * wanted), 1)
        if not self.banks or isinstance(layer, graph.Depthwise):
            return kept & mask_of_greatest(values, count)
        result = kept.copy()
        lanes = min(self.banks, len(kept))
        for lane in range(lanes):
            result[lane::lanes] &= mask_of_greatest(values[lane::lanes], max(count // lanes, 1))
        return result

    def _importance(self, layer: graph.Weighted, kept: Mask) -> Floats:
        """Return how much each weight that is kept matters, in units of the layer's output."""
        gain = gains(layer)[:, None]
        matrix = rows(layer).astype(np.float64)
        if self.method == "magnitude":
            return np.where(kept, np.abs(matrix) * gain, 0)
        _, hessians = self._before(layer)
        inverses = [each.inverse(np.ones(len(each.matrix), np.bool_)) for each in hessians]
        found = [importance(np.append(row, bias), kept[index], hessians[index % len(hessians)],
                            inverses[index % len(hessians)]) if kept[index].any()
                 else np.zeros(kept.shape[1])
                 for index, (row, bias) in enumerate(zip(matrix, layer.bias, strict=True))]
        return np.stack(found) * gain ** 2

    def _before(self, layer: graph.Weighted) -> tuple[NDArray[np.int16], list[Moments]]:
        """Return the vectors that a layer reads in the network as it was, and H of each group."""
        if layer.name not in self._seen:
            x = self._vectors(layer, self.values[layer.inputs[0]])
            self._seen[layer.name] = x, self._moments(layer, x)
        return self._seen[layer.name]

    def _moments(self, layer: graph.Weighted, x: NDArray[np.int16]) -> list[Moments]:
        return [Moments(x[:, group], fixed_bias=layer.name in self.fixed_biases)
                for group in range(x.shape[1])]

    def _vectors(self, layer: graph.Weighted, x: NDArray[np.int8]) -> NDArray[np.int16]:
        return vectors(layer, x, self.network.tensors[layer.inputs[0]].zero_point)

    def _layer(self, layer: graph.Weighted, kept: Mask, read: NDArray[np.int8]) -> graph.Weighted:
        """Return a layer with the weights that are kept, mended on what it reads."""
        if self.method == "surgeon":
            return self._mend(layer, kept, read)
        matrix = np.where(kept, rows(layer), 0)
        if self._has_codebook(layer):
            matrix = share_weights(matrix, cluster(matrix, self.codebook))
        return with_rows(layer, matrix, layer.bias)

    def _mend(self, layer: graph.Weighted, kept: Mask, read: NDArray[np.int8]) -> graph.Weighted:
        """Return a layer whose remaining weights and bias give nearly the sums of before."""
        before, hessians = self._before(layer)
        same = read is self.values[layer.inputs[0]]
        now = before if same else self._vectors(layer, read)
        # What a unit of each weight gave to the sums, and does not give any more.
        missing = [np.zeros_like(each.matrix) for each in hessians]
        fixed = layer.name in self.fixed_biases
        if not same:
            hessians = self._moments(layer, now)
            for group, lost in enumerate(missing):
                x = np.column_stack([now[:, group], np.ones(len(now))]).astype(np.float64)
                lost[:, :-1] = x.T @ (before[:, group].astype(np.float64) - now[:, group]) / len(x)
                lost[-1] *= not fixed

        matrix, bias = np.zeros(kept.shape), layer.bias.astype(np.float64)
        fits: dict[int, tuple[Floats, Floats]] = {}
        for index in np.flatnonzero(kept.any(axis=1)).tolist():
            row = np.append(rows(layer)[index].astype(np.float64), bias[index])
            group = index % len(hessians)
            fits[index] = least_squares(row, kept[index], hessians[group], missing[group] @ row)
        nearest = self._nearest(layer, [best[:-1] for best, _ in fits.values()])
        for index, (best, inverse) in fits.items():
            *matrix[index, kept[index]], bias[index] = round_weights(best, inverse, nearest)
        gone = ~kept.any(axis=1) & rows(layer).any(axis=1) & (not fixed)
        for index in np.flatnonzero(gone).tolist():
            # A row without weights is its bias: the mean of the sums that it had.
            x = before[:, index % before.shape[1]].astype(np.float64)
            bias[index] += np.mean(x @ rows(layer)[index])
        bias = np.clip(np.rint(bias), -(1 << 31), (1 << 31) - 1)
        return with_rows(layer, matrix, bias)

    def _nearest(self, layer: graph.Weighted, weights: list[Floats]) -> Callable[[float], float]:
        """Return what rounds a weight to the grid of a layer, or to a codebook for these."""
        largest = layer.weight_precision.high  # as far to either side: -128 has no opposite
        if not self._has_codebook(layer) or not weights:
            return lambda value: min(max(float(round(value)), -largest), largest)
        values = np.clip(np.rint(np.concatenate(weights)), -largest, largest).astype(np.int64)
        table = np.array(cluster(values, self.codebook))
        table = table[table != 0].astype(np.float64)
        return lambda value: float(table[np.abs(table - value).argmin()])


def gains(layer: graph.Weighted) -> Floats:
    """Return what a step of the sums of each output channel is in the layer's output."""
    by = layer.requantisation
    assert isinstance(by, graph.Requantisation)
    return np.broadcast_to(by.multiplier * 2.0 ** (by.shift.astype(np.float64) - 31),
                           layer.bias.shape)
