"""Prunes a network step by step, and measures at every step what that costs and saves.

``compress/prune.py`` prunes. Here are the networks on the way down to a density, each with its
accuracy, its bits as compressed columns, and its cycles on a Design's array and on a sparse engine.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.compile import compile_network
from ..compress.accuracy import Measure
from ..compress.densities import even_densities, sensitive_densities, sensitivity
from ..compress.prune import Pruner, density, noise, prunable_layers
from ..golden.network.network import run as golden
from ..network.graph import Network
from .layers import predictions
from .sparse import EngineComparison, choices

__all__ = ["Inputs", "Point", "Pruned", "prune"]

PATH = (0.75, 0.5, 0.35, 0.25, 0.15)
"""Densities that are measured on the way down to the one that is wanted."""
LANES = 16
"""Of the sparse engine whose cycles count, where no banks are wanted."""

Arrays = dict[str, NDArray[np.int8]]


@dataclass(frozen=True, eq=False)
class Inputs:
    """Inputs to calibrate on, others to measure on, and what is measured."""

    calibration: Arrays
    measured: Arrays
    measures: tuple[Measure, ...]
    """Of those that have labels: calibration first, then measured."""

    def accuracies(self, network: Network) -> list[str]:
        """Return the names of the accuracies of a point."""
        kinds = ("calibration", "held out") if len(self.measures) > 1 else ("measured",)
        return [f"{measure.name(network)}, {kind}"
                for measure, kind in zip(self.measures, kinds, strict=False)]


@dataclass(frozen=True, eq=False)
class Point:
    """A network of the path, and what it costs and gives.

    Members
    -------
    network : Network
    density : float
    accuracy : tuple of float
        On the calibration inputs, where these have labels, and on those that are measured.
    noise : float
        What the outputs lose, over their variance, on the inputs that are measured.
    errors : dict
        The same of each layer with weights.
    layers : list of EngineComparison
    dense_cycles : int
        Of the whole network, on the array alone.
    """

    network: Network
    density: float
    accuracy: tuple[float, ...]
    noise: float
    errors: dict[str, float]
    layers: list[EngineComparison]
    dense_cycles: int

    @property
    def bits(self) -> int:
        """Bits of all weights, those of matrices as compressed columns."""
        return sum(choice.bits for choice in self.layers)

    @property
    def chosen_cycles(self) -> int:
        """Cycles with each layer on the faster engine."""
        return self.dense_cycles - sum(c.dense_cycles - c.cycles for c in self.layers)


@dataclass(frozen=True, eq=False)
class Pruned:
    """The path from a network, the first point, to the density that was wanted, the last one."""

    design: Design
    inputs: Inputs
    lanes: int
    """Of the sparse engine whose cycles count."""
    points: list[Point]

    @property
    def network(self) -> Network:
        """The network with the density that was wanted."""
        return self.points[-1].network

    @property
    def dense_bits(self) -> int:
        """Bits of all weights before any is pruned."""
        return sum(choice.dense_bits for choice in self.points[0].layers)

    @property
    def accuracies(self) -> list[str]:
        """Names of the accuracies of each point."""
        return self.inputs.accuracies(self.network)


def prune(network: Network, inputs: Inputs, design: Design, *, density: float = 0.5,
          share: str = "sensitive", method: str = "surgeon", banks: int = 0, codebook: int = 0,
          fixed_biases: Collection[str] = (),
          say: Callable[[str], None] = lambda text: None) -> Pruned:
    """Prune a network to a density, and measure it and others on the way there.

    Parameters
    ----------
    network : Network
    inputs : Inputs
    design : Design
        Whose array's cycles are compared with those of a sparse engine.
    density : float
        Share of the weights that is left, over all layers.
    share : str
        How the weights are shared among layers: ``sensitive`` or ``even``.
    method, banks, codebook, fixed_biases
        As :class:`Pruner` takes them; without banks the sparse engine has :data:`LANES` lanes.
    say : function
        Told what happens.
    """
    for measure in inputs.measures:
        measure.check(network)
    pruner = Pruner(network, inputs.calibration, method, banks, codebook, fixed_biases)
    lanes = banks or LANES
    exact = golden(network, inputs.measured, keep=True)
    shared: Callable[[float], dict[str, float]] = partial(even_densities, pruner)
    if share == "sensitive":
        shared = partial(sensitive_densities, pruner, sensitivity(pruner, say))
    points = [point(network, inputs, exact, design, lanes, 0)]
    for wanted in (*(part for part in PATH if part > density), density):
        say(f"density {wanted:g}")
        points.append(point(pruner.prune(shared(wanted)), inputs, exact, design, lanes, codebook))
    say("")
    return Pruned(design, inputs, lanes, points)


def point(network: Network, inputs: Inputs, exact: Arrays, design: Design, lanes: int,
          codebook: int) -> Point:
    """Measure one network."""
    values = golden(network, inputs.measured, keep=True)
    accuracy = []
    for measure in inputs.measures:
        output = network.outputs[0]
        found = values[output] if measure.inputs is inputs.measured else \
            golden(network, measure.inputs)[output]
        accuracy.append(measure.of(network, found))
    program = compile_network(network, design)
    work = {part.name: each for part, each in zip(program.layers, predictions(network, program),
                                                  strict=True)}
    layers = prunable_layers(network)
    first = {name: each[:1] for name, each in values.items()}
    return Point(network, density(layers), tuple(accuracy),
                 float(np.mean([noise(values[name], exact[name]) for name in network.outputs])),
                 {layer.name: noise(values[layer.output], exact[layer.output])
                  for layer in layers},
                 choices(network, layers, first, work, lanes, codebook),
                 sum(each.cycles for each in work.values()))
