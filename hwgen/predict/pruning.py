"""Prunes a network step by step, and measures at every step what that costs and saves.

``compress/prune.py`` prunes. Here are the networks on the way down to a density, each with its
accuracy, its bits as compressed columns, and its cycles on a Design's array and on a sparse engine.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..compiler.compile import compile_network
from ..compiler.suiting import design_for
from ..compress.accuracy import Measure, answers_of
from ..compress.densities import even_densities, sensitive_densities, sensitivity
from ..compress.prune import METHODS, Pruner, density, noise, prunable_layers
from ..errors import UserError, check_choice
from ..golden.network.network import run as golden
from ..network.graph import Network
from ..network.images import Arrays as Images
from ..network.images import input_images
from ..network.reader import read_network
from ..network.rewrite import fixed_biases, rewrite_file
from ..text import Shown, ShownTable, count
from ..tools.files import write_whole
from .layers import predictions
from .sparse import EngineComparison, choices

__all__ = ["SHARES", "Inputs", "Point", "Pruned", "prune"]

SHARES = ("sensitive", "even")
PERCENT, TENTHS, WHOLE = "{:.1f} %".format, "{:.1f}".format, "{:,.0f}".format
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


@dataclass(frozen=True, eq=False, repr=False)
class Pruned(Shown):
    """The path from a network, the first point, to the density that was wanted, the last one.

    Members
    -------
    source : Path
        The file that was pruned.
    design : Design
        Whose array's cycles are compared with those of a sparse engine.
    inputs : Inputs
        Those that were calibrated on, and those that were measured.
    lanes : int
        Of the sparse engine whose cycles count.
    points : list of Point
    """

    source: Path
    design: Design
    inputs: Inputs
    lanes: int
    points: list[Point]

    @property
    def summary(self) -> str:
        """What is left, and how it was measured."""
        images = [len(next(iter(each.values())))
                  for each in (self.inputs.calibration, self.inputs.measured)]
        return (f"{100 * self.points[-1].density:.1f} % of the weights are not 0; calibrated on "
                f"{images[0]} inputs, measured on {images[1]} others. Sparse cycles are of the "
                f"first of these, on {self.lanes} lanes; the engine alone.")

    def _view_(self) -> list[str | ShownTable]:
        """Return the networks on the way, and of the last one each layer."""
        points, last = self.points, self.points[-1]
        path = [(100 * each.density, *(100 * part for part in each.accuracy), 1000 * each.noise,
                 each.bits / 8, 100 * each.bits / self.dense_bits, each.dense_cycles,
                 each.chosen_cycles) for each in points]
        layers = [(choice.layer, 100 * choice.density, 1000 * last.errors[choice.layer],
                   choice.bits / 8, choice.dense_cycles, choice.sparse_cycles, choice.engine,
                   choice.reason) for choice in last.layers]
        return [
            ShownTable({"density": PERCENT, **dict.fromkeys(self.accuracies, PERCENT),
                   "noise, thousandths": TENTHS, "CSC, bytes": WHOLE, "of int8": PERCENT,
                   "cycles, dense": count, "faster engine each": count}, path), "",
            ShownTable({"layer": str, "density": PERCENT, "noise, thousandths": TENTHS,
                   "CSC, bytes": WHOLE, "cycles, dense": count, "sparse": count, "faster": str,
                   "because": str}, layers)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as a file of the kind, and with the scales, of the one that it was."""
        write_whole(Path(path), rewrite_file(self.source, self.network))

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


