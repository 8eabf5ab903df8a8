"""What is in a .tflite file, as plain values that have been checked against its size.

A file may be damaged or hostile, so nothing here trusts a length or an offset in it: every length
is held against the file or a stated limit before anything is made of that length.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import tflite
from numpy.typing import NDArray

from ...errors import UserError
from .operator_codes import RUNS, code_number, custom_name, operator_name, refuse_others
from .tables import NAME, names_of, text_of, whole

__all__ = ["LARGEST_FILE", "LARGEST_TENSOR", "File", "Operator", "StoredTensor", "parse"]

LARGEST_FILE = 1 << 28
LARGEST_TENSOR = 1 << 24
LARGEST_TENSORS_TOGETHER = 1 << 26
VERSION = 3
"""Of the format, as the schema counts it; there is no other in use."""
MOST_SUBGRAPHS = 1 << 8
MOST_TENSORS = 1 << 14
MOST_OPERATORS = 1 << 12
MOST_OPERANDS = 64
MOST_AXES = 6
LONGEST_NAME = 1 << 12

DAMAGED = (AttributeError, IndexError, OverflowError, struct.error, TypeError, ValueError)
"""What the flatbuffers package raises where a file makes no sense."""


TYPES = names_of(tflite.TensorType)
ACTIVATIONS = names_of(tflite.ActivationFunctionType)
PADDINGS = names_of(tflite.Padding)

FIELDS = ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "DepthMultiplier",
          "FilterHeight", "FilterWidth", "FusedActivationFunction", "Axis", "Beta", "Alpha",
          "WeightsFormat", "KeepNumDims", "KeepDims", "BeginMask", "EndMask", "EllipsisMask",
          "NewAxisMask", "ShrinkAxisMask", "Offset", "NumSplits", "Num", "ValuesCount", "BlockSize",
          "AlignCorners", "HalfPixelCenters", "BatchDims", "Mode", "InitSubgraphIndex", "Rank",
          "AsymmetricQuantizeInputs", "AdjX", "AdjY", "CellClip", "ProjClip", "TimeMajor",
          "DiagonalRecurrentTensors")
VECTORS = ("NewShape", "SqueezeDims")
CONTAINER, SHARED_NAME = 4, 6
"""Where the list of fields of a VAR_HANDLE's options has its two texts."""


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """A tensor as the file has it; ``data`` is None where it is no constant."""

    name: str
    type: str
    shape: tuple[int, ...]
    fixed: bool
    """Whether the file leaves open no axis but the batch's."""
    plain: bool
    """Whether it is neither sparse nor a variable."""
    variable: bool
    """Whether an operator keeps its state there."""
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    axis: int
    data: memoryview | None
    offset: int = 0
    """Where in the file the data is."""


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator: -1 among the inputs is one that was left out."""

    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, float] = field(default_factory=dict)
    vectors: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Options that are lists, where the file has them."""
    variable: tuple[str, str] = ("", "")
    """The container and the name of the variable that a VAR_HANDLE stands for."""

    def layer(self, number: int) -> str:
        """Return the name of its layer, by its number in the file."""
        return f"{number}_{self.code.lower()}"


