"""Which layers run on the sparse engine: those that are quicker there, and that its memory holds.

The array takes the same cycles for any input. The engine leaves out what is 0, so that its cycles
are those of one input, exactly, or those of an input without a zero if there is none to go by.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..cost.cycles import Array
from ..design import Design
from ..golden import network as golden
from ..golden.accelerator import Accelerator, passes
from ..golden.csc import Compressed
from ..golden.sparse_step import sparse_cycles, sparse_step
from ..network.graph import Convolution, FullyConnected, Network
from ..steps import Mode, Step
from .engine_choice import EngineChoice
from .fold import Folding
from .layout import View
from .lowering import Lowering
from .memory import Layout
from .sparse_memory import beside
from .sums import SumsLayer

__all__ = ["SparsePlan", "choose"]

Arrays = Mapping[str, NDArray[np.int8]]


@dataclass(frozen=True)
class SparsePlan:
    """Where the columns of the chosen layers begin, by their names; all weights; all choices."""

    columns: dict[str, int]
    weights: Compressed | None
    choices: tuple[EngineChoice, ...]


@dataclass(frozen=True)
class Candidate:
    """A layer that may run on the engine."""

    layer: str
    dense: int
    sparse: int | None
    weights: Compressed | None
    unable: str | None

    @property
    def saved(self) -> int:
        """Cycles fewer than on the array."""
        return 0 if self.sparse is None else self.dense - self.sparse

    @property
    def entries(self) -> int:
        """Entries of the lane that has most."""
        return max((len(lane.entries) for lane in self.weights.lanes), default=0) \
            if self.weights else 0


def choose(network: Network, folding: Folding, layout: Layout, design: Design,
           example: Arrays | None) -> SparsePlan:
    """Return the plan for an input, or for none."""
    if design.engine != "sparse":
        return SparsePlan({}, None, ())
    values = golden.run(network, example, keep=True) if example else {}
    found = [candidate(network, folding, layout, design, layer, values)
             for layer in layout.layers if isinstance(layer, Convolution | FullyConnected)]
    chosen, columns = set(), 0
    entries = np.zeros(design.columns, np.int64)
    for each in sorted(found, key=lambda each: -each.saved):
        if each.saved <= 0 or each.weights is None:
            continue
        more = entries + np.array([len(lane.entries) for lane in each.weights.lanes], np.int64)
        if more.max() <= design.sparse_entries and \
                columns + each.weights.columns <= design.sparse_columns:
            chosen.add(each.layer)
            entries, columns = more, columns + each.weights.columns
    places, matrices, first = {}, [], 0
    for each in found:
        if each.layer in chosen and each.weights:
            places[each.layer] = first
            first += each.weights.columns
            matrices.append(each.weights)
    where = "of this input" if example else "of an input without zeros"
    return SparsePlan(places, beside(matrices, design.columns),
                      tuple(choice(each, each.layer in chosen, where) for each in found))


def choice(each: Candidate, chosen: bool, where: str) -> EngineChoice:
    """Return what became of a candidate."""
    columns = each.weights.columns if each.weights else 0
    if each.unable:
        reason = each.unable
    elif each.saved > 0 and not chosen:
        reason = (f"{each.sparse:,} cycles instead of {each.dense:,}, but {each.entries} entries "
                  f"and {columns} columns do not fit beside those of layers that save more")
    else:
        than = "fewer" if each.saved > 0 else "no fewer"
        reason = f"{each.sparse:,} cycles {where} are {than} than {each.dense:,}"
    return EngineChoice(each.layer, "sparse" if chosen else "dense", each.dense, each.sparse,
                        each.entries, columns, reason)


def candidate(network: Network, folding: Folding, layout: Layout, design: Design,
              layer: Convolution | FullyConnected, values: Arrays) -> Candidate:
    """Return a layer with its cycles on either."""
    source, target = layout.views[layer.inputs[0]], layout.views[layer.output]
    sums = SumsLayer(network, folding, layer, source, target)
    array, lowering = Array.of(design), Lowering(design)
    sums.emit(lowering)
    dense = sum(array.cycles(item.step) for item in lowering.placed)
    sparse = sums.sparse
    assert sparse
    unable = sparse.unable(design.columns, design.partial_sums)
    if unable:
        return Candidate(layer.name, dense, None, None, unable)
    weights = sparse.encoded(design.rows, design.columns)
    lowering = Lowering(design)
    sparse.emit(lowering, 0)
    seen = surroundings(design, source, folding, layer, values, sparse.zero_point)
    cycles = 0
    for item in lowering.placed:
        if item.step.mode == Mode.SPARSE:
            vectors = np.stack([pixel(seen, item.step, *taps) for taps in passes(item.step)])
            run = sparse_step(item.step, weights, vectors, design.sparse_depth)
            cycles += sparse_cycles(run, design.columns, int(array.turns))
        else:
            cycles += array.cycles(item.step)
    return Candidate(layer.name, dense, cycles, weights, None)


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


def pixel(memory: Accelerator, step: Step, *taps: int) -> NDArray[np.int8]:
    """Return the vectors of one output pixel."""
    ky, kx, piece = taps
    inside, addresses = memory.places(step, 0, ky, kx, piece)
    found = memory.memory[np.where(inside, addresses, 0)]
    return np.where(inside, found, np.int8(step.pad)).reshape(step.vectors, -1)
