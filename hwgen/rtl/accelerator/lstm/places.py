"""Where an LSTM reads and writes: vectors at each time, and what each cell holds and gives."""

from typing import Any

from amaranth import *

from ...primitives.pipeline import later
from .cells import Cells

__all__ = ["Places"]


class Places:
    """Addresses of the activations that a step of mode LSTM reads and writes.

    Parameters
    ----------
    m : Module
    unit : LstmSteps
    cells : Cells
    reading : Value
        Vectors are read.

    Members
    -------
    here : Signal
        What is read in this cycle.
    misses, read : Value
        While vectors are read: that is outside the memory; or it is the last byte of both.
    misses_cell, overruns_cell : Value
        What the next cell holds is outside the memory, or where it goes, or what the cell gives.
    again, over : Value
        A time has ended, and the next one begins; or it was the last.
    """

    def __init__(self, m: Module, unit: Any, cells: Cells, reading: Value) -> None:
        self.m, self.unit = m, unit
        d, turn = unit.descriptor, cells.turn
        self.width = unit.address_bits + 3
        self.here, self.line, self.given, self.source, self.target, self.output = (
            Signal(signed(self.width), name=name, reset_less=True)
            for name in ("here", "line", "given", "source", "target", "output"))
        left, cells_left, times = (Signal(16, name=name, reset_less=True)
                                   for name in ("left_here", "cells_left", "times"))
        second = Signal()  # what cells gave before is read, and not what comes in
        last = left == 1
        self.misses = reading & self._outside(self.here)
        self.read = reading & last & second
        ends = turn == cells.GIVES + 1
        settled = later(m, ends & (cells_left == 1), unit.storing, "settled", reset=True)
        self.again, self.over = settled & (times != 1), settled & (times == 1)
        with m.If(reading):
            m.d.sync += [self.here.eq(self.here + 1), left.eq(left - 1)]
            with m.If(last):
                m.d.sync += [second.eq(1), self.here.eq(self.given), left.eq(d.height)]
        with m.If(cells.begins):
            m.d.sync += self.here.eq(self.source)
        with m.If(turn == 1):
            m.d.sync += self.here.eq(self.here + 1)
        with m.If(ends):
            m.d.sync += [self.source.eq(self.source + 2), self.target.eq(self.target + 2),
                         self.output.eq(self.output + 1), cells_left.eq(cells_left - 1)]
        whole = Signal(signed(self.width), name="whole", reset_less=True)  # where cells are held
        with m.If(self.again):
            following = (self.line + d.row_step_bytes)[:self.width].as_signed()
            m.d.sync += [self.line.eq(following), self.here.eq(following),
                         self.given.eq(self.output - d.height), self.source.eq(whole),
                         self.target.eq(whole), times.eq(times - 1)]
        with m.If(unit.start):
            held = d.taps_y_step_bytes + d.height
            m.d.sync += [
                self.line.eq(d.base), self.here.eq(d.base), self.given.eq(d.taps_y_step_bytes),
                self.source.eq(held), self.output.eq(d.output), times.eq(d.x),
                self.target.eq(d.output + d.output_row_step),
                whole.eq(d.output + d.output_row_step)]
        with m.If(unit.start | self.again):
            m.d.sync += [left.eq(d.row_bytes), cells_left.eq(d.height), second.eq(0)]
        outside = [self._both_outside(self.source, "source"),
                   self._both_outside(self.target, "target"),
                   later(m, self._outside(self.output), 1, "output_outside")]
        self.misses_cell, self.overruns_cell = outside[0], outside[1] | outside[2]

    def _outside(self, address: Value) -> Value:
        """Return whether an address is outside the memory."""
        return address[-1] | (address[:-1] >= self.unit.size)

    def _both_outside(self, address: Value, name: str) -> Value:
        """Return whether an address or the one behind it is outside the memory, a cycle later."""
        following = address + 1
        return later(self.m, self._outside(address) | self._outside(following), 1,
                     f"{name}_outside")

    def write(self, running: Value, cells: Cells) -> None:
        """Write what a cell holds, the lower byte first, and what it gives."""
        m, unit, turn = self.m, self.unit, cells.turn
        with m.Switch(turn):
            with m.Case(cells.HOLDS, cells.HOLDS + 1):
                m.d.sync += [unit.write.eq(running),
                             unit.write_address.eq(self.target + (turn == cells.HOLDS + 1)),
                             unit.write_byte.eq(Mux(turn == cells.HOLDS, cells.holds[:8],
                                                    cells.holds[8:]))]
            with m.Case(cells.GIVES):
                m.d.sync += [unit.write.eq(running), unit.write_address.eq(self.output),
                             unit.write_byte.eq(cells.gives)]
            with m.Default():
                m.d.sync += unit.write.eq(0)
