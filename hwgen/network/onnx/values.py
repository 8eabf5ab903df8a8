"""What an edge of an ONNX graph can be while the graph is read.

ONNX keeps channels first, a Network channels last. So every tensor of the Network carries the
``order`` of its elements: element i of ours is element ``order[i]`` of the file's. Reshape,
Flatten and Transpose change the file's shape and that order, and move nothing; what reads the
tensor then asks for the order it can work with, or permutes its weights.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..graph import Tensor
from ..precision import INT8, Precision
from .float_ops import FloatStep
from .host_functions import Operation, Tail

__all__ = ["Activation", "Core", "Hosted", "Integers", "Outside", "Pending", "Real", "Scaled",
           "Target", "Value", "channels_last", "file_type", "reorder"]

Integers = NDArray[np.int64]


def channels_last(shape: tuple[int, ...]) -> Integers:
    """Return the order of an image (1, channels, height, width), or of (1, channels, width)."""
    flat = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    return np.moveaxis(flat, 1, -1).reshape(-1)


def reorder(order: Integers, shape: tuple[int, ...], axes: tuple[int, ...]) -> Integers:
    """Return the order of the same bytes when the file's tensor is transposed."""
    moved = np.arange(order.size, dtype=np.int64).reshape(shape).transpose(axes).reshape(-1)
    place = np.empty_like(moved)
    place[moved] = np.arange(order.size)
    return place[order]


@dataclass(frozen=True, eq=False)
class Scaled:
    """A constant with a scale: weights, or a bias. ``scale`` and ``zero`` broadcast with it."""

    values: Integers
    scale: NDArray[np.float64]
    zero: Integers

    @property
    def real(self) -> NDArray[np.float64]:
        """What the constant stands for."""
        return (self.values - self.zero) * self.scale


@dataclass(frozen=True, eq=False)
class Activation:
    """A tensor of the Network under the shape it has in the file.

    ``offset`` is what our values are less than the file's: 128 where those are uint8.
    """

    tensor: Tensor
    shape: tuple[int, ...]
    order: Integers
    offset: int = 0

    @property
    def is_image(self) -> bool:
        """Whether the bytes are those of an image with its channels last."""
        return (len(self.shape) in (3, 4) and self.shape[0] == 1
                and np.array_equal(self.order, channels_last(self.shape)))

    @property
    def image(self) -> tuple[int, int, int, int]:
        """Shape of the image with its channels last."""
        height = self.shape[2] if len(self.shape) == 4 else 1
        return 1, height, self.shape[-1], self.shape[1]


@dataclass(frozen=True, eq=False)
class Real:
    """A dequantised Activation, between ``low`` and ``high``."""

    x: Activation
    scale: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def shape(self) -> tuple[int, ...]:
        """The file's shape."""
        return self.x.shape


@dataclass(frozen=True, eq=False)
class Outside:
    """A floating-point input of the graph, not yet quantised.

    Element i of it, in the file's order, is element ``source[i]`` of the input called ``name``,
    after ``steps``, the constants of which are in the order of that input.
    """

    name: str
    shape: tuple[int, ...]
    source: Integers
    steps: tuple[FloatStep, ...] = ()


@dataclass(frozen=True)
class Target:
    """The tensor that a layer shall write, and the clamp of its values."""

    name: str
    scale: float
    zero: int
    offset: int
    low: int = -128
    high: int = 127
    precision: Precision = INT8

    def tensor(self, shape: Sequence[int]) -> Tensor:
        """Return the tensor, of some shape."""
        return Tensor(self.name, tuple(shape), self.scale, self.zero, self.precision)


class Core(Protocol):
    """What an operator computes, its output's scale still unknown."""

    def emit(self, target: Target) -> Activation:
        """Make the layers that write ``target``."""


@dataclass(frozen=True, eq=False)
class Pending:
    """A floating-point result that becomes layers when it is quantised.

    ``after`` moves elements once they are int8: what does not care whether they are.
    """

    core: Core
    shape: tuple[int, ...]
    low: float = -math.inf
    high: float = math.inf
    after: tuple[Callable[[Activation], Activation], ...] = ()
    integers: bool = False
    """Whether it is integers in the file, which nothing has cast to floating point."""

    def then(self, shape: tuple[int, ...], move: Callable[[Activation], Activation]) -> "Pending":
        """Return the same with one step more."""
        return replace(self, shape=shape, after=(*self.after, move))

    def emit(self, target: Target) -> Activation:
        """Make the layers, and move their elements."""
        return self.move(self.core.emit(target))

    def move(self, x: Activation) -> Activation:
        """Move the elements of what has become of it."""
        for each in self.after:
            x = each(x)
        return x


@dataclass(frozen=True, eq=False)
class Hosted:
    """What the host computes of ``source`` after the accelerator has finished, and nothing reads.

    ``tail`` begins with the file's integers where the source is a Real, else with real numbers.
    """

    source: Real | Pending
    shape: tuple[int, ...]
    tail: Tail

    def with_move(self, shape: tuple[int, ...], move: Operation) -> "Hosted":
        """Return the same with its elements moved at the end."""
        tail = replace(self.tail, operations=(*self.tail.operations, move))
        return replace(self, shape=shape, tail=tail)


Value = np.ndarray | Scaled | Activation | Real | Outside | Pending | Hosted


def file_type(value: Value) -> tuple[int, tuple[int, ...]]:
    """Return the data_type that a value has in the file, as far as we know it, and its shape."""
    match value:
        case Activation():
            return (2 if value.offset else 3), value.shape
        case Scaled():
            return 1, value.values.shape
        case np.ndarray():
            return 0, value.shape
        case Hosted() if value.tail.quantised and not value.tail.read:
            return (2 if value.tail.quantised.offset else 3), value.shape
        case Pending() if value.integers:
            return 6, value.shape
    return 1, value.shape
