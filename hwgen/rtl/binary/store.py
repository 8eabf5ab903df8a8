"""Clamp sums, and write them to the activations, some of a column tile in each cycle."""

from typing import Any

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..primitives.pipeline import at_least
from .array import SUM
from .step import Descriptor

__all__ = ["BinaryStore"]

TOGETHER = 4
"""Bytes that the memory writes at once, at a multiple of as many."""


class BinaryStore(wiring.Component):
    """Write ``lanes`` outputs a cycle, one after the other, from where the descriptor says.

    Parameters
    ----------
    columns, lanes : int
        1, 2 or 4 of the latter, and a multiple of them of the former.
    size : int
        Bytes of the memory.

    Members
    -------
    descriptor : In(Descriptor)
    begin, clear : In(1)
        A step begins, or is stopped.
    take, final : In(1), sums : In(ArrayLayout(signed(16), columns))
        The sums of a column tile, and whether it is the last one. They may come as many cycles
        apart as its outputs take.
    address : Out(unsigned), data : Out(32), mask : Out(4)
        What is written, two cycles later and in those behind.
    error : Out(1)
        Something would have been written outside of the memory.
    done : Out(1)
        The last output of a step was written in the cycle before.
    """

    descriptor: Any
    begin: Value
    clear: Value
    take: Value
    final: Value
    sums: Any
    address: Value
    data: Value
    mask: Value
    error: Value
    done: Value

    latency = 2
    """Cycles from the sums of a column tile to its first outputs."""

    def __init__(self, columns: int, lanes: int, size: int) -> None:
        self.columns = columns
        self.lanes = lanes
        self.size = size
        super().__init__({
            "descriptor": In(Descriptor), "begin": In(1), "clear": In(1), "take": In(1),
            "final": In(1), "sums": In(data.ArrayLayout(signed(SUM), columns)),
            "address": Out(SUM + 1), "data": Out(8 * TOGETHER), "mask": Out(TOGETHER),
            "error": Out(1), "done": Out(1),
        })

    @property
    def interval(self) -> int:
        """Cycles that the outputs of a column tile take."""
        return self.columns // self.lanes

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d, lanes = self.descriptor, self.lanes

        # Sums wait until their turn comes, and move on by as many as are written.
        waiting = Signal(SUM * self.columns, reset_less=True)
        left, final = Signal(range(self.columns + 1)), Signal(reset_less=True)
        m.d.sync += [waiting.eq(waiting[SUM * lanes:]),
                     left.eq(Mux(left > lanes, left - lanes, 0))]
        with m.If(self.take):
            m.d.sync += [waiting.eq(Value.cast(self.sums)), final.eq(self.final),
                         left.eq(Mux(self.final, d.last_columns, self.columns))]
        with m.If(self.clear):
            m.d.sync += left.eq(0)

        wanted, last = Signal(lanes), Signal()
        m.d.sync += [wanted.eq(Cat(left > lane for lane in range(lanes))),
                     last.eq(final & (left != 0) & (left <= lanes))]
        outputs = []
        for lane in range(lanes):
            sum_ = waiting.word_select(lane, SUM).as_signed()
            less, more = (Signal(name=f"{name}_{lane}", reset_less=True)
                          for name in ("less", "more"))
            byte = Signal(8, name=f"byte_{lane}", reset_less=True)
            # A sign comes straight out of a carry chain.
            m.d.sync += [less.eq((sum_ - d.low)[-1]), more.eq((d.high - sum_)[-1]),
                         byte.eq(sum_)]
            outputs.append(Mux(less, d.low, Mux(more, d.high, byte))[:8])

        to = Signal(SUM + 1)
        with m.If(self.begin):
            m.d.sync += to.eq(d.output)
        with m.Elif(wanted.any()):
            m.d.sync += to.eq(to + lanes)
        outside = at_least(to, self.size)
        m.d.comb += [
            self.address.eq(to),
            self.data.eq(Cat(outputs).replicate(TOGETHER // lanes)),
            self.mask.eq(Mux(outside, 0, wanted << to[:2])),
            self.error.eq(wanted.any() & outside),
        ]
        m.d.sync += self.done.eq(last)
        return m
