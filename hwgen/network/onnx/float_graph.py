"""A float network made ready to be quantised: what one layer computes found, and folded.

A chain is what one layer of the accelerator computes: a Conv or a Gemm with the constants that are
added and multiplied to it, and the Relu or Clip at its end. Only its last edge is quantised.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .file import Graph, Node
from .float_ops import gain_and_bias

__all__ = ["PASSING", "PRODUCTS", "chain_ends", "fold_graph", "is_last", "output_axis", "sources"]

PASSING = {"Clip", "DepthToSpace", "Dropout", "Flatten", "GlobalMaxPool", "Identity", "MaxPool",
           "Pad", "Relu", "Reshape", "Resize", "Slice", "SpaceToDepth", "Squeeze", "Transpose",
           "Unsqueeze"}
"""Operators whose result is on the grid of what they read."""

PRODUCTS = {"Conv", "Gemm", "MatMul"}
STEPS = {"Add", "BatchNormalization", "Div", "Mul", "Sub"}
CURVES = {"Elu", "Gelu", "HardSwish", "LeakyRelu", "PRelu", "Sigmoid", "Tanh"}
HEADS = PRODUCTS | STEPS | CURVES | {"AveragePool", "Concat", "GlobalAveragePool", "Max",
                                     "ReduceMean"}

OF_THE_HOST = {"QuantizeLinear", "DequantizeLinear", "Reshape", "Flatten", "Transpose", "Squeeze",
               "Unsqueeze", "Identity"}
"""Operators that the host does to what it computes."""


def fold_graph(graph: Graph) -> Graph:
    """Return a graph whose products have weights, a bias, and neither alpha, beta nor what follows.

    BatchNormalization, and Add, Sub, Mul and Div with a constant, are folded where they follow a
    product that nothing else reads.
    """
    constants = dict(graph.constants)
    graph = replace(graph, constants=constants)
    nodes: list[Node] = []
    consumed: set[str] = set()
    for node in graph.nodes:
        if consumed.intersection(node.outputs):
            continue
        if node.operator in PRODUCTS and not node.domain and len(node.inputs) > 1 \
                and node.inputs[1] in constants:
            node = _product(graph, node, consumed)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def output_axis(node: Node, weights: np.ndarray) -> int:
    """Return the axis of a product's weights that counts its output channels."""
    return 0 if node.operator == "Conv" or node.integer("transB", 0) else weights.ndim - 1


def _product(graph: Graph, node: Node, consumed: set[str]) -> Node:
    """Return a product with all that follows it in its weights and its bias."""
    constants = graph.constants
    weights = constants[node.inputs[1]]
    if weights.ndim < 2 or weights.dtype.kind != "f":
        raise node.error(f"has weights of {list(weights.shape)} and {weights.dtype}; "
                         "we quantise floating-point weights of at least two axes")
    if not np.isfinite(weights).all():
        raise node.error("has weights that are not finite numbers")
    weights, axis = weights.astype(np.float64), output_axis(node, weights)
    outputs = weights.shape[axis]
    bias = np.zeros(outputs)
    if len(node.inputs) > 2 and node.inputs[2]:
        if node.inputs[2] not in constants:
            raise node.error("computes its bias; we run it with a constant one")
        given = constants[node.inputs[2]].astype(np.float64)
        if given.size not in (1, outputs):
            raise node.error(f"adds {list(given.shape)} to {outputs} channels; "
                             "we add one value to each")
        bias = bias + given.reshape(-1)
    if node.operator == "Gemm":
        weights, bias = weights * node.number("alpha", 1.0), bias * node.number("beta", 1.0)
    # After the channels of a product come the height and width of an image.
    inner = weights.ndim - 2 if node.operator == "Conv" else 0
    output = node.outputs[0]
    while output not in graph.outputs:
        following = graph.readers.get(output, [])
        step = _affine(graph, following[0], output, outputs, inner) \
            if len(following) == 1 else None
        if step is None:
            break
        shape = [1] * weights.ndim
        shape[axis] = outputs
        weights, bias = weights * step[0].reshape(shape), bias * step[0] + step[1]
        output = following[0].outputs[0]
        consumed.add(output)
    names = [unused_name(graph, f"{output}/{what}") for what in ("weights", "bias")]
    constants.update(zip(names, (weights, bias), strict=True))
    attributes = {name: value for name, value in node.attributes.items()
                  if name not in ("alpha", "beta")}
    return replace(node, inputs=(node.inputs[0], *names), outputs=(output,), attributes=attributes)


