"""What a network computes: every layer in turn, on integers alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...network.graph import Network
from .layers import Bytes, compute

__all__ = ["compute", "run"]

Values = dict[str, NDArray[Any]]
"""Arrays by name: int8, and int32 for sums that are an output."""

IMAGES = 16
"""Images that go through the network together, which bounds the memory of many."""


def inputs_by_name(network: Network, x: Bytes | Mapping[str, Bytes]) -> Values:
    """Return the inputs by name, with as many images in each."""
    if not isinstance(x, Mapping):
        if len(network.inputs) != 1:
            raise UserError(f"the network has the inputs {', '.join(network.inputs)}: "
                            "give each by its name")
        x = {network.inputs[0]: x}
    if sorted(x) != sorted(network.inputs):
        raise UserError(f"the network's inputs are {', '.join(network.inputs)}, "
                        f"not {', '.join(x) or 'none'}")
    values = {name: network.check_input(name, np.asarray(value)) for name, value in x.items()}
    if len({len(value) for value in values.values()}) != 1:
        raise UserError("all inputs must have the same number of images")
    return values


def run(network: Network, x: Bytes | Mapping[str, Bytes], *, keep: bool = False,
        state: Mapping[str, Bytes] | None = None) -> Values:
    """Return the network's outputs by name, or with ``keep`` every tensor that is computed.

    ``x`` is the input, or with several inputs a mapping from their names. Its first axis counts
    images, and so does the first axis of what is returned. Each image meets the network in the same
    ``state``, the initial one where none is given; for one after another there is a
    :class:`~hwgen.golden.network.stream.GoldenStream`.
    """
    inputs = inputs_by_name(network, x)
    images = len(next(iter(inputs.values())))
    names = list(network.inputs) + [layer.output for layer in network.layers] if keep \
        else list(dict.fromkeys(network.outputs))
    results: Values = {
        name: np.empty((images, *tensor.shape[1:]), tensor.precision.dtype)
        for name, tensor in ((name, network.tensors[name]) for name in names)}
    for first in range(0, images, IMAGES):
        part = slice(first, first + IMAGES)
        values = {name: value[part] for name, value in inputs.items()}
        count = len(next(iter(values.values())))
        values |= {name: np.broadcast_to(value, (count, *value.shape[1:]))
                   for name, value in (state or network.initial_state).items()}
        for layer in network.layers:
            values[layer.output] = compute(network, layer, [values[n] for n in layer.inputs])
        for name in names:
            results[name][part] = values[name]
    return results
