"""The sequencer of an accelerator that unpacks weights: it waits while another part does a step."""

from typing import Any

from amaranth import *

from ..step import Mode
from .bitserial_pace import Pace
from .sequencer import Sequencer

__all__ = ["UnpackSequencer"]


class UnpackSequencer(Sequencer):
    """Walk steps, those of mode UNPACK among them, which read nothing by way of the loops.

    Members
    -------
    unpack : Signal
        A step of mode UNPACK begins.
    outside : Signal
        It reads or writes words outside the program memory.
    """

    def __init__(self, *args: Any, **fields: Any) -> None:
        self.unpack, self.outside = Signal(), Signal()
        super().__init__(*args, **fields)

    @property
    def _unpacks(self) -> Value:
        return self.descriptor.mode == Mode.UNPACK

    def _unknown(self, mode: Value) -> Value:
        return (mode > Mode.SUMS) & (mode != Mode.UNPACK)

    def _wrong(self, pace: Pace | None) -> list[Value]:
        d = self.descriptor
        loops = (d.tiles, d.pieces, d.taps_x, d.taps_y, d.x, d.y)
        # Values of 4 or 8 bits, without a sign or with one.
        form = (d.weight_format[:2] != 3) | d.weight_format[4]
        return [self._unpacks & wrong for wrong in (
            *(loop != 1 for loop in loops), d.slots == 0, d.tile_step < self.rows,
            d.row_bytes == 0, form)]

    def _first_slot(self) -> tuple[Value, Value]:
        return ~self._unpacks, self._unpacks

    def _slots(self, m: Module, begin: Value, running: Value, ended: Value,
               pace: Pace | None) -> Value:
        # As late as `Sequencer._bad` says that there is no such step.
        begun = Signal(3)
        m.d.sync += begun.eq(Cat(begin & self._unpacks, begun))
        m.d.comb += self.unpack.eq(begun[-1] & ~self.clear)
        return super()._slots(m, begin, running, ended, pace) | self.outside

    def _turns(self, m: Module, vectors: Value, last: Value, pace: Pace | None,
               completes: Value) -> tuple[Value, Value]:
        first, end = super()._turns(m, vectors, last, pace, completes)
        return first & ~self._unpacks, end | self._unpacks
