"""Numbers of a few bits each that make up a descriptor."""

from collections.abc import Mapping

from ..errors import UserError

__all__ = ["MAGIC", "Place", "limits", "pack", "unpack"]

MAGIC = 0x5a
Place = tuple[int, int, bool]
"""Of a field: its lowest bit in the descriptor, its bits, and whether it is signed."""


def limits(bits: int, signed: bool) -> tuple[int, int]:
    """Return the least and the greatest number that so many bits hold."""
    least = -(1 << bits - 1) if signed else 0
    return least, least + (1 << bits) - 1


def pack(values: Mapping[str, int], places: Mapping[str, Place], size: int) -> bytes:
    """Return a descriptor of ``size`` bytes."""
    whole = sum((int(values[name]) & (1 << bits) - 1) << low
                for name, (low, bits, _) in places.items())
    return whole.to_bytes(size, "little")


def unpack(data: bytes | memoryview, places: Mapping[str, Place], size: int) -> dict[str, int]:
    """Return the fields of a descriptor that :func:`pack` made."""
    whole, found = int.from_bytes(data, "little"), {}
    for name, (low, bits, signed) in places.items():
        value = whole >> low & (1 << bits) - 1
        found[name] = value - (1 << bits) if signed and value >> bits - 1 else value
    if len(data) != size or found.pop("magic") != MAGIC:
        raise UserError("there is no descriptor of a step here: its magic number is missing")
    return found
