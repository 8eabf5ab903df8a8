"""What is tuned for: a network, or layers of which only the shapes are known."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ..arch.design import Design
from ..arch.designs import Designs
from ..compiler.prepare.thresholds import rounding_of
from ..compiler.program import Program
from ..network.graph import Depthwise, Network
from ..network.reader import read_network
from ..predict.efficiency import Work
from ..runtime.compiled import compile_images
from .survey import Survey, SurveyResult
from .topology import read_topology, with_weights

__all__ = ["Model", "Run", "Workload", "read_workload", "evaluate", "runs_of", "workload_of"]

Model = Network | str | os.PathLike[str]
"""A network, or its file."""

Run = tuple[str, list[tuple[Program, list[Work]]]]
"""The name of a workload; of each of its networks the Program, and what each layer takes."""


@dataclass(frozen=True, eq=False)
class Workload:
    """Networks that run one after the other, and count as one.

    A network is itself; a list of shapes is a network for each layer. With ``shapes_only`` the
    weights are made up; those of a ``topology`` have no values until a Program is made of them.
    """

    name: str
    networks: tuple[Network, ...]
    shapes_only: bool = False
    topology: bool = False

    @cached_property
    def surveys(self) -> list[Survey]:
        """The networks, ready to be asked what they take."""
        return [Survey(network) for network in self.networks]

    def networks_for(self, design: Design) -> Iterator[Network]:
        """Yield the networks with all weights, to make Programs for a Design of."""
        for network in self.networks:
            yield with_weights(network, design) if self.topology else network

    @property
    def layers(self) -> list[str]:
        """Names of all layers."""
        return [name for survey in self.surveys for name in survey.layers]

    @property
    def rounding(self) -> str:
        """How sums are rounded."""
        return self.networks[0].rounding

    @property
    def longest_kernel(self) -> int:
        """The longest side of the windows of depthwise layers."""
        return max((side for _, layer in self._depthwise for side in layer.window.kernel),
                   default=0)

    @property
    def longest_row(self) -> int:
        """Pixels of the longest row that a depthwise layer may stream, its padding left out."""
        return max((side for network, layer in self._depthwise
                    for side in network.tensors[layer.inputs[0]].shape[1:3]), default=0)

    @property
    def most_vectors(self) -> int:
        """Vectors of the largest output."""
        return max(math.prod(network.tensors[layer.output].shape[1:-1])
                   for network in self.networks for layer in network.layers)

    @property
    def _depthwise(self) -> list[tuple[Network, Depthwise]]:
        return [(network, layer) for network in self.networks for layer in network.layers
                if isinstance(layer, Depthwise)]

    def evaluate(self, designs: Designs, *, by_layer: bool = False) -> SurveyResult:
        """Return what all networks take, one after the other, loaded together."""
        found = [survey.evaluate(designs, by_layer=by_layer) for survey in self.surveys]
        return SurveyResult(np.sum([each.cycles for each in found], axis=0),
                            np.concatenate([each.layers for each in found]),
                            np.max([each.activations for each in found], axis=0),
                            np.sum([each.program for each in found], axis=0))


def workload_of(model: Model) -> Workload:
    """Return what a network is to the tuner, or what a file has."""
    return workload_of_network(model) if isinstance(model, Network) else read_workload(model)


def workload_of_network(network: Network) -> Workload:
    """Return a network with the rounding that it wants."""
    return Workload(network.name, (replace(network, rounding=rounding_of(network)),))


def read_workload(file: str | os.PathLike[str]) -> Workload:
    """Read a network, with weights or, in ONNX, without; or a topology of SCALE-Sim (.csv)."""
    path = os.fspath(file)
    if Path(path).suffix.lower() == ".csv":
        return Workload(Path(path).stem, read_topology(path), shapes_only=True,
                        topology=True)
    if Path(path).suffix.lower() == ".onnx" and os.path.isfile(path):
        from .shapes import read_shapes  # takes longer to import than the rest
        if (shapes := read_shapes(path)) is not None:
            return Workload(Path(path).stem, (shapes,), shapes_only=True)
    return workload_of_network(read_network(path))


def runs_of(workloads: Sequence[Workload], design: Design) -> list[Run]:
    """Compile for a Design, and return what all layers take."""
    runs = []
    for workload in workloads:
        found = [compile_images(network, design) for network in workload.networks_for(design)]
        runs.append((workload.name, [(each.program, each.layers) for each in found]))
    return runs


def evaluate(workloads: Sequence[Workload], designs: Designs,
             ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cycles of each workload, and what all need of both memories, on each Design."""
    surveys = [workload.evaluate(designs) for workload in workloads]
    return (np.stack([each.cycles for each in surveys]),
            np.max([each.activations for each in surveys], axis=0),
            np.max([each.program for each in surveys], axis=0))
