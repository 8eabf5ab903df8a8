"""The graph of a quantised network: tensors of 1 to 8 bits, and layers with integer constants.

It knows nothing of hardware, of files, or of floating point beyond the scale of a tensor: a reader
has already made each scale of a layer an integer multiplier and a shift. Tensors are channels-last,
with a leading axis of 1 for the batch. docs/networks.md has the arithmetic of every layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arch.steps import ROUNDINGS
from ..errors import UserError
from .precision import SUMS, Precision
from .requantisation import Ending, Requantisation
from .shown import ShownNetwork
from .tensor import Tensor, Window

__all__ = ["Add", "AveragePool", "Concatenate", "Convolution", "Depthwise", "Elementwise",
           "Ending", "FullyConnected", "Layer", "Logistic", "MaxPool", "Maximum", "Mean",
           "Move", "Multiply", "Network", "Pad", "Requantisation", "Requantise", "Reshape",
           "Softmax", "Tensor", "Total", "Weighted", "Window"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """What all layers have: a name of their own, the tensors they read and the one they write."""

    operator: ClassVar[str] = ""
    """Name of the operator, in TensorFlow Lite's words where it has one."""

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def host(self) -> bool:
        """Whether the host computes it, after the accelerator has finished."""
        return isinstance(self, Softmax | Logistic) or (
            isinstance(self, Weighted) and self.requantisation is None)


@dataclass(frozen=True, eq=False, kw_only=True)
class Product(Layer):
    """``sum (x - zero point of x) * weights + bias``, requantised or compared with thresholds."""

    weights: np.ndarray
    """int8; the layer says which axes they have."""
    bias: np.ndarray
    """int32, one for each output channel."""
    requantisation: Ending

    @property
    def weight_precision(self) -> Precision:
        """The fewest bits that hold the weights."""
        return Precision.of(self.weights)


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(Product):
    """Weights are (output channels, kernel height, kernel width, input channels).

    Taps outside the image add nothing, as if x were its zero point there.
    """

    operator = "CONV_2D"
    window: Window


@dataclass(frozen=True, eq=False, kw_only=True)
class Depthwise(Product):
    """A convolution of each channel by itself: (kernel height, kernel width, output channels).

    Output channel c reads input channel c // (output channels // input channels).
    """

    operator = "DEPTHWISE_CONV_2D"
    window: Window


@dataclass(frozen=True, eq=False, kw_only=True)
class Multiply(Depthwise):
    """Each channel times a number of its own, from -255 to 255: weights of one pixel, as int16."""

    operator = "MUL"


@dataclass(frozen=True, eq=False, kw_only=True)
class FullyConnected(Product):
    """Sums over the last axis: weights are (output channels, input channels)."""

    operator = "FULLY_CONNECTED"


Weighted = Convolution | Depthwise | FullyConnected
"""Layers that multiply by weights."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Elementwise(Layer):
    """Each element of the output depends on those at its place in the inputs; equal shapes.

    The same elements give the same result at every place, so that constants give a constant.
    """


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Elementwise):
    """``requantisation(constant + sum of scaling_i((x_i - zero point of x_i) << 20))``."""

    operator = "ADD"
    scalings: tuple[tuple[int, int], ...]
    """(multiplier, shift) of each input, of one or two."""
    constant: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))
    """What is added besides: of each channel, or one number for all."""
    requantisation: Requantisation


@dataclass(frozen=True, eq=False, kw_only=True)
class Requantise(Elementwise):
    """``requantisation(x - zero point of x)``: another scale, or a clamp."""

    operator = "QUANTIZE"
    requantisation: Requantisation


@dataclass(frozen=True, eq=False, kw_only=True)
class Maximum(Elementwise):
    """The greater of two values; all three tensors have the same scale and zero point."""

    operator = "MAXIMUM"


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePool(Layer):
    """Sum over the taps inside the image, divided by their number, rounded half away from zero."""

    operator = "AVERAGE_POOL_2D"
    window: Window
    low: int = -128
    high: int = 127


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Layer):
    """Greatest value over the taps inside the image."""

    operator = "MAX_POOL_2D"
    window: Window
    low: int = -128
    high: int = 127


@dataclass(frozen=True, eq=False, kw_only=True)
class Mean(Layer):
    """Mean over some axes of an image: docs/networks.md has the order of its roundings.

    ``axes`` are 1 for the height, 2 for the width, 3 for the channels. The multiplier divides.
    """

    operator = "MEAN"
    axes: tuple[int, ...] = (1, 2)
    requantisation: Requantisation


@dataclass(frozen=True, eq=False, kw_only=True)
class Total(Mean):
    """The same without the division."""

    operator = "SUM"


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Layer):
    """The image with rows and columns of ``value`` around it."""

    operator = "PAD"
    before: tuple[int, int]
    after: tuple[int, int]
    value: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Concatenate(Layer):
    """The inputs one after the other along ``axis``."""

    operator = "CONCATENATION"
    axis: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Move(Layer):
    """Element i of the output is element ``places[i]`` of the input, both in their order."""

    operator = "MOVE"
    places: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Layer):
    """The same bytes under another shape."""

    operator = "RESHAPE"


@dataclass(frozen=True, eq=False, kw_only=True)
class Softmax(Layer):
    """Softmax over the last axis."""

    operator = "SOFTMAX"
    beta: float = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Logistic(Layer):
    """Logistic function of each element."""

    operator = "LOGISTIC"


@dataclass(frozen=True, eq=False, repr=False)
class Network(ShownNetwork):
    """Layers in the order in which they run, and every tensor they name.

    ``rounding`` is how sums are requantised: ``tflm`` rounds twice, as TensorFlow Lite Micro does;
    ``single`` rounds once, halves up, and ``even`` once, halves to even. ``host_inputs`` says
    whether a host writes the inputs, which may lie as the first layers read them best: not so where
    the layers are out of the middle of a network.
    """

    name: str
    tensors: Mapping[str, Tensor]
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rounding: str = "tflm"
    host_inputs: bool = field(default=True, kw_only=True)

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
        if self.rounding not in ROUNDINGS:
            raise UserError(f"rounding must be one of {', '.join(ROUNDINGS)}, "
                            f"not {self.rounding!r}")
        there = set(self.inputs)
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
