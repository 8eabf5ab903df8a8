"""Walks an ONNX graph: what its edges are, and what quantises and dequantises them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..graph import Network, Reshape, Tensor
from ..precision import INT8, SUMS, Precision
from .boundary import declared_grid, is_image
from .builder import NetworkBuilder, step
from .exact import Finish, as_sums
from .file import Graph, GraphPort, Node
from .float_ops import FloatStep
from .host_functions import Tail
from .levels import DOMAINS, Levels
from .operands import Operands
from .pending import Average, Linear
from .values import (
    Activation,
    Hosted,
    Integers,
    Outside,
    Pending,
    Real,
    Scaled,
    Target,
    Value,
    channels_last,
)

__all__ = ["EdgeLayout", "Handler", "OnnxReader"]

OFFSETS = {2: 128, 3: 0}
"""data_type of the integers that we run, uint8 and int8: what we subtract from each."""

WORK = 1 << 27
"""Values of all tensors together."""


@dataclass(frozen=True, eq=False)
class EdgeLayout:
    """How a tensor of the file became one of the Network.

    The file's tensor ``name`` has ``shape``; element i of ours, of one image, is element
    ``order[i]`` of it, less ``offset``, which is 128 for uint8.
    """

    name: str
    shape: tuple[int, ...]
    order: Integers
    offset: int = 0
    steps: tuple[FloatStep, ...] = ()
    """What the host does to an input before it is quantised; constants in the file's order."""
    levels: Levels | None = None
    """What quantises an input; None where the scale and the zero point of the tensor do."""
    finish: Finish | None = None
    """What makes real numbers of an output of sums."""
    tail: Tail | None = None
    """What the host makes of one image of that, or of the file's integers, in the file's order."""


class Handler(Protocol):
    """What reads one operator."""

    def __call__(self, reader: "OnnxReader", node: Node) -> Value:
        """Return what the node's first output is."""


