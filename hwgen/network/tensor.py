"""A tensor of a network, one that stays, and how the kernel of a layer passes over an image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .precision import INT8, Precision

__all__ = ["StateTensor", "Tensor", "Window"]


@dataclass(frozen=True)
class Tensor:
    """A tensor; a value stands for ``scale * (value - zero_point)``.

    Its arrays are int8, or int32 where its ``precision`` is that of sums. No value leaves the range
    of the precision: what writes the tensor sees to that.
    """

    name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    precision: Precision = INT8

    @property
    def size(self) -> int:
        """Number of elements, which is its number of bytes in int8."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class StateTensor:
    """A tensor that stays between inferences: in the next one ``name`` has what ``next`` has now.

    Both have the same shape, scale and zero point; before the first inference the values are
    ``initial``. Where ``next`` is the tensor itself, nothing changes it.
    """

    name: str
    next: str
    initial: NDArray[np.int8]


@dataclass(frozen=True)
class Window:
    """How a kernel passes over an image: each pair is (along the height, along the width)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    """Padding above and to the left."""
    after: tuple[int, int] = (0, 0)
    """Padding below and to the right."""

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width of the output; 0 or less where the kernel is larger."""
        sizes = []
        for axis, size in enumerate((height, width)):
            reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1
            room = size + self.before[axis] + self.after[axis] - reach
            sizes.append(room // self.stride[axis] + 1)
        return sizes[0], sizes[1]
