"""Which operators of a .tflite file hwgen runs, by their names in the schema."""

from collections.abc import Sequence
from dataclasses import dataclass

import tflite
from flatbuffers import number_types

from ...errors import UserError
from .tables import names_of

__all__ = ["EDGES", "FUSE", "RUNS", "OperatorKind", "code_number", "custom_name", "operator_name",
           "refuse_others"]

EDGES = {"QUANTIZE": ("FLOAT32", "UINT8", "INT16", "INT32"), "DEQUANTIZE": ("FLOAT32",)}
"""Operators that may stand on inputs and outputs, and that are no layers, and the types outside."""

BUILTIN_CODE = 10
"""Where the table of fields of an operator code has the one that is called builtin_code."""

LONGEST_CUSTOM_NAME = 64
MOST_NAMED = 8
MOST_NUMBERS = 4


@dataclass(frozen=True)
class OperatorKind:
    """An operator that runs: its newest version that is known, and the table of its options."""

    version: int
    options: type | None


RUNS = {
    "CONV_2D": OperatorKind(8, tflite.Conv2DOptions),
    "DEPTHWISE_CONV_2D": OperatorKind(7, tflite.DepthwiseConv2DOptions),
    "TRANSPOSE_CONV": OperatorKind(5, tflite.TransposeConvOptions),
    "FULLY_CONNECTED": OperatorKind(14, tflite.FullyConnectedOptions),
    "ADD": OperatorKind(5, tflite.AddOptions),
    "SUB": OperatorKind(5, tflite.SubOptions),
    "MUL": OperatorKind(7, tflite.MulOptions),
    "SQUARED_DIFFERENCE": OperatorKind(2, tflite.SquaredDifferenceOptions),
    "MAXIMUM": OperatorKind(4, tflite.MaximumMinimumOptions),
    "MINIMUM": OperatorKind(4, tflite.MaximumMinimumOptions),
    "RELU": OperatorKind(3, None),
    "RELU6": OperatorKind(3, None),
    "AVERAGE_POOL_2D": OperatorKind(3, tflite.Pool2DOptions),
    "MAX_POOL_2D": OperatorKind(3, tflite.Pool2DOptions),
    "MEAN": OperatorKind(3, tflite.ReducerOptions),
    "SUM": OperatorKind(2, tflite.ReducerOptions),
    "PAD": OperatorKind(6, tflite.PadOptions),
    "PADV2": OperatorKind(6, tflite.PadV2Options),
    "CONCATENATION": OperatorKind(7, tflite.ConcatenationOptions),
    "RESHAPE": OperatorKind(1, tflite.ReshapeOptions),
    "SQUEEZE": OperatorKind(2, tflite.SqueezeOptions),
    "EXPAND_DIMS": OperatorKind(1, tflite.ExpandDimsOptions),
    "STRIDED_SLICE": OperatorKind(8, tflite.StridedSliceOptions),
    "SLICE": OperatorKind(6, tflite.SliceOptions),
    "SPLIT": OperatorKind(4, tflite.SplitOptions),
    "SPLIT_V": OperatorKind(2, tflite.SplitVOptions),
    "PACK": OperatorKind(4, tflite.PackOptions),
    "UNPACK": OperatorKind(4, tflite.UnpackOptions),
    "TRANSPOSE": OperatorKind(6, tflite.TransposeOptions),
    "GATHER": OperatorKind(7, tflite.GatherOptions),
    "SPACE_TO_DEPTH": OperatorKind(2, tflite.SpaceToDepthOptions),
    "DEPTH_TO_SPACE": OperatorKind(2, tflite.DepthToSpaceOptions),
    "RESIZE_NEAREST_NEIGHBOR": OperatorKind(4, tflite.ResizeNearestNeighborOptions),
    "MIRROR_PAD": OperatorKind(3, tflite.MirrorPadOptions),
    "SPACE_TO_BATCH_ND": OperatorKind(4, tflite.SpaceToBatchNDOptions),
    "BATCH_TO_SPACE_ND": OperatorKind(4, tflite.BatchToSpaceNDOptions),
    "SHAPE": OperatorKind(1, tflite.ShapeOptions),
    "BATCH_MATMUL": OperatorKind(4, tflite.BatchMatMulOptions),
    "SOFTMAX": OperatorKind(3, tflite.SoftmaxOptions),
    "LOGISTIC": OperatorKind(3, None),
    "TANH": OperatorKind(3, None),
    "HARD_SWISH": OperatorKind(1, tflite.HardSwishOptions),
    "LEAKY_RELU": OperatorKind(2, tflite.LeakyReluOptions),
    "PRELU": OperatorKind(1, None),
    "ELU": OperatorKind(1, None),
    "RSQRT": OperatorKind(3, None),
    "ABS": OperatorKind(5, tflite.AbsOptions),
    "QUANTIZE": OperatorKind(6, tflite.QuantizeOptions),
    "DEQUANTIZE": OperatorKind(9, tflite.DequantizeOptions),
    "VAR_HANDLE": OperatorKind(1, tflite.VarHandleOptions),
    "READ_VARIABLE": OperatorKind(1, tflite.ReadVariableOptions),
    "ASSIGN_VARIABLE": OperatorKind(1, tflite.AssignVariableOptions),
    "CALL_ONCE": OperatorKind(1, tflite.CallOnceOptions),
    "SVDF": OperatorKind(4, tflite.SVDFOptions),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": OperatorKind(4, tflite.UnidirectionalSequenceLSTMOptions),
}

