"""What the host computes at a network's end, as ONNX Runtime does: Softmax and Sigmoid.

They come last, on numbers of the file in the file's order, and in float32: so outputs are those of
the runtime, on whatever scale the file has them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .float_ops import single

__all__ = ["Dequantise", "HostSoftmax", "Operation", "Quantise", "QuantisedSoftmax", "Tail",
           "limit", "logistic"]

Array = NDArray[Any]
Operation = Callable[[Array], Array]


@dataclass(frozen=True)
class Dequantise:
    """From integers to real numbers."""

    scale: float
    zero: int

    def __call__(self, x: Array) -> Array:
        """Return real numbers."""
        return (x.astype(np.int32) - self.zero).astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True)
class Quantise:
    """From real numbers to uint8 or int8, half to even."""

    scale: float
    zero: int
    kind: type[np.int8] | type[np.uint8]

    @property
    def offset(self) -> int:
        """What is subtracted from uint8 where int8 is kept."""
        return 128 if self.kind is np.uint8 else 0

    def __call__(self, x: Array) -> Array:
        """Return integers."""
        limits = np.iinfo(self.kind)
        with np.errstate(all="ignore"):
            steps = np.rint(x / np.float32(self.scale)) + self.zero
        return np.clip(steps, limits.min, limits.max).astype(self.kind)


def limit(low: float, high: float) -> Operation:
    """Return what a Relu or a Clip does."""
    return lambda x: np.clip(x, single(low), single(high))


@dataclass(frozen=True)
class HostSoftmax:
    """Softmax over the axes from ``first`` up to ``end``."""

    first: int
    end: int

    def __call__(self, x: Array) -> Array:
        """Return float32, rounded once."""
        over = tuple(range(self.first, self.end))
        exact = x.astype(np.float64)
        powers = np.exp(exact - exact.max(axis=over, keepdims=True))
        return single(powers / powers.sum(axis=over, keepdims=True))


def logistic(x: Array) -> Array:
    """Return the logistic function of each element: float32, rounded once."""
    with np.errstate(over="ignore"):
        return single(1 / (1 + np.exp(-x.astype(np.float64))))


@dataclass(frozen=True)
class QuantisedSoftmax:
    """QLinearSoftmax, which ONNX Runtime computes of a table of powers, in float32."""

    first: int
    end: int
    scale: float
    by: Quantise

    def __call__(self, x: Array) -> Array:
        """Return integers of the type of ``x``."""
        axes = range(self.first, self.end)
        moved = np.moveaxis(x.astype(np.int64), tuple(axes), range(-len(axes), 0))
        rows = moved.reshape(-1, math.prod(x.shape[axis] for axis in axes))
        # The greatest power is as large as leaves their sum room in a float32.
        room = max(math.log(float(np.finfo(np.float32).max) / rows.shape[1]) - 5, 0.0)
        with np.errstate(all="ignore"):
            below = (rows - rows.max(axis=1, keepdims=True)).astype(np.float64)
            powers = single(np.exp((below + room / self.scale) * self.scale))
            total = np.cumsum(powers, axis=1, dtype=np.float32)[:, -1:]
            parts = powers / total if rows.shape[1] == 1 else powers
            parts = parts * np.floor(np.float32(1) / np.float32(self.by.scale))
            steps = np.rint(parts if rows.shape[1] == 1 else parts / total)
        limits = np.iinfo(self.by.kind)
        result = np.clip(steps + self.by.zero, limits.min, limits.max).astype(self.by.kind)
        return np.moveaxis(result.reshape(moved.shape), range(-len(axes), 0), tuple(axes))


@dataclass(frozen=True, eq=False)
class Tail:
    """All that the host computes of one output, for an image of ``shape``.

    ``quantised`` is the grid of what it gives, where that is integers; ``read``, a DequantizeLinear
    that comes last, is left to whoever wants real numbers.
    """

    shape: tuple[int, ...]
    operations: tuple[Operation, ...]
    quantised: Quantise | None = None
    read: Dequantise | None = None

    def __call__(self, x: Array) -> Array:
        """Return what the file gives for one image, in the file's shape."""
        x = x.reshape(self.shape)
        for operation in self.operations:
            x = operation(x)
        return x

    @property
    def grid(self) -> Dequantise:
        """Scale and zero point of the integers that it gives; of real numbers, 1 and 0."""
        if self.read:
            return self.read
        if self.quantised:
            return Dequantise(self.quantised.scale, self.quantised.zero)
        return Dequantise(1.0, 0)

    @property
    def is_real(self) -> bool:
        """Whether what reads it reads real numbers."""
        return self.quantised is None or self.read is not None

    def then(self, operation: Operation) -> "Tail":
        """Return the same with an operation on real numbers at its end."""
        more = (self.read, operation) if self.read else (operation,)
        return replace(self, operations=(*self.operations, *more), read=None,
                       quantised=operation if isinstance(operation, Quantise) else None)
