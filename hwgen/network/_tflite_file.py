"""What is in a .tflite file, as plain values that have been checked against its size.

A file may be damaged or hostile, so nothing here trusts a length or an offset in it: every length
is held against the file or a stated limit before anything is made of that length.
"""

import struct
from dataclasses import dataclass, field

import numpy as np
import tflite
from numpy.typing import NDArray

from ..errors import UserError

__all__ = ["LARGEST_FILE", "LARGEST_TENSOR", "File", "Operator", "Tensor", "parse"]

LARGEST_FILE = 1 << 28
LARGEST_TENSOR = 1 << 24
LARGEST_TENSORS_TOGETHER = 1 << 26
MOST_TENSORS = 1 << 14
MOST_OPERATORS = 1 << 12
MOST_OPERANDS = 64
MOST_AXES = 6
LONGEST_NAME = 1 << 12

DAMAGED = (AttributeError, IndexError, OverflowError, struct.error, TypeError, ValueError)
"""What the flatbuffers package raises where a file makes no sense."""


def names_of(enumeration: type) -> dict[int, str]:
    """Return the names of the schema's numbers."""
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


OPERATORS = names_of(tflite.BuiltinOperator)
TYPES = names_of(tflite.TensorType)
ACTIVATIONS = names_of(tflite.ActivationFunctionType)
PADDINGS = names_of(tflite.Padding)

OPTIONS = {"CONV_2D": tflite.Conv2DOptions, "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
           "FULLY_CONNECTED": tflite.FullyConnectedOptions, "ADD": tflite.AddOptions,
           "AVERAGE_POOL_2D": tflite.Pool2DOptions, "MAX_POOL_2D": tflite.Pool2DOptions,
           "CONCATENATION": tflite.ConcatenationOptions, "SOFTMAX": tflite.SoftmaxOptions}
FIELDS = ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "FilterHeight",
          "FilterWidth", "FusedActivationFunction", "Axis", "Beta", "WeightsFormat")


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor as the file has it; ``data`` is None where it is no constant."""

    name: str
    type: str
    shape: tuple[int, ...]
    fixed: bool
    """Whether the file leaves open no axis but the batch's."""
    plain: bool
    """Whether it is neither sparse nor a variable."""
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


@dataclass(frozen=True, eq=False)
class File:
    """The one graph of a file."""

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def count(length: int, most: int, what: str) -> int:
    """Return a length that is within its limit."""
    if length > most:
        raise UserError(f"the file has {length} {what}, and at most {most} are read")
    return length


class Parser:
    """Reads one file; its methods raise what DAMAGED lists where the file is damaged."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.bytes = 0
        self.model = tflite.Model.GetRootAs(data, 0)

    def parse(self) -> File:
        """Read everything."""
        graphs = self.model.SubgraphsLength()
        if graphs != 1:
            raise UserError(f"the file has {graphs} subgraphs, and hwgen runs files with one")
        graph = self.model.Subgraphs(0)
        tensors = [self.tensor(graph.Tensors(index)) for index in
                   range(count(graph.TensorsLength(), MOST_TENSORS, "tensors"))]
        operators = [self.operator(graph.Operators(index), len(tensors)) for index in
                     range(count(graph.OperatorsLength(), MOST_OPERATORS, "operators"))]
        return File(tensors, operators,
                    self.indices(graph.InputsAsNumpy(), len(tensors)),
                    self.indices(graph.OutputsAsNumpy(), len(tensors)))

    def indices(self, vector: NDArray[np.int32] | int, tensors: int) -> tuple[int, ...]:
        """Return a vector of tensors' numbers; the schema's package gives 0 for a missing one."""
        if isinstance(vector, int):
            return ()
        count(len(vector), MOST_OPERANDS, "tensors in one list")
        if np.any((vector < -1) | (vector >= tensors)):
            raise UserError(f"the file names a tensor that is not among its {tensors}")
        return tuple(vector.tolist())

    def tensor(self, tensor: tflite.Tensor) -> Tensor:
        """Read a tensor, and find its bytes."""
        shape = self.shape(tensor.ShapeAsNumpy())
        signature = self.shape(tensor.ShapeSignatureAsNumpy())
        size = int(np.prod(shape, dtype=object))
        if min(shape, default=1) < 1 or size > LARGEST_TENSOR:
            raise UserError(f"the file has a tensor of shape {shape}: each axis must be at least "
                            f"1 and all together at most {LARGEST_TENSOR}")
        data, offset = self.buffer(tensor.Buffer())
        if data is None:
            self.bytes += size
        if self.bytes > LARGEST_TENSORS_TOGETHER:
            raise UserError("the tensors of the file are more than "
                            f"{LARGEST_TENSORS_TOGETHER} bytes together")
        quantisation = tensor.Quantization()
        scales, zero_points, axis = np.empty(0, np.float32), np.empty(0, np.int64), 0
        if quantisation is not None:
            axis = quantisation.QuantizedDimension()
            if quantisation.ScaleLength():
                scales = quantisation.ScaleAsNumpy()
            if quantisation.ZeroPointLength():
                zero_points = quantisation.ZeroPointAsNumpy()
        name = tensor.Name() or b""
        count(len(name), LONGEST_NAME, "bytes in the name of a tensor")
        return Tensor(name.decode(errors="replace"), TYPES.get(tensor.Type(), "unknown"), shape,
                      all(axis >= 0 for axis in signature[1:]),
                      tensor.Sparsity() is None and not tensor.IsVariable(),
                      scales, zero_points, axis, data, offset)

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
        buffer = self.model.Buffers(index)
        if buffer.Offset() > 1 or buffer.Size() > 1:
            raise UserError("the file keeps weights outside its tables, as those above 2 GB do")
        if not buffer.DataLength():
            return None, 0
        found = buffer.DataAsNumpy()
        begin = np.frombuffer(self.data, np.uint8).ctypes.data
        return memoryview(found), int(found.ctypes.data) - begin

    def operator(self, operator: tflite.Operator, tensors: int) -> Operator:
        """Read an operator and its options."""
        if operator.OpcodeIndex() >= self.model.OperatorCodesLength():
            raise UserError("the file names an operator code that it does not have")
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        # Files from before there were more than 127 operators have the number in the other field.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = OPERATORS.get(number, f"operator {number}")
        return Operator(name, self.indices(operator.InputsAsNumpy(), tensors),
                        self.indices(operator.OutputsAsNumpy(), tensors),
                        self.options(operator, name))

    def options(self, operator: tflite.Operator, name: str) -> dict[str, float]:
        """Return those options of an operator that change what it computes."""
        kind = OPTIONS.get(name)
        if kind is None:
            return {}
        table = operator.BuiltinOptions()
        options = kind()
        if table is None:
            return {}
        if operator.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, kind.__name__):
            raise UserError(f"an operator {name} has the options of another one")
        options.Init(table.Bytes, table.Pos)
        return {field: getattr(options, field)() for field in FIELDS if hasattr(options, field)}


def parse(data: bytes) -> File:
    """Read a file."""
    if len(data) > LARGEST_FILE:
        raise UserError(f"the file has {len(data)} bytes, and at most {LARGEST_FILE} are read")
    if data[4:8] != b"TFL3":
        raise UserError("this is not a .tflite file, which has 'TFL3' at its fifth byte")
    try:
        return Parser(data).parse()
    except UserError:
        raise
    except DAMAGED:
        raise UserError("the file is damaged: it points outside itself") from None
