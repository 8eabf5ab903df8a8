"""Where registers and memories are in the addresses of a system: the window of a Design."""

from dataclasses import dataclass
from typing import Self

from .design import Design
from .registers import LANE_BYTES, ProtectionRegister, Register, Space, StreamRegister

__all__ = ["BusWindow"]


@dataclass(frozen=True)
class BusWindow:
    """Spaces of the same size, one behind the other; each begins with what it has.

    There are four, and with a sparse engine a fifth, with nothing behind it up to the eighth.

    The window is as small as the largest memory allows, and must be at a multiple of its size.

    Parameters
    ----------
    sizes : tuple of int
        Bytes that there are in each :class:`~hwgen.arch.registers.Space`, in their order.
    stride : int
        Bytes from a word of the program memory to the next: a power of two, where the words
        themselves have as many bytes as the array has columns.
    """

    sizes: tuple[int, ...]
    stride: int

    @classmethod
    def of(cls, design: Design, *, streams: bool = False) -> Self:
        """Return the window of a Design's accelerator, that of AXI if it has ``streams``."""
        stride = 1 << max(2, (design.columns - 1).bit_length())
        lanes = (design.columns * LANE_BYTES,) if design.engine == "sparse" else ()
        registers = 4 * (len(Register) + streams * len(StreamRegister))
        if design.protect != "none":
            registers = ProtectionRegister.FLIPS + 4
        return cls((registers, design.activation_memory,
                    design.program_words * stride, 4 * design.steps, *lanes), stride)

    @property
    def shift(self) -> int:
        """A space begins at every multiple of ``1 << shift``."""
        return max(size - 1 for size in self.sizes).bit_length()

    @property
    def space_bits(self) -> int:
        """Bits of an address that choose the space."""
        return (len(self.sizes) - 1).bit_length()

    @property
    def size(self) -> int:
        """Bytes of the window."""
        return 1 << self.space_bits + self.shift

    def base(self, space: Space) -> int:
        """Return where a space begins in the window."""
        return space << self.shift
