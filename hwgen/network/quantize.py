"""Makes an int8 network of a float one, and says what that costs, layer by layer.

The float network and a few inputs give the range of every tensor. What comes of it is an ONNX file
again, with QuantizeLinear and DequantizeLinear between its operators: any runtime can run it, and
``onnx.read`` reads it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..golden.network import run
from ..table import table
from ._onnx_chains import PRODUCTS, chain_ends, folded, output_axis, sources
from ._onnx_file import Graph, Node, load, parse
from .onnx import OnnxNetwork, read, restored

__all__ = ["METHODS", "Error", "errors", "input_names", "inputs_of", "quantise", "quantised_model",
           "report"]

Floats = NDArray[np.float32]
Inputs = Mapping[str, Floats]
Data = str | Path | NDArray[np.floating[Any]] | Mapping[str, NDArray[np.floating[Any]]]

METHODS = ("minmax", "percentile")
QUANTISED = ("QuantizeLinear", "DequantizeLinear", "ConvInteger", "MatMulInteger", "QGemm")

SAMPLES = 1 << 14
"""Values of a tensor that are kept of each input, for percentiles."""


@dataclass(frozen=True)
class Grid:
    """Scale and zero point of an int8 tensor."""

    scale: np.float32
    zero: int

    @classmethod
    def over(cls, low: float, high: float) -> "Grid":
        """Return the grid that spans a range, and has 0 among its steps."""
        low, high = min(low, 0.0), max(high, 0.0)
        if not math.isfinite(high - low):
            raise UserError("a tensor of the float network is not finite on the inputs given")
        scale = np.float32(max((high - low) / 255, 1e-9))
        return cls(scale, int(np.clip(round(-128 - low / float(scale)), -128, 127)))


@dataclass(frozen=True)
class Error:
    """How far a tensor of the int8 network is from the float one's."""

    tensor: str
    scale: float
    sqnr: float
    """Power of the float tensor over that of the difference, in decibels."""
    largest: float
    """Largest difference, in steps of the tensor."""


def input_names(source: str | Path | bytes) -> list[str]:
    """Return the names of a float network's inputs; it must be float."""
    graph = load(source)
    for node in graph.nodes:
        if "QLinear" in node.operator or node.operator in QUANTISED:
            raise node.error("is quantised already: `hwgen quantize` takes float networks, and "
                             "`hwgen run` this one as it is")
    return list(graph.inputs)


def inputs_of(source: str | Path | bytes, data: Data) -> dict[str, Floats]:
    """Return inputs by the names that a float network has for them.

    A .npz file holds an array of each name, or with one input an array called ``input``.
    """
    names = input_names(source)
    if isinstance(data, str | Path):
        try:
            with np.load(data) as arrays:
                data = {name: arrays[name] for name in arrays}
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read the inputs of {data}") from error
        if len(names) == 1 and names[0] not in data and "input" in data:
            data = {names[0]: data["input"]}
    if not isinstance(data, Mapping):
        data = dict.fromkeys(names[:1], data)
    if not set(names) <= set(data):
        raise UserError(f"the network's inputs are {', '.join(names)}, "
                        f"not {', '.join(data) or 'none'}")
    result = {}
    for name in names:
        array = np.asarray(data[name])
        if array.dtype.kind != "f":
            raise UserError(f"input {name!r} must be floating point as the float network takes it, "
                            f"not {array.dtype}")
        result[name] = array.astype(np.float32)
    if len({len(array) for array in result.values()}) != 1 or not len(result[names[0]]):
        raise UserError("every input must have as many images, and at least one")
    return result


def float_values(source: str | Path | bytes, edges: list[str], inputs: Inputs) -> list[Floats]:
    """Return edges of a float network for inputs, the first axis counting them."""
    try:
        import onnxruntime
        from onnx import helper
    except ImportError as error:
        raise UserError("quantising needs ONNX Runtime: pip install hwgen[onnx]") from error
    model, _ = parse(source)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(edge, 1, None) for edge in edges)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])
        rows = [session.run(edges, {name: x[i:i + 1] for name, x in inputs.items()})
                for i in range(len(next(iter(inputs.values()))))]
    except Exception as error:  # its errors have no base of their own
        reason = " ".join(str(error).split())
        raise UserError(f"ONNX Runtime cannot run the float network: {reason}") from error
    return [np.concatenate([row[index] for row in rows]) for index in range(len(edges))]


