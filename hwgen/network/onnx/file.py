"""An ONNX file as nodes and arrays, every size of which is checked before it is used."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...arch.nibbles import part_nibbles
from ...errors import UserError
from ...tools.find import pip_command
from ...tools.untrusted import read_bytes
from .external_data import inline_weights, is_external, location_of

__all__ = ["ELEMENTS", "QONNX", "Graph", "GraphPort", "Node", "graph_of", "is_quantised", "load",
           "parse", "type_name"]

ELEMENTS = 1 << 22
"""Elements of the largest tensor that we read: more than any board we know of works on."""

NODES, BYTES = 1 << 15, 1 << 28

INT4 = 22
"""data_type of integers of which two share a byte."""

# data_type of a TensorProto: what its elements are, and the field they are in when not raw.
TYPES: Mapping[int, tuple[str, str]] = {
    1: ("<f4", "float_data"), 2: ("u1", "int32_data"), 3: ("i1", "int32_data"),
    6: ("<i4", "int32_data"), 7: ("<i8", "int64_data"), 9: ("?", "int32_data"),
    10: ("<f2", "int32_data"), 11: ("<f8", "double_data"), INT4: ("i1", "int32_data"),
}

# type of an AttributeProto: the field that its value is in, and what makes plain data of that.
ATTRIBUTES: Mapping[int, tuple[str, Callable[[Any], Any]]] = {
    1: ("f", float), 2: ("i", int), 3: ("s", lambda text: text.decode("utf-8", "replace")),
    4: ("t", lambda tensor: array(tensor)), 6: ("floats", list), 7: ("ints", list)}

QONNX = {"BipolarQuant", "IntQuant", "MultiThreshold", "Quant"}
"""Operators whose domain has changed with every version of their exporters."""

QUANTISED = {"ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QGemm",
             "QuantizeLinear"}


@dataclass(frozen=True, eq=False)
class Node:
    """A node of the graph; an operator of ONNX's own has domain ``""``."""

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        """Return how an error names the node."""
        operator = self.operator if self.operator.isidentifier() else repr(self.operator)
        return f"node {self.name!r} ({operator})"

    def error(self, what: str) -> UserError:
        """Return an error that says ``what`` about this node."""
        return UserError(f"{self} {what}")

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is an integer."""
        return self._get(name, default, int)

    def number(self, name: str, default: float) -> float:
        """Return an attribute that is a floating-point number."""
        return self._get(name, default, float)

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is text."""
        return self._get(name, default, str)

    def integers(self, name: str) -> list[int] | None:
        """Return an attribute that is a list of integers, None where there is none."""
        return self._get(name, None, list)

    def _get(self, name: str, default: Any, kind: type) -> Any:
        if name not in self.attributes:
            return default
        value = self.attributes[name]
        if type(value) is not kind:
            raise self.error(f"has an attribute {name!r} of another type than the operator's")
        return value


def is_quantised(node: Node) -> bool:
    """Return whether an operator is one of quantised networks."""
    return "QLinear" in node.operator or node.operator in QUANTISED or node.operator in QONNX


@dataclass(frozen=True)
class GraphPort:
    """An input of the graph: the data_type of its elements, and its shape with a batch of 1."""

    data_type: int
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which they can run, and every array that the file holds."""

    name: str
    opset: int
    nodes: tuple[Node, ...]
    constants: dict[str, np.ndarray]
    inputs: Mapping[str, GraphPort]
    outputs: tuple[str, ...]

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """The nodes that read each edge."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for edge in dict.fromkeys(node.inputs):
                found.setdefault(edge, []).append(node)
        return found


def load(source: str | Path | bytes) -> Graph:
    """Read a file, or its bytes."""
    return graph_of(*parse(source))


def text(name: str | bytes) -> str:
    """Return a name of the file's: where it is no UTF-8, some implementations give bytes."""
    if isinstance(name, str):
        return name
    raise UserError(f"the file holds a name that is not UTF-8, {name!r}")


