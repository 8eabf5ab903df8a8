"""Other weights and biases in an ONNX file.

Between a file's constants and a layer's weights lie transpositions, flattened images, signs of
gains: all that the reader knows. So it is asked where each weight comes from: it reads the file
with numbers in place of the weights, and they come out where the weights would.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..graph import Network, Weighted
from .file import array, parse
from .reading import read

__all__ = ["fixed_biases", "replace_weights"]

BASE = 100
"""Of the digits in which numbers are written. With 1 added, so that none hides its sign, all of
them are weights of 8 bits."""

OFFSETS = {np.dtype("i1"): 0, np.dtype("u1"): 128}
"""What stands for a weight of 0."""


def replace_weights(data: bytes, layers: Mapping[str, Weighted]) -> bytes:
    """Return the file with the weights and biases of some layers of its network, by their names."""
    file = Marked(data)
    original = read(data)
    changed = {index: values.copy() for index, values in file.stored.items()}
    for name, layer in layers.items():
        index, places = file.weights(name)
        values = layer.weights.astype(np.int64) * file.signs(name)
        changed[index].reshape(-1)[places] = values + OFFSETS[changed[index].dtype]
        if not np.array_equal(layer.bias, layer_of(original, name).bias):
            index, places = file.biases(name)
            changed[index].reshape(-1)[places] = layer.bias
    result = file.replace_constants(changed)
    made = read(result)
    for name, layer in layers.items():
        # Some weights the reader multiplies, for a bias that else were between two of their sums.
        if is_multiple(layer_of(made, name).weights, layer.weights):
            raise UserError(f"the weights of layer {name!r} are not those of the file, but a "
                            "multiple; `hwgen quantize` writes files where they are")
    return result


def is_multiple(found: NDArray[Any], wanted: NDArray[Any]) -> bool:
    """Return whether weights are others than those that are wanted, and multiples of them."""
    if found.shape != wanted.shape:
        return True
    some = wanted != 0
    ratios, rest = np.divmod(found[some].astype(np.int64), wanted[some])
    return not (rest.any() or found[~some].any() or (ratios < 1).any()) and bool((ratios > 1).any())


def fixed_biases(data: bytes, layers: Iterable[str]) -> frozenset[str]:
    """Return those of some layers, by their names, whose biases cannot be replaced."""
    file = Marked(data)
    found = set()
    for name in layers:
        try:
            file.biases(name)
        except UserError:
            found.add(name)
    return frozenset(found)


def layer_of(network: Network, name: str) -> Weighted:
    """Return a layer of a network."""
    return next(layer for layer in network.layers
                if layer.name == name and isinstance(layer, Weighted))


class Marked:
    """A file, and what the reader makes of it with numbers in place of its constants."""

    def __init__(self, data: bytes) -> None:
        """Read the file with every digit of every number."""
        self.model, _ = parse(data)
        nodes = self.model.graph.node
        # A zero point of as many values as a bias has, and of its type, is none.
        zeros = {name for node in nodes if node.op_type == "DequantizeLinear"
                 for name in node.input[2:]}
        constants = [*((tensor.name, tensor) for tensor in self.model.graph.initializer),
                     *((node.output[0], attribute.t) for node in nodes
                       if node.op_type == "Constant"
                       for attribute in node.attribute if attribute.name == "value")]
        self.tensors = [tensor for name, tensor in constants if name not in zeros]
        found = {index: array(tensor) for index, tensor in enumerate(self.tensors)
                 if tensor.data_type in (2, 3, 6)}
        weights = {index: values for index, values in found.items()
                   if values.dtype in OFFSETS and values.ndim > 1}
        biases = {index: values for index, values in found.items()
                  if values.dtype == np.int32 and values.ndim == 1}
        self.stored: dict[int, NDArray[Any]] = {**weights, **biases}
        largest = max((values.size for values in weights.values()), default=1)
        self.digits = [read(self.replace_constants({index: marks(values, digit, index)
                                                    for index, values in weights.items()}))
                       for digit in range(-2, len(str(largest - 1)) // 2 + 1)]
        self.numbers = [read(self.replace_constants({index: np.arange(values.size) if not number
                                                     else np.full(values.size, index)
                                                     for index, values in biases.items()}))
                        for number in range(2)] if biases else []

    def replace_constants(self, values: Mapping[int, NDArray[Any]]) -> bytes:
        """Return the file with some constants replaced."""
        for index, each in values.items():
            self.tensors[index].ClearField("int32_data")
            self.tensors[index].raw_data = each.astype(self.stored[index].dtype).tobytes()
        result: bytes = self.model.SerializeToString()
        for index in values:
            self.tensors[index].raw_data = self.stored[index].tobytes()
        return result

    def weights(self, name: str) -> tuple[int, NDArray[np.int64]]:
        """Return the constant that a layer's weights are in, and the place of each there."""
        high, low, *rest = (np.abs(layer_of(network, name).weights.astype(np.int64)) - 1
                            for network in self.digits)
        index = int((high * BASE + low).max())
        places = sum(digit * BASE ** power for power, digit in enumerate(rest))
        fits = index in self.stored and bool(np.all(high * BASE + low == index))
        if not fits or not np.array_equal(np.sort(places.reshape(-1)),
                                          np.arange(self.stored[index].size)):
            raise UserError(f"the weights of layer {name!r} are not those of one symmetric int8 "
                            "constant of the file; `hwgen quantize` writes files where they are")
        return index, places

    def signs(self, name: str) -> NDArray[np.int64]:
        """Return -1 where the file has a weight with the other sign, else 1."""
        return np.where(layer_of(self.digits[0], name).weights < 0, -1, 1)

    def biases(self, name: str) -> tuple[int, NDArray[np.int64]]:
        """Return the constant that a layer's biases are in, and the place of each there."""
        if self.numbers:
            places, numbers = (layer_of(network, name).bias for network in self.numbers)
            index = int(numbers[0])
            if index in self.stored and np.all(numbers == index) and np.array_equal(
                    np.sort(places), np.arange(self.stored[index].size)):
                return index, places.astype(np.int64)
        raise UserError(f"the bias of layer {name!r} is no int32 constant of the file in steps of "
                        "its sums; `hwgen quantize` writes files where it is")


def marks(values: NDArray[Any], digit: int, index: int) -> NDArray[np.int64]:
    """Return a digit of each element's number, and 1; digits below 0 are the constant's own."""
    if digit < 0:
        found = np.full(values.size, index // BASE ** (-1 - digit) % BASE)
    else:
        found = np.arange(values.size) // BASE ** digit % BASE
    return found.reshape(values.shape) + 1 + OFFSETS[values.dtype]
