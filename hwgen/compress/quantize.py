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

from ..errors import UserError, check_choice
from ..golden.network.network import run
from ..network.onnx.file import Graph, Node, is_quantised, load, parse
from ..network.onnx.float_graph import chain_ends, fold_graph, sources
from ..network.onnx.reading import OnnxNetwork, file_values, read
from ..network.onnx.write import Grid, write
from ..text import Shown, ShownTable
from ..tools.arrays import load_arrays
from ..tools.files import write_whole
from ..tools.find import pip_command

__all__ = ["METHODS", "Calibrated", "Data", "Quantised", "TensorError", "errors", "input_names",
           "inputs_of", "quantise", "quantised_model", "quantize"]

Floats = NDArray[np.float32]
Inputs = Mapping[str, Floats]
Data = str | Path | NDArray[np.floating[Any]] | Mapping[str, NDArray[np.floating[Any]]]
METHODS = ("minmax", "percentile")

SAMPLES = 1 << 14
"""Values of a tensor that are kept of each input, for percentiles."""


@dataclass(frozen=True)
class TensorError:
    """How far a tensor of the int8 network is from the float one's."""

    tensor: str
    scale: float
    sqnr: float
    """Power of the float tensor over that of the difference, in decibels."""
    largest: float
    """Largest difference, in steps of the tensor."""


@dataclass(frozen=True, eq=False, repr=False)
class Quantised(Shown):
    """An int8 network, and how far it is from the float one: what :func:`quantize` returns.

    Members
    -------
    model : bytes
        The ONNX file.
    network : Network
    errors : list of TensorError
        Of each tensor the ``sqnr`` in decibels, and the ``largest`` difference in steps.
    images : int
        Inputs that it was made and compared with.
    """

    model: bytes
    network: OnnxNetwork
    errors: list[TensorError]
    images: int

    @property
    def summary(self) -> str:
        """What it was made of."""
        return f"{self.network.name}: int8, from {self.images} inputs"

    def _view_(self) -> list[ShownTable]:
        """Return how far each tensor is from the float one."""
        return [ShownTable({"tensor": str, "scale": "{:.4g}".format, "SQNR dB": "{:.1f}".format,
                       "largest, steps": "{:.1f}".format}, [
            (each.tensor, each.scale, each.sqnr, each.largest) for each in self.errors])]

    def save(self, path: str | Path) -> None:
        """Write the ONNX file."""
        write_whole(Path(path), self.model)


def input_names(source: str | Path | bytes) -> list[str]:
    """Return the names of a float network's inputs; it must be float."""
    return list(float_graph(source).inputs)


def float_graph(source: str | Path | bytes) -> Graph:
    """Return the graph of a network that must be float."""
    graph = load(source)
    for node in graph.nodes:
        if is_quantised(node):
            raise node.error("is quantised already: `hwgen quantize` takes float networks, such as "
                             "the one that this was made of; `hwgen golden` runs this one, or says "
                             "what stands in its way")
    return graph


def inputs_of(source: str | Path | bytes, data: Data) -> dict[str, Floats]:
    """Return inputs by the names that a float network has for them.

    A .npz file holds an array of each name, or with one input an array called ``input``.
    """
    shapes = {name: port.shape for name, port in float_graph(source).inputs.items()}
    names = list(shapes)
    if not names:
        raise UserError("the float network has no input")
    if isinstance(data, str | Path):
        data = load_arrays(data)
        if len(names) == 1 and names[0] not in data and (other := {"", "input"} & set(data)):
            data = {names[0]: data[other.pop()]}
    if not isinstance(data, Mapping):
        data = dict.fromkeys(names[:1], data)
    if not set(names) <= set(data):
        raise UserError(f"the network's inputs are {', '.join(names)}, "
                        f"not {', '.join(data) or 'none'}")
    result = {name: _images(name, np.asarray(data[name]), shape) for name, shape in shapes.items()}
    if len({len(array) for array in result.values()}) != 1:
        raise UserError("every input must have as many images")
    return result


