"""The layers of a Program that are left for the host."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..compiler.program import Program
from ..golden.network import network as golden
from ..network.graph import Network

__all__ = ["computed_by_host"]

Bytes = NDArray[np.int8]


def computed_by_host(program: Program, network: Network, values: Mapping[str, Bytes],
                     ) -> dict[str, Bytes]:
    """Return inputs, what the accelerator gave, and what the host's layers make of it."""
    values = dict(values)
    hosted = {layer.output for layer in program.host_layers}
    for layer in network.layers:
        if layer.output in hosted:
            values[layer.output] = golden.compute(network, layer,
                                                  [values[name] for name in layer.inputs])
    return values
