"""The tables of a .tflite file, each checked before anything is read of it.

The flatbuffers package takes an offset that leads before the first byte as one from the last, and
cuts a text that leads past it; and what it does not know of a table it does not see.
"""

import struct
from functools import cache
from typing import Any, TypeVar

import tflite

from ...errors import UserError

__all__ = ["NAME", "names_of", "text_of", "whole"]

Table = TypeVar("Table", bound=Any)
"""One of the schema package's tables."""

HARMLESS = ("Model", "SubGraph", "Operator")
"""Tables whose newer fields are for debugging, or are named by a tensor that is refused for it."""

NAME = 10
"""Where the list of fields of a tensor has its name."""


def whole(table: Table, owner: str = "the file") -> Table:
    """Return a table that lies in the file, fields and list of fields too, and has none unknown."""
    data, at = table._tab.Bytes, table._tab.Pos
    begin = at - struct.unpack_from("<i", data, at)[0]
    if not 0 <= begin < len(data):
        raise IndexError("list of fields outside the file")
    length, room = struct.unpack_from("<HH", data, begin)
    fields = struct.unpack_from(f"<{max(length // 2 - 2, 0)}H", data, begin + 4)
    if length < 4 or length % 2 or at + room > len(data) or max(fields, default=0) >= max(room, 1):
        raise IndexError("fields outside their table")
    kind = type(table).__name__
    if any(fields[known_fields(kind):]) and kind not in HARMLESS:
        raise UserError(f"{owner} has a field, in {kind}, that is newer than the schema that hwgen "
                        "knows, and may change what the network computes")
    return table


@cache
def known_fields(kind: str) -> int:
    """Return how many fields the schema's package knows of a table."""
    return sum(name.startswith(f"{kind}Add") for name in vars(tflite))


def names_of(enumeration: type) -> dict[int, str]:
    """Return the names of the schema's numbers."""
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def text_of(table: Table, field: int, longest: int) -> bytes:
    """Return a text of a table, which must end within the file and with a 0."""
    place = table._tab.Offset(field)
    if not place:
        return b""
    length = table._tab.VectorLen(place)
    if length > longest:
        raise UserError(f"the file has {length} bytes in the name of a tensor, and at most "
                        f"{longest} are read")
    if table._tab.Bytes[table._tab.Vector(place) + length]:
        raise IndexError("a name without an end")
    return bytes(table._tab.String(table._tab.Pos + place))
