"""Where tensors are: which share a buffer, and how long each buffer lives."""

from collections.abc import Mapping

import numpy as np

from ...arch.design import Design
from ...errors import UserError
from ...network import graph
from ..layers.moves import view_of_places
from ..prepare.constants import Folding
from ..prepare.keeping import kept_tensors
from ..view import View, image_of
from .addresses import Life

__all__ = ["BufferLayout"]


class BufferLayout:
    """The view of every tensor that is stored.

    A reshaped tensor is the bytes it was before, and one that is moved may be a view of them. What
    is concatenated is written where it goes, if a single layer reads it so, and no step reads it
    together with another tensor, for these must lie alike. An elementwise result replaces one of
    its inputs, if nobody reads that any more. What is ``kept`` in the lanes for an ADD has no
    view; none is, without a ``design``. A state and what it becomes have one view, in a buffer that
    nothing else ever uses; it is part of a concatenation like any tensor, unless it is ``apart``.
    """

    def __init__(self, network: graph.Network, folding: Folding,
                 design: Design | None = None) -> None:
        """Lay out the tensors in the order in which they are written."""
        self.network, self.folding = network, folding
        self.layers = [layer for layer in network.layers
                       if not layer.host and folding.stored[layer.output].any()]
        self.kept = kept_tensors(network, folding, self.layers, design) \
            if design and design.kept_vectors else {}
        self.slots = {state.next: state.name for state in network.states}
        self.apart: set[str] = set()
        self.place()
        while lost := lost_states(self):
            self.apart |= lost
            self.place()
        for name, layer in [*self.kept.items()]:
            other, target = (self.views[each] for each in (*layer.inputs, layer.output)
                             if each != name)
            if (other.pitch, other.row) != (target.pitch, target.row):
                del self.kept[name]
                self.place()

    def place(self) -> None:
        """Find the view of every tensor."""
        network = self.network
        self.outputs = accelerator_outputs(network)
        kept = {*self.slots, *self.slots.values()}
        sources = (*network.inputs, *network.initial_state)
        self.ends = dict.fromkeys(sources, -1)
        for index, layer in enumerate(self.layers):
            self.ends |= dict.fromkeys((*layer.inputs, layer.output), index)
        self.ends |= dict.fromkeys((*self.outputs, *kept), len(self.layers))
        self.begins = dict.fromkeys(sources, -1) | {
            layer.output: index for index, layer in enumerate(self.layers)}
        self.parts = self.concatenated_tensors()
        self.views: dict[str, View] = {}
        for name in sources:
            self.views[name] = self.part(*self.parts[name]) if name in self.parts else \
                self.packed_view(name)
        for index, layer in enumerate(self.layers):
            if layer.output not in self.views and layer.output not in self.kept:
                self.views[layer.output] = self.lay(index, layer)

    def packed_view(self, name: str, buffer: str | None = None) -> View:
        """Return a view of a buffer that holds only this tensor."""
        height, width, _ = image_of(self.network.tensors[name])
        return View.of_image(buffer or name, height, width, int(self.folding.stored[name].sum()))

    def concatenated_tensors(self) -> dict[str, tuple[graph.Concatenate, int]]:
        """Return the tensors that are written where they are concatenated, and their places."""
        fixed = {*self.network.inputs, *self.outputs, *self.apart}
        readers: dict[str, int] = {}
        for layer in self.layers:
            if isinstance(layer, graph.Reshape | graph.Move):
                fixed |= {*layer.inputs, layer.output}
            if isinstance(layer, graph.Maximum):
                fixed |= {*layer.inputs}  # others read one input after the other
            for name in layer.inputs:
                concatenation = isinstance(layer, graph.Concatenate)
                readers[name] = readers.get(name, 0) + concatenation
        return {name: (layer, place) for layer in self.layers
                if isinstance(layer, graph.Concatenate) for place, name in enumerate(layer.inputs)
                if name not in fixed and readers[name] == 1}

    def lay(self, index: int, layer: graph.Layer) -> View:
        """Return the view of a layer's output."""
        name = layer.output
        if name in self.slots:
            return self.views[self.slots[name]]
        if name in self.parts:
            return self.part(*self.parts[name])
        if isinstance(layer, graph.Reshape) and not self.must_leave(name, layer.inputs[0]):
            before = self.views[layer.inputs[0]]
            return self.packed_view(name, before.buffer)
        if isinstance(layer, graph.Move) and self.may_have_gaps(name) and not self.must_leave(
                name, layer.inputs[0]):
            view = view_of_places(layer, self.views[layer.inputs[0]],
                                  image_of(self.network.tensors[name]))
            if view:
                return view
        if isinstance(layer, graph.Elementwise):
            for source in (name for name in layer.inputs if name not in self.kept):
                view = self.views[source]
                if view.size != self.packed_view(name).size:  # a pixel that is read for all
                    continue
                sharers = [n for n, v in self.views.items() if v.buffer == view.buffer]
                if self.is_alone(view) and all(self.ends[n] <= index for n in sharers):
                    return self.packed_view(name, view.buffer)
        return self.packed_view(name)

    def may_have_gaps(self, name: str) -> bool:
        """Return whether all that read a tensor take it as it lies, whatever is between."""
        return name not in self.outputs and not any(
            isinstance(layer, graph.Maximum | graph.Move | graph.Reshape) for layer in self.layers
            if name in layer.inputs)

    def must_leave(self, name: str, source: str) -> bool:
        """Return whether a tensor is read after the state in whose buffer its source is changes."""
        buffer = self.views[source].buffer
        inside = {state for after, state in self.slots.items()
                  if after != state and self.views[state].buffer == buffer}
        into = {self.slots[layer.output] for layer in self.layers
                if isinstance(layer, graph.Assign) and name in layer.inputs}
        return bool(inside) and (name in self.outputs or bool(into - inside))

    def part(self, layer: graph.Concatenate, place: int) -> View:
        """Return the view of one input of a concatenation, in its output."""
        if layer.output not in self.views:
            self.views[layer.output] = self.part(*self.parts[layer.output]) \
                if layer.output in self.parts else self.packed_view(layer.output)
        whole = self.views[layer.output]
        sizes = [image_of(self.network.tensors[name]) for name in layer.inputs]
        axes = len(self.network.tensors[layer.output].shape)
        axis = 3 - axes + layer.axis % axes  # of (height, width, channels)
        channels = [int(self.folding.stored[name].sum()) for name in layer.inputs]
        before = (sum(channels[:place]) if axis == 2 else
                  sum(size[axis] for size in sizes[:place]))
        step = (whole.row, whole.pitch, 1)[axis]
        height, width, _ = sizes[place]
        return View(buffer=whole.buffer, offset=whole.offset + before * step, height=height,
                    width=width, channels=channels[place], pitch=whole.pitch, row=whole.row)

    def is_alone(self, view: View) -> bool:
        """Return whether nothing but tensors of this view's shape is in its buffer."""
        return view.contiguous and view.offset == 0 and not any(
            isinstance(layer, graph.Concatenate) and layer.output in self.views
            and self.views[layer.output].buffer == view.buffer for layer in self.layers)

    def lives(self, sizes: Mapping[str, int]) -> list[Life]:
        """Return the lives of all buffers; ``sizes`` is the bytes that steps need of each."""
        found: dict[str, Life] = {}
        for name, view in self.views.items():
            size = max(sizes.get(view.buffer, 0), view.offset + (view.height - 1) * view.row
                       + view.row_bytes)
            old = found.get(view.buffer, Life(view.buffer, 0, self.begins[name], self.ends[name]))
            found[view.buffer] = Life(view.buffer, max(size, old.size),
                                      min(old.begin, self.begins[name]),
                                      max(old.end, self.ends[name]))
        return list(found.values())


