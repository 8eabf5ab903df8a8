"""Where a tensor is in the activation memory, and how it is stored there."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..tools.arrays import BYTES

__all__ = ["Placement", "Stack"]


@dataclass(frozen=True)
class Stack:
    """Which rows of an image are stored together, as one row with more channels.

    Row y of what is stored has the rows ``first + y * stride + i * step`` of the image, i from 0 to
    ``rows - 1``: each of its pixels has the channels of the pixels at this x in all of these rows,
    one after the other. A row outside the image is its zero point. By default, each row is stored
    as it is.
    """

    rows: int = 1
    first: int = 0
    stride: int = 1
    step: int = 1

    def apply(self, image: NDArray[np.int8], height: int, zero_point: int) -> NDArray[np.int8]:
        """Return the ``height`` rows that are stored of an image, (height, width, channels)."""
        rows = (self.first + np.arange(height)[:, None] * self.stride
                + np.arange(self.rows) * self.step)
        inside = (rows >= 0) & (rows < len(image))
        taken = np.where(inside[..., None, None], image[np.where(inside, rows, 0)],
                         np.int8(zero_point))
        return taken.transpose(0, 2, 1, 3).reshape(height, image.shape[1], -1)


@dataclass(frozen=True)
class Placement:
    """Where a tensor is in the activation memory, and which of its channels are there.

    Byte (y, x, c) of what is stored is at ``address + y * row + x * pitch + c``, and is channel
    ``channels[c]`` of the tensor. The other channels have the value ``constants`` everywhere, or
    nobody needs them: None. Of an input, all are stored; rows may be stored together, and then
    height and channels are those of the ``stack``.
    """

    address: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    height: int
    width: int
    pitch: int
    row: int
    channels: tuple[int, ...]
    constants: tuple[int | None, ...]
    stack: Stack = Stack()

    @property
    def image(self) -> tuple[int, int, int]:
        """Height, width and channels of the tensor, as no stack changes them."""
        channels = len(self.constants) // self.stack.rows
        return math.prod(self.shape) // (self.width * channels), self.width, channels

    def stored_part(self, values: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return what is stored of a tensor, (height, width, stored channels)."""
        whole = self.stack.apply(values.reshape(self.image), self.height, self.zero_point)
        return whole[..., list(self.channels)]

    def is_possible(self, memory: int) -> bool:
        """Return whether a tensor can lie so in a memory of ``memory`` bytes."""
        stack, all_channels = self.stack, len(self.constants)
        size = math.prod(self.shape)
        sizes = (*self.shape, self.height, self.width, self.pitch, self.row, all_channels,
                 len(self.channels), stack.rows, stack.stride, stack.step)
        if min(sizes) < 1 or max(*sizes, abs(stack.first), size) > BYTES:
            return False
        along = (self.width - 1) * self.pitch + len(self.channels)
        channels = all_channels // stack.rows
        return (set(self.channels) <= set(range(all_channels))
                and (self.pitch >= len(self.channels) or self.width == 1)
                and (self.row >= along or self.height == 1) and self.address >= 0
                and self.address + (self.height - 1) * self.row + along <= memory
                and channels * stack.rows == all_channels and size % (self.width * channels) == 0
                and (stack != Stack() or self.image[0] == self.height)
                and -128 <= self.zero_point <= 127)

    def addresses(self) -> NDArray[np.int64]:
        """Return the address of every byte that is stored, (height, width, stored channels)."""
        return (self.address + np.arange(self.height)[:, None, None] * self.row
                + np.arange(self.width)[:, None] * self.pitch + np.arange(len(self.channels)))
