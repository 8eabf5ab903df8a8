"""A sequence through cells with gates, as TensorFlow Lite Micro computes it on 8 and 16 bits."""

import numpy as np
from numpy.typing import NDArray

from ...network import graph
from ...network.gates import saturate, update_cells
from .arithmetic import Integers, requantise, scale, wrap

__all__ = ["lstm"]

Bytes = NDArray[np.int8]


def gate_sums(vectors: Bytes, weights: Bytes, bias: NDArray[np.signedinteger], zero_point: int,
              scalings: NDArray[np.signedinteger]) -> Integers:
    """Return what one kind of vectors, (images, values), adds to the gates: (4, images, cells)."""
    centred = vectors.astype(np.int64) - zero_point
    sums = wrap(np.einsum("iv,gcv->gic", centred, weights.astype(np.int64)) + bias[:, None])
    return np.stack([saturate(scale(gate, *way)) for gate, way in zip(sums, scalings, strict=True)])


def lstm(inputs: list[Bytes], layer: graph.Lstm, zero_point: int) -> Bytes:
    """Return what the cells give at all times, and what they hold then, as bytes."""
    count, by = layer.cells, layer.requantisation
    images = len(inputs[0])
    sequence, state = (each.reshape(images, -1, size) for each, size in zip(
        inputs, (layer.weights.shape[2], 3 * count), strict=True))
    given = state[:, 0, :count]
    cells = np.ascontiguousarray(state[:, 0, count:]).view("<i2").astype(np.int64)
    outputs = []
    for time in range(sequence.shape[1]):
        gates = saturate(
            gate_sums(sequence[:, time], layer.weights, layer.bias, zero_point, layer.scalings[0])
            + gate_sums(given, layer.recurrent, np.zeros_like(layer.bias), by.zero_point,
                        layer.scalings[1]))
        cells, product = update_cells(gates, cells, layer.power, layer.clip)
        given = requantise(product, by)
        outputs.append(given)
    return np.concatenate([*outputs, cells.astype("<i2").view(np.int8)], axis=1)
