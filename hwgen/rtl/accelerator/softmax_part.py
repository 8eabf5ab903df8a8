# amaranth: UnusedElaboratable=no
"""Softmax of rows in the socket of an accelerator."""

from typing import Any

from amaranth import *

from ...arch.steps import LONGEST_ROW
from .part import Part, byte_accesses
from .softmax import SoftmaxRows

__all__ = ["SoftmaxPart"]


class SoftmaxPart(Part):
    """Does steps of mode SOFTMAX by itself: reads and writes activations meanwhile.

    Parameters
    ----------
    hard : bool
        Whether it multiplies in DSP blocks.
    """

    name = "softmax"
    moves = True

    def __init__(self, *, hard: bool) -> None:
        self.hard = hard
        self.start = Signal(name="start_softmax")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        program, activations = accelerator.program, accelerator.activations
        self.component = SoftmaxRows(
            accelerator.columns, program.depth, program.read_latency, size=activations.size,
            address_bits=len(activations.read_address),
            fetching=accelerator.far + activations.read_latency,
            storing=accelerator.far + activations.write_latency, family=accelerator.family,
            hard=self.hard)
        self.outside = self.component.error
        self.misses, self.overruns = self.component.fetch_error, self.component.store_error

    def faults(self, descriptor: Any) -> list[Value]:
        d, bits = descriptor, LONGEST_ROW.bit_length()
        return [*(loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y)),
                d.row_bytes == 0, d.row_bytes[bits:].any()]

    def accesses(self, others: dict[str, Value]) -> dict[str, Value]:
        return byte_accesses(self.component, others)

    def connect(self, m: Module, accelerator: Any) -> None:
        unit, program = self.component, accelerator.program
        m.d.comb += [unit.start.eq(self.start), unit.word.eq(program.read_data),
                     unit.read_byte.eq(accelerator.activations.read_data[:8])]
        with m.If(unit.busy):
            m.d.comb += program.address.eq(unit.address)
