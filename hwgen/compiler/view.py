"""Where the elements of a tensor are, within the buffer that holds it."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..network.graph import Tensor
from .sizes import Block

__all__ = ["View", "image_of"]


@dataclass(frozen=True, kw_only=True)
class View:
    """An image of ``height`` by ``width`` pixels in a buffer; sizes and steps are bytes."""

    buffer: str
    offset: int = 0
    height: int
    width: int
    channels: int
    pitch: int
    """From a pixel to the next."""
    row: int
    """From a row to the next."""

    @classmethod
    def of_image(cls, buffer: str, height: int, width: int, channels: int) -> "View":
        """Return the view of a buffer that holds an image and nothing else."""
        return cls(buffer=buffer, height=height, width=width, channels=channels, pitch=channels,
                   row=width * channels)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.height * self.width * self.channels

    @property
    def row_bytes(self) -> int:
        """From the first byte of a row to its last, both included."""
        return (self.width - 1) * self.pitch + self.channels

    @property
    def even(self) -> bool:
        """Whether a row follows the one before as a pixel does."""
        return self.height == 1 or self.row == self.width * self.pitch

    @property
    def contiguous(self) -> bool:
        """Whether the elements follow one another."""
        return self.even and (self.pitch == self.channels or self.height * self.width == 1)

    def places(self) -> NDArray[np.int64]:
        """Return where each element is in the buffer, (height, width, channels)."""
        return (self.offset + np.arange(self.height)[:, None, None] * self.row
                + np.arange(self.width)[:, None] * self.pitch + np.arange(self.channels))

    def read_from(self, row: int) -> dict[str, Any]:
        """Return the fields of a step that reads the image from a row on, which may be above it."""
        return {"base": self.offset + row * self.row, "row0": row, "height": self.height,
                "row_bytes": self.row_bytes}

    def write_to(self, block: Block) -> dict[str, Any]:
        """Return the fields of a step that writes a block of the image."""
        return {"output": self.offset + block.y * self.row + block.x * self.pitch,
                "output_x_step": self.pitch, "output_row_step": self.row}

    def flat(self) -> "View":
        """Return the same pixels as one row."""
        width = self.height * self.width
        return dataclasses.replace(self, height=1, width=width, row=width * self.pitch)

    def rows_as_pixels(self) -> "View":
        """Return rows as pixels: an image of one row, each pixel a whole row of this one."""
        return dataclasses.replace(self, height=1, width=self.height, channels=self.row_bytes,
                                   pitch=self.row, row=self.height * self.row)

    def transpose(self) -> "View":
        """Return columns as rows, and rows as columns."""
        return dataclasses.replace(self, height=self.width, width=self.height, pitch=self.row,
                                   row=self.pitch)

    def bytes(self) -> "View":
        """Return the elements of a contiguous image as one row of pixels of one channel."""
        return dataclasses.replace(self, height=1, width=self.size, channels=1, pitch=1,
                                   row=self.size)


def image_of(tensor: Tensor) -> tuple[int, int, int]:
    """Return the height, width and channels that a tensor has as an image."""
    shape = (1, *tensor.shape) if len(tensor.shape) < 2 else tensor.shape
    channels = shape[-1]
    if len(shape) == 2:
        return 1, shape[0], channels
    width = shape[-2]
    return max(tensor.size // max(width * channels, 1), 1), width, channels
