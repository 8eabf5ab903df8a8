"""Reads a network from a file of any kind that is known."""

import os
from pathlib import Path

from ..errors import UserError
from .graph import Network

__all__ = ["read_network"]

SUFFIXES = (".tflite", ".onnx")


def read_network(path: str | os.PathLike[str]) -> Network:
    """Read a .tflite or an .onnx file.

    What begins as a .tflite file does is one, whatever its name; for the rest the suffix decides.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise UserError(f"there is no file {str(path)!r}") from None
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {error.strerror}") from None
    # Each reader needs a package that takes longer to import than most networks to read.
    if start[4:] == b"TFL3" or path.suffix.lower() == ".tflite":
        from .tflite.reading import read as read_tflite
        return read_tflite(path)
    if path.suffix.lower() == ".onnx":
        from .onnx.reading import read as read_onnx
        return read_onnx(path)
    raise UserError(f"{str(path)!r} must end in {' or '.join(SUFFIXES)}, the kinds of network that "
                    "hwgen reads")
