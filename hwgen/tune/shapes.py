"""An ONNX file of which only the shapes are known: its weights are made up, so that it can be read.

Weights are missing where they are in another file that is not there, where a tensor has a shape and
no values, or, in a float network, where they are inputs of the graph, as exporters that leave
parameters out make them.
What is made up serves to count cycles, bytes and blocks, which depend on the values of weights only
where these are 0; none of ours is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compress.quantize import quantise
from ..errors import UserError
from ..network.graph import Network
from ..network.onnx.file import ELEMENTS, TYPES, load, parse
from ..network.onnx.reading import read

__all__ = ["read_shapes"]

PRODUCTS = ("Conv", "Gemm", "MatMul", "BatchNormalization")
"""Operators all whose inputs but the first are parameters."""
WEIGHTS = (1, 2, 3, 6, 10, 11)
"""Types of ONNX that a parameter can be of: floats, int8, uint8 and int32."""
IMAGES = 2
"""Inputs on which a float network is made one of int8."""


def read_shapes(path: str | Path) -> Network | None:
    """Return the network of an ONNX file without weights; None where none is missing.

    A float one is made one of int8, on inputs that are made up likewise.
    """
    model, _ = parse(path)
    missing = {tensor.name: tensor for tensor in model.graph.initializer if not has_values(tensor)}
    inputs = list(parameters(model.graph))
    if not missing and not inputs:
        return None
    rng = np.random.default_rng(0)
    for tensor in missing.values():
        fill(tensor, tensor.data_type, tuple(tensor.dims), rng)
    for port in inputs:
        kind = port.type.tensor_type
        shape = tuple(dim.dim_value for dim in kind.shape.dim)
        fill(model.graph.initializer.add(name=port.name), kind.elem_type, shape, rng)
        model.graph.input.remove(port)
    data = model.SerializeToString()
    graph = load(data)
    if any("Linear" in node.operator for node in graph.nodes):
        return read(data)
    return quantise(data, {name: rng.normal(size=(IMAGES, *port.shape[1:])).astype(np.float32)
                           for name, port in graph.inputs.items()})


def has_values(tensor: Any) -> bool:
    """Return whether a TensorProto holds what its shape says, or is empty."""
    if tensor.data_location == 1:
        return False
    fields = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data",
              "string_data")
    return 0 in tensor.dims or any(len(getattr(tensor, name)) for name in fields)


def parameters(graph: Any) -> Iterator[Any]:
    """Yield the inputs of a graph that are parameters of nodes, and nothing else."""
    given = {tensor.name for tensor in graph.initializer}
    for port in list(graph.input):
        places = [(node.op_type, place) for node in graph.node
                  for place, name in enumerate(node.input) if name == port.name]
        if port.name not in given and places and all(
                place > 0 and operator in PRODUCTS for operator, place in places):
            yield port


def fill(tensor: Any, data_type: int, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Give a TensorProto values that keep a network's tensors within bounds."""
    if data_type not in WEIGHTS:
        raise UserError(f"tensor {tensor.name!r} has no values, and its type is no parameter's, "
                        "which can be made up: floats, int8, uint8 and int32")
    if min(shape, default=1) < 1 or np.prod(shape, dtype=float) > ELEMENTS * 16:
        raise UserError(f"tensor {tensor.name!r} has no values, and its shape must be of sizes "
                        f"from 1 on, and of at most {ELEMENTS * 16} elements, not {list(shape)}")
    dtype = np.dtype(TYPES[data_type][0])
    name = tensor.name
    tensor.Clear()
    tensor.name, tensor.data_type = name, data_type
    tensor.dims.extend(shape)
    tensor.raw_data = random_parameter(dtype, shape, rng).astype(dtype).tobytes()


def random_parameter(dtype: np.dtype[Any], shape: tuple[int, ...],
            rng: np.random.Generator) -> NDArray[Any]:
    """Return weights, if there are two axes or more; else what scales, biases and means can be."""
    if len(shape) < 2:  # a zero point is 0
        return rng.uniform(0.5, 1, shape) if dtype.kind == "f" else np.zeros(shape)
    if dtype.kind == "f":
        return rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
    return rng.integers(1, 128, shape)
