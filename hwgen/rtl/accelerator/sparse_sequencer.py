"""The sequencer of an accelerator with a sparse engine, whose steps may wait for that engine."""

from typing import Any

from amaranth import *

from ...arch.steps import SLOTS
from ..step import Mode
from .bitserial_pace import Pace
from .sequencer import Sequencer

__all__ = ["SparseSequencer"]


class SparseSequencer(Sequencer):
    """Walk steps, those of mode SPARSE among them: these read no words of weights or parameters.

    Members
    -------
    hold : Signal
        No vector shall be issued in a step of mode SPARSE.
    """

    last_mode = Mode.SPARSE

    def __init__(self, *args: Any, **fields: Any) -> None:
        self.hold = Signal()
        super().__init__(*args, **fields)

    def _wrong(self, pace: Pace | None) -> list[Value]:
        d = self.descriptor
        none = (d.slots == 0) | (d.slots > SLOTS)
        return [(d.mode == Mode.SPARSE) & ((d.tiles != 1) | none)]

    def _first_slot(self) -> tuple[Value, Value]:
        sparse = self.descriptor.mode == Mode.SPARSE
        return ~sparse, sparse

    def _turns(self, m: Module, vectors: Value, last: Value, pace: Pace | None,
               completes: Value) -> tuple[Value, Value]:
        first, end = super()._turns(m, vectors, last, pace, completes)
        sparse = Signal()
        m.d.sync += sparse.eq(self.descriptor.mode == Mode.SPARSE)
        return Mux(sparse, ~self.hold, first), Mux(sparse, ~self.hold, end)
