"""Reads int8 networks from TensorFlow Lite files."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...tools.untrusted import read_bytes
from ..graph import Layer, Logistic, Network, Reshape, Softmax, Tensor
from ..lookups import looked_up
from . import file as tflite_file
from .dilation import dilate
from .layers import BUILDERS
from .operator import Context, Site
from .operator_codes import EDGES
from .rearrange import CONSTANTS, FOLDED, SEVERAL, fold
from .variables import VARIABLES, Variables, with_states

__all__ = ["read"]


class Reader:
    """Turns one parsed file into a Network."""

    def __init__(self, file: tflite_file.File) -> None:
        self.file = file
        self.context = Context(self.unique_names())
        self.layers: list[Layer] = []
        self.inputs = list(file.inputs)
        self.outputs = list(file.outputs)
        self.written = set(file.inputs)
        self.read: set[int] = set()
        self.variables = Variables(file, self.context, self.activation, self.written)

    def unique_names(self) -> list[str]:
        """Return a name for each tensor; a name that occurs again gets the tensor's number."""
        names: list[str] = []
        seen: set[str] = set()
        for index, tensor in enumerate(self.file.tensors):
            name = tensor.name or "tensor"
            if not tensor.name or name in seen:
                name = f"{name}#{index}"
            while name in seen:
                name += "#"
            seen.add(name)
            names.append(name)
        return names

    def activation(self, index: int) -> Tensor:
        """Return a tensor that is computed, for the graph."""
        if index in self.variables.same:
            return self.variables.same[index]
        tensor, name = self.file.tensors[index], self.context.names[index]
        if name in self.context.tensors:
            return self.context.tensors[name]
        if tensor.type != "INT8":
            raise UserError(f"tensor {name!r} is {tensor.type}: convert the network to full int8 "
                            "(TFLITE_BUILTINS_INT8), inputs and outputs too")
        if not (tensor.fixed and tensor.plain):
            what = "is sparse or a variable" if tensor.fixed else "has axes of open size"
            raise UserError(f"tensor {name!r} {what}: hwgen runs dense tensors of fixed shape")
        if len(tensor.scales) != 1 or len(tensor.zero_points) != 1:
            raise UserError(f"tensor {name!r} has {len(tensor.scales)} scales and "
                            f"{len(tensor.zero_points)} zero points: an activation has one of each")
        scale, zero_point = float(tensor.scales[0]), int(tensor.zero_points[0])
        if not 0 < scale < float("inf") or not -128 <= zero_point <= 127:
            raise UserError(f"tensor {name!r} has scale {scale} and zero point {zero_point}: the "
                            "scale must be a positive number, the zero point from -128 to 127")
        shape = tensor.shape
        if not shape:
            raise UserError(f"tensor {name!r} has no shape: hwgen runs tensors of one to four axes")
        if shape[:1] != (1,):
            # The rows of a fully connected layer, or a vector; the graph has an axis for the batch.
            shape = (1, *shape)
        if len(shape) > 4:
            raise UserError(f"tensor {name!r} has shape {tensor.shape}: hwgen runs up to four axes "
                            "with a batch of 1")
        self.context.tensors[name] = Tensor(name, shape, scale, zero_point)
        return self.context.tensors[name]

    def edge(self, code: str, source: int, target: int) -> bool:
        """Move the network's edge past a QUANTIZE or DEQUANTIZE; say whether that was possible."""
        if code == "QUANTIZE" and source in self.file.inputs:
            inside, outside, edges = target, source, self.inputs
        elif target in self.file.outputs and (code == "DEQUANTIZE" or self.moves_zero(source,
                                                                                    target)):
            inside, outside, edges = source, target, self.outputs
        else:
            return False
        if outside in edges:
            edges[edges.index(outside)] = inside
        else:  # A second QUANTIZE of one input
            edges.append(inside)
        return self.file.tensors[inside].type == "INT8" and \
            self.file.tensors[outside].type in EDGES[code]

    def moves_zero(self, source: int, target: int) -> bool:
        """Return whether a QUANTIZE makes an int8 the uint8 that stands for the same value."""
        inside, outside = (self.file.tensors[index] for index in (source, target))
        return (inside.type, outside.type) == ("INT8", "UINT8") and np.array_equal(
            inside.scales, outside.scales) and np.array_equal(inside.zero_points + 128,
                                                              outside.zero_points)

    def operator(self, number: int, operator: tflite_file.Operator) -> None:
        """Append the layers of one operator."""
        where = f"layer {number} ({operator.code})"
        if operator.code in VARIABLES:
            try:
                self.layers += self.variables.operator(operator, number)
            except UserError as error:
                raise UserError(f"{where}: {error}") from None
            return
        several = operator.code in SEVERAL
        if not operator.outputs or not several and len(operator.outputs) > 1 or \
                -1 in operator.outputs or not operator.inputs:
            raise UserError(f"{where} must have inputs and "
                            f"{'outputs' if several else 'one output'}")
        types = {self.file.tensors[operands[0]].type
                 for operands in (operator.inputs, operator.outputs)}
        if operator.code in EDGES and (operator.code not in BUILDERS or types != {"INT8"}):
            if len(operator.inputs) != 1 or not self.edge(operator.code, operator.inputs[0],
                                                          operator.outputs[0]):
                raise UserError(f"{where} is inside the network: hwgen runs QUANTIZE to int8 on "
                                "inputs, DEQUANTIZE from int8 on outputs, or QUANTIZE from int8 "
                                "to uint8 that moves the zero point by 128, and nothing between "
                                "that changes a tensor's type")
            shapes = [self.file.tensors[operands[0]].shape
                      for operands in (operator.inputs, operator.outputs)]
            if shapes[0] != shapes[1]:
                raise UserError(f"{where}: its output has shape {shapes[1]}, and must have "
                                f"{shapes[0]}")
            if operator.inputs[0] not in self.written or operator.outputs[0] in self.read:
                raise UserError(f"{where} must come after what writes its input, and before what "
                                "reads its output")
            return
        try:
            inputs = [self.file.tensors[index] if index >= 0 else None
                      for index in operator.inputs]
            for place, index in enumerate(operator.outputs):
                result = self.file.tensors[index]
                if result.data is not None:
                    raise UserError("its output is a constant")
                site = Site(self.context, operator.layer(number) + f"_{place}" * several, operator,
                            inputs, result, self.activation, place)
                if operator.code == "SHAPE" or operator.code in FOLDED and all(
                        x is not None and x.data is not None for x in inputs):
                    self.file.tensors[index] = replace(result, data=self.constant(site))
                else:
                    self.layers += BUILDERS[operator.code](site)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None

    def constant(self, site: Site) -> memoryview:
        """Return the output of an operator whose inputs are constants."""
        if site.result.type not in CONSTANTS:
            raise UserError(f"its output must be {' or '.join(CONSTANTS)}, not {site.result.type}")
        try:
            values = fold(site)
        except UserError:
            raise
        except (IndexError, ValueError):
            raise UserError("its constants do not suit each other") from None
        site.has_shape(*values.shape)
        return memoryview(values.astype(CONSTANTS[site.result.type]).tobytes())

    def network(self, name: str) -> Network:
        """Return the network."""
        if -1 in (*self.file.inputs, *self.file.outputs):
            raise UserError("an input or output of the network is left out (-1)")
        for index in self.file.inputs:
            if self.file.tensors[index].data is not None:
                raise UserError(f"input {self.context.names[index]!r} is a constant")
            if self.file.tensors[index].shape[:1] != (1,):
                raise UserError(f"input {self.context.names[index]!r} has shape "
                                f"{self.file.tensors[index].shape}: hwgen runs a batch of 1, the "
                                "first axis")
        for number, operator in enumerate(dilate(self.file)):
            if operator is not None:
                self.operator(number, operator)
                self.read.update(operator.inputs)
                self.written.update(operator.outputs)
        self.variables.finish()
        if not self.layers:
            raise UserError("the network has no layers")
        outputs = {self.context.names[index] for index in self.outputs}
        self.layers = last_on_host(self.layers, self.context, outputs)
        self.layers = curves_within(self.layers, self.context, outputs)
        edges = [[self.activation(index).name for index in indices]
                 for indices in (self.inputs, self.outputs)]
        for what, names in zip(("inputs", "outputs"), edges, strict=True):
            if not names or len(set(names)) != len(names):
                raise UserError(f"the network must have {what}, and each of them once")
        self.layers = with_states(self.layers, self.context, set(edges[1]))
        return Network(name, self.context.tensors, tuple(self.layers), tuple(edges[0]),
                       tuple(edges[1]), states=tuple(self.context.states))


