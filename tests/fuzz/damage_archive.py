"""Damages .npy and .npz files: their members, the headers of arrays, and bombs."""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from .damage import anything

__all__ = ["archive", "array_file"]

KINDS = ("|i1", "|u1", "<i2", ">i4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "|b1", "<U5", "|S3",
         "|O", "<M8[s]", "|V8", "<f16", "[('a', '<i4')]", "<U99999999", "|S2147483647")
SHAPES = ("()", "(0,)", "(1,)", "(-1,)", "(1, 490)", "(3, 0)", "(2147483647,)", "(1099511627776,)",
          "(4294967296, 4294967296)", "(9223372036854775807,)", "(1,)" * 40, "1", "None", "(1.5,)",
          "(True,)", "(1, 1, 1, 1, 1, 1, 1, 1)", "(" * 300 + ")" * 300, "(99999,) * 9")


def header(rng: np.random.Generator, data: bytes) -> bytes:
    """Return a .npy file whose header says something else of the same numbers."""
    kind = KINDS[int(rng.integers(len(KINDS)))]
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    descr = kind if kind.startswith("[") else repr(kind)
    fields = [f"'descr': {descr}", f"'fortran_order': {rng.choice(['False', 'True', '1', 'None'])}",
              f"'shape': {shape}"]
    if rng.random() < 0.2:
        del fields[int(rng.integers(len(fields)))]
    if rng.random() < 0.1:
        fields.append("'more': " + str(rng.choice(["1", "[" * 99 + "]" * 99, "-" * 9000 + "1"])))
    words = ("{" + ", ".join(fields) + ", }\n").encode()
    version = (int(rng.choice([1, 1, 1, 2, 3, 9])), 0)
    size = len(words) if rng.random() < 0.9 else int(rng.choice([0, 65535, 1 << 31]))
    length = struct.pack("<H", size % (1 << 16)) if version[0] == 1 else struct.pack("<I", size)
    return b"\x93NUMPY" + bytes(version) + length + words + data[128:]


def array_file(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a .npy file."""
    if rng.random() < 0.5:
        return header(rng, data)
    return anything(rng, data, others)


@cache
def bomb(claimed: int) -> bytes:
    """Return a deflated .npy file of so many zeros."""
    head = (f"{{'descr': '|i1', 'fortran_order': False, 'shape': ({claimed},), }}".ljust(117)
            + "\n").encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head)]
    parts.append(packer.flush(zlib.Z_FULL_FLUSH))
    zeros = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)  # as often as we like
    return b"".join([*parts, *[zeros] * (claimed >> 20), packer.flush()])


def make_bomb(data: bytes, name: str, claimed: int) -> bytes:
    """Return an archive with one array more, which is much larger than its file."""
    packed = bomb(claimed)
    size = claimed + 128
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), size,
                        len(name), 0) + name.encode()
    central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed),
                          size, len(name), 0, 0, 0, 0, 0, 0) + name.encode()
    begin = len(local) + len(packed)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), begin, 0)
    return local + packed + central + end


def archive(rng: np.random.Generator, data: bytes, others: Sequence[bytes]) -> bytes:
    """Damage a .npz file: what is in it, or the bytes that it is."""
    if rng.random() < 0.4:
        return anything(rng, data, others)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        members = [(info.filename, file.read(info)) for info in file.infolist()]
    if rng.random() < 0.02:
        name = members[int(rng.integers(len(members)))][0]
        return make_bomb(data, name, int(rng.choice([1 << 22, 250 << 20, 500 << 20, 3000 << 20])))
    for _ in range(int(rng.choice([1, 1, 2]))):
        members = change_members(rng, members, others)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
                         ) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content)
    return target.getvalue() if rng.random() < 0.8 else anything(rng, target.getvalue(), others)


def change_members(rng: np.random.Generator, members: list[tuple[str, bytes]],
                   others: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Return the members of an archive with one of them changed, left out, or doubled."""
    if not members:
        return members
    at = int(rng.integers(len(members)))
    name, content = members[at]
    kind = rng.random()
    if kind < 0.5:
        content = header(rng, content)
    elif kind < 0.7:
        content = anything(rng, content, others)
    elif kind < 0.8:
        name = str(rng.choice(["", "x", "x.npy", "../x.npy", "input.npy", "label.npy", "a\nb.npy",
                               "\x1b[2J.npy", "é.npy", "input"]))
    elif kind < 0.9:
        return members[:at] + members[at + 1:]
    else:
        other = members[int(rng.integers(len(members)))][1]
        content = other
    return [*members[:at], (name, content), *members[at + 1:]]