@dataclass(frozen=True, eq=False)
class File:
    """The first graph of a file, and the others."""

    tensors: list[StoredTensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: tuple["File", ...] = ()


def count(length: int, most: int, what: str) -> int:
    """Return a length that is within its limit."""
    if length > most:
        raise UserError(f"the file has {length} {what}, and at most {most} are read")
    return length


class FileParser:
    """Reads one file; its methods raise what DAMAGED lists where the file is damaged."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = 0
        self.model = whole(tflite.Model.GetRootAs(data, 0))
        self.codes = [whole(self.model.OperatorCodes(index)) for index in range(
            count(self.model.OperatorCodesLength(), MOST_OPERATORS, "operator codes"))]

    def parse(self) -> File:
        """Read everything; what is wrong with the operators is said first."""
        if self.model.Version() != VERSION:
            raise UserError(f"the file is of version {self.model.Version()} of the format, and "
                            f"hwgen reads version {VERSION}")
        graphs = [whole(self.model.Subgraphs(index)) for index in
                  range(count(self.model.SubgraphsLength(), MOST_SUBGRAPHS, "subgraphs"))]
        count(sum(graph.OperatorsLength() for graph in graphs), MOST_OPERATORS, "operators")
        refuse_others([place for number, graph in enumerate(graphs)
                       for place in self.places(graph, number)])
        if not graphs:
            raise UserError("the file has 0 subgraphs, and hwgen runs files with one")
        count(sum(graph.TensorsLength() for graph in graphs), MOST_TENSORS, "tensors")
        first, *others = (self.graph(graph) for graph in graphs)
        return replace(first, others=tuple(others))

    def graph(self, graph: tflite.SubGraph) -> File:
        """Read one graph."""
        between = self.between(graph)
        tensors = [self.tensor(whole(graph.Tensors(index), f"tensor {index}"), index,
                               int(index not in between)) for index in range(graph.TensorsLength())]
        operators = [self.operator(whole(graph.Operators(index)), index, len(tensors))
                     for index in range(graph.OperatorsLength())]
        return File(tensors, operators,
                    self.indices(graph.InputsAsNumpy(), len(tensors)),
                    self.indices(graph.OutputsAsNumpy(), len(tensors)))

    def between(self, graph: tflite.SubGraph) -> set[int]:
        """Return tensors that hold only scales of what is between, as those of an LSTM do."""
        named, between = [graph.InputsAsNumpy(), graph.OutputsAsNumpy()], []
        for index in range(graph.OperatorsLength()):
            operator = whole(graph.Operators(index))
            named += [operator.InputsAsNumpy(), operator.OutputsAsNumpy()]
            between.append(operator.IntermediatesAsNumpy())
        found, kept = (
            {index for vector in vectors if not isinstance(vector, int)
             for index in vector.tolist()} for vectors in (between, named))
        return found - kept

    def code(self, operator: tflite.Operator) -> tflite.OperatorCode:
        """Return the code of an operator."""
        if operator.OpcodeIndex() >= len(self.codes):
            raise UserError("the file names an operator code that it does not have")
        return self.codes[operator.OpcodeIndex()]

    def places(self, graph: tflite.SubGraph, number: int) -> Iterator[tuple[str, str, str]]:
        """Yield the number of each operator of a graph, how an error calls it, and its name."""
        for index in range(graph.OperatorsLength()):
            code = self.code(whole(graph.Operators(index)))
            name = operator_name(code_number(code))
            title = custom_name(code) if name == "CUSTOM" else name
            yield str(index), title + (f" of subgraph {number}" if number else ""), name

    def indices(self, vector: NDArray[np.int32] | int, tensors: int) -> tuple[int, ...]:
        """Return a vector of tensors' numbers; the schema's package gives 0 for a missing one."""
        if isinstance(vector, int):
            return ()
        count(len(vector), MOST_OPERANDS, "tensors in one list")
        if np.any((vector < -1) | (vector >= tensors)):
            raise UserError(f"the file names a tensor that is not among its {tensors}")
        return tuple(vector.tolist())

    def tensor(self, tensor: tflite.Tensor, index: int, least: int = 1) -> StoredTensor:
        """Read a tensor, each axis of which has a ``least`` size, and find its bytes."""
        name = text_of(tensor, NAME, LONGEST_NAME)
        title = f"tensor {name.decode(errors='replace')!r}" if name else f"tensor {index}"
        shape = self.shape(tensor.ShapeAsNumpy())
        signature = self.shape(tensor.ShapeSignatureAsNumpy())
        size = int(np.prod(shape, dtype=object))
        if min(shape, default=1) < least or size > LARGEST_TENSOR:
            raise UserError(f"{title} has shape {shape}: each axis must be at least {least} and "
                            f"all together at most {LARGEST_TENSOR}")
        if tensor.Type() not in TYPES:
            raise UserError(f"{title} is of type {tensor.Type()}, which the schema does not have")
        data, offset = self.buffer(tensor.Buffer())
        if data is None:
            self.bytes += size
        if self.bytes > LARGEST_TENSORS_TOGETHER:
            raise UserError("the tensors of the file are more than "
                            f"{LARGEST_TENSORS_TOGETHER} bytes together")
        quantisation = tensor.Quantization()
        scales, zero_points, axis = np.empty(0, np.float32), np.empty(0, np.int64), 0
        if quantisation is not None:
            whole(quantisation)
            axis = quantisation.QuantizedDimension()
            if quantisation.ScaleLength():
                scales = quantisation.ScaleAsNumpy()
            if quantisation.ZeroPointLength():
                zero_points = quantisation.ZeroPointAsNumpy()
            if quantisation.DetailsType():
                raise UserError(f"{title} has a quantisation of its own kind: hwgen knows scales "
                                "and zero points")
            if len(scales) and not 0 <= axis < max(len(shape), 1):
                raise UserError(f"{title} has scales along axis {axis} of shape {shape}")
        return StoredTensor(name.decode(errors="replace"), TYPES[tensor.Type()], shape,
                            all(axis >= 0 for axis in signature[1:]),
                            tensor.Sparsity() is None and not tensor.IsVariable(),
                            bool(tensor.IsVariable()), scales, zero_points, axis, data, offset)

    def shape(self, vector: NDArray[np.int32] | int) -> tuple[int, ...]:
        """Return a shape."""
        if isinstance(vector, int):
            return ()
        count(len(vector), MOST_AXES, "axes in one tensor")
        return tuple(vector.tolist())

    def buffer(self, index: int) -> tuple[memoryview | None, int]:
        """Return the bytes of a buffer, and where in the file they are.

        None where it is empty, as the one of an activation is.
        """
        if index >= self.model.BuffersLength():
            raise UserError("the file names a buffer that it does not have")
        buffer = whole(self.model.Buffers(index))
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise UserError("the file keeps weights outside its tables, as those above 2 GB do")
        if not buffer.DataLength():
            return None, 0
        if index == 0:
            raise UserError("the file has data in buffer 0, which must be empty: it stands for "
                            "tensors without data")
        found = buffer.DataAsNumpy()
        begin = np.frombuffer(self.data, np.uint8).ctypes.data
        return memoryview(found), int(found.ctypes.data) - begin

    def operator(self, operator: tflite.Operator, index: int, tensors: int) -> Operator:
        """Read an operator and its options."""
        code = self.code(operator)
        name = operator_name(code_number(code))
        where = f"layer {index} ({name})"
        if not 1 <= code.Version() <= RUNS[name].version:
            raise UserError(f"{where} is of version {code.Version()}: hwgen knows the versions 1 "
                            f"to {RUNS[name].version}")
        if not operator.CustomOptionsIsNone():
            raise UserError(f"{where} has the options of a custom operator")
        options = self.options(operator, name, where)
        for what in ("QuantizedBiasType", "OutType"):
            number = getattr(options, what, int)()
            if number not in TYPES:
                raise UserError(f"{where} has the number {number} as {what}, a type that the "
                                "schema does not have")
        return Operator(name, self.indices(operator.InputsAsNumpy(), tensors),
                        self.indices(operator.OutputsAsNumpy(), tensors),
                        {field: getattr(options, field)() for field in FIELDS
                         if hasattr(options, field)},
                        {field: self.shape(getattr(options, f"{field}AsNumpy")())
                         for field in VECTORS
                         if hasattr(options, field) and not getattr(options, f"{field}IsNone")()},
                        self.variable(options))

    def variable(self, options: object) -> tuple[str, str]:
        """Return the container and the name that the options of a VAR_HANDLE have."""
        if not isinstance(options, tflite.VarHandleOptions):
            return "", ""
        container, name = (text_of(options, place, LONGEST_NAME).decode(errors="replace")
                           for place in (CONTAINER, SHARED_NAME))
        return container, name

    def options(self, operator: tflite.Operator, name: str, where: str) -> object:
        """Return the table of an operator's options, or None where it has none."""
        kind, table = RUNS[name].options, operator.BuiltinOptions()
        if kind is None or table is None:
            return None
        if operator.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, kind.__name__):
            raise UserError(f"{where} has the options of another operator")
        options = kind()
        options.Init(table.Bytes, table.Pos)
        return whole(options, where)


def parse(data: bytes) -> File:
    """Read a file."""
    if len(data) > LARGEST_FILE:
        raise UserError(f"the file has {len(data)} bytes, and at most {LARGEST_FILE} are read")
    if data[4:8] != b"TFL3":
        raise UserError("this is not a .tflite file, which has 'TFL3' at its fifth byte")
    try:
        return FileParser(data).parse()
    except UserError:
        raise
    except DAMAGED:
        raise UserError("the file is damaged: it points outside itself") from None
