"""Which layers run on the sparse engine: those that are quicker there, and that its memory holds.

And, where the program memory is too small for the weights of the others, more of them.

The array takes the same cycles for any input. The engine leaves out what is 0, so that its cycles
are those of one input, exactly, or those of an input without a zero if there is none to go by.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...arch.descriptors import Descriptors
from ...arch.design import Design
from ...arch.steps import Mode
from ...cost.cycles import Array, run_cycles, total_cycles
from ...golden.accelerator.accelerator import Accelerator
from ...golden.accelerator.footprint import passes
from ...golden.network import network as golden
from ...golden.sparse.decoder import Compressed
from ...golden.sparse.step import sparse_cycles, sparse_step
from ...network.graph import Convolution, FullyConnected, Network
from ..layers.weighted import SumsLayer
from ..lowering import Lowering
from ..memory.lifetimes import BufferLayout
from ..prepare.constants import Folding
from ..program import EngineChoice
from ..view import View
from .lane_memories import side_by_side

__all__ = ["Candidate", "SparsePlan", "SparseSelection", "program_words"]

Arrays = Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True)
class SparsePlan:
    """Where the columns of the chosen layers begin, by their names; all weights; all choices."""

    columns: dict[str, int]
    weights: Compressed | None
    choices: tuple[EngineChoice, ...]


@dataclass(frozen=True)
class Candidate:
    """A layer that may run on the engine.

    Members
    -------
    layer : str
    dense, sparse : int
        Cycles on either; None where the engine is ``unable`` to compute it.
    words : int
        Of the program memory that it takes less there.
    weights : Compressed, or None
    unable : str, or None
    """

    layer: str
    dense: int
    sparse: int | None
    words: int
    weights: Compressed | None
    unable: str | None

    @property
    def cycles_saved(self) -> int:
        """Cycles fewer than on the array."""
        return 0 if self.sparse is None else self.dense - self.sparse

    @property
    def entries(self) -> int:
        """Entries of the lane that has most."""
        return max((len(lane.entries) for lane in self.weights.lanes), default=0) \
            if self.weights else 0


class SparseSelection:
    """The layers for the engine: first those that save cycles, then those that save words.

    Parameters
    ----------
    network, folding, layout, design
        What is compiled.
    example : arrays, or None
        The input to go by.
    """

    def __init__(self, network: Network, folding: Folding, layout: BufferLayout, design: Design,
                 example: Arrays | None) -> None:
        self.design, self.known = design, example is not None
        self.chosen: set[str] = set()
        self.for_room: set[str] = set()
        self.entries, self.columns = np.zeros(design.columns, np.int64), 0
        self.found: list[Candidate] = []
        if design.engine != "sparse":
            return
        values = golden.run(network, example, keep=True) if example is not None else {}
        self.found = [candidate(network, folding, layout, design, layer, values)
                      for layer in layout.layers if isinstance(layer, Convolution | FullyConnected)]
        for each in sorted(self.found, key=lambda each: -each.cycles_saved):
            if each.cycles_saved > 0:
                self.take(each)

    def take(self, each: Candidate) -> bool:
        """Give a layer to the engine, if there is room for its weights; return whether there is."""
        assert each.weights is not None
        entries = self.entries + np.array([len(lane.entries) for lane in each.weights.lanes])
        columns = self.columns + each.weights.columns
        if entries.max() > self.design.sparse_entries or columns > self.design.sparse_columns:
            return False
        self.chosen.add(each.layer)
        self.entries, self.columns = entries, columns
        return True

    def make_room(self, words: int) -> bool:
        """Give more layers to the engine, until so many words of the program memory are saved.

        Those first that take the fewest cycles more for a word. Return whether there were any.
        """
        before = len(self.chosen)
        others = [each for each in self.found if each.layer not in self.chosen
                  and each.sparse is not None and each.words > 0]
        for each in sorted(others, key=lambda each: -each.cycles_saved / each.words):
            if words > 0 and self.take(each):
                self.for_room.add(each.layer)
                words -= each.words
        return len(self.chosen) > before

    def cycles(self) -> dict[str, int]:
        """Return the cycles on the engine of all layers that it can compute."""
        return {each.layer: each.sparse for each in self.found if each.sparse is not None}

    def plan(self) -> SparsePlan:
        """Return the plan."""
        places, matrices, first = {}, [], 0
        for each in self.found:
            if each.layer in self.chosen and each.weights:
                places[each.layer] = first
                first += each.weights.columns
                matrices.append(each.weights)
        return SparsePlan(places, side_by_side(matrices, self.design.columns) if matrices else None,
                          tuple(map(self.engine_choice, self.found)))

    def engine_choice(self, each: Candidate) -> EngineChoice:
        """Return what became of a candidate, and why."""
        chosen, columns = each.layer in self.chosen, each.weights.columns if each.weights else 0
        where = "of this input" if self.known else "of an input without zeros"
        if each.unable:
            reason = each.unable
        elif each.cycles_saved > 0 and not chosen:
            reason = (f"{each.sparse:,} cycles instead of {each.dense:,}, but {each.entries} "
                      f"entries and {columns} columns do not fit beside those of layers that save "
                      "more")
        else:
            than = "fewer" if each.cycles_saved > 0 else "no fewer"
            reason = f"{each.sparse:,} cycles {where} are {than} than {each.dense:,}"
            if each.layer in self.for_room:
                reason += (f", but the program memory has no room for its weights, {each.words} "
                           "words")
        return EngineChoice(each.layer, "sparse" if chosen else "dense", each.dense, each.sparse,
                            each.entries, columns, reason)


def candidate(network: Network, folding: Folding, layout: BufferLayout, design: Design,
              layer: Convolution | FullyConnected, values: Arrays) -> Candidate:
    """Return a layer with its cycles on either."""
    source, target = layout.views[layer.inputs[0]], layout.views[layer.output]
    sums = SumsLayer(network, folding, layer, source, target)
    array, lowering = Array.of(design), Lowering(design)
    sums.emit(lowering)
    dense = total_cycles((item.step for item in lowering.placed), array)
    words = program_words(lowering)
    sparse = sums.sparse
    assert sparse
    unable = sparse.why_unable(design.columns, design.partial_sums)
    if unable:
        return Candidate(layer.name, dense, None, 0, None, unable)
    weights = sparse.encode(design.rows, design.columns)
    lowering = Lowering(design)
    sparse.emit(lowering, 0)
    seen = surroundings(design, source, folding, layer, values, sparse.zero_point)
    steps, taken = [item.step for item in lowering.placed], {}
    for index, step in enumerate(steps):
        if step.mode == Mode.SPARSE:
            found = [each for taps in passes(step)
                     if (each := seen.fetch(step, 0, *taps)) is not None]
            vectors = np.stack(found).reshape(len(found), step.vectors, -1)
            run = sparse_step(step, weights, vectors, design.sparse_depth)
            taken[index] = sparse_cycles(run, design.columns, int(array.turns))
    cycles = sum(run_cycles(steps, array, taken))
    return Candidate(layer.name, dense, cycles, words - program_words(lowering), weights, None)


def program_words(lowering: Lowering) -> int:
    """Return the words of the program memory that steps take, and what they read."""
    descriptors = Descriptors.of(lowering.design)
    return (descriptors.words_of(len(lowering.placed)) + lowering.wide_image.words
            + lowering.image.words)


def surroundings(design: Design, source: View, folding: Folding,
                 layer: Convolution | FullyConnected, values: Arrays,
                 zero_point: int) -> Accelerator:
    """Return a memory in which a layer's input lies where its buffer begins.

    What nothing is known of is no zero.
    """
    last = source.offset + source.height * source.row + source.width * source.pitch
    made = Accelerator(rows=design.rows, columns=design.columns, lines=0, partial_sums=1,
                       activation_memory=last + 2 * design.rows)
    made.memory[:] = zero_point ^ 1
    name = layer.inputs[0]
    if name in values:
        stored = values[name].reshape(source.height, source.width, -1)[..., folding.stored[name]]
        addresses = (source.offset + np.arange(source.height)[:, None, None] * source.row
                     + np.arange(source.width)[:, None] * source.pitch
                     + np.arange(stored.shape[-1]))
        made.memory[addresses] = stored
    return made