def last_on_host(layers: list[Layer], context: Context, outputs: set[str]) -> list[Layer]:
    """Return the layers with each RESHAPE of what the host computes before that."""
    found = list(layers)
    for place, layer in enumerate(layers):
        x, y = context.tensors[layer.inputs[0]], context.tensors[layer.output]
        host = next((each for each in layers[:place] if each.output == x.name and each.host), None)
        readers = [each for each in layers if x.name in each.inputs]
        if not (host and isinstance(layer, Reshape) and len(readers) == 1) or \
                x.name in outputs or isinstance(host, Softmax) and x.shape[-1] != y.shape[-1]:
            continue
        before = context.tensors[host.inputs[0]]
        context.tensors[x.name] = replace(before, name=x.name, shape=y.shape)
        found[found.index(host)] = replace(layer, inputs=(before.name,), output=x.name)
        found[found.index(layer)] = replace(host, inputs=(x.name,), output=y.name)
    return found


def curves_within(layers: list[Layer], context: Context, outputs: set[str]) -> list[Layer]:
    """Return the layers as the accelerator computes each that another one reads, or nobody does.

    A LOGISTIC becomes a table.
    """
    read = {name for layer in layers for name in layer.inputs}
    found: list[Layer] = []
    for layer in layers:
        if layer.output in read or layer.output not in outputs:
            if isinstance(layer, Logistic):
                layer = looked_up(layer, context.tensors[layer.inputs[0]])
            elif isinstance(layer, Softmax):
                layer = replace(layer, within=True)
        found.append(layer)
    return found


def read(source: str | os.PathLike[str] | bytes) -> Network:
    """Read a .tflite file, or the bytes of one."""
    if isinstance(source, bytes):
        data, name = source, "network"
    else:
        path = Path(source)
        data, name = read_bytes(path, tflite_file.LARGEST_FILE), path.stem
    try:
        return Reader(tflite_file.parse(data)).network(name)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