def prune(model: str | os.PathLike[str], data: Images, *,
          design: Design | str | os.PathLike[str] = "ulx3s-85f", measured: Images | None = None,
          labels: NDArray[np.integer[Any]] | None = None, density: float = 0.5,
          share: str = "sensitive", method: str = "surgeon", banks: int | None = None,
          codebook: int | None = None,
          say: Callable[[str], None] = lambda text: None) -> Pruned:
    """Set weights of an int8 network to 0, without training, and measure it on the way there.

    >>> words = numpy.load("networks/kws_dscnn.npz")
    >>> pruned = hwgen.prune("networks/kws_dscnn.tflite", words["input"], method="magnitude",
    ...                      share="even", labels=words["label"])
    >>> f"{pruned.points[-1].density:.2f}"
    '0.50'
    >>> pruned.save("smaller.tflite")

    ``print(pruned)`` shows density, accuracy, size and cycles of each network on the way.

    Parameters
    ----------
    model : str or path
        The file of an int8 network.
    data : array, or arrays by name
        Inputs like those that the network will get, some dozens: weights are chosen by them.
    design : Design, str or path
        Whose array's cycles are compared with those of a sparse engine.
    measured : array, or arrays by name, optional
        Others to measure on; without, every second one of ``data``, which then does not calibrate.
    labels : array of int, optional
        The right class of each input that is given to measure on.
    density : float
        Share of the weights that is left, over all layers.
    share : str
        How the weights are shared among layers: ``sensitive`` or ``even``.
    method : str
        Which weights go: ``surgeon``, by what the sums lose, or ``magnitude``, the least.
    banks : int, optional
        Give each of so many lanes of the sparse engine as many weights.
    codebook : int, optional
        Leave each layer so many different weights besides 0.
    say : function
        Told what happens.
    """
    check(density, share, method, banks, codebook)
    source = Path(model)
    network = read_network(source)
    inputs = inputs_of(network, data, measured, labels)
    pruner = Pruner(network, inputs.calibration, method, banks or 0, codebook or 0,
                    fixed_biases(source, network))
    return prune_by(pruner, source, network, inputs, design_for(design, network), density, share,
                    say)


def check(density: float, share: str, method: str, banks: int | None,
          codebook: int | None) -> None:
    """Refuse what cannot be done, before anything is."""
    if not 0 < density <= 1:
        raise UserError(f"--density must be above 0 and at most 1, not {density:g}")
    check_choice("--share", share, SHARES)
    check_choice("--method", method, METHODS)
    if banks is not None and not 1 <= banks <= 64:
        raise UserError(f"--banks must be 1 to 64, not {banks}")
    if codebook is not None and not 2 <= codebook <= 256:
        raise UserError(f"--codebook must be 2 to 256, not {codebook}")


def inputs_of(network: Network, data: Images, measured: Images | None,
              labels: NDArray[np.integer[Any]] | None) -> Inputs:
    """Return the inputs to calibrate on, and those to measure on."""
    given = input_images(network, data)
    others = given if measured is None else input_images(network, measured)
    count = len(next(iter(others.values())))
    answers = None if labels is None else answers_of(labels, count)
    if measured is not None:
        return Inputs(given, others, () if answers is None else (Measure(others, answers),))
    if count < 2:
        raise UserError("--calibration must have at least 2 inputs, every second of which is "
                        "measured, or --input must give others to measure on")
    parts = [{name: values[first::2] for name, values in given.items()} for first in range(2)]
    return Inputs(parts[0], parts[1], () if answers is None else tuple(
        Measure(part, answers[first::2]) for first, part in enumerate(parts)))


def prune_by(pruner: Pruner, source: Path, network: Network, inputs: Inputs, design: Design,
             density: float, share: str, say: Callable[[str], None]) -> Pruned:
    """Prune a network to a density, and measure it and others on the way there."""
    for measure in inputs.measures:
        measure.check(network)
    lanes = pruner.banks or LANES
    exact = golden(network, inputs.measured, keep=True)
    shared: Callable[[float], dict[str, float]] = partial(even_densities, pruner)
    if share == "sensitive":
        shared = partial(sensitive_densities, pruner, sensitivity(pruner, say))
    points = [point(network, inputs, exact, design, lanes, 0)]
    for wanted in (*(part for part in PATH if part > density), density):
        say(f"density {wanted:g}")
        points.append(point(pruner.prune(shared(wanted)), inputs, exact, design, lanes,
                            pruner.codebook))
    say("")
    return Pruned(source, design, inputs, lanes, points)


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
