"""From a network to a graph of adders: each layer's sums, and what they become."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...arch.adder_graph import AdderGraph, bits
from ...errors import UserError
from ...network.graph import FullyConnected, Layer, Network, Requantisation, Requantise, Reshape
from ...network.rounding import scale
from .build import Builder
from .factor import OPERAND, multiplier_parts, multiply_by
from .matrix import Term, multiply, signed_digits
from .requantise import ShortScaling, find_scaling
from .stages import place_registers

__all__ = ["expected_luts", "layers_of", "unroll_layers"]

LUTS_A_DIGIT, LUTS_A_SUM = 5, 80
"""What a signed digit of a weight takes at least, about, and what becomes of a sum."""


def layers_of(network: Network) -> tuple[Layer, ...]:
    """Return the layers that become hardware: all but those at the end that a host computes."""
    layers = [*network.layers]
    while layers and layers[-1].host and not isinstance(layers[-1], FullyConnected):
        layers.pop()
    return tuple(layers)


def check_layers(network: Network) -> tuple[Layer, ...]:
    """Return the layers of a network that can be unrolled, or say why it cannot be."""
    layers = layers_of(network)
    if len(network.inputs) != 1 or network.states:
        raise UserError("an unrolled network must have one input and no state, not "
                        f"{len(network.inputs)} inputs and {len(network.states)} states")
    if all(isinstance(layer, Reshape) for layer in layers):
        raise UserError("an unrolled network must have a layer that computes something, which a "
                        "host does not do")
    name = network.inputs[0]
    for layer in layers:
        where = f"layer {layer.name!r}"
        if not isinstance(layer, FullyConnected | Requantise | Reshape) or layer.table:
            raise UserError(f"{where} is {layer.title or type(layer).__name__}; an unrolled "
                            "network has FULLY_CONNECTED, QUANTIZE and RESHAPE alone")
        if layer.inputs != (name,):
            raise UserError(f"{where} does not read the layer before it alone, as it must in an "
                            "unrolled network")
        if isinstance(layer, FullyConnected) and \
                network.tensors[name].size != layer.weights.shape[1]:
            raise UserError(f"{where} has {network.tensors[name].size // layer.weights.shape[1]} "
                            "vectors an inference; unrolled it must have one")
        ending = getattr(layer, "requantisation", None)
        if ending is not None and not isinstance(ending, Requantisation):
            raise UserError(f"{where} ends with thresholds; unrolled it must end with a multiplier")
        name = layer.output
    if any(output != network.layers[-1].output for output in network.outputs):
        raise UserError("an unrolled network must have one output, that of its last layer")
    return layers


def expected_luts(network: Network) -> int:
    """Return about how many LUTs a network takes unrolled at least, before it is."""
    luts = 0
    for layer in check_layers(network):
        if isinstance(layer, FullyConnected):
            counts = np.bincount(layer.weights.astype(np.int64).ravel() + 128, minlength=256)
            luts += LUTS_A_DIGIT * sum(int(count) * len(signed_digits(value - 128))
                                       for value, count in enumerate(counts))
        if not isinstance(layer, Reshape):
            luts += LUTS_A_SUM * network.tensors[layer.output].size
    return luts


def unroll_layers(network: Network, clock_mhz: float, say: Callable[[str], object],
                  dsps: int = 0) -> AdderGraph:
    """Return the graph of a network, in which each node has its pipeline stage for a clock.

    The first ``dsps`` sums whose requantisation fits a multiplier of the chip have one.
    """
    layers = [layer for layer in check_layers(network) if not isinstance(layer, Reshape)]
    tensor = network.tensors[network.inputs[0]]
    low, high, zero = tensor.precision.low, tensor.precision.high, tensor.zero_point
    builder = Builder([(low - zero, high - zero)] * tensor.size, dsps)
    values = builder.inputs
    for layer in layers:
        say(f"unrolling layer {layer.name}")
        last = layer is layers[-1]
        try:
            if isinstance(layer, FullyConnected):
                values = add_layer(builder, values, layer, network.rounding, last)
            elif isinstance(layer, Requantise):
                terms: list[Term | None] = [(number, 0, 1) for number in values]
                values = [finish_sum(builder, term, 1, 0, channel(layer.requantisation, 0),
                                 network.rounding, last) for term in terms]
        except UserError as error:
            raise UserError(f"layer {layer.name!r} {error}") from error
    nodes, given = tuple(builder.nodes), network.tensors[layers[-1].output].precision
    return AdderGraph(nodes, tuple(values), place_registers(nodes, clock_mhz), inputs=tensor.size,
                      input_limits=(low, high), input_zero=zero,
                      output_limits=(given.low, given.high))


def channel(by: Requantisation, index: int) -> Requantisation:
    """Return the requantisation of one channel."""
    multiplier, shift = (values[index if len(values) > 1 else 0] for values in
                         (by.multiplier, by.shift))
    return Requantisation(multiplier, shift, by.zero_point, by.low, by.high)


def add_layer(builder: Builder, values: Sequence[int], layer: FullyConnected, rounding: str,
                 last: bool) -> list[int]:
    """Return the outputs of a fully connected layer; what is always the same is in the bias."""
    weights = layer.weights.astype(np.int64)
    fixed = [n for n, number in enumerate(values)
             if builder.nodes[number].low == builder.nodes[number].high]
    bias = layer.bias.astype(np.int64) + weights[:, fixed] @ np.array(
        [builder.nodes[values[n]].low for n in fixed], np.int64)
    # An input that is there twice has the sum of both weights.
    numbers = [*dict.fromkeys(number for n, number in enumerate(values) if n not in {*fixed})]
    matrix: NDArray[np.int64] = np.zeros((len(weights), len(numbers)), np.int64)
    places = {number: place for place, number in enumerate(numbers)}
    for n, number in enumerate(values):
        if number in places:
            matrix[:, places[number]] += weights[:, n]
    # What one input alone makes is a function of that input.
    alone = np.flatnonzero(np.count_nonzero(matrix, axis=1) == 1)
    ending = layer.requantisation
    if ending is None:
        alone = alone[:0]
    shared = matrix.copy()
    shared[alone] = 0
    terms = multiply(builder, numbers, shared.tolist())
    outputs = []
    for index, term in enumerate(terms):
        weight = 1
        if index in alone:
            place = int(np.flatnonzero(matrix[index])[0])
            weight, term = abs(int(matrix[index, place])), \
                (numbers[place], 0, 1 if matrix[index, place] > 0 else -1)
        own = int(bias[index])
        if isinstance(ending, Requantisation):
            outputs.append(finish_sum(builder, term, weight, own, channel(ending, index), rounding,
                                      last))
        else:
            outputs.append(builder.plus(term, own))
    return outputs


def finish_sum(builder: Builder, term: Term | None, weight: int, bias: int, by: Requantisation,
               rounding: str, last: bool) -> int:
    """Return ``term * weight + bias`` requantised; without its zero point unless it is the last."""
    zero = by.zero_point if last else 0
    low, high = by.low - by.zero_point + zero, by.high - by.zero_point + zero

    def function(values: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = values * weight + bias
        return np.clip(scale(sums, by.multiplier, by.shift, rounding) + zero, low, high)

    limits = limits_of(builder, term)
    sums = [limit * weight + bias for limit in limits]
    if bits(sums[0], sums[1]) > 32 or sums[1] >= 1 << 31:
        raise UserError(f"has sums from {sums[0]} to {sums[1]}, which do not fit 32 bits")
    ends = function(np.array(limits))
    if term is None or ends[0] == ends[1]:
        return builder.constant(int(ends[0]))
    ratio = weight * float(by.multiplier) * 2.0 ** (int(by.shift) - 31)
    hard = builder.dsps > 0 and builder.nodes[term[0]].bits < OPERAND
    found = find_scaling(function, limits, low, high, ratio, -(bias // weight), term[2], hard)
    return builder.clamp(scale_term(builder, term, found, hard), found.shift, found.sign < 0, low,
                         high)


def limits_of(builder: Builder, term: Term | None) -> tuple[int, int]:
    """Return the least and the greatest value of a term."""
    if term is None:
        return 0, 0
    number, shift, sign = term
    low, high = (sign * end << shift for end in builder.limits(number))
    return min(low, high), max(low, high)


def scale_term(builder: Builder, term: Term, by: ShortScaling, hard: bool) -> int:
    """Return what a scaling makes of a term, before it is shifted and perhaps inverted."""
    parts = multiplier_parts(by.factor) if hard else None
    number, shift, sign = multiply_hard(builder, term, *parts) if parts else \
        multiply_by(builder, term, by.factor)
    if sign != by.sign:
        raise AssertionError(f"a product by {by.factor} has not the sign that was expected")
    product, (other, below) = (number, shift, 1), by.added
    if not by.signed:
        return builder.plus(product, other)
    chosen = builder.pick(builder.plus(term, -by.split), below, other)
    return builder.join(product, chosen)


def multiply_hard(builder: Builder, term: Term, part: int, shift: int, rest: int) -> Term:
    """Return a term times ``(part << shift) + rest``, with the sign of the term.

    A multiplier of the chip multiplies by the part, unless that is 1.
    """
    number, before, sign = term
    product = number
    if part > 1:
        builder.dsps -= 1
        product = builder.product(number, part)
    if not rest:
        return product, before + shift, sign
    place = abs(rest).bit_length() - 1
    low, high = (((part << shift) + rest) * end >> min(place, shift)
                 for end in builder.limits(number))
    total, common, _ = builder.sum((product, shift, 1), (number, place, 1 if rest > 0 else -1),
                                   (low, high))
    return total, common + before, sign
