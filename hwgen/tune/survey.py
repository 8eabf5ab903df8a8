"""Exact cycles of a network on many Designs at once, without a Program for any of them.

For layers with weights, the formulas that choose their steps are evaluated on arrays of Designs.
The steps of other layers depend on the columns only, except how the accumulators split them: they
are lowered once for each number of columns.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from ..arch.design import Design
from ..arch.designs import Designs
from ..arch.steps import Mode, Step
from ..compiler.compile import lower, may_follow, prepare_network
from ..compiler.cost import LayerCost, combine, least_cost
from ..compiler.layers.weighted import SumsLayer
from ..compiler.lowering import Lowering, written_bytes
from ..compiler.memory.addresses import arrange
from ..compiler.memory.lifetimes import BufferLayout
from ..compiler.prepare.constants import Folding
from ..compiler.sizes import LARGEST_COUNT, Sizes, ceil_div
from ..cost.cycles import Array
from ..errors import UserError
from ..network import graph

__all__ = ["Survey", "SurveyResult"]

Integers = NDArray[np.int64]

PROBE = Design(rows=4, columns=4, activation_memory=1 << 24, program_memory=1 << 24,
               partial_sums=4, lanes=1)
"""What steps are lowered for where it does not matter but for its columns."""


GRID = 8
"""How many times as many points as Designs a grid of them may have."""


@dataclass(frozen=True)
class SurveyResult:
    """What a network takes on each of many Designs.

    Members
    -------
    cycles : array
        Of an inference, where the activation memory is not less than ``activations``. In less the
        compiler may still find a way, that takes more cycles or as many.
    layers : array
        The same by layer, (layers, Designs); with as many layers as were asked for, or none.
    activations : array
        Bytes of the activation memory with which no layer is cut for the sake of memory.
    program : array
        Bytes of the program memory that steps and weights take then.
    """

    cycles: Integers
    layers: Integers
    activations: Integers
    program: Integers


class Survey:
    """A network, ready to be asked what it takes.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: graph.Network) -> None:
        """Do what is the same for all Designs."""
        for layer in network.layers:
            if isinstance(layer, graph.Lookup):
                raise UserError(f"layer {layer.name!r}: {layer.title} needs a Design with tables, "
                                "over which hwgen tune does not search; `hwgen cycles` and `hwgen "
                                "build` take one")
            part = "softmax" if isinstance(layer, graph.Softmax) and not layer.host else \
                "matmul" if isinstance(layer, graph.Matmul) else \
                "lstm" if isinstance(layer, graph.Lstm) else \
                "products" if isinstance(layer, graph.SquaredDifference | graph.Times) else ""
            if part:
                title = f"{layer.title} of two tensors" if part == "products" else layer.title
                raise UserError(f"layer {layer.name!r}: {title} needs a Design with {part}, over "
                                "which hwgen tune does not search; `hwgen cycles` and `hwgen "
                                "build` take one")
        plain, stacked = (prepare_network(network, stacked=each) for each in (False, True))
        self.prepared = [plain]
        self.network, self.folding, self.layout = plain
        self.weighted: dict[int, list[SumsLayer]] = {}
        """Layers with weights, by their numbers; and once more where what they read is stacked."""
        for index, layer in enumerate(self.layout.layers):
            if isinstance(layer, graph.Convolution | graph.Depthwise | graph.FullyConnected):
                self.weighted[index] = [sums_layer(index, *plain)]
                if stacked[0].tensors[layer.inputs[0]] != plain[0].tensors[layer.inputs[0]]:
                    self.weighted[index].append(sums_layer(index, *stacked))
                    self.prepared = [plain, stacked]
        self.others = cache(self._others)
        self._needed = cache(self._bytes_for)

    @property
    def layers(self) -> list[str]:
        """Names of the layers that the accelerator computes."""
        return [layer.name for layer in self.layout.layers]

    def evaluate(self, designs: Designs, *, by_layer: bool = False) -> SurveyResult:
        """Return what the network takes on each of the Designs."""
        count = len(designs)
        found = SurveyResult(*(np.zeros(shape, np.int64) for shape in (
            count, (len(self.layout.layers) * by_layer, count), count, count)))
        alike = np.stack([np.broadcast_to(each, count) for each in (
            designs.columns, designs.wide_rows, designs.kept_vectors, designs.serial,
            designs.compact, designs.lines > 0)])
        kinds, place = np.unique(alike, axis=1, return_inverse=True)
        for number, (columns, wide, kept, *kind_of) in enumerate(kinds.T.tolist()):
            where = np.flatnonzero(place.reshape(-1) == number)
            kind = partial(Array, columns=columns, wide_rows=wide, **{
                name: bool(has) for name, has in zip(("serial", "compact", "lines"), kind_of,
                                                     strict=True)})
            for name, values in vars(self._of(kind, columns, kept, designs[where],
                                              by_layer)).items():
                getattr(found, name)[..., where] = values
        return found

    def _of(self, kind: Callable[..., Array], columns: int, kept: int, designs: Designs,
            by_layer: bool) -> SurveyResult:
        """Return what it takes on Designs of one kind, which is an array without its rows."""
        interval = ceil_div(columns, designs.lanes)
        fields = designs.rows, designs.packed_rows, interval, designs.partial_sums
        few = Points(kind, *fields)
        all_ = Points(kind, *fields, designs.lines, designs.line_pixels)
        by_index, shared, needed, layout = self.others(columns, kept, few.sizes.array.compact)
        array = kind(rows=designs.rows, interval=interval)
        # One row for inputs as they are, and one for those that are stacked, if any can be.
        cycles, steps, words = (np.full((len(needed), len(designs)), start)
                                for start in (0, 0, shared))
        layers: list[Integers] = []
        before: tuple[graph.Layer, LayerCost] | None = None  # whose steps are the last ones
        for index, layer in enumerate(self.layout.layers):
            parts = [few.spread(cost_of(step, few.sizes)) for step in by_index.get(index, [])]
            # An ADD that is joined has as many steps as the layer before.
            joined = index not in self.weighted and index not in by_index
            if joined or index in self.weighted:
                parts = [stack_costs([cost_of_layer(each, few, all_, joined=joined)
                                      for each in self.weighted[index - joined]])]
            of_layer = np.zeros_like(cycles)
            for taken in parts:
                if before:
                    follows = may_follow(layout, array, *before, layer, taken)
                    of_layer += taken.cycles.after(before[1].cycles, follows)
                else:
                    of_layer += taken.cycles.alone
                before, steps, words = (layer, taken), steps + taken.steps, words + taken.words
            cycles += of_layer
            if by_layer:
                layers.append(of_layer)
        best = cycles.argmin(axis=0), np.arange(len(designs))
        program = (few.sizes.array.descriptors.words_of(steps) + words) * columns
        return SurveyResult(cycles[best], np.stack([each[best] for each in layers]) if layers else
                            np.zeros((0, 1), np.int64), needed[best[0]], program[best])

    def _others(self, columns: int, kept: int,
                compact: bool) -> tuple[dict[int, list[Step]], int, Integers, BufferLayout]:
        """Return the steps of layers without weights, uncut, the words that they take, and bytes.

        The latter are those of the activation memory that the whole network needs, by its layouts,
        of which the first is the last result.
        """
        probe = PROBE.replace(columns=columns, compact=compact, kept_vectors=kept)
        layouts = [BufferLayout(network, folding, probe) if kept else layout
                   for network, folding, layout in self.prepared]
        lowering = Lowering(probe)
        lowering.sizes = dataclasses.replace(lowering.sizes, partial_sums=LARGEST_COUNT**2)
        found = {}
        for index, layer in enumerate(self.layout.layers):
            if index not in self.weighted and layer not in layouts[0].kept.values():
                first = len(lowering.placed)
                lower(lowering, self.network, self.folding, layouts[0], layer)
                found[index] = [item.step for item in lowering.placed[first:]]
        sizes = written_bytes(lowering.placed, columns)
        needed = self._needed(tuple(layouts), tuple(sorted(sizes.items())))
        return found, lowering.image.words, needed, layouts[0]

    def _bytes_for(self, layouts: tuple[BufferLayout, ...],
                   sizes: tuple[tuple[str, int], ...]) -> Integers:
        """Return the bytes that all tensors take, where layers write so much of their buffers."""
        found = []
        for layout in layouts:
            lives = layout.lives(dict(sizes))
            bound = max(sum(life.size for life in lives if life.begin <= time <= life.end)
                        for time in range(-1, len(layout.layers) + 1))
            found.append(arrange(lives, {}, bound)[1])
        return np.array(found)


