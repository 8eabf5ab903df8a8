"""Cycles and memory of layers whose weights are stored compressed."""

from dataclasses import dataclass

from ..arch.steps import Mode
from ..compiler.program import LayerSteps, Program
from ..cost.cycles import Array
from ..golden.unpack.unpack import Packing, written_words

__all__ = ["PackedLayer", "packed_layers"]


@dataclass(frozen=True)
class PackedLayer:
    """A layer whose weights are packed.

    Members
    -------
    layer : str
    packed_bytes, bytes : int
        Of its weights and parameters, as they are packed, and as the array reads them.
    cycles : int
        Of the steps that unpack them.
    """

    layer: str
    packed_bytes: int
    bytes: int
    cycles: int


def packed_layers(program: Program) -> list[PackedLayer]:
    """Return the layers of a Program of which weights are packed."""
    found = (packed_layer(program, layer) for layer in program.layers)
    return [each for each in found if each]


def packed_layer(program: Program, layer: LayerSteps) -> PackedLayer | None:
    """Return what a layer takes, None where nothing of it is packed.

    Weights that several of its steps unpack count once.
    """
    array, columns = Array.of(program.design), program.design.columns
    steps = [step for step in program.steps[layer.first:layer.first + layer.count]
             if step.mode == Mode.UNPACK]
    sizes = {}
    for step in steps:
        packing = Packing.of(step, columns)
        assert packing
        sizes[step.program] = packing.words(step), written_words(step)
    if not steps:
        return None
    words, unpacked = map(sum, zip(*sizes.values(), strict=True))
    return PackedLayer(layer.name, words * columns, unpacked * columns,
                       sum(map(array.cycles, steps)))