def _images(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> Floats:
    """Return images of one input in float32, checked."""
    if array.dtype.kind != "f":
        raise UserError(f"input {name!r} must be floating point as the float network takes it, "
                        f"not {array.dtype}")
    if array.ndim != max(len(shape), 1) or array.shape[1:] != shape[1:] or not len(array):
        raise UserError(f"input {name!r} must be images of shape {shape[1:]}, at least one along "
                        f"the first axis, not of shape {array.shape}")
    with np.errstate(over="ignore"):
        result = array.astype(np.float32)
    if not np.all(np.isfinite(result)):
        raise UserError(f"input {name!r} must be finite numbers")
    return result


def float_values(source: str | Path | bytes, edges: list[str], inputs: Inputs) -> list[Floats]:
    """Return edges of a float network for inputs, the first axis counting them."""
    try:
        import onnxruntime
        from onnx import helper
    except ImportError as error:
        raise UserError(f"quantising needs ONNX Runtime: {pip_command('onnx')}") from error
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


def to_modern_version(source: str | Path | bytes) -> bytes:
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
    return bytes(model.SerializeToString())


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
    return Calibrated(source, data, method=method, percentile=percentile).model()


def quantize(model: str | Path | bytes, data: Data, *, method: str = "minmax",
             percentile: float = 99.99) -> Quantised:
    """Make an int8 network of a float ONNX file, and compare the two on the same inputs.

    >>> inputs = numpy.load("networks/kws_dscnn.npz")["input"].astype("float32")
    >>> found = hwgen.quantize("networks/kws_float.onnx", inputs)
    >>> found
    tf2onnx: int8, from 12 inputs
    >>> found.save("keywords.onnx")

    ``print(found)`` shows how far each tensor is from the float one. :func:`read` reads the file.

    Parameters
    ----------
    model : str, path or bytes
        The float ONNX file.
    data : array, or arrays by name
        Inputs like those that the network will get, along the first axis; some dozens do.
    method : str
        Range of a tensor: ``minmax``, all values seen, or ``percentile``, all but the outermost.
    percentile : float
        How many of the values are kept on either side.
    """
    quantised = quantised_model(model, data, method=method, percentile=percentile)
    network = read(quantised)
    images = len(next(iter(inputs_of(model, data).values())))
    return Quantised(quantised, network, errors(model, network, data), images)


class Calibrated:
    """A float network made ready to be quantised, with what its tensors are on a few inputs.

    Parameters
    ----------
    source : path or bytes
        The float ONNX file.
    data : arrays
        As :func:`quantise` takes them.
    method : str
        How ranges are chosen, one of ``METHODS``.
    percentile : float
        How many values the method ``percentile`` keeps.
    """

    def __init__(self, source: str | Path | bytes, data: Data, *, method: str = "minmax",
                 percentile: float = 99.99) -> None:
        check_choice("method", method, METHODS)
        if not 50 < percentile <= 100:
            raise UserError(f"percentile must be above 50 and at most 100, not {percentile}")
        self.inputs = inputs_of(source, data)
        self.source = to_modern_version(source)
        graph = load(self.source)
        # What the runtime does not run, nobody need look at any closer.
        float_values(self.source, list(graph.outputs),
                     {name: x[:1] for name, x in self.inputs.items()})
        self.graph = fold_graph(graph)
        self.heads = {edge: node for node, edge in chain_ends(self.graph)}
        edges = [*self.graph.inputs, *self.heads]
        values = float_values(self.source, [*self.heads], self.inputs) if self.heads else []
        self.seen = dict(zip(edges, [*self.inputs.values(), *values], strict=True))
        self.leaders = _leaders(self.graph, self.heads, self.seen)
        self.ranges: dict[str, tuple[float, float]] = {}
        for edge, found in self.seen.items():
            low, high = _range(found, percentile if method == "percentile" else 100.0)
            old = self.ranges.get(self.leaders[edge], (0.0, 0.0))
            self.ranges[self.leaders[edge]] = min(low, old[0]), max(high, old[1])
        self._grids: dict[tuple[str, int], Grid] = {}

    def model(self, weights: Mapping[str, int] | None = None,
              tensors: Mapping[str, int] | None = None) -> bytes:
        """Return the quantised network as an ONNX file.

        ``weights`` are the bits of the weights of products, by the edge that a product writes;
        ``tensors`` those of tensors, by their leaders. What is not in them has 8.
        """
        bits = tensors or {}
        grids = {edge: self._grid(leader, bits.get(leader, 8))
                 for edge, leader in self.leaders.items()}
        return write(self.source, self.graph, grids, weights or {})

    def _grid(self, leader: str, bits: int) -> Grid:
        """Return the grid of the tensors of one leader."""
        if (leader, bits) not in self._grids:
            low, high = self.ranges[leader]
            grid = Grid.over(low, high, bits)
            if bits < 8:
                values = np.concatenate([_sample(self.seen[edge]).reshape(-1)
                                         for edge, of in self.leaders.items() if of == leader])
                grid = Grid.closest(values, low, high, bits)
            self._grids[leader, bits] = grid
        return self._grids[leader, bits]


def _leaders(graph: Graph, heads: Mapping[str, Node],
             seen: Mapping[str, Floats]) -> dict[str, str]:
    """Return, for every edge that is quantised, the one whose grid it is on."""
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
    return {edge: find(edge) for edge in seen}


def _range(values: Floats, percentile: float) -> tuple[float, float]:
    """Return the least and the greatest value, or those that a percentile keeps."""
    if percentile >= 100:
        return float(values.min()), float(values.max())
    low, high = np.percentile(_sample(values), [100 - percentile, percentile])
    return float(low), float(high)


def _sample(values: Floats) -> Floats:
    """Return not too many values of each input."""
    flat = values.reshape(len(values), -1)
    return flat[:, ::max(flat.shape[1] // SAMPLES, 1)]


def errors(source: str | Path | bytes, network: OnnxNetwork, data: Data) -> list[TensorError]:
    """Return how far each tensor of the int8 network is from the float one, in their order."""
    inputs = inputs_of(source, data)
    names, edges = [], []
    for name, trace in network.traces.items():
        if trace.name.endswith(":int8"):
            names.append(name)
            edges.append(trace.name.removesuffix(":int8"))
    computed = [edge for edge in edges if edge not in inputs]
    wanted = dict(inputs)
    if computed:
        values = float_values(to_modern_version(source), computed, inputs)
        wanted.update(zip(computed, values, strict=True))
    results = run(network, network.feed(inputs), keep=True)
    found = []
    for name, edge in zip(names, edges, strict=True):
        real = network.real_values(name, file_values(network.traces[name], results[name]))
        exact = wanted[edge].astype(np.float64)
        difference = real.reshape(exact.shape) - exact
        noise, power = float(np.mean(difference**2)), float(np.mean(exact**2))
        sqnr = 10 * math.log10(power / noise) if noise and power else math.inf
        scale = network.tensors[name].scale
        found.append(TensorError(edge, scale, sqnr, float(np.abs(difference).max()) / scale))
    return found
