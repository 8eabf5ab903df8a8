"""The graph of a quantised network: tensors of 1 to 8 bits, and layers with integer constants.

It knows nothing of hardware, of files, or of floating point beyond the scale of a tensor: a reader
has already made each scale of a layer an integer multiplier and a shift. Tensors are channels-last,
with a leading axis of 1 for the batch. docs/networks.md has the arithmetic of every layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..arch.steps import ROUNDINGS
from ..errors import UserError, check_choice
from . import layers
from .layers import *
from .precision import SUMS
from .requantisation import Ending, Requantisation
from .shown import ShownNetwork
from .tensor import StateTensor, Tensor, Window

__all__ = ["Ending", "Network", "Requantisation", "StateTensor", "Tensor", "Window"]
__all__ += layers.__all__


@dataclass(frozen=True, eq=False, repr=False)
class Network(ShownNetwork):
    """Layers in the order in which they run, and every tensor they name.

    ``rounding`` is how sums are requantised: ``tflm`` rounds twice, as TensorFlow Lite Micro does;
    ``single`` rounds once, halves up, and ``even`` once, halves to even. ``host_inputs`` says
    whether a host writes the inputs, which may lie as the first layers read them best: not so where
    the layers are out of the middle of a network. ``states`` are the tensors that stay between
    inferences.
    """

    name: str
    tensors: Mapping[str, Tensor]
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rounding: str = "tflm"
    host_inputs: bool = field(default=True, kw_only=True)
    states: tuple[StateTensor, ...] = field(default=(), kw_only=True)

    @property
    def initial_state(self) -> dict[str, NDArray[np.int8]]:
        """What the states are before the first inference, by their names."""
        return {state.name: state.initial for state in self.states}

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the inputs, as :meth:`feed` takes them."""
        return {name: self.tensors[name].shape for name in self.inputs}

    def feed(self, x: NDArray[np.generic] | Mapping[str, NDArray[np.generic]],
             ) -> dict[str, NDArray[np.int8]]:
        """Return the inputs that the network works on, of those that its file takes.

        One image, or several along the first axis. Here they are the same.
        """
        names = [*self.input_shapes]
        given = x if isinstance(x, Mapping) else dict.fromkeys(names[:1], x)
        if sorted(given) != sorted(names):
            raise UserError(f"the network's inputs are {', '.join(names)}, not {', '.join(given)}")
        return {ours: self._feed_input(ours, np.asarray(given[name]))
                for ours, name in zip(self.inputs, names, strict=True)}

    def check_input(self, name: str, x: NDArray[np.generic]) -> NDArray[np.int8]:
        """Return an array that is checked to be an input of the network, of one image or more."""
        shape, precision = self.tensors[name].shape, self.tensors[name].precision
        if x.dtype != np.int8:
            raise UserError(f"input {name!r} must be int8, not {x.dtype}")
        if x.ndim != len(shape) or x.shape[1:] != shape[1:] or not len(x):
            raise UserError(f"input {name!r} must be of shape {shape}, or with several images "
                            f"along the first axis, not {x.shape}")
        found = x.astype(np.int8, copy=False)
        if found.size and not precision.low <= found.min() <= found.max() <= precision.high:
            raise UserError(f"input {name!r} must be {precision}: from {precision.low} to "
                            f"{precision.high}, not {found.min()} to {found.max()}")
        return found

    _feed_input = check_input
    """What makes an input of the network of what its file takes there; here they are the same."""

    def fetch(self, results: Mapping[str, NDArray[np.int8]]) -> dict[str, NDArray[np.generic]]:
        """Return the outputs as the file gives them, of what the network gives."""
        return {name: results[name] for name in self.outputs}

    @property
    def output_grids(self) -> dict[str, tuple[float, int]]:
        """Scale and zero point of what :meth:`fetch` gives, by the same names."""
        return {name: (self.tensors[name].scale, self.tensors[name].zero_point)
                for name in self.outputs}

    def __post_init__(self) -> None:
        """Check that every layer reads tensors that are there by then."""
        check_choice("rounding", self.rounding, ROUNDINGS)
        there = {*self.inputs, *self.initial_state}
        for layer in self.layers:
            for name in layer.inputs:
                if name not in there:
                    raise UserError(f"layer {layer.name!r} reads tensor {name!r} before any layer "
                                    "writes it")
            if layer.output in there:
                raise UserError(f"layer {layer.name!r} writes tensor {layer.output!r}, "
                                "which is there already")
            there.add(layer.output)
            self._check_bits(layer)
        for name in self.outputs:
            if name not in there:
                raise UserError(f"no layer writes the network's output {name!r}")
        self._check_states({layer.output: layer for layer in self.layers})

    def _check_states(self, writers: Mapping[str, Layer]) -> None:
        """Check that each state gets what it can hold, of an Assign, after all that read it."""
        if len({*self.inputs, *self.initial_state}) != len(self.inputs) + len(self.states):
            raise UserError("a state of the network is an input, or another state, too")
        for state in self.states:
            old, new = self.tensors[state.name], self.tensors[state.next]
            if replace(new, name=old.name) != old or state.initial.shape != old.shape or \
                    state.initial.dtype != np.int8:
                raise UserError(f"state {state.name!r} of shape {old.shape} begins as an array of "
                                f"shape {state.initial.shape} and becomes the tensor "
                                f"{state.next!r}: they must be alike")
            if state.next != state.name and not isinstance(writers.get(state.next), Assign):
                raise UserError(f"no {Assign.operator} writes the next state {state.next!r}")

    def _check_bits(self, layer: Layer) -> None:
        """Check that what a layer writes is within the bits of its tensor."""
        precision = self.tensors[layer.output].precision
        sums = [name for name in layer.inputs if self.tensors[name].precision == SUMS]
        if sums and not isinstance(layer, Reshape):
            raise UserError(f"layer {layer.name!r} reads the sums {sums[0]!r}, which are an output "
                            "only")
        if not hasattr(layer, "requantisation"):
            return
        ending: Ending = layer.requantisation
        if (ending is None) != (precision == SUMS):
            raise UserError(f"layer {layer.name!r} writes sums to a tensor that is {precision}, "
                            "or other than sums to one of 32 bits")
        if ending and not (precision.low <= ending.low and ending.high <= precision.high):
            raise UserError(f"layer {layer.name!r} writes {ending.low} to {ending.high} to a "
                            f"tensor that is {precision}")
