"""What becomes of weights for which the program memory has no room: which layers go elsewhere.

Layers can run on a sparse engine, which has memories of its own, or have their weights packed.
Where a Design can do both, the Program that takes the fewest cycles is taken of those that fit.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ..arch.design import Design
from ..cost.cycles import Array, total_cycles
from .lowering import Lowering
from .packing.unpacking import Unpacking
from .program import LayerSteps
from .sparse.choice import SparsePlan, SparseSelection, program_words

__all__ = ["Lowered", "lower_into"]

Steps = tuple[Lowering, list[LayerSteps]]


class Lowered(NamedTuple):
    """The steps of all layers, whose they are, and which layers run on the sparse engine."""

    plan: SparsePlan
    lowering: Lowering
    layers: list[LayerSteps]


def lower_into(design: Design, choice: SparseSelection,
               lower: Callable[[SparsePlan], Steps]) -> Lowered:
    """Return a network's steps that find room; or, where there are none, those that need least.

    Weights are not packed yet: that comes last, when the tensors have their places.
    """
    found = [*roomier(design, choice, lower, whole=not design.decompress)]
    if not design.decompress or len(found) == 1:
        return found[-1]
    array, words, on_engine = Array.of(design), design.program_words, choice.cycles()

    def cost(lowered: Lowered) -> tuple[int, int]:
        lowering, layers = Unpacking(lowered.lowering, lowered.layers).until(words)
        cycles = sum(on_engine[layer.name] if layer.name in lowered.plan.columns else
                     total_cycles((item.step for item in lowering.placed[
                         layer.first:layer.first + layer.count]), array)
                     for layer in layers)
        return max(program_words(lowering) - words, 0), cycles

    return min(found, key=cost)


def roomier(design: Design, choice: SparseSelection, lower: Callable[[SparsePlan], Steps], *,
            whole: bool) -> Iterator[Lowered]:
    """Yield steps of which more and more are the sparse engine's, until they find room.

    It gets as many layers at once as make the ``whole`` room, or one after the other.
    """
    while True:
        plan = choice.plan()
        lowered = Lowered(plan, *lower(plan))
        yield lowered
        short = program_words(lowered.lowering) - design.program_words
        if short <= 0 or not choice.make_room(short if whole else 1):
            return
