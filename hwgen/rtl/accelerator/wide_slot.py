"""Slots whose vectors come with words of the program memory of their own."""

from typing import Any

from amaranth import *

from ...arch.steps import Mode
from .slots import Loops, NextPass, Slot

__all__ = ["WideSlot"]


class WideSlot(Slot):
    """As :class:`Slot`; in steps of mode WIDE words are read with each vector.

    So nothing is read for the next slot. Behind the vectors of a pass come the parameters of its
    column tile, all at once, if it is the first one that has some.

    Parameters
    ----------
    descriptor, issued : Descriptor
        Of the step that is read, and of that whose vectors are issued.
    words, at_once : int
        Words of the program memory, and how many of them are read with a vector.
    interval : int
        Cycles that the lanes take for a vector.
    """

    def __init__(self, m: Module, descriptor: Any, issued: Any, words: int, at_once: int,
                 interval: int) -> None:
        super().__init__(words)
        self.interval = interval
        self.wide, self.next_wide = (Signal(name=name, reset_less=True)
                                     for name in ("is_wide", "next_is_wide"))
        m.d.sync += [self.wide.eq(issued.mode == Mode.WIDE),
                     self.next_wide.eq(descriptor.mode == Mode.WIDE)]
        self.step = Mux(self.wide, at_once, 1)

    def shortest(self, cycles: int) -> Any:
        # Its value goes to the lanes, however few vectors it has.
        return Mux(self.next_wide, self.interval, cycles) if self.interval > cycles else cycles

    def gives_value(self, value: Value) -> Value:
        return Mux(self.wide, self.last_vector, value)

    def writes(self, own: Value) -> Value:
        return own & ~self.next_wide

    def takes_whole(self, take: Value) -> Value:
        return take & self.wide

    def takes_parameters(self) -> Value:
        return Mux(self.wide, self.parameters & ~self.vectors, super().takes_parameters())

    def reads(self, take: Value) -> Value:
        return super().reads(take) | (self.wide & self.vectors)

    def ends(self, loops: Loops, turn_last: Value) -> Value:
        done = ~self.vectors | (self.last_vector & ~self.parameters)
        return Mux(self.wide, done & ~self.short, super().ends(loops, turn_last))

    def asks_last(self, m: Module, last: Value, loops: Loops, turn_last: Value) -> Value:
        final = Signal()  # it is the last one
        ends = final & self.ends(loops, turn_last)
        with m.If(last):
            m.d.sync += final.eq(self.wide)
        with m.Elif(ends):
            m.d.sync += final.eq(0)
        return Mux(self.wide, ends, last)

    def read_words(self, m: Module, loops: Loops, take: Value, swapped: Value) -> None:
        super().read_words(m, loops, take, swapped)
        with m.If(self.wide & take):
            m.d.sync += [self.parameters.eq(0), self.begun.eq(0), self.spare.eq(1)]

    def follow(self, m: Module, ends: Value, coming: NextPass) -> None:
        super().follow(m, ends, coming)
        with m.If(ends & coming.there & self.wide):
            m.d.sync += self.parameters.eq(coming.common.tag.tile)
