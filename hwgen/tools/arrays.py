"""Arrays from .npy and .npz files, whoever wrote them: sizes are compared before memory is taken.

A header of a few bytes may announce terabytes, an archive may be compressed a thousand times, and a
pickled array runs whatever it says. None of it gets further than here.
"""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..errors import UserError

__all__ = ["BYTES", "load_arrays"]

Array = NDArray[Any]

BYTES = 1 << 28
"""Bytes of all arrays of a file together: with the copies that are made of them, below 1 GB."""

LONGEST_HEADER = 10_000
"""Bytes; NumPy evaluates no longer ones either, but would read them."""

MAGIC, ARCHIVES = b"\x93NUM", (b"PK\x03\x04", b"PK\x05\x06")
KINDS = "biufcSU"
"""Kinds of elements: numbers and texts, but no Python objects and no records."""


def load_arrays(path: str | Path, only: str | None = None) -> dict[str, Array]:
    """Return the arrays of a .npz file, or of those the one called ``only``; of a .npy file, ''."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start == MAGIC:
                if only is not None:
                    raise UserError(f"{path} is a single array, and has none called {only!r}")
                return {"": _array(file, str(path), Path(path).stat().st_size, BYTES)}
            if start not in ARCHIVES:
                raise UserError(f"{path} is not a .npy or .npz file")
            return _archive(file, path, only)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # what damaged archives and headers raise has no base of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path} is damaged, or holds more than plain numbers: {reason}") from error


def _archive(file: IO[bytes], path: str | Path, only: str | None) -> dict[str, Array]:
    """Return arrays of an archive."""
    found: dict[str, Array] = {}
    left = BYTES
    with zipfile.ZipFile(file) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist()}
        if only is not None and only not in members:
            raise UserError(f"{path} has no array {only!r}; it has {', '.join(members) or 'none'}")
        for name in members if only is None else [only]:
            info = archive.getinfo(members[name])
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UserError(f"array {name!r} of {path} is compressed in a way that NumPy does "
                                "not write")
            with archive.open(info) as member:
                found[name] = _array(member, f"array {name!r} of {path}", info.file_size, left)
            left -= found[name].nbytes
    return found


def _array(file: Any, what: str, size: int, left: int) -> Array:
    """Read an array, having held its header against the bytes that there are."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise UserError(f"{what} is of a version of the format that hwgen does not read")
    # A header of the third version differs in its encoding only, which matters to records alone.
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    start = file.tell()
    length = int.from_bytes(file.read(2 if version == (1, 0) else 4), "little")
    file.seek(start)
    if length > LONGEST_HEADER:
        raise UserError(f"{what} is damaged: its header is {length} bytes long")
    try:
        shape, by_column, dtype = read(file)
    except (MemoryError, RecursionError):  # of Python's parser, whose stack is small
        raise UserError(f"{what} is damaged: its header is nested too deep") from None
    if dtype.kind not in KINDS or not dtype.itemsize:
        raise UserError(f"{what} holds {dtype}, not plain numbers")
    if any(axis < 0 for axis in shape):
        raise UserError(f"{what} has an impossible shape, {shape}")
    needed = math.prod(shape) * dtype.itemsize
    if needed > left:
        raise UserError(f"{what} is of shape {shape} and {dtype}: {needed} bytes, more than the "
                        f"{BYTES >> 20} MiB that we read of a file")
    if needed > size:
        raise UserError(f"{what} is damaged: its header says {needed} bytes, and there are {size}")
    flat = np.empty(math.prod(shape), dtype)
    data, filled = flat.view(np.uint8).data, 0
    while filled < needed:
        count = file.readinto(data[filled:])
        if not count:
            raise UserError(f"{what} is damaged: it ends after {filled} of {needed} bytes")
        filled += count
    array = flat.reshape(shape[::-1]).T if by_column else flat.reshape(shape)
    return np.ascontiguousarray(array, dtype.newbyteorder("=")).reshape(shape)
