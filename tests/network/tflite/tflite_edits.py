"""Damages .tflite files: single fields of their tables, or bytes.

``edited`` changes what the schema names, packs the file again and so gives a sound file that says
something else; ``damaged`` changes bytes, and offsets with them.
"""

from collections.abc import Iterator

import flatbuffers
import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from ...mutation import mutate

__all__ = ["damaged", "edited"]

INTEGERS = (0, 1, 2, 3, 5, 7, 8, 9, 16, 41, 127, 128, 255, 256, 1000, 1 << 15, 1 << 16, 1 << 24,
            1 << 30, (1 << 31) - 1)
FACTORS = (0.0, -1.0, 0.5, 2.0, 1.001, 1e-6, 1e6, 1e30, float("nan"), float("inf"))
SKIPPED = ("metadata", "metadataBuffer", "signatureDefs", "description", "name", "minVals")


def tables(thing: object) -> Iterator[object]:
    """Yield a table and all tables in it."""
    yield thing
    for name, value in sorted(vars(thing).items()):
        if name in SKIPPED or value is None:
            continue
        for item in value if isinstance(value, list) else [value]:
            if hasattr(item, "Pack"):
                yield from tables(item)


def edited(rng: np.random.Generator, data: bytes) -> bytes | None:
    """Return a file with a few fields changed; None where they cannot be written."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        everything = [table for table in tables(model) if set(vars(table)) - set(SKIPPED)]
        kinds = sorted({type(table).__name__ for table in everything})
        # As often an operator as a tensor, however many there are.
        kind = str(rng.choice(kinds))
        alike = [table for table in everything if type(table).__name__ == kind]
        table = alike[int(rng.integers(len(alike)))]
        fields = [name for name in sorted(vars(table)) if name not in SKIPPED]
        name = str(rng.choice(fields))
        other = alike[int(rng.integers(len(alike)))]
        setattr(table, name, changed(rng, getattr(table, name), getattr(other, name), name))
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    except (TypeError, ValueError, AttributeError, OverflowError, IndexError,
            flatbuffers.builder.BuilderNotFinishedError, flatbuffers.builder.OffsetArithmeticError,
            flatbuffers.builder.IsNestedError, flatbuffers.builder.BuilderSizeError):
        return None
    return bytes(builder.Output())


def changed(rng: np.random.Generator, value: object, other: object, name: str) -> object:
    """Return another value for a field; ``other`` is that of a table of the same kind."""
    if rng.random() < 0.2:
        return other
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, (int, np.integer)):
        return integer(rng, int(value))
    if isinstance(value, float):
        return float(value) * float(rng.choice(FACTORS))
    if isinstance(value, np.ndarray):
        return array(rng, value)
    if isinstance(value, list):
        return sequence(rng, value)
    if value is None and name in ("inputs", "outputs", "shape", "shapeSignature", "newShape",
                                  "squeezeDims"):
        return np.array(rng.integers(-1, 5, int(rng.integers(0, 5))), np.int32)
    return None


def integer(rng: np.random.Generator, value: int) -> int:
    """Return another integer, as often a near one as an extreme one."""
    how = rng.random()
    if how < 0.4:
        return value + int(rng.choice([-2, -1, 1, 2]))
    if how < 0.5:
        return -value
    return int(rng.choice(INTEGERS)) * (1 if rng.random() < 0.9 else -1)


def array(rng: np.random.Generator, value: np.ndarray) -> np.ndarray | None:
    """Return another array: an element changed, taken out, doubled, swapped; or all of it."""
    how, at = int(rng.integers(0, 8)), int(rng.integers(0, max(value.size, 1)))
    if not value.size or how == 0:
        return None
    result = value.copy()
    if how == 1:
        return np.delete(value, at)
    if how == 2:
        return np.insert(value, at, value[at])
    if how == 3:
        return rng.permutation(value)
    if how == 4:
        return np.insert(value, at, np.ones(1, value.dtype))
    limits = (-np.inf, np.inf) if value.dtype.kind == "f" else \
        (np.iinfo(value.dtype).min, np.iinfo(value.dtype).max)
    new = float(value[at]) * float(rng.choice(FACTORS)) if value.dtype.kind == "f" \
        else integer(rng, int(value[at]))
    result[at] = new if value.dtype.kind == "f" else min(max(new, limits[0]), limits[1])
    return result


def sequence(rng: np.random.Generator, value: list) -> list:
    """Return another list of tables: one taken out, doubled, or moved."""
    result, at = list(value), int(rng.integers(0, max(len(value), 1)))
    if not result:
        return result
    item = result.pop(at)
    how = rng.random()
    if how < 0.4:
        result.insert(int(rng.integers(0, len(result) + 1)), item)
    elif how < 0.7:
        result[at:at] = [item, item]
    return result


def damaged(rng: np.random.Generator, data: bytes) -> bytes:
    """Return a file with bytes changed; ranges zeroed, doubled, put behind; offsets redirected."""
    how, result = rng.random(), bytearray(data)
    if how < 0.6:
        return mutate(rng, data)
    begin, end = sorted(rng.integers(0, len(result) + 1, 2).tolist())
    end = min(end, begin + 256)
    if how < 0.7:
        result[begin:end] = bytes(end - begin)
    elif how < 0.8:
        result[begin:begin] = result[begin:end]
    elif how < 0.85:
        result += bytes(rng.integers(0, 256, int(rng.integers(1, 300)), np.uint8))
    else:  # An offset that leads backwards or to itself, to another table, or far away
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(0, len(result) // 4)) * 4
            to = int(rng.integers(0, len(result) + 8)) - at
            result[at:at + 4] = to.to_bytes(4, "little", signed=True)
    return bytes(result)
