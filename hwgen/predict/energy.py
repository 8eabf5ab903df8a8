"""Energy of an inference by a model: events that are counted, each at a published price.

The prices are those of a chip in 45 nm at 0.9 V (M. Horowitz, "Computing's energy problem (and what
we can do about it)", ISSCC 2014). No FPGA has them, and clocks, wires and leakage have none: the
ratios of two Designs, and the shares within one, are what this is for.
"""

import math
from dataclasses import dataclass
from typing import Self

from ..arch.design import Design
from .efficiency import Work

__all__ = ["Energy", "energy", "memory_price"]

PRODUCT = 0.2
"""Picojoule of a product of two bytes."""
ADDITION = 0.1
"""Of an addition of 32 bits."""
MEMORIES = ((8 << 10, 10.0), (32 << 10, 20.0), (1 << 20, 100.0))
"""Bytes of a memory, and what it takes to read or write 64 bits of it."""
WORD = 8
"""Bytes of 64 bits."""


def memory_price(size: int) -> float:
    """Return the picojoules of a byte that is read or written, in a memory of so many bytes.

    Between the sizes that have a price, it grows as a power of the size; outside of them likewise.
    """
    if size <= MEMORIES[1][0]:
        (low, at_low), (high, at_high) = MEMORIES[:2]
    else:
        (low, at_low), (high, at_high) = MEMORIES[1:]
    exponent = math.log(at_high / at_low) / math.log(high / low)
    return at_low * (size / low) ** exponent / WORD


@dataclass(frozen=True)
class Energy:
    """Picojoules: of ``products`` and their sums, of ``activations``, and of the ``program``."""

    products: float = 0.0
    activations: float = 0.0
    program: float = 0.0

    def __add__(self, other: Self) -> Self:
        """Return the energy of both."""
        return type(self)(self.products + other.products, self.activations + other.activations,
                          self.program + other.program)

    @property
    def total(self) -> float:
        """All of them."""
        return self.products + self.activations + self.program


def energy(work: Work, design: Design) -> Energy:
    """Return the energy of what a layer, or several, take on a Design."""
    return Energy(
        work.computed * (PRODUCT + ADDITION),
        (work.traffic.read + work.traffic.written) * memory_price(design.activation_memory),
        work.traffic.program * memory_price(design.program_memory))
