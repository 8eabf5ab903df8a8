"""Counters of loops."""

from typing import Any

from amaranth import *

__all__ = ["Countdown"]


class Countdown:
    """A loop counter that knows in a register whether its turn is the last."""

    def __init__(self, m: Module, width: int, limit: Value, name: str) -> None:
        self.m = m
        self.limit = limit
        self.left = Signal(width, name=f"{name}_left", reset_less=True)
        self.last = Signal(name=f"{name}_last", reset_less=True)
        self.single = Signal(name=f"{name}_single", reset_less=True)  # a loop of one turn
        m.d.sync += self.single.eq(limit == 1)

    def load(self) -> list[Any]:
        """Begin the loop."""
        return [self.left.eq(self.limit), self.last.eq(self.single)]

    @property
    def penultimate(self) -> Value:
        """Whether the turn behind this one is the last, of more than one."""
        return self.left == 2

    @property
    def next_last(self) -> Value:
        """Whether the turn behind this one is the last; behind the last one the first follows."""
        return Mux(self.last, self.single, self.penultimate)

    def step(self) -> list[Any]:
        """Take a turn; behind the last one the loop begins again."""
        return [self.left.eq(Mux(self.last, self.limit, self.left - 1)),
                self.last.eq(self.next_last)]
