"""Writes .tflite files: of tensors and operators given one by one, or random ones.

``write_network`` writes any graph, sound or not. ``random_layer`` writes a network of one layer of
a kind in ``KINDS``, ``random_network`` a small graph of several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import tflite

from hwgen.arch.nibbles import join_nibbles

__all__ = ["CURVES", "KINDS", "MATMULS", "MORE_LAYERS", "PAIRS", "Graph", "Operator", "Tensor",
           "both_fields", "random_chain", "random_layer", "random_network", "write_network"]

OPTIONS = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
           "FULLY_CONNECTED": "FullyConnectedOptions", "ADD": "AddOptions",
           "SUB": "SubOptions", "MUL": "MulOptions", "MAXIMUM": "MaximumMinimumOptions",
           "MINIMUM": "MaximumMinimumOptions", "AVERAGE_POOL_2D": "Pool2DOptions",
           "MAX_POOL_2D": "Pool2DOptions",
           "CONCATENATION": "ConcatenationOptions", "SOFTMAX": "SoftmaxOptions",
           "MEAN": "ReducerOptions", "SUM": "ReducerOptions",
           "RESHAPE": "ReshapeOptions", "PAD": "PadOptions",
           "PADV2": "PadV2Options", "QUANTIZE": "QuantizeOptions",
           "DEQUANTIZE": "DequantizeOptions", "SQUEEZE": "SqueezeOptions",
           "EXPAND_DIMS": "ExpandDimsOptions", "STRIDED_SLICE": "StridedSliceOptions",
           "SLICE": "SliceOptions", "SPLIT": "SplitOptions", "SPLIT_V": "SplitVOptions",
           "PACK": "PackOptions", "UNPACK": "UnpackOptions", "TRANSPOSE": "TransposeOptions",
           "GATHER": "GatherOptions", "SPACE_TO_DEPTH": "SpaceToDepthOptions",
           "DEPTH_TO_SPACE": "DepthToSpaceOptions", "MIRROR_PAD": "MirrorPadOptions",
           "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions", "SHAPE": "ShapeOptions",
           "TRANSPOSE_CONV": "TransposeConvOptions",
           "SPACE_TO_BATCH_ND": "SpaceToBatchNDOptions",
           "BATCH_TO_SPACE_ND": "BatchToSpaceNDOptions", "SVDF": "SVDFOptions",
           "VAR_HANDLE": "VarHandleOptions", "READ_VARIABLE": "ReadVariableOptions",
           "ASSIGN_VARIABLE": "AssignVariableOptions", "CALL_ONCE": "CallOnceOptions",
           "HARD_SWISH": "HardSwishOptions", "LEAKY_RELU": "LeakyReluOptions", "ABS": "AbsOptions",
           "BATCH_MATMUL": "BatchMatMulOptions",
           "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions"}


@dataclass(kw_only=True)
class Tensor:
    """A tensor as a file has it; with ``data`` it is a constant. One scale, or one a channel."""

    shape: Sequence[int]
    scale: float | Sequence[float] | None = None
    zero_point: int | Sequence[int] | None = 0
    data: np.ndarray | None = None
    type: str = "INT8"
    axis: int = 0
    name: str = ""
    signature: Sequence[int] | None = None
    variable: bool = False
    sparse: bool = False
    newer: int | None = None
    """The field external_buffer, which the schema's package does not know."""


@dataclass
class Operator:
    """An operator; options are the schema's fields: ``{"StrideH": 2}``, or arrays of int32.

    With ``options`` of None the file has no table of them.
    """

    code: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: dict[str, object] | None = field(default_factory=dict)
    options_of: str | None = None
    """The operator whose options these are; its own, where nothing is said."""
    custom_options: np.ndarray | None = None
    intermediates: Sequence[int] | None = None


def both_fields(number: int) -> tuple[int, int]:
    """Return an operator code's two fields, the deprecated one first, as converters fill them."""
    return min(number, 127), number


def vector(builder: flatbuffers.Builder, values: Sequence[int]) -> int:
    """Write a vector of tables' offsets."""
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependUOffsetTRelative(value)
    return builder.EndVector()


def table(builder: flatbuffers.Builder, kind: str, **fields: object) -> int:
    """Write a table; what is an array becomes a vector, what is None is left out."""
    offsets = {name: builder.CreateNumpyVector(value) if isinstance(value, np.ndarray) else
               builder.CreateString(value) if isinstance(value, str) else value
               for name, value in fields.items() if value is not None}
    getattr(tflite, f"{kind}Start")(builder)
    for name, value in offsets.items():
        getattr(tflite, f"{kind}Add{name}")(builder, value)
    return getattr(tflite, f"{kind}End")(builder)


def write_tensor(builder: flatbuffers.Builder, tensor: Tensor, index: int, buffer: int) -> int:
    """Write a tensor."""
    quantisation = None
    if tensor.scale is not None:
        scales = np.atleast_1d(np.array(tensor.scale, np.float32))
        zero_points = None if tensor.zero_point is None else \
            np.broadcast_to(np.array(tensor.zero_point, np.int64), scales.shape).copy()
        quantisation = table(builder, "QuantizationParameters", Scale=scales,
                             ZeroPoint=zero_points, QuantizedDimension=tensor.axis)
    sparsity = table(builder, "SparsityParameters") if tensor.sparse else None
    signature = None if tensor.signature is None else np.array(tensor.signature, np.int32)
    name = builder.CreateString(tensor.name or f"tensor {index}")
    if tensor.newer is not None:
        builder.StartObject(11)
        builder.PrependUint32Slot(10, tensor.newer, 0)
        tflite.TensorAddName(builder, name)
        return builder.EndObject()
    return table(builder, "Tensor", Shape=np.array(tensor.shape, np.int32), Name=name,
                 Type=getattr(tflite.TensorType, tensor.type), Buffer=buffer,
                 Quantization=quantisation, Sparsity=sparsity, ShapeSignature=signature,
                 IsVariable=tensor.variable)


def write_operator(builder: flatbuffers.Builder, operator: Operator, code: int) -> int:
    """Write an operator."""
    kind = None if operator.options is None else OPTIONS.get(operator.options_of or operator.code)
    options = table(builder, kind, **operator.options) if kind else None
    between = operator.intermediates
    return table(builder, "Operator", OpcodeIndex=code,
                 Intermediates=None if between is None else np.array(between, np.int32),
                 Inputs=np.array(operator.inputs, np.int32),
                 Outputs=np.array(operator.outputs, np.int32), BuiltinOptions=options,
                 BuiltinOptionsType=getattr(tflite.BuiltinOptions, kind) if kind else None,
                 CustomOptions=operator.custom_options)


