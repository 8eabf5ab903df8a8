"""Steps with weights of 4 bits, two in each byte: what they have twice of others."""

from typing import Any

from amaranth import *

from ..primitives.pipeline import later
from ..step import has_pairs
from .slots import turns

__all__ = ["connect_pairs", "most_groups", "tile_columns", "turns_of_pairs"]


def most_groups(component: Any) -> int:
    """Return the groups of the longest vector, where ``lanes`` requantise its sums."""
    return -(-(1 + component.int4_weights) * component.columns // component.lanes)


def tile_columns(component: Any, descriptor: Any) -> Any:
    """Return the columns of a step's column tile."""
    if not component.int4_weights:
        return component.columns
    return Mux(has_pairs(descriptor), 2 * component.columns, component.columns)


def turns_of_pairs(m: Module, sequencer: Any, vectors: Value, last: Value) -> tuple[Value, Value]:
    """Return whether this is the first, and the last, of the cycles of a vector.

    Those of the last pass go to the lanes, which take twice as long for sums of pairs.
    """
    most = most_groups(sequencer) - 1
    return turns(m, vectors, range(most + 1), lambda turn: ~last | (
        turn == Mux(sequencer.issues_pairs, most, sequencer.interval - 1)))


def connect_pairs(m: Module, accelerator: Any) -> None:
    """Connect what the sums of high weights pass, and tell all of steps that have some.

    Their vectors go alone, so that a descriptor is everywhere before they come.
    """
    array, post, high = accelerator.array, accelerator.post, accelerator.high
    has = has_pairs(accelerator.sequencer.descriptor)
    reads = later(m, has, accelerator.fetch.latency + 1, "reads_pairs")
    pairs = accelerator.take(m, has, "pairs")
    m.d.comb += [
        array.pairs.eq(reads), post.word_pairs.eq(reads),
        array.activations.p.pairs.eq(pairs), post.pairs.eq(pairs),
        high.tag.eq(accelerator.accumulators.tag), post.high.eq(high.o),
        *(high.values[c].eq(array.o.high[c]) for c in range(accelerator.columns)),
    ]
