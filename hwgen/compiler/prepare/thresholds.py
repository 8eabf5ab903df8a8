"""Thresholds as a requantisation that gives the same for every sum there can be.

The lanes multiply, round and clamp, so they can compare a sum with thresholds that are multiples of
a distance, rounded. Those of a batch normalisation with a quantiser behind it are such. Bias,
multiplier and shift of a channel are searched, and held against its thresholds: what is found is
exact, or nothing is.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...golden.network.arithmetic import scale
from ...network.graph import Depthwise, FullyConnected, Network, Requantisation, Weighted
from ...network.thresholds import Thresholds
from .lanes import COPY

__all__ = ["any_rounding", "requantising_network", "rounding_of"]

Integers = NDArray[np.int64]
Channel = tuple[Integers, int, int]
"""Its thresholds, and the least and the greatest sum."""

CANDIDATES = 1024
"""Distances that are tried where sums are rounded twice."""
EXACT = 64
"""Distances that are tried for sums half-way between two levels: none but the very one does."""
FARTHEST = 100
"""Which multiple the first threshold is at: the further, the finer a distance moves it."""
SHORTEST = 2.0 ** -9
"""Distance of two thresholds: a shorter one is no longer a shift that the lanes leave room for."""


def any_rounding(network: Network) -> bool:
    """Return whether a network is the same by any rounding, as it has thresholds alone."""
    return not any(isinstance(getattr(layer, "requantisation", None), Requantisation)
                   for layer in network.layers if not layer.host)


def rounding_of(network: Network) -> str:
    """Return the rounding that a network wants, or the first by which its thresholds are met."""
    if any_rounding(network):
        for rounding in ("single", "even"):
            try:
                requantising_network(replace(network, rounding=rounding))
            except UserError:
                continue
            return rounding
    return network.rounding


def requantising_network(network: Network) -> Network:
    """Return the network with a requantisation wherever one does what thresholds do."""
    return replace(network, layers=tuple(
        requantising_layer(network, layer, layer.requantisation)
        if isinstance(layer, Weighted) and isinstance(layer.requantisation, Thresholds) else layer
        for layer in network.layers))


def requantising_layer(network: Network, layer: Weighted, by: Thresholds) -> Weighted:
    """Return a layer that requantises instead of comparing with thresholds."""
    # A falling channel rises with the sum of the opposite weights.
    channels = -1 if isinstance(layer, Depthwise) else 0
    sign = np.where(by.falling, -1, 1)
    weights = np.moveaxis(np.moveaxis(layer.weights.astype(np.int64), channels, -1) * sign,
                          -1, channels)
    if weights.max(initial=0) > 127:
        raise UserError(f"layer {layer.name!r} has a weight of -128 in a channel that falls with "
                        "its sum, and no byte holds 128; the least weight may be -127")
    values = by.values.astype(np.int64)
    values = np.where(by.falling[:, None], 1 - values[:, ::-1], values)
    flat = np.moveaxis(weights, channels, 0).reshape(len(values), -1)
    source = network.tensors[layer.inputs[0]]
    ends = np.array([source.precision.low, source.precision.high, source.zero_point])
    products = flat[..., None] * (ends - source.zero_point)
    bias = layer.bias.astype(np.int64) * sign
    least = products.min(axis=2).sum(axis=1) + bias
    greatest = products.max(axis=2).sum(axis=1) + bias

    low, high = by.low, by.high
    if by.step == 2 and odd_products(network, layer):
        # Every other integer is a sum, so that none is 0 once the first that counts is 1.
        taps = flat.shape[1]
        found = [(1 - t - (t - taps - b) % 2, COPY, 0) for t, b in
                 zip(values[:, 0].tolist(), bias.tolist(), strict=True)]
        zero_point = 0
    elif by.step == 2:  # -1 and 1: twice a sum less its threshold is even, and one more is not 0
        found = [(-int(t), COPY, 1) for t in values[:, 0]]
        zero_point = 1
    else:
        always, ever = levels_reached(values, least, greatest)
        low, high = by.low + always, by.low + ever
        of_channels = [*zip(values[:, always:ever], least, greatest, strict=True)]
        first, found = fit_together(layer, of_channels, low, network.rounding)
        zero_point = low - first
    offset, multiplier, shift = np.array(found, np.int64).T
    return replace(layer, weights=weights.astype(np.int8), bias=(bias + offset).astype(np.int32),
                   requantisation=Requantisation(multiplier, shift, zero_point, low, high))


def levels_reached(thresholds: Integers, least: Integers, greatest: Integers) -> tuple[int, int]:
    """Return how many levels all sums of all channels reach, and how many any does.

    What is below, as of a ReLU, and above is the clamp's business. One level is left in any case.
    """
    always = int(np.count_nonzero(thresholds <= least[:, None], axis=1).min())
    ever = int(np.count_nonzero(thresholds <= greatest[:, None], axis=1).max())
    always = min(always, thresholds.shape[1] - 1)
    return always, max(ever, always + 1)


def fit_together(layer: Weighted, channels: list[Channel], low: int, rounding: str,
                 ) -> tuple[int, list[tuple[int, int, int]]]:
    """Return where the levels of a layer begin, and bias, multiplier and shift of each channel.

    A bias is a whole sum. Another beginning moves thresholds by parts of one, of all channels.
    """
    farthest = min(FARTHEST, low + 128)
    others = range(low + 128, -1, -1)
    failed = 0
    for first in (farthest, *others):
        known: dict[tuple[bytes, int, int], tuple[int, int, int] | None] = {}
        found = []
        for thresholds, least, greatest in channels:
            key = thresholds.tobytes(), int(least), int(greatest)
            if key not in known:
                known[key] = fit(thresholds, least, greatest, first, rounding)
            fitted = known[key]
            if fitted is None:
                break
            found.append(fitted)
        else:
            return first, found
        if first == farthest:
            failed = len(found)
            least_distance, most_distance = limits(reached_thresholds(*channels[failed]), 1)
            if least_distance >= most_distance:  # none does
                break
    raise UserError(
        f"layer {layer.name!r} ({layer.operator}) compares its sums with thresholds, and no "
        f"multiplier and shift do the same in channel {failed}: the lanes need thresholds that are "
        "evenly spaced; those of many bits may be too many, and those of a Quant that rounds by "
        "ROUND are not so where sums lie half-way between its levels, but where the Design's "
        "rounding 'even' does the same; `hwgen golden` runs this network")


def odd_products(network: Network, layer: Weighted) -> bool:
    """Return whether each sum adds up as many odd products, as of bipolar numbers."""
    source = network.tensors[layer.inputs[0]]
    padded = not isinstance(layer, FullyConnected) and any(layer.window.before + layer.window.after)
    return (source.precision.kind == "bipolar" and source.zero_point % 2 == 0 and not padded
            and bool(np.all(layer.weights % 2)))


def fit(thresholds: Integers, least: int, greatest: int, first: int,
        rounding: str) -> tuple[int, int, int] | None:
    """Return bias, multiplier and shift by which a sum gets to ``first`` more than its level.

    The sums are from ``least`` to ``greatest``. None where there are no such three.

    With a distance p, level k begins at the least whole sum from ``(k + first - 1/2) p - bias`` on.
    For a bias that gives two ends to p for each threshold, and any p between all of them does.
    """
    counts = np.arange(1, len(thresholds) + 1)
    at = counts + first - 0.5
    there = (thresholds > least) & (thresholds <= greatest)
    low, high = limits(thresholds[there], greatest - least)
    distances = np.array([low, max(low, high)])
    level = int(np.count_nonzero(thresholds <= least))  # of the least sum, with or without inside
    anchor, begin = (level + 1, int(thresholds[level])) if there.any() else (level, least)
    anchored = anchor + first - 0.5
    ends = anchored * distances - begin
    bias = np.arange(int(np.floor(ends.min())) - 1, int(np.ceil(ends.max())) + 2)
    # No sum is on the other side of a threshold that is none of the sums.
    above = np.where(thresholds > greatest, greatest, np.where(there, thresholds - 1, -np.inf))
    most = np.where(thresholds <= least, least, np.where(there, thresholds, np.inf))
    above, most = ((limit + bias[:, None]) / at for limit in (above, most))
    lows, highs = np.maximum(above.max(axis=1), low), np.minimum(most.min(axis=1), high)
    some = lows <= highs
    bias, period = bias[some], (lows + highs)[some] / 2
    if rounding != "single":  # of which nothing of this is known: another rounding before, or ties
        more = exact(low, high) if rounding == "even" else distances[0] + np.diff(distances) * (
            np.arange(CANDIDATES) + 0.5) / CANDIDATES
        near = np.ceil(anchored * more).astype(np.int64) - begin
        bias = np.concatenate([bias, near - 1, near, near + 1])
        period = np.concatenate([period, more, more, more])
    fraction, shift = np.frexp(1 / period)
    multiplier = np.minimum(np.rint(fraction * 2.0 ** 31).astype(np.int64), COPY)
    shift = shift.astype(np.int64)

    def levels(sums: Integers) -> Integers:
        """Return what becomes of sums under every candidate, (sums, candidates)."""
        return scale(sums[:, None] + bias, multiplier, shift, rounding) - first

    reached = levels(np.clip(thresholds, least, greatest)) >= counts[:, None]
    below = levels(np.clip(thresholds - 1, least, greatest)) < counts[:, None]
    right = ((reached | (thresholds > greatest)[:, None])
             & (below | (thresholds <= least)[:, None])).all(axis=0)
    right &= np.abs(bias) + max(-least, greatest) < 1 << 30
    if not right.any():
        return None
    best = int(np.argmax(right))
    return int(bias[best]), int(multiplier[best]), int(shift[best])


def exact(low: float, high: float) -> NDArray[np.float64]:
    """Return distances from ``low`` to ``high`` by which dividing is the simplest to do exactly."""
    shift = 31 - int(np.ceil(np.log2(1 / low)))
    least, most = (1 / end * 2.0 ** shift for end in (max(low, high), low))
    spacing = 2.0 ** max(0, int(np.floor(np.log2(max(most - least, 1) / (EXACT / 2)))))
    whole = np.arange(np.ceil(least / spacing), np.floor(most / spacing) + 1) * spacing
    return 2.0 ** shift / whole if len(whole) else np.array([low])


def reached_thresholds(thresholds: Integers, least: int, greatest: int) -> Integers:
    """Return the thresholds that sums from ``least`` to ``greatest`` reach, but not all of them."""
    return thresholds[(thresholds > least) & (thresholds <= greatest)]


def limits(thresholds: Integers, span: int) -> tuple[float, float]:
    """Return between which two a distance is whose multiples, rounded up, get to thresholds."""
    if len(thresholds) < 2:
        return 2.0 * (span + 1), 2.0 * (span + 1) + 1
    i, j = np.triu_indices(len(thresholds), 1)
    distance, steps = thresholds[j] - thresholds[i], j - i
    return max(float(np.max((distance - 1) / steps)), SHORTEST), \
        float(np.min((distance + 1) / steps))
