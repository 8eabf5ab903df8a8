"""Files that others wrote: none is believed in its size, in its nesting, or in its types."""

import contextlib
import dataclasses
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ..errors import UserError

__all__ = ["check_type", "read_bytes", "read_json", "read_text", "read_toml", "refusing"]

LARGEST_TEXT = 1 << 26
LARGEST_TOML = 1 << 20
"""Bytes: what reads TOML takes hundreds of bytes for each, and nobody writes as much by hand."""
MOST_DOTS = 1000
"""Of a line of TOML: a key of n parts takes memory for n * n / 2 of them."""
NAMES = {str: "a text", int: "an integer", float: "a number", bool: "true or false",
         list: "a list", tuple: "a list", dict: "a table", NoneType: "null"}


def read_bytes(path: str | Path, most: int) -> bytes:
    """Return the content of a file that has at most so many bytes."""
    try:
        with open(path, "rb") as file:
            data = file.read(1 + most)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UserError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
                        ) from error
    if len(data) > most:
        raise UserError(f"{path} must have at most {most >> 20} MiB, and has more")
    return data


def read_text(path: str | Path, what: str, most: int = LARGEST_TEXT) -> str:
    """Return the text of a file, without a byte order mark; ``what`` says what it should be."""
    with refusing(path, what):
        return read_bytes(path, most).decode("utf-8-sig")


def read_toml(path: str | Path, what: str = "a TOML file") -> dict[str, Any]:
    """Return what a TOML file says."""
    text = read_text(path, what, LARGEST_TOML)
    with refusing(path, what):
        if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
            raise ValueError(f"a line of it has more than {MOST_DOTS:,} dots")
        return tomllib.loads(text)


def read_json(path: str | Path, what: str) -> Any:
    """Return what a JSON file says."""
    text = read_text(path, what)
    with refusing(path, what):
        return json.loads(text)


@contextlib.contextmanager
def refusing(path: str | Path, what: str) -> Iterator[None]:
    """Raise a UserError that names the file, where its content is not what it should be."""
    try:
        yield
    except UserError as error:
        if str(path) in str(error):
            raise
        raise UserError(f"{path}: {error}") from error
    except KeyError as error:
        raise UserError(f"{path} is not {what}: {error} is missing") from error
    except RecursionError:
        raise UserError(f"{path} is not {what}: it is nested too deep") from None
    except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{path} is not {what}: {error}") from error


def check_type(value: Any, kind: Any, name: str) -> Any:
    """Return plain data that is of a type, to its last element, or raise a TypeError or ValueError.

    The error names the field, for :func:`refusing` to name the file. ``kind`` is an annotation:
    ``dict[str, float]``, ``int | None``, a dataclass. An integer will do for a float; no float may
    be infinite, or not a number.
    """
    if kind is Any:
        return value
    if isinstance(kind, UnionType):
        for each in get_args(kind):
            with contextlib.suppress(TypeError, ValueError):
                return check_type(value, each, name)
        raise type_error(value, kind, name)
    whole: Any = get_origin(kind) or kind
    parts = get_args(kind)
    if whole in (dict, Mapping) and isinstance(value, dict):
        return {check_type(key, parts[0], f"a name in {name}"):
                check_type(each, parts[1], f"{name}.{key}") for key, each in value.items()}
    if whole in (list, tuple) and isinstance(value, list):  # tuples are as long as they like
        return whole(check_type(each, parts[0], f"{name}[{index}]")
                     for index, each in enumerate(value))
    if dataclasses.is_dataclass(whole) and isinstance(value, dict):
        hints = get_type_hints(whole)
        for key in value:
            if key not in hints:
                raise ValueError(f"{name} has no field {key!r}")
        for field in dataclasses.fields(whole):
            if field.default is field.default_factory is dataclasses.MISSING \
                    and field.name not in value:
                raise ValueError(f"{name}.{field.name} is missing")
        make: Any = whole
        return make(**{key: check_type(each, hints[key], f"{name}.{key}")
                       for key, each in value.items()})
    if isinstance(value, str):
        value.encode()  # JSON may hold half of a character
    fits = whole in NAMES and type(value) is whole or (whole is float and type(value) is int)
    if not fits or (type(value) is float and not math.isfinite(value)):
        raise type_error(value, kind, name)
    return value


def type_error(value: Any, kind: Any, name: str) -> TypeError:
    """Return the error of a value that is of another type."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else [kind]
    wanted = " or ".join(NAMES.get(get_origin(each) or each, "a table") for each in kinds)
    return TypeError(f"{name} must be {wanted}, not {value!r}")