def write_network(tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int],
                  outputs: Sequence[int], *, graphs: int = 1, custom: str | None = None,
                  version: int = 1, format_version: int = 3, first_buffer: np.ndarray | None = None,
                  others: Sequence["Graph"] = (),
                  fields: Callable[[int], tuple[int, int]] = both_fields) -> bytes:
    """Return the bytes of a file with one graph; tensors go by their numbers in the list.

    ``graphs`` repeats it, and ``others`` without inputs and outputs follow; ``custom`` and
    ``version`` are those of all operators' codes, and ``fields`` what they have in their two fields
    for the number. ``first_buffer`` is what the first buffer has, which should be nothing, and
    ``format_version`` should be 3.
    """
    builder = flatbuffers.Builder(1024)
    buffers = [table(builder, "Buffer", Data=first_buffer)]
    parts = [(tensors, operators, inputs, outputs),
             *((other.tensors, other.operators, (), ()) for other in others)]
    written = []
    for part in parts:
        written.append([])
        for index, tensor in enumerate(part[0]):
            written[-1].append((tensor, index, 0 if tensor.data is None else len(buffers)))
            if tensor.data is not None:
                data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
                buffers.append(table(builder, "Buffer", Data=data))
    codes = sorted({operator.code for part in parts for operator in part[1]})
    name = None if custom is None else builder.CreateString(custom)
    code_tables = []
    for code in codes:
        deprecated, builtin = fields(getattr(tflite.BuiltinOperator, code))
        code_tables.append(table(builder, "OperatorCode", Version=version, CustomCode=name,
                                 BuiltinCode=builtin, DeprecatedBuiltinCode=deprecated))
    made = []
    for part, own in zip(parts, written, strict=True):
        tables = [write_tensor(builder, *each) for each in own]
        operator_tables = [write_operator(builder, operator, codes.index(operator.code))
                           for operator in part[1]]
        made.append(table(builder, "SubGraph", Tensors=vector(builder, tables),
                          Operators=vector(builder, operator_tables),
                          Inputs=np.array(part[2], np.int32), Outputs=np.array(part[3], np.int32)))
    model = table(builder, "Model", Version=format_version,
                  OperatorCodes=vector(builder, code_tables),
                  Subgraphs=vector(builder, [made[0]] * graphs + made[1:]),
                  Buffers=vector(builder, buffers))
    builder.Finish(model, file_identifier=b"TFL3")
    return bytes(builder.Output())


