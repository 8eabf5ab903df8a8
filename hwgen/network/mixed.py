"""Gives each layer of a float network its own bits: fewest cycles, within a bound on accuracy.

First a table of sensitivity: what the outputs lose when the weights of one layer, or one tensor
that a layer reads, has fewer bits and all else has 8. Losses of several are nearly the sum of each.
So a path leads from 8 bits everywhere downwards, always where a cycle saved costs least; and every
network on the path is then run on the labelled inputs, which decide how far to go.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..golden.network import run
from ._onnx_chains import PRODUCTS, sources
from .graph import Network, Weighted
from .onnx import OnnxNetwork, read
from .quantize import Calibrated, float_values

__all__ = ["FEWEST", "Cost", "Mixed", "Point", "Variable"]

Cost = Callable[[Network, Weighted, int, int], int]
"""Cycles of a layer of a network, were its weights and its inputs of so many bits."""

FEWEST = 2
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
class Point:
    """One network of the path."""

    bits: Bits
    cycles: int
    noise: float
    """Mean square of what its outputs lose, over their variance."""
    top_1: float


@dataclass(eq=False)
class Mixed:
    """The search; ``table`` and ``path`` hold what it found.

    Parameters
    ----------
    calibrated : Calibrated
        The float network, and inputs that give its ranges and are labelled.
    answers : array
        The right class of each input: the place of the greatest output.
    cost : callable
        Cycles of one layer; the model of the engine that the network is for.
    """

    calibrated: Calibrated
    answers: NDArray[np.int64]
    cost: Cost
    table: dict[Variable, dict[int, float]] = field(default_factory=dict)
    path: list[Point] = field(default_factory=list)

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
        self.int8 = self.network({})
        self.layers = {layer.output: layer for layer in self.int8.layers
                       if isinstance(layer, Weighted)}
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

    def cycles(self, bits: Bits) -> int:
        """Return the cycles of all layers with weights; those without run beside them."""
        return sum(self.cost(self.int8, self.layers[output],
                             bits.get(Variable("weights", product), 8),
                             bits.get(Variable("tensor", leader), 8))
                   for product, (output, leader) in self.products.items())

    def point(self, bits: Bits) -> Point:
        """Run a network on all inputs."""
        network = self.network(bits)
        results = run(network, network.feed(self.calibrated.inputs))
        (real,) = network.fetch(results, real=True).values()
        found = real.reshape(self.exact.shape).astype(np.float64)
        noise = float(np.mean((found - self.exact) ** 2) / max(float(np.var(self.exact)), 1e-30))
        top_1 = float(np.mean(found.argmax(axis=1) == self.answers))
        return Point(dict(bits), self.cycles(bits), noise, top_1)

    def measure(self, say: Callable[[str], None] = lambda text: None) -> None:
        """Fill the table: the noise that fewer bits of one variable add, by bits."""
        variables = list(self.variables())
        for index, variable in enumerate(variables):
            say(f"sensitivity {index + 1} of {len(variables)}")
            self.table[variable] = {8: 0.0}
            for bits in range(7, FEWEST - 1, -1):
                added = max(self.point({variable: bits}).noise - self.base.noise, 0.0)
                # Never less than with one bit more, or the path would climb over luck.
                self.table[variable][bits] = max(added, self.table[variable][bits + 1])

    def descend(self) -> Iterator[Bits]:
        """Yield the bits along the path, each with one bit less than the one before."""
        bits = dict.fromkeys(self.table, 8)
        while True:
            moves = []
            for place, variable in enumerate(bits):
                less = bits[variable] - 1
                if less < FEWEST:
                    continue
                saved = self.cycles(bits) - self.cycles({**bits, variable: less})
                added = self.table[variable][less] - self.table[variable][less + 1]
                if saved > 0:
                    moves.append((added / saved, place, variable))
            if not moves:
                return
            bits = {**bits, (chosen := min(moves)[2]): bits[chosen] - 1}
            yield bits

    def search(self, loss: float, say: Callable[[str], None] = lambda text: None) -> Point:
        """Return the fastest network of the path that loses at most ``loss`` of top-1 of int8."""
        if not self.table:
            self.measure(say)
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

    def within(self, point: Point, loss: float) -> bool:
        """Whether a network loses no more than a bound."""
        return self.base.top_1 - point.top_1 <= loss + 1e-9
