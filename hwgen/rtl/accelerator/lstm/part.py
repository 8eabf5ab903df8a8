# amaranth: UnusedElaboratable=no
"""An LSTM in the socket of an accelerator."""

from typing import Any

from amaranth import *

from ..part import Part, byte_accesses
from .steps import LstmSteps

__all__ = ["LstmPart"]


class LstmPart(Part):
    """Does steps of mode LSTM by itself: reads and writes activations meanwhile.

    Parameters
    ----------
    most : int
        Cells, or inputs, at most.
    """

    name = "lstm"
    moves = True

    def __init__(self, most: int) -> None:
        self.most = most
        self.start = Signal(name="start_lstm")
        super().__init__()

    def attach(self, accelerator: Any) -> None:
        program, activations = accelerator.program, accelerator.activations
        self.component = LstmSteps(
            accelerator.columns, self.most, program.depth, program.read_latency,
            size=activations.size, address_bits=len(activations.read_address),
            fetching=accelerator.far + activations.read_latency,
            storing=accelerator.far + activations.write_latency, family=accelerator.family)
        self.outside = self.component.error
        self.misses, self.overruns = self.component.fetch_error, self.component.store_error

    def faults(self, descriptor: Any) -> list[Value]:
        d = descriptor
        return [*(loop != 1 for loop in (d.tiles, d.pieces, d.taps_x, d.taps_y, d.y)),
                *(count == 0 for count in (d.row_bytes, d.height)),
                *(count > self.most for count in (d.row_bytes, d.height))]

    def accesses(self, others: dict[str, Value]) -> dict[str, Value]:
        return byte_accesses(self.component, others)

    def connect(self, m: Module, accelerator: Any) -> None:
        unit, program = self.component, accelerator.program
        m.d.comb += [unit.start.eq(self.start), unit.word.eq(program.read_data),
                     unit.read_byte.eq(accelerator.activations.read_data[:8])]
        with m.If(unit.reads):
            m.d.comb += program.address.eq(unit.address)