class Points:
    """Designs of as many columns, in arrays that broadcast to all of them.

    They are mostly a grid, with few values of each field: then there is an axis for each field, and
    what does not depend on a field is computed once for all of its values.
    """

    def __init__(self, kind: Callable[..., Array], *fields: Integers) -> None:
        """Arrange rows, packed ones, interval, partial sums; and lines and their pixels."""
        fields = np.broadcast_arrays(*fields)
        found = [np.unique(field, return_inverse=True) for field in fields]
        counts = [len(unique) for unique, _ in found]
        if np.prod(counts) <= GRID * len(fields[0]):
            axes = [unique.reshape([-1 if axis == own else 1 for axis in range(len(fields))])
                    for own, (unique, _) in enumerate(found)]
            self.place = tuple(place for _, place in found)
        else:
            key = np.ravel_multi_index([place for _, place in found], counts)
            _, first, place = np.unique(key, return_index=True, return_inverse=True)
            axes, self.place = [field[first] for field in fields], (place,)
        absent = [np.zeros(1, np.int64)] * (6 - len(axes))
        rows, packed, interval, sums, lines, pixels = axes + absent
        self.sizes = Sizes(kind(rows=rows, packed_rows=packed, interval=interval), lines, pixels,
                           sums)
        self.shape = np.broadcast_shapes(*(axis.shape for axis in axes))

    def spread(self, taken: LayerCost) -> LayerCost:
        """Return what each Design takes."""
        found: LayerCost = combine(
            lambda values: np.broadcast_to(values, self.shape)[self.place], taken)
        return found


