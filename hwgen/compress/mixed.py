"""Gives each layer of a float network its own bits: fewest cycles, within a bound on accuracy.

First a table of sensitivity: what the outputs lose when the weights of one layer, or one tensor
that a layer reads, has fewer bits and all else has 8. Losses of several are nearly the sum of each.
So a path leads from 8 bits everywhere downwards, of networks that lose least for what they take;
each of them is then run on the labelled inputs, which decide how far to go. What they take is that
on a Design, or on an ideal engine.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..golden.network.network import run
from ..network.graph import Network, Weighted
from ..network.onnx.float_graph import PRODUCTS, sources
from ..network.onnx.reading import OnnxNetwork, read
from .quantize import Calibrated, float_values

__all__ = ["FEWEST", "MOST", "Cost", "Mixed", "MixedPoint", "Variable", "bit_serial"]

Cost = Callable[[Network], Mapping[str, int]]
"""Cycles of the layers of a network, by the tensors that they write."""

FEWEST, MOST = 2, 8
"""Bits that are tried: symmetric weights of fewer have none left but 0."""

BEYOND = 4
"""Networks of the path that are too far off, one after the other, before it ends."""


@dataclass(frozen=True)
class Variable:
    """What has bits of its own: the weights of a layer, or the tensor that layers read."""

    kind: str
    """``weights`` or ``tensor``."""
    name: str
    """The edge that the product writes, or the one whose grid the tensor is on."""


Bits = Mapping[Variable, int]


@dataclass(frozen=True)
class MixedPoint:
    """One network of the path."""

    bits: Bits
    cycles: int
    noise: float
    """Mean square of what its outputs lose, over their variance."""
    top_1: float


@dataclass(eq=False)
class Mixed:
    """The search; ``table``, ``taken`` and ``path`` hold what it found.

    Parameters
    ----------
    calibrated : Calibrated
        The float network, and inputs that give its ranges and are labelled.
    answers : array
        The right class of each input: the place of the greatest output.
    cost : callable
        Cycles of each layer of a network, on the engine that it is for.
    """

    calibrated: Calibrated
    answers: NDArray[np.int64]
    cost: Cost
    table: dict[Variable, dict[int, float]] = field(default_factory=dict)
    taken: dict[tuple[int, int], Mapping[str, int]] = field(default_factory=dict)
    """Cycles of the layers where all weights have so many bits, and all tensors so many."""
    path: list[MixedPoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find what has bits, and what the float network gives."""
        graph = self.calibrated.graph
        if len(graph.outputs) != 1 or not self.calibrated.heads:
            raise UserError("mixed precision needs a network of layers with one output: top-1 is "
                            "the place of its greatest value")
        images = len(next(iter(self.calibrated.inputs.values())))
        if self.answers.shape != (images,):
            raise UserError(f"there must be a label for each of the {images} inputs, "
                            f"not {self.answers.size}")
        source = sources(graph, set(self.calibrated.leaders))
        ends = {node.outputs[0]: edge for edge, node in self.calibrated.heads.items()}
        self.products: dict[str, tuple[str, str]] = {}
        """Of each product: the tensor of the int8 network that it writes, and what it reads."""
        for node in graph.nodes:
            if node.operator in PRODUCTS and node.outputs[0] in ends:
                leader = self.calibrated.leaders[source[node.inputs[0]]]
                self.products[node.outputs[0]] = f"{ends[node.outputs[0]]}:int8", leader
        if not self.products:
            raise UserError("the network has no Conv, Gemm or MatMul whose bits could be chosen")
        (wanted,) = float_values(self.calibrated.source, list(graph.outputs),
                                 self.calibrated.inputs)
        self.exact = wanted.reshape(images, -1).astype(np.float64)
        classes = self.exact.shape[1]
        if np.any(self.answers < 0) or np.any(self.answers >= classes):
            wrong = self.answers[(self.answers < 0) | (self.answers >= classes)]
            raise UserError(f"a label must be from 0 to {classes - 1}, the place of one of the "
                            f"network's {classes} outputs, not {wrong[0]}")
        self.int8 = self.network({})
        self.base = self.point({})

    def variables(self) -> Iterator[Variable]:
        """Yield what has bits, in the order of the network."""
        seen = set()
        for product, (_, leader) in self.products.items():
            for variable in (Variable("tensor", leader), Variable("weights", product)):
                if variable not in seen:
                    seen.add(variable)
                    yield variable

    def model(self, bits: Bits) -> bytes:
        """Return the ONNX file with some bits; what is not given has 8."""
        chosen = {kind: {v.name: count for v, count in bits.items() if v.kind == kind}
                  for kind in ("weights", "tensor")}
        return self.calibrated.model(chosen["weights"], chosen["tensor"])

    def network(self, bits: Bits) -> OnnxNetwork:
        """Return the network with some bits."""
        return read(self.model(bits))

    def outputs(self, network: OnnxNetwork) -> tuple[float, float]:
        """Run a network on all inputs; return the noise of its outputs, and top-1."""
        results = run(network, network.feed(self.calibrated.inputs))
        (real,) = network.fetch(results, real=True).values()
        found = real.reshape(self.exact.shape).astype(np.float64)
        noise = float(np.mean((found - self.exact) ** 2) / max(float(np.var(self.exact)), 1e-30))
        return noise, float(np.mean(found.argmax(axis=1) == self.answers))

    def point(self, bits: Bits) -> MixedPoint:
        """Run a network on all inputs, and tell its cycles."""
        network = self.network(bits)
        return MixedPoint(dict(bits), sum(self.cost(network).values()), *self.outputs(network))

    def measure(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Fill the table: the noise that fewer bits of one variable add, by bits."""
        variables = list(self.variables())
        for index, variable in enumerate(variables):
            say(f"sensitivity {index + 1} of {len(variables)}")
            self.table[variable] = {MOST: 0.0}
            for bits in range(MOST - 1, FEWEST - 1, -1):
                noise, _ = self.outputs(self.network({variable: bits}))
                # Never less than with one bit more, or the path would climb over luck.
                self.table[variable][bits] = max(noise - self.base.noise, 0.0,
                                                 self.table[variable][bits + 1])

    def weigh(self) -> None:
        """Find what the layers take with each pair of bits."""
        variables = list(self.variables())
        for weights in range(FEWEST, MOST + 1):
            for tensor in range(FEWEST, MOST + 1):
                bits = {v: weights if v.kind == "weights" else tensor for v in variables}
                self.taken[weights, tensor] = self.cost(self.network(bits))

    def cycles_and_noise(self, bits: Bits) -> tuple[int, float]:
        """Return about what a network takes in the layers whose bits are chosen, and its noise.

        The cycles are exact, but where so few bits leave a channel the same for all inputs, so that
        it takes nothing, and the layers that read it less.
        """
        cycles = sum(self.layer_cycles(name, bits[Variable("weights", name)],
                                       bits[Variable("tensor", leader)])
                     for name, (_, leader) in self.products.items())
        return cycles, sum(self.table[variable][count] for variable, count in bits.items())

    def layer_cycles(self, product: str, weights: int, tensor: int) -> int:
        """Return the cycles of a layer with such bits."""
        return self.taken[weights, tensor].get(self.products[product][0], 0)

    def best(self, of_cycles: float, of_noise: float) -> dict[Variable, int]:
        """Return the bits with the least sum of cycles and noise, of which each counts so much."""
        chosen: dict[Variable, int] = {}
        bits = range(FEWEST, MOST + 1)

        def value(cycles: float, noise: float) -> tuple[float, float, float]:
            return of_cycles * cycles + of_noise * noise, cycles, noise

        for leader in dict.fromkeys(leader for _, leader in self.products.values()):
            readers = [name for name, (_, read) in self.products.items() if read == leader]
            choices = []
            for tensor in bits:  # given its bits, those of the weights do not hang on one another
                found = {name: min((value(self.layer_cycles(name, count, tensor), self.table[
                    Variable("weights", name)][count]), count) for count in bits)
                    for name in readers}
                cycles = sum(taken for (_, taken, _), _ in found.values())
                noise = sum(lost for (_, _, lost), _ in found.values())
                choices.append((value(cycles, noise + self.table[Variable("tensor", leader)][
                    tensor]), tensor, {name: count for name, (_, count) in found.items()}))
            _, tensor, weights = min(choices, key=lambda choice: choice[:2])
            chosen[Variable("tensor", leader)] = tensor
            chosen |= {Variable("weights", name): count for name, count in weights.items()}
        return chosen

    def descend(self) -> Iterator[Bits]:
        """Yield bits of ever fewer cycles that no others of less noise go below, by the tables.

        They are the lower hull of all that there are in a plot of noise over cycles.
        """
        first, last = self.best(0, 1), self.best(1, 0)
        yield first
        if self.cycles_and_noise(first) != self.cycles_and_noise(last):
            yield from self.between(first, last)
            yield last

    def between(self, left: Bits, right: Bits) -> Iterator[Bits]:
        """Yield what is between two corners of the hull."""
        (many, less), (few, more) = self.cycles_and_noise(left), self.cycles_and_noise(right)
        slope = more - less, many - few
        middle = self.best(*slope)
        cycles, noise = self.cycles_and_noise(middle)
        line = slope[0] * many + slope[1] * less
        if few < cycles < many and slope[0] * cycles + slope[1] * noise < line * (1 - 1e-9):
            yield from self.between(left, middle)
            yield middle
            yield from self.between(middle, right)

    def search(self, loss: float, say: Callable[[str], None] = lambda text: None) -> MixedPoint:
        """Return the fastest network of the path that loses at most ``loss`` of top-1 of int8."""
        if not self.table:
            self.measure(say)
            self.weigh()
        self.path = [self.base]
        beyond = 0
        for bits in self.descend():
            say(f"path, network {len(self.path)}")
            self.path.append(self.point(bits))
            lost = self.base.top_1 - self.path[-1].top_1
            beyond = beyond + 1 if lost > 2 * loss + 0.02 else 0
            if beyond == BEYOND:
                break
        return min((point for point in self.path if self.within(point, loss)),
                   key=lambda point: point.cycles)

    def within(self, point: MixedPoint, loss: float) -> bool:
        """Whether a network loses no more than a bound."""
        return self.base.top_1 - point.top_1 <= loss + 1e-9


def bit_serial(rows: int, columns: int, lanes: int) -> Cost:
    """Return the cost on ``rows`` times ``columns`` dot products of ``lanes`` bits.

    A row has an output pixel, a column an output channel; the taps of a sum are ``lanes`` at a
    time. Each pair of a bit of the weights and a bit of the inputs is a pass over all of that, and
    nothing else takes time: loading weights and writing outputs hide behind it, and layers without
    weights run beside it.
    """
    def cycles(network: Network, layer: Weighted) -> int:
        *_, height, width, channels = (1, *network.tensors[layer.output].shape)
        taps = layer.weights.size // channels
        tiles = -(-height * width // rows) * -(-channels // columns) * -(-taps // lanes)
        return (tiles * layer.weight_precision.bits
                * network.tensors[layer.inputs[0]].precision.bits)

    def cost(network: Network) -> dict[str, int]:
        return {layer.output: cycles(network, layer) for layer in network.layers
                if isinstance(layer, Weighted)}

    return cost
