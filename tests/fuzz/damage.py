"""Damages any bytes, without knowing what they mean."""

import struct
from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["EXTREMES", "Damage", "anything", "bytes_of", "several", "splice", "words"]

Damage = Callable[[np.random.Generator, bytes, Sequence[bytes]], bytes]
"""Makes a damaged file of a sound one, and of others that it may take parts of."""

EXTREMES = (0, 1, -1, 2, 127, 128, 255, 256, 0x7fff, 0x8000, 0x10000, 0x7fffffff, -0x80000000,
            1 << 24, 1 << 28, 1 << 31, 1 << 32, (1 << 63) - 1, -(1 << 63), 1 << 62)
SPECIAL = tuple(np.float32(each).view(np.uint32).item() for each in (
    np.nan, np.inf, -np.inf, -1, 0, 1e-45, 1e-38, 3.4e38, 0.5))
LONGEST = 1 << 16
"""Bytes that are put in at most."""


def place(rng: np.random.Generator, data: bytes | bytearray) -> int:
    """Return a place in the data, or its end."""
    return int(rng.integers(0, len(data) + 1))


def piece(rng: np.random.Generator, data: bytes | bytearray) -> slice:
    """Return a part of the data, mostly a short one."""
    start = place(rng, data)
    return slice(start, start + int(2 ** rng.uniform(0, 12)))


def bytes_of(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Flip bits, change bytes, put some in, take some out, repeat some, or cut the end off."""
    damaged = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4, 16, 64]))):
        part = piece(rng, damaged)
        kind = rng.random()
        if kind < 0.3 and part.start < len(damaged):
            damaged[part.start] ^= 1 << int(rng.integers(8))
        elif kind < 0.5 and part.start < len(damaged):
            damaged[part.start] = int(rng.choice([0, 1, 0x7f, 0x80, 0xff, rng.integers(256)]))
        elif kind < 0.6:
            damaged[part.start:part.start] = rng.bytes(int(2 ** rng.uniform(0, 8)))
        elif kind < 0.75:
            del damaged[part]
        elif kind < 0.85 and len(damaged) < LONGEST:
            damaged[part.start:part.start] = bytes(damaged[part]) * int(rng.integers(1, 5))
        elif kind < 0.95:
            damaged[part] = bytes(len(damaged[part]))
        else:
            del damaged[part.start:]
    return bytes(damaged)


def words(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put extreme numbers, or words from elsewhere, in the place of whole words."""
    damaged = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        size = int(rng.choice([1, 2, 4, 4, 4, 8]))
        at = place(rng, damaged) // size * size
        if rng.random() < 0.2:
            other = place(rng, damaged) // size * size
            damaged[at:at + size] = damaged[other:other + size]
        elif rng.random() < 0.2:
            damaged[at:at + 4] = struct.pack("<I", int(rng.choice(SPECIAL)))
        else:
            value = EXTREMES[int(rng.integers(len(EXTREMES)))] % (1 << 8 * size)
            order = "little" if rng.random() < 0.9 else "big"
            damaged[at:at + size] = value.to_bytes(size, order)
    return bytes(damaged)


def splice(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Put parts of one file into another, or begin with one and go on with the other."""
    other = others[int(rng.integers(len(others)))] if others else data
    if rng.random() < 0.5:
        return data[:place(rng, data)] + other[place(rng, other):]
    part = piece(rng, data)
    return data[:part.start] + other[piece(rng, other)] + data[part.stop:]


def anything(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage bytes, words or both, or splice."""
    return several(rng, data, others, (bytes_of, words, words, splice))


def several(rng: np.random.Generator, data: bytes, others: Sequence[bytes],
            ways: Sequence[Damage]) -> bytes:
    """Damage once, or a few times, each time in one of some ways."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        data = ways[int(rng.integers(len(ways)))](rng, data, others)
    return data
