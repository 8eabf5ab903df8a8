"""Layers of a quantised network, with integer constants.

docs/networks.md has the arithmetic of each.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from .precision import Precision
from .requantisation import Ending, Requantisation
from .table import Table
from .tensor import Window

__all__ = ["Add", "Assign", "AveragePool", "Concatenate", "Convolution", "Depthwise",
            "Elementwise", "FullyConnected", "Layer", "Logistic", "Lookup", "Lstm", "Matmul",
            "MaxPool", "Maximum", "Mean", "Move", "Multiply", "Pad", "Product", "Requantise",
            "Reshape", "Softmax", "SquaredDifference", "Times", "Total", "Weighted"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """What all layers have: a name of their own, the tensors they read and the one they write."""

    operator: ClassVar[str] = ""
    """Name of the operator, in TensorFlow Lite's words where it has one."""

    name: str
    inputs: tuple[str, ...]
    output: str
    table: Table | None = None
    """What its bytes go through before they are stored."""

    @property
    def title(self) -> str:
        """Name of the operator, and of what its bytes go through."""
        names = [self.operator] if self.operator else []
        return ", ".join([*names, *([self.table.function] if self.table else [])])

    @property
    def host(self) -> bool:
        """Whether the host computes it, after the accelerator has finished."""
        return isinstance(self, Logistic) or (
            isinstance(self, Softmax) and not self.within) or (
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
class Matmul(Layer):
    """``requantisation(sum_k (a - zero point of a)[m, k] * (b - zero point of b)[k, n])``.

    A product of two matrices for each place in the axes before the last two. The right one may be
    ``transposed``, stored as [n, k].
    """

    operator = "BATCH_MATMUL"
    transposed: bool = False
    requantisation: Requantisation


@dataclass(frozen=True, eq=False, kw_only=True)
class Lstm(Layer):
    """A sequence through cells with gates: docs/networks.md has the arithmetic.

    It reads the sequence, (1, times, inputs), and a state of 3 n bytes for n cells: what each gave
    last, an int8, then what each holds, an int16 with its lower byte first. It writes what the
    cells give at each time, and behind that what they hold at the end: so its last 3 n bytes are
    the next state. Gates are in the order of TensorFlow Lite: input, forget, cell, output.
    """

    operator = "UNIDIRECTIONAL_SEQUENCE_LSTM"
    weights: np.ndarray
    """int8, for the inputs: (4, n, inputs)."""
    recurrent: np.ndarray
    """int8, for what the cells gave before: (4, n, n)."""
    bias: np.ndarray
    """int32, added to the sums of inputs: (4, n)."""
    scalings: np.ndarray
    """(multiplier, shift) for each gate: of the sums of inputs, and of the others; (2, 4, 2)."""
    power: int
    """What a cell holds stands for so many times 2 to this power."""
    clip: int
    """What a cell holds is from -clip to clip; 0 for the whole range of 16 bits."""
    requantisation: Requantisation
    """Of the product of an output gate and a hyperbolic tangent; its zero point is the cells'."""

    @property
    def cells(self) -> int:
        """How many there are."""
        return int(self.bias.shape[1])


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
class Times(Elementwise):
    """``requantisation((a - zero point of a) * (b - zero point of b))``.

    One of them may be a single pixel, with as many channels, which then counts for all.
    """

    operator = "MUL"
    requantisation: Requantisation


@dataclass(frozen=True, eq=False, kw_only=True)
class SquaredDifference(Elementwise):
    """``requantisation(d * d)``, d the first less the second ``scaling((x - zero point) << 7)``.

    One of them may be a single pixel, as for :class:`Times`.
    """

    operator = "SQUARED_DIFFERENCE"
    scalings: tuple[tuple[int, int], tuple[int, int]]
    """(multiplier, shift) of each input; that of one is a half, and none is more."""
    requantisation: Requantisation


@dataclass(frozen=True, eq=False, kw_only=True)
class Lookup(Elementwise):
    """A function of one byte, which is its ``table``."""


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
class Assign(Layer):
    """The same values, where a state keeps them: its ``next``. Nothing reads the state after it."""

    operator = "ASSIGN_VARIABLE"


@dataclass(frozen=True, eq=False, kw_only=True)
class Softmax(Layer):
    """Softmax over the last axis; ``within`` a network, other layers read it."""

    operator = "SOFTMAX"
    beta: float = 1.0
    within: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Logistic(Layer):
    """Logistic function of each element."""

    operator = "LOGISTIC"
