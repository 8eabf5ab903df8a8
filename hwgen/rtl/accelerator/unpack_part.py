# amaranth: UnusedElaboratable=no
"""The unpacker of weights in the socket of an accelerator."""

from typing import Any

from amaranth import *

from ..primitives.pipeline import later
from ..unpack.unpack import Unpack
from .part import Part

__all__ = ["UnpackPart"]


class UnpackPart(Part):
    """Does steps of mode UNPACK by itself: reads and writes the program memory meanwhile."""

    name = "unpack"

    def __init__(self) -> None:
        self.start = Signal(name="start_unpack")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        self.rows = accelerator.rows
        program = accelerator.program
        self.component = Unpack(self.rows, accelerator.columns, program.depth,
                                program.read_latency)
        self.outside = self.component.error

    def faults(self, descriptor: Any) -> list[Value]:
        d = descriptor
        loops = (d.tiles, d.pieces, d.taps_x, d.taps_y, d.x, d.y)
        # Values of 4 or 8 bits, without a sign or with one.
        form = (d.weight_format[:2] != 3) | d.weight_format[4]
        return [*(loop != 1 for loop in loops), d.slots == 0, d.tile_step < self.rows,
                d.row_bytes == 0, form]

    def connect(self, m: Module, accelerator: Any) -> None:
        unpack, program = self.component, accelerator.program
        m.d.comb += [unpack.start.eq(self.start), unpack.word.eq(program.read_data)]
        with m.If(unpack.busy):
            m.d.comb += [program.address.eq(unpack.address), program.write_data.eq(unpack.data)]
        with m.If(later(m, unpack.write, 1, "write_unpacked", reset=True)):
            m.d.comb += program.write_mask.eq(~0)
