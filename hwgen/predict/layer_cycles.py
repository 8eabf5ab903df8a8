"""What the layers of a network take on a Design, for a search that asks of many networks."""

from collections.abc import Callable

from ..arch.design import Design
from ..compiler.compile import draft
from ..cost.cycles import Array, total_cycles
from ..network.graph import Network

__all__ = ["layer_cycles"]


def layer_cycles(design: Design) -> Callable[[Network], dict[str, int]]:
    """Return a function from a network to the cycles of its layers, by the tensors they write.

    They equal the counters of the hardware, for layers with and without weights. A sparse engine is
    left out, because its cycle count depends on the input.
    """
    array = Array.of(design)

    def cost(network: Network) -> dict[str, int]:
        program = draft(network, design)
        return {part.output: total_cycles(program.steps[part.first:part.first + part.count], array)
                for part in program.layers}

    return cost
