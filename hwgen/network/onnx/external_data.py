"""Weights in a file beside the ONNX file, as PyTorch's exporter writes them."""

from pathlib import Path
from typing import Any

from ...errors import UserError
from ...tools.untrusted import read_bytes

__all__ = ["inline_weights", "is_external", "location_of"]


def is_external(tensor: Any) -> bool:
    """Return whether the values of a TensorProto are in another file."""
    return bool(tensor.data_location == 1 or len(tensor.external_data))


def location_of(tensor: Any) -> str:
    """Return the name of the file that a tensor's values are in."""
    return next((str(entry.value) for entry in tensor.external_data if entry.key == "location"), "")


def inline_weights(model: Any, folder: Path, most: int) -> None:
    """Put into a ModelProto what is in files of the folder: at most so many bytes.

    Only files that stand in the folder itself are opened, whatever the model says. A tensor whose
    file is not there stays as it is.
    """
    files: dict[str, bytes] = {}
    total = 0
    for tensor in filter(is_external, model.graph.initializer):
        location = location_of(tensor)
        if "\0" in location or Path(location).name != location or not (folder / location).is_file():
            continue
        if location not in files:
            files[location] = read_bytes(folder / location, most)
        data = _part(tensor, files[location], folder / location)
        total += len(data)
        if total > most:
            raise UserError(f"{folder / location} holds weights of more than {most >> 20} MiB")
        tensor.raw_data = data
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")


def _part(tensor: Any, data: bytes, path: Path) -> bytes:
    """Return a tensor's part of a file."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    try:
        offset = int(entries.get("offset", 0))
        length = int(entries.get("length", len(data) - offset))
    except ValueError as error:
        raise UserError(f"tensor {tensor.name!r} has an offset or a length in {path} that is no "
                        "integer") from error
    if not 0 <= offset <= offset + length <= len(data):
        raise UserError(f"tensor {tensor.name!r} is bytes {offset} to {offset + length} of {path}, "
                        f"which has {len(data)}; export the network again, or copy both files")
    return data[offset:offset + length]
