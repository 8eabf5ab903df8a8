"""One operator of a .tflite file with all that its layer is made of, each piece checked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arch.nibbles import part_nibbles
from ...errors import UserError
from ..graph import Layer, Requantisation, Reshape, StateTensor, Tensor, Window
from ..scales import ACTIVATIONS as RANGES
from ..scales import activation_range, multiplier_and_shift
from .file import ACTIVATIONS, LARGEST_TENSOR, PADDINGS, Operator, StoredTensor

__all__ = ["Chain", "Context", "Site"]

LARGEST_STEP = (1 << 15) - 1
"""Of strides, dilations and paddings: the reference has 16 bits for each."""

HALVES = {"INT4": "<i1"}
"""Types of which two share a byte, and what they are read as."""

OF_HALVES = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators whose weights may be such, in the reference."""

LARGEST_BIAS_ERROR = 0.02
"""Of the output's scale; TensorFlow Lite's GetQuantizedConvolutionMultipler has the same."""


@dataclass
class Context:
    """Names of all tensors of the file, and what is known of the graph by now.

    ``last`` are layers that come behind all others, which prepare the next states and assign them.
    """

    names: list[str]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    last: list[Layer] = field(default_factory=list)
    states: list[StateTensor] = field(default_factory=list)

    def tensor(self, name: str, like: Tensor) -> Tensor:
        """Return a new tensor with the shape and scale of another, and nearly this name."""
        while name in self.tensors or name in self.names:
            name += "#"
        made = self.tensors[name] = replace(like, name=name)
        return made