def parse(source: str | Path | bytes) -> tuple[Any, str]:
    """Return the onnx.ModelProto of a file or of its bytes, and a name for it.

    Weights in a file beside that one are put in.
    """
    try:
        import onnx
    except ImportError as error:
        raise UserError("ONNX files need the package onnx; "
                        f"`{pip_command('onnx')}` brings it") from error
    if isinstance(source, bytes):
        data, name = source, "network"
    else:
        data, name = read_bytes(source, BYTES), Path(source).name
    if len(data) > BYTES:
        raise UserError(f"{name} is larger than {BYTES >> 20} MiB")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # each implementation of protobuf raises classes of its own
        raise UserError(f"{name} is no ONNX file, or a damaged one") from error
    if not model.HasField("graph"):
        raise UserError(f"{name} is no ONNX file: it holds no graph")
    if not isinstance(source, bytes):
        inline_weights(model, Path(source).parent, BYTES)
    return model, name


def graph_of(model: Any, name: str) -> Graph:
    """Convert the graph, with the constants that its nodes give it."""
    graph = model.graph
    if len(graph.sparse_initializer):
        raise UserError(f"{name} holds sparse weights; store them dense")
    if len(model.functions):
        raise UserError(f"{name} defines functions of its own; inline them: "
                        "onnx.inliner.inline_local_functions")
    if len(graph.node) > NODES:
        raise UserError(f"{name} has {len(graph.node)} nodes, more than {NODES}")
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    constants = {text(tensor.name): array(tensor) for tensor in graph.initializer}
    inputs = {text(port.name): _port(port) for port in graph.input if port.name not in constants}
    nodes = []
    there = {"", *constants, *inputs}
    for proto in graph.node:
        node = _node(proto)
        for edge in node.inputs:
            if edge not in there:
                raise node.error(f"reads {edge!r} before any node writes it")
        for edge in node.outputs:
            if edge and edge in there:
                raise node.error(f"writes {edge!r}, which is there already")
        there.update(node.outputs)
        if not _constant(node, constants):
            nodes.append(node)
    outputs = tuple(text(port.name) for port in graph.output)
    for edge in outputs:
        if not edge or edge not in there:
            raise UserError(f"no node of {name} writes its output {edge!r}")
    if not outputs:
        raise UserError(f"{name} has no output")
    return Graph(text(graph.name) or Path(name).stem, opset, tuple(nodes), constants, inputs,
                 outputs)


def _constant(node: Node, constants: dict[str, np.ndarray]) -> bool:
    """Take what a node gives for a constant; return whether it is one."""
    if node.domain or not node.outputs:
        return False
    if node.operator == "Identity" and node.inputs and node.inputs[0] in constants:
        constants[node.outputs[0]] = constants[node.inputs[0]]
        return True
    if node.operator != "Constant":
        return False
    for key, kind in (("value", None), ("value_float", np.float32), ("value_int", np.int64),
                      ("value_floats", np.float32), ("value_ints", np.int64)):
        if node.attributes.get(key) is not None:
            value = node.attributes[key]
            if kind is None and not isinstance(value, np.ndarray):
                break
            if kind is not None and not isinstance(value, int | float | list):
                break
            constants[node.outputs[0]] = np.asarray(value, kind)
            return True
    raise node.error("holds no value that we read: a tensor, numbers or integers")


def _node(proto: Any) -> Node:
    domain = "" if proto.domain == "ai.onnx" else text(proto.domain)
    if proto.op_type in QONNX and (not domain or any(
            word in domain.lower() for word in ("qonnx", "brevitas", "finn"))):
        domain = "qonnx.custom_op.general"
    inputs, outputs = tuple(map(text, proto.input)), tuple(map(text, proto.output))
    node = Node(text(proto.op_type), domain, text(proto.name) or next(iter(outputs), ""), inputs,
                outputs, {})
    attributes = {}
    for attribute in proto.attribute:
        if attribute.type in (5, 10):
            raise node.error("holds a graph of its own, which a fixed pipeline cannot run; "
                             "export the network without control flow")
        field, plain = ATTRIBUTES.get(attribute.type, ("type", lambda _: None))
        attributes[text(attribute.name)] = plain(getattr(attribute, field))
    return replace(node, attributes=attributes)