def sums_layer(index: int, network: graph.Network, folding: Folding,
               layout: BufferLayout) -> SumsLayer:
    """Return a layer with weights, by its number."""
    layer = layout.layers[index]
    assert isinstance(layer, graph.Convolution | graph.Depthwise | graph.FullyConnected)
    return SumsLayer(network, folding, layer, layout.views[layer.inputs[0]],
                     layout.views[layer.output])


def cost_of_layer(layer: SumsLayer, few: "Points", all_: "Points", *,
                  joined: bool = False) -> LayerCost:
    """Return what the steps of a layer with weights take on each Design, or of the ADD joined."""
    product = layer.product
    taken = few.spread((product.joined_cost if joined else product.layer_cost)(few.sizes))
    if layer.by_channel is not None:
        ways = layer.streaming_ways(all_.sizes)
        taken = least_cost([*(all_.spread((way.joined_cost if joined else way.layer_cost)(suits))
                              for way, suits in ways), taken])
    if not joined and layer.wide.suits(few.sizes):
        taken = least_cost([taken, few.spread(layer.wide.layer_cost(few.sizes))])
    return taken


def stack_costs(ways: Sequence[LayerCost]) -> LayerCost:
    """Return what each of the ways takes, in rows."""
    found: LayerCost = combine(lambda *values: np.stack(values), *ways)
    return found


def cost_of(step: Step, sizes: Sizes) -> LayerCost:
    """Return what the steps take into which the accumulators cut one."""
    limited = step.passes > 1 or step.to_sums or step.mode == Mode.SUMS
    strips = sizes.strips(step.y, step.x, 2 if limited else 1)
    cycles = sizes.cycles(step.mode, step.tiles, step.passes, strips,
                          per_tile=step.parameters_per_tile, to_sums=step.to_sums)
    return LayerCost(cycles.alone, cycles, strips.count, 0)