FUSE = "hwgen runs RELU and RELU6, and RELU_N1_TO_1 fused into the layer before"
NEAREST = {
    "RELU_N1_TO_1": FUSE,
    "REDUCE_MAX": "the nearest is MAX_POOL_2D",
    "CONV_3D": "the nearest is CONV_2D",
    "LOG_SOFTMAX": "the nearest is SOFTMAX",
    "CUSTOM": "hwgen runs no custom operators",
}

OPERATORS = names_of(tflite.BuiltinOperator)


def code_number(code: tflite.OperatorCode) -> int:
    """Return the number of an operator code: the larger one of its two fields.

    Old files fill only the deprecated one, which has 8 bits; new ones may fill only the other. The
    package's own accessor gives the deprecated one for all numbers below 127, hence the raw field.
    """
    place = code._tab.Offset(BUILTIN_CODE)
    builtin = code._tab.Get(number_types.Int32Flags, code._tab.Pos + place) if place else 0
    return max(int(builtin), int(code.DeprecatedBuiltinCode()))


def operator_name(number: int) -> str:
    """Return the schema's name of an operator."""
    return OPERATORS.get(number, f"operator {number}")


def custom_name(code: tflite.OperatorCode) -> str:
    """Return how a custom operator is called in an error: its own name, with escapes, behind."""
    name = (code.CustomCode() or b"")[:LONGEST_CUSTOM_NAME].decode(errors="replace")
    return f"CUSTOM {name!r}"


def refuse_others(operators: Sequence[tuple[str, str, str]]) -> None:
    """Raise an error that lists the operators that hwgen does not run.

    Each is given by its number among the layers, by how an error calls it, and by its name.
    """
    others: dict[str, list[str]] = {}
    nearest: dict[str, str] = {}
    for number, title, name in operators:
        if name not in RUNS:
            others.setdefault(title, []).append(number)
            nearest[title] = NEAREST.get(name, "")
    if not others:
        return
    if len(others) == 1:
        [(title, numbers)] = others.items()
        verb = "are operators" if len(numbers) > 1 else "is an operator"
        raise UserError(f"{layers(numbers)} ({title}) {verb} that hwgen does not run: "
                        f"{nearest[title] or 'hwgen runs ' + ', '.join(RUNS)}")
    named = [f"{layers(numbers)} ({title})" + (f", {nearest[title]}" if nearest[title] else "")
             for title, numbers in others.items()]
    raise UserError(f"hwgen does not run {len(others)} of the kinds of operators: "
                    + "; ".join(abbreviate(named, MOST_NAMED)))


def layers(numbers: Sequence[str]) -> str:
    """Return the name of some layers, by their numbers."""
    return f"layer{'s' * (len(numbers) > 1)} {', '.join(abbreviate(numbers, MOST_NUMBERS))}"


def abbreviate(items: Sequence[str], most: int) -> list[str]:
    """Return the first items, and how many more there are."""
    return [*items[:most], *([f"and {len(items) - most} more"] if len(items) > most else [])]
