"""Which tensors have fewer than 8 bits, from the limits of what writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..graph import AveragePool, Concatenate, Layer, MaxPool, Move, Pad, Reshape, Tensor
from ..precision import INT8, Precision

__all__ = ["narrow_tensors"]


def narrow_tensors(layers: Sequence[Layer], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with the fewest bits that hold what the layers let through."""
    result = dict(tensors)
    for layer in layers:
        tensor = result[layer.output]
        if tensor.precision == INT8:
            found = output_precision(layer, [result[name].precision for name in layer.inputs])
            result[layer.output] = replace(tensor, precision=found)
    return result


def output_precision(layer: Layer, inputs: Sequence[Precision]) -> Precision:
    """Return the bits of what a layer writes."""
    low, high = min(p.low for p in inputs), max(p.high for p in inputs)
    match layer:
        case Reshape() | Move():
            return inputs[0]
        case Concatenate():
            return inputs[0] if len(set(inputs)) == 1 else Precision.over(low, high)
        case Pad():
            return Precision.over(min(low, layer.value), max(high, layer.value))
        case MaxPool() | AveragePool():
            if layer.low <= low and high <= layer.high:
                return inputs[0]
            return Precision.over(min(max(low, layer.low), layer.high),
                                  max(min(high, layer.high), layer.low))
    ending = getattr(layer, "requantisation", None)
    return Precision.over(ending.low, ending.high) if ending else INT8
