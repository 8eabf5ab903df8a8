"""Writes the file of a network again, with other weights and biases, and all else as it is.

So every scale, and with it every multiplier and shift, is bit for bit the one it was, and what runs
the file runs the new one.
"""

from pathlib import Path

import numpy as np

from ..errors import UserError
from .graph import Network, Weighted
from .reader import is_tflite, read_network

__all__ = ["fixed_biases", "rewrite_file"]


def rewrite_file(path: Path, network: Network) -> bytes:
    """Return the file at ``path`` with the weights and biases of a network that was read of it.

    A :class:`UserError` names a layer whose weights the file has no place for.
    """
    original = read_network(path)
    changed = {layer.name: layer for old, layer in zip(original.layers, network.layers, strict=True)
               if isinstance(layer, Weighted) and isinstance(old, Weighted) and differs(old, layer)}
    data = path.read_bytes()
    if is_tflite(path, data):
        from .tflite import reading as tflite
        from .tflite import rewrite as _tflite_rewrite
        result = _tflite_rewrite.replace_constants(data, changed)
        check_same(tflite.read(result), network)
        return result
    from .onnx import reading as onnx
    from .onnx import rewrite as _onnx_rewrite
    result = _onnx_rewrite.replace_weights(data, changed)
    check_same(onnx.read(result, rounding=network.rounding), network)
    return result


def fixed_biases(path: Path, network: Network) -> frozenset[str]:
    """Return the names of layers whose bias has no place in the file, so that it must stay."""
    data = path.read_bytes()
    if is_tflite(path, data):
        from .tflite import rewrite as _tflite_rewrite
        return _tflite_rewrite.fixed_biases(data)
    from .onnx import rewrite as _onnx_rewrite
    return _onnx_rewrite.fixed_biases(
        data, [layer.name for layer in network.layers if isinstance(layer, Weighted)])


def differs(old: Weighted, new: Weighted) -> bool:
    """Whether two layers have other weights or another bias."""
    return not (np.array_equal(old.weights, new.weights) and np.array_equal(old.bias, new.bias))


def check_same(found: Network, wanted: Network) -> None:
    """Raise a :class:`UserError` where a file has not become the network that was wanted."""
    for old, new in zip(found.layers, wanted.layers, strict=True):
        if isinstance(old, Weighted) and isinstance(new, Weighted) and differs(old, new):
            raise UserError(f"the file has no place for the weights of layer {new.name!r} alone: "
                            "it shares them with another layer, or its bias is no int32 constant")