@dataclass
class Site:
    """One operator, and all that its layer is made of."""

    context: Context
    name: str
    operator: Operator
    stored: Sequence[StoredTensor | None]
    """Its inputs in the file; None where one was left out."""
    result: StoredTensor
    """Its output in the file."""
    activation: Callable[[int], Tensor]
    place: int = 0
    """Which of several outputs that is."""

    def x(self, position: int = 0) -> Tensor:
        """Return an input that is computed, not constant."""
        stored = self.input(position)
        if stored.data is not None:
            raise UserError(f"input {position} is a constant: hwgen runs this operator on tensors "
                            "that are computed")
        return self.activation(self.operator.inputs[position])

    @property
    def y(self) -> Tensor:
        """Return the output."""
        return self.activation(self.operator.outputs[self.place])

    def input(self, position: int) -> StoredTensor:
        """Return an input, which must be there."""
        stored = self.stored[position] if position < len(self.stored) else None
        if stored is None:
            raise UserError(f"input {position} is missing")
        return stored

    def inputs_between(self, least: int, most: int) -> None:
        """Check the number of inputs."""
        if not least <= len(self.operator.inputs) <= most:
            raise UserError(f"it has {len(self.operator.inputs)} inputs, and must have {least}"
                            + (f" to {most}" if most > least else ""))

    def constant(self, position: int, types: dict[str, str],
                 what: str) -> NDArray[np.signedinteger]:
        """Return a constant input in its shape; ``types`` maps the schema's types to NumPy's."""
        stored = self.input(position)
        if stored.data is None:
            raise UserError(f"its {what} must be constant")
        if stored.type not in types:
            raise UserError(f"its {what} must be {' or '.join(types)}, not {stored.type}")
        if not stored.plain:
            raise UserError(f"its {what} must be dense: convert the network without sparsity")
        kind, size = np.dtype(types[stored.type]), int(np.prod(stored.shape, dtype=object))
        halves = stored.type in HALVES
        if len(stored.data) != (-(-size // 2) if halves else size * kind.itemsize):
            raise UserError(f"its {what} of shape {stored.shape} must have "
                            f"{'half ' if halves else ''}as many bytes, not {len(stored.data)}")
        if halves:
            return part_nibbles(np.frombuffer(stored.data, np.uint8), size).reshape(stored.shape)
        return np.frombuffer(stored.data, kind).reshape(stored.shape)

    def option(self, name: str, default: int = 0) -> int:
        """Return an option that is an integer."""
        return int(self.operator.options.get(name, default))

    def range(self) -> tuple[int, int]:
        """Return the least and greatest value of the fused activation."""
        activation = ACTIVATIONS.get(self.option("FusedActivationFunction"), "unknown")
        if activation not in RANGES:
            raise UserError(f"its activation {activation} is none of {', '.join(RANGES)}")
        return activation_range(activation, self.y.scale, self.y.zero_point)

    def image(self, position: int = 0) -> tuple[int, int, int]:
        """Return height, width and channels of an input."""
        self.x(position)
        shape = self.input(position).shape
        if len(shape) != 4 or shape[0] != 1:
            raise UserError(f"its input has shape {shape}: it must be (1, height, width, channels)")
        return shape[1], shape[2], shape[3]

    def window(self, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)) -> Window:
        """Return the window, padded as the operator says."""
        height, width, channels = self.image()
        stride = self.option("StrideH"), self.option("StrideW")
        before, after = self.padding((height, width), kernel, stride, dilation)
        if channels * (height + sum((before[0], after[0]))) * \
                (width + sum((before[1], after[1]))) > LARGEST_TENSOR:
            raise UserError(f"its input and the padding around it must be at most {LARGEST_TENSOR} "
                            "bytes")
        if max(*stride, *dilation, *before, *after) > LARGEST_STEP:
            raise UserError(f"its stride {stride}, dilation {dilation} and padding "
                            f"{(*before, *after)} must be at most {LARGEST_STEP}")
        return Window(kernel, stride, dilation, before, after)

    def padding(self, image: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int],
                dilation: tuple[int, int] = (1, 1)) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the padding before and after that the operator says, of a window on an image."""
        if min(*kernel, *stride, *dilation) < 1:
            raise UserError(f"its kernel {kernel}, stride {stride} and dilation {dilation} must be "
                            "at least 1")
        if "Around" in self.operator.vectors:  # those that a dilation by its neighbours gives
            top, bottom, left, right = self.operator.vectors["Around"]
            return (top, left), (bottom, right)
        padding = PADDINGS.get(self.option("Padding"))
        if padding is None:
            raise UserError("its padding must be SAME or VALID")
        before, after = [0, 0], [0, 0]
        for axis, size in enumerate(image):
            reach = (kernel[axis] - 1) * dilation[axis] + 1
            outputs = -(-size // stride[axis])
            total = max((outputs - 1) * stride[axis] + reach - size, 0)
            if padding == "SAME":
                before[axis], after[axis] = total // 2, total - total // 2
        return (before[0], before[1]), (after[0], after[1])

    def has_shape(self, *shape: int) -> None:
        """Check the output's shape in the file."""
        if self.result.shape != shape:
            raise UserError(f"its output has shape {self.result.shape}, and must have {shape}")

    def gives(self, *shape: int) -> str:
        """Check the output's shape in the file, and return its name."""
        self.has_shape(*shape)
        return self.y.name

    def keeps_scale(self, *tensors: Tensor, difference: float = 0.0) -> None:
        """Check that inputs have the output's scale and zero point."""
        for x in tensors:
            self.keeps_grid(x.scale, x.zero_point, difference)

    def keeps_grid(self, scale: float, zero_point: int, difference: float = 0.0) -> None:
        """Check a scale and zero point, which must be the output's."""
        if abs(scale - self.y.scale) > difference or zero_point != self.y.zero_point:
            raise UserError(
                f"its input has scale {scale:.8g} and zero point {zero_point}, its output "
                f"{self.y.scale:.8g} and {self.y.zero_point}: they must be equal")

    def grid(self, position: int) -> tuple[float, int]:
        """Return scale and zero point of a constant input, which has one of each."""
        stored = self.input(position)
        scale = float(stored.scales[0]) if len(stored.scales) == 1 else 0.0
        if not 0 < scale < float("inf") or len(stored.zero_points) != 1 or \
                not -128 <= stored.zero_points[0] <= 127:
            raise UserError(f"its constant has scales {stored.scales[:4].tolist()} and zero points "
                            f"{stored.zero_points[:4].tolist()}: it must have one positive scale "
                            "and one zero point, from -128 to 127")
        return scale, int(stored.zero_points[0])

    def weights(self, axis: int, position: int = 1,
                ) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
        """Return the weights, and a scale for each output channel or one for all."""
        types = {"INT8": "<i1"} | (HALVES if self.operator.code in OF_HALVES else {})
        weights = self.constant(position, types, "weights")
        stored, channels = self.input(position), weights.shape[axis]
        count = len(stored.scales)
        if count not in (1, channels) or count > 1 and stored.axis != axis:
            raise UserError(f"its weights have {count} scales along axis {stored.axis}: they must "
                            f"have one, or {channels} along axis {axis}")
        scales = stored.scales.astype(np.float64)
        if not np.all((scales >= 0) & (scales < np.inf)):
            raise UserError("the scales of its weights must be positive numbers")
        if np.any(stored.zero_points):
            raise UserError("its weights have a zero point other than 0: convert the network with "
                            "symmetric weights")
        if len(stored.zero_points) not in (1, len(scales)):
            raise UserError(f"its weights have {len(scales)} scales and {len(stored.zero_points)} "
                            "zero points: they must have one for each scale, or one for all")
        return weights.astype(np.int8, copy=False), scales

    def bias(self, channels: int, position: int = 2) -> NDArray[np.int32]:
        """Return the bias, or zeros where there is none."""
        if len(self.stored) <= position or self.stored[position] is None:
            return np.zeros(channels, np.int32)
        bias = self.constant(position, {"INT32": "<i4"}, "bias")
        if bias.size != channels:
            raise UserError(f"it has {bias.size} biases for {channels} output channels")
        stored = self.input(position)
        if np.any(stored.zero_points):
            raise UserError("its bias has a zero point other than 0")
        if len(stored.scales) not in (0, 1, channels):
            raise UserError(f"its bias has {len(stored.scales)} scales for {channels} output "
                            "channels")
        return bias.reshape(channels).astype(np.int32)

    def bias_fits(self, product: float) -> None:
        """Check a bias's scale, as the reference does where weights have one scale for all."""
        if len(self.stored) < 3 or self.stored[2] is None:
            return
        stored = self.stored[2]
        scale = float(stored.scales[0]) if len(stored.scales) and len(stored.zero_points) else 0.0
        if not abs(product - scale) / self.y.scale <= LARGEST_BIAS_ERROR:
            raise UserError(f"its bias has scale {scale:.8g}, and must have {product:.8g}, its "
                            "input's scale times its weights': they differ by more than "
                            f"{LARGEST_BIAS_ERROR} of its output's")

    def requantisation(self, ratio: NDArray[np.float64], channels: int) -> Requantisation:
        """Return how sums become the output."""
        multiplier, shift = multiplier_and_shift(ratio)
        low, high = self.range()
        return Requantisation(np.broadcast_to(multiplier, channels),
                              np.broadcast_to(shift, channels), self.y.zero_point, low, high)


