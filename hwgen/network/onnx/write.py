"""Writes an ONNX file with QuantizeLinear and DequantizeLinear between its float operators."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .file import Graph, Node, parse
from .float_graph import PASSING, PRODUCTS, output_axis, sources

__all__ = ["Grid", "write"]

Floats = NDArray[np.float32]

PARTS = np.linspace(1, 0.3, 29)
"""Parts of a range that fewer than 8 bits are tried on."""


@dataclass(frozen=True)
class Grid:
    """Scale, zero point and bits of a tensor."""

    scale: np.float32
    zero: int
    bits: int = 8

    @classmethod
    def over(cls, low: float, high: float, bits: int = 8) -> "Grid":
        """Return the grid that spans a range, and has 0 among its steps."""
        low, high = min(low, 0.0), max(high, 0.0)
        if not math.isfinite(high - low):
            raise UserError("a tensor of the float network is not finite on the inputs given")
        scale = np.float32(max((high - low) / ((1 << bits) - 1), 1e-9))
        least = -1 << bits - 1
        return cls(scale, int(np.clip(round(least - low / float(scale)), least, -least - 1)), bits)

    @classmethod
    def closest(cls, values: Floats, low: float, high: float, bits: int) -> "Grid":
        """Return the grid over a part of a range on which values lose least, in squares.

        Few bits lose more to coarse steps than to the clamping of rare values.
        """
        grids = [cls.over(low * part, high * part, bits) for part in PARTS]
        return min(grids, key=lambda grid: grid.loss(values))

    def loss(self, values: Floats) -> float:
        """Return the mean square of what values lose."""
        least = -1 << self.bits - 1
        steps = np.clip(np.rint(values / self.scale) + self.zero, least, -least - 1)
        return float(np.mean(((steps - self.zero) * self.scale - values) ** 2))


class _Writer:
    """Gathers the nodes and constants of the int8 file."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper
        self.helper, self.numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: set[str] = set()

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(self.numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.any_node(operator, inputs, [output], output, **attributes)

    def any_node(self, operator: str, inputs: list[str], outputs: list[str], name: str,
                 **attributes: Any) -> None:
        """Append a node under a name that no other has: runtimes refuse two of one name."""
        base, number = name, 1
        while name in self.names:
            number += 1
            name = f"{base}/{number}"
        self.names.add(name)
        self.nodes.append(self.helper.make_node(operator, inputs, outputs, name, **attributes))

    def quantise_edge(self, edge: str, output: str, grid: Grid, name: str) -> None:
        """Quantise and dequantise an edge."""
        # All bits of the type, or a Clip to fewer, as runtimes without narrow types have it.
        on = [self.constant(f"{name}:scale", np.array(grid.scale, np.float32)),
              self.constant(f"{name}:zero", np.array(grid.zero, np.int8))]
        wide = f"{name}:int8" if grid.bits == 8 else f"{name}:wide"
        self.node("QuantizeLinear", [edge, *on], wide)
        if grid.bits < 8:
            least = -1 << grid.bits - 1
            limits = [self.constant(f"{name}:{limit}", np.array(value, np.int8))
                      for limit, value in (("least", least), ("most", -least - 1))]
            self.node("Clip", [wide, *limits], f"{name}:int8")
        self.node("DequantizeLinear", [f"{name}:int8", *on], output)

    def dequantise_constant(self, name: str, integers: np.ndarray, scale: NDArray[np.float32],
                            axis: int) -> str:
        """Return a constant edge, of integers with a scale for each channel."""
        inputs = [self.constant(f"{name}:int", integers), self.constant(f"{name}:scale", scale),
                  self.constant(f"{name}:zero", np.zeros(scale.shape, integers.dtype))]
        self.node("DequantizeLinear", inputs, f"{name}:real", axis=axis)
        return f"{name}:real"


def write(source: str | Path | bytes, graph: Graph, grids: Mapping[str, Grid],
          bits: Mapping[str, int]) -> bytes:
    """Return the file: with ``edge:int8`` for every edge that is quantised.

    ``bits`` are those of the weights of products, by the edge that a product writes; else 8.
    """
    writer = _Writer()
    source_of = sources(graph, set(grids))
    # A limit, or what pads, need be no step of what it is read with: it is rounded to one.
    bounds = dict(grids) | {
        edge: grids[source_of[edge]] for node in graph.nodes if node.operator in ("Clip", "Pad")
        for edge in node.outputs[:1] if edge in source_of}
    # What is read of an input is its dequantised twin; any other edge keeps its name there.
    renamed = {edge: f"{edge}:real" for edge in graph.inputs}
    for edge in graph.inputs:
        writer.quantise_edge(edge, renamed[edge], grids[edge], edge)
    for node in graph.nodes:
        inputs = [renamed.get(edge, edge) for edge in node.inputs]
        if node.operator in PRODUCTS and len(node.inputs) > 2 and \
                node.inputs[1] in graph.constants:
            if node.inputs[0] not in source_of:
                raise _uncomputed_error(graph, node)
            inputs[1:] = _weights(writer, node, graph, grids[source_of[node.inputs[0]]],
                                  bits.get(node.outputs[0], 8))
        outputs = [f"{edge}:float" if edge in bounds else edge for edge in node.outputs]
        attributes = {key: value if not isinstance(value, np.ndarray)
                      else writer.numpy_helper.from_array(value)
                      for key, value in node.attributes.items() if value is not None}
        if node.operator == "MatMul" and len(inputs) > 2:
            # An Add, which the reader folds, has the bias that a MatMul lacks.
            writer.node("MatMul", inputs[:2], f"{outputs[0]}:product")
            writer.node("Add", [f"{outputs[0]}:product", inputs[2]], outputs[0])
        else:
            writer.any_node(node.operator, inputs, outputs, node.name, domain=node.domain,
                            **attributes)
        for edge in node.outputs:
            if edge in bounds:
                writer.quantise_edge(f"{edge}:float", edge, bounds[edge], edge)
    used = {edge for made in writer.nodes for edge in made.input}
    for name, array in graph.constants.items():
        if name in used:
            writer.constant(name, array)
    _check_names(graph, writer)
    return _model(source, writer)


def _uncomputed_error(graph: Graph, node: Node) -> UserError:
    """Return the error of a node that reads what no layer computes, naming what stands there."""
    by = [each for each in graph.nodes if node.inputs[0] in each.outputs]
    while by and by[0].operator in PASSING:
        by = [each for each in graph.nodes if by[0].inputs[0] in each.outputs]
    return node.error(f"reads {node.inputs[0]!r}, which no layer that we run computes"
                      + "".join(f": it is made by {each}" for each in by))


def _check_names(graph: Graph, writer: _Writer) -> None:
    """Refuse a network of which a tensor has a name that one of ours got."""
    seen = set(graph.inputs)
    for name in (*(tensor.name for tensor in writer.constants),
                 *(edge for node in writer.nodes for edge in node.output if edge)):
        if name in seen:
            raise UserError(f"the float network has a tensor {name!r}, a name that the int8 "
                            "network needs; give that tensor another name")
        seen.add(name)


def _weights(writer: _Writer, node: Node, graph: Graph, grid: Grid, bits: int) -> list[str]:
    """Return the edges of weights and bias: symmetric, with a scale for each output channel."""
    weights, bias = (graph.constants[name] for name in node.inputs[1:3])
    axis = output_axis(node, weights)
    over = tuple(a for a in range(weights.ndim) if a != axis)
    # A channel without weights to speak of must still have a scale at which its bias fits 32 bits.
    least = np.abs(bias) / (float(grid.scale) * 2.0**30)
    largest = np.abs(weights).max(axis=over)
    most = (1 << bits - 1) - 1
    shape = [1] * weights.ndim
    shape[axis] = -1
    part = _parts(weights, largest, most, over, shape) if bits < 8 else np.ones(largest.shape)
    scale = np.maximum(np.maximum(part * largest / most, least), 1e-12)
    if not np.all(np.isfinite(scale)):
        raise node.error("has weights or a bias that are not finite")
    scale = scale.astype(np.float32)
    steps = np.rint(weights / scale.astype(np.float64).reshape(shape))
    integers = np.clip(steps, -most, most).astype(np.int8)
    products = (scale.astype(np.float64) * float(grid.scale)).astype(np.float32)
    sums = np.rint(bias / products.astype(np.float64))
    sums = np.clip(sums, -(2**31), 2**31 - 1).astype(np.int32)
    return [writer.dequantise_constant(node.inputs[1], integers, scale, axis),
            writer.dequantise_constant(node.inputs[2], sums, products, 0)]


def _parts(weights: NDArray[np.float64], largest: NDArray[np.float64], most: int,
           over: tuple[int, ...], shape: list[int]) -> NDArray[np.float64]:
    """Return the part of each channel's range at which its weights lose least, in squares."""
    losses = []
    for part in PARTS:
        scale = np.maximum(part * largest / most, 1e-12).reshape(shape)
        rounded = np.clip(np.rint(weights / scale), -most, most) * scale
        losses.append(np.sum((rounded - weights) ** 2, axis=over))
    return PARTS[np.argmin(losses, axis=0)]


def _model(source: str | Path | bytes, writer: _Writer) -> bytes:
    """Return the file with the graph's inputs and outputs as they were."""
    model, _ = parse(source)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [port for port in graph.input if port.name not in constants]
    made = writer.helper.make_graph(writer.nodes, graph.name or "network", inputs,
                                    list(graph.output), writer.constants)
    opsets = list(model.opset_import)
    return writer.helper.make_model(made, opset_imports=opsets,
                                    ir_version=max(model.ir_version, 8)).SerializeToString()
