"""Cycles of each layer on the sparse engine and on the dense array, and which is faster.

Cycles of the sparse engine depend on which activations are 0: they are exact for one input.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiler.csc import Storage, encode, storage
from ..compress.codebook import cluster
from ..golden.network.taps import rows
from ..golden.sparse.decoder import EntryFormat
from ..golden.sparse.layer import run_layer
from ..network.graph import Depthwise, Network, Weighted
from .efficiency import Work

__all__ = ["EngineComparison", "best_index_bits", "choices", "formats", "matrices"]

INDEX_BITS = range(2, 9)

Matrices = Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True, kw_only=True)
class EngineComparison:
    """One layer on either engine.

    Members
    -------
    layer : str
    density : float
        Of its weights.
    dense_bits : int
    storage : Storage, or None
        What its weights take as compressed columns; None where they are no matrix.
    dense_cycles : int
        On the array, the layers' steps one after the other.
    sparse_cycles : int, or None
        On the sparse engine, from the first vector to the last sums.
    engine : str
        ``dense`` or ``sparse``: the faster one; ``dense`` where both take as long.
    reason : str
    """

    layer: str
    density: float
    dense_bits: int
    storage: Storage | None
    dense_cycles: int
    sparse_cycles: int | None
    engine: str
    reason: str

    @property
    def bits(self) -> int:
        """Bits of the compressed weights, or of the dense ones where they are no matrix."""
        return self.storage.csc if self.storage else self.dense_bits

    @property
    def cycles(self) -> int:
        """Cycles on the engine that is chosen."""
        return self.dense_cycles if self.sparse_cycles is None else \
            min(self.dense_cycles, self.sparse_cycles)


def matrices(layers: Iterable[Weighted]) -> dict[str, NDArray[np.int8]]:
    """Return the weights of the layers that are a matrix product, by their names."""
    return {layer.name: rows(layer) for layer in layers if not isinstance(layer, Depthwise)}


def formats(weights: Matrices, index_bits: int, codebook: int) -> dict[str, EntryFormat]:
    """Return the format of each matrix: values are weights, or choose from a codebook of its own.

    There must be a codebook in the weights: at most so many different ones besides 0.
    """
    if not codebook:
        return {name: EntryFormat(index_bits=index_bits) for name in weights}
    bits = (codebook - 1).bit_length()
    return {name: EntryFormat(index_bits=index_bits, value_bits=bits,
                              codebook=cluster(matrix, codebook))
            for name, matrix in weights.items()}


def best_index_bits(weights: Matrices, lanes: int, codebook: int) -> int:
    """Return the bits of an index with which all matrices together take fewest."""
    def total(index_bits: int) -> int:
        form = formats(weights, index_bits, codebook)
        return sum(storage(encode(matrix, form[name], lanes)).csc
                   for name, matrix in weights.items())

    return min(INDEX_BITS, key=total)


def choices(network: Network, layers: Iterable[Weighted], values: Mapping[str, NDArray[np.int8]],
            work: Mapping[str, Work], lanes: int, codebook: int) -> list[EngineComparison]:
    """Return the choice for each of some layers.

    ``values`` are all tensors of one input; ``work`` what each layer takes on the array.
    """
    layers = list(layers)
    weights = matrices(layers)
    form = formats(weights, best_index_bits(weights, lanes, codebook) if weights else 2, codebook)
    found = []
    for layer in layers:
        dense = work[layer.name]
        facts: dict[str, Any] = {"layer": layer.name, "dense_bits": 8 * layer.weights.size,
                                 "density": np.count_nonzero(layer.weights) / layer.weights.size,
                                 "dense_cycles": dense.cycles}
        if isinstance(layer, Depthwise):
            found.append(EngineComparison(**facts, storage=None, sparse_cycles=None, engine="dense",
                                          reason="depthwise: its weights are no matrix"))
            continue
        matrix = encode(weights[layer.name], form[layer.name], lanes)
        source = layer.inputs[0]
        _, run = run_layer(layer, matrix, values[source], network.tensors[source].zero_point,
                           network.rounding)
        share = run.work / dense.products if dense.products else 0.0
        busy = dense.multipliers_busy or 0.0
        reason = (f"{share:.0%} of the products on {lanes} lanes, {run.busy:.0%} busy; "
                  f"else {dense.multipliers} multipliers, {busy:.0%} busy")
        found.append(EngineComparison(**facts, storage=storage(matrix), sparse_cycles=run.cycles,
                                      engine="sparse" if run.cycles < dense.cycles else "dense",
                                      reason=reason))
    return found
