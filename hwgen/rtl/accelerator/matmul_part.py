# amaranth: UnusedElaboratable=no
"""Products of two tensors in the socket of an accelerator: weights from activations."""

from typing import Any

from amaranth import *

from ..primitives.pipeline import later
from .loading import WeightLoader
from .part import Part

__all__ = ["MatmulPart"]


class MatmulPart(Part):
    """Does steps of mode LOAD by itself: reads activations and writes the program meanwhile.

    Weights and activations of steps of mode MATRIX have zero points, and nine bits without.
    """

    name = "matmul"
    moves = True

    def __init__(self) -> None:
        self.start = Signal(name="start_load")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        program, activations = accelerator.program, accelerator.activations
        self.component = WeightLoader(
            accelerator.rows, accelerator.columns, program.depth, size=activations.size,
            address_bits=len(activations.read_address),
            fetching=accelerator.far + activations.read_latency, settling=program.read_latency)
        self.outside, self.misses = self.component.error, self.component.fetch_error

    def faults(self, descriptor: Any) -> list[Value]:
        d = descriptor
        return [*(loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y)), d.height == 0]

    def accesses(self, others: dict[str, Value]) -> dict[str, Value]:
        unit = self.component
        return {"read_address": Mux(unit.reads, unit.read_address, others["read_address"])}

    def less_zero(self, m: Module, accelerator: Any, bytes_: Value, which: str) -> Value:
        """Return bytes for the array less the zero point of the step, nine bits each.

        That of weights comes with their words, which are read while the descriptor is there.
        """
        zeros, latency = accelerator.sequencer.descriptor.slots, accelerator.fetch.latency
        zero = later(m, zeros[8:], latency, "weight_zero") if which == "weights" else \
            accelerator.take(m, zeros[:8], "activation_zero", latency + 1)
        return Cat((bytes_.word_select(index, 8).as_signed() - zero.as_signed())[:9]
                   for index in range(len(bytes_) // 8))

    def connect(self, m: Module, accelerator: Any) -> None:
        unit, program = self.component, accelerator.program
        m.d.comb += [
            unit.start.eq(self.start),
            unit.vector.eq(accelerator.activations.read_data[:len(unit.vector)])]
        with m.If(unit.busy):
            m.d.comb += [program.address.eq(unit.address), program.write_data.eq(unit.data)]
        with m.If(unit.write):
            m.d.comb += program.write_mask.eq(~0)
