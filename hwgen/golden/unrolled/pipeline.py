"""A graph of adders in NumPy, node by node."""

import numpy as np
from numpy.typing import NDArray

from ...arch import adder_graph

__all__ = ["Pipeline"]

Integers = NDArray[np.int64]


class Pipeline:
    """Computes what the hardware of a graph does, and checks the limits of every node.

    Parameters
    ----------
    graph : AdderGraph
    """

    def __init__(self, graph: adder_graph.AdderGraph) -> None:
        self.graph = graph

    def run(self, inputs: NDArray[np.signedinteger]) -> Integers:
        """Return the outputs of inputs, an inference along the first axis of both."""
        values: list[Integers] = []
        for node in self.graph.nodes:
            match node:
                case adder_graph.InputNode():
                    value = inputs[:, node.index].astype(np.int64) - self.graph.input_zero
                case adder_graph.ConstantNode():
                    value = np.full(len(inputs), node.low)
                case adder_graph.AdderNode():
                    left = values[node.left] << node.left_shift
                    right = values[node.right] << node.right_shift
                    value = left - right if node.minus else left + right
                case adder_graph.MultiplierNode():
                    value = values[node.source] * node.factor
                case adder_graph.ClampNode():
                    value = values[node.source] >> node.shift
                    value = np.clip(~value if node.inverted else value, node.low, node.high)
                case adder_graph.PickNode():
                    value = np.where(values[node.test] < 0, node.negative, node.other)
                case _:
                    raise TypeError(f"a {type(node).__name__} is no node of a graph")
            if np.any(value < node.low) or np.any(value > node.high):
                raise ValueError(f"node {len(values)} leaves its limits: {node}")
            values.append(value)
        return np.stack([values[number] for number in self.graph.outputs], axis=1)
