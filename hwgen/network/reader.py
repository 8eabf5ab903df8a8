"""Reads a network from a file of any kind that is known."""

import os
from pathlib import Path

from ..errors import UserError
from .graph import Network

__all__ = ["is_tflite", "network_of", "read", "read_network"]

SUFFIXES = (".tflite", ".onnx")


def read(path: str | os.PathLike[str]) -> Network:
    """Read a quantised network from a .tflite or an .onnx file.

    >>> network = hwgen.read("networks/kws_dscnn.tflite")
    >>> network
    Network kws_dscnn: 13 layers, from input_1 (1, 49, 10, 1) to Identity (1, 12)

    ``print(network)`` shows its layers.

    Parameters
    ----------
    path : str or path
        What begins as a .tflite file does is one, whatever its name; for the rest the suffix
        decides.
    """
    return read_network(path)


def network_of(model: Network | str | os.PathLike[str]) -> Network:
    """Return a network, or that of a file."""
    return model if isinstance(model, Network) else read_network(model)


def read_network(path: str | os.PathLike[str]) -> Network:
    """Read a file of any kind that is known."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise UserError(f"there is no file {str(path)!r}") from None
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {error.strerror}") from None
    # Each reader needs a package that takes longer to import than most networks to read.
    if is_tflite(path, start):
        from .tflite.reading import read as read_tflite
        return read_tflite(path)
    if path.suffix.lower() == ".onnx":
        from .onnx.reading import read as read_onnx
        return read_onnx(path)
    raise UserError(f"{str(path)!r} must end in {' or '.join(SUFFIXES)}, the kinds of network that "
                    "hwgen reads")


def is_tflite(path: Path, start: bytes) -> bool:
    """Return whether a file is one of TensorFlow Lite, by its first bytes or its name."""
    return start[4:8] == b"TFL3" or path.suffix.lower() == ".tflite"