def lost_states(layout: BufferLayout) -> set[str]:
    """Return states whose place in a concatenation does not suit what they become.

    A state moves down in its buffer, by whole pixels: then each byte is read before it is written.
    And nothing that is read after it has moved may lie where it does.
    """
    found = set[str]()
    late = [layout.views[name] for name in layout.outputs]
    for layer in reversed([layer for layer in layout.layers if isinstance(layer, graph.Assign)]):
        name = layout.slots[layer.output]
        source, target = layout.views[layer.inputs[0]], layout.views[name]
        if name in layout.parts and (not moves_down(source, target) or any(
                np.intersect1d(view.places(), target.places()).size
                for view in late if view.buffer == target.buffer)):
            found.add(name)
        late.append(source)
    return found


def moves_down(source: View, target: View) -> bool:
    """Return whether a copy reads each byte before it writes it, or both have none in common."""
    if source.buffer != target.buffer:
        return True
    sizes = [(view.height, view.width, view.channels, view.row if view.height > 1 else 0,
              view.pitch if view.width > 1 else 0) for view in (source, target)]
    unit = source.pitch if source.width > 1 else source.row if source.height > 1 else 1
    distance = source.offset - target.offset
    return (sizes[0] == sizes[1] and distance >= 0 and distance % unit == 0
            and (source.height == 1 or source.row % unit == 0))


def accelerator_outputs(network: graph.Network) -> list[str]:
    """Return what the host reads: the outputs, and what its own layers take."""
    hosted = {layer.output for layer in network.layers if layer.host}
    for layer in network.layers:
        if not layer.host and hosted & set(layer.inputs):
            raise UserError(f"layer {layer.name!r} reads what the host computes after the "
                            "accelerator has finished; only the last layers may be the host's")
    names = [name for layer in network.layers if layer.host for name in layer.inputs]
    return [n for n in dict.fromkeys([*network.outputs, *names]) if n not in hosted]