def unused_name(graph: Graph, name: str) -> str:
    """Return a name that no tensor of the graph has."""
    there = {*graph.constants, *graph.readers, *graph.inputs, *graph.outputs}
    while name in there:
        name += "'"
    return name


def _affine(graph: Graph, node: Node, edge: str, channels: int, inner: int
            ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return gain and bias of a node that follows a product; None where it is something else."""
    constants = graph.constants
    if node.domain or node.operator not in STEPS or not node.outputs:
        return None
    if node.operator == "BatchNormalization":
        found = [constants.get(name) for name in node.inputs[1:5]]
        arrays = [f.astype(np.float64) for f in found if f is not None and f.shape == (channels,)]
        if node.inputs[0] != edge or len(arrays) != 4:
            return None
        with np.errstate(all="ignore"):
            gain = arrays[0] / np.sqrt(arrays[3] + node.number("epsilon", 1e-5))
        return gain, arrays[1] - arrays[2] * gain
    if len(node.inputs) != 2 or node.inputs[0] == node.inputs[1]:
        return None
    first = node.inputs[0] == edge
    other = constants.get(node.inputs[1 if first else 0])
    # A constant along another axis than the channels the reader refuses, by name.
    if other is None or other.size != 1 and (
            other.size != channels or other.ndim <= inner
            or other.shape[other.ndim - 1 - inner] != channels):
        return None
    if node.operator == "Div" and (not first or np.any(other == 0)):
        return None
    operator = "From" if node.operator == "Sub" and not first else node.operator
    times, plus = gain_and_bias(operator, other.astype(np.float64).reshape(-1))
    return np.broadcast_to(times, (channels,)), np.broadcast_to(plus, (channels,))


def is_last(graph: Graph, edge: str) -> bool:
    """Return whether nothing comes behind an edge but what the host does."""
    return all(node.operator in OF_THE_HOST and is_last(graph, node.outputs[0])
               for node in graph.readers.get(edge, []))


def gate_end(graph: Graph, node: Node) -> str:
    """Return the edge of a Mul by which a curve's own input is all that it is multiplied by.

    Sigmoid and this Mul are SiLU: one function of one number. Else return the curve's own edge.
    """
    edge = node.outputs[0]
    match graph.readers.get(edge, []):
        case [Node(operator="Mul", domain="") as following] if following.outputs and \
                edge not in graph.outputs and \
                sorted(following.inputs) == sorted((edge, node.inputs[0])):
            return following.outputs[0]
    return edge


def chain_ends(graph: Graph) -> Iterator[tuple[Node, str]]:
    """Yield the node at the head of each chain, and the edge at its end."""
    ended: set[str] = set()
    for node in graph.nodes:
        if node.domain or node.operator not in HEADS or not node.outputs or \
                ended.intersection(node.outputs) or \
                all(edge in graph.constants for edge in node.inputs) or \
                node.operator == "Sigmoid" and is_last(graph, node.outputs[0]):
            continue
        edge = gate_end(graph, node) if node.operator in CURVES else node.outputs[0]
        ended.add(edge)
        while edge not in graph.outputs:
            following = graph.readers.get(edge, [])
            if len(following) != 1 or following[0].operator not in ("Relu", "Clip") \
                    or following[0].inputs[0] != edge or not following[0].outputs:
                break
            edge = following[0].outputs[0]
        yield node, edge


def sources(graph: Graph, quantised: set[str]) -> dict[str, str]:
    """Return, for each edge, the quantised edge whose grid it is on."""
    result = {edge: edge for edge in quantised}
    for node in graph.nodes:
        if node.operator in PASSING and node.inputs and node.inputs[0] in result:
            for edge in node.outputs:
                result.setdefault(edge, result[node.inputs[0]])
    return result
