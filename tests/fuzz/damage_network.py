"""Damages networks where it hurts: fields of protobuf messages, and of .tflite's tables."""

from collections.abc import Sequence

import numpy as np

from ..tflite_writer import KINDS, LAYERS, Graph
from .damage import EXTREMES, anything, bytes_of

__all__ = ["onnx_file", "tflite_file", "tflite_fields"]

DEEPEST = 6


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of a protobuf message, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


def encode_number(value: int) -> bytes:
    """Return a number as a protobuf message has it."""
    found = bytearray()
    value %= 1 << 64
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def fields(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return number, wire type and content of a message's fields, or raise an error."""
    found, at = [], 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            start = at
            _, at = varint(data, at)
            content = data[start:at]
        else:
            size, at = varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            content = data[at:at + size]
            at += size
        if at > len(data) or not number:
            raise ValueError("a field that is longer than the message")
        found.append((number, kind, content))
    return found


def encode_message(found: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return the message of some fields."""
    return b"".join(encode_number(number << 3 | kind)
                    + (encode_number(len(content)) if kind == 2 else b"") + content
                    for number, kind, content in found)


def message(rng: np.random.Generator, data: bytes, depth: int = 0) -> bytes:
    """Change one field of a message, or of one within it; all lengths around it stay right."""
    try:
        found = fields(data)
    except (ValueError, IndexError, KeyError):
        return bytes_of(rng, data, ())
    if not found:
        return data
    # The long fields hold the most, and have little to say.
    at = int(rng.integers(len(found)))
    number, kind, content = found[at]
    chance = rng.random()
    if kind == 2 and depth < DEEPEST and chance < 0.8:
        content = message(rng, content, depth + 1)
    elif chance < 0.87:
        return encode_message(found[:at] + found[at + 1:])
    elif chance < 0.92:
        found.insert(int(rng.integers(len(found))), found[at])
        return encode_message(found)
    elif chance < 0.94:
        number = int(rng.integers(1, 40))
    if kind == 0 and rng.random() < 0.9:
        content = encode_number(EXTREMES[int(rng.integers(len(EXTREMES)))] if rng.random() < 0.5
                                else int(rng.integers(-3, 20)))
    elif kind in (1, 5) and rng.random() < 0.9:
        value = np.float32(rng.choice([np.nan, np.inf, -np.inf, 0, -1, 1e-45, 3e38, 0.5]))
        content = value.tobytes() if kind == 5 else value.astype(np.float64).tobytes()
    return encode_message([*found[:at], (number, kind, content), *found[at + 1:]])


def onnx_file(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage an .onnx file: mostly one of its fields."""
    if rng.random() < 0.25:
        return anything(rng, data, others)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        data = message(rng, data)
    return data


def tflite_file(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a .tflite file, or write another that contradicts itself."""
    if rng.random() < 0.4:
        return tflite_fields(rng)
    return anything(rng, data, others)


def tflite_fields(rng: np.random.Generator) -> bytes:
    """Write a network whose tensors and operators do not fit one another."""
    while True:
        try:
            graph = Graph(rng)
            last = LAYERS[KINDS[int(rng.integers(len(KINDS)))]](graph)
            for _ in range(int(rng.choice([1, 1, 2]))):
                contradict(rng, graph)
            return graph.write(last)
        except Exception:  # what the writer cannot write is nobody's to read
            continue


def contradict(rng: np.random.Generator, graph: Graph) -> None:
    """Change one thing of a network."""
    tensor = graph.tensors[int(rng.integers(len(graph.tensors)))]
    operator = graph.operators[int(rng.integers(len(graph.operators)))]
    size = int(rng.choice([0, 1, -1, 2, 3, 7, 255, 1000, 1 << 15, 1 << 24, (1 << 31) - 1]))
    shape = list(tensor.shape)
    match int(rng.integers(14)):
        case 0 if shape:
            shape[int(rng.integers(len(shape)))] = size
        case 1:
            shape.insert(int(rng.integers(len(shape) + 1)), size)
        case 2 if shape:
            del shape[int(rng.integers(len(shape)))]
        case 3:
            tensor.scale = float(rng.choice([0, -1, np.nan, np.inf, 1e-45, 1e38, 1]))
        case 4:
            tensor.zero_point = int(rng.choice([-129, 128, 1 << 40, -(1 << 40), 0, 1]))
        case 5:
            tensor.type = str(rng.choice(["FLOAT32", "INT16", "UINT8", "INT32", "INT64", "BOOL",
                                          "STRING", "INT4", "INT8"]))
        case 6:
            tensor.axis = size
        case 7:
            tensor.scale = [0.5] * int(rng.integers(0, 5))
        case 8 if tensor.data is not None:
            tensor.data = tensor.data.reshape(-1)[:-1]
        case 9:
            operator.inputs = [int(i) for i in rng.permutation(list(operator.inputs))]
        case 10:
            operator.inputs = [*operator.inputs, int(rng.integers(-2, len(graph.tensors)))]
        case 11:
            operator.inputs = list(operator.inputs)[:-1]
        case 12 if operator.options:
            name = str(rng.choice(list(operator.options)))
            operator.options[name] = size % 128 if "Pad" in name or "Fused" in name else size
        case 13:
            tensor.data = rng.integers(-128, 128, [max(0, min(s, 64)) for s in shape]
                                       ).astype(np.int8) if tensor.data is None else None
    tensor.shape = shape