def _port(port: Any) -> GraphPort:
    """Read an input of the graph: an axis 0 without a size is the batch, and becomes 1."""
    if not port.type.HasField("tensor_type"):
        raise UserError(f"input {port.name!r} is no tensor")
    tensor = port.type.tensor_type
    if not tensor.HasField("shape"):
        raise UserError(f"input {port.name!r} has no shape; export the network with fixed shapes")
    shape = []
    for axis, dim in enumerate(tensor.shape.dim):
        size = dim.dim_value if dim.HasField("dim_value") else 0
        if axis == 0 and size <= 0:
            size = 1
        if size <= 0:
            raise UserError(f"axis {axis} of input {port.name!r} has no fixed size; export the "
                            "network with fixed shapes")
        shape.append(size)
    if math.prod(shape) > ELEMENTS:
        raise UserError(f"input {port.name!r} has {math.prod(shape)} elements, "
                        f"more than {ELEMENTS}")
    return GraphPort(tensor.elem_type, tuple(shape))


def type_name(code: int) -> str:
    """Return the name of a data_type."""
    import onnx

    names = onnx.TensorProto.DataType
    return names.Name(code).lower() if code in names.values() else f"type {code}"


def array(tensor: Any) -> np.ndarray:
    """Return the array of a TensorProto, having compared its shape with the data that is there."""
    name = f"tensor {tensor.name!r}"
    if is_external(tensor):
        raise UserError(f"{name} is in another file, {location_of(tensor)!r}, which must stand "
                        "beside the .onnx file; or save the network with its weights inside")
    if tensor.data_type not in TYPES:
        raise UserError(f"{name} is of {type_name(tensor.data_type)}; we read int4, int8, uint8, "
                        "int32, int64, bool and floats")
    code, source = TYPES[tensor.data_type]
    dtype = np.dtype(code)
    shape = tuple(tensor.dims)
    count = math.prod(shape)
    if any(size < 0 for size in shape) or count > ELEMENTS * 16:
        raise UserError(f"{name} has an impossible shape, {list(shape)}")
    if tensor.data_type == INT4:
        return halves(tensor, -(-count // 2), name)[:count].reshape(shape)
    if tensor.HasField("raw_data"):
        if len(tensor.raw_data) != count * dtype.itemsize:
            raise UserError(f"{name} is {list(shape)} but holds {len(tensor.raw_data)} bytes, "
                            f"not {count * dtype.itemsize}")
        # A byte of a bool is what it is, not its lowest bit.
        flat = np.frombuffer(tensor.raw_data, np.uint8 if code == "?" else dtype)
    else:
        values = getattr(tensor, source)
        if len(values) != count:
            raise UserError(f"{name} is {list(shape)} but holds {len(values)} values")
        if code == "<f2":
            flat = np.array(values, np.int64).astype(np.uint16).view(dtype)
        elif source == "int32_data":
            flat = np.array(values, np.int64)
        else:
            flat = np.array(values)
    return flat.astype(dtype, copy=False).reshape(shape)


def halves(tensor: Any, count: int, name: str) -> np.ndarray:
    """Return the integers of so many bytes with two each, of a TensorProto."""
    data = tensor.raw_data if tensor.HasField("raw_data") else tensor.int32_data
    if len(data) != count:
        raise UserError(f"{name} is {list(tensor.dims)} but holds {len(data)} bytes, not {count}")
    found = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else \
        np.array(data, np.int64).astype(np.uint8)
    return part_nibbles(found, 2 * count)
