"""Cycles of SCALE-Sim's model of a systolic array, to hold ours against.

``python -m hwgen.tune.scale_sim 12x14 alexnet.csv`` prints both for each layer of a
topology, or, of several topologies, for each of them.

SCALE-Sim keeps weights in an array of R x C cells for a fold of K x N of them, loads those in R
cycles, lets T vectors pass, and drains the array before it loads the next ones: 2 R + C + T - 2
cycles for each of ceil(K / R) ceil(N / C) folds. That is its compute time where memory never makes
it wait, as version 3.0.0 reports it with ``InterfaceBandwidth: CALC`` and ``Dataflow: ws``.
"""

import sys
from collections.abc import Sequence

import numpy as np

from ..arch.designs import Designs
from ..network.graph import Convolution, Depthwise, Network
from ..text import table
from .workload import Workload, read_workload

__all__ = ["compare_layers", "their_cycles"]

PARTIAL_SUMS = 4096


def their_cycles(network: Network, rows: int, columns: int) -> int:
    """Return SCALE-Sim's cycles of one layer."""
    [layer] = network.layers
    _, height, width, _ = network.tensors[layer.output].shape
    if isinstance(layer, Convolution):
        filters, *kernel = layer.weights.shape
        times = 1
    elif isinstance(layer, Depthwise):  # a layer for each channel
        *kernel, outputs = layer.weights.shape
        times = network.tensors[layer.inputs[0]].shape[3]
        filters = outputs // times
    else:
        raise TypeError(f"A layer of a topology is no {layer.operator}")
    folds = -(-int(np.prod(kernel)) // rows) * -(-filters // columns)
    return times * (folds * (2 * rows + columns + height * width - 2) - 1)


def compare_layers(workload: Workload, rows: int, columns: int) -> list[tuple[str, int, int]]:
    """Return the name of each layer, SCALE-Sim's cycles, and ours on an array of that size."""
    one = Designs(np.array([rows]), columns, columns, 0, 0, PARTIAL_SUMS)
    ours = workload.evaluate(one, by_layer=True).layers[:, 0].tolist()
    return [(network.name, their_cycles(network, rows, columns), cycles)
            for network, cycles in zip(workload.networks, ours, strict=True)]


def main(size: str, paths: Sequence[str]) -> None:
    """Print a table."""
    rows, columns = map(int, size.split("x"))
    found = {}
    for path in paths:
        workload = read_workload(path)
        found[workload.name] = compare_layers(workload, rows, columns)
    lines = list(found.values())[0] if len(found) == 1 else []
    lines += [(name, sum(theirs for _, theirs, _ in layers), sum(ours for *_, ours in layers))
              for name, layers in found.items()]
    print(table(["", "SCALE-Sim", "hwgen", "ratio"],
                [[name, f"{theirs:,}", f"{ours:,}", f"{theirs / ours:.2f}"]
                 for name, theirs, ours in lines]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
