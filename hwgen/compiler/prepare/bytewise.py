"""Layers of two tensors that are functions of one byte, such as a number times its own gate."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...golden.network.network import compute
from ...network.graph import Add, Elementwise, Layer, Lookup, Network
from ...network.lookups import BYTES
from ...network.table import Table

__all__ = ["with_functions"]


@dataclass(frozen=True, eq=False)
class Function:
    """What a byte of a tensor is, by the byte at its place in another one."""

    of: str
    names: tuple[str, ...]
    """The operators that compute it."""
    values: NDArray[np.int8]
    """For -128 to 127."""


def with_functions(network: Network) -> Network:
    """Return the network with a table for each layer of several inputs that come of one byte.

    What nobody reads any more is left out.
    """
    functions: dict[str, Function] = {}
    layers: list[Layer] = []
    for layer in network.layers:
        found = function_of(network, layer, functions)
        if found:
            functions[layer.output] = found
            if len(layer.inputs) > 1:
                layer = Lookup(name=layer.name, inputs=(found.of,), output=layer.output,
                               table=Table(", ".join(found.names), found.values))
        layers.append(layer)
    kept = select_read(layers, {*network.outputs, *(state.next for state in network.states)},
                  {layer.output for layer in network.layers} - {*functions})
    return replace(network, layers=tuple(kept))


def function_of(network: Network, layer: Layer, known: dict[str, Function]) -> Function | None:
    """Return a layer as a function of one byte, if it is one."""
    tensors = network.tensors
    if not isinstance(layer, Elementwise) or isinstance(layer, Add) and len(layer.constant) > 1:
        return None
    inputs = [known.get(name, Function(name, (), BYTES.astype(np.int8))) for name in layer.inputs]
    used = [tensors[name] for name in (inputs[0].of, *layer.inputs, layer.output)]
    alike = {(tensor.size, tensor.precision) for tensor in used}
    if len({each.of for each in inputs}) > 1 or len(alike) > 1:
        return None
    names = dict.fromkeys(layer.inputs)
    one = replace(network, layers=(layer,), inputs=tuple(names), outputs=(layer.output,), states=(),
                  tensors={name: replace(tensors[name], shape=(1, 1))
                           for name in (*names, layer.output)})
    values = compute(one, layer, [each.values[:, None] for each in inputs])
    through = dict.fromkeys(name for each in inputs for name in each.names)
    return Function(inputs[0].of, (*through, layer.title), values.reshape(-1).astype(np.int8))


def select_read(layers: Iterable[Layer], read: set[str], always: set[str]) -> list[Layer]:
    """Return the layers whose output is ``read``, or stays ``always``."""
    found: list[Layer] = []
    for layer in reversed([*layers]):
        if layer.output in read | always:
            read |= {*layer.inputs}
            found.append(layer)
    return found[::-1]
