"""Operators that take element by element: of two tensors, of a tensor and a constant, of one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .. import graph
from ..requantisation import Requantisation
from ..rounding import COPY, Integers, scale
from ..scales import activation_range, multiplier_and_shift
from .operator import Chain, Site

__all__ = ["add", "extreme", "multiply", "requantise",
           "squared_difference"]

BYTES = np.arange(-128, 128)


@dataclass(frozen=True, eq=False)
class Operand:
    """One of two inputs: a tensor, or a constant less its zero point, which may repeat.

    ``places`` has which elements of a tensor that repeats stand where; else it is None.
    """

    scale: float
    zero_point: int
    tensor: graph.Tensor | None
    values: Integers
    places: NDArray[np.int32] | None = None

    def take(self, chain: Chain, *, pixel: bool = False) -> str:
        """Return the tensor in the shape of a chain; a ``pixel`` may stay as it is."""
        assert self.tensor
        if self.places is None:
            return chain.take(self.tensor)
        x, shape = self.tensor, chain.site.y.shape
        if pixel and x.size == x.shape[-1] == chain.shape[-1]:
            return x.name
        if x.shape == (*shape[:-1], 1) and chain.shape == shape:  # a column for each channel
            copies = Requantisation(np.array([COPY]), np.array([0]), x.zero_point)
            return chain.add(
                graph.FullyConnected, (x.name,), chain.between(x.scale, x.zero_point),
                weights=np.ones((shape[-1], 1), np.int8), bias=np.zeros(shape[-1], np.int32),
                requantisation=copies)
        return chain.add(graph.Move, (self.tensor.name,), chain.between(
            self.scale, self.zero_point), places=self.places)


def operands(site: Site) -> tuple[Operand, Operand]:
    """Return both inputs, of which one at least is a tensor; constants have the last axes alone."""
    site.inputs_between(2, 2)
    shapes = [site.input(position).shape for position in range(2)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise UserError(f"its inputs have shapes {shapes[0]} and {shapes[1]}: neither can be "
                        "repeated to the other's") from None
    site.gives(*shape)
    found = []
    for position in range(2):
        stored = site.input(position)
        if stored.data is None:
            x = site.x(position)
            places = np.broadcast_to(np.arange(x.size, dtype=np.int32).reshape(stored.shape), shape)
            found.append(Operand(x.scale, x.zero_point, x, np.zeros(1, np.int64),
                                 places.reshape(-1) if x.size < places.size else None))
            continue
        values = site.constant(position, {"INT8": "<i1"}, "constant")
        size, zero_point = site.grid(position)
        found.append(Operand(size, zero_point, None, by_channel(
            np.broadcast_to(values, shape).astype(np.int64) - zero_point)))
    if not found[0].tensor and not found[1].tensor:
        raise UserError("both inputs are constants: hwgen runs this operator on tensors that are "
                        "computed")
    return found[0], found[1]


def by_channel(values: Integers) -> Integers:
    """Return the shortest vector that gives ``values`` where it is repeated."""
    if np.all(values == values.flat[0]):
        return values.reshape(-1)[:1]
    while values.ndim > 1 and np.all(values == values[:1]):
        values = values[0]
    return values.reshape(-1)


def chain_of(site: Site, *inputs: Operand, image: bool = False) -> Chain:
    """Return the chain of an operator, on tensors whose last axis is that of its constants."""
    length = max((len(each.values) for each in inputs), default=1)
    channels = length if length > 1 else site.y.shape[-1]
    if channels == site.y.shape[-1] and not (image and len(site.y.shape) < 4):
        return Chain(site, site.y.shape)
    return Chain(site, (1, 1, site.y.size // channels, channels))


def times(chain: Chain, factors: Integers) -> dict[str, NDArray[np.signedinteger]]:
    """Return weights and bias of a layer that multiplies by a factor for each channel, or one."""
    channels = chain.shape[-1]
    return {"weights": np.broadcast_to(factors, (1, 1, channels)).astype(np.int16),
            "bias": np.zeros(channels, np.int32)}


def invert(chain: Chain, x: str, zero_point: int, output: str = "") -> str:
    """Append what gives -1 - x, which stands for the negative of what x does."""
    y = output or chain.between(chain.site.context.tensors[x].scale, -1 - zero_point)
    by = Requantisation(np.array([COPY]), np.array([0]), -1 - zero_point)
    return chain.add(graph.Multiply, (x,), y, window=graph.Window((1, 1)), requantisation=by,
                     **times(chain, np.array([-1])))


def add(site: Site) -> list[graph.Layer]:
    """ADD and SUB."""
    inputs = operands(site)
    minus = site.operator.code == "SUB"
    largest = 2 * max(each.scale for each in inputs)
    multipliers, shifts = multiplier_and_shift([each.scale / largest for each in inputs])
    ratio = np.array([largest / (2**20 * site.y.scale)])
    if ratio[0] >= 1:
        raise UserError("the scales of its inputs are more than 2**19 times its output's")
    by = site.requantisation(ratio, 1)
    ways = list(zip(multipliers.tolist(), shifts.tolist(), strict=True))
    signs = [1, -1 if minus else 1]
    flipped = minus and inputs[1].tensor is not None and rounds_unevenly(inputs[1], ways[1])
    if flipped:
        check_difference(inputs, ways, by)
        signs = [-1, 1]
        by = Requantisation(by.multiplier, by.shift, -1 - by.zero_point, -1 - by.high, -1 - by.low)
    chain = chain_of(site, *inputs, image=minus)
    names, scalings, constant = [], [], np.zeros(1, np.int64)
    for each, way, sign in zip(inputs, ways, signs, strict=True):
        constant = constant + sign * scale(each.values << 20, *way)
        if each.tensor:
            name = each.take(chain)
            names.append(name if sign > 0 else invert(chain, name, each.zero_point))
            scalings.append(way)
    y = chain.between(site.y.scale, by.zero_point) if flipped else chain.output
    chain.add(graph.Add, tuple(names), y, scalings=tuple(scalings), constant=constant,
              requantisation=by)
    if flipped:
        invert(chain, y, by.zero_point, chain.output)
    return chain.finish()


def rounds_unevenly(operand: Operand, way: tuple[int, int]) -> bool:
    """Return whether a value is half way when it is scaled: halves are not rounded away from 0."""
    return bool(np.any((BYTES - operand.zero_point) * way[0] % (1 << 11) == 1 << 10))


def check_difference(inputs: tuple[Operand, Operand], ways: list[tuple[int, int]],
                     by: Requantisation) -> None:
    """Check that the negative of each difference is rounded to the negative of what it gives."""
    first, second = (scale((BYTES - each.zero_point if each.tensor else each.values) << 20, *way)
                     for each, way in zip(inputs, ways, strict=True))
    sums = first[:, None] - second
    way = int(by.multiplier[0]), int(by.shift[0])
    if np.any(scale(sums, *way) != -scale(-sums, *way)) or rounds_unevenly(inputs[0], ways[0]):
        raise UserError("its scales round some differences and their negatives to values that are "
                        "no negatives of each other: hwgen has no steps for that")


def multiply(site: Site) -> list[graph.Layer]:
    """MUL of two tensors, or by a constant."""
    inputs = operands(site)
    ratio = np.array([inputs[0].scale * inputs[1].scale / site.y.scale])
    computed = [each for each in inputs if each.tensor]
    if len(computed) > 1:
        chain = chain_of(site)
        chain.add(graph.Times, tuple(each.take(chain, pixel=True) for each in computed),
                  chain.output, requantisation=site.requantisation(ratio, 1))
        return chain.finish()
    chain = chain_of(site, *inputs, image=True)
    factors = inputs[0].values + inputs[1].values  # that of the tensor is 0
    chain.add(graph.Multiply, (computed[0].take(chain),), chain.output, window=graph.Window((1, 1)),
              requantisation=site.requantisation(ratio, chain.shape[-1]), **times(chain, factors))
    return chain.finish()


def squared_difference(site: Site) -> list[graph.Layer]:
    """SQUARED_DIFFERENCE of two tensors."""
    inputs = operands(site)
    if not all(each.tensor for each in inputs):
        raise UserError("one of its inputs is a constant: hwgen runs it on two tensors that are "
                        "computed")
    largest = 2 * max(each.scale for each in inputs)
    multipliers, shifts = multiplier_and_shift([each.scale / largest for each in inputs])
    ratio = np.array([largest * largest / (2**14 * site.y.scale)])
    if ratio[0] >= 1:
        raise UserError("the square of its inputs' scales is more than 2**12 times its output's "
                        "scale")
    chain = chain_of(site)
    [first, second] = zip(multipliers.tolist(), shifts.tolist(), strict=True)
    chain.add(graph.SquaredDifference, tuple(each.take(chain, pixel=True) for each in inputs),
              chain.output, scalings=(first, second), requantisation=site.requantisation(ratio, 1))
    return chain.finish()


def extreme(site: Site) -> list[graph.Layer]:
    """MAXIMUM and MINIMUM of two tensors, or of one and a number, all of one scale."""
    inputs = operands(site)
    y, least = site.y, site.operator.code == "MINIMUM"
    # The reference compares the integers, whatever they stand for.
    for each in inputs:
        site.keeps_grid(each.scale, each.zero_point)
    computed = [each for each in inputs if each.tensor]
    values = inputs[0].values + inputs[1].values
    if len(computed) == 1:
        if len(values) > 1:
            raise UserError("its constant has different values: hwgen compares with one number")
        limit = int(values[0]) + y.zero_point
        by = Requantisation(np.array([COPY]), np.array([0]), y.zero_point,
                            *((-128, limit) if least else (limit, 127)))
        chain = chain_of(site)
        chain.add(graph.Requantise, (computed[0].take(chain),), chain.output, requantisation=by)
        return chain.finish()
    chain = chain_of(site, image=least)
    names = tuple(each.take(chain) for each in computed)
    if not least:
        chain.add(graph.Maximum, names, chain.output)
        return chain.finish()
    inverted = [invert(chain, name, y.zero_point) for name in names]
    greatest = chain.add(graph.Maximum, tuple(inverted), chain.between(y.scale, -1 - y.zero_point))
    invert(chain, greatest, -1 - y.zero_point, chain.output)
    return chain.finish()


def requantise(site: Site) -> list[graph.Layer]:
    """QUANTIZE, RELU and RELU6 of one tensor."""
    site.inputs_between(1, 1)
    x, y, code = site.x(), site.y, site.operator.code
    output = site.gives(*site.input(0).shape)
    if code == "RELU6":
        site.keeps_scale(x)  # the reference clamps the integers
    low, high = activation_range("NONE" if code == "QUANTIZE" else code, y.scale, y.zero_point)
    multiplier, shift = multiplier_and_shift([x.scale / y.scale])
    if x.scale == y.scale:  # the same, and nothing is shifted left
        multiplier, shift = np.array([COPY]), np.array([0])
    return [graph.Requantise(name=site.name, inputs=(x.name,), output=output,
                             requantisation=Requantisation(multiplier, shift, y.zero_point, low,
                                                           high))]
