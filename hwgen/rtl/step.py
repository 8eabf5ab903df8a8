"""A step's descriptor, as the program memory holds it: docs/accelerator.md has what it means."""

from amaranth import *
from amaranth.lib import data, enum

from ..arch.parts import PARTS
from ..arch.steps import DESCRIPTOR_BYTES, MAGIC, PARAMETER_WORDS, PLACES, Mode

__all__ = ["CRC_ERROR", "DESCRIPTOR_BYTES", "MAGIC", "MEMORY_ERROR", "PARAMETER_WORDS",
           "Descriptor", "Error", "KeepingDescriptor", "Mode", "Parameters",
           "ProductDescriptor", "StreamDescriptor", "TableDescriptor", "Tag"]


class Error(enum.IntEnum, shape=8):
    """Why the accelerator stopped."""

    NONE = 0
    DESCRIPTOR = 1
    """The magic number is missing, the mode unknown, or a count is 0."""
    FETCH = 2
    """A byte inside the image is outside the memory."""
    STORE = 3
    """A byte would have been written outside the memory."""
    PROGRAM = 4
    """Weights or parameters are outside the program memory."""
    SUMS = 5
    """More values in a pass than the accumulators hold."""
    WATCHDOG = 6
    """A step took longer than it may."""
    STOPPED = 7
    """The host had it stopped."""


MEMORY_ERROR = 9
"""A word that was read from a memory with check bits is wrong."""
CRC_ERROR = 8
"""The descriptor, the weights or the parameters of the step are not what was compiled.

They are for some Designs only, and Verilog has the names of all in :class:`Error`.
"""


FIELDS: dict[int | str, data.Field] = {name: data.Field(Shape(bits, signed), low)
                                       for name, (low, bits, signed) in PLACES.items()}


def descriptor(*parts: str) -> data.FlexibleLayout:
    """Return the layout of a descriptor with the fields of some of the parts behind the lanes."""
    others = {field for part in ("keeping", "table", "product", "stream") if part not in parts
              for field in PARTS[part].fields}
    return data.FlexibleLayout(8 * DESCRIPTOR_BYTES, {
        name: field for name, field in FIELDS.items() if name not in others})


Descriptor = descriptor()
KeepingDescriptor, TableDescriptor, ProductDescriptor, StreamDescriptor = (
    descriptor("keeping"), descriptor("table"), descriptor("product"), descriptor("stream"))
"""The same with the fields of a part."""
Parameters = data.StructLayout({"bias": signed(32), "multiplier": 31, "shift": 5, "negative": 1,
                                "spare": 3})
"""What the lanes know of a column; ``negative``, the sign of the multiplier, if they multiply."""

Tag = data.StructLayout({
    "value": 1,       # a value comes of this vector
    "start": 1,       # it is the first of its pass
    "first": 1,       # of the first pass of a column tile
    "last": 1,        # of the last pass
    "tile": 1,        # it is the first value of a column tile
    "row_end": 1,     # it is the last value of a row
    "tile_end": 1,    # it is the last value of a column tile
    "final": 1,       # of the last column tile
})
"""What goes with a vector, and with the values that come of it."""
