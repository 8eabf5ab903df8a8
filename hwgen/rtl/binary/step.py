"""What the parts of a binary accelerator tell one another: docs/binary.md."""

from amaranth import Shape
from amaranth.lib import data

from ...arch.descriptors import BINARY_BYTES, BINARY_FIELDS

__all__ = ["WORD", "Descriptor"]

Descriptor = data.FlexibleLayout(8 * BINARY_BYTES, {
    name: data.Field(bits if not signed else Shape(bits, True), low)
    for name, (low, bits, signed) in BINARY_FIELDS.items()
})

WORD = data.StructLayout({
    "low": 1, "high": 1,  # the lower, or the higher, bytes from which sums start
    "count": 1,           # weights
    "ends": 1,            # the last ones of a column tile
    "final": 1,           # of the last column tile
})
"""What a word of the program memory is."""