class Chain:
    """Layers of one operator, one after the other, on tensors of one shape.

    Parameters
    ----------
    site : Site
    shape : tuple of int
        That of the output, or another one of as many elements.
    """

    def __init__(self, site: Site, shape: tuple[int, ...]) -> None:
        """Begin with no layers."""
        self.site, self.shape = site, shape
        self.layers: list[Layer] = []
        self.output = site.y.name if shape == site.y.shape else \
            self.between(site.y.scale, site.y.zero_point)

    def between(self, scale: float, zero_point: int, shape: tuple[int, ...] = ()) -> str:
        """Return the name of a new tensor."""
        context, number = self.site.context, 1
        while (name := f"{self.site.y.name}#{number}") in {*context.tensors, *context.names}:
            number += 1
        context.tensors[name] = Tensor(name, shape or self.shape, scale, zero_point)
        return name

    def add(self, kind: type[Layer], inputs: tuple[str, ...], output: str,
            **fields: Any) -> str:
        """Append a layer and return its output; what computes the operator's has its name."""
        name = self.site.name if output == self.output else \
            f"{self.site.name}_{len(self.layers)}"
        self.layers.append(kind(name=name, inputs=inputs, output=output, **fields))
        return output

    def take(self, x: Tensor, shape: tuple[int, ...] = ()) -> str:
        """Return an input in a shape, which is that of all where none is given."""
        if x.shape == (shape or self.shape):
            return x.name
        return self.add(Reshape, (x.name,), self.between(x.scale, x.zero_point, shape))

    def finish(self) -> list[Layer]:
        """Return the layers, the last of which writes the operator's output."""
        if self.output != self.site.y.name:
            self.add(Reshape, (self.output,), self.site.y.name)
        return self.layers
