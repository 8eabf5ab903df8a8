# amaranth: UnusedElaboratable=no
"""Products of two tensors in the socket of an accelerator: weights from activations."""

from typing import Any

from amaranth import *

from .loading import WeightLoader
from .part import Part

__all__ = ["MatmulPart"]


class MatmulPart(Part):
    """Does steps of mode LOAD by itself: reads activations and writes the program meanwhile."""

    name = "matmul"

    def __init__(self) -> None:
        self.start = Signal(name="start_load")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        program, activations = accelerator.program, accelerator.activations
        self.component = self.mover = WeightLoader(
            accelerator.rows, accelerator.columns, program.depth, size=activations.size,
            address_bits=len(activations.read_address),
            fetching=accelerator.far + activations.read_latency, settling=program.read_latency)
        self.outside = self.component.error

    def faults(self, descriptor: Any) -> list[Value]:
        d = descriptor
        return [*(loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y)), d.height == 0]

    def connect(self, m: Module, accelerator: Any) -> None:
        unit, program = self.component, accelerator.program
        m.d.comb += [
            unit.start.eq(self.start),
            unit.vector.eq(accelerator.activations.read_data[:len(unit.vector)])]
        with m.If(unit.busy):
            m.d.comb += [program.address.eq(unit.address), program.write_data.eq(unit.data)]
        with m.If(unit.write):
            m.d.comb += program.write_mask.eq(~0)