class OnnxReader(Operands):
    """Reads one graph into a NetworkBuilder."""

    def __init__(self, graph: Graph, handlers: Mapping[tuple[str, str], Handler],
                 nearest: Mapping[str, str]) -> None:
        """Take a graph, and what reads each operator, by domain and name."""
        self.graph = graph
        self.builder = NetworkBuilder(graph.name)
        self.values = dict(graph.constants)
        self.layouts: dict[str, EdgeLayout] = {}
        self.traces: dict[str, EdgeLayout] = {}
        self.inputs: list[str] = []
        self.low_bit = any(node.domain in DOMAINS for node in graph.nodes)
        self._entries: dict[str, tuple[object, Integers, Activation]] = {}
        self._work = 0
        self._handlers = handlers
        self._nearest = nearest

    def read(self, rounding: str) -> Network:
        """Return the network; the Layouts of its inputs and outputs are in ``layouts``."""
        for name, port in self.graph.inputs.items():
            if name in self.graph.readers or name in self.graph.outputs:
                self.values[name] = self._input(name, port)
        for node in self.graph.nodes:
            self._node(node)
        outputs = [self._output(name) for name in self.graph.outputs]
        return self.builder.network(self.inputs, outputs, rounding)

    def _node(self, node: Node) -> None:
        handler = self._handlers.get((node.domain, node.operator))
        if handler is None:
            nearest = self._nearest.get(node.operator)
            advice = f"the nearest that we run: {nearest}" if nearest else "we run " + ", ".join(
                sorted({name for _, name in self._handlers}))
            domain = f" of {node.domain!r}" if node.domain else ""
            raise node.error(f"is an operator{domain} that we do not run; {advice}")
        if not node.outputs or not node.outputs[0]:
            raise node.error("has no output")
        for edge in node.outputs[1:]:
            if edge in self.graph.readers or edge in self.graph.outputs:
                raise node.error(f"has a second output that is read, {edge!r}; we make the first")
        value = handler(self, node)
        # A small file can ask for any amount of work: the same large tensor a thousand times.
        self._work += math.prod(value.values.shape if isinstance(value, Scaled) else value.shape)
        if self._work > WORK:
            raise node.error(f"brings the network's tensors to more than {WORK} values")
        self.values[node.outputs[0]] = value

    def quantise(self, node: Node, value: Value, scale: float, zero: int,
                 offset: int) -> Activation:
        """Return a floating-point value as int8."""
        zero -= offset
        if isinstance(value, Outside):
            x = self.entry(node, value, scale, zero, offset)
        elif isinstance(value, Real) and (value.scale, value.x.tensor.zero_point) == (scale, zero):
            x = replace(self.builder.integers_of(node, value, rounded=True), offset=offset)
        elif isinstance(value, Real | Pending):
            low, high = (step(limit, scale, zero) for limit in (value.low, value.high))
            target = Target(node.outputs[0], scale, zero, offset, low, high)
            x = self.builder.requantise(node, value, target) if isinstance(value, Real) \
                else value.emit(target)
        else:
            raise self.unready_error(node, 0)
        self.trace(node, x)
        return x

    def trace(self, node: Node, x: Activation) -> None:
        """Note which tensor of ours is what a node of the file quantises."""
        self.traces.setdefault(x.tensor.name,
                               EdgeLayout(node.outputs[0], x.shape, x.order, x.offset))

    # Where the network begins and ends.

    def _input(self, name: str, port: GraphPort) -> Value:
        """Return an input of the graph: integers are a tensor, floats wait to become one."""
        if port.data_type in (1, 10, 11):
            return Outside(name, port.shape, np.arange(math.prod(port.shape), dtype=np.int64))
        if port.data_type not in OFFSETS:
            raise UserError(f"input {name!r} is neither int8, uint8 nor floating point")
        offset = OFFSETS[port.data_type]
        node = Node("input", "", name, (), (name,), {})
        found = declared_grid(self.graph, name)
        # Integers that nothing gives a scale are themselves.
        scale, zero = found or (1.0, 0)
        zero -= offset
        if not -128 <= zero <= 127:
            raise UserError(f"input {name!r} is {'uint8' if offset else 'int8'}, which its zero "
                            f"point of {zero + offset} is not")
        source = np.arange(math.prod(port.shape), dtype=np.int64)
        return self.entry(node, Outside(name, port.shape, source), scale, zero, offset)

    def entry(self, node: Node, outside: Outside, scale: float, zero: int, offset: int,
              levels: Levels | None = None) -> Activation:
        """Return the tensor that an input of the graph becomes, which may have but few levels."""
        key = (scale, zero, offset, outside.steps)
        if outside.name in self._entries:
            old, source, x = self._entries[outside.name]
            before = self.layouts[x.tensor.name].levels
            same = old == key and (levels.same(before) if levels else before is None)
            if same and x.shape == outside.shape and np.array_equal(source, outside.source):
                return x
            raise node.error(f"quantises the input {outside.name!r} in a second way; "
                             "quantise it once")
        edge, shape = node.outputs[0], outside.shape
        order = np.arange(outside.source.size, dtype=np.int64)
        stored = shape if shape and shape[0] == 1 else (1, *shape)
        if len(shape) in (3, 4) and shape[0] == 1 and is_image(self.graph, edge):
            order = channels_last(shape)
            stored = (1, *(shape[2:] if len(shape) == 4 else (1, shape[2])), shape[1])
        if len(stored) == 1:
            stored = (1, *stored)
        tensor = self.builder.tensor(node, Tensor(edge, stored, scale, zero,
                                                  levels.precision if levels else INT8))
        self.inputs.append(tensor.name)
        x = Activation(tensor, shape, order, offset)
        self._entries[outside.name] = key, outside.source, x
        port = self.graph.inputs[outside.name]
        self.layouts[tensor.name] = EdgeLayout(outside.name, port.shape, outside.source[order],
                                               offset, outside.steps, levels)
        return x

    def narrow(self, node: Node, x: Activation, low: int, high: int) -> bool:
        """Give an input that the node alone reads fewer bits; return whether they are its limits.

        Then whoever feeds the network clamps, and no layer has to.
        """
        name, edge = x.tensor.name, node.inputs[0]
        if name not in self.inputs or low > high or x.offset or edge in self.graph.outputs \
                or len(self.graph.readers[edge]) > 1 or x.tensor.precision != INT8 \
                or self.layouts[name].name == edge:
            return False
        precision = Precision.over(low, high)
        if (precision.low, precision.high) != (low, high):
            return False
        tensor = replace(x.tensor, precision=precision)
        self.builder.tensors[name] = tensor
        # Whoever quantises the input again gets another tensor than this, and an error.
        source = self.layouts[name]
        self._entries[source.name] = None, source.order, x
        self.values[edge] = replace(x, tensor=tensor)
        self.traces[name] = EdgeLayout(node.outputs[0], x.shape, x.order, x.offset)
        return True

    def _output(self, name: str) -> str:
        """Return the tensor of an output of the graph."""
        node = Node("output", "", name, (name,), (name,), {})
        value, finish = self.values[name], None
        tail = value.tail if isinstance(value, Hosted) else None
        if isinstance(value, Hosted):
            value = value.source
        if isinstance(value, Pending):
            if not isinstance(value.core, Linear | Average):
                raise UserError(f"output {name!r} is not quantised; put a QuantizeLinear after it")
            value, finish = as_sums(node, value)
        elif isinstance(value, Real):
            value = value.x if tail else self.builder.integers_of(node, value)
        if not isinstance(value, Activation):
            what = "is floating point that nothing quantises; " + self.remedy \
                if isinstance(value, Outside) else "is nothing that the network computes"
            raise UserError(f"output {name!r} {what}")
        order: NDArray[np.int64] = np.arange(value.order.size, dtype=np.int64)
        shape: tuple[int, ...] = value.tensor.shape
        if np.array_equal(value.order, order):
            shape = value.shape if value.shape and value.shape[0] == 1 else (1, *value.shape)
        if value.is_image:
            shape = value.image
        # What the host computes stays as it is: nothing runs after that.
        tensor = value.tensor if value.tensor.precision == SUMS \
            else self.builder.reshape(node, value.tensor, shape)
        if tensor.name in self.layouts:
            # An input, or what another output is made of: each output is a tensor of its own.
            tensor = self.builder.layer(Reshape, node, [tensor], replace(tensor, name=name))
        self.layouts[tensor.name] = EdgeLayout(name, value.shape, value.order, value.offset,
                                               finish=finish, tail=tail)
        return tensor.name