def modern(source: str | Path | bytes) -> bytes:
    """Return a model in a version of ONNX that has a scale for each channel."""
    model, name = parse(source)
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    if opset < 13:
        from onnx import version_converter
        try:
            model = version_converter.convert_version(model, 13)
        except Exception as error:  # its errors have no base of their own
            reason = " ".join(str(error).split())
            raise UserError(f"{name} is of opset {opset} and cannot be brought to 13: "
                            f"{reason}") from error
    return model.SerializeToString()


def quantise(source: str | Path | bytes, data: Data, *, method: str = "minmax",
             percentile: float = 99.99, rounding: str = "single") -> OnnxNetwork:
    """Return the int8 network of a float ONNX file.

    ``data`` are inputs as the file takes them: an array with an axis more in front than one input
    has or with the file's batch axis, arrays by name, or a .npz file of such. Ranges are what is
    seen of each tensor, or with ``percentile`` all but the outermost values on either side.
    """
    model = quantised_model(source, data, method=method, percentile=percentile)
    return read(model, rounding=rounding)


def quantised_model(source: str | Path | bytes, data: Data, *, method: str = "minmax",
                    percentile: float = 99.99) -> bytes:
    """Return the int8 network of a float ONNX file, as an ONNX file."""
    if method not in METHODS:
        raise UserError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if not 50 < percentile <= 100:
        raise UserError(f"percentile must be above 50 and at most 100, not {percentile}")
    inputs = inputs_of(source, data)
    source = modern(source)
    graph = folded(load(source))
    heads = {edge: node for node, edge in chain_ends(graph)}
    edges = [*graph.inputs, *heads]
    values = float_values(source, [*heads], inputs) if heads else []
    seen = dict(zip(edges, [*inputs.values(), *values], strict=True))
    grids = _grids(graph, heads, seen, percentile if method == "percentile" else 100.0)
    return _write(source, graph, grids)


def _grids(graph: Graph, heads: Mapping[str, Node], seen: Mapping[str, Floats],
           percentile: float) -> dict[str, Grid]:
    """Return the grid of every edge that is quantised."""
    source = sources(graph, set(seen))
    # What an AveragePool or a Concat reads shares its grid, so that nothing has to be scaled.
    leader = {edge: edge for edge in seen}

    def find(edge: str) -> str:
        while leader[edge] != edge:
            edge = leader[edge]
        return edge

    for edge, node in heads.items():
        if node.operator in ("AveragePool", "Concat"):
            for name in node.inputs:
                if name in source:
                    leader[find(source[name])] = find(edge)
    ranges: dict[str, tuple[float, float]] = {}
    for edge, values in seen.items():
        low, high = _range(values, percentile)
        old = ranges.get(find(edge), (0.0, 0.0))
        ranges[find(edge)] = min(low, old[0]), max(high, old[1])
    return {edge: Grid.over(*ranges[find(edge)]) for edge in seen}