class Graph:
    """A network under construction: every method appends a random layer and returns its output."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []

    def integer(self, low: int, high: int) -> int:
        """Return an integer from low to high."""
        return int(self.rng.integers(low, high + 1))

    def tensor(self, **fields: object) -> int:
        """Append a tensor."""
        self.tensors.append(Tensor(**fields))
        return len(self.tensors) - 1

    def operator(self, code: str, inputs: Sequence[int], output: int, *more: int,
                 **options: float) -> int:
        """Append an operator of one output or more."""
        self.operators.append(Operator(code, inputs, [output, *more], options))
        return output

    def integers(self, *values: int, shape: Sequence[int] | None = None) -> int:
        """Append a constant of integers."""
        return self.tensor(shape=[len(values)] if shape is None else shape, type="INT32",
                           data=np.array(values, np.int32))

    def activation(self, *shape: int, scale: float | None = None,
                   zero_point: int | None = None) -> int:
        """Append a tensor that is computed."""
        if scale is None:
            scale = float(np.float32(self.rng.uniform(0.005, 0.2)))
        if zero_point is None:
            zero_point = int(self.rng.choice([-128, 127, 0, self.integer(-128, 127)]))
        return self.tensor(shape=shape, scale=scale, zero_point=zero_point)

    def like(self, x: int, *shape: int) -> int:
        """Append a tensor with the scale of another."""
        return self.activation(*shape, scale=self.tensors[x].scale,
                               zero_point=self.tensors[x].zero_point)

    def image(self, largest: int = 12, channels: int = 9) -> int:
        """Append an image."""
        return self.activation(1, self.integer(1, largest), self.integer(1, largest),
                               self.integer(1, channels))

    def fused(self) -> int:
        """Return an activation function."""
        return int(self.rng.choice([0, 0, 1, 2, 3]))

    def windowed(self, x: int, kernel: tuple[int, int], stride: tuple[int, int],
                 dilation: tuple[int, int] = (1, 1)) -> tuple[int, tuple[int, int]]:
        """Return a padding under which the output is not empty, and the output's size."""
        size = self.tensors[x].shape[1:3]
        valid = [(n - (k - 1) * d - 1) // s + 1
                 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True)]
        if min(valid) > 0 and self.rng.random() < 0.5:
            return 1, (valid[0], valid[1])
        return 0, (-(-size[0] // stride[0]), -(-size[1] // stride[1]))

    def weighted(self, x: int, shape: Sequence[int], axis: int, taps: int, *,
                 per_channel: bool = True) -> tuple[list[int], float]:
        """Append weights and bias; return them, and a scale that suits the output.

        Sometimes no suiting one, and sometimes with channels without weights and with extreme
        biases, as public networks have them.
        """
        rng, outputs = self.rng, shape[axis]
        scales = rng.uniform(0.0005, 0.02, outputs if per_channel else 1).astype(np.float32)
        weights = rng.integers(-127, 128, shape, dtype=np.int8)
        spread = 74 * 74 * np.sqrt(taps)
        bias = rng.normal(0, spread, outputs)
        output = float(self.tensors[x].scale) * float(np.median(scales)) * spread / 50
        if rng.random() < 0.2:
            dead = rng.random(outputs) < 0.5
            np.moveaxis(weights, axis, -1)[..., dead] = 0
            bias[dead] = rng.uniform(-2**30, 2**30, int(dead.sum()))
            if per_channel:
                scales[dead] *= np.float32(2.0) ** -rng.integers(0, 30, int(dead.sum()))
        if rng.random() < 0.2:
            output *= 2.0 ** rng.uniform(-16, 12)
        output = min(max(output, 1e-5), 1e3)  # softmax has no use for less
        product = np.float32(self.tensors[x].scale) * scales
        operands = [x, self.tensor(shape=shape, scale=scales, data=weights, axis=axis)]
        if rng.random() < 0.8:
            operands.append(self.tensor(shape=[outputs], scale=product, type="INT32",
                                        data=np.clip(bias, -2**31, 2**31 - 1).astype(np.int32)))
        elif axis == 0 and rng.random() < 0.5:
            operands.append(-1)  # TensorFlow Lite Micro crashes on a depthwise one
        return operands, output

    def convolution(self, x: int, *, outputs: int | None = None, same: bool = False) -> int:
        """Append a CONV_2D; with ``same`` the output has the size of the input."""
        _, height, width, channels = self.tensors[x].shape
        kernel = self.integer(1, 5), self.integer(1, 5)
        stride = (1, 1) if same else (self.integer(1, 3), self.integer(1, 3))
        dilation = (1, 1) if self.rng.random() < 0.7 else (self.integer(1, 3), self.integer(1, 3))
        padding, size = (0, (height, width)) if same \
            else self.windowed(x, kernel, stride, dilation)
        outputs = outputs or self.integer(1, 20)
        operands, scale = self.weighted(x, [outputs, *kernel, channels], 0,
                                        kernel[0] * kernel[1] * channels,
                                        per_channel=self.rng.random() < 0.9)
        return self.operator("CONV_2D", operands, self.activation(1, *size, outputs, scale=scale),
                             Padding=padding, StrideH=stride[0], StrideW=stride[1],
                             DilationHFactor=dilation[0], DilationWFactor=dilation[1],
                             FusedActivationFunction=self.fused())

    def grouped(self) -> int:
        """Append a CONV_2D in groups, of a new input."""
        groups, depth = self.integer(2, 4), self.integer(1, 4)
        kernel = self.integer(1, 3), self.integer(1, 3)
        x = self.activation(1, self.integer(3, 7), self.integer(3, 7), groups * depth)
        outputs = groups * self.integer(1, 5)
        padding, size = self.windowed(x, kernel, (1, 1))
        operands, scale = self.weighted(x, [outputs, *kernel, depth], 0,
                                        kernel[0] * kernel[1] * depth)
        return self.operator("CONV_2D", operands, self.activation(1, *size, outputs, scale=scale),
                             Padding=padding, StrideH=1, StrideW=1, DilationHFactor=1,
                             DilationWFactor=1, FusedActivationFunction=self.fused())

    def transposed(self, x: int) -> int:
        """Append a TRANSPOSE_CONV."""
        _, height, width, channels = self.tensors[x].shape
        kernel = self.integer(1, 5), self.integer(1, 5)
        stride = self.integer(1, 3), self.integer(1, 3)
        same, outputs = bool(self.rng.random() < 0.5), self.integer(1, 9)
        size = [length * s if same else (length - 1) * s + max(k, s) for length, s, k in
                zip((height, width), stride, kernel, strict=True)]
        operands, scale = self.weighted(x, [outputs, *kernel, channels], 0,
                                        kernel[0] * kernel[1] * channels)
        bias = [each for each in operands[2:] if each >= 0]
        return self.operator("TRANSPOSE_CONV", [
            self.integers(1, *size, outputs), operands[1], x, *bias],
            self.activation(1, *size, outputs, scale=scale), Padding=0 if same else 1,
            StrideH=stride[0], StrideW=stride[1], FusedActivationFunction=self.fused())

    def dilated(self, *, padded: bool = False, plain: bool = False) -> int:
        """Append a dilated convolution of a new input, between blocks that are put in batches.

        The reference pads with whatever is in its memory, so mostly there is no padding. With
        ``plain`` there are PAD, a convolution with its dilation, and SLICE in their place.
        """
        block, kernel = ([self.integer(1, 3) for _ in range(2)] for _ in range(2))
        channels, depthwise = self.integer(1, 6), bool(self.rng.random() < 0.5)
        whole = np.array(block) * [self.integer(k, k + 4) for k in kernel]
        most = np.minimum(whole - 1, 2 * padded)
        before, after = self.rng.integers(0, most + 1), self.rng.integers(0, most + 1)
        after = np.minimum(after, whole - 1 - before)
        size = (whole - before - after).tolist()
        out = (whole - (np.array(kernel) - 1) * block).tolist()
        crops = np.minimum(np.stack([before, after], 1), self.rng.integers(0, 2, (2, 2)))
        crops = np.where(np.array(out)[:, None] > 2, crops, 0)
        x, batch = self.activation(1, *size, channels), block[0] * block[1]
        around = self.integers(before[0], after[0], before[1], after[1], shape=[2, 2])
        blocks = self.integers(*block)
        outputs = channels if depthwise else self.integer(1, 9)
        shape = [1, *kernel, outputs] if depthwise else [outputs, *kernel, channels]
        operands, scale = self.weighted(x, shape, 3 if depthwise else 0, kernel[0] * kernel[1])
        options = {"Padding": 1, "StrideH": 1, "StrideW": 1, "FusedActivationFunction":
                   self.fused()} | ({"DepthMultiplier": 1} if depthwise else {})
        code = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        left = [n - int(each.sum()) for n, each in zip(out, crops, strict=True)]
        if plain:
            operands[0] = self.operator("PAD", [x, self.integers(
                0, 0, before[0], after[0], before[1], after[1], 0, 0, shape=[4, 2])],
                self.like(x, 1, *whole, channels))
            y = self.operator(code, operands, self.activation(1, *out, outputs, scale=scale),
                              DilationHFactor=block[0], DilationWFactor=block[1], **options)
            return self.operator("SLICE", [y, self.integers(0, *crops[:, 0].tolist(), 0),
                                           self.integers(1, *left, outputs)],
                                 self.like(y, 1, *left, outputs))
        operands[0] = self.operator("SPACE_TO_BATCH_ND", [x, blocks, around], self.like(
            x, batch, *(n // b for n, b in zip(whole, block, strict=True)), channels))
        y = self.operator(code, operands, self.activation(
            batch, *(n // b for n, b in zip(out, block, strict=True)), outputs, scale=scale),
            **options)
        return self.operator("BATCH_TO_SPACE_ND", [y, blocks, self.integers(
            *crops.ravel().tolist(), shape=[2, 2])], self.like(y, 1, *left, outputs))

    def depthwise(self, x: int) -> int:
        """Append a DEPTHWISE_CONV_2D."""
        channels = self.tensors[x].shape[3]
        multiplier = int(self.rng.choice([1, 1, 2, 3, 8]))
        kernel = self.integer(1, 5), self.integer(1, 5)
        stride = self.integer(1, 3), self.integer(1, 3)
        dilation = (1, 1) if self.rng.random() < 0.7 else (self.integer(1, 3), self.integer(1, 3))
        padding, size = self.windowed(x, kernel, stride, dilation)
        operands, scale = self.weighted(x, [1, *kernel, channels * multiplier], 3,
                                        kernel[0] * kernel[1])
        return self.operator("DEPTHWISE_CONV_2D", operands,
                             self.activation(1, *size, channels * multiplier, scale=scale),
                             Padding=padding, StrideH=stride[0], StrideW=stride[1],
                             DilationHFactor=dilation[0], DilationWFactor=dilation[1],
                             DepthMultiplier=multiplier, FusedActivationFunction=self.fused())

    def fully_connected(self, x: int) -> int:
        """Append a FULLY_CONNECTED over the last axis, or over all of them."""
        shape = self.tensors[x].shape
        outputs = self.integer(1, 24)
        size = int(np.prod(shape))
        depth = int(self.rng.choice([shape[-1], size]))
        operands, scale = self.weighted(x, [outputs, depth], 0, depth,
                                        per_channel=self.rng.random() < 0.2)
        keep = depth == shape[-1] and len(shape) > 2 and bool(self.rng.random() < 0.5)
        rows = shape[:-1] if keep else [size // depth]
        return self.operator("FULLY_CONNECTED", operands,
                             self.activation(*rows, outputs, scale=scale), KeepNumDims=keep,
                             FusedActivationFunction=self.fused())

    def constant(self, shape: Sequence[int]) -> int:
        """Append a constant that repeats to a shape, of one number or of several."""
        kept = self.integer(0, len(shape))
        own = [size if self.rng.random() < 0.8 else 1 for size in shape[kept:]]
        made = self.activation(*own)
        self.tensors[made].data = self.rng.integers(-128, 128, own).astype(np.int8)
        return made

    def add(self, a: int, b: int | None = None, code: str = "ADD", *,
            constants: bool = False) -> int:
        """Append an ADD or SUB; of a new input where there is no second tensor, or a constant."""
        shape = self.tensors[a].shape
        pair = [a, self.activation(*shape) if b is None else b]
        if constants:
            kind = self.rng.random()
            if kind < 0.5:
                pair[1] = self.constant(shape)
            elif kind < 0.7:  # a tensor that is repeated
                self.tensors[pair[1]].shape = [1, *(
                    size if self.rng.random() < 0.5 else 1 for size in shape[1:])]
            how = self.rng.random()
            if how < 0.2:
                self.tensors[pair[1]].scale = self.tensors[a].scale
            elif how < 0.5 and not self.operators:  # products of few bits, often half way
                self.tensors[a].scale = 2.0 ** self.integer(-4, 2)
            pair = pair[::int(self.rng.choice([1, -1]))]
        largest = max(self.tensors[x].scale for x in pair)
        y = self.activation(*shape,
                            scale=float(largest) * float(self.rng.choice([0.02, 0.8, 1.5, 30])))
        return self.operator(code, pair, y, FusedActivationFunction=self.fused())

    def multiply(self, x: int) -> int:
        """Append a MUL by a constant."""
        shape = self.tensors[x].shape
        pair = [x, self.constant(shape)][::int(self.rng.choice([1, -1]))]
        scale = np.prod([self.tensors[each].scale for each in pair]) * self.rng.choice(
            [0.5, 20, 100, 1000])
        return self.operator("MUL", pair, self.activation(*shape, scale=float(np.float32(scale))),
                             FusedActivationFunction=self.fused())

    def product(self, a: int, b: int, code: str = "MUL", *, extreme: bool = False) -> int:
        """Append a product of two tensors, whose shapes repeat to a common one, on any scale."""
        pair = [self.tensors[x] for x in (a, b)]
        shape = np.broadcast_shapes(*(tensor.shape for tensor in pair))
        power = self.rng.uniform(-14, 34) if extreme else self.rng.uniform(4, 12)
        scale = float(np.prod([np.float64(tensor.scale) for tensor in pair])) * 2**power
        if code == "SQUARED_DIFFERENCE":  # the reference takes no multiplier from 1 on
            largest = max(float(tensor.scale) for tensor in pair)
            scale = largest**2 * 2 ** self.rng.uniform(-11.9, 20 if extreme else 10)
        y = self.activation(*shape, scale=float(np.float32(scale)))
        # The reference refuses limits of an activation beyond 32 bits.
        activation = 0 if extreme else self.fused()
        options = {"FusedActivationFunction": activation} if code == "MUL" else {}
        return self.operator(code, [a, b], y, **options)

    def pair(self, code: str) -> int:
        """Append a product of two new tensors, or of one and itself, of any shapes and scales."""
        a = vector_or_image(self)
        extreme, shape = bool(self.rng.random() < 0.3), self.tensors[a].shape
        how, other = self.rng.random(), [1, *shape[1:]]
        if how < 0.4:  # one pixel
            other = [*([1] * (len(shape) - 1)), shape[-1]]
        elif how < 0.6:
            other = [size if self.rng.random() < 0.5 else 1 for size in shape]
        b = a if how > 0.9 else self.activation(
            *other, scale=float(np.float32(2.0 ** self.rng.uniform(-9, 1))))
        for tensor in (self.tensors[x] for x in (a, b)):
            if extreme:
                tensor.scale = float(np.float32(2.0 ** self.rng.uniform(-20, 12)))
            if self.rng.random() < 0.3:
                tensor.zero_point = int(self.rng.choice([-128, 127]))
        return self.product(*[a, b][::int(self.rng.choice([1, -1]))], code, extreme=extreme)

    def maximum(self, a: int, b: int | None = None, code: str = "MAXIMUM") -> int:
        """Append a MAXIMUM or MINIMUM; of a new input where there is no second tensor."""
        shape = self.tensors[a].shape
        return self.operator(code, [a, self.like(a, *shape) if b is None else b],
                             self.like(a, *shape))

    def limit(self, x: int, code: str) -> int:
        """Append a MAXIMUM or MINIMUM of a tensor and a number."""
        number = self.like(x)
        self.tensors[number].data = np.array(self.integer(-128, 127), np.int8)
        return self.maximum(x, number, code)

    def rescale(self, x: int, code: str) -> int:
        """Append a QUANTIZE, RELU or RELU6."""
        shape, scale = self.tensors[x].shape, self.tensors[x].scale
        same = code == "RELU6" or self.rng.random() < 0.2
        y = self.like(x, *shape) if same else self.activation(
            *shape, scale=float(np.float32(scale * 2 ** self.rng.uniform(-6, 6))))
        return self.operator(code, [x], y)

    def pool(self, x: int, code: str) -> int:
        """Append an AVERAGE_POOL_2D or a MAX_POOL_2D."""
        shape = self.tensors[x].shape
        whole = self.rng.random() < 0.3
        kernel = shape[1:3] if whole else (self.integer(1, 5), self.integer(1, 5))
        stride = self.integer(1, 3), self.integer(1, 3)
        padding, size = self.windowed(x, kernel, stride)
        return self.operator(code, [x], self.like(x, 1, *size, shape[3]), Padding=padding,
                             StrideH=stride[0], StrideW=stride[1], FilterHeight=kernel[0],
                             FilterWidth=kernel[1], FusedActivationFunction=self.fused())

    def mean(self, x: int, code: str = "MEAN", axes: Sequence[int] = (1, 2)) -> int:
        """Append a MEAN or SUM over some axes, which are height and width where none are given."""
        shape, keep = self.tensors[x].shape, bool(self.rng.random() < 0.5)
        rank, over = len(shape), self.rng.permutation(axes)
        given = np.array(over - rank * self.rng.integers(0, 2, len(over)), np.int32)
        count = int(np.prod([shape[axis] for axis in over])) if code == "SUM" else 1
        scale = float(np.float32(self.tensors[x].scale * count * self.rng.choice(
            [0.01, 0.3, 1, 1, 5, 1000])))
        left = [1 if axis in over else size for axis, size in enumerate(shape)
                if keep or axis not in over]
        y = self.activation(*left, scale=scale)
        if count == 1 and self.rng.random() < 0.2:
            self.tensors[y].scale, self.tensors[y].zero_point = (
                self.tensors[x].scale, self.tensors[x].zero_point)
        return self.operator(code, [x, self.tensor(shape=[len(given)], type="INT32", data=given)],
                             y, KeepDims=keep)

    def reduce(self, x: int, code: str) -> int:
        """Append a MEAN or SUM over any axes but the batch's."""
        axes = [axis for axis in range(1, len(self.tensors[x].shape)) if self.rng.random() < 0.5]
        return self.mean(x, code, axes or [self.integer(1, len(self.tensors[x].shape) - 1)])

    def pad(self, x: int, code: str | None = None) -> int:
        """Append a PAD or a PADV2."""
        _, height, width, channels = self.tensors[x].shape
        amounts = np.zeros((4, 2), np.int32)
        amounts[1:3] = self.rng.integers(0, 4, (2, 2))
        operands = [x, self.tensor(shape=[4, 2], type="INT32", data=amounts)]
        code = code or str(self.rng.choice(["PAD", "PADV2"]))
        if code == "PADV2":
            value = self.like(x)
            self.tensors[value].data = np.array(self.integer(-128, 127), np.int8)
            operands.append(value)
        return self.operator(code, operands, self.like(x, 1, height + int(amounts[1].sum()),
                                                       width + int(amounts[2].sum()), channels))

    def concatenate(self, x: int, *others: int) -> int:
        """Append a CONCATENATION along the channels, or with new inputs along any axis."""
        shape = list(self.tensors[x].shape)
        axis = len(shape) - 1 if others else self.integer(1, len(shape) - 1)
        if not others:
            others = tuple(self.like(x, *shape[:axis], self.integer(1, 6), *shape[axis + 1:])
                           for _ in range(self.integer(1, 3)))
        shape[axis] += sum(self.tensors[other].shape[axis] for other in others)
        return self.operator("CONCATENATION", [x, *others], self.like(x, *shape),
                             Axis=axis - len(shape) * self.integer(0, 1))

    def reshape(self, x: int, *shape: int) -> int:
        """Append a RESHAPE; to a vector where no shape is given."""
        shape = shape or (1, int(np.prod(self.tensors[x].shape)))
        wanted = self.tensor(shape=[len(shape)], type="INT32", data=np.array(shape, np.int32))
        return self.operator("RESHAPE", [x, wanted], self.like(x, *shape))

    def squeeze(self, x: int) -> int:
        """Append a SQUEEZE of all axes of 1 but the batch's, or of all of them."""
        shape = list(self.tensors[x].shape)
        axes = [axis for axis, size in enumerate(shape) if size == 1 and axis]
        said = bool(axes) and bool(self.rng.random() < 0.7)
        kept = [size for axis, size in enumerate(shape) if size != 1 or said and axis not in axes]
        dims = np.array([axis - len(shape) * self.integer(0, 1) for axis in axes], np.int32)
        return self.operator("SQUEEZE", [x], self.like(x, *(kept or [1])),
                             SqueezeDims=dims if said else None)

    def expand(self, x: int) -> int:
        """Append an EXPAND_DIMS behind the axis of the batch."""
        shape = list(self.tensors[x].shape)
        axis = self.integer(1, len(shape))
        given = np.array([axis - (len(shape) + 1) * self.integer(0, 1)], np.int32)
        place = self.tensor(shape=[1] * self.integer(0, 1), type="INT32", data=given)
        return self.operator("EXPAND_DIMS", [x, place],
                             self.like(x, *shape[:axis], 1, *shape[axis:]))

    def axis(self, x: int) -> tuple[int, int]:
        """Return an axis of a tensor, and how it may be written; of four axes not the batch's."""
        rank = len(self.tensors[x].shape)
        axis = self.integer(rank == 4, rank - 1)
        return axis, axis - rank * self.integer(0, 1)

    def moved(self, code: str, x: int, inputs: Sequence[int], places: np.ndarray,
              **options: float) -> int:
        """Append an operator that moves elements to such places."""
        return self.operator(code, inputs, self.like(x, *places.shape), **options)

    def strided_slice(self, x: int) -> int:
        """Append a STRIDED_SLICE, or a SLICE."""
        shape = self.tensors[x].shape
        begin = [self.integer(0, size - 1) for size in shape]
        end = [self.integer(first + 1, size) for first, size in zip(begin, shape, strict=True)]
        shrink = [self.rng.random() < 0.2 for _ in shape]
        strides = [1 if one else int(self.rng.choice([1, 1, 2, 3, -1])) for one in shrink]
        index, masks = [], np.zeros((3, len(shape)), int)
        for axis, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
            masks[:, axis] = (self.rng.random() < 0.3, self.rng.random() < 0.3, shrink[axis])
            if step < 0:
                begin[axis], end[axis] = last - 1, first - 1
                masks[1, axis] |= first == 0  # the end before the first is none that can be written
            whole = slice(*(None if masked else place for masked, place in zip(
                masks[:2, axis], (begin[axis], end[axis]), strict=True)), step)
            masks[0, axis] &= not shrink[axis]
            index.append(begin[axis] if shrink[axis] else whole)
        if all(shrink):
            return self.slice(x)
        bits = [int(sum(1 << axis for axis in np.flatnonzero(mask))) for mask in masks]
        return self.moved("STRIDED_SLICE", x, [x, *(self.integers(*values) for values in (
            begin, end, strides))], np.empty(shape)[tuple(index)], BeginMask=bits[0],
            EndMask=bits[1], ShrinkAxisMask=bits[2])

    def slice(self, x: int) -> int:
        """Append a SLICE."""
        shape = self.tensors[x].shape
        begin = [self.integer(0, size - 1) for size in shape]
        sizes = [self.integer(1, size - first) for first, size in zip(begin, shape, strict=True)]
        said = [-1 if first + size == whole and self.rng.random() < 0.5 else size
                for first, size, whole in zip(begin, sizes, shape, strict=True)]
        return self.moved("SLICE", x, [x, self.integers(*begin), self.integers(*said)],
                          np.empty(sizes))

    def split(self, x: int, code: str) -> int:
        """Append a SPLIT, SPLIT_V or UNPACK, and return one of its outputs."""
        shape = list(self.tensors[x].shape)
        axis, written = self.axis(x)
        if code == "UNPACK":
            left = shape[:axis] + shape[axis + 1:]
            sizes, inputs, options = [1] * shape[axis], [x], {"Num": shape[axis], "Axis": written}
        elif code == "SPLIT":
            count = int(self.rng.choice([n for n in range(1, shape[axis] + 1)
                                         if shape[axis] % n == 0]))
            sizes, options = [shape[axis] // count] * count, {"NumSplits": count}
            inputs = [self.integers(written, shape=[]), x]
        else:
            ends = sorted({*self.rng.integers(1, shape[axis] + 1, 3).tolist(), shape[axis]})
            sizes, options = np.diff([0, *ends]).tolist(), {"NumSplits": len(ends)}
            said = [-1 if place == 1 else size for place, size in enumerate(sizes)]
            inputs = [x, self.integers(*said), self.integers(written, shape=[])]
        outputs = [self.like(x, *(left if code == "UNPACK" else
                                  [*shape[:axis], size, *shape[axis + 1:]])) for size in sizes]
        self.operator(code, inputs, *outputs, **options)
        return outputs[self.integer(0, len(outputs) - 1)]

    def pack(self, x: int) -> int:
        """Append a PACK of a tensor with new inputs."""
        shape, count = list(self.tensors[x].shape), self.integer(1, 3)
        axis = self.integer(len(shape) == 3, len(shape))
        others = [self.like(x, *shape) for _ in range(count - 1)]
        return self.operator("PACK", [x, *others], self.like(
            x, *shape[:axis], count, *shape[axis:]), ValuesCount=count,
            Axis=axis - (len(shape) + 1) * self.integer(0, 1))

    def transpose(self, x: int) -> int:
        """Append a TRANSPOSE."""
        shape = self.tensors[x].shape
        order = self.rng.permutation(len(shape)).tolist()
        if len(shape) == 4:  # the batch's axis stays
            order = [0, *(axis for axis in order if axis)]
        return self.moved("TRANSPOSE", x, [x, self.integers(*order)],
                          np.empty(shape).transpose(order))

    def gather(self, x: int) -> int:
        """Append a GATHER of places that are constant."""
        axis, written = self.axis(x)
        size = self.tensors[x].shape[axis]
        places = self.rng.integers(0, size, self.integer(1, 6)).tolist()
        return self.moved("GATHER", x, [x, self.integers(*places)],
                          np.empty(self.tensors[x].shape).take(places, axis), Axis=written)

    def blocks(self, code: str) -> int:
        """Append a SPACE_TO_DEPTH or DEPTH_TO_SPACE of a new input."""
        size = self.integer(1, 3)
        height, width, channels = (self.integer(1, 4) for _ in range(3))
        image = [1, height * size, width * size, channels]
        deep = [1, height, width, channels * size * size]
        before, after = (image, deep) if code == "SPACE_TO_DEPTH" else (deep, image)
        x = self.activation(*before)
        return self.moved(code, x, [x], np.empty(after), BlockSize=size)

    def resize(self, x: int) -> int:
        """Append a RESIZE_NEAREST_NEIGHBOR."""
        _, height, width, channels = self.tensors[x].shape
        sizes = [int(self.rng.choice([size * 2, self.integer(1, 20)])) for size in (height, width)]
        corners, centers = ((False, False), (True, False), (False, True))[self.integer(0, 2)]
        return self.moved("RESIZE_NEAREST_NEIGHBOR", x, [x, self.integers(*sizes)],
                          np.empty((1, *sizes, channels)), AlignCorners=corners,
                          HalfPixelCenters=centers)

    def mirror_pad(self, x: int) -> int:
        """Append a MIRROR_PAD."""
        shape, mode = self.tensors[x].shape, self.integer(0, 1)
        amounts = [[self.integer(0, min(size - 1 + mode, 3)) for _ in range(2)] for size in shape]
        amounts[0] = [0, 0]
        return self.moved("MIRROR_PAD", x, [x, self.integers(*np.ravel(amounts).tolist(),
                                                             shape=[len(shape), 2])],
                          np.pad(np.empty(shape), amounts), Mode=mode)

    def shaped_like_itself(self, x: int) -> int:
        """Append a RESHAPE to a shape that SHAPE, STRIDED_SLICE and PACK compute."""
        shape = self.tensors[x].shape
        of, first, rest = (self.tensor(shape=size, type="INT32")
                           for size in ([len(shape)], [], [2]))
        self.operator("SHAPE", [x], of)
        self.operator("STRIDED_SLICE", [of, *(self.integers(value) for value in (0, 1, 1))], first,
                      ShrinkAxisMask=1)
        minus = self.integers(-1, shape=[])
        self.operator("PACK", [first, minus], rest, ValuesCount=2, Axis=0)
        return self.operator("RESHAPE", [x, rest], self.like(x, 1, int(np.prod(shape))))

    def softmax(self, x: int) -> int:
        """Append a SOFTMAX."""
        y = self.activation(*self.tensors[x].shape, scale=1 / 256, zero_point=-128)
        return self.operator("SOFTMAX", [x], y, Beta=float(self.rng.choice([1, 1, 0.5, 2])))

    def matmul(self, *, adjoint: tuple[bool, bool] | None = None) -> int:
        """Append a BATCH_MATMUL of two new tensors, of several matrices now and then."""
        rng, before = self.rng, (1, *(self.integer(1, 3) for _ in range(self.integer(0, 1))))
        rows, inner, columns = (self.integer(1, 40) for _ in range(3))
        flips = adjoint or (bool(rng.random() < 0.3), bool(rng.random() < 0.5))
        shapes = [shape[::-1] if flip else shape for shape, flip in zip(
            ((rows, inner), (inner, columns)), flips, strict=True)]
        a, b = (self.activation(*before, *shape) for shape in shapes)
        scale = float(self.tensors[a].scale) * float(self.tensors[b].scale) * np.sqrt(inner)
        y = self.activation(*before, rows, columns,
                            scale=float(np.float32(scale * rng.uniform(20, 90))))
        return self.operator("BATCH_MATMUL", [a, b], y, AdjX=flips[0], AdjY=flips[1])

    def logistic(self, x: int) -> int:
        """Append a LOGISTIC."""
        y = self.activation(*self.tensors[x].shape, scale=1 / 256, zero_point=-128)
        return self.operator("LOGISTIC", [x], y)

    def curve(self, x: int, code: str, *, extreme: bool = False) -> int:
        """Append a function of one byte, on an input of any scale, or an ``extreme`` one."""
        tensor, rng, options = self.tensors[x], self.rng, {}
        inputs, scale = [x], float(tensor.scale)
        scale *= 2 ** (rng.uniform(-6, 12) if extreme else rng.uniform(-2, 2))
        if code == "RSQRT":
            scale = 2 ** rng.uniform(-8, 1) / np.sqrt(tensor.scale) / 100
        if code == "ABS" and rng.random() < 0.3:
            scale = float(tensor.scale)
        if code == "LEAKY_RELU":
            options["Alpha"] = float(np.float32(rng.choice([0, 0.01, 0.1, 0.3, 1, 1.7])))
        if code == "PRELU":
            slope = self.activation(1)
            self.tensors[slope].data = np.array([self.integer(-128, 127)], np.int8)
            inputs.append(slope)
        fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(code)
        size, zero_point = fixed or (float(np.float32(scale)), None)
        y = self.activation(*tensor.shape, scale=size, zero_point=zero_point)
        return self.operator(code, inputs, y, **options)

    def curve_of(self, code: str) -> int:
        """Append a function of one byte, of a new input."""
        x = vector_or_image(self)
        if code == "RSQRT":  # the reference refuses numbers below 0
            self.tensors[x].zero_point = -128
        return self.curve(x, code, extreme=bool(self.rng.random() < 0.2))

    def few_bits(self, *, halves: bool = True) -> None:
        """Give layers that can have them weights of 4 bits, and with ``halves`` two to a byte."""
        for operator in self.operators:
            if operator.code in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
                weights = self.tensors[operator.inputs[1]]
                if weights.type == "INT8":
                    weights.data = weights.data >> 4
                    if halves:
                        weights.type, weights.data = "INT4", join_nibbles(weights.data)

    def write(self, *outputs: int, **how: object) -> bytes:
        """Return the file; its inputs are the tensors that nothing writes."""
        made = {tensor for operator in self.operators for tensor in operator.outputs}
        read = dict.fromkeys(t for operator in self.operators for t in operator.inputs if t >= 0)
        inputs = [t for t in read if t not in made and self.tensors[t].data is None
                  and not self.tensors[t].variable]
        return write_network(self.tensors, self.operators, inputs, outputs, **how)


def vector_or_image(graph: Graph) -> int:
    """Append an input of two to four axes."""
    shapes = [(1, graph.integer(1, 60)), (1, graph.integer(1, 8), graph.integer(1, 20)),
              (1, graph.integer(1, 5), graph.integer(1, 5), graph.integer(1, 12))]
    scale = float(np.float32(2.0 ** graph.rng.uniform(-9, 1)))
    return graph.activation(*shapes[graph.integer(0, 2)], scale=scale)


LAYERS = {
    "CONV_2D": lambda g: g.convolution(g.image()) if g.rng.random() < 0.8 else g.grouped(),
    "DEPTHWISE_CONV_2D": lambda g: g.depthwise(g.image()),
    "FULLY_CONNECTED": lambda g: g.fully_connected(vector_or_image(g)),
    "ADD": lambda g: g.add(g.image(), constants=g.rng.random() < 0.5),
    "AVERAGE_POOL_2D": lambda g: g.pool(g.image(), "AVERAGE_POOL_2D"),
    "MAX_POOL_2D": lambda g: g.pool(g.image(), "MAX_POOL_2D"),
    "MEAN": lambda g: g.mean(g.image(30)) if g.rng.random() < 0.5 else g.reduce(
        vector_or_image(g), "MEAN"),
    "PAD": lambda g: g.pad(g.image()),
    "CONCATENATION": lambda g: g.concatenate(vector_or_image(g)),
    "RESHAPE": lambda g: g.reshape(g.image()),
    "SOFTMAX": lambda g: g.softmax(vector_or_image(g)),
    "LOGISTIC": lambda g: g.logistic(vector_or_image(g)),
    "MAXIMUM": lambda g: (g.limit if g.rng.random() < 0.3 else g.maximum)(
        vector_or_image(g), code="MAXIMUM"),
}
KINDS = tuple(LAYERS)
MORE_LAYERS = {
    "SPACE_TO_BATCH_ND": lambda g: g.dilated(),
    "BATCH_TO_SPACE_ND": lambda g: g.dilated(),
    "TRANSPOSE_CONV": lambda g: g.transposed(g.image(7)),
    "STRIDED_SLICE": lambda g: g.strided_slice(vector_or_image(g)),
    "SLICE": lambda g: g.slice(vector_or_image(g)),
    "SPLIT": lambda g: g.split(vector_or_image(g), "SPLIT"),
    "SPLIT_V": lambda g: g.split(vector_or_image(g), "SPLIT_V"),
    "UNPACK": lambda g: g.split(vector_or_image(g), "UNPACK"),
    "PACK": lambda g: g.pack(g.activation(1, g.integer(1, 5), g.integer(1, 12))),
    "TRANSPOSE": lambda g: g.transpose(vector_or_image(g)),
    "GATHER": lambda g: g.gather(vector_or_image(g)),
    "SPACE_TO_DEPTH": lambda g: g.blocks("SPACE_TO_DEPTH"),
    "DEPTH_TO_SPACE": lambda g: g.blocks("DEPTH_TO_SPACE"),
    "RESIZE_NEAREST_NEIGHBOR": lambda g: g.resize(g.image()),
    "MIRROR_PAD": lambda g: g.mirror_pad(vector_or_image(g)),
    "SHAPE": lambda g: g.shaped_like_itself(vector_or_image(g)),
    "SUM": lambda g: g.reduce(vector_or_image(g), "SUM"),
    "MUL": lambda g: g.multiply(vector_or_image(g)),
    "QUANTIZE": lambda g: g.rescale(vector_or_image(g), "QUANTIZE"),
    "SUB": lambda g: g.add(vector_or_image(g), code="SUB", constants=True),
    "MINIMUM": lambda g: (g.limit if g.rng.random() < 0.5 else g.maximum)(
        vector_or_image(g), code="MINIMUM"),
    "RELU": lambda g: g.rescale(vector_or_image(g), "RELU"),
    "RELU6": lambda g: g.rescale(vector_or_image(g), "RELU6"),
    "PADV2": lambda g: g.pad(g.image(), "PADV2"),
    "SQUEEZE": lambda g: g.squeeze(g.activation(1, g.integer(2, 9), 1, g.integer(2, 9))),
    "EXPAND_DIMS": lambda g: g.expand(g.activation(1, g.integer(1, 9), g.integer(1, 9))),
}
"""Operators that may become several layers, or those of others."""


CURVES = {code: lambda g, code=code: g.curve_of(code) for code in (
    "TANH", "HARD_SWISH", "LEAKY_RELU", "ELU", "RSQRT", "ABS", "PRELU")}
"""Functions of one byte, for which lanes need tables."""

MATMULS = {"BATCH_MATMUL": lambda g: g.matmul()}
"""Products of two tensors, for which an accelerator needs a part."""


PAIRS = {"MUL of tensors": lambda g: g.pair("MUL"),
         "SQUARED_DIFFERENCE": lambda g: g.pair("SQUARED_DIFFERENCE")}
"""Products of two tensors, for which lanes must multiply."""


def random_layer(rng: np.random.Generator, kind: str, **how: object) -> bytes:
    """Return a network of one random layer of a kind."""
    graph = Graph(rng)
    return graph.write((LAYERS | MORE_LAYERS | CURVES | MATMULS | PAIRS)[kind](graph), **how)


def random_network(rng: np.random.Generator) -> bytes:
    """Return a network with a residual block, a branch, and a classifier."""
    graph = Graph(rng)
    x = graph.image(16, 4)
    if rng.random() < 0.5:
        x = graph.pad(x)
    x = graph.convolution(x)
    channels = graph.tensors[x].shape[3]
    side = graph.convolution(x, outputs=channels, same=True)
    x = graph.add(x, graph.convolution(side, outputs=channels, same=True))
    if rng.random() < 0.3:
        side = graph.convolution(x, outputs=channels, same=True)
        graph.tensors[side].scale = graph.tensors[x].scale
        graph.tensors[side].zero_point = graph.tensors[x].zero_point
        x = graph.maximum(x, side)
    if rng.random() < 0.7:
        x = graph.depthwise(x)
    if rng.random() < 0.5:
        x = graph.concatenate(x, x)
    how = rng.random()
    if how < 0.4:
        x = graph.mean(x)
    elif how < 0.8:
        x = graph.pool(x, str(rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"])))
    if len(graph.tensors[x].shape) > 2 and rng.random() < 0.7:
        x = graph.reshape(x)
    x = graph.fully_connected(x)
    return graph.write(graph.softmax(x) if rng.random() < 0.7 else x)


def random_chain(rng: np.random.Generator, *, curves: bool = False) -> bytes:
    """Return a network of several operators of all kinds, whose branches meet again.

    With ``curves`` there are functions of one byte among them.
    """
    graph = Graph(rng)
    made = [graph.convolution(graph.image(8, 6))]
    for _ in range(graph.integer(2, 7)):
        x = made[graph.integer(max(len(made) - 3, 0), len(made) - 1)]
        shape = graph.tensors[x].shape
        alike = [y for y in made if y != x and tuple(graph.tensors[y].shape) == tuple(shape)]
        choices = [
            lambda x: graph.strided_slice(x), lambda x: graph.slice(x), lambda x: graph.gather(x),
            lambda x: graph.split(x, "SPLIT"), lambda x: graph.split(x, "SPLIT_V"),
            lambda x: graph.mirror_pad(x), lambda x: graph.transpose(x),
            lambda x: graph.add(x, constants=True), lambda x: graph.add(
                x, code="SUB", constants=True),
            lambda x: graph.multiply(x), lambda x: graph.rescale(x, "RELU"),
            lambda x: graph.rescale(x, "QUANTIZE"), lambda x: graph.limit(x, "MAXIMUM"),
            lambda x: graph.maximum(x, code="MINIMUM"), lambda x: graph.reduce(x, "MEAN"),
            lambda x: graph.concatenate(x, x)]
        choices += [lambda x, y=y: graph.add(y, x, str(rng.choice(["ADD", "SUB"])))
                    for y in alike] * 3
        if curves:
            choices += [lambda x, code=code: graph.curve(x, code) for code in (
                "ELU", "LEAKY_RELU", "ABS", "PRELU", "HARD_SWISH",
                *(["LOGISTIC", "TANH"] if graph.tensors[x].scale < 4 else []))] * 2
        if len(shape) == 4:
            choices += [graph.convolution, graph.depthwise, graph.resize, graph.transposed,
                        graph.pad, lambda x: graph.pool(x, "MAX_POOL_2D")] * 2
        if len(shape) < 2 or shape[0] != 1 or np.prod(shape) > 4000:
            choices = [lambda x: graph.reshape(x), lambda x: graph.slice(x)]
        made.append(choices[graph.integer(0, len(choices) - 1)](x))
    read = {index for operator in graph.operators for index in operator.inputs}
    left = [y for operator in graph.operators for y in operator.outputs
            if y not in read and graph.tensors[y].shape]
    return graph.write(*(left or made[-1:]))
