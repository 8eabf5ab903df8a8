"""Other weights and biases in the bytes of a .tflite file."""

import math
from collections.abc import Mapping

import numpy as np

from ...arch.nibbles import HIGHEST, LOWEST, fit_nibbles, join_nibbles
from ...errors import UserError
from ..graph import Weighted
from .file import parse

__all__ = ["fixed_biases", "replace_constants"]


def replace_constants(data: bytes, layers: Mapping[str, Weighted]) -> bytes:
    """Return the file with the constants of some layers, by their names, in the same places."""
    result = bytearray(data)
    file = parse(bytes(data))
    for number, operator in enumerate(file.operators):
        layer = layers.get(operator.layer(number))
        if layer is None:
            continue
        for position, array in ((1, layer.weights.astype("<i1")), (2, layer.bias.astype("<i4"))):
            index = operator.inputs[position] if position < len(operator.inputs) else -1
            if index < 0:
                if np.any(array):
                    raise UserError(f"the file has no bias for layer {layer.name!r}, whose bias "
                                    "would change")
                continue
            stored = file.tensors[index]
            if array.size != math.prod(stored.shape):
                raise UserError(f"the weights of layer {layer.name!r} are in groups, which hwgen "
                                "reads as one and does not write")
            begin, written = stored.offset, array.tobytes()
            if stored.type == "INT4":
                if not fit_nibbles(array):
                    raise UserError(f"the weights of layer {layer.name!r} have 4 bits in the file, "
                                    f"and must stay {LOWEST} to {HIGHEST}")
                written = join_nibbles(array).tobytes()
            result[begin:begin + len(written)] = written
    return bytes(result)


def fixed_biases(data: bytes) -> frozenset[str]:
    """Return the names of the layers that have no bias in the file, so that it stays 0."""
    return frozenset(operator.layer(number)
                     for number, operator in enumerate(parse(data).operators)
                     if len(operator.inputs) < 3 or operator.inputs[2] < 0)