def _range(values: Floats, percentile: float) -> tuple[float, float]:
    """Return the least and the greatest value, or those that a percentile keeps."""
    if percentile >= 100:
        return float(values.min()), float(values.max())
    flat = values.reshape(len(values), -1)
    flat = flat[:, ::max(flat.shape[1] // SAMPLES, 1)]
    low, high = np.percentile(flat, [100 - percentile, percentile])
    return float(low), float(high)


class _Writer:
    """Gathers the nodes and constants of the int8 file."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper
        self.helper, self.numpy_helper = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, array: np.ndarray) -> str:
        self.constants.append(self.numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(self.helper.make_node(operator, inputs, [output], output, **attributes))

    def both(self, edge: str, output: str, grid: Grid, name: str) -> None:
        """Quantise and dequantise an edge."""
        on = [self.constant(f"{name}:scale", np.array(grid.scale, np.float32)),
              self.constant(f"{name}:zero", np.array(grid.zero, np.int8))]
        self.node("QuantizeLinear", [edge, *on], f"{name}:int8")
        self.node("DequantizeLinear", [f"{name}:int8", *on], output)

    def dequantised(self, name: str, integers: np.ndarray, scale: NDArray[np.float32],
                    axis: int) -> str:
        """Return a constant edge, of integers with a scale for each channel."""
        inputs = [self.constant(f"{name}:int", integers), self.constant(f"{name}:scale", scale),
                  self.constant(f"{name}:zero", np.zeros(scale.shape, integers.dtype))]
        self.node("DequantizeLinear", inputs, f"{name}:real", axis=axis)
        return f"{name}:real"


def _write(source: str | Path | bytes, graph: Graph, grids: Mapping[str, Grid]) -> bytes:
    """Return the file: with ``edge:int8`` for every edge that is quantised."""
    writer = _Writer()
    source_of = sources(graph, set(grids))
    # What is read of an input is its dequantised twin; any other edge keeps its name there.
    renamed = {edge: f"{edge}:real" for edge in graph.inputs}
    for edge in graph.inputs:
        writer.both(edge, renamed[edge], grids[edge], edge)
    for node in graph.nodes:
        inputs = [renamed.get(edge, edge) for edge in node.inputs]
        if node.operator in PRODUCTS and len(node.inputs) > 2 and \
                node.inputs[1] in graph.constants:
            if node.inputs[0] not in source_of:
                raise node.error(f"reads {node.inputs[0]!r}, which no layer that we run computes")
            inputs[1:] = _weights(writer, node, graph, grids[source_of[node.inputs[0]]])
        outputs = [f"{edge}:float" if edge in grids else edge for edge in node.outputs]
        attributes = {key: value if not isinstance(value, np.ndarray)
                      else writer.numpy_helper.from_array(value)
                      for key, value in node.attributes.items() if value is not None}
        if node.operator == "MatMul" and len(inputs) > 2:
            # An Add, which the reader folds, has the bias that a MatMul lacks.
            writer.node("MatMul", inputs[:2], f"{outputs[0]}:product")
            writer.node("Add", [f"{outputs[0]}:product", inputs[2]], outputs[0])
        else:
            writer.nodes.append(writer.helper.make_node(
                node.operator, inputs, outputs, node.name, domain=node.domain, **attributes))
        for edge in node.outputs:
            if edge in grids:
                writer.both(f"{edge}:float", edge, grids[edge], edge)
    used = {edge for made in writer.nodes for edge in made.input}
    for name, array in graph.constants.items():
        if name in used:
            writer.constant(name, array)
    return _model(source, writer)


def _weights(writer: _Writer, node: Node, graph: Graph, grid: Grid) -> list[str]:
    """Return the edges of weights and bias: symmetric, with a scale for each output channel."""
    weights, bias = (graph.constants[name] for name in node.inputs[1:3])
    axis = output_axis(node, weights)
    over = tuple(a for a in range(weights.ndim) if a != axis)
    # A channel without weights to speak of must still have a scale at which its bias fits 32 bits.
    least = np.abs(bias) / (float(grid.scale) * 2.0**30)
    scale = np.maximum(np.maximum(np.abs(weights).max(axis=over) / 127, least), 1e-12)
    if not np.all(np.isfinite(scale)):
        raise node.error("has weights or a bias that are not finite")
    scale = scale.astype(np.float32)
    shape = [1] * weights.ndim
    shape[axis] = -1
    steps = np.rint(weights / scale.astype(np.float64).reshape(shape))
    integers = np.clip(steps, -127, 127).astype(np.int8)
    products = (scale.astype(np.float64) * float(grid.scale)).astype(np.float32)
    sums = np.rint(bias / products.astype(np.float64))
    sums = np.clip(sums, -(2**31), 2**31 - 1).astype(np.int32)
    return [writer.dequantised(node.inputs[1], integers, scale, axis),
            writer.dequantised(node.inputs[2], sums, products, 0)]


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


def errors(source: str | Path | bytes, network: OnnxNetwork, data: Data) -> list[Error]:
    """Return how far each tensor of the int8 network is from the float one, in their order."""
    inputs = inputs_of(source, data)
    names, edges = [], []
    for name, trace in network.traces.items():
        edge, kind = trace.name.rsplit(":", 1)
        if kind == "int8":
            names.append(name)
            edges.append(edge)
    computed = [edge for edge in edges if edge not in inputs]
    wanted = dict(inputs)
    if computed:
        wanted.update(zip(computed, float_values(modern(source), computed, inputs), strict=True))
    results = run(network, network.feed(inputs), keep=True)
    found = []
    for name, edge in zip(names, edges, strict=True):
        real = network.real(name, restored(network.traces[name], results[name]))
        exact = wanted[edge].astype(np.float64)
        difference = real.reshape(exact.shape) - exact
        noise, power = float(np.mean(difference**2)), float(np.mean(exact**2))
        sqnr = 10 * math.log10(power / noise) if noise and power else math.inf
        scale = network.tensors[name].scale
        found.append(Error(edge, scale, sqnr, float(np.abs(difference).max()) / scale))
    return found


def report(found: list[Error]) -> str:
    """Return a table of what :func:`errors` found."""
    return table(("tensor", "scale", "SQNR dB", "largest, steps"),
                 [(error.tensor, f"{error.scale:.4g}", f"{error.sqnr:.1f}", f"{error.largest:.1f}")
                  for error in found])
